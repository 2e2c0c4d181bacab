"""A model's report as one HTML page with pictures: no script, nothing loaded.

Pictures: what every level is worth, how sure the model was against what became of it, and what
each blocking key found for its cost.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import log2
from typing import Any

Report = Mapping[str, Any]

_WIDTH = 640
_ROW = 18
_BITS_MAX = 16.0  # longer bars are cut: beyond this nobody decides otherwise
_LEFT = 230
_PLOT_HEIGHT = 220
_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em;"
    "color:#222}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:"
    "collapse}td,th{padding:2px 10px 2px 0;text-align:left}td.n,th.n{text-align:right}svg text{"
    "font:11px system-ui,sans-serif;fill:#444}figcaption{color:#555}"
)


def report_page(report: Report) -> str:
    """The whole page."""
    parts = [
        f"<h1>Model {escape(str(report['model_version']))}</h1>",
        _summary(report),
        "<h2>What a level is worth</h2>",
        *(_weights(comparison) for comparison in report["comparisons"]),
        "<h2>How sure, and what became of it</h2>",
        _calibration(report.get("calibration", ())),
        "<h2>Blocking keys: what they find, and for how many pairs</h2>",
        _blocking(report),
        "<h2>Where m comes from</h2>",
        _sessions(report.get("sessions", ())),
    ]
    body = "\n".join(parts)
    head = f'<meta charset="utf-8"><title>Model report</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _summary(report: Report) -> str:
    rows: list[tuple[str, str]] = []
    if "records" in report:
        rows.append(("records", f"{report['records']:,}"))
        rows.append(("of these trained on", f"{report['records_trained_on']:,}"))
    prior = float(report["prior_bits"])
    rows.append(("of all pairs, one person", f"one in {2**-prior:,.0f} ({prior:.1f} bits)"))
    shares = {
        "household_share": "of all pairs, two relatives",
        "twin_share": "of all pairs, twins",
        "namesake_share": "of all pairs, relatives with one given name",
    }
    for name, words in shares.items():
        share = float(report.get(name, 0.0))
        if share > 0:
            rows.append((words, f"one in {1 / share:,.0f}"))
    alone = float(report.get("alone_share", 1.0))
    if alone < 1:
        rows.append(("of all records, the only one of their person", f"{alone:.1%}"))
    for column, share in sorted(report.get("contact_shares", {}).items()):
        rows.append((f"of all relatives, one value in {column}", f"{share:.0%}"))
    if "pairs_per_record" in report:
        rows.append(("candidate pairs a record", f"{report['pairs_per_record']:,.1f}"))
    return _table((), rows)


def _weights(comparison: Mapping[str, Any]) -> str:
    """Bars from the middle: right speaks for one person, left against."""
    levels = comparison["levels"]
    middle = _LEFT + (_WIDTH - _LEFT - 60) / 2
    scale = (_WIDTH - _LEFT - 60) / 2 / _BITS_MAX
    shapes = [_line(middle, 0, middle, _ROW * len(levels), "#999")]
    for number, level in enumerate(levels):
        bits = log2(max(level["m"], 1e-9) / max(level["u"], 1e-9))
        length = min(abs(bits), _BITS_MAX) * scale
        start = middle if bits > 0 else middle - length
        top = _ROW * number
        colour = "#3a7d44" if bits > 0 else "#b5483a"
        shapes.append(_text(_LEFT - 8, top + 13, level["label"], anchor="end"))
        shapes.append(_bar(start, top + 3, length, _ROW - 6, colour))
        shapes.append(_text(_WIDTH, top + 13, f"{bits:+.1f}", anchor="end"))
    return _figure(
        shapes,
        height=_ROW * len(levels),
        caption=f"{comparison['field']} ({comparison['kind']}), in bits; rare values weigh more",
    )


def _calibration(buckets: Sequence[Mapping[str, Any]]) -> str:
    """For pairs of one weight: the share the model expects, and the share that was joined."""
    shown = [bucket for bucket in buckets if bucket["pairs"] > 0]
    if not shown:
        return "<p>This report was written without it.</p>"
    step = (_WIDTH - 60) / len(shown)
    shapes = [_line(40, y, _WIDTH, y, "#ddd") for y in (10, 10 + _PLOT_HEIGHT)]
    expected, joined = [], []
    for number, bucket in enumerate(shown):
        middle = 50 + step * (number + 0.5)
        expected.append((middle, _height(bucket["expected"] / bucket["pairs"])))
        joined.append((middle, _height(bucket["joined"] / bucket["pairs"])))
        shapes.append(_text(middle, 25 + _PLOT_HEIGHT, f"{bucket['from_bits']:+d}"))
        shapes.append(_text(middle, 40 + _PLOT_HEIGHT, f"{bucket['pairs']:,}"))
    shapes += [_text(36, 14, "1", anchor="end"), _text(36, 14 + _PLOT_HEIGHT, "0", anchor="end")]
    shapes += [_path(expected, "#999"), _path(joined, "#2b6cb0")]
    caption = (
        "candidate pairs by weight in bits (first number) and how many there are (second): grey the"
        " share the weight promises, blue the share that ended in one cluster"
    )
    return _figure(shapes, height=_PLOT_HEIGHT + 45, caption=caption)


def _height(share: float) -> float:
    return 10 + _PLOT_HEIGHT * (1 - share)


def _blocking(report: Report) -> str:
    keys = report.get("keys", ())
    if not keys:
        return "<p>No key was worth its pairs.</p>"
    records = max(int(report.get("records_trained_on", 1)), 1)
    matches = max(float(report.get("matches_expected", 0.0)), 1.0)
    found = cost = 0.0
    points, rows = [(0.0, 0.0)], []
    for key in keys:
        found += key["new_matches_expected"] / matches
        cost += key["new_pairs"] / records
        points.append((cost, found))
        rows.append(
            (" + ".join(key["tokens"]), f"{min(found, 1):.1%}", f"{key['new_pairs'] / records:.2f}")
        )
    drawn = [(50 + (_WIDTH - 60) * x / max(cost, 0.01), _height(min(y, 1.0))) for x, y in points]
    shapes = [_line(50, y, _WIDTH, y, "#ddd") for y in (10, 10 + _PLOT_HEIGHT)]
    shapes += [_path(drawn, "#2b6cb0"), *(_dot(x, y) for x, y in drawn)]
    shapes += [
        _text(44, 14, "100 %", anchor="end"),
        _text(_WIDTH, 25 + _PLOT_HEIGHT, f"{cost:.1f} pairs a record", anchor="end"),
    ]
    head = ("key", "expected matches found so far", "new pairs a record")
    caption = "share of the expected matches found, against candidate pairs a record, key by key"
    return _figure(shapes, height=_PLOT_HEIGHT + 30, caption=caption) + _table(head, rows)


def _sessions(sessions: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (" and ".join(each["rule"]), f"{each['pairs']:,}", f"{each['match_share']:.0%}")
        for each in sessions
    ]
    if not rows:
        return "<p>No two fields single out matches: m is what is usual for each kind.</p>"
    return _table(("pairs equal in", "pairs", "of these one person"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"] * bool(head)
    for first, *rest in rows:
        cells = f"<td>{escape(first)}</td>"
        lines.append(
            f"<tr>{cells}{''.join(f'<td class=n>{escape(cell)}</td>' for cell in rest)}</tr>"
        )
    return f"<table>{''.join(lines)}</table>"


def _figure(shapes: Iterable[str], *, height: float, caption: str) -> str:
    box = f'viewBox="0 0 {_WIDTH + 10} {height:.0f}" width="{_WIDTH + 10}"'
    inside = "".join(shapes)
    return (
        f'<figure><svg xmlns="http://www.w3.org/2000/svg" role="img" {box}>'
        f"<title>{escape(caption)}</title>{inside}</svg>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str) -> str:
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{colour}"/>'


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#2b6cb0"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
