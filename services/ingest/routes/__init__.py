"""The HTTP doors of ingest, one format each."""
