"""plait: customer identity and unification, one package a service."""
