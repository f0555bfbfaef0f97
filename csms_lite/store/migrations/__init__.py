"""Schema changes, in order; written with `alembic`, run by `csms_lite.store.migrate`."""
