"""Verbs and queries on the audit trail; any capability above may write a line of its own."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.audit import sql
from csms_lite.audit.rules import Actor, Entry
from csms_lite.jsontext import dumps


def note(
    db: Connection,
    who: Actor,
    action: str,
    *,
    now_ms: int,
    account_id: int | None = None,
    **details: object,
) -> None:
    """Write down what *who* did, to whom; the details hold no secrets and nobody's name."""
    sql.note.run(
        db,
        at_ms=now_ms,
        actor=who.name,
        actor_id=who.account_id,
        address=who.address,
        action=action,
        account_id=account_id,
        details_json=dumps(details),
    )


def page(db: Connection, account_id: int | None, before: int, count: int) -> list[Entry]:
    """Give up to *count* entries older than *before*, newest first; of one account if given."""
    rows = sql.page.rows(
        db, account_id=account_id, of_account=account_id, before=before, count=count
    )
    return [Entry._make(row) for row in rows]
