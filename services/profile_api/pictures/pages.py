"""The picture of each answer: why together, why apart, how a profile came to be."""

from collections.abc import Mapping
from typing import Any

from services.identity.domain.explained import limit_words
from services.profile_api.pictures.joins import draw_joins, record_name
from services.profile_api.pictures.svg import AGAINST, FAINT, FOR, MARGIN, NEUTRAL, WIDTH, Sheet
from services.profile_api.pictures.waterfall import draw_waterfall

STEPS_DRAWN_MAX = 40  # the bars of more joins nobody reads; the tree has them all
_OUTCOMES = {"shared": FOR, "generic": AGAINST, "different": AGAINST, "missing": NEUTRAL}

Body = Mapping[str, Any]
"""An answer as the API tells it (explain_view.py)."""


def picture_of_explained(body: Body) -> str:
    sheet = Sheet(title="Why two records are one person")
    sheet.heading(f"{record_name(body['left'])} and {record_name(body['right'])}")
    sheet.sentence(f"stand in profile {body['profile_id']}")
    _standpoint(sheet, body)
    _steps(sheet, body)
    if [body["direct"]] != [step["pair"] for step in body["path"]]:
        sheet.heading("The two by themselves")
        draw_waterfall(sheet, body["direct"]["weight"])
    return sheet.document()


def picture_of_why_not(body: Body) -> str:
    sheet = Sheet(title="Why two records are not one person")
    sheet.heading(f"{record_name(body['left'])} and {record_name(body['right'])}")
    sheet.sentence(f"{body['reason']}: {body['words']}", colour=AGAINST)
    _standpoint(sheet, body)
    if body["reason"] == "never_candidates":
        sheet.heading("What could have made them candidates")
        for key in body["pair"]["keys"]:
            _key(sheet, key)
    if body["link"] is not None:
        sizes = [len(body["between"][side]) for side in ("left", "right")]
        sheet.heading(f"The two groups, of {sizes[0]} and {sizes[1]} records")
        draw_waterfall(sheet, body["link"])
    sheet.heading("The two by themselves")
    draw_waterfall(sheet, body["pair"]["weight"])
    return sheet.document()


def picture_of_how(body: Body) -> str:
    sheet = Sheet(title="How a profile came to be")
    sheet.heading(f"profile {body['profile_id']}")
    if body["identity_confidence"] is not None:
        sheet.sentence(f"identity confidence {body['identity_confidence']}")
    _standpoint(sheet, body)
    draw_joins(sheet, body["records"], body["steps"])
    _steps(sheet, body)
    for note in body["notes"]:
        facts = ", ".join(f"{name} {value}" for name, value in note["facts"].items())
        sheet.sentence(f"for a person to look at: {note['kind']} ({facts})")
    return sheet.document()


def _steps(sheet: Sheet, body: Body) -> None:
    steps = body["path"] if "path" in body else body["steps"]
    for step in steps[:STEPS_DRAWN_MAX]:
        pair = step["pair"]
        sheet.heading(f"{step['number']}. {step['words']}")
        sheet.sentence(f"{record_name(pair['left'])} - {record_name(pair['right'])}")
        if step["decision"] is not None:
            draw_waterfall(sheet, step["decision"])
    left_out = max(0, len(steps) - STEPS_DRAWN_MAX) + body.get("steps_left_out", 0)
    if left_out:
        sheet.sentence(f"{left_out} joins more are not drawn")


def _standpoint(sheet: Sheet, body: Body) -> None:
    bounded = body["bounded"]
    if bounded is not None:
        sheet.sentence(
            f"its component has {bounded['records']} records and is not worked through",
            colour=FAINT,
        )
    elif not body["settled"]:
        sheet.sentence("something still waits to be resolved: this may change", colour=AGAINST)


def _key(sheet: Sheet, key: Mapping[str, Any]) -> None:
    sheet.y += 17
    sheet.text(MARGIN, sheet.y, key["outcome"], width=80, colour=_OUTCOMES[key["outcome"]])
    sheet.text(MARGIN + 90, sheet.y, key["kind"], width=80, colour=FAINT)
    most = key["holders_max"]
    why = "" if most is None else f" ({limit_words(most, is_said=key['steward'])})"
    sheet.text(MARGIN + 180, sheet.y, key["name"] + why, width=WIDTH - 2 * MARGIN - 180)
