"""What every Kafka client here is told, and what its errors mean. Options as kafka-python 3 has."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from kafka.errors import (
    IllegalArgumentError,
    IllegalStateError,
    KafkaConfigurationError,
    KafkaError,
    MessageSizeTooLargeError,
)

from services.identity.adapters.kafka.sockets import DIRECT
from services.identity.domain.errors import (
    RejectedError,
    RejectReason,
    RetryableError,
    UsageError,
)

REQUEST_MS_MAX = 10_000  # one request; a sender waits for us, so not the client's 30 s
BOOTSTRAP_MS_MAX = 10_000
RECONNECT_MS_MAX = 1_000  # between two tries; with the client's 30 s a short outage is a long one


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """How to be let in. The default is a broker on this machine or in a private network."""

    protocol: str = "PLAINTEXT"
    ca_file: str | None = None
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    bootstrap: str
    security: KafkaSecurity
    bootstrap_ms_max: int = BOOTSTRAP_MS_MAX

    def options(self) -> dict[str, Any]:
        """What a client is made with, once a broker was seen to listen.

        Raises RetryableError otherwise: a client of kafka-python 3.0.12 that finds no broker
        leaves its thread and sockets behind, and whoever tries again would pile them up.
        """
        if not any(self._listens(address) for address in self.bootstrap.split(",")):
            raise RetryableError("no Kafka broker listens at the given addresses")
        security = self.security
        return {
            "bootstrap_servers": self.bootstrap.split(","),
            "client_id": "plait",
            "proxy_url": DIRECT,
            "security_protocol": security.protocol,
            "ssl_cafile": security.ca_file,
            "sasl_mechanism": security.sasl_mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.password,
            "request_timeout_ms": REQUEST_MS_MAX,
            "bootstrap_timeout_ms": self.bootstrap_ms_max,
            "reconnect_backoff_max_ms": RECONNECT_MS_MAX,
        }

    def _listens(self, address: str) -> bool:
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise UsageError("a Kafka address is host:port")
        with (
            suppress(OSError),
            socket.create_connection((host.strip("[]"), int(port)), self.bootstrap_ms_max / 1000),
        ):
            return True
        return False


@contextmanager
def kafka_errors() -> Iterator[None]:
    """The broker's failures are worth another try, except where trying again changes nothing."""
    try:
        yield
    except MessageSizeTooLargeError as error:
        raise RejectedError(RejectReason.TOO_LARGE, "more than its topic takes") from error
    except (IllegalStateError, IllegalArgumentError):
        raise  # a bug of ours
    except KafkaConfigurationError as error:
        raise UsageError(f"Kafka's client refuses its configuration: {error}") from error
    except KafkaError as error:
        raise RetryableError(f"Kafka cannot be used now ({type(error).__name__})") from error
