"""Keys of programs: a part of what their owner may do, until they end or are taken back.

A key follows its owner: his role now, disabled with him, gone with him.
"""

from __future__ import annotations

import hmac
from typing import Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.accounts import sql
from csms_lite.accounts.rules import KEYS_PER_ACCOUNT, Account, Key, plain_name
from csms_lite.accounts.service import account, made
from csms_lite.accounts.tokens import sealed
from csms_lite.audit.rules import Actor
from csms_lite.audit.service import note
from csms_lite.chance import Chance
from csms_lite.errors import NotFound, Refused

MARK: Final = "twk"  # so that scanners for leaked secrets, and people, know what they found
PREFIX_LENGTH: Final = 16
USED_EVERY_MS: Final = 60_000  # a busy program must not make the disk write at every request


class Secret(NamedTuple):
    """A key in its parts."""

    prefix: str
    secret: str

    def text(self) -> str:
        """Write it for its owner, once."""
        return f"{MARK}_{self.prefix}_{self.secret}"


class Bearer(NamedTuple):
    """Whose key this is, and what it may do."""

    account: Account
    key_id: int
    scopes: frozenset[str]
    is_use_told: bool
    """Whether its use was written down in the last minute."""


def new_secret(chance: Chance) -> Secret:
    """Make a key."""
    return Secret(chance.token()[:PREFIX_LENGTH], chance.token())


def read_secret_key(token: str) -> Secret | None:
    """Take a key apart; `None` when it is none."""
    parts = token.split("_")
    if len(parts) != 3 or parts[0] != MARK or len(parts[1]) != PREFIX_LENGTH:  # noqa: PLR2004  # mark, prefix, secret
        return None
    return Secret(parts[1], parts[2])


def bearer(db: Connection, given: Secret, now_ms: int) -> Bearer | None:
    """Give whose key this is; `None` when it is over, taken back, or its owner is disabled."""
    row = sql.key_by_prefix.one(db, prefix=given.prefix)
    if row is None:
        return None
    key_id, secret_hash, scopes, expires_at_ms, used_at_ms = row[:5]
    owner = made(row[5:])
    if (
        not hmac.compare_digest(secret_hash, sealed(given.secret))
        or owner.is_disabled
        or (expires_at_ms is not None and expires_at_ms <= now_ms)
    ):
        return None
    is_told = used_at_ms is not None and used_at_ms > now_ms - USED_EVERY_MS
    return Bearer(owner, int(key_id), frozenset(scopes.split()), is_told)


def used(db: Connection, key_id: int, now_ms: int) -> None:
    """Write down that a key is in use."""
    sql.key_used.run(db, of_key=key_id, now_ms=now_ms)


def list_keys(db: Connection, account_id: int) -> list[Key]:
    """Give an account's keys."""
    return [Key._make(row) for row in sql.keys_of.rows(db, of_account=account_id)]


def add(
    db: Connection,
    account_id: int,
    secret: Secret,
    *,
    name: str,
    scopes: str,
    expires_at_ms: int | None,
    who: Actor,
    now_ms: int,
) -> Key:
    """Add a key; raises `Refused` when there are too many, and `NotFound`."""
    account(db, account_id)
    if len(list_keys(db, account_id)) >= KEYS_PER_ACCOUNT:
        raise Refused(f"an account has at most {KEYS_PER_ACCOUNT} keys: take one back first")
    row = sql.add_key.one(
        db,
        account_id=account_id,
        prefix=secret.prefix,
        secret_hash=sealed(secret.secret),
        name=plain_name(name),
        scopes=scopes,
        now_ms=now_ms,
        expires_at_ms=expires_at_ms,
    )
    assert row is not None  # RETURNING gives the row it inserted
    key = Key._make(row)
    note(db, who, "key_added", now_ms=now_ms, account_id=account_id, key=key.key_id, scopes=scopes)
    return key


def remove(db: Connection, account_id: int, key_id: int, *, who: Actor, now_ms: int) -> None:
    """Take a key of this account back; raises `NotFound` when it has no such."""
    if sql.remove_key.run(db, of_key=key_id, of_account=account_id) == 0:
        raise NotFound(f"you have no key {key_id}: GET /api/users/me/keys lists yours")
    note(db, who, "key_removed", now_ms=now_ms, account_id=account_id, key=key_id)
