"""What `plait explain`, `why-not`, `how` and refusals print of the API's answers."""

from typing import Any

from services.cli.output import problem_lines
from services.cli.why import apart_lines, how_lines

RECORD: dict[str, Any] = {"number": 1, "source": "crm", "kind": "record_id", "key": "1"}
OTHER = RECORD | {"number": 2, "key": "2"}
STANDING: dict[str, Any] = {"settled": True, "bounded": None}


def test_what_a_steward_joined_names_the_decision() -> None:
    step = {
        "number": 1,
        "words": "a steward's decision joined one record with one record",
        "steward_decision": "d1",
        "left": [RECORD],
        "right": [OTHER],
        "decision": None,
    }
    lines = how_lines(
        STANDING
        | {
            "profile_id": "p1",
            "identity_confidence": 1.0,
            "records": [RECORD, OTHER],
            "units": [],
            "steps": [step],
            "steps_left_out": 0,
            "notes": [],
            "fragile": None,
        }
    )
    assert "  1. [1] + [2]: a steward's decision joined one record with one record (d1)" in list(
        lines
    )


def test_who_a_steward_separated_names_the_decision() -> None:
    lines = apart_lines(
        STANDING
        | {
            "left": RECORD,
            "right": OTHER,
            "reason": "separated_by_steward",
            "words": "a steward decided that they are two people",
            "facts": {"decision": "d1"},
            "link": None,
            "pair": {"weight": None},
        }
    )
    assert "  decision d1" in list(lines)


def test_a_refusal_tells_what_is_wrong_and_which_decisions_stand_against_it() -> None:
    lines = problem_lines(
        {
            "code": "contradicts",
            "detail": "cannot both hold",
            "errors": [{"pointer": "/path/id", "code": "too_long", "expected": {"max_length": 9}}],
            "decisions": [
                {
                    "id": "d1",
                    "verdict": "different",
                    "by": "lee",
                    "decided_at": "2026-01-01T00:00:00Z",
                    "reason": "father and son",
                }
            ],
        }
    )
    assert lines == [
        "contradicts: cannot both hold",
        "  /path/id: too_long, max_length 9",
        "  d1  different  lee, 2026-01-01T00:00:00Z: father and son",
    ]
