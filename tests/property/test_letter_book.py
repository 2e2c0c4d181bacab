"""What a letter is today follows from the set of its entries, in whatever order they are read."""

import base64
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.errors import RejectReason
from services.identity.domain.ids import Micros
from services.identity.ports import Message, Partition
from services.identity.wire.dead_letter import DeadLetter, encode
from services.identity.wire.events import DEAD_LETTER_TOPIC
from services.identity.wire.letter_book import LetterBook, LetterFilter

START = datetime(2026, 1, 1, tzinfo=UTC)
BODY = base64.b64encode(b"{}").decode()


def entry(letter: str, tries: int, minute: int, *, redriven: bool) -> DeadLetter:
    return DeadLetter(
        reason=RejectReason.TOO_LARGE,
        detail="it is too large",
        origin="ingest",
        at=START + timedelta(minutes=minute),
        first_at=START + timedelta(minutes=minute // 2),
        body="" if redriven else BODY,
        id=letter,
        tries=tries,
        redriven=redriven,
    )


ENTRIES = st.lists(
    st.builds(
        entry,
        st.sampled_from(("one", "two")),
        st.integers(1, 3),
        st.integers(0, 3),
        redriven=st.booleans(),
    ),
    max_size=8,
)


def read(messages: list[Message]) -> LetterBook:
    book = LetterBook()
    for message in messages:
        book.add(message)
    return book


def message(offset: int, value: bytes) -> Message:
    return Message(
        partition=Partition(DEAD_LETTER_TOPIC, 0),
        offset=offset,
        appended_at=Micros(0),
        key=None,
        value=value,
    )


@given(ENTRIES, st.randoms(use_true_random=False))
def test_neither_order_nor_repeats_matter(entries: list[DeadLetter], chance: object) -> None:
    messages = [message(offset, encode(each)) for offset, each in enumerate(entries)]
    shuffled = [*messages, *messages]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    every = LetterFilter(with_redriven=True)
    assert read(shuffled).letters(every) == read(messages).letters(every)


@given(ENTRIES)
def test_a_letter_is_open_while_its_latest_try_failed(entries: list[DeadLetter]) -> None:
    messages = [message(offset, encode(each)) for offset, each in enumerate(entries)]
    shown = {each.id: each for each in read(messages).letters(LetterFilter())}
    for letter in ("one", "two"):
        failed = [each for each in entries if each.id == letter and not each.redriven]
        sent = [each.tries for each in entries if each.id == letter and each.redriven]
        latest = max((each.tries for each in failed), default=0)
        assert (letter in shown) is (latest > max(sent, default=0))
        if letter in shown:
            assert shown[letter].tries == latest
            assert shown[letter].first_at == min(each.first for each in failed)


def test_a_message_that_is_no_letter_is_counted() -> None:
    book = read([message(0, b"{"), message(1, b"\xff"), message(2, b"[]")])
    assert (book.unread, book.letters(LetterFilter())) == (3, [])
