"""Dirty records to clusters, profiles and changes, stage by stage."""
