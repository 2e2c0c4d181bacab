"""Two records side by side: what decides, what could have made them candidates, what they weigh."""

from collections.abc import Collection, Mapping, Sequence

from services.identity.domain.explained import (
    KeyFact,
    KeyOutcome,
    PairFacts,
    SharedIdentifier,
)
from services.identity.domain.identifiers import IdentityRules, joined_identifier_key
from services.identity.domain.ids import RecordKey
from services.identity.store import Reading, StoredRecord
from services.linkage.key_words import rule_keys
from services.linkage.waterfall import explain_pairs
from services.resolver.derive import decode_features
from services.resolver.resolve.edges import decisive_keys
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.known import Known

RECORDS_COMPARED_MAX = 30  # of each of two people, to find their closest pair
BLOCKING, IDENTIFIER = "blocking", "identifier"


def pair_facts(
    tx: Reading, engine: Engine, pairs: Sequence[tuple[StoredRecord, StoredRecord]]
) -> list[PairFacts]:
    """The smaller record key stands on the left, as it does when pairs are weighed."""
    ordered = [(a, b) if a.key < b.key else (b, a) for a, b in pairs]
    generic = generic_among(tx, *(record for pair in ordered for record in pair))
    falls = explain_pairs(
        engine.scorer,
        [(decode_features(a.features), decode_features(b.features)) for a, b in ordered],
    )
    rules = engine.deriver.rules
    return [
        PairFacts(
            left=a.key,
            right=b.key,
            identifiers=shared_identifiers(a, b, rules, generic),
            keys=[*_identifier_facts(a, b, rules, generic), *_rule_facts(a, b, engine, generic)],
            waterfall=fall,
        )
        for (a, b), fall in zip(ordered, falls, strict=True)
    ]


def generic_among(tx: Reading, *records: StoredRecord) -> frozenset[int]:
    """Those of the records' keys that too many records hold."""
    keys = sorted({key for record in records for key in record.keys})
    return tx.generic_among(keys) if keys else frozenset()


def shared_identifiers(
    one: StoredRecord, other: StoredRecord, rules: IdentityRules, generic: Collection[int]
) -> list[SharedIdentifier]:
    """The decisive identifiers of both that are not generic, in the order in which they join."""
    mine, theirs = decisive_keys(one, rules), decisive_keys(other, rules)
    found = [text for text, key in mine.items() if text in theirs and key not in generic]
    return [identifier_of(t, rules) for t in sorted(found, key=lambda t: order_of(t, rules))]


def order_of(text: str, rules: IdentityRules) -> tuple[int, str]:
    """Identifiers join by priority, then as text."""
    return rules.types[text.split("\x1f", 1)[0]].priority, text


def identifier_of(text: str, rules: IdentityRules) -> SharedIdentifier:
    """From type, scope and value as one text; a tenure of the value may follow (tenure.py)."""
    type_name, _, value, *_ = text.split("\x1f")
    return SharedIdentifier(type=type_name, value=value, priority=rules.types[type_name].priority)


def most_alike(
    tx: Reading, engine: Engine, ones: Sequence[int], others: Sequence[int]
) -> tuple[int, int]:
    """Of the pairs between two people the one that came closest: candidates before others."""
    known = Known(tx, engine.deriver.rules)
    sides = [sorted(side)[:RECORDS_COMPARED_MAX] for side in (ones, others)]
    known.read(number for side in sides for number in side)
    pairs = [(a, b) for a in sides[0] for b in sides[1]]
    if len(pairs) == 1:
        return pairs[0]
    generic = generic_among(tx, *known.records.values())
    scored = engine.score(known, [(a, b) if a < b else (b, a) for a, b in pairs])

    def distance(place: int) -> tuple[bool, int, RecordKey, RecordKey]:
        one, other = (known.records[number] for number in pairs[place])
        return not share_key(one, other, generic), -scored.totals[place], one.key, other.key

    return pairs[min(range(len(pairs)), key=distance)]


def share_key(one: StoredRecord, other: StoredRecord, generic: Collection[int]) -> bool:
    """Whether they share a key that is not generic."""
    return any(key not in generic for key in set(one.keys).intersection(other.keys))


def _identifier_facts(
    one: StoredRecord, other: StoredRecord, rules: IdentityRules, generic: Collection[int]
) -> list[KeyFact]:
    """A fact for each type that either carries."""
    mine, theirs = _keys_by_type(one), _keys_by_type(other)
    return [
        _fact((IDENTIFIER, name), (mine.get(name, ()), theirs.get(name, ())), rules, generic)
        for name in sorted(mine.keys() | theirs.keys())
    ]


def _keys_by_type(record: StoredRecord) -> Mapping[str, set[int]]:
    """Only the keys the record is found under: those beyond its limit are found by nobody."""
    held = set(record.keys)
    result: dict[str, set[int]] = {}
    for text in record.state.identifiers:
        key = joined_identifier_key(text)
        if key in held:
            result.setdefault(text.split("\x1f", 1)[0], set()).add(key)
    return result


def _rule_facts(
    one: StoredRecord, other: StoredRecord, engine: Engine, generic: Collection[int]
) -> list[KeyFact]:
    model, rules = engine.deriver.model, engine.deriver.rules
    mine, theirs = (rule_keys(decode_features(each.features), model) for each in (one, other))
    return [
        _fact((BLOCKING, left.words), (left.keys, right.keys), rules, generic)
        for left, right in zip(mine, theirs, strict=True)
    ]


def _fact(
    what: tuple[str, str],
    sides: tuple[Collection[int], Collection[int]],
    rules: IdentityRules,
    generic: Collection[int],
) -> KeyFact:
    (kind, name), (mine, theirs) = what, sides
    if not mine or not theirs:
        return KeyFact(kind=kind, name=name, outcome=KeyOutcome.MISSING)
    shared = set(mine).intersection(theirs)
    if not shared:
        return KeyFact(kind=kind, name=name, outcome=KeyOutcome.DIFFERENT)
    if not shared <= set(generic):
        return KeyFact(kind=kind, name=name, outcome=KeyOutcome.SHARED)
    most = max(shared, key=lambda key: (rules.holders_max(key), key))
    return KeyFact(
        kind=kind,
        name=name,
        outcome=KeyOutcome.GENERIC,
        holders_max=rules.holders_max(most),
        is_said=most in rules.said,
    )
