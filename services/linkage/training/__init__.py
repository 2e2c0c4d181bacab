"""Learning a model without labels: u, EM sessions, prior, household share, blocking keys."""
