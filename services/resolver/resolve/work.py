"""One batch at work, stage by stage, in a straight line.

Candidates and scores come first, without locks; then the components joined by an edge are locked
and everything that was read is checked again. Whatever another worker changed in between sends the
whole batch back to its start, so that no decision stands on a stale reading.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from services.identity.domain.cluster import anchored_id
from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.domain.ladder import Place
from services.identity.store import Member, RestartBatch, StoredEdge, Transaction
from services.resolver.parts import Entered, Part
from services.resolver.perform import Told, perform
from services.resolver.resolve.burden import take_on, take_on_joined
from services.resolver.resolve.calm import Calm, find_calm
from services.resolver.resolve.candidates import (
    Candidates,
    Pair,
    check_crossings,
    find_candidates,
    tell_crossings,
)
from services.resolver.resolve.cluster import (
    Case,
    Clustered,
    Outcome,
    Plan,
    cluster_all,
    parts_asked,
    weighed_in,
)
from services.resolver.resolve.components import Standing, lock_members
from services.resolver.resolve.decided import Decided, check_locked, decided, further
from services.resolver.resolve.edges import judge, weights_within
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.inner import weigh_inner
from services.resolver.resolve.known import Known
from services.resolver.resolve.layout import place, shaken
from services.resolver.resolve.reviews import cut_items, item_of, void_items, waiting_items
from services.resolver.resolve.touched import Touched
from services.resolver.resolve.word import SILENCE, Word
from services.resolver.segments.shared import mark_accounts, reached_by


class Work:
    """The records of one batch, read once, and the stages over them."""

    def __init__(
        self,
        tx: Transaction,
        engine: Engine,
        at: Micros,
        *,
        records_max: int | None,
        entered: Entered,
    ) -> None:
        self._tx = tx
        self._entered = entered
        self._records_max = records_max
        self._engine = engine
        self._at = at
        self._known = Known(tx, engine.deriver.rules)
        self._loosened: frozenset[Pair] = frozenset()
        self._vectors: dict[Pair, bytes] = {}
        self._heard: frozenset[int] = frozenset()
        self.pairs = 0
        self.edges = 0
        self.burden = 0
        self.left: frozenset[int] = frozenset()

    def run(self, batch: Touched, *, let_go: Collection[int] = ()) -> Told:
        """Resolve what was touched; keys that somebody let go of are counted again.

        Who is in `left` afterwards was not resolved.
        """
        self._entered(Part.CANDIDATES)
        self._known.read(batch.stirred())
        candidates, found = self._find_edges(batch.dirty, let_go)
        self._entered(Part.COMPONENTS)
        rules = self._engine.deriver.rules
        tell_crossings(self._tx, candidates.untold, rules, at=self._at)
        tied = further(self._tx, self._engine.foresight, batch.records)
        ladder = self._engine.context.ladder
        locked = lock_members(
            self._tx, batch.records | tied, found, ladder, leavable=batch.leavable - tied
        )
        members, edges, self.left = locked.members, locked.found, locked.left
        if self.left:
            batch = batch.without(self.left)
        dirty, spoken, self._heard = batch.dirty, batch.spoken, batch.heard
        ends = {end for edge in edges for end in (edge.a, edge.b)}
        calm, members = find_calm(
            self._tx,
            members,
            batch.records,
            stirred=batch.stirred() | tied | ends,
            records_max=self._records_max,
        )
        most = self._engine.burden_max
        pairs = len(candidates.pairs)
        self.burden = take_on(members, edges, batch.marked, candidates=pairs, most=most)
        touched = batch.records - calm.members.keys()
        standing = Standing.of(self._tx, members, touched)
        self._check_unchanged()
        check_crossings(self._tx, [self._known.records[n] for n in dirty], candidates)
        current = self._replace_edges(dirty, edges, candidates, standing)
        self._known.read([*standing.members, *calm.members])
        decisions = self._decided(standing, touched)
        ties = list(decisions.ties()) if decisions else ()
        placed = place(standing, current, ties=ties, dirty=dirty, ladder=ladder)
        self.burden = take_on_joined(
            standing.members, placed, edges, batch.marked, candidates=pairs, most=most
        )
        changed = shaken(standing, dirty.union(spoken), current, placed, ties=ties)
        self._tx.lay_out_later(sorted(changed), at=self._at)
        components = {number: each.part for number, each in placed.items()}
        kept = self._set_aside(standing, components)
        parts = components
        if decisions:
            parts = decisions.parts(components, current)
        if kept:
            parts = {number: part for number, part in parts.items() if number not in kept}
        clustered = self._cluster(parts, current, decisions, standing.members)
        self._review(standing, placed, clustered, decisions, kept)
        return self._tell(standing, placed, clustered, kept, calm=calm, anew=batch.anew)

    def _decided(self, standing: Standing, touched: frozenset[int]) -> Decided | None:
        said = decided(self._tx, self._known.records, members=standing.members)
        if said is not None:
            check_locked(said, self._engine.foresight, touched)
        return said

    def _set_aside(self, standing: Standing, components: Mapping[int, int]) -> frozenset[int]:
        """Records of components too large for a batch: they keep their profiles until later."""
        sizes = Counter(components.values())
        large = [c for c, n in sizes.items() if self._records_max and n > self._records_max]
        if len(standing.members) > (self._records_max or 0):
            self._tx.clear_set_aside(sorted({m.component for m in standing.members.values()}))
        if not large:
            return frozenset()
        self._tx.set_aside(large, at=self._at)
        return frozenset(n for n, c in components.items() if c in set(large))

    def _find_edges(
        self, dirty: frozenset[int], let_go: Collection[int]
    ) -> tuple[Candidates, list[StoredEdge]]:
        known = self._known
        records = [known.records[number] for number in sorted(dirty)]
        rules = self._engine.deriver.rules
        candidates = find_candidates(self._tx, records, rules, let_go=let_go)
        known.read_for_comparing(number for pair in candidates.pairs for number in pair)
        pairs = sorted(candidates.pairs)
        if not self._engine.may_all_pair:
            pairs = [pair for pair in pairs if self._engine.may_pair(known, *pair)]
        joined = known.joined(dirty, candidates)
        self._entered(Part.SCORE)
        scored = self._engine.score(known, pairs)
        self._vectors.update(zip(pairs, scored.vectors, strict=True))
        self.pairs += len(pairs)
        edges = judge(
            pairs,
            scored.vectors,
            scored.totals,
            floor=self._engine.deriver.model.edge_floor_units,
            joined=joined,
        )
        self.edges = len(edges)
        return candidates, edges

    def _check_unchanged(self) -> None:
        """Under lock: every record must still match by what was compared.

        What else was heard of it meanwhile is taken in: whoever resolved that may be done already.
        """
        before = self._known.versions()
        now = self._tx.versions(sorted(before))
        changed = sorted(n for n, version in before.items() if version != now.get(n))
        if changed:
            self._known.take_newer(self._tx.records(changed))

    def _replace_edges(
        self,
        dirty: frozenset[int],
        edges: Sequence[StoredEdge],
        candidates: Candidates,
        standing: Standing,
    ) -> dict[Pair, StoredEdge]:
        """The edges of these components today: those of dirty records are found anew."""
        before = {(edge.a, edge.b): edge for edge in standing.edges}
        new = {(edge.a, edge.b): edge for edge in edges}
        stale = {pair for pair in before if pair[0] in dirty or pair[1] in dirty}
        self._loosened = self._check_let_go(stale - candidates.pairs, candidates.generic)
        changed = {pair for pair in new if before.get(pair) != new[pair]}
        self._tx.remove_edges(sorted((stale - new.keys()) | (changed & before.keys())))
        self._tx.put_edges([new[pair] for pair in sorted(changed)])
        kept = {pair: edge for pair, edge in before.items() if pair not in stale}
        return kept | new

    def _check_let_go(self, pairs: Iterable[Pair], generic: frozenset[int]) -> frozenset[Pair]:
        """An edge may go only if its records share no key: else its other end landed meanwhile.

        Gives those that went because every key that their records share is generic.
        """
        pairs = sorted(pairs)
        self._known.read(number for pair in pairs for number in pair)
        records = self._known.records
        loosened: set[Pair] = set()
        for a, b in pairs:
            shared = set(records[a].keys) & set(records[b].keys)
            if shared - generic:
                raise RestartBatch("a record landed while candidates were being found")
            if shared:
                loosened.add((a, b))
        return frozenset(loosened)

    def _cluster(
        self,
        components: Mapping[int, int],
        edges: Mapping[Pair, StoredEdge],
        decisions: Decided | None,
        members: Mapping[int, Member],
    ) -> dict[int, Clustered]:
        """Every component to its clusters; pairs without an edge are scored too."""
        self._entered(Part.CLUSTER)
        known = self._known
        self._vectors.update((pair, edge.vector) for pair, edge in edges.items())
        groups: dict[int, list[int]] = {}
        for number, component in components.items():
            if not known.records[number].state.is_empty:
                groups.setdefault(component, []).append(number)
        ordered = {c: sorted(numbers, key=known.key_of) for c, numbers in groups.items()}
        several = [n for numbers in ordered.values() if len(numbers) > 1 for n in numbers]
        decisive = known.decisive_without_generic(several)
        most = self._engine.context.ladder.units_max_at(0)  # fewer are not cut by their weights
        large = {c for c, numbers in ordered.items() if len(numbers) > most}
        weights = weights_within(edges, components, wanted=large)
        plans = {
            component: Plan(
                Case(
                    records=[known.records[n] for n in numbers],
                    features=known.features_of(numbers),
                    decisive=[decisive.get(n, frozenset()) for n in numbers],
                    weights=weights.get(component, {}),
                    vectors=self._vectors,
                    word=self._word(decisions, numbers),
                ),
                self._engine.context,
            )
            for component, numbers in ordered.items()
        }
        self._entered(Part.SCORE)
        parts = parts_asked(plans.values())
        width = len(self._engine.context.model.comparisons)
        weighed = weighed_in(parts, self._vectors, width=width)
        self.pairs += weigh_inner(
            self._tx, self._engine, known, plans, members=members, parts=parts, weighed=weighed
        )
        self._entered(Part.CLUSTER)
        clustered = cluster_all(list(plans.values()), parts, weighed)
        return dict(zip(plans, clustered, strict=True))

    def _word(self, decisions: Decided | None, numbers: Sequence[int]) -> Word:
        if decisions is None or len(numbers) == 1:
            return SILENCE
        return decisions.word({self._known.key_of(n): at for at, n in enumerate(numbers)})

    def _review(
        self,
        standing: Standing,
        placed: Mapping[int, Place],
        clustered: Mapping[int, Clustered],
        decisions: Decided | None,
        kept: frozenset[int],
    ) -> None:
        """What a person should look at in these components from now on, in the place of before."""
        records = self._known.records
        items = [
            item_of(note, records, component=placed[note.records[0]].part)
            for result in clustered.values()
            for note in result.notes
        ]
        if decisions is not None:
            items += void_items(
                decisions.ruling,
                decisions.sides,
                component_of={
                    records[n].key: each.part
                    for n, each in placed.items()
                    if not records[n].state.is_empty
                },
            )
        items += cut_items(records, placed, self._engine.context.ladder)
        items += waiting_items(records, placed, kept)
        before = {member.component for member in standing.members.values()}
        self._tx.replace_reviews(sorted(before), items, at=self._at)

    def _tell(
        self,
        standing: Standing,
        placed: Mapping[int, Place],
        clustered: Mapping[int, Clustered],
        kept: frozenset[int],
        *,
        calm: Calm,
        anew: Collection[int],
    ) -> Told:
        outcomes: dict[ProfileId, Outcome] = {}
        profile_of: dict[int, ProfileId] = {}
        records = self._known.records
        found = (each for result in clustered.values() for each in result.outcomes)
        for outcome in chain(found, calm.outcomes()):
            profile = self._profile_of(outcome)
            outcomes[profile] = outcome
            profile_of |= dict.fromkeys(outcome.records, profile)
        members = [
            Member(
                number,
                each.part,
                standing.members[number].profile if number in kept else profile_of.get(number),
                each.step,
            )
            for number, each in sorted(placed.items())
        ]
        members += [m._replace(profile=profile_of[n]) for n, m in sorted(calm.members.items())]
        was = {**standing.members, **calm.members}
        self._entered(Part.WRITE)
        moved = [m for m in members if was[m.record] != m]
        self._tx.put_memberships(moved)
        before: dict[RecordKey, ProfileId | None] = {
            records[number].key: member.profile
            for number, member in was.items()
            if number not in kept
        }
        after = {records[m.record].key: m.profile for m in members if m.record not in kept}
        told = perform(
            self._tx,
            self._engine,
            records,
            outcomes,
            before=before,
            after=after,
            stored=calm.stored,
            as_told=self._as_told(standing, placed, outcomes, anew),
            loosened=standing.profiles_held_by(self._loosened),
            at=self._at,
            entered=self._entered,
        )
        if self._engine.evaluator.asks_of_others and (self._heard or moved or told.profiles):
            reached = [
                *reached_by(self._heard, placed, standing.members),
                *calm.reached(self._heard),
            ]
            mark_accounts(self._tx, (records[number] for number in reached), at=self._at)
        return told

    def _as_told(
        self,
        standing: Standing,
        placed: Mapping[int, Place],
        outcomes: Mapping[ProfileId, Outcome],
        anew: Collection[int],
    ) -> frozenset[ProfileId]:
        """Profiles of the same records as before, of which nobody heard anything."""
        fresh = {placed[number].part for number in anew if number in placed}
        before: dict[ProfileId | None, set[int]] = {}
        for number, member in standing.members.items():
            before.setdefault(member.profile, set()).add(number)
        return frozenset(
            profile
            for profile, outcome in outcomes.items()
            if self._heard.isdisjoint(outcome.records)
            and before.get(profile) == set(outcome.records)
            and placed[outcome.records[0]].part not in fresh
        )

    def _profile_of(self, outcome: Outcome) -> ProfileId:
        records = self._known.records
        return anchored_id((records[n].key, records[n].state.dated_from) for n in outcome.records)
