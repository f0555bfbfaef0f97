"""Codes and links by mail: that an address is somebody's, and a new password for who forgot it.

A code has six digits and is stored under a key of ours, a link's token has 256 bits and is stored
hashed. The newest kills older ones; each is good once. For an address without an account the same
rows are written and the same answer is given, but for the mail itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.accounts import service, sql
from csms_lite.accounts.rules import Account, email_key
from csms_lite.accounts.tokens import sealed
from csms_lite.audit.rules import Actor
from csms_lite.chance import Chance
from csms_lite.errors import Refused
from csms_lite.mail import service as mail

CODE_LASTS_MS: Final = 600_000
TOKEN_LASTS_MS: Final = 1_800_000
MAIL_LASTS_MS: Final = 300_000  # a code that comes later is of little use
TRIES: Final = 5  # of a million codes


class Purpose(StrEnum):
    """What a code is for; one for the other opens nothing."""

    VERIFY = "verify"
    RESET = "reset"


class NewCode(NamedTuple):
    """A code and a token as they go into a mail."""

    digits: str
    token: str


Seal = Callable[[Purpose, str, str], str]
"""Gives what is stored of a code, by its purpose and address."""


def new_code(chance: Chance) -> NewCode:
    """Make a code and a token."""
    return NewCode(chance.digits(), chance.token())


def sealer(key: bytes) -> Seal:
    """Give the seal of this installation: who only has the database cannot try all codes."""

    def seal(purpose: Purpose, address_key: str, digits: str) -> str:
        text = f"mail-code|{purpose}|{address_key}|{digits}"
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    return seal


def ask_verification(
    db: Connection, account_id: int, new: NewCode, *, seal: Seal, now_ms: int
) -> None:
    """Put a code for the account's own address into the outbox; raises `Refused`, `NotFound`."""
    found = service.account(db, account_id)
    if found.is_verified or found.email is None:
        raise Refused("your mail address is verified already")
    said = mail.refusal(db, found.email, now_ms)
    if said is not None:
        raise Refused(
            f"the mail server of your address refuses it ({said}): "
            "change your address by PUT /api/users/me/email"
        )
    key = email_key(found.email)
    _keep(db, Purpose.VERIFY, key, found, new, seal=seal, now_ms=now_ms)
    mail.put(
        db,
        address=found.email,
        template="verify",
        language=found.language,
        values={"name": found.name, "code": new.digits},
        is_to_somebody=True,
        now_ms=now_ms,
        lasts_ms=MAIL_LASTS_MS,
    )


def ask_reset(
    db: Connection, key: str, new: NewCode, *, page: str, seal: Seal, now_ms: int
) -> None:
    """Put a code and a link for a new password into the outbox, if the address has an account."""
    row = sql.by_email.one(db, key=key)
    found = None if row is None else service.made(row)
    is_somebody = found is not None and not found.is_disabled
    _keep(db, Purpose.RESET, key, found if is_somebody else None, new, seal=seal, now_ms=now_ms)
    link = f"{page}#{new.token}"
    mail.put(
        db,
        address=(found.email if found is not None else None) or key,
        template="reset",
        language="en" if found is None else found.language,
        values={"name": "" if found is None else found.name, "code": new.digits, "link": link},
        is_to_somebody=is_somebody,
        now_ms=now_ms,
        lasts_ms=MAIL_LASTS_MS,
    )


def verify(
    db: Connection, account_id: int, digits: str, *, seal: Seal, who: Actor, now_ms: int
) -> Account | None:
    """Take a code for the account's address; `None` for a wrong one, which is counted."""
    found = service.account(db, account_id)
    key = email_key(found.email or "")
    if found.is_verified:
        return found
    if _use_digits(db, Purpose.VERIFY, key, digits, seal=seal, now_ms=now_ms) != account_id:
        return None
    return service.change(db, account_id, {"is_verified": True}, who=who, now_ms=now_ms)


def reset_by_digits(
    db: Connection,
    key: str,
    digits: str,
    password_hash: str,
    *,
    seal: Seal,
    address: str,
    now_ms: int,
) -> bool:
    """Give an account a new password by the code of its mail; false for a wrong one."""
    account_id = _use_digits(db, Purpose.RESET, key, digits, seal=seal, now_ms=now_ms)
    return _reset(db, account_id, password_hash, address=address, now_ms=now_ms)


def reset_by_token(
    db: Connection, token: str, password_hash: str, *, address: str, now_ms: int
) -> bool:
    """Give an account a new password by the link of its mail; false for a wrong or old one."""
    row = sql.code_by_token.one(db, token_hash=sealed(token))
    if row is None:
        return False
    purpose, key, account_id, token_expires_at_ms = row
    if purpose != Purpose.RESET or token_expires_at_ms <= now_ms:
        return False
    sql.forget_code.run(db, of_purpose=purpose, of_key=key)
    return _reset(db, account_id, password_hash, address=address, now_ms=now_ms)


def forget_old(db: Connection, now_ms: int) -> int:
    """Forget what is good no more; gives how many."""
    return sql.forget_codes.run(db, now_ms=now_ms)


def _keep(
    db: Connection,
    purpose: Purpose,
    key: str,
    found: Account | None,
    new: NewCode,
    *,
    seal: Seal,
    now_ms: int,
) -> None:
    sql.forget_code.run(db, of_purpose=str(purpose), of_key=key)
    sql.add_code.run(
        db,
        purpose=str(purpose),
        address_key=key,
        account_id=None if found is None else found.account_id,
        code_hmac=seal(purpose, key, new.digits),
        token_hash=sealed(new.token),
        expires_at_ms=now_ms + CODE_LASTS_MS,
        token_expires_at_ms=now_ms + TOKEN_LASTS_MS,
        tries_left=TRIES,
    )


def _use_digits(
    db: Connection, purpose: Purpose, key: str, digits: str, *, seal: Seal, now_ms: int
) -> int | None:
    row = sql.code.one(db, of_purpose=str(purpose), of_key=key)
    if row is None:
        return None
    account_id, code_hmac, expires_at_ms, tries_left = row
    if expires_at_ms <= now_ms or tries_left <= 0:
        return None
    is_right = hmac.compare_digest(code_hmac, seal(purpose, key, "".join(digits.split())))
    if account_id is None or not is_right:
        sql.count_wrong.run(db, of_purpose=str(purpose), of_key=key)
        return None
    sql.forget_code.run(db, of_purpose=str(purpose), of_key=key)
    return int(account_id)


def _reset(
    db: Connection, account_id: int | None, password_hash: str, *, address: str, now_ms: int
) -> bool:
    found = None if account_id is None else service.find_account(db, account_id)
    if found is None or found.is_disabled:
        return False
    who = Actor(f"account {found.account_id} by mail", found.account_id, address)
    service.set_password(db, found.account_id, password_hash, who=who, now_ms=now_ms)
    service.change(db, found.account_id, {"is_verified": True}, who=who, now_ms=now_ms)
    return True
