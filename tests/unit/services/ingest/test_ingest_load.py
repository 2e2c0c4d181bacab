"""`plait load`: rows become messages; what is refused is kept; a known file changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.memory.sources import MemoryLoads
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.mapping import parse_mapping
from services.identity.domain.source import Source
from services.identity.ports import TopicSettings
from services.identity.wire import dead_letter, events
from services.identity.wire.dead_letter import DeadLetter
from services.identity.wire.events import ChannelEvent
from services.ingest.load import LoadReport, load_file
from services.ingest.times import parse_instant

NOW = Micros(1_795_200_000_000_000)
PEOPLE = b"id,mail,seen,note\n1,ada@example.org,2026-01-02T03:04:05Z,x\n2,,2026-01-03,\n"
COLUMNS = {"mail": "email"}


class Loader:
    """A log in memory and the registry of files, over several loads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(NOW)
        self.log = MemoryLog(self.clock)
        names = (events.TOPIC, events.DEAD_LETTER_TOPIC)
        self.log.ensure_topics([TopicSettings(name=name, partitions=1) for name in names])
        self.loads = MemoryLoads()
        self.told: list[int] = []

    def load(
        self, raw: bytes, *, at: Micros | None = None, again: bool = False, **mapping: object
    ) -> LoadReport:
        path = self.folder / str(mapping.pop("name", "people.csv"))
        path.write_bytes(raw)
        given = {"key": "id", "columns": COLUMNS, **mapping}
        source = Source(
            name=SourceName("crm"), channel="crm", workspace="main", mapping=parse_mapping(given)
        )
        return load_file(
            path,
            source=source,
            producer=self.log.producer(),
            clock=self.clock,
            loads=self.loads,
            at=at,
            again=again,
            progress=self.told.append,
        )

    def events(self) -> list[ChannelEvent]:
        return [events.decode(each) for each in self._values(events.TOPIC)]

    def dead(self) -> list[DeadLetter]:
        return [dead_letter.decode(each) for each in self._values(events.DEAD_LETTER_TOPIC)]

    def _values(self, topic: str) -> list[bytes]:
        (partition,) = self.log.partitions_of([topic])
        return [each.value for each in self.log.messages[partition] if each.value is not None]


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return Loader(tmp_path)


def test_rows_without_a_time_are_undated_and_take_the_time_of_the_load(loader: Loader) -> None:
    at = Micros(NOW - 5)
    report = loader.load(PEOPLE, at=at)
    assert (report.accepted, report.rejected, loader.told) == (2, {}, [2])
    first, second = loader.events()
    assert (first.data.record.kind, first.data.record.key) == ("record_id", "1")
    assert (first.type, first.data.dated, first.source) == ("plait.identify.v1", False, "crm")
    assert first.id.endswith(f":{at}")
    assert round(first.time.timestamp() * 1e6) == at
    assert first.data.traits["mail"] == "ada@example.org"
    assert second.data.traits == {"id": "2", "seen": "2026-01-03"}  # empty cells say nothing
    assert report.positions[0].next_offset == 2


def test_rows_with_a_time_are_dated_by_it(loader: Loader) -> None:
    loader.load(PEOPLE, time="seen")
    first, second = loader.events()
    assert first.data.dated
    assert round(first.time.timestamp() * 1e6) == parse_instant("2026-01-02T03:04:05Z")
    assert second.time.isoformat() == "2026-01-03T00:00:00+00:00"
    assert ":" not in first.id


def test_the_same_row_has_one_message_id_whatever_file_it_is_in(loader: Loader) -> None:
    loader.load(PEOPLE, time="seen")
    loader.load(b"note,id,seen,mail\nx,1,2026-01-02T03:04:05Z,ada@example.org\n", time="seen")
    ids = [event.id for event in loader.events()]
    assert ids[0] == ids[2] != ids[1]


def test_a_known_file_changes_nothing_unless_asked(loader: Loader) -> None:
    loader.load(PEOPLE)
    loader.clock.advance(7)
    known = loader.load(PEOPLE, name="renamed.csv")
    assert (known.accepted, known.loaded_before, len(loader.events())) == (0, NOW, 2)
    assert loader.load(PEOPLE, again=True).accepted == 2
    assert loader.load(PEOPLE + b"3,,,\n").accepted == 3


def test_a_refused_row_is_kept_and_the_rest_loaded(loader: Loader) -> None:
    raw = b"id,mail,seen,note\n,a,,\n2,b,never,\n3,c,9999-01-01,\n4,d,,\n5,e\n6\x01,f,,\n"
    report = loader.load(raw, time="seen")
    assert report.accepted == 1
    assert report.rejected == {
        "no_identifier": 1,
        "bad_time": 2,
        "torn_line": 1,
        "illegal_identifier": 1,
    }
    letters = {each.position: each for each in loader.dead()}
    assert set(letters) == {"line 2", "line 3", "line 4", "line 6", "line 7"}
    assert letters["line 6"].original() == b"5,e"
    assert letters["line 2"].original() == b'{"id":null,"mail":"a","seen":null,"note":null}'
    assert all((each.origin, each.source) == ("file", "crm") for each in loader.dead())


def test_a_column_with_the_name_of_the_event_makes_it_a_track(loader: Loader) -> None:
    raw = b"id,what,mail\n1,Order Completed,a\n2,,b\n"
    loader.load(raw, columns={**COLUMNS, "what": "event_name"})
    first, second = loader.events()
    assert (first.type, first.data.event) == ("plait.track.v1", "Order Completed")
    assert first.data.traits == {"id": "1", "what": "Order Completed", "mail": "a"}
    assert (second.type, second.data.event) == ("plait.identify.v1", None)


def test_a_key_that_live_events_use_names_the_same_record(loader: Loader) -> None:
    column = {"kind": "identifier", "type": "account_number", "strength": "decisive"}
    loader.load(b"account,mail\n4401,a\n", key="account", columns={**COLUMNS, "account": column})
    record = loader.events()[0].data.record
    assert (record.kind, record.key) == ("account_number", "4401")


@pytest.mark.parametrize("mapping", [{"key": "nr"}, {"time": "nr"}, {"columns": {"nr": "email"}}])
def test_a_mapping_of_a_missing_column_names_it_and_lists_the_others(
    loader: Loader, mapping: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=r"'nr'.*'id', 'mail', 'seen', 'note'"):
        loader.load(PEOPLE, **mapping)
    assert loader.events() == []


@pytest.mark.parametrize("name", ["people.xls", "people"])
def test_a_file_of_an_unknown_kind_is_refused(loader: Loader, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.parquet"):
        loader.load(PEOPLE, name=name)


def test_json_lines_load_like_csv(loader: Loader) -> None:
    raw = b'{"id":1,"mail":"ada@example.org","seen":"2026-01-02T03:04:05Z","note":"x"}\n'
    loader.load(PEOPLE, time="seen")
    loader.load(raw, name="people.jsonl", time="seen")
    ids = [event.id for event in loader.events()]
    assert ids[0] == ids[2]
