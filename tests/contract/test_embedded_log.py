"""The log in PostgreSQL keeps the contract, and survives the loss of its connections."""

from collections.abc import Mapping

import psycopg
import pytest

from services.identity.adapters.clock import SystemClock
from services.identity.adapters.embedded.log import EmbeddedLog
from services.identity.domain.errors import RetryableError
from services.identity.ports import EventLog, Partition, Position, TopicSettings
from tests.contract.log_contract import LogContract
from tests.contract.log_fixtures import (
    STALL_MS_MAX,
    from_the_beginning,
    outgoing,
    read,
    until,
)
from tests.contract.log_losses_contract import Remove


class TestEmbeddedLog(LogContract):
    @pytest.fixture
    def log(self, database_url: str) -> EventLog:
        return EmbeddedLog(database_url, clock=SystemClock())

    @pytest.fixture
    def impatient_log(self, database_url: str) -> EventLog:
        return EmbeddedLog(database_url, clock=SystemClock(), stall_ms_max=STALL_MS_MAX)

    @pytest.fixture
    def remove(self, database_url: str) -> Remove:
        def remove(position: Position) -> None:
            with psycopg.connect(database_url) as connection:
                connection.execute(
                    'DELETE FROM log_record WHERE topic = %s AND partition = %s AND "offset" < %s',
                    (position.partition.topic, position.partition.index, position.next_offset),
                )

        return remove


def end_all_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def log(database_url: str) -> EventLog:
    log = EmbeddedLog(database_url, clock=SystemClock())
    log.ensure_topics((TopicSettings(name="events", partitions=2),))
    return log


def test_a_lost_connection_is_worth_another_try(log: EventLog, database_url: str) -> None:
    producer = log.producer()
    producer.append([outgoing("events", "k", "1")])
    end_all_connections(database_url)
    with pytest.raises(RetryableError):
        producer.append([outgoing("events", "k", "2")])
    producer.append([outgoing("events", "k", "2")])
    consumer = log.consumer(topics=["events"], group="g", start=from_the_beginning)
    assert [each.value for each in read(consumer, 2)] == [b"1", b"2"]
    consumer.close()
    producer.close()


def test_a_member_that_lost_its_connection_asks_again_where_to_start(
    log: EventLog, database_url: str
) -> None:
    producer = log.producer()
    producer.append([outgoing("events", "k", str(turn)) for turn in range(3)])
    stored: dict[Partition, int] = {}

    def start(partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        return {each: stored[each] for each in partitions if each in stored}

    consumer = log.consumer(topics=["events"], group="g", start=start)
    stored[read(consumer, 3)[0].partition] = 1
    end_all_connections(database_url)
    with pytest.raises(RetryableError):
        consumer.poll(records_max=10, timeout_ms=0)
    assert consumer.assignment() == frozenset()
    assert [each.value for each in read(consumer, 2)] == [b"1", b"2"]
    consumer.close()
    producer.close()


def test_a_member_that_died_leaves_its_partitions_to_the_others(
    log: EventLog, database_url: str
) -> None:
    dead = log.consumer(topics=["events"], group="g", start=from_the_beginning)
    until([dead], lambda: len(dead.assignment()) == 2)
    end_all_connections(database_url)
    living = log.consumer(topics=["events"], group="g", start=from_the_beginning)
    until([living], lambda: len(living.assignment()) == 2)
    living.close()
    dead.close()


def test_a_refused_message_leaves_no_trace_of_its_batch(log: EventLog, database_url: str) -> None:
    producer = log.producer()
    log.ensure_topics((TopicSettings(name="small", partitions=1, message_bytes_max=3),))
    with pytest.raises(Exception, match="too_large"):
        producer.append([outgoing("small", "k", "abc"), outgoing("small", "k", "abcd")])
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT next_offset FROM log_partition WHERE topic = 'small'")
        assert row.fetchone() == (0,)
    producer.close()
