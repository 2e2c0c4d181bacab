"""The joins of a profile as a tree: its records on the left, every join where two lines meet."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.profile_api.pictures.svg import (
    DECISIVE,
    FOR,
    INK,
    LATE,
    MARGIN,
    NEUTRAL,
    WIDTH,
    Sheet,
)

RECORDS_DRAWN_MAX = 100  # a larger tree is told in words only
ROW = 24
NAMES = 250
JOIN_MAX = 110  # between two joins, where there is room
_COLOURS = {"steward": INK, "identifier": DECISIVE, "weight": FOR, "anonymous": LATE}

Place = tuple[float, float]
"""Where the line of a group ends."""


def draw_joins(
    sheet: Sheet, records: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]
) -> None:
    """Records stand in the order in which no two lines cross."""
    if len(records) > RECORDS_DRAWN_MAX:
        sheet.sentence(f"{len(records)} records: too many to be drawn")
        return
    names = {record["number"]: record_name(record) for record in records}
    ends: dict[int, Place] = {}
    for leaf in _leaves(list(names), steps):
        sheet.y += ROW
        sheet.text(MARGIN, sheet.y, names[leaf], width=NAMES)
        ends[leaf] = (MARGIN + NAMES, sheet.y - 4)
    apart = min(JOIN_MAX, (WIDTH - 2 * MARGIN - NAMES - 60) / max(1, len(steps)))
    for place, step in enumerate(steps):
        x = MARGIN + NAMES + apart * (place + 1)
        left, right = (ends[step[side][0]["number"]] for side in ("left", "right"))
        _join(sheet, step, (left, right), x)
        middle = (x, (left[1] + right[1]) / 2)
        members = (*step["left"], *step["right"])
        ends |= {record["number"]: middle for record in members}
    sheet.y += 12


def _leaves(numbers: Sequence[int], steps: Sequence[Mapping[str, Any]]) -> list[int]:
    rows: dict[int, list[int]] = {each: [each] for each in numbers}
    for step in steps:
        both = [*rows[step["left"][0]["number"]], *rows[step["right"][0]["number"]]]
        rows |= dict.fromkeys(both, both)
    told: list[int] = []
    for each in numbers:
        told += [number for number in rows[each] if number not in told]
    return told


def _join(sheet: Sheet, step: Mapping[str, Any], ends: tuple[Place, Place], x: float) -> None:
    colour = _COLOURS.get(step["kind"], NEUTRAL)
    (left_x, left_y), (right_x, right_y) = ends
    sheet.line([(left_x, left_y), (x, left_y), (x, right_y), (right_x, right_y)], colour=colour)
    middle = (left_y + right_y) / 2
    sheet.text(x + 5, middle - 4, join_name(step), width=100, colour=colour, size=11)


def join_name(step: Mapping[str, Any]) -> str:
    """What made it: the identifier's type, or the weight in bits."""
    decision, identifier = step["decision"], step["identifier"]
    if identifier is not None:
        return f"{step['number']}. {identifier['type']}"
    return f"{step['number']}. {decision['bits']:+.1f}" if decision else f"{step['number']}."


def record_name(record: Mapping[str, Any]) -> str:
    return f"[{record['number']}] {record['source']}/{record['kind']}/{record['key']}"
