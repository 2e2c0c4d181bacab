"""Kafka through kafka-python; the only user of it."""
