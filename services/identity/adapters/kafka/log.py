"""Kafka behind the log's port."""

from collections.abc import Mapping, Sequence

from services.identity.adapters.kafka import admin
from services.identity.adapters.kafka.connection import (
    BOOTSTRAP_MS_MAX,
    KafkaConnection,
    KafkaSecurity,
)
from services.identity.adapters.kafka.consumer import KafkaConsumer, end_offsets
from services.identity.adapters.kafka.producer import KafkaProducer
from services.identity.adapters.log_rules import STALL_MS_MAX
from services.identity.ports import Partition, StartingOffsets, TopicSettings


class KafkaLog:
    """`bootstrap` is `host:port`, several parted by commas."""

    def __init__(
        self,
        bootstrap: str,
        *,
        security: KafkaSecurity | None = None,
        bootstrap_ms_max: int = BOOTSTRAP_MS_MAX,
        stall_ms_max: int = STALL_MS_MAX,
    ) -> None:
        self.name = "kafka"
        self._stall_ms_max = stall_ms_max
        self._connection = KafkaConnection(
            bootstrap=bootstrap,
            security=security or KafkaSecurity(),
            bootstrap_ms_max=bootstrap_ms_max,
        )

    def ensure_topics(self, topics: Sequence[TopicSettings]) -> None:
        admin.ensure_topics(self._connection, topics)

    def topic_faults(self, topics: Sequence[TopicSettings]) -> Sequence[str]:
        return admin.topic_faults(self._connection, topics)

    def producer(self) -> KafkaProducer:
        return KafkaProducer(self._connection)

    def consumer(
        self, *, topics: Sequence[str], group: str | None, start: StartingOffsets
    ) -> KafkaConsumer:
        return KafkaConsumer(
            self._connection,
            topics=topics,
            group=group,
            start=start,
            stall_ms_max=self._stall_ms_max,
        )

    def end_offsets(self, topic: str) -> Mapping[Partition, int]:
        return end_offsets(self._connection, topic)

    def close(self) -> None:
        """Producers and consumers are closed by whoever asked for them."""
