"""A real broker keeps the contract and the topics as declared; its death loses nothing."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from services.identity.adapters.kafka.broker import LocalBroker
from services.identity.adapters.kafka.log import KafkaLog
from services.identity.adapters.kafka.producer import CLOSE_SECONDS_MAX
from services.identity.adapters.topics import load_topics
from services.identity.domain.errors import RetryableError
from services.identity.ports import (
    Consumer,
    EventLog,
    Message,
    Partition,
    Position,
    Producer,
    TopicSettings,
)
from tests.contract.log_contract import LogContract
from tests.contract.log_fixtures import (
    STALL_MS_MAX,
    WAIT_SECONDS_MAX,
    from_the_beginning,
    outgoing,
)
from tests.contract.log_holes_contract import HolesContract, LeaveHole
from tests.contract.log_losses_contract import Remove

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


class TestKafkaLog(LogContract, HolesContract):
    @pytest.fixture
    def log(self, kafka_bootstrap: str) -> EventLog:
        return KafkaLog(kafka_bootstrap)

    @pytest.fixture
    def impatient_log(self, kafka_bootstrap: str) -> EventLog:
        return KafkaLog(kafka_bootstrap, stall_ms_max=STALL_MS_MAX)

    @pytest.fixture
    def remove(self, admin: KafkaAdminClient) -> Remove:
        def remove(position: Position) -> None:
            place = TopicPartition(position.partition.topic, position.partition.index)
            admin.delete_records({place: position.next_offset})

        return remove

    @pytest.fixture
    def leave_hole(self, kafka_bootstrap: str) -> Iterator[LeaveHole]:
        """Somebody else's transaction that came to nothing: its message and its marker."""
        client = KafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id="contract")
        client.init_transactions()

        def leave_hole(partition: Partition) -> None:
            client.begin_transaction()
            client.send(partition.topic, value=b"never was", partition=partition.index)
            client.flush()
            client.abort_transaction()

        yield leave_hole
        client.close()

    def test_asking_for_ends_warns_of_nothing(
        self, log: EventLog, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A probe asks every two seconds."""
        with caplog.at_level("WARNING"):
            log.end_offsets("events")
        assert [each.name for each in caplog.records] == []


def test_a_broker_that_does_not_answer_is_worth_another_try() -> None:
    log = KafkaLog("127.0.0.1:1", bootstrap_ms_max=300)
    with pytest.raises(RetryableError):
        log.ensure_topics((TopicSettings(name="events", partitions=1),))
    with pytest.raises(RetryableError):
        log.producer().append([outgoing("events", "k", "x")])


@pytest.fixture
def admin(kafka_bootstrap: str) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    yield client
    client.close()


def configs(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    found = admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")
    return {name: each["value"] for name, each in found["topic"][topic].items()}


def test_every_topic_of_the_product_is_made_as_declared(
    kafka_bootstrap: str, admin: KafkaAdminClient
) -> None:
    """On one broker, with as many replicas as that allows."""
    log = KafkaLog(kafka_bootstrap)
    log.ensure_topics(load_topics())
    log.ensure_topics(load_topics())
    assert list(log.topic_faults(load_topics())) == []
    for topic in load_topics():
        found = configs(admin, topic.name)
        assert found["retention.ms"] == "-1"
        assert found["retention.bytes"] == "-1"
        assert found["cleanup.policy"] == "delete"
        assert int(found["max.message.bytes"]) >= topic.message_bytes_max
        assert found["min.insync.replicas"] == "1"
        assert found["unclean.leader.election.enable"] == "false"
        partitions = admin.describe_topics([topic.name])[0]["partitions"]
        assert len(partitions) == topic.partitions


def test_what_another_hand_set_otherwise_is_told_and_put_right(
    kafka_bootstrap: str, admin: KafkaAdminClient
) -> None:
    log = KafkaLog(kafka_bootstrap)
    declared = TopicSettings(name="touched", partitions=1)
    log.ensure_topics([declared])
    others = {
        "retention.ms": "1000",
        "retention.bytes": "9",
        "message.timestamp.type": "CreateTime",
    }
    admin.alter_configs([ConfigResource("TOPIC", "touched", others)])
    assert sorted(log.topic_faults([declared])) == [
        "topic touched: message.timestamp.type is CreateTime, it must be LogAppendTime",
        "topic touched: retention.bytes is 9, it must be -1",
        "topic touched: retention_ms is 1000, declared is unlimited",
    ]
    log.ensure_topics([declared])
    assert list(log.topic_faults([declared])) == []


def test_values_are_kept_compressed(kafka_bootstrap: str, admin: KafkaAdminClient) -> None:
    log = KafkaLog(kafka_bootstrap)
    log.ensure_topics([TopicSettings(name="packed", partitions=1)])
    with closing(log.producer()) as producer:
        producer.append([outgoing("packed", "k", "x" * 100_000) for _ in range(10)])
    folders = [each for broker in admin.describe_log_dirs() for each in broker["log_dirs"]]
    stored = [
        partition["partition_size"]
        for folder in folders
        for topic in folder["topics"]
        if topic["name"] == "packed"
        for partition in topic["partitions"]
    ]
    assert 0 < sum(stored) < 100_000


class Writer(threading.Thread):
    """Appends 0, 1, 2, ... one by one, each again and again until it is acknowledged."""

    def __init__(self, log: KafkaLog, topic: str) -> None:
        super().__init__()
        self.acknowledged = 0
        self.halt = threading.Event()
        self._log = log
        self._topic = topic

    def run(self) -> None:
        with closing(self._log.producer()) as producer:
            while not self.halt.is_set():
                turn = self.acknowledged
                try:
                    producer.append([outgoing(self._topic, f"k-{turn % 3}", str(turn))])
                except RetryableError:
                    time.sleep(0.05)
                    continue
                self.acknowledged += 1

    def until(self, count: int) -> None:
        give_up_at = time.monotonic() + WAIT_SECONDS_MAX
        while self.acknowledged < count:
            assert self.is_alive()
            assert time.monotonic() < give_up_at
            time.sleep(0.01)


def test_a_killed_broker_comes_back_where_it_was_with_what_it_acknowledged(
    kafka_bootstrap: str, kafka_folder: Path
) -> None:
    """Its clients go on by themselves, and what is sent again keeps the order of its key."""
    log = KafkaLog(kafka_bootstrap)
    log.ensure_topics([TopicSettings(name="survivor", partitions=2)])
    reader = log.consumer(topics=["survivor"], group="s", start=from_the_beginning)
    writer = Writer(log, "survivor")
    with closing(reader):
        writer.start()
        try:
            writer.until(30)
            producer = log.producer()
            producer.append([outgoing("survivor", "other", "x")])
            assert LocalBroker(kafka_folder).kill()
            _closes_while_it_appends(producer, "survivor")
            assert LocalBroker(kafka_folder).start() == kafka_bootstrap
            writer.until(writer.acknowledged + 30)
        finally:
            writer.halt.set()
            writer.join()
        messages = _all(reader, sum(log.end_offsets("survivor").values()))
    for key in (0, 1, 2):
        turns = [int(each.value or b"") for each in messages if each.key == f"k-{key}".encode()]
        assert list(dict.fromkeys(turns)) == list(range(key, writer.acknowledged, 3))


def _closes_while_it_appends(producer: Producer, topic: str) -> None:
    """To a broker that is away: whoever stops does not wait for what may never come."""
    with ThreadPoolExecutor(1) as other:
        appending = other.submit(producer.append, [outgoing(topic, "other", "x")])
        time.sleep(0.2)
        begun = time.monotonic()
        producer.close()
        with pytest.raises(RetryableError):
            appending.result()
        assert time.monotonic() - begun < 2 * CLOSE_SECONDS_MAX + 1


def _all(reader: Consumer, number: int) -> list[Message]:
    """Every message there is, whatever the reader must wait for first."""
    found: list[Message] = []
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    while len(found) < number:
        assert time.monotonic() < give_up_at
        try:
            found.extend(reader.poll(records_max=500, timeout_ms=200))
        except RetryableError:
            time.sleep(0.1)
    return found
