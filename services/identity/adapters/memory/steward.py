"""Stewards' commands in memory, found by the records they name."""

from collections.abc import Sequence

from services.identity.adapters.memory.landing import LandingTables
from services.identity.domain.ids import Micros
from services.identity.domain.steward import CommandId, Decision, Withdrawal
from services.identity.domain.value_word import ValueWord
from services.identity.store_steward import ReviewItem


class StewardTables(LandingTables):
    """What a transaction does about stewards' commands; see services/identity/store.py."""

    def add_decisions(self, commands: Sequence[Decision | Withdrawal]) -> Sequence[int]:
        tables, numbers = self._tables, []
        for command in commands:
            if command.id in tables.decisions:
                continue
            number = next(self._counters.decisions)
            self._journal.add(tables.decisions, command.id, (number, command))
            numbers.append(number)
            if isinstance(command, Withdrawal):
                taken = tables.withdrawn.setdefault(command.decision, {})
                self._journal.put(taken, command.id, None)
                continue
            for key in command.records():
                self._journal.put(tables.decided.setdefault(key, {}), command.id, None)
        return numbers

    def decisions_among(self, records: Sequence[int]) -> Sequence[Decision]:
        tables = self._tables
        if not tables.decided:
            return []
        keys = [tables.records[number].key for number in records if number in tables.records]
        ids = sorted({each for key in keys for each in tables.decided.get(key, ())})
        standing = [tables.decisions[each][1] for each in ids if not tables.withdrawn.get(each)]
        return [each for each in standing if isinstance(each, Decision)]

    def decision(self, id_: CommandId) -> tuple[Decision, Withdrawal | None] | None:
        _, known = self._tables.decisions.get(id_, (0, None))
        return (known, self._taken_back(known)) if isinstance(known, Decision) else None

    def decisions_listed(
        self, *, before: tuple[Micros, CommandId] | None, decisions_max: int
    ) -> Sequence[tuple[Decision, Withdrawal | None]]:
        every = [d for _, d in self._tables.decisions.values() if isinstance(d, Decision)]
        every.sort(key=_when, reverse=True)
        after = [each for each in every if before is None or _when(each) < before]
        return [(each, self._taken_back(each)) for each in after[:decisions_max]]

    def _taken_back(self, decision: Decision) -> Withdrawal | None:
        ids = self._tables.withdrawn.get(decision.id, ())
        found = [self._tables.decisions[each][1] for each in ids]
        every = [each for each in found if isinstance(each, Withdrawal)]
        return min(every, key=lambda each: (each.decided_at, each.id), default=None)

    def add_value_words(self, words: Sequence[ValueWord]) -> Sequence[int]:
        fresh = {each.id: each for each in words if each.id not in self._tables.value_words}
        for each in fresh.values():
            self._journal.add(self._tables.value_words, each.id, each)
        return sorted({each.key for each in fresh.values()})

    def value_words(self) -> Sequence[ValueWord]:
        found: dict[int, ValueWord] = {}
        words = self._tables.value_words.values()
        for each in sorted(words, key=lambda each: (-each.decided_at, each.id)):
            found.setdefault(each.key, each)
        return [found[key] for key in sorted(found)]

    def reviews_listed(self, *, kind: str | None, items_max: int) -> Sequence[ReviewItem]:
        every = [item for item, _ in self._tables.reviews.values() if kind in (None, item.kind)]
        return sorted(every, key=lambda i: (-i.effect, i.kind, i.subject))[:items_max]

    def review_of(self, subject: str) -> ReviewItem | None:
        found = [item for item, _ in self._tables.reviews.values() if item.subject == subject]
        return min(found, key=lambda item: item.kind, default=None)

    def reviewed_among(self, components: Sequence[int]) -> frozenset[int]:
        items = (item for item, _ in self._tables.reviews.values())
        return frozenset(components) & {item.component for item in items}

    def replace_reviews(
        self, components: Sequence[int], items: Sequence[ReviewItem], *, at: Micros
    ) -> Sequence[ReviewItem]:
        reviews, here = self._tables.reviews, frozenset(components)
        wanted = {(each.kind, each.subject): each for each in items}
        known = {place for place, (item, _) in reviews.items() if item.component in here}
        for place in known - wanted.keys():
            self._journal.drop(reviews, place)
        for place, item in wanted.items():
            since = reviews[place][1] if place in reviews else at
            self._journal.put(reviews, place, (item, since))
        return [wanted[place] for place in sorted(wanted.keys() - known)]

    def close_reviews(self, kind: str, subjects: Sequence[str]) -> None:
        for subject in subjects:
            self._journal.drop(self._tables.reviews, (kind, subject))

    def records_decided(self, commands: Sequence[int]) -> Sequence[int]:
        tables, asked = self._tables, frozenset(commands)
        about = {
            each.decision if isinstance(each, Withdrawal) else each.id
            for number, each in tables.decisions.values()
            if number in asked
        }
        decisions = [tables.decisions[each][1] for each in about if each in tables.decisions]
        keys = {key for each in decisions if isinstance(each, Decision) for key in each.records()}
        return sorted(tables.numbers[key] for key in keys if key in tables.numbers)


def _when(decision: Decision) -> tuple[Micros, CommandId]:
    return decision.decided_at, decision.id
