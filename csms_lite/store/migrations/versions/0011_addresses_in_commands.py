"""What opens an address is taken out of the commands of the past."""

from __future__ import annotations

import re

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0010"

OPENS = (
    (re.compile(r'(:(?:\\?/){2})[^/@\s"]+@'), r"\1********@"),
    (re.compile(r"(/files\\?/(?:up|down)\\?/)[0-9a-f]{32}"), r"\1********"),
)


def upgrade() -> None:
    """Mask it as new commands are; one that still waits to be sent is asked again by its asker."""
    db = op.get_bind()
    rows = db.execute(
        text(
            "SELECT command_id, payload_json FROM commands"
            " WHERE payload_json LIKE '%@%' OR payload_json LIKE '%files%'"
        )
    )
    for command_id, payload in rows.fetchall():
        masked = payload
        for pattern, mask in OPENS:
            masked = pattern.sub(mask, masked)
        if masked != payload:
            db.execute(
                text("UPDATE commands SET payload_json = :kept WHERE command_id = :number"),
                {"kept": masked, "number": command_id},
            )
