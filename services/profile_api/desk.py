"""What every route of the profile API stands on, put together once by `create_app`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from services.identity.domain.explained import (
    IdentifierSubject,
    ProfileSubject,
    RecordSubject,
    Subject,
)
from services.identity.domain.reading import StoredView
from services.identity.ports import Clock
from services.identity.wire.profiles import decode
from services.profile_api.auth import KeyRing
from services.profile_api.ports import DecisionLog, Explainer, ProfileReads, Steward
from services.profile_api.problems import Code, ProblemError
from services.profile_api.profile_view import candidate
from services.profile_api.settings import ProfileApiSettings
from services.profile_api.standing import StandingReader
from services.profile_api.sureness import Sureness, check_sure
from services.profile_api.who import (
    IdentifierRef,
    People,
    ProfileRef,
    RecordRef,
    parse_subject,
    parse_who,
)

# Not orjson: it refuses integers beyond 64 bits, which a trait may hold.
_encoder = msgspec.json.Encoder()
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`random` gives that many unguessable bytes; decision ids are made of it and the clock."""

    settings: ProfileApiSettings
    reads: ProfileReads
    decisions: DecisionLog
    clock: Clock
    random: Callable[[int], bytes]
    keys: KeyRing
    standing: StandingReader
    people: People
    explainer: Explainer | None = None
    steward: Steward | None = None

    async def one(self, text: str, sure: Sureness) -> tuple[StoredView, str]:
        """The profile that is meant, and whether the id is still its own.

        Raises ProblemError 404 when nobody is, and 300 when several are: then the answer names
        ids only, because a caller who cannot tell two people apart may not read about either. 409
        when it is less `sure` than asked that the profile is one person's.
        """
        who = self.who(text)
        views = await self.people.find(who)
        if not views:
            raise ProblemError(Code.UNKNOWN_PROFILE, self.unknown(views))
        if len(views) > 1:
            candidates, more = self.candidates(views)
            raise ProblemError(
                Code.AMBIGUOUS_IDENTITY,
                "ask again with one of the candidates' ids",
                members={"candidates": candidates, "more": more},
            )
        (view,) = views
        if not sure.asks_nothing:
            rules, _ = await self.people.declared()
            confidence = decode(view.document).confidence
            check_sure(view.id, confidence, sure, rules.merge_policy.uses)
        is_own = isinstance(who, IdentifierRef) or who.id == view.id
        return view, "current" if is_own else "merged"

    def who(self, text: str) -> ProfileRef | IdentifierRef:
        who = parse_who(text)
        if who is None:
            raise ProblemError(Code.UNKNOWN_PROFILE, "an id is a profile id, or type:value")
        return who

    async def subject(self, text: str) -> Subject:
        """Who is meant, for those who look records up themselves."""
        named = parse_subject(text)
        match named:
            case ProfileRef(profile):
                return ProfileSubject(profile)
            case RecordRef(key):
                return RecordSubject(key)
            case IdentifierRef():
                keys = await self.people.keys_of(named)
                if keys is None:
                    raise ProblemError(Code.UNKNOWN_PROFILE, self.unknown(None))
                return IdentifierSubject(keys)
            case None:
                raise ProblemError(
                    Code.INVALID_REQUEST, "name a record as source/kind/key, type:value, or an id"
                )

    def unknown(self, views: Sequence[StoredView] | None) -> str:
        if views is None:
            known = ", ".join(self.people.types)
            return f"this identifier type is not declared; known are {known}"
        return "no record that was resolved has this id"

    def candidates(self, views: Sequence[StoredView]) -> tuple[list[dict[str, object]], bool]:
        """At most as many as the settings say, and whether some were left out."""
        shown = views[: self.settings.candidates_max]
        return [candidate(view) for view in shown], len(views) > len(shown)


def answer(body: Mapping[str, object]) -> Response:
    return Response(_encoder.encode(body), media_type="application/json", headers=_HEADERS)
