"""Every table of plait, as SQLAlchemy Core: the one description that migrations are held to.

Instants are microseconds since 1970 (bigint). `bytea` documents are JSON unless said otherwise.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

QUEUE = {
    "autovacuum_vacuum_scale_factor": 0,
    "autovacuum_vacuum_threshold": 1_000,
    "autovacuum_vacuum_cost_delay": 0,
}
"""For tables of few rows that come and go: who looks for the next must pass all that are gone."""

# ---- what users declare ----

source = Table(
    "source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("workspace", Text, nullable=False),
    Column("trust", Integer, nullable=False, server_default="0"),
    Column("region", Text),
    Column("is_unique", Boolean, nullable=False, server_default=text("false")),
    Column("mapping", JSONB),
    Column("write_key_hash", LargeBinary, unique=True),
    Column("created_at", BigInteger, nullable=False),
)
load = Table(
    "load",
    metadata,
    Column("file_hash", LargeBinary, nullable=False),
    Column("source", Text, nullable=False),
    Column("loaded_at", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    PrimaryKeyConstraint("file_hash", "source"),
)
api_key = Table(
    "api_key",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("key_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
model = Table(
    "model",
    metadata,
    Column("version", Text, primary_key=True),
    Column("document", LargeBinary, nullable=False),
    Column("report", JSONB, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("false")),
)
ruleset = Table(
    "ruleset",
    metadata,
    Column("version", Text, primary_key=True),  # a hash of the document
    Column("document", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("false")),
)
segment = Table(
    "segment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

# ---- the embedded log ----

log_topic = Table(
    "log_topic",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("settings", JSONB, nullable=False),
)
log_partition = Table(
    "log_partition",
    metadata,
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("topic", "partition"),
    postgresql_with=QUEUE,
)
log_record = Table(
    "log_record",
    metadata,
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("appended_at", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", LargeBinary),
    PrimaryKeyConstraint("topic", "partition", "offset"),
)
consumer_offset = Table(
    "consumer_offset",
    metadata,
    Column("consumer_group", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("consumer_group", "topic", "partition"),
    postgresql_with=QUEUE,
)
progress = Table(
    "progress",
    metadata,
    Column("consumer_group", Text, primary_key=True),
    Column("as_of", Text, nullable=False),
    Column("pending_since", BigInteger),  # append time of the oldest message not yet resolved
    Column("checked_at", BigInteger, nullable=False),
)

# ---- what landed ----

dedupe = Table(
    "dedupe",
    metadata,
    Column("event_id", Uuid, primary_key=True),  # 128-bit hash of (source, message id)
    Column("occurred_at", BigInteger, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("record", BigInteger, nullable=False),
    Column("copies", Integer, nullable=False, server_default="1"),
    postgresql_partition_by="HASH (event_id)",
)
DEDUPE_PARTITIONS = 8
event = Table(
    "event",
    metadata,
    Column("record", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the message of channel-events, as it was read
    Column("partition", Integer),  # where it was read; null: before this was kept
    Column("offset", BigInteger),
    PrimaryKeyConstraint("record", "occurred_at", "event_id"),
)
record = Table(
    "record",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("uid", Uuid, nullable=False, unique=True),  # the profile id with this record as anchor
    Column("source", Text, nullable=False),
    Column("key_kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("features", LargeBinary, nullable=False),
    Column("keys", ARRAY(BigInteger), nullable=False),
    Column("version", BigInteger, nullable=False),
)
key = Table(
    "key",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("record", BigInteger, nullable=False),
    PrimaryKeyConstraint("key", "record"),
)
account_membership = Table(
    "account_membership",
    metadata,
    Column("account", Uuid, nullable=False),
    Column("record", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    PrimaryKeyConstraint("account", "record", "role"),
)
account_crowd = Table(
    "account_crowd", metadata, Column("account", Uuid, primary_key=True)
)  # last told to have more records than segments look at
generic_key = Table(
    "generic_key",
    metadata,
    Column("key", BigInteger, primary_key=True),
    Column("since", BigInteger, nullable=False),
)
dirty = Table(
    "dirty",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("subject", BigInteger, nullable=False),  # a record, or for kind `key` a key
    Column("since", BigInteger, nullable=False),  # append time of the event behind it
    postgresql_with=QUEUE,
)

# ---- what was resolved ----

edge = Table(
    "edge",
    metadata,
    Column("a", BigInteger, nullable=False),
    Column("b", BigInteger, nullable=False),
    Column("weight", BigInteger, nullable=False),  # units of 2^-20 bits
    Column("vector", LargeBinary, nullable=False),  # int32 a comparison, null as the smallest int
    Column(
        "joined", Boolean, nullable=False, server_default="false"
    ),  # the two share a decisive identifier
    PrimaryKeyConstraint("a", "b"),
    Index("ix_edge_b", "b"),
)
membership = Table(
    "membership",
    metadata,
    Column("record", BigInteger, primary_key=True),
    Column("component", BigInteger, nullable=False),  # the smallest record number in it
    Column("step", SmallInteger, nullable=False, server_default="0"),  # ladder.py: of the floor
    Column("profile", Uuid),  # null: never told, or the record is empty today
    Index("ix_membership_component", "component"),
    Index("ix_membership_profile", "profile"),
)
profile = Table(
    "profile",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("document", LargeBinary),  # null: no records today; the row keeps the sequence
    Column("version", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # of the last change told about it
    Column("changed_at", BigInteger, nullable=False),
)
segment_membership = Table(
    "segment_membership",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("segment", Text, nullable=False),
    Column("profile", Uuid, nullable=False),
    Column("entered_at", BigInteger, nullable=False),
    Column("left_at", BigInteger),
    Column("reason", Text, nullable=False),
    Index(
        "uq_segment_membership_current",
        "profile",
        "segment",
        unique=True,
        postgresql_where=text("left_at IS NULL"),
    ),
    Index(
        "ix_segment_membership_members",
        "segment",
        "profile",
        postgresql_where=text("left_at IS NULL"),
    ),
)
outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("ix_outbox_bucket_seq", "bucket", "seq"),
    postgresql_with=QUEUE,
)
review_item = Table(
    "review_item",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("component", BigInteger),  # null: of no component
    Column("effect", Double, nullable=False, server_default="0"),
    Index("uq_review_item_kind_subject", "kind", "subject", unique=True),
    Index("ix_review_item_component", "component", postgresql_where=text("component IS NOT NULL")),
)
steward_decision = Table(
    "steward_decision",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("decision", Text, nullable=False),  # the one it is about: of a decision its own id
    Column("is_withdrawal", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Index("ix_steward_decision_decision", "decision"),
    Index("ix_steward_decision_decided_at", "decided_at", "id"),
)
steward_record = Table(
    "steward_record",
    metadata,
    Column("uid", Uuid, nullable=False),  # of a record that is there, or may come
    Column("decision", Text, nullable=False),
    PrimaryKeyConstraint("uid", "decision"),
    Index("ix_steward_record_decision", "decision"),
)
value_word = Table(
    "value_word",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Index("ix_value_word_key", "key", text("decided_at DESC"), "id"),
)
pair_vectors = Table(
    "pair_vectors",
    metadata,
    Column("component", BigInteger, primary_key=True),
    Column("vectors", LargeBinary, nullable=False),  # may be lost: resolver/resolve/memory.py
)
set_aside = Table(
    "set_aside",
    metadata,
    Column("component", BigInteger, primary_key=True),
    Column("since", BigInteger, nullable=False),
)

layout = Table(
    "layout",
    metadata,
    Column("record", BigInteger, primary_key=True),  # what is connected with it is to be cut anew
    Column("since", BigInteger, nullable=False),
)

# ---- what was answered ----

decision = Table(
    "decision",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("decided_at", BigInteger, nullable=False),
    Column("profile", Uuid),
    Column("request", JSONB, nullable=False),
    Column("answer", JSONB, nullable=False),
    Index("ix_decision_profile", "profile", "decided_at"),
)
