"""Pure values and decisions about identity: no IO, no clock, no logging."""
