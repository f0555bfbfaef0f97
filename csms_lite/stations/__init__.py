"""Chargers and their connectors as they report themselves."""
