"""What is wrong with the central system itself is an alert, too: of no charger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

OPEN = "uq_alerts_open"


def upgrade() -> None:
    """Let an alert be of no charger, and say then of what; nothing refers to this table."""
    op.drop_index(OPEN, "alerts")
    with op.batch_alter_table("alerts", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("station_id", existing_type=sa.Integer(), nullable=True)
        table.add_column(sa.Column("subject", sa.String(length=40)))
    is_open = "closed_at_ms IS NULL"
    for name, columns, which in (
        (OPEN, ["station_id", "connector", "kind"], is_open),
        ("uq_alerts_open_own", ["kind", "subject"], f"{is_open} AND station_id IS NULL"),
    ):
        op.create_index(name, "alerts", columns, unique=True, sqlite_where=sa.text(which))
