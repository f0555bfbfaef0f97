"""Judges whether a tag may charge here now."""
