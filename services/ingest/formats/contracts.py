"""The contract of each event as JSON Schema, generated from its struct, and what breaks it."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

import jsonschema_rs
import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import Canonical
from services.ingest.formats.messages import PROPERTIES, TRACKING, Batch, ChannelBody, Events

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VIOLATIONS_MAX = 10  # listed in one answer; more help nobody
BATCH = "batch"
EVENTS = "channel_events"
IDENTIFY = "channel_identify"
MASK = "the value"  # stands for what was sent: it may be personal

Schema = dict[str, Any]


@cache
def structs() -> dict[str, type[msgspec.Struct]]:
    """Everything that may be posted, by the name of its schema file."""
    result: dict[str, type[msgspec.Struct]] = {
        each.value: struct for each, struct in TRACKING.items()
    }
    result[BATCH] = Batch
    result[EVENTS] = Events
    result[IDENTIFY] = msgspec.defstruct(
        "ChannelIdentify", [("traits", dict[str, Any])], bases=(ChannelBody,), kw_only=True
    )
    for canonical in Canonical:
        result[file_name(canonical)] = _canonical(canonical)
    return result


def file_name(canonical: Canonical) -> str:
    return canonical.value.lower().replace(" ", "_")


def _canonical(canonical: Canonical) -> type[msgspec.Struct]:
    properties = PROPERTIES[canonical]
    is_required = any(each.required for each in msgspec.structs.fields(properties))
    fields: list[Any] = [
        ("event", Literal[canonical.value]),
        ("properties", properties) if is_required else ("properties", properties | None, None),
    ]
    name = canonical.value.replace(" ", "")
    return msgspec.defstruct(name, fields, bases=(ChannelBody,), kw_only=True, rename="camel")


def schema_of(name: str) -> Schema:
    """One self-contained JSON Schema document."""
    (top,), components = msgspec.json.schema_components(
        [structs()[name]], ref_template="#/$defs/{name}"
    )
    root = components.pop(top["$ref"].rsplit("/", 1)[1])
    document = {"$schema": DIALECT, **root}
    if components:
        document["$defs"] = components
    return document


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema_of(name), mask=MASK)


def violations(name: str, value: object) -> Iterator[tuple[RejectReason, str]]:
    """Everything that is wrong with an event, without a word of what was sent."""
    for error in _validator(name).iter_errors(value):
        is_missing = error.message.endswith("is a required property")
        path = list(error.instance_path)
        where = ".".join(str(each) for each in path) or "the event"
        if is_missing:
            yield RejectReason.MISSING_FIELD, f"{where}: {error.message}"
        else:
            yield RejectReason.WRONG_TYPE, f"{where} must be {_expected(name, path)}"


def _expected(name: str, path: list[str | int]) -> str:
    """What the schema asks for at this path, in words."""
    document = schema_of(name)
    options = _options(document, document)
    for step in path:
        inner = [
            each["items"] if isinstance(step, int) else each.get("properties", {}).get(step, {})
            for each in options
            if (each.get("type") == "array") == isinstance(step, int)
        ]
        options = [option for each in inner for option in _options(each, document)]
    words = dict.fromkeys(word for each in options if (word := _in_words(each)))
    return " or ".join(words) or "as the schema says"


def _options(schema: Schema, document: Schema) -> list[Schema]:
    """The alternatives that a schema allows, references followed."""
    if "$ref" in schema:
        return _options(document["$defs"][schema["$ref"].rsplit("/", 1)[1]], document)
    return [option for each in schema.get("anyOf", ()) for option in _options(each, document)] or [
        schema
    ]


def _in_words(schema: Schema) -> str:
    if "enum" in schema:
        return " or ".join(repr(each) for each in schema["enum"])
    if "pattern" in schema:
        return f"text like {schema['pattern']}"
    return str(schema.get("type", ""))


def refusal(name: str, value: object, told: str) -> RejectedError:
    """The refusal that lists every violation; `told` is what decoding found, the first only."""
    found = list(violations(name, value))[:VIOLATIONS_MAX]
    if not found:
        missing = "missing required field" in told
        reason = RejectReason.MISSING_FIELD if missing else RejectReason.WRONG_TYPE
        return RejectedError(reason, f"{told}; see schemas/events/{name}.v1.schema.json")
    text = "; ".join(text for _, text in found)
    return RejectedError(found[0][0], f"{text}; see schemas/events/{name}.v1.schema.json")


def canonical_files() -> list[str]:
    return [file_name(each) for each in Canonical]


def component(name: str) -> str:
    """What a contract is called in the OpenAPI document."""
    return structs()[name].__name__


def components() -> dict[str, Schema]:
    """Every contract and what it refers to, for the OpenAPI document."""
    _, found = msgspec.json.schema_components(
        structs().values(), ref_template="#/components/schemas/{name}"
    )
    return found


CANONICAL_NAMES: tuple[str, ...] = tuple(each.value for each in Canonical)
