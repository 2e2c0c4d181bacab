"""The topics as schemas/topics declares them: who writes, who reads, and how each is created."""

from importlib.resources import files
from typing import Any

import msgspec
import yaml

from services.identity.domain.errors import UsageError
from services.identity.ports import TopicSettings
from services.identity.wire.topics import TOPICS, Topic


class TopicVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`schema` is a file of schemas/, where the version has one."""

    version: int
    format: str
    schema: str | None = None


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    partitions: int
    retention_ms: int | None
    compacted: bool
    message_bytes_max: int
    replication_factor: int


class TopicDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of schemas/topics."""

    topic: Topic
    description: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    key: str
    versions: tuple[TopicVersion, ...]
    settings: BrokerSettings

    def to_settings(self) -> TopicSettings:
        return TopicSettings(
            name=self.topic,
            partitions=self.settings.partitions,
            retention_ms=self.settings.retention_ms,
            compacted=self.settings.compacted,
            message_bytes_max=self.settings.message_bytes_max,
            replication_factor=self.settings.replication_factor,
        )


def declarations() -> tuple[TopicDeclaration, ...]:
    """One for each topic of the code, in its order. Raises UsageError naming a wrong file."""
    return tuple(_declaration(topic) for topic in TOPICS)


def load_topics() -> tuple[TopicSettings, ...]:
    """How every topic is created."""
    return tuple(declaration.to_settings() for declaration in declarations())


def _declaration(topic: Topic) -> TopicDeclaration:
    file = files("schemas") / "topics" / f"{topic}.yaml"
    try:
        written: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return msgspec.convert(written, TopicDeclaration)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(f"schemas/topics/{topic}.yaml cannot be used: {error}") from error
