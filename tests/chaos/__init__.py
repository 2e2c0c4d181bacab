"""Real processes on a real broker and a real PostgreSQL, killed at random moments under load."""
