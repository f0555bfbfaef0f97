"""Verbs and queries on sign-ins. What must stay although the caller is refused is an answer,
never an error: a verb that raises is undone.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from sqlalchemy import Connection

from csms_lite.accounts import sql
from csms_lite.accounts.rules import SIGN_IN_ENDS_MS, SIGN_INS_PER_ACCOUNT, Account, SignIn
from csms_lite.accounts.service import account, find_account, made
from csms_lite.accounts.tokens import Claims, Refresh, sealed
from csms_lite.audit.rules import Actor
from csms_lite.audit.service import note
from csms_lite.errors import NotFound


class SignedIn(NamedTuple):
    """A sign-in and whose it is."""

    account: Account
    sign_in_id: int


def known(db: Connection, email_key: str) -> tuple[int | None, str | None]:
    """Give the number and the password's hash of an address; twice nothing when unknown."""
    row = sql.password_of_email.one(db, key=email_key)
    return (None, None) if row is None else (int(row[0]), row[1])


def begin(
    db: Connection,
    account_id: int,
    refresh: Refresh,
    *,
    address: str | None,
    device: str | None,
    now_ms: int,
    provider: str | None = None,
) -> SignedIn:
    """Sign somebody in who has shown who he is; the sign-in longest unused may make room.

    *provider* is who vouched for him, if anybody.
    """
    found = account(db, account_id)
    row = sql.begin.one(
        db,
        account_id=account_id,
        family_hash=sealed(refresh.family),
        secret_hash=sealed(refresh.secret),
        token_version=found.token_version,
        address=address,
        device=device,
        provider=provider,
        now_ms=now_ms,
        used_ms=now_ms,
    )
    assert row is not None  # RETURNING gives the row it inserted
    sql.make_room.run(db, of_account=account_id, kept_account=account_id, keep=SIGN_INS_PER_ACCOUNT)
    return SignedIn(found, int(row[0]))


def refreshed(
    db: Connection, given: Refresh, new_secret: str, *, address: str | None, now_ms: int
) -> SignedIn | None:
    """Take a refresh token and keep the next one's secret; `None` when it is not good.

    A known family with another secret was used before: it is in two hands, and its sign-in ends.
    """
    row = sql.by_family.one(db, family_hash=sealed(given.family))
    if row is None:
        return None
    sign_in_id, secret_hash, used_at_ms, account_id = row
    found = find_account(db, account_id)
    if found is None or found.is_disabled or used_at_ms <= now_ms - SIGN_IN_ENDS_MS:
        return None
    if not hmac.compare_digest(secret_hash, sealed(given.secret)):
        sql.end.run(db, of_sign_in=sign_in_id, of_account=account_id)
        thief = Actor("a refresh token used twice", None, address)
        note(db, thief, "sign_in_ended", now_ms=now_ms, account_id=account_id)
        return None
    sql.rotate.run(
        db,
        of_sign_in=sign_in_id,
        new_secret_hash=sealed(new_secret),
        new_address=address,
        now_ms=now_ms,
    )
    return SignedIn(found, int(sign_in_id))


def bearer(db: Connection, claims: Claims) -> Account | None:
    """Give whose access token this is now; `None` when the account or the sign-in says no more."""
    row = sql.bearer.one(
        db,
        sign_in_id=claims.sign_in_id,
        of_account=claims.account_id,
        token_version=claims.token_version,
    )
    if row is None:
        return None
    found = made(row)
    return None if found.is_disabled or found.role != claims.role else found


def list_sign_ins(db: Connection, account_id: int, now_ms: int) -> list[SignIn]:
    """Give where an account is signed in, the latest used first."""
    rows = sql.sign_ins_of.rows(db, of_account=account_id, after_ms=now_ms - SIGN_IN_ENDS_MS)
    return [SignIn._make(row) for row in rows]


def end(db: Connection, account_id: int, sign_in_id: int) -> None:
    """End a sign-in of this account; raises `NotFound` when it has no such."""
    if sql.end.run(db, of_sign_in=sign_in_id, of_account=account_id) == 0:
        raise NotFound(f"you have no sign-in {sign_in_id}: GET /api/users/me/sign-ins lists yours")


def end_by_token(db: Connection, given: Refresh) -> None:
    """End the sign-in of a refresh token, old or new; nothing when there is none."""
    row = sql.by_family.one(db, family_hash=sealed(given.family))
    if row is not None:
        sql.end.run(db, of_sign_in=row[0], of_account=row[3])


def end_all(db: Connection, account_id: int, *, who: Actor, now_ms: int) -> None:
    """End every sign-in of an account; raises `NotFound`."""
    account(db, account_id)
    sql.end_all.run(db, of_account=account_id)
    sql.end_every.run(db, of_account=account_id)
    note(db, who, "signed_out_everywhere", now_ms=now_ms, account_id=account_id)


def forget_old(db: Connection, now_ms: int) -> int:
    """Forget sign-ins that ended by themselves; gives how many."""
    return sql.forget_old.run(db, until_ms=now_ms - SIGN_IN_ENDS_MS)
