"""Whoever owns a card, an enrolment or a session has an account.

No table is made anew: dropping the old one would take the rows that refer to it along. A number
that is nobody's is forgotten, lest an account that is made later owns what it never had.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

INDICES = {"cards": ["user_id"], "enrolments": [], "sessions": ["user_id", "transaction_id"]}


def upgrade() -> None:
    """Give each table a column that refers, in place of the one that did not."""
    for table, columns in INDICES.items():
        index = f"ix_{table}_{'_'.join(columns)}"
        if columns:
            op.drop_index(index, table)
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN owner_id INTEGER"
            f" CONSTRAINT fk_{table}_user_id REFERENCES accounts (account_id)"
        )
        op.execute(
            f"UPDATE {table} SET owner_id = user_id"  # noqa: S608  # names of ours
            " WHERE user_id IN (SELECT account_id FROM accounts)"
        )
        op.execute(f"ALTER TABLE {table} DROP COLUMN user_id")
        op.execute(f"ALTER TABLE {table} RENAME COLUMN owner_id TO user_id")
        if columns:
            op.create_index(index, table, columns)
