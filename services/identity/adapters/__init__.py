"""The outside world behind the ports: Kafka, PostgreSQL, files, and the shipped fakes."""
