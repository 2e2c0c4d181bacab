"""What a batch has read of records so far: enough to compare most, whole where they are members."""

from collections.abc import Collection, Iterable, Mapping

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import RecordKey
from services.identity.store import Comparable, Reading, RestartBatch, StoredRecord
from services.linkage.features import Features
from services.resolver.derive import decode_features
from services.resolver.resolve.candidates import Candidates, Pair
from services.resolver.resolve.edges import decisive_keys, sharing_key
from services.resolver.resolve.memory import digest_of


class Known:
    """Records by number. Most candidates are compared once and never read whole."""

    def __init__(self, tx: Reading, rules: IdentityRules) -> None:
        self._tx = tx
        self._rules = rules
        self.records: dict[int, StoredRecord] = {}
        self._compared: dict[int, Comparable] = {}
        self._features: dict[int, Features] = {}
        self._digests: dict[int, bytes] = {}
        self._decisive: dict[int, Mapping[str, int]] = {}

    def read(self, numbers: Iterable[int]) -> None:
        """Read these records whole, where they are not yet.

        Raises RestartBatch when one matches otherwise than when it was read for comparing; what
        else was heard of it meanwhile changes no pair.
        """
        missing = sorted(set(numbers) - self.records.keys())
        if not missing:
            return
        for number, record in self._tx.records(missing).items():
            compared = self._compared.get(number)
            if compared is not None and compared.features != record.features:
                raise RestartBatch("a record changed while its pairs were being scored")
            self.records[number] = record

    def read_for_comparing(self, numbers: Iterable[int]) -> None:
        missing = sorted(set(numbers) - self.records.keys() - self._compared.keys())
        if missing:
            self._compared.update(self._tx.comparables(missing))

    def versions(self) -> dict[int, int]:
        """Of every record read, which version of it."""
        every = {number: each.version for number, each in self._compared.items()}
        return every | {number: each.version for number, each in self.records.items()}

    def take_newer(self, now: Mapping[int, StoredRecord]) -> None:
        """Records as they are under lock, where they still match by what they matched by.

        Raises RestartBatch where one does not.
        """
        for number, today in now.items():
            before = self._of(number)
            same = before.features == today.features
            if isinstance(before, StoredRecord):
                same = same and list(before.keys) == list(today.keys)
                self.records[number] = today
            else:
                self._compared[number] = before._replace(version=today.version)
            if not same:
                raise RestartBatch("a record changed while its pairs were being scored")

    def _of(self, number: int) -> Comparable | StoredRecord:
        return self.records.get(number) or self._compared[number]

    def key_of(self, number: int) -> RecordKey:
        return self._of(number).key

    def features_of(self, numbers: Iterable[int]) -> list[Features]:
        """Of many at once: a batch compares tens of thousands, and a call of each shows."""
        held, records, compared = self._features, self.records, self._compared
        result = []
        for number in numbers:
            found = held.get(number)
            if found is None:
                record = records.get(number) or compared[number]
                found = held[number] = decode_features(record.features)
            result.append(found)
        return result

    def keys_of(self, numbers: Iterable[int]) -> list[RecordKey]:
        records, compared = self.records, self._compared
        return [(records.get(number) or compared[number]).key for number in numbers]

    def digest(self, number: int) -> bytes:
        """What its weights depend on."""
        if number not in self._digests:
            self._digests[number] = digest_of(self._of(number).features)
        return self._digests[number]

    def digest_of_any(self, number: int) -> bytes | None:
        """The same; None of a record that was not read."""
        is_read = number in self.records or number in self._compared
        return self.digest(number) if is_read else None

    def decisive(self, number: int) -> Mapping[str, int]:
        """Its decisive identifiers, as text, with the key each is found under; read whole."""
        if number not in self._decisive:
            self._decisive[number] = decisive_keys(self.records[number], self._rules)
        return self._decisive[number]

    def decisive_without_generic(self, numbers: Collection[int]) -> dict[int, frozenset[str]]:
        """The decisive identifiers of records, less those that too many records hold."""
        keys = {key for number in numbers for key in self.decisive(number).values()}
        generic = self._tx.generic_among(sorted(keys)) if keys else frozenset()
        return {
            number: frozenset(t for t, key in self.decisive(number).items() if key not in generic)
            for number in numbers
        }

    def joined(self, dirty: Iterable[int], candidates: Candidates) -> frozenset[Pair]:
        """The pairs of dirty records that share a decisive identifier which is not generic."""
        asked: dict[Pair, set[str]] = {}
        for number in dirty:
            decisive = self.decisive(number)
            asked |= sharing_key(number, decisive, candidates.holders, candidates.generic)
        self.read(number for pair in asked for number in pair)
        return frozenset(
            (a, b)
            for (a, b), texts in asked.items()
            if any(t in self.decisive(a) and t in self.decisive(b) for t in texts)
        )
