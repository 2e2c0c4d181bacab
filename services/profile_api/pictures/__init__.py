"""Explanations as pictures: SVG drawn from the answers of the API, without any library."""
