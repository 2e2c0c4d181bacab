"""What every EventLog keeps about its topics: as declared, growing, never shrinking."""

from dataclasses import replace

import pytest

from services.identity.domain.errors import UsageError
from services.identity.ports import EventLog, TopicSettings
from tests.contract.log_fixtures import PARTITIONS, Join, LogFixtures, until

DAY_MS = 86_400_000
MADE = TopicSettings(
    name="", partitions=PARTITIONS, retention_ms=DAY_MS, message_bytes_max=100_000
)  # other than any log's defaults
SMALLER = {
    "partitions": replace(MADE, partitions=PARTITIONS - 1),
    "retention_ms": replace(MADE, retention_ms=DAY_MS // 2),
    "compacted": replace(MADE, compacted=True),
    "message_bytes_max": replace(MADE, message_bytes_max=99_999),
}


class TopicsContract(LogFixtures):
    @pytest.fixture
    def declared(self, topic: str) -> TopicSettings:
        return replace(MADE, name=f"{topic}-made")

    def test_a_topic_is_made_as_it_is_declared(
        self, log: EventLog, declared: TopicSettings
    ) -> None:
        assert list(log.topic_faults([declared])) == [f"topic {declared.name} does not exist"]
        log.ensure_topics([declared])
        assert list(log.topic_faults([declared])) == []

    @pytest.mark.parametrize("setting", SMALLER)
    def test_what_would_shrink_a_topic_is_refused_and_changes_nothing(
        self, log: EventLog, declared: TopicSettings, setting: str
    ) -> None:
        log.ensure_topics([declared])
        smaller = replace(SMALLER[setting], name=declared.name)
        other = replace(declared, name=f"{declared.name}-other")
        with pytest.raises(UsageError, match=f"{declared.name}: {setting} is .* cannot shrink"):
            log.ensure_topics([other, smaller])
        assert list(log.topic_faults([declared])) == []
        assert list(log.topic_faults([other])) == [f"topic {other.name} does not exist"]
        assert [setting in each for each in log.topic_faults([smaller])] == [True]

    def test_a_topic_grows_in_place(self, log: EventLog, declared: TopicSettings) -> None:
        log.ensure_topics([declared])
        larger = replace(
            declared, partitions=PARTITIONS + 1, retention_ms=None, message_bytes_max=200_000
        )
        assert len(log.topic_faults([larger])) == 3
        log.ensure_topics([larger])
        assert list(log.topic_faults([larger])) == []

    def test_who_reads_a_topic_that_grows_reads_all_of_it(
        self, log: EventLog, topic: str, join: Join
    ) -> None:
        log.ensure_topics((TopicSettings(name=topic, partitions=PARTITIONS + 1),))
        consumer = join()
        until([consumer], lambda: len(consumer.assignment()) == PARTITIONS + 1)
