"""The profile API over HTTP: profiles, decisions, and waiting until an answer is new enough."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from services.cli.demo.doors import Positions
from services.identity.domain.errors import RetryableError
from services.identity.wire.as_of import reached

POLL_SECONDS = 0.05
REQUEST_SECONDS_MAX = 30.0


class ProfileApi:
    """Asks with the home's own key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._client = httpx2.Client(
            base_url=url,
            timeout=REQUEST_SECONDS_MAX,
            headers={"Authorization": f"Bearer {key}"},
        )

    def close(self) -> None:
        self._client.close()

    def status_of(self, path: str) -> int:
        return self._client.get(path).status_code

    def profile(self, who: str) -> dict[str, Any]:
        """Raises RetryableError when there is not exactly one."""
        return self._answer(self._client.get(f"/v1/profiles/{quote(who, safe=':@')}"))

    def decide(self, who: str, question: Mapping[str, Any]) -> dict[str, Any]:
        return self._answer(self._client.post("/v1/decisions", json={"who": who, **question}))

    def members(self, segment: str) -> int:
        return int(self._answer(self._client.get(f"/v1/segments/{segment}"))["member_count"])

    def wait_for(
        self,
        positions: Positions,
        *,
        seconds_max: float,
        while_waiting: Callable[[], None] | None = None,
    ) -> None:
        """Until answers speak as of these positions and nothing that was read is unresolved."""
        give_up_at = time.monotonic() + seconds_max
        while True:
            standing = self._answer(self._client.get("/v1/segments"))
            if standing["lag_ms"] == 0 and covers(standing["as_of"], positions):
                return
            if time.monotonic() > give_up_at:
                raise RetryableError(f"not resolved within {seconds_max:.0f} s; see stack.log")
            if while_waiting is not None:
                while_waiting()
            time.sleep(POLL_SECONDS)

    def _answer(self, response: httpx2.Response) -> dict[str, Any]:
        body: dict[str, Any] = response.json()
        if response.status_code != httpx2.codes.OK:
            raise RetryableError(
                f"the profile API answered {response.status_code}: {body.get('code')}"
            )
        return body


def covers(as_of: str | None, positions: Positions) -> bool:
    """Whether an answer's `as_of` reaches as far as these positions."""
    have = {} if as_of is None else reached(as_of)
    return all(have.get(each, 0) >= offset for each, offset in positions.items())
