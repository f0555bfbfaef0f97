"""What changed, numbered; webhooks and their deliveries."""

from __future__ import annotations

import sqlalchemy
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "changes",
        sqlalchemy.Column("number", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("kind", sqlalchemy.String(length=20), nullable=False),
        sqlalchemy.Column("station_id", sqlalchemy.Integer()),
        sqlalchemy.Column("connector", sqlalchemy.Integer()),
        sqlalchemy.Column("transaction_id", sqlalchemy.BigInteger()),
        sqlalchemy.Column("user_id", sqlalchemy.Integer()),
        sqlalchemy.Column("details", sqlalchemy.Text(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("number", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_user_id_number", "changes", ["user_id", "number"])
    op.create_table(
        "webhooks",
        sqlalchemy.Column("webhook_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("url", sqlalchemy.String(length=500), nullable=False),
        sqlalchemy.Column("kinds_json", sqlalchemy.Text(), nullable=False),
        sqlalchemy.Column("secret", sqlalchemy.String(length=80), nullable=False),
        sqlalchemy.Column("state", sqlalchemy.String(length=8), nullable=False),
        sqlalchemy.Column("told", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("created_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("webhook_id", name="pk_webhooks"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deliveries",
        sqlalchemy.Column("delivery_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("webhook_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("number", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("kind", sqlalchemy.String(length=20), nullable=False),
        sqlalchemy.Column("body", sqlalchemy.Text(), nullable=False),
        sqlalchemy.Column("state", sqlalchemy.String(length=9), nullable=False),
        sqlalchemy.Column("attempts", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("due_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("status", sqlalchemy.Integer()),
        sqlalchemy.Column("problem", sqlalchemy.String(length=300)),
        sqlalchemy.Column("ended_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.webhook_id"], name="fk_deliveries_webhook_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("delivery_id", name="pk_deliveries"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deliveries_webhook_id_number", "deliveries", ["webhook_id", "number"], unique=True
    )
    op.create_index("ix_deliveries_state_due_at_ms", "deliveries", ["state", "due_at_ms"])
