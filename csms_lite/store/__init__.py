"""The database: tables, one writer, readers."""
