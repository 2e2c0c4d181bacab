"""What training reads of a file: all rows, or of a large file some with all that look like them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path

from services.identity.adapters.files.alike import (
    Alike,
    Bounds,
    Form,
    Key,
    Part,
    Tell,
    drawn_alike,
)
from services.identity.adapters.files.rows import Table
from services.identity.domain.errors import RejectedError, RejectReason, UsageError
from services.identity.domain.ids import RecordKey
from services.identity.domain.kinds import MATCHING, Kind
from services.identity.domain.mapping import Mapping
from services.identity.domain.source import Source
from services.identity.ports import Clock
from services.identity.wire.events import ChannelEvent
from services.identity.wire.neighbourhoods import Neighbourhoods, RowsOfFile
from services.ingest.file_rows import RowReader, row_reader
from services.ingest.load import ROWS_PER_APPEND_MAX, check_columns, open_table

ROWS_MAX = 200_000  # of a file that training reads whole
KEYS_MAX = 32
_ALONE = (Kind.EMAIL, Kind.NATIONAL_ID, Kind.IDENTIFIER, Kind.ORGANISATION)
_BESIDE_NAMES = (Kind.CITY, Kind.PLACE, Kind.CATEGORY)
_HALVES = (Form.BEGIN, Form.REST)  # of a date: the year, and the day of the year
_DEFAULT_BOUNDS = Bounds()


@contextmanager
def rows_of_file(
    path: Path,
    *,
    source: Source,
    clock: Clock,
    tell: Tell,
    rows_max: int = ROWS_MAX,
    bounds: Bounds = _DEFAULT_BOUNDS,
) -> Iterator[RowsOfFile]:
    """The rows as `load_file` would append them; those it would refuse are left out.

    Raises UsageError when the file or its mapping cannot be used.
    """
    mapping = source.mapping
    if mapping is None:
        raise UsageError(f"source {source.name} has no mapping; give one with --mapping")
    now = clock.now()
    with open_table(path, mapping) as table:
        key = check_columns(table, mapping, path)
        reader = row_reader(source.name, mapping, key=key, at=now, received_at=now)
        tell(f"counting the rows of {path.name}")
        counted = table.count(key=key)
        rows = counted.rows
        if not rows:
            raise UsageError(
                f"{path.name} has no rows: no line has the {len(table.columns)} cells of its header"
                "; are delimiter and quote right?"
            )
        if rows <= rows_max:
            skipped = Counter[RejectReason]()
            events = _events(table, reader, skipped)
            yield RowsOfFile(rows=rows, records=rows, skipped=skipped, events=events)
            return
        matching = [name for name, column in mapping.columns.items() if column.kind in MATCHING]
        columns = list(dict.fromkeys([key, *matching]))
        with drawn_alike(
            table.scan(),
            record=key,
            keys=likeness_keys(mapping),
            columns=columns,
            rows=rows,
            bounds=bounds,
            tell=tell,
        ) as draw:
            skipped = Counter(counted.skipped)
            found = (_read(some, reader, columns, skipped) for some in draw.batches())
            yield RowsOfFile(rows=rows, records=draw.records, skipped=skipped, drawn=found)


def _events(
    table: Table, reader: RowReader, skipped: Counter[RejectReason]
) -> Iterator[ChannelEvent]:
    for batch in table.read(rows_max=ROWS_PER_APPEND_MAX):
        skipped.update(each.reason for each in batch.rejects)
        for row in batch.rows:
            try:
                yield reader.read(row.values)
            except RejectedError as error:
                skipped[error.reason] += 1


def _read(
    some: Alike, reader: RowReader, columns: Sequence[str], skipped: Counter[RejectReason]
) -> Neighbourhoods:
    """A row may be a neighbour of several seeds: it is skipped once, with its own."""
    seeds, events = set(some.seeds), []
    for record_key, cells in some.rows:
        try:
            events.append(reader.read(dict(zip(columns, cells, strict=True))))
        except RejectedError as error:
            skipped[error.reason] += record_key in seeds

    def record(key: str) -> RecordKey:
        return RecordKey(reader.source, reader.key_kind, key)

    return Neighbourhoods(
        seeds=[record(key) for key in some.seeds],
        links=[(record(seed), record(neighbour)) for seed, neighbour in some.links],
        events=events,
    )


def likeness_keys(mapping: Mapping) -> tuple[Key, ...]:
    """What two rows of one person or household are likely to have in common.

    Made for a file as it stands: one writer spells a value one way, and where it does not, another
    key finds the pair.
    """
    by_kind: dict[Kind, list[str]] = {}
    for name, column in mapping.columns.items():
        by_kind.setdefault(column.kind, []).append(name)

    def part(*kinds: Kind, form: Form = Form.WHOLE) -> list[Part]:
        names = tuple(name for kind in kinds for name in by_kind.get(kind, ()))
        return [Part(columns=names, form=form)] if names else []

    def each(*kinds: Kind, form: Form = Form.WHOLE) -> list[Part]:
        names = (name for kind in kinds for name in by_kind.get(kind, ()))
        return [Part(columns=(name,), form=form) for name in names]

    alone = each(*_ALONE) + each(Kind.PHONE, form=Form.END)
    given = part(Kind.GIVEN_NAME, Kind.FULL_NAME, form=Form.FIRST_WORD)
    family = part(Kind.SURNAME, Kind.FULL_NAME, form=Form.LAST_WORD)
    born = part(Kind.DATE_OF_BIRTH)
    kept_apart = part(Kind.ORGANISATION) + born + part(Kind.POSTCODE) + part(Kind.ADDRESS_LINE)
    keys: list[Key] = [(one,) for one in alone]
    keys += combinations([*given, *family, *kept_apart], 2)
    if given and family:
        halves = [Part(columns=one.columns, form=form) for one in born for form in _HALVES]
        keys += [(*given, *family, one) for one in [*halves, *each(*_BESIDE_NAMES)]]
    return tuple(keys[:KEYS_MAX])
