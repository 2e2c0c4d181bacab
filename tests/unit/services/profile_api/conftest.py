"""A profile API over dictionaries, with a clock that stands still and keys for every scope."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import httpx2
import msgspec
import pytest
from fastapi import FastAPI

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.reads import MemoryReads
from services.identity.domain.identifiers import SCOPE_SHARED, identifier_key, normalise
from services.identity.domain.ids import Micros, ProfileId, SegmentId
from services.identity.domain.profile import Profile
from services.identity.domain.reading import MemberRow, SegmentRow, Stay, StoredView
from services.identity.wire.profiles import encode
from services.profile_api.app import create_app
from services.profile_api.auth import Scope, new_key
from services.profile_api.settings import ProfileApiSettings
from tests.profile_factory import SECOND, T0

PEPPER = "a pepper for tests"


@dataclass
class Office:
    """The application, its store and its clock; `add` puts a profile in."""

    store: MemoryReads = field(default_factory=MemoryReads)
    clock: ManualClock = field(default_factory=lambda: ManualClock(Micros(T0 + 3_600 * SECOND)))
    settings: ProfileApiSettings = field(
        default_factory=lambda: ProfileApiSettings.model_validate({"key_pepper": PEPPER})
    )
    drawn: int = 0

    def app(self) -> FastAPI:
        return create_app(self.settings, self.store, self.store, self.clock, random=self.random)

    def random(self, count: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(count, "big")

    def key(self, *scopes: Scope) -> str:
        made = new_key(
            random=self.random, pepper=PEPPER.encode(), scopes=scopes, label="test", at=T0
        )
        self.store.api_keys[made.stored.prefix] = made.stored
        return made.text

    def add(
        self, profile: Profile, *, email: str | None = None, segments: tuple[str, ...] = ()
    ) -> ProfileId:
        stays = [Stay(segment=SegmentId(s), entered_at=T0) for s in segments]
        self.store.views[profile.id] = StoredView(
            id=profile.id, document=encode(profile), stays=stays
        )
        if email is not None:
            value = normalise("email", email, None)
            assert value is not None
            key = identifier_key("email", SCOPE_SHARED, value)
            self.store.keys.setdefault(key, set()).add(profile.id)
        for segment in segments:
            self.add_segment(segment)
            self.store.member_rows.setdefault(SegmentId(segment), []).append(
                MemberRow(profile=profile.id, entered_at=T0)
            )
        return profile.id

    def add_segment(self, name: str) -> None:
        self.store.segment_rows[SegmentId(name)] = SegmentRow(
            id=SegmentId(name),
            document={"id": name, "name": name, "predicate": "TRUE", "purposes": []},
            version=1,
            changed_at=T0,
            member_count=0,
        )


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx2.AsyncClient]:
    """Holds a key that may do everything."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=office.app(), raise_app_exceptions=False),
        base_url="http://plait.example.org",
        headers={"Authorization": f"Bearer {office.key(*Scope)}"},
    ) as opened:
        yield opened


def problem(response: httpx2.Response) -> str:
    """The code of a refusal, after checking that it is one in form."""
    assert response.headers["content-type"] == "application/problem+json"
    body = msgspec.json.decode(response.content, type=dict[str, object])
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:plait:problem:{body['code']}"
    return str(body["code"])


def is_uuid(text: object) -> bool:
    return str(UUID(str(text))) == text
