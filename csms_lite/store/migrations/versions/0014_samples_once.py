"""A sample is found by whose and when it is: told again, it is the same."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Let the index of samples by transaction name the station and the moment too."""
    op.drop_index("ix_samples_transaction_id", "samples")
    op.create_index(
        "ix_samples_station_id_transaction_id_at_ms",
        "samples",
        ["station_id", "transaction_id", "at_ms"],
    )
