"""Alembic's entry: migrate the connection that `csms_lite.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from csms_lite.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
