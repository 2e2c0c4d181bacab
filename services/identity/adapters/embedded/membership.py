"""Who shares a consumer group: advisory locks of sessions, which end when a member dies.

A member holds one lock for its place in the group and one for each partition it owns. Places are
counted, so every member works out the same shares; a partition's lock makes sure that it has one
owner while shares change hands.
"""

import hashlib
from collections.abc import Sequence

from services.identity.adapters.sql.engine import Connection
from services.identity.domain.errors import RetryableError
from services.identity.ports import Partition

MEMBERS_MAX = 64  # places looked through when joining
TAKE_PLACE = "SELECT pg_try_advisory_lock(%s::int, %s::int)"
PLACES = """
SELECT objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = %s::bigint::oid
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY objid
"""  # objsubid 2: a lock of two ints


class Membership:
    """A place in a group for as long as its connection lives."""

    def __init__(self, connection: Connection, *, group: str, topics: Sequence[str]) -> None:
        self._connection = connection
        self._group = group
        # Members that read other topics share other work, so they are counted apart.
        self._class = _hash("members", group, *sorted(topics)) % 2**31
        self._place = self._join()

    def rank(self) -> tuple[int, int]:
        """The rank of this member among the living, and how many they are."""
        rows = self._connection.execute(PLACES, (self._class,)).fetchall()
        places = [place for (place,) in rows]
        return places.index(self._place), len(places)

    def take(self, partition: Partition) -> bool:
        """False while another member owns it."""
        return self._answer("SELECT pg_try_advisory_lock(%s)", (self._lock_of(partition),))

    def release(self, partition: Partition) -> None:
        self._connection.execute("SELECT pg_advisory_unlock(%s)", (self._lock_of(partition),))

    def _join(self) -> int:
        for place in range(MEMBERS_MAX):
            if self._answer(TAKE_PLACE, (self._class, place)):
                return place
        raise RetryableError(f"consumer group {self._group} already has {MEMBERS_MAX} members")

    def _answer(self, query: str, arguments: tuple[int, ...]) -> bool:
        row = self._connection.execute(query.encode(), arguments).fetchone()
        return row is not None and bool(row[0])

    def _lock_of(self, partition: Partition) -> int:
        return _hash("partition", self._group, partition.topic, str(partition.index)) - 2**63


class Alone:
    """In no group: everything is its own, whoever else reads."""

    def rank(self) -> tuple[int, int]:
        return 0, 1

    def take(self, partition: Partition) -> bool:
        del partition
        return True

    def release(self, partition: Partition) -> None:
        """Nobody waits for it."""


def _hash(*parts: str) -> int:
    text = "\x1f".join(parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
