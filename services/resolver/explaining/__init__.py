"""Explanations, worked out again from what is stored by the functions that decided."""
