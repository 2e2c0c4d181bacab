"""The topics, by name; a test compares them with schemas/topics."""

from typing import Literal, get_args

Topic = Literal[
    "channel-events",
    "channel-events-dlq",
    "identity-commands",
    "profile-changes",
    "segment-changes",
]
TOPICS: tuple[Topic, ...] = get_args(Topic)
