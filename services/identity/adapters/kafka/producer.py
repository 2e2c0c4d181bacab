"""Appending to Kafka: acknowledged by all replicas in sync, in order per key, no copies."""

import itertools
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer as Client
from kafka.errors import IllegalStateError, KafkaTimeoutError

from services.identity.adapters.kafka import admin
from services.identity.adapters.kafka.connection import KafkaConnection, kafka_errors
from services.identity.adapters.kafka.partitioner import kafka_partition_of
from services.identity.adapters.log_rules import refuse_too_large, unknown_topics
from services.identity.domain.errors import RetryableError
from services.identity.ports import OutgoingMessage, Partition, Position

DELIVERY_MS_MAX = 15_000  # then the caller is told, and sends again
CLOSE_SECONDS_MAX = 1.0  # for what another thread is appending; nothing else is under way
METADATA_MS_MAX = 5_000
REQUEST_BYTES_MAX = 8 * 1024 * 1024  # several messages of the largest size
BATCH_BYTES = 256 * 1024  # the client's 16 KB would make a request of every sixty events


class KafkaProducer:
    """Threads may share one. After a failure it starts anew: no gap in sequences stays behind."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._client: Any = None
        self._bytes_max: dict[str, int] = {}
        self._lock = threading.Lock()
        self._unkeyed = itertools.count()

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        if not messages:
            return []
        client: Any = None
        try:
            with kafka_errors():
                client = self._connected()
                self._refuse_too_large(messages)
                sent = self._send(client, messages)
                client.flush(timeout=(DELIVERY_MS_MAX + 1_000) / 1000)
                done = [future.get(timeout=1) for future in sent]
        except IllegalStateError as error:
            if self._client is client:
                raise  # a bug of ours
            raise RetryableError("the producer was closed by another thread") from error
        except BaseException:
            self._forget(client)
            raise
        return [Position(Partition(each.topic, each.partition), each.offset + 1) for each in done]

    def close(self) -> None:
        """What another thread appends meanwhile fails when it takes too long."""
        client, self._client = self._client, None
        if client is not None:
            _let_go(client, seconds_max=CLOSE_SECONDS_MAX)

    def _refuse_too_large(self, messages: Sequence[OutgoingMessage]) -> None:
        """Before anything is sent, so that a refusal changes nothing."""
        unread = {message.topic for message in messages} - self._bytes_max.keys()
        if unread:
            self._bytes_max |= admin.message_bytes_max(self._connection, sorted(unread))
        for message in messages:
            refuse_too_large(message, self._bytes_max[message.topic])

    def _send(self, client: Any, messages: Sequence[OutgoingMessage]) -> list[Any]:  # noqa: ANN401  # kafka-python has no types
        counts = {each: self._partitions(client, each) for each in {m.topic for m in messages}}
        return [
            client.send(
                message.topic,
                value=message.value,
                key=message.key,
                headers=list(message.headers),
                partition=next(self._unkeyed) % counts[message.topic]
                if message.key is None
                else kafka_partition_of(message.key, counts[message.topic]),
            )
            for message in messages
        ]

    @staticmethod
    def _partitions(client: Any, topic: str) -> int:  # noqa: ANN401  # as above
        try:
            found = client.partitions_for(topic)
        except KafkaTimeoutError:
            if not client.bootstrap_connected():
                raise
            raise unknown_topics([topic]) from None
        if not found:
            raise unknown_topics([topic])
        return len(found)

    def _connected(self) -> Any:  # noqa: ANN401  # as above
        with self._lock:
            if self._client is None:
                self._client = Client(
                    **self._connection.options(),
                    acks="all",
                    enable_idempotence=True,
                    compression_type="lz4",
                    linger_ms=5,
                    batch_size=BATCH_BYTES,
                    max_request_size=REQUEST_BYTES_MAX,
                    delivery_timeout_ms=DELIVERY_MS_MAX,
                    max_block_ms=METADATA_MS_MAX,
                    allow_auto_create_topics=False,
                    metrics_enabled=False,  # ours are enough; these cost time per message
                )
            return self._client

    def _forget(self, client: Any) -> None:  # noqa: ANN401  # as above
        with self._lock:
            if client is None or self._client is not client:
                return
            self._client = None
        _let_go(client, seconds_max=0)


def _let_go(client: Any, *, seconds_max: float) -> None:  # noqa: ANN401  # as above
    """A client that is closed with messages on their way raises, and its thread stays behind."""
    with suppress(KafkaTimeoutError):
        client.flush(timeout=seconds_max)
    client._sender.force_close()  # noqa: SLF001  # the client's own close does it, later
    with suppress(KafkaTimeoutError):
        client.close(timeout=CLOSE_SECONDS_MAX)
