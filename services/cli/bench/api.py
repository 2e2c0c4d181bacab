"""`plait bench api`: profile reads and decisions at a fixed rate, against the whole stack."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import msgspec

from services.cli.bench.base import SEED, fill_base, home_folder
from services.cli.bench.http_load import Load, Sender, request, sender
from services.cli.bench.ingest import answers
from services.cli.bench.people import People
from services.cli.bench.report import note, rate, spread_ms
from services.cli.bench.servers import Served, serving
from services.cli.home import Home, stop_home
from services.cli.keys import API_KEY, keys_of

RECORDS_A_PROFILE = 2.8
CONNECTIONS = 32
WARM_SECONDS = 2.0
DECISION_SHARE = 0.2  # of the rate of reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    per_second: float
    seconds: float
    profiles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whom requests are about: by id, and by what a caller knows of them."""

    ids: Sequence[str]
    emails: Sequence[str]
    headers: Sequence[str]

    def reads(self, count: int, rng: Random) -> list[bytes]:
        """Half by profile id, half by e-mail address."""
        asked = (rng.choice(self.ids if rng.random() < 0.5 else self.emails) for _ in range(count))  # noqa: PLR2004  # half
        return [request("GET", f"/v1/profiles/{quote(w)}", headers=self.headers) for w in asked]

    def decisions(self, count: int, rng: Random) -> list[bytes]:
        return [
            request("POST", "/v1/decisions", headers=self.headers, body=self._question(rng))
            for _ in range(count)
        ]

    def _question(self, rng: Random) -> bytes:
        offer = {"product": "tv", "price": "30.00", "currency": "GBP"}
        question = {"who": rng.choice(self.ids), "purpose": "marketing", "channel": "web"}
        return msgspec.json.encode(question | {"offer": offer})


def bench_api(kept: Path | None, sizes: Sizes) -> dict[str, Any]:
    with home_folder(kept) as folder:
        home = Home(folder)
        records = round(sizes.profiles * RECORDS_A_PROFILE)
        base = fill_base(home, People(SEED), records, train=False)
        home.ensure_api_key()
        asked = _asked(home, records)
        stop_home(folder)
        figures: dict[str, Any] = {"profiles": len(asked.ids), "bulk": base}
        figures["ready_seconds"] = {"new_home": _ready_seconds()}
        rng = Random(SEED)  # noqa: S311  # repeatable on purpose
        with serving(folder, "up") as served:
            figures["ready_seconds"]["home_at_rest"] = round(served.ready_seconds, 2)
            with sender() as process:
                count = round(sizes.per_second * WARM_SECONDS)
                _measure(process, served, asked.reads(count, rng), sizes.per_second)
                note(f"reads at {sizes.per_second:g}/s for {sizes.seconds:g} s")
                requests = asked.reads(round(sizes.per_second * sizes.seconds), rng)
                figures["reads"] = _measure(process, served, requests, sizes.per_second)
                slower = sizes.per_second * DECISION_SHARE
                note(f"decisions at {slower:g}/s for {sizes.seconds:g} s")
                requests = asked.decisions(round(slower * sizes.seconds), rng)
                figures["decisions"] = _measure(process, served, requests, slower)
                note("reads as fast as answered")
                requests = asked.reads(round(sizes.per_second * sizes.seconds), rng)
                figures["reads_at_most"] = _measure(process, served, requests, None)
        return figures


def _measure(
    process: Sender, served: Served, requests: Sequence[bytes], per_second: float | None
) -> dict[str, Any]:
    cpu = served.cpu_seconds()
    outcome = process.send(
        Load(
            port=served.api_port,
            requests=requests,
            connections=CONNECTIONS,
            per_second=per_second,
        )
    )
    return {
        "per_second": rate(len(outcome.seconds), outcome.wall),
        "latency_ms": spread_ms(outcome.seconds),
        "sent_late_ms": spread_ms(outcome.late),
        "server_cpu_percent": round((served.cpu_seconds() - cpu) / outcome.wall * 100),
        "answers": answers(outcome),
    }


def _asked(home: Home, records: int) -> Asked:
    from services.identity.adapters.sql.store import SqlStore

    store = SqlStore(home.url)
    with store.snapshot() as snapshot:
        ids = sorted({profile for _, _, profile in snapshot.records() if profile is not None})
    store.close()
    return Asked(
        ids=ids,
        emails=sorted(set(_emails(records))),
        headers=[f"Authorization: Bearer {keys_of(home.path)[API_KEY]}"],
    )


def _emails(records: int) -> Iterator[str]:
    for row in People(SEED).base(records):
        email = row.values.get("email")
        if email:
            yield f"email:{email}"


def _ready_seconds() -> float:
    """From `plait up` in an empty folder until it answers."""
    note("starting a new home")
    with tempfile.TemporaryDirectory(prefix="plait-bench-") as folder:
        home = Path(folder) / "home"
        try:
            with serving(home, "up") as served:
                return round(served.ready_seconds, 2)
        finally:
            stop_home(home)
