"""Segment membership of the profiles of a batch: entered, left, intervals."""
