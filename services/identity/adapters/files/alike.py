"""Rows drawn from a large file, each with all the rows that look like it.

A record here and there would lose its duplicates: of a tenth of the records only a hundredth of the
pairs is left. So some records are drawn evenly, the seeds, and the file is searched for rows that
share a key with one: an e-mail, a name and a birth date. DuckDB reads the file three times, in
memory that does not grow with it. What is drawn depends on the file's rows alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from services.identity.adapters.files.reader import COUNTING_MEMORY, count
from services.identity.adapters.files.rows import Scan
from services.identity.domain.errors import UsageError

_HASH_RANGE = 2**64
_FEWER = 4  # times as few seeds, where they bring too many rows
_TRIES_MAX = 8
_COMMON_MIN = 2  # of the rows looked at: so many may share a value by chance
_MEMORY_OF_BATCHES = "128MB"

Tell = Callable[[str], None]


class Form(Enum):
    """What of a cell a key takes, as SQL."""

    WHOLE = "lower({})"
    FIRST_WORD = "nullif(split_part(replace(lower({}), ',', ''), ' ', 1), '')"
    LAST_WORD = "nullif(split_part(replace(lower({}), ',', ''), ' ', -1), '')"
    END = "right({}, 8)"
    BEGIN = "left({}, 4)"
    REST = "nullif(substr({}, 5), '')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The first of these columns that has a value, and what of it counts."""

    columns: tuple[str, ...]
    form: Form


Key = tuple[Part, ...]
"""Rows that agree on all parts, known in both, look alike. The order of the parts is no matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`seeds_max` records are drawn. The values of `looked_at_max` rows tell how common keys are.

    A value of more than `holders_max` records ties nobody; keys are left out, the commonest first,
    until a seed has no more than `neighbours_max` by all of them. Seeds and what they bring are
    `rows_max` rows at most.
    """

    seeds_max: int = 100_000
    looked_at_max: int = 500_000
    holders_max: int = 30
    neighbours_max: int = 12
    rows_max: int = 2_000_000
    seeds_at_once: int = 2_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Some seeds, their neighbours, and which belong together: (seed, neighbour) by record.

    `rows` come in file order: (record, cells of the columns asked for).
    """

    seeds: Sequence[str]
    links: Sequence[tuple[str, str]]
    rows: Sequence[tuple[str, Sequence[str | None]]]


@contextmanager
def drawn_alike(
    scan: Scan,
    *,
    record: str,
    keys: Sequence[Key],
    columns: Sequence[str],
    rows: int,
    bounds: Bounds,
    tell: Tell,
) -> Iterator["Draw"]:
    """Seeds with their neighbours, found. `record` is the column that names records.

    `rows` is how many the file has. Raises UsageError when it cannot be drawn from.
    """
    with TemporaryDirectory(prefix="plait-draw-") as folder:
        draw = Draw(scan, record=record, keys=keys, columns=columns, bounds=bounds)
        draw.bound_memory(Path(folder))
        tell(f"looking at {min(rows, bounds.looked_at_max):,} of {rows:,} rows")
        share = draw.look(rows)
        tell(f"looking for what is like {min(rows, bounds.seeds_max):,} of them")
        draw.find(share, seeds=min(1.0, bounds.seeds_max / rows))
        draw.let_go()
        yield draw


class Draw:
    """Tables `looked_at`, `near` and `link` of the scan's connection.

    `records` is how many the file has, as the rows looked at have it.
    """

    records: int

    def __init__(
        self,
        scan: Scan,
        *,
        record: str,
        keys: Sequence[Key],
        columns: Sequence[str],
        bounds: Bounds,
    ) -> None:
        self._connection = scan.connection
        self._relation = scan.relation
        self._bounds = bounds
        self._record = f"nullif(trim({scan.cells[record]}), '')"
        self._hashes = [_hash(number, key, scan) for number, key in enumerate(keys)]
        self._cells = [scan.cells[name] for name in columns]

    def bound_memory(self, folder: Path) -> None:
        self._connection.execute("SET memory_limit = ?", [COUNTING_MEMORY])
        self._connection.execute("SET temp_directory = ?", [str(folder)])

    def look(self, rows: int) -> float:
        """Keep the keys of some rows, evenly drawn; the share that they are of all."""
        share = min(1.0, self._bounds.looked_at_max / rows)
        hashes = "".join(f", {sql} AS h{number}" for number, sql in enumerate(self._hashes))
        self._connection.execute(
            f"CREATE TEMP TABLE looked_at AS SELECT hash({self._record}) AS place{hashes}"
            f" FROM {self._relation} WHERE hash({self._record}) <= {_below(share)}::UBIGINT"
            f" LIMIT {2 * self._bounds.looked_at_max}"
        )
        looked_at = max(self._looked_at("count(*)"), 1)
        self.records = round(rows * self._looked_at("count(DISTINCT place)") / looked_at)
        return share

    def _looked_at(self, what: str) -> int:
        return count(self._connection, what, relation="looked_at")[0]

    def find(self, share: float, *, seeds: float) -> None:
        """Keep the seeds and all that look like them.

        Raises UsageError when even few seeds bring too many, or none is left of the seeds.
        """
        chosen = self._affordable(share)
        for _ in range(_TRIES_MAX):
            limit = _below(seeds)
            self._want(chosen, share, limit)
            self._fetch(chosen, limit)
            found = count(self._connection, "count(*)", relation="near")[0]
            if not found:
                break
            if found < self._bounds.rows_max:
                self._link(chosen, limit)
                return
            seeds /= _FEWER
        raise UsageError(
            "most rows of the file are of the same few records; does `key:` of the mapping name"
            " the column that identifies a record?"
        )

    def _affordable(self, share: float) -> list[int]:
        """The keys that bring few neighbours, judged on the rows looked at."""
        common = self._common(share)
        records = max(self._looked_at("count(*)"), 1)
        cost = {
            number: count(
                self._connection,
                "coalesce(sum(c * (c - 1)), 0)",
                relation=f"(SELECT count(*) AS c FROM looked_at WHERE h{number} IS NOT NULL"
                f" GROUP BY h{number}) WHERE c <= {common}",
            )[0]
            / (records * share)
            for number in range(len(self._hashes))
        }
        chosen: list[int] = []
        left = float(self._bounds.neighbours_max)
        for number in sorted(cost, key=lambda number: (cost[number], number)):
            left -= cost[number]
            if left >= 0 or not chosen:
                chosen.append(number)
        return chosen

    def _common(self, share: float) -> int:
        """How many of the rows looked at may share a value that ties somebody."""
        return max(_COMMON_MIN, round(self._bounds.holders_max * share))

    def _want(self, chosen: Sequence[int], share: float, limit: int) -> None:
        """The values of the seeds, without those that are common."""
        self._connection.execute("CREATE OR REPLACE TEMP TABLE wanted (h UBIGINT)")
        for number in chosen:
            self._connection.execute(
                f"INSERT INTO wanted SELECT h{number} FROM looked_at WHERE h{number} IS NOT NULL"
                f" GROUP BY h{number} HAVING count(*) <= {self._common(share)}"
                f" AND bool_or(place <= {limit}::UBIGINT)"
            )

    def _fetch(self, chosen: Sequence[int], limit: int) -> None:
        hashes = ", ".join(self._hashes[number] for number in chosen)
        cells = "".join(f", {sql} AS c{number}" for number, sql in enumerate(self._cells))
        shared = "".join(
            f" OR hs[{place}] IN (SELECT h FROM wanted)" for place in range(1, len(chosen) + 1)
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE near AS SELECT * FROM (SELECT {self._record} AS record,"
            f" [{hashes}]::UBIGINT[] AS hs{cells} FROM {self._relation})"
            f" WHERE record IS NOT NULL AND (hash(record) <= {limit}::UBIGINT{shared})"
            f" LIMIT {self._bounds.rows_max}"
        )

    def _link(self, chosen: Sequence[int], limit: int) -> None:
        self._connection.execute(
            "CREATE TEMP TABLE link (place UBIGINT, seed VARCHAR, neighbour VARCHAR)"
        )
        for place in range(1, len(chosen) + 1):
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE held AS SELECT h, record FROM (SELECT DISTINCT"
                f" hs[{place}] AS h, record FROM near WHERE hs[{place}] IN (SELECT h FROM wanted))"
                f" QUALIFY count(*) OVER (PARTITION BY h) <= {self._bounds.holders_max}"
            )
            self._connection.execute(
                "INSERT INTO link SELECT hash(a.record), a.record, b.record FROM held a"
                " JOIN held b USING (h) WHERE a.record <> b.record"
                f" AND hash(a.record) <= {limit}::UBIGINT"
            )
        self._connection.execute(
            "CREATE TEMP TABLE seed AS SELECT DISTINCT hash(record) AS place, record FROM near"
            f" WHERE hash(record) <= {limit}::UBIGINT"
        )

    def let_go(self) -> None:
        """Of what is not needed any more; the rows found go to disk."""
        for table in ("looked_at", "wanted", "held"):
            self._connection.execute(f"DROP TABLE {table}")
        self._connection.execute("SET memory_limit = ?", [_MEMORY_OF_BATCHES])

    def batches(self) -> Iterator[Alike]:
        """Seeds in an order of their own."""
        seeds = self._connection.execute("SELECT record FROM seed ORDER BY place, record")
        every = [name for (name,) in seeds.fetchall()]
        cells = "".join(f", c{number}" for number in range(len(self._cells)))
        for start in range(0, len(every), self._bounds.seeds_at_once):
            some = every[start : start + self._bounds.seeds_at_once]
            links = self._connection.execute(
                "SELECT DISTINCT seed, neighbour FROM link"
                " WHERE seed IN (SELECT unnest(?::VARCHAR[])) ORDER BY ALL",
                [some],
            ).fetchall()
            wanted = sorted({*some, *(neighbour for _, neighbour in links)})
            rows = self._connection.execute(
                f"SELECT record{cells} FROM near WHERE record IN (SELECT unnest(?::VARCHAR[]))"
                " ORDER BY rowid",
                [wanted],
            ).fetchall()
            yield Alike(seeds=some, links=links, rows=[(row[0], row[1:]) for row in rows])
        for table in ("near", "link", "seed"):
            self._connection.execute(f"DROP TABLE {table}")


def _hash(number: int, key: Key, scan: Scan) -> str:
    parts = [_text(part, scan) for part in key]
    known = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    if len(parts) > 1:
        parts = [f"least({parts[0]}, {parts[1]})", f"greatest({parts[0]}, {parts[1]})", *parts[2:]]
    return f"CASE WHEN {known} THEN hash({number}, {', '.join(parts)}) END"


def _text(part: Part, scan: Scan) -> str:
    cells = ", ".join(scan.cells[name] for name in part.columns)
    return part.form.value.format(cells if len(part.columns) == 1 else f"coalesce({cells})")


def _below(share: float) -> int:
    return min(int(share * _HASH_RANGE), _HASH_RANGE - 1)
