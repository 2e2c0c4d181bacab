"""PostgreSQL: tables, reads and writes; the only user of SQLAlchemy, psycopg and asyncpg."""
