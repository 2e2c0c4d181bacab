"""SVG, written: shapes at places, every text escaped, the same picture for the same answer.

No scripts, no styles, no links: a browser shows it, and it asks nobody for anything.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

MEDIA_TYPE = "image/svg+xml"
WIDTH = 820
MARGIN = 16
CHARACTER = 6.6  # of text at 12 px, on average; what is longer than its place is cut
INK, FAINT, LINE, PAPER = "#1d2330", "#5b6475", "#c8cdd6", "#ffffff"
FOR, AGAINST, NEUTRAL, DECISIVE, LATE = "#1c7c54", "#b3362b", "#8a93a3", "#2456a6", "#8a5a00"
# What XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def number(value: float) -> str:
    """A coordinate with one decimal at most."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def legal(text: str) -> str:
    return escape(_ILLEGAL.sub("\ufffd", text), quote=True)


def shortened(text: str, *, width: float) -> str:
    room = max(1, int(width / CHARACTER))
    return text if len(text) <= room else text[: room - 1] + "…"


@dataclass(slots=True)
class Sheet:
    """Grows downwards: whoever draws moves `y` on."""

    title: str
    y: float = MARGIN
    parts: list[str] = field(default_factory=list)

    def text(  # a place, a size and a colour
        self,
        x: float,
        y: float,
        text: str,
        *,
        width: float,
        colour: str = INK,
        size: int = 12,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """What does not fit is cut, and told whole where a pointer rests."""
        shown = shortened(text, width=width * 12 / size)
        whole = f"<title>{legal(text)}</title>" if shown != text else ""
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{size}" fill="{colour}"'
            f' text-anchor="{anchor}"{weight}>{legal(shown)}{whole}</text>'
        )

    def bar(self, x: float, y: float, *, width: float, height: float, colour: str) -> None:
        self.parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(max(width, 0.5))}"'
            f' height="{number(height)}" fill="{colour}"/>'
        )

    def line(self, points: Sequence[tuple[float, float]], *, colour: str = LINE) -> None:
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )

    def heading(self, text: str) -> None:
        self.y += 20
        self.text(MARGIN, self.y, text, width=WIDTH - 2 * MARGIN, size=14, bold=True)
        self.y += 8

    def sentence(self, text: str, *, colour: str = FAINT) -> None:
        """A line of text, on as many lines as it needs."""
        for line in wrapped(text, width=WIDTH - 2 * MARGIN):
            self.y += 16
            self.text(MARGIN, self.y, line, width=WIDTH - 2 * MARGIN, colour=colour)
        self.y += 2

    def document(self) -> str:
        height = number(self.y + MARGIN)
        title = legal(self.title)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
            f' viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}"'
            ' font-family="system-ui, sans-serif">'
        )
        paper = f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>'
        return "\n".join([head, f"<title>{title}</title>", paper, *self.parts, "</svg>", ""])


def wrapped(text: str, *, width: float) -> list[str]:
    room = int(width / CHARACTER)
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
