"""Bulk files read by DuckDB: every row, or its reason."""
