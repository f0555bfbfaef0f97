"""The second factor: TOTP (RFC 6238) with an app, and recovery codes for when it is lost."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Final

import pyotp
from sqlalchemy import Connection

from csms_lite.accounts import sql
from csms_lite.accounts.service import account
from csms_lite.accounts.tokens import sealed
from csms_lite.audit.rules import Actor
from csms_lite.audit.service import note
from csms_lite.chance import Chance
from csms_lite.errors import Refused

STEP_MS: Final = 30_000
SECRET_BYTES: Final = 20  # RFC 4226 R6 recommends 160 bits
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10  # 80 bits: sixteen letters, beyond guessing at any rate
ISSUER: Final = "Tapwatt"


def new_factor(chance: Chance) -> str:
    """Make a secret for an authenticator app."""
    return _letters(chance, SECRET_BYTES)


def new_recovery_codes(chance: Chance) -> tuple[str, ...]:
    """Make recovery codes in groups that people can copy."""
    made = (_letters(chance, RECOVERY_BYTES).lower() for _ in range(RECOVERY_CODES))
    return tuple("-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in made)


def address_of(secret: str, email: str) -> str:
    """Write a secret as authenticator apps read it, for a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def begin(db: Connection, account_id: int, secret: str, *, who: Actor, now_ms: int) -> None:
    """Keep a new secret, not in use until `confirm`; raises `Refused` when one is in use."""
    account(db, account_id)
    row = sql.factor.one(db, of_account=account_id)
    if row is not None and row[1] is not None:
        raise Refused("you have a second factor already: remove it first")
    sql.remove_factor.run(db, of_account=account_id)
    sql.begin_factor.run(db, account_id=account_id, secret=secret)
    note(db, who, "second_factor_begun", now_ms=now_ms, account_id=account_id)


def confirm(
    db: Connection,
    account_id: int,
    code: str,
    recovery: Sequence[str],
    *,
    who: Actor,
    now_ms: int,
) -> bool:
    """Take a secret into use by its first code, with new recovery codes; false: a wrong code.

    Raises `Refused` when nothing waits to be confirmed.
    """
    row = sql.factor.one(db, of_account=account_id)
    if row is None or row[1] is not None:
        raise Refused("no second factor waits for its first code: begin anew")
    if not _is_code(db, account_id, code, now_ms):
        return False
    sql.remove_recovery_codes.run(db, of_account=account_id)
    for one in recovery:
        sql.add_recovery_code.run(db, code_hash=_sealed(one), account_id=account_id)
    note(db, who, "second_factor_set_up", now_ms=now_ms, account_id=account_id)
    return True


def passes(db: Connection, account_id: int, code: str | None, now_ms: int) -> bool:
    """Say whether somebody comes in with this code, which is then used: TOTP or a recovery code.

    Who has no second factor needs none.
    """
    row = sql.factor.one(db, of_account=account_id)
    if row is None or row[1] is None:
        return True
    if code is None:
        return False
    return _is_code(db, account_id, code, now_ms) or (
        sql.use_recovery_code.run(db, hash=_sealed(code), of_account=account_id) == 1
    )


def remove(db: Connection, account_id: int, *, who: Actor, now_ms: int) -> None:
    """Take the second factor away, with its recovery codes; raises `NotFound`."""
    account(db, account_id)
    sql.remove_factor.run(db, of_account=account_id)
    sql.remove_recovery_codes.run(db, of_account=account_id)
    note(db, who, "second_factor_removed", now_ms=now_ms, account_id=account_id)


def _is_code(db: Connection, account_id: int, code: str, now_ms: int) -> bool:
    """Check a code of this step or its neighbours, each good once (RFC 6238 5.2)."""
    row = sql.factor.one(db, of_account=account_id)
    assert row is not None  # the callers have looked
    secret, _, last_step = row
    step = now_ms // STEP_MS
    given = "".join(code.split()).encode()
    for near in (step - 1, step, step + 1):
        right = pyotp.TOTP(secret).generate_otp(near).encode()
        if near > last_step and hmac.compare_digest(right, given):
            sql.factor_used.run(db, of_account=account_id, new_step=near, now_ms=now_ms)
            return True
    return False


def _letters(chance: Chance, count: int) -> str:
    return base64.b32encode(bytes.fromhex(chance.token())[:count]).decode()


def _sealed(code: str) -> str:
    return sealed("".join(letter for letter in code.lower() if letter.isalnum()))
