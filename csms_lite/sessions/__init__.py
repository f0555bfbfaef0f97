"""Transactions and their samples."""
