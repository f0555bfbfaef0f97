"""Samples keep what came; what is made of it is derived when they are read."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Drop what `sessions.measures.read_sample` makes of the values anyway."""
    op.drop_column("samples", "converted_json")
    op.drop_column("samples", "power_derived")
