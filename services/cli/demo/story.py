"""The story as data: who sends what through which door, in which order. Everyone is invented."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Call = Mapping[str, Any]

KATE_EMAIL = "kate.whitfield@example.org"
KATE_ANONYMOUS = "5f0e8a1c-3c1d-4b55-9a83-6a0d4b7c2e11"
KATE = f"email:{KATE_EMAIL}"
KATE_ACCOUNT = "account_number:4401-7729"
DANIEL = "account_number:4401-9136"
STRANGER = "email:kw@harbour.example.net"
OFFER = {
    "purpose": "marketing",
    "channel": "web",
    "offer": {"product": "TV", "line_of_business": "tv", "price": "30.00", "currency": "GBP"},
}
"""What the web shop asks before it shows its banner."""


class Door(StrEnum):
    """How an event comes in. The value says it in the story."""

    BROWSER = "the browser's own SDK request, as recorded"
    SDK = "the shop's server, through segment-analytics-python"
    MOBILE = "a mobile SDK's request"
    CALLS = "the call centre's system, as JSON"
    BILLING = "the billing system, as JSON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Events that one sender sends at once."""

    door: Door
    events: Sequence[Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One step: what is sent, then whose profile is looked at."""

    title: str
    sendings: Sequence[Sending]
    who: str


_HOME_ADDRESS = {"street": "14 Alder Row", "city": "Leeds", "postalCode": "LS7 3QT"}
_LANDLINE = "0113 496 0142"
_MOBILE = "07700 900461"
_BORN = "1985-06-14"
_KATE_WEB = {"userId": "w-4812", "anonymousId": KATE_ANONYMOUS}
_KATE_APP = {"userId": "m-77120", "anonymousId": "9f4be1d07a2c4e6b"}
_KATE_CALL = {"contactId": "c-20517"}

_BILLING_ACCOUNT = Chapter(
    title="Billing knows a customer since 2016: formal name, old address, TV at 45",
    sendings=[
        Sending(
            door=Door.BILLING,
            events=[
                {
                    "messageId": "demo-billing-1",
                    "timestamp": "2016-09-02T10:00:00Z",
                    "event": "Product Held",
                    "accountNumber": "4401-7729",
                    "traits": {
                        "name": "Katherine Elizabeth Marlowe",
                        "dateOfBirth": _BORN,
                        "street": "3 Quarry Lane",
                        "city": "York",
                        "postalCode": "YO1 9QL",
                    },
                    "properties": {
                        "product": "TV",
                        "lineOfBusiness": "tv",
                        "price": "45.00",
                        "currency": "GBP",
                        "from": "2016-09-02",
                    },
                }
            ],
        )
    ],
    who=KATE_ACCOUNT,
)

_OTHERS = Chapter(
    title="Two others who could be mistaken for her: a man of her household, and a namesake",
    sendings=[
        Sending(
            door=Door.BILLING,
            events=[
                {
                    "messageId": "demo-billing-2",
                    "timestamp": "2021-04-12T09:30:00Z",
                    "event": "Product Held",
                    "accountNumber": "4401-9136",
                    "traits": {
                        "firstName": "Daniel",
                        "lastName": "Whitfield",
                        "dateOfBirth": "1983-02-03",
                        "phone": _LANDLINE,
                        **_HOME_ADDRESS,
                    },
                    "properties": {
                        "product": "Fibre 500",
                        "lineOfBusiness": "broadband",
                        "price": "32.00",
                        "currency": "GBP",
                        "from": "2021-04-12",
                    },
                }
            ],
        ),
        Sending(
            door=Door.SDK,
            events=[
                {
                    "type": "identify",
                    "messageId": "demo-web-20",
                    "timestamp": "2023-11-05T19:12:00+00:00",
                    "userId": "w-2207",
                    "traits": {
                        "firstName": "Dan",
                        "lastName": "Whitfield",
                        "email": "dan.whitfield@example.org",
                        "phone": _LANDLINE,
                        **_HOME_ADDRESS,
                    },
                },
                {
                    "type": "identify",
                    "messageId": "demo-web-21",
                    "timestamp": "2024-02-17T08:41:00+00:00",
                    "userId": "w-3390",
                    "traits": {
                        "firstName": "Kate",
                        "lastName": "Whitfield",
                        "email": "kw@harbour.example.net",
                        "phone": "0117 496 0388",
                        "dateOfBirth": "1991-11-30",
                        "street": "80 Harbour Street",
                        "city": "Bristol",
                        "postalCode": "BS1 5TR",
                    },
                },
            ],
        ),
    ],
    who=DANIEL,
)

_VISIT = Chapter(
    title="Somebody looks at TV on the web; nobody knows who",
    sendings=[
        Sending(
            door=Door.BROWSER,
            events=[
                {
                    "type": "page",
                    "messageId": "demo-browser-1",
                    "timestamp": "2025-03-03T18:04:11.120Z",
                    "anonymousId": KATE_ANONYMOUS,
                },
                {
                    "type": "track",
                    "event": "Product Viewed",
                    "messageId": "demo-browser-2",
                    "timestamp": "2025-03-03T18:04:40.903Z",
                    "anonymousId": KATE_ANONYMOUS,
                    "properties": {"product": "TV", "price": 30},
                },
            ],
        )
    ],
    who=f"anonymous_id:{KATE_ANONYMOUS}",
)

_SIGN_UP = Chapter(
    title="She signs up, with a typo in her name, and allows offers on the web",
    sendings=[
        Sending(
            door=Door.SDK,
            events=[
                {
                    "type": "identify",
                    "messageId": "demo-web-1",
                    "timestamp": "2025-03-03T18:09:27+00:00",
                    **_KATE_WEB,
                    "traits": {
                        "firstName": "Kate",
                        "lastName": "Whitfeild",
                        "email": KATE_EMAIL,
                        "phone": _LANDLINE,
                    },
                },
                {
                    "type": "track",
                    "event": "Consent Changed",
                    "messageId": "demo-web-2",
                    "timestamp": "2025-03-03T18:09:31+00:00",
                    **_KATE_WEB,
                    "properties": {
                        "purpose": "marketing",
                        "channel": "web",
                        "granted": True,
                        "basis": "consent",
                    },
                },
            ],
        )
    ],
    who=KATE,
)

_APP = Chapter(
    title="She uses the app, under the same e-mail address and with her mobile number",
    sendings=[
        Sending(
            door=Door.MOBILE,
            events=[
                {
                    "type": "track",
                    "event": "Application Opened",
                    "messageId": "demo-app-1",
                    "timestamp": "2025-03-09T07:52:03.011Z",
                    **_KATE_APP,
                    "properties": {"version": "5.12.0", "from_background": False},
                },
                {
                    "type": "identify",
                    "messageId": "demo-app-2",
                    "timestamp": "2025-03-09T07:52:20.455Z",
                    **_KATE_APP,
                    "traits": {
                        "firstName": "Kate",
                        "lastName": "Whitfield",
                        "email": KATE_EMAIL,
                        "phone": _MOBILE,
                        "birthday": _BORN,
                        "address": _HOME_ADDRESS,
                    },
                },
                {
                    "type": "screen",
                    "name": "Offers",
                    "messageId": "demo-app-3",
                    "timestamp": "2025-03-09T07:53:41.870Z",
                    **_KATE_APP,
                    "properties": {},
                },
            ],
        )
    ],
    who=KATE,
)

_CALL = Chapter(
    title="She calls from her mobile, gives her maiden name and the number of her account",
    sendings=[
        Sending(
            door=Door.CALLS,
            events=[
                {
                    "messageId": "demo-call-1",
                    "timestamp": "2025-03-11T16:20:00Z",
                    "event": "Call Started",
                    **_KATE_CALL,
                    "traits": {"phone": "+44 7700 900461"},
                    "properties": {"direction": "inbound", "queue": "tv"},
                },
                {
                    "messageId": "demo-call-2",
                    "timestamp": "2025-03-11T16:21:30Z",
                    "event": "Call Identified",
                    **_KATE_CALL,
                    "externalIds": [{"type": "account_number", "id": "4401-7729"}],
                    "traits": {"firstName": "Kate", "lastName": "Marlowe", "dateOfBirth": _BORN},
                    "properties": {"method": "security questions"},
                },
                {
                    "messageId": "demo-call-3",
                    "timestamp": "2025-03-11T16:29:10Z",
                    "event": "Call Ended",
                    **_KATE_CALL,
                    "properties": {"outcome": "solved", "durationSeconds": 550},
                },
            ],
        )
    ],
    who=KATE,
)

BEFORE_THE_CALL: Sequence[Chapter] = (_BILLING_ACCOUNT, _OTHERS, _VISIT, _SIGN_UP, _APP)
THE_CALL: Chapter = _CALL
