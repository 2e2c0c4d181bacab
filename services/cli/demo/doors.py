"""How each event of the demo goes in: always through ingest over HTTP, as its sender would send it.

Recorded requests go in without their `sentAt`, and so do the SDK's own messages when `fixed`: then
every event's time is exactly the one it says, and two runs have one state hash. (With `sentAt`, as
the SDK posts by itself, the time is corrected by how long the request took.)
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

import httpx2

from services.cli.demo.story import Call, Door, Sending
from services.identity.domain.errors import RetryableError
from services.identity.ports import Partition
from services.identity.wire.as_of import reached

REQUEST_SECONDS_MAX = 60.0
TRIES_MAX = 20  # a sender that is not answered 200 sends again
PAUSE_SECONDS = 0.25
PATHS = {
    Door.SDK: "/v1/batch",
    Door.CALLS: "/v1/call-centre/contacts",
    Door.BILLING: "/v1/billing/events",
}
SOURCES = {
    Door.BROWSER: "web",
    Door.SDK: "web",
    Door.MOBILE: "app",
    Door.CALLS: "calls",
    Door.BILLING: "billing",
}
Positions = Mapping[Partition, int]


class Doors:
    """The senders of the demo. `log_ends` tells how far the log reaches: the SDK does not say."""

    def __init__(
        self,
        ingest: str,
        write_keys: Mapping[str, str],
        *,
        log_ends: Callable[[], Positions],
        fixed: bool = False,
    ) -> None:
        self._ingest = ingest
        self._keys = write_keys
        self._log_ends = log_ends
        self._fixed = fixed
        self._client = httpx2.Client(base_url=ingest, timeout=REQUEST_SECONDS_MAX)

    def close(self) -> None:
        self._client.close()

    def send(self, sending: Sending) -> Positions:
        """Post the events; gives how far a reader must be to have seen them.

        Raises RetryableError when ingest refuses them, or does not answer for long.
        """
        match sending.door:
            case Door.SDK:
                return self._through_sdk(sending.events)
            case Door.BROWSER:
                return self._replayed("browser", sending)
            case Door.MOBILE:
                return self._from_mobile(sending)
            case Door.CALLS | Door.BILLING:
                return self.post(sending.door, {"events": list(sending.events)})

    def send_as_they_are(self, sending: Sending) -> Positions:
        """As `send`, but events in the SDK's shape are posted without it: many senders' at once."""
        if sending.door is Door.SDK:
            return self.post(Door.SDK, {"batch": list(sending.events)})
        return self.send(sending)

    def post(
        self,
        door: Door,
        body: Mapping[str, Any],
        *,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Positions:
        """One request with the source's write key; sent again until it is answered."""
        key = self._keys[SOURCES[door]]
        sent_headers = {"Content-Type": "application/json", **(headers or {})}
        content = json.dumps(body).encode()
        for _ in range(TRIES_MAX):
            try:
                response = self._client.post(
                    path or PATHS[door], content=content, headers=sent_headers, auth=(key, "")
                )
            except httpx2.TransportError:
                time.sleep(PAUSE_SECONDS)
                continue
            if response.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                return _reached(response)
            time.sleep(PAUSE_SECONDS)
        raise RetryableError(f"ingest at {self._ingest} does not answer")

    def _through_sdk(self, events: Sequence[Call]) -> Positions:
        """The unmodified SDK queues, batches and posts by itself."""
        from segment.analytics.client import Client

        errors: list[Exception] = []
        client = Client(
            self._keys[SOURCES[Door.SDK]],
            host=self._ingest,
            on_error=lambda error, _: errors.append(error),
            send=not self._fixed,
            upload_interval=0.1,
        )
        queued = [_call(client, event) for event in events]
        if self._fixed:
            return self.post(Door.SDK, {"batch": queued})
        client.shutdown()
        if errors:
            raise RetryableError(f"the SDK could not deliver: {errors[0]}")
        return self._log_ends()

    def _replayed(self, name: str, sending: Sending) -> Positions:
        recorded = _recorded(name)
        batch = [{**recorded[event["type"]], **event} for event in sending.events]
        for event, said in zip(batch, sending.events, strict=True):
            shape = recorded[event["type"]]["properties"]
            event["properties"] = {**shape, **said.get("properties", {})}
        key = self._keys[SOURCES[sending.door]]
        body = {"writeKey": key, "batch": [{**event, "writeKey": key} for event in batch]}
        return self.post(sending.door, body, path=recorded["path"], headers=recorded["headers"])

    def _from_mobile(self, sending: Sending) -> Positions:
        recorded = _recorded("mobile")
        batch = [
            {"channel": "mobile", "integrations": {}, "context": recorded["context"], **event}
            for event in sending.events
        ]
        body = {"writeKey": self._keys[SOURCES[sending.door]], "batch": batch}
        return self.post(sending.door, body, path=recorded["path"], headers=recorded["headers"])


def furthest(several: Sequence[Positions]) -> Positions:
    """How far a reader must be to have seen all of them."""
    result: dict[Partition, int] = {}
    for positions in several:
        for partition, offset in positions.items():
            result[partition] = max(offset, result.get(partition, 0))
    return result


def _call(client: Any, event: Call) -> dict[str, Any]:  # noqa: ANN401  # the SDK has no types
    """Hand one event to the SDK's own method; gives the message that it made of it."""
    shared = {
        "user_id": event.get("userId"),
        "anonymous_id": event.get("anonymousId"),
        "timestamp": datetime.fromisoformat(event["timestamp"]),
        "message_id": event["messageId"],
    }
    if event["type"] == "identify":
        _, message = client.identify(traits=dict(event["traits"]), **shared)
    else:
        _, message = client.track(
            event=event["event"], properties=dict(event["properties"]), **shared
        )
    return dict(message)


def _recorded(name: str) -> dict[str, Any]:
    text = files("services.cli.demo").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _reached(response: httpx2.Response) -> Positions:
    """Where the events stand in the log, by the tokens of the answer."""
    body = response.json()
    if response.status_code != httpx2.codes.OK or body.get("rejected"):
        raise RetryableError(
            f"ingest answered {response.status_code}: {body.get('rejected') or body}"
        )
    return reached(body["as_of"])
