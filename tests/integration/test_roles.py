"""infra/postgres/roles.sql on a real server: each role can do its work, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.ids import RecordKey, profile_id_of

ROLES = Path(__file__).parents[2] / "infra" / "postgres" / "roles.sql"


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(2):  # running it again changes nothing
            connection.execute(ROLES.read_text().encode())
        yield connection
        connection.execute("RESET ROLE")
        connection.execute("DROP OWNED BY plait_ingest, plait_resolver, plait_api")


MAY = [
    ("plait_ingest", "SELECT name FROM source"),
    ("plait_ingest", "SELECT next_offset FROM log_partition FOR UPDATE"),
    ("plait_resolver", "INSERT INTO dirty (kind, subject, since) VALUES (1, 1, 0)"),
    (
        "plait_resolver",
        "SELECT FROM model, ruleset WHERE model.is_active FOR SHARE",
    ),
    ("plait_resolver", "SELECT nextval(pg_get_serial_sequence('record', 'id'))"),
    ("plait_resolver", "UPDATE membership SET component = 0 WHERE record = 0"),
    ("plait_api", "SELECT document FROM profile"),
    (
        "plait_api",
        "INSERT INTO decision (id, decided_at, request, answer)"  # noqa: ISC004  # one statement
        " VALUES ('00000000-0000-0000-0000-000000000001', 0, '{}', '{}')",
    ),
]
MAY_NOT = [
    ("plait_ingest", "SELECT document FROM profile"),
    ("plait_ingest", "INSERT INTO dirty (kind, subject, since) VALUES (1, 1, 0)"),
    ("plait_resolver", "DELETE FROM decision"),
    ("plait_resolver", "UPDATE api_key SET label = 'mine'"),
    ("plait_resolver", "INSERT INTO ruleset VALUES ('r', '', 0, false)"),
    ("plait_api", "UPDATE profile SET version = 0"),
    ("plait_api", "DELETE FROM decision"),
    ("plait_api", "SELECT state FROM dedupe, record"),
]


@pytest.mark.integration
@pytest.mark.parametrize(("role", "statement"), MAY)
def test_a_role_can_do_its_work(connection: psycopg.Connection, role: str, statement: str) -> None:
    connection.execute(f"SET ROLE {role}".encode())
    connection.execute(statement.encode())


@pytest.mark.integration
@pytest.mark.parametrize(("role", "statement"), MAY_NOT)
def test_a_role_can_do_nothing_else(
    connection: psycopg.Connection, role: str, statement: str
) -> None:
    connection.execute(f"SET ROLE {role}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


@pytest.mark.integration
def test_the_api_may_read_all_that_explaining_reads(
    connection: psycopg.Connection, database_url: str
) -> None:
    assert connection.info.dbname  # the roles are there
    mark = "&" if "?" in database_url else "?"
    store = SqlStore(f"{database_url}{mark}options=-c%20role%3Dplait_api")
    told = profile_id_of(RecordKey("web", "user_id", "u1"))
    try:
        with store.reading() as tx:
            assert tx.active_versions() is None
            assert (tx.sources(), tx.segment_documents()) == ({}, [])
            assert (tx.records([1]), tx.comparables([1]), tx.memberships([1])) == ({}, {}, {})
            assert (list(tx.members([1])), list(tx.edges_among([1]))) == ([], [])
            assert (tx.holders({1: 1}), tx.generic_among([1])) == ({}, frozenset())
            assert (list(tx.records_of(told)), tx.record_behind(told)) == ([], None)
            assert tx.find_records([RecordKey("web", "user_id", "u1")]) == {}
            assert list(tx.decisions_among([1])) == []
    finally:
        store.close()
