"""Whatever is sent, the API answers in form: never a 500, never what was sent, never a hang."""

import asyncio
from collections.abc import Iterator
from random import Random
from urllib.parse import quote

import httpx2
import msgspec
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.reads import MemoryReads
from services.identity.adapters.sql.appends import SqlDecisionLog
from services.identity.adapters.sql.async_pool import AsyncPool
from services.identity.adapters.sql.reads import SqlReads
from services.identity.domain.reading import StoredView
from services.identity.wire.problem import MEDIA_TYPE
from services.identity.wire.profiles import encode
from services.profile_api.app import create_app
from services.profile_api.auth import Scope, new_key
from services.profile_api.problems import STATUS_OF
from services.profile_api.settings import ProfileApiSettings
from tests.profile_factory import T0, a_holding, a_profile

PEPPER = "a pepper for tests"
SETTINGS = ProfileApiSettings.model_validate({"key_pepper": PEPPER})
KEY = new_key(random=bytes, pepper=PEPPER.encode(), scopes=Scope, label="fuzz", at=T0)
PROFILE = a_profile(fields={"city": "Leeds"}, holdings=[a_holding("TV Max", price="45")])
ALLOWED = {200, *STATUS_OF.values()} - {500, 503}


class Caller:
    """Sends requests from ordinary code, in one loop that outlives the examples."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self._app = app
        self._runner = runner

    def send(
        self, method: str, target: str, *, body: bytes | None, headers: list[tuple[bytes, bytes]]
    ) -> httpx2.Response:
        async def call() -> httpx2.Response:
            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=self._app, raise_app_exceptions=True),
                base_url="http://plait.example.org",
            ) as client:
                return await client.request(method, target, content=body, headers=headers)

        return self._runner.run(call())


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    store = MemoryReads(api_keys={KEY.stored.prefix: KEY.stored})
    store.views[PROFILE.id] = StoredView(id=PROFILE.id, document=encode(PROFILE), stays=())
    app = create_app(SETTINGS, store, store, ManualClock(T0), random=bytes)
    with asyncio.Runner() as runner:
        yield Caller(app, runner)


@pytest.fixture
def sql_caller(database_url: str) -> Iterator[Caller]:
    import psycopg  # noqa: PLC0415  # only this fixture speaks to the database

    with psycopg.connect(database_url) as connection:
        stored = KEY.stored
        connection.execute(
            "INSERT INTO api_key VALUES (%s, %s, %s, %s, %s)",
            (stored.prefix, stored.key_hash, sorted(stored.scopes), stored.label, T0),
        )
    pool = AsyncPool(database_url)
    app = create_app(
        SETTINGS, SqlReads(pool), SqlDecisionLog(pool), ManualClock(T0), random=Random(1).randbytes
    )
    with asyncio.Runner() as runner:
        yield Caller(app, runner)
        runner.run(pool.close())


odd_text = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("\x00\n/%?#:*'\"\\{}[]é😀"),
    ),
    max_size=30,
)
whos = st.one_of(
    odd_text,
    st.just(PROFILE.id),
    st.builds("{}:{}".format, st.sampled_from(["email", "phone", "user_id", "x"]), odd_text),
)
numbers = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.sampled_from(["1", "-1", "1e9", ""])
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | odd_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3),
    max_leaves=5,
)
asks = st.fixed_dictionaries(
    {},
    optional={
        "who": whos | values,
        "purpose": st.just("service") | values,
        "channel": st.just("web") | values,
        "offer": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "product": st.just("TV Max") | values,
                "price": st.just(30) | st.just("30.50") | values,
                "currency": st.just("GBP") | values,
                "line_of_business": values,
                "more": values,
            },
        )
        | values,
        "min_confidence": st.just(0.5) | values,
        "log": st.booleans() | values,
        "more": values,
    },
)
good_asks = st.fixed_dictionaries(
    {
        "who": whos,
        "purpose": st.just("service"),
        "channel": st.just("web"),
        "offer": st.fixed_dictionaries(
            {"product": odd_text}, optional={"price": st.sampled_from([0, 30, 0.1, "30.50"])}
        ),
    }
)


def check(response: httpx2.Response) -> None:
    assert response.status_code in ALLOWED, response.text
    if response.status_code != 200:
        assert response.headers["content-type"] == MEDIA_TYPE
        body = msgspec.json.decode(response.content, type=dict[str, object])
        assert body["status"] == response.status_code


def bearer() -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {KEY.text}".encode())]


def read(caller: Caller, who: str, tail: str, query: dict[str, object]) -> None:
    pairs = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
    target = f"/v1/profiles/{quote(who, safe='')}{tail}?{pairs}"
    check(caller.send("GET", target, body=None, headers=bearer()))


queries = st.fixed_dictionaries(
    {}, optional={"limit": numbers, "cursor": odd_text, "fields": odd_text, "more": odd_text}
)


@settings(max_examples=150, deadline=None)
@given(who=whos, tail=st.sampled_from(["", "/timeline", "/"]), query=queries)
def test_reads_of_profiles(caller: Caller, who: str, tail: str, query: dict[str, object]) -> None:
    read(caller, who, tail, query)


@settings(max_examples=80, deadline=None)
@given(name=odd_text, tail=st.sampled_from(["", "/members"]), query=queries)
def test_reads_of_segments(caller: Caller, name: str, tail: str, query: dict[str, object]) -> None:
    pairs = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in query.items())
    target = f"/v1/segments/{quote(name, safe='')}{tail}?{pairs}"
    check(caller.send("GET", target, body=None, headers=bearer()))


@settings(max_examples=80, deadline=None)
@given(
    message_id=odd_text,
    query=st.fixed_dictionaries(
        {},
        optional={"source": odd_text, "values": odd_text, "at_least": odd_text, "more": odd_text},
    ),
)
def test_traces(caller: Caller, message_id: str, query: dict[str, object]) -> None:
    trace(caller, message_id, {"wait_ms": 0, **query})


def trace(caller: Caller, message_id: str, query: dict[str, object]) -> None:
    pairs = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in query.items())
    target = f"/v1/trace/{quote(message_id, safe='')}?{pairs}"
    check(caller.send("GET", target, body=None, headers=bearer()))


@settings(max_examples=250, deadline=None)
@given(ask=asks | good_asks | values)
def test_decisions(caller: Caller, ask: object) -> None:
    headers = [*bearer(), (b"content-type", b"application/json")]
    body = msgspec.json.encode(ask)
    check(caller.send("POST", "/v1/decisions", body=body, headers=headers))


RAW = [
    b'{"who": "\\ud800:a", "purpose": "a", "channel": "a"}',
    b"\xff\xfe",
    b"{}}",
    b"NaN",
    b"1e999",
]


@settings(max_examples=80, deadline=None)
@given(
    body=st.binary(max_size=60) | st.sampled_from(RAW),
    kind=st.sampled_from([b"application/json", b"text/plain", b""]),
)
def test_bodies_that_are_no_json(caller: Caller, body: bytes, kind: bytes) -> None:
    headers = [*bearer(), (b"content-type", kind)]
    check(caller.send("POST", "/v1/decisions", body=body, headers=headers))


@settings(max_examples=80, deadline=None)
@given(value=st.binary(max_size=40).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"")))
def test_keys(caller: Caller, value: bytes) -> None:
    for header in (value, b"Bearer " + value, b"Bearer plait_" + value):
        response = caller.send(
            "GET", "/v1/segments", body=None, headers=[(b"authorization", header)]
        )
        assert response.status_code == 401
        check(response)


@pytest.mark.integration
def test_what_is_read_and_asked_reaches_the_database_in_form(sql_caller: Caller) -> None:
    @settings(max_examples=60, deadline=None)
    @given(who=whos, ask=good_asks)
    def examples(who: str, ask: object) -> None:
        read(sql_caller, who, "/timeline", {})
        trace(sql_caller, who, {})
        headers = [*bearer(), (b"content-type", b"application/json")]
        body = msgspec.json.encode(ask)
        check(sql_caller.send("POST", "/v1/decisions", body=body, headers=headers))

    examples()
