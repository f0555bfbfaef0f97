"""Sign-ins tell who vouched for them; those from before count as by a password."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column."""
    op.add_column("sign_ins", Column("provider", String(20)))
