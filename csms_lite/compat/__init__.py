"""Translates the addresses and frames of older systems to our verbs; has no logic of its own."""
