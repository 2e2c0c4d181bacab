"""The story, told through the real doors: send, wait until it is in, look, explain, ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.cli.demo import narrate
from services.cli.demo.api import ProfileApi
from services.cli.demo.doors import Doors, furthest
from services.cli.demo.story import (
    BEFORE_THE_CALL,
    DANIEL,
    KATE,
    KATE_ACCOUNT,
    OFFER,
    STRANGER,
    THE_CALL,
    Chapter,
)
from services.cli.explaining import tie_document
from services.cli.home import Home
from services.identity.domain.ids import ProfileId
from services.resolver.explain import Tie

CHAPTER_SECONDS_MAX = 60.0
Say = Callable[[str], None]
Profile = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the story came to; everything that its checks look at."""

    chapters: Sequence[Mapping[str, Any]]
    ties: Sequence[Mapping[str, Any]]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    early: Profile
    """Her web and app profile, as it was told before the call."""
    kate: Profile
    by_early_id: Profile
    by_account: Profile
    daniel: Profile
    stranger: Profile


class Explainer:
    """Ties of records, weighed by the active model; compiled once for the whole story."""

    def __init__(self, home: Home) -> None:
        from services.identity.adapters.sql.store import SqlStore
        from services.resolver.standing import Standing

        self._store = SqlStore(home.url)
        self._standing = Standing()

    def close(self) -> None:
        self._store.close()

    def ties(self, profile: str) -> list[Tie]:
        from services.resolver.explain import ties_of

        with self._store.transaction() as tx:
            return ties_of(tx, self._standing.engine(tx), ProfileId(profile))

    def strongest(self, profile: str, other: str) -> Tie:
        """Of all pairs of records across two profiles, the one with the most evidence."""
        from services.resolver.explain import tie

        with self._store.transaction() as tx:
            engine = self._standing.engine(tx)
            ours, theirs = (
                tx.records(tx.records_of(ProfileId(each))).values() for each in (profile, other)
            )
            return max(
                (tie(engine, one, another) for one in ours for another in theirs),
                key=lambda each: each.bits,
            )


def play(doors: Doors, api: ProfileApi, explainer: Explainer, *, say: Say) -> Played:
    """Tell the whole story. Raises RetryableError when the stack does not keep up."""
    teller = _Teller(doors, api, explainer, say)
    for chapter in BEFORE_THE_CALL:
        teller.tell(chapter)
    say("\nThe web shop asks, as it would today, with what web and app know")
    before = teller.ask()
    early = api.profile(KATE)
    teller.tell(THE_CALL)
    say("\nThe web shop asks again")
    after = teller.ask()
    kate, daniel, stranger = (api.profile(each) for each in (KATE, DANIEL, STRANGER))
    say("\nNot joined, and why")
    for whose, other in (("the man of her household", daniel), ("her namesake", stranger)):
        teller.tell_apart(whose, kate, other)
    return Played(
        chapters=teller.told,
        ties=[tie_document(each) for each in explainer.ties(kate["profile_id"])],
        before=before,
        after=after,
        early=early,
        kate=kate,
        by_early_id=api.profile(early["profile_id"]),
        by_account=api.profile(KATE_ACCOUNT),
        daniel=daniel,
        stranger=stranger,
    )


class _Teller:
    """Plays chapters one by one and remembers what was known before each."""

    def __init__(self, doors: Doors, api: ProfileApi, explainer: Explainer, say: Say) -> None:
        self._doors, self._api, self._explainer, self._say = doors, api, explainer, say
        self._seen: dict[str, Profile] = {}
        self._explained: set[frozenset[object]] = set()
        self.told: list[Mapping[str, Any]] = []

    def tell(self, chapter: Chapter) -> None:
        self._say(f"\n{len(self.told) + 1}. {chapter.title}")
        for sending in chapter.sendings:
            self._say(f"  through {sending.door.value}: {_count(len(sending.events), 'event')}")
        reached = furthest([self._doors.send(sending) for sending in chapter.sendings])
        self._api.wait_for(reached, seconds_max=CHAPTER_SECONDS_MAX)
        profile = self._api.profile(chapter.who)
        before = self._before(profile)
        self._lines(narrate.profile_lines(profile, before))
        for tie in self._new_ties(profile["profile_id"]):
            self._lines(narrate.tie_lines(tie))
        self._seen[chapter.who] = profile
        self.told.append(
            {
                "title": chapter.title,
                "doors": [sending.door.name.lower() for sending in chapter.sendings],
                "who": chapter.who,
                "profile_id": profile["profile_id"],
                "records": profile["records"],
                "segments": [each["id"] for each in profile["segments"]],
            }
        )

    def ask(self) -> dict[str, Any]:
        decision = self._api.decide(KATE, OFFER)
        self._lines(narrate.decision_lines(decision))
        return decision

    def tell_apart(self, whose: str, profile: Profile, other: Profile) -> None:
        if other["profile_id"] == profile["profile_id"]:
            self._say(f"  {whose}: JOINED, which is wrong")
            return
        found = self._explainer.strongest(profile["profile_id"], other["profile_id"])
        self._lines(narrate.apart_lines(whose, found))

    def _before(self, profile: Profile) -> Profile | None:
        """The newest look at any part of what this profile is made of now."""
        records = [_record(each) for each in profile["records"]]
        parts = [
            seen
            for seen in self._seen.values()
            if any(_record(each) in records for each in seen["records"])
        ]
        return parts[-1] if parts else None

    def _new_ties(self, profile: str) -> list[Tie]:
        ties = [
            tie
            for tie in self._explainer.ties(profile)
            if frozenset((tie.left, tie.right)) not in self._explained
        ]
        self._explained.update(frozenset((tie.left, tie.right)) for tie in ties)
        return ties

    def _lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._say(line)


def _record(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return (record["source"], record["kind"], record["key"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
