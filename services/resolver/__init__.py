"""channel-events to clusters and profiles: the one writer of derived state."""
