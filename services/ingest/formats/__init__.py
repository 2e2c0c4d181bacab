"""One wire format each: its shape to channel-event messages. Pure."""
