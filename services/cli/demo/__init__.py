"""`plait demo`: a story and a population through the real doors, watched, measured and checked."""
