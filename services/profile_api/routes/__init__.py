"""The HTTP nouns of the profile API, a module each."""
