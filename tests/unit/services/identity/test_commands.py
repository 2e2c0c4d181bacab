"""Commands of stewards on the wire: read back as they were, refused with a reason."""

import json
from typing import Any

import pytest

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.steward import SIDE_RECORDS_MAX, Decision, Verdict
from services.identity.wire.commands import decide, outgoing, read, withdraw

ANN, BEN = (RecordKey("web", "user_id", name) for name in ("ann", "ben"))
DECISION = decide(
    Verdict.SAME, [BEN], [ANN, ANN], decided_at=Micros(5), by="steward", reason="one card"
)


def body(**changed: Any) -> bytes:  # noqa: ANN401  # whatever a sender says
    return json.dumps(json.loads(outgoing(DECISION).value or b"") | changed).encode()


def test_a_decision_is_read_as_it_was_made() -> None:
    assert read(outgoing(DECISION).value or b"") == DECISION


def test_a_withdrawal_goes_the_way_of_its_decision() -> None:
    taken_back = withdraw(DECISION.id, decided_at=Micros(6), by="steward", reason="a mistake")
    message = outgoing(taken_back)
    assert read(message.value or b"") == taken_back
    assert message.key == outgoing(DECISION).key


def test_the_id_follows_from_the_content() -> None:
    sides = ([ANN, BEN], [RecordKey("web", "user_id", "cat")])

    def made(at: int, reason: str) -> Decision:
        return decide(Verdict.SAME, *sides, decided_at=Micros(at), by="s", reason=reason)

    assert made(1, "a").id == made(1, "a").id
    assert len({made(1, "a").id, made(2, "a").id, made(1, "b").id}) == 3


SIDE = [{"source": "web", "kind": "user_id", "key": "ann"}]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"{", RejectReason.BROKEN_JSON, id="broken"),
        pytest.param(
            b'{"type":"identity.decide","x":' + b"[" * 100_000, RejectReason.BROKEN_JSON, id="deep"
        ),
        pytest.param(body(verdict="maybe"), RejectReason.WRONG_TYPE, id="verdict"),
        pytest.param(body(left=[]), RejectReason.WRONG_TYPE, id="empty-side"),
        pytest.param(
            body(left=SIDE * (SIDE_RECORDS_MAX + 1)), RejectReason.WRONG_TYPE, id="long-side"
        ),
        pytest.param(body(right=SIDE, left=SIDE), RejectReason.ILLEGAL_IDENTIFIER, id="overlap"),
        pytest.param(body(reason="other"), RejectReason.ILLEGAL_IDENTIFIER, id="foreign-id"),
        pytest.param(body(type="identity.erase"), RejectReason.WRONG_TYPE, id="unknown-type"),
    ],
)
def test_what_is_no_command_of_ours_is_refused_with_a_reason(
    raw: bytes, reason: RejectReason
) -> None:
    with pytest.raises(RejectedError) as refused:
        read(raw)
    assert refused.value.reason is reason
