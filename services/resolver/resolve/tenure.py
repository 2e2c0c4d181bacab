"""Identifiers that pass from one person to the next: a phone number given out again. Pure.

Where a type says after how long a silence a value may have been given to somebody else, the records
that hold the value are one tenure only while it was never silent for longer. Two tenures of a value
tie as two values would. Who holds it at no known time belongs to a tenure only where there is one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.merge_limit import DAY
from services.identity.domain.stamps import Seen

Texts = Sequence[frozenset[str]]
"""The identifiers of each record: type, scope and value as one text."""


def told_apart(texts: Texts, seen: Sequence[Mapping[str, Seen]], rules: IdentityRules) -> Texts:
    """The same, where a value that had several tenures is named after them."""
    silences = {name: each.reassigned_after_days for name, each in rules.types.items()}
    if not any(silences.values()):
        return texts
    holders: dict[str, list[int]] = defaultdict(list)
    for place, own in enumerate(texts):
        for text in own:
            if silences.get(text[: text.index("\x1f")]):
                holders[text].append(place)
    renamed: dict[int, dict[str, str | None]] = defaultdict(dict)
    for text, places in holders.items():
        days = silences[text[: text.index("\x1f")]] or 0
        for place, name in _tenures(text, {p: seen[p][text] for p in places}, days * DAY).items():
            renamed[place][text] = name
    return [
        frozenset(t for t in (renamed[place].get(text, text) for text in own) if t is not None)
        if place in renamed
        else own
        for place, own in enumerate(texts)
    ]


def _tenures(text: str, seen: Mapping[int, Seen], silence: int) -> Mapping[int, str | None]:
    """Of each holder what the value is called in its tenure. Empty where there is only one."""
    dated = sorted(
        (each.first, each.last, place)
        for place, each in seen.items()
        if each.first is not None and each.last is not None
    )
    found: dict[int, str | None] = {}
    until, tenure = None, 0
    for first, last, place in dated:
        if until is not None and first > until + silence:
            tenure += 1
        until = last if until is None else max(until, last)
        found[place] = f"{text}\x1f{tenure}"
    if tenure == 0:
        return {}
    return dict.fromkeys(seen.keys() - found.keys()) | found
