"""What every EventLog gives back as it came: keys, values, headers, tombstones, of every size."""

import random

import pytest

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.ports import OutgoingMessage, TopicSettings
from tests.contract.log_fixtures import PARTITIONS, Append, Join, LogFixtures, outgoing, read

BATCH_BYTES = 12 * 1024 * 1024  # more than any request, fetch or page takes at once


class BytesContract(LogFixtures):
    def test_what_was_appended_is_read_as_it_was(
        self, topic: str, append: Append, join: Join
    ) -> None:
        sent = [
            OutgoingMessage(topic=topic, key=b"a", value=b"plain"),
            OutgoingMessage(topic=topic, key=b"a", value=b"", headers=(("trace", b"1"),)),
            OutgoingMessage(topic=topic, key=b"a", value=b"\x00\xff", headers=(("t", b""),)),
            OutgoingMessage(topic=topic, key=b"a", value=b"x", headers=(("t", b"1"), ("t", b"2"))),
            OutgoingMessage(topic=topic, key=b"", value=b"empty key"),
            OutgoingMessage(topic=topic, key=b"a", value=None, headers=(("why", b"erased"),)),
        ]
        append(*sent)
        found = [(each.key, each.value, each.headers) for each in read(join(), len(sent))]
        assert sorted(map(str, found)) == sorted(
            str((each.key, each.value, each.headers)) for each in sent
        )

    def test_a_tombstone_has_no_value_and_an_empty_message_has_one(
        self, topic: str, append: Append, join: Join
    ) -> None:
        append(
            OutgoingMessage(topic=topic, key=b"a", value=None),
            OutgoingMessage(topic=topic, key=b"a", value=b""),
        )
        assert [each.value for each in read(join(), 2)] == [None, b""]

    def test_a_value_of_the_largest_size_passes_and_a_larger_one_is_refused(
        self, append: Append, join: Join, topic: str
    ) -> None:
        bytes_max = TopicSettings(name=topic, partitions=PARTITIONS).message_bytes_max
        largest = bytes(range(256)) * (bytes_max // 256)
        append(
            outgoing(topic, "k", "before"), OutgoingMessage(topic=topic, key=b"k", value=largest)
        )
        with pytest.raises(RejectedError) as refused:
            append(
                outgoing(topic, "k", "never"),
                OutgoingMessage(topic=topic, key=b"k", value=largest + b"x"),
            )
        assert refused.value.reason == RejectReason.TOO_LARGE
        assert [each.value for each in read(join(), 2)] == [b"before", largest]

    @pytest.mark.parametrize("packs_well", [True, False])
    def test_how_well_a_value_packs_changes_nothing(
        self, topic: str, append: Append, join: Join, *, packs_well: bool
    ) -> None:
        """Some logs compress: nothing of it shows, and the size limit is of what was given."""
        bytes_max = TopicSettings(name=topic, partitions=PARTITIONS).message_bytes_max
        noise = random.Random(7)
        values = [
            bytes([number]) * bytes_max if packs_well else noise.randbytes(bytes_max)
            for number in range(BATCH_BYTES // bytes_max)
        ]
        append(*(OutgoingMessage(topic=topic, key=b"k", value=value) for value in values))
        append(outgoing(topic, "k", "last"))
        assert [each.value for each in read(join(), len(values) + 1)] == [*values, b"last"]

    def test_headers_keep_their_names_order_and_bytes(
        self, topic: str, append: Append, join: Join
    ) -> None:
        headers = (
            ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("größe", "groß".encode()),
            ("", b"no name"),
            ("many", b"x" * 10_000),
            *((f"h{number % 3}", bytes([number])) for number in range(40)),
        )
        append(OutgoingMessage(topic=topic, key=b"k", value=b"v", headers=headers))
        assert [each.headers for each in read(join(), 1)] == [headers]
