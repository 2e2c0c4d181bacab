"""Messages as they travel; the only place where camelCase lives."""
