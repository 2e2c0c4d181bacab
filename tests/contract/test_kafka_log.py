"""A real broker keeps the contract; its topics are made as they were described."""

import pytest

from services.identity.adapters.kafka.log import KafkaLog
from services.identity.domain.errors import RetryableError
from services.identity.ports import EventLog, TopicSettings
from tests.contract.log_contract import LogContract, outgoing

pytestmark = pytest.mark.kafka


class TestKafkaLog(LogContract):
    @pytest.fixture
    def log(self, kafka_bootstrap: str) -> EventLog:
        return KafkaLog(kafka_bootstrap)


def test_a_broker_that_does_not_answer_is_worth_another_try() -> None:
    log = KafkaLog("127.0.0.1:1", bootstrap_ms_max=300)
    with pytest.raises(RetryableError):
        log.ensure_topics((TopicSettings(name="events", partitions=1),))
    with pytest.raises(RetryableError):
        log.producer().append([outgoing("events", "k", "x")])
