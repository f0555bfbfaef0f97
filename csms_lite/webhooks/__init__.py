"""Signed messages to other systems about what changed here, kept as rows until they arrive."""
