"""Verbs and queries on mails; a mail is put in the transaction of what it tells of."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from csms_lite.jsontext import dumps
from csms_lite.mail import sql
from csms_lite.mail.rules import KEPT_MS, REPLY_LENGTH, Mail, State, backoff_ms


def put(
    db: Connection,
    *,
    address: str,
    template: str,
    language: str,
    values: Mapping[str, str],
    is_to_somebody: bool,
    now_ms: int,
    lasts_ms: int,
) -> int:
    """Put a mail into the outbox, to be sent within *lasts_ms* or not at all."""
    row = sql.put.one(
        db,
        address=address,
        template=template,
        language=language,
        values_json=dumps(values) if is_to_somebody else None,
        state=str(State.WAITING if is_to_somebody else State.NOBODY),
        now_ms=now_ms,
        due_ms=now_ms,
        expires_at_ms=now_ms + lasts_ms,
    )
    assert row is not None  # RETURNING gives the row it inserted
    return int(row[0])


def take_due(db: Connection, now_ms: int) -> Mail | None:
    """Give the mail that has been due for longest, its try counted before it is made.

    A crash in between costs a wait, and may cost a second copy; a mail that crashes us is not
    tried in a loop. Mails that are too late are dropped on the way.
    """
    while (row := sql.next_due.one(db, now_ms=now_ms)) is not None:
        mail = Mail._make(row)
        if mail.expires_at_ms > now_ms:
            mail = mail._replace(tries=mail.tries + 1)
            sql.tried.run(db, of_mail=mail.mail_id, next_ms=now_ms + backoff_ms(mail.tries))
            return mail
        settle(db, mail.mail_id, State.DROPPED, reply="it would have come too late", due_ms=now_ms)
    return None


def settle(db: Connection, mail_id: int, state: State, *, reply: str, due_ms: int) -> None:
    """Keep what came of a mail; what was filled in is forgotten when it is over."""
    sql.settle.run(
        db,
        of_mail=mail_id,
        new_state=str(state),
        next_ms=due_ms,
        new_reply=reply[:REPLY_LENGTH],
        is_over=int(state is not State.WAITING),
    )


def next_moment(db: Connection) -> int | None:
    """Give when the next mail is due."""
    row = sql.next_moment.one(db)
    return None if row is None else row[0]


def refusal(db: Connection, address: str, now_ms: int) -> str | None:
    """Give what a server said when it last refused this address; `None` when none did."""
    row = sql.refused.one(db, address=address, after_ms=now_ms - KEPT_MS)
    return None if row is None else str(row[0])


def forget_old(db: Connection, now_ms: int) -> int:
    """Forget mails that ended long ago; gives how many."""
    return sql.forget_old.run(db, until_ms=now_ms - KEPT_MS)


def forget_address(db: Connection, address: str) -> None:
    """Forget every mail to somebody."""
    sql.forget_address.run(db, of_address=address)
