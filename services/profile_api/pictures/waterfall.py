"""The bars of one weight: each row from where the rows before it ended, and their sum below."""

from collections.abc import Mapping
from typing import Any

from services.profile_api.pictures.svg import AGAINST, FAINT, FOR, LINE, MARGIN, WIDTH, Sheet

ROW = 20
LABELS = 330  # how much of the width the words take
FIGURES = 70
_PLOT = WIDTH - 2 * MARGIN - LABELS - FIGURES
_BITS_MIN = 2**-20  # what weights are counted in: less is nothing, and nothing has a width


def draw_waterfall(sheet: Sheet, weight: Mapping[str, Any]) -> None:
    """Rows that weigh nothing are left out; the figures are bits."""
    rows = [row for row in weight["rows"] if row["units"]]
    ends = [0.0]
    for row in rows:
        ends.append(ends[-1] + row["bits"])
    low, high = min(ends), max(ends)
    scale = _PLOT / max(high - low, _BITS_MIN)
    left = MARGIN + LABELS

    def place(bits: float) -> float:
        return left + (bits - low) * scale

    top = sheet.y + 6
    bottom = top + ROW * (len(rows) + 1)
    sheet.line([(place(0), top), (place(0), bottom)], colour=LINE)
    for row, before, after in zip(rows, ends, ends[1:], strict=False):
        _row(sheet, _label(row), row["bits"], (place(before), place(after)))
    _row(sheet, "match weight", weight["bits"], (place(0), place(ends[-1])), is_sum=True)
    sheet.y += 8


def _label(row: Mapping[str, Any]) -> str:
    if row["kind"] in {"comparison", "term_frequency"}:
        return f"{row['label']}: {row['level']}"
    return str(row["level"])


def _row(
    sheet: Sheet, label: str, bits: float, ends: tuple[float, float], *, is_sum: bool = False
) -> None:
    sheet.y += ROW
    colour = FOR if bits > 0 else AGAINST
    sheet.text(MARGIN, sheet.y, label, width=LABELS - 8, bold=is_sum)
    left, right = sorted(ends)
    sheet.bar(left, sheet.y - 11, width=right - left, height=14, colour=colour)
    sheet.text(
        WIDTH - MARGIN,
        sheet.y,
        f"{bits:+.2f}".replace("-0.00", "0.00"),
        width=FIGURES,
        colour=colour if is_sum else FAINT,
        anchor="end",
        bold=is_sum,
    )
