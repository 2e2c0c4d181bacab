"""`python -m tests.attack [--records N] [CROWD ...]`: each crowd on a fresh database, in figures.

Exit code 1 where something grew beyond its bound.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from services.cli.heap import settle
from services.identity.adapters.embedded import server
from services.identity.adapters.sql.engine import connect, create_schema
from tests.attack.bounds import broken
from tests.attack.crowds import CROWDS, TIED
from tests.attack.site import HEAD, attack

RECORDS = 100_000
_NAME_CHARS = 34


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("crowds", nargs="*", metavar="CROWD", help="as the table names them")
    parser.add_argument("--records", type=int, default=RECORDS)
    given = parser.parse_args(arguments)
    names = [*CROWDS, *TIED]
    unknown = sorted(set(given.crowds) - set(names))
    if unknown:
        parser.error(f"no crowd {unknown[0]!r}; known are {', '.join(names)}")
    settle()  # as the product's own processes do
    failed = False
    _say(f"{'crowd':<{_NAME_CHARS}}{HEAD}")
    for number, name in enumerate(given.crowds or names):
        with _database(number) as url:
            cost = attack(url, name, given.records)
        _say(f"{name:<{_NAME_CHARS}}{cost.line()}", *broken(cost))
        failed |= any(broken(cost))
    return 1 if failed else 0


@contextmanager
def _database(number: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix=f"plait-attack-{number}-") as folder:
        url = server.start(Path(folder))
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")  # its data dies with the run
                connection.execute("SELECT pg_reload_conf()")
            with connect(url) as connection:
                create_schema(connection)
            yield url
        finally:
            server.stop(Path(folder))


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
