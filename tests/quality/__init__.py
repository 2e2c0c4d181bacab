"""Precision and recall of the resolver's own functions on labelled data."""
