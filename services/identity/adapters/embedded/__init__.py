"""PostgreSQL from a wheel, and the durable log kept in one of its tables."""
