"""The durable log in tables of PostgreSQL: the default in place of Kafka, behind the same port."""

from collections.abc import Mapping, Sequence

from services.identity.adapters.embedded import topics as topics_of
from services.identity.adapters.embedded.consumer import EmbeddedConsumer
from services.identity.adapters.embedded.producer import EmbeddedProducer
from services.identity.adapters.embedded.session import Session
from services.identity.adapters.log_rules import STALL_MS_MAX, faults
from services.identity.ports import Clock, Partition, StartingOffsets, TopicSettings


class EmbeddedLog:
    """Each producer and consumer has a connection of its own. Needs the schema to exist."""

    def __init__(self, url: str, *, clock: Clock, stall_ms_max: int = STALL_MS_MAX) -> None:
        self.name = "embedded"
        self._stall_ms_max = stall_ms_max
        self._url = url
        self._clock = clock

    def ensure_topics(self, topics: Sequence[TopicSettings]) -> None:
        session = Session(self._url)
        try:
            with session.use() as connection:
                topics_of.ensure(connection, topics)
        finally:
            session.close()

    def topic_faults(self, topics: Sequence[TopicSettings]) -> Sequence[str]:
        session = Session(self._url)
        try:
            with session.use() as connection:
                found = topics_of.found(connection, [topic.name for topic in topics])
        finally:
            session.close()
        return faults(topics, found)

    def producer(self) -> EmbeddedProducer:
        return EmbeddedProducer(self._url, clock=self._clock)

    def consumer(
        self, *, topics: Sequence[str], group: str | None, start: StartingOffsets
    ) -> EmbeddedConsumer:
        return EmbeddedConsumer(
            self._url, topics=topics, group=group, start=start, stall_ms_max=self._stall_ms_max
        )

    def end_offsets(self, topic: str) -> Mapping[Partition, int]:
        session = Session(self._url)
        try:
            with session.use() as connection:
                rows = connection.execute(
                    "SELECT partition, next_offset FROM log_partition WHERE topic = %s", (topic,)
                ).fetchall()
        finally:
            session.close()
        return {Partition(topic, index): offset for index, offset in rows}

    def close(self) -> None:
        """Producers and consumers are closed by whoever asked for them."""
