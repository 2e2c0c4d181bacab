"""Channels to channel-events: answers 200 only after a durable append."""
