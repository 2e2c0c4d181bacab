"""The file of `--config`: which database, which log, which ports and secrets. Read once a command.

A variable of the environment (`PLAIT_DATABASE`, `PLAIT_PORTS__API` ...) wins over the file, so that
secrets need not stand in it. Errors name keys, never what was written behind them.
"""

from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from services.cli.ports import API_PORT, INGEST_PORT, RESOLVER_PORT
from services.identity.domain.errors import UsageError

CONFIG_BYTES_MAX = 100_000
ENV_PREFIX = "PLAIT_"
PEPPER_MIN, PEPPER_MAX = 16, 64
_SECRETS = ("database", "pepper", "kafka_password")


class PortsSection(BaseModel):
    """Where each service's door listens; another port is taken where this one is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api: int = Field(default=API_PORT, ge=0, le=65_535)
    ingest: int = Field(default=INGEST_PORT, ge=0, le=65_535)
    resolver: int = Field(default=RESOLVER_PORT, ge=0, le=65_535)


class KafkaSection(BaseModel):
    """A broker, and how to be let in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap: str = Field(pattern=r"^[^\s:,]+:\d+(,[^\s:,]+:\d+)*$")
    protocol: str = Field(default="PLAINTEXT", pattern=r"^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$")
    ca_file: Path | None = None
    sasl_mechanism: str | None = None
    username: str | None = None


class Configuration(BaseSettings):
    """Everything that a configuration file may say."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    database: SecretStr | None = None  # a URL may hold a password
    database_file: Path | None = None
    kafka: KafkaSection | None = None  # without it the log is a table of the database
    kafka_password: SecretStr | None = None
    kafka_password_file: Path | None = None
    pepper: SecretStr | None = None
    pepper_file: Path | None = None
    host: str = "127.0.0.1"
    ports: PortsSection = PortsSection()
    rules: Path | None = None  # identity.yaml; without it the rules in use stay
    state: Path | None = None  # what runs on this machine, and keys that it gave out

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic names the arguments
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @model_validator(mode="before")
    @classmethod
    def _short_kafka(cls, values: Any) -> Any:  # noqa: ANN401  # whatever was read
        """`kafka: host:port` is short for `kafka: {bootstrap: host:port}`."""
        if isinstance(values, dict) and isinstance(values.get("kafka"), str):
            return values | {"kafka": {"bootstrap": values["kafka"]}}
        return values

    @model_validator(mode="after")
    def _one_database(self) -> Self:
        for name in _SECRETS:
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
        if self.database is None and self.database_file is None:
            raise ValueError("database is needed: the URL of a PostgreSQL server, 15 or newer")
        return self


def read_configuration(path: Path) -> Configuration:
    """The configuration, with paths and secrets resolved: `*_file` are read into their secret.

    Raises UsageError that names what is wrong and repeats no value.
    """
    given = _document(path)
    try:
        read = Configuration(**given)
        read = read.model_copy(update=_from_files(read, path.parent))
    except ValidationError as error:
        raise UsageError(f"{path}: {_in_words(error)}") from None
    url = urlsplit(read.database.get_secret_value() if read.database else "")
    if url.scheme not in {"postgresql", "postgres"}:
        raise UsageError(f"{path}: database must be a URL that starts with postgresql://")
    if read.pepper and not PEPPER_MIN <= len(read.pepper.get_secret_value()) <= PEPPER_MAX:
        raise UsageError(f"{path}: a pepper has {PEPPER_MIN} to {PEPPER_MAX} characters")
    return read


def _document(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the configuration {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the configuration {path} is not UTF-8") from None
    if len(text) > CONFIG_BYTES_MAX:
        raise UsageError(f"the configuration {path} is larger than {CONFIG_BYTES_MAX} bytes")
    try:
        given = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise UsageError(f"the configuration {path} is not YAML{place}") from None
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        raise UsageError(f"the configuration {path} must be names with values")
    return given


def _from_files(read: Configuration, folder: Path) -> dict[str, Any]:
    """Secrets read from their files; every path is taken from the configuration's folder."""
    paths = {"state": read.state, "rules": read.rules}
    found: dict[str, Any] = {name: folder / path for name, path in paths.items() if path}
    for name in _SECRETS:
        file: Path | None = getattr(read, f"{name}_file")
        if file is None:
            continue
        try:
            secret = (folder / file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"{name}_file cannot be read: {folder / file}") from None
        found[name] = SecretStr(secret)
    if read.kafka is not None and read.kafka.ca_file is not None:
        file = folder / read.kafka.ca_file
        found["kafka"] = read.kafka.model_copy(update={"ca_file": file})
    return found


def _in_words(error: ValidationError) -> str:
    """Each place with its rule. What was written there may be a secret and is left out."""
    words = []
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        place = ".".join(str(part) for part in each["loc"])
        if each["type"] == "extra_forbidden":
            words.append(f"unknown key {place!r}; known are {', '.join(_known(each['loc'][:-1]))}")
        else:
            message = each["msg"].removeprefix("Value error, ")
            words.append(f"{place}: {message}" if place else message)
    return "; ".join(words)


def _known(place: tuple[int | str, ...]) -> list[str]:
    sections: dict[str, type[BaseModel]] = {"ports": PortsSection, "kafka": KafkaSection}
    section = sections.get(str(place[0])) if place else None
    return sorted((section or Configuration).model_fields)
