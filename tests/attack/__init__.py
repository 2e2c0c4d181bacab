"""Crowds that share one value, and chains of them: nothing may grow without bound."""
