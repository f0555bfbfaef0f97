"""A sample is known by whose it is, when it was taken, and a fingerprint of its values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from csms_lite.jsontext import canonical, fingerprint, loads
from csms_lite.store.thread import raw_of

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Reckon the fingerprints of what there is, so that a repeat of today is known tomorrow."""
    op.drop_index("ix_samples_transaction_id", "samples")
    op.add_column(
        "samples", sa.Column("fingerprint", sa.BigInteger(), nullable=False, server_default="0")
    )
    raw = raw_of(op.get_bind())
    raw.create_function("fingerprint_of", 1, _fingerprint_of, deterministic=True)
    op.execute("UPDATE samples SET fingerprint = fingerprint_of(values_json)")
    op.create_index(
        "ix_samples_name", "samples", ["station_id", "transaction_id", "at_ms", "fingerprint"]
    )


def _fingerprint_of(values_json: str) -> int:
    return fingerprint(canonical(loads(values_json)))
