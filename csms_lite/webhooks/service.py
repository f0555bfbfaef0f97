"""Verbs and queries on webhooks: from what changed to rows that wait to be sent."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from csms_lite.errors import NotFound, Refused
from csms_lite.jsontext import dumps, loads
from csms_lite.live.rules import change_document, check_kinds
from csms_lite.live.service import changes_after
from csms_lite.webhooks import sql
from csms_lite.webhooks.rules import (
    LEASE_MS,
    Delivery,
    Due,
    Webhook,
    check_url,
    next_attempt_ms,
)

MAX_WEBHOOKS: Final = 20  # each may have one attempt under way
MAX_PENDING: Final = 1000  # per receiver; beyond it changes wait in their own table
AT_ONCE: Final = 100  # changes looked at, and rows forgotten, in a verb
DAY_MS: Final = 86_400_000
KEPT_MS: Final = {"delivered": 7 * DAY_MS, "dead": 30 * DAY_MS}
PROBLEM_MAX: Final = 300


def subscribe(
    db: Connection,
    url: str,
    kinds: list[str],
    *,
    secret: str,
    is_http_allowed: bool,
    now_ms: int,
) -> Webhook:
    """Add a webhook for what changes from now on; raises `Unacceptable`, `Refused`."""
    check_url(url, is_http_allowed=is_http_allowed)
    check_kinds(kinds)
    if len(sql.every.rows(db)) >= MAX_WEBHOOKS:
        raise Refused(f"there are {MAX_WEBHOOKS} webhooks already: remove one first")
    row = sql.add.one(
        db,
        url=url,
        kinds_json=dumps(sorted(set(kinds))),
        secret=secret,
        created_at_ms=now_ms,
    )
    assert row is not None  # RETURNING gives the row it inserted
    return webhook(db, int(row[0]))


def webhook(db: Connection, webhook_id: int) -> Webhook:
    """Give one webhook; raises `NotFound`."""
    row = sql.by_id.one(db, webhook_id=webhook_id)
    if row is None:
        raise NotFound(f"there is no webhook {webhook_id}: see GET /api/webhooks")
    return Webhook._make(row)


def list_webhooks(db: Connection) -> list[Webhook]:
    """Give all webhooks."""
    return [Webhook._make(row) for row in sql.every.rows(db)]


def set_state(db: Connection, webhook_id: int, state: str) -> Webhook:
    """Pause a webhook, or go on with it; raises `NotFound`."""
    webhook(db, webhook_id)
    sql.set_state.run(db, of_webhook=webhook_id, new_state=state)
    return webhook(db, webhook_id)


def remove(db: Connection, webhook_id: int) -> None:
    """Remove a webhook and its deliveries; raises `NotFound`."""
    webhook(db, webhook_id)
    sql.remove_deliveries.run(db, of_webhook=webhook_id)
    sql.remove.run(db, webhook_id=webhook_id)


def enqueue(db: Connection, webhook_id: int, now_ms: int) -> bool:
    """Make rows of the next changes for one webhook; says whether there may be more.

    A receiver that is behind gets no more rows until it has taken some. What is forgotten before
    its turn comes is not told: it can be read.
    """
    row = sql.by_id.one(db, webhook_id=webhook_id)
    pending = sql.pending_of.one(db, webhook_id=webhook_id)
    if row is None or pending is None or int(pending[0]) >= MAX_PENDING:
        return False
    known = Webhook._make(row)
    if known.state != "active":
        return False
    kinds = frozenset(loads(known.kinds_json))
    found = changes_after(db, known.told, None, AT_ONCE)
    for change in found:
        if not kinds or change.kind in kinds:
            sql.deliver.run(
                db,
                webhook_id=webhook_id,
                number=change.number,
                kind=change.kind,
                body=dumps(change_document(change)),
                due_at_ms=now_ms,
            )
    if found:
        sql.look_on.run(db, of_webhook=webhook_id, number=found[-1].number)
    return len(found) == AT_ONCE


def receivers_due(db: Connection, now_ms: int) -> list[int]:
    """Give the webhooks to which something is to be sent now."""
    return [int(row[0]) for row in sql.receivers_due.rows(db, now_ms=now_ms)]


def take_due(db: Connection, webhook_id: int, now_ms: int) -> Due | None:
    """Give the next delivery to a receiver, counted as tried.

    Should the process end before the outcome is kept, it is sent again, under the same id.
    """
    row = sql.next_due.one(db, webhook_id=webhook_id, now_ms=now_ms)
    if row is None:
        return None
    due = Due._make(row)
    sql.lease.run(db, of_delivery=due.delivery_id, until_ms=now_ms + LEASE_MS)
    return due._replace(attempts=due.attempts + 1)


def delivered(db: Connection, delivery_id: int, status: int, now_ms: int) -> None:
    """Keep that a message arrived."""
    sql.settle.run(
        db,
        of_delivery=delivery_id,
        new_state="delivered",
        at_ms=now_ms,
        http_status=status,
        why=None,
        end_ms=now_ms,
    )


def failed(db: Connection, due: Due, status: int | None, problem: str, now_ms: int) -> None:
    """Keep why a message did not arrive, and when to try again, if ever."""
    again_ms = next_attempt_ms(due.attempts, now_ms)
    sql.settle.run(
        db,
        of_delivery=due.delivery_id,
        new_state="dead" if again_ms is None else "pending",
        at_ms=now_ms if again_ms is None else again_ms,
        http_status=status,
        why=problem[:PROBLEM_MAX],
        end_ms=now_ms if again_ms is None else None,
    )


def revive(db: Connection, webhook_id: int, delivery_id: int | None, now_ms: int) -> int:
    """Try dead deliveries again, one or all; gives how many. Raises `NotFound`."""
    webhook(db, webhook_id)
    return sql.revive.run(db, of_webhook=webhook_id, of_delivery=delivery_id, now_ms=now_ms)


def list_deliveries(
    db: Connection, webhook_id: int, state: str | None, before: int, count: int
) -> list[Delivery]:
    """Give deliveries of a webhook, newest first; raises `NotFound`."""
    webhook(db, webhook_id)
    rows = sql.page.rows(db, webhook_id=webhook_id, state=state, before=before, count=count)
    return [Delivery._make(row) for row in rows]


def forget(db: Connection, now_ms: int) -> int:
    """Forget some deliveries that ended long ago; gives how many."""
    return sum(
        sql.forget.run(db, of_state=state, before_ms=now_ms - kept_ms, count=AT_ONCE)
        for state, kept_ms in KEPT_MS.items()
    )


def counts(db: Connection) -> dict[str, int]:
    """Count the deliveries by state."""
    return {str(state): int(count) for state, count in sql.count_by_state.rows(db)}
