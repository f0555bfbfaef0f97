"""The bundled central system: one process, SQLite, every fact kept."""
