"""Stewards' commands in memory, found by the records they name."""

from collections.abc import Sequence

from services.identity.adapters.memory.landing import LandingTables
from services.identity.domain.steward import Decision, Withdrawal


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
