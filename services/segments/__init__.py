"""Segments as predicates: parsed and whitelisted by sqlglot, evaluated by Polars. No writes."""
