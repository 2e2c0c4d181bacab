"""Profiles, segments and decisions over HTTP; reads only."""
