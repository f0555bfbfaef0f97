"""Verbs and queries on accounts; each change is a line of the trail in the same transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from csms_lite.accounts import sql
from csms_lite.accounts.rules import Account, Person, email_key, good_role, plain_name
from csms_lite.audit.rules import Actor
from csms_lite.audit.service import note
from csms_lite.errors import NotFound, Refused
from csms_lite.gate import Role
from csms_lite.mail.service import forget_address


def find_account(db: Connection, account_id: int) -> Account | None:
    """Find an account that is not deleted."""
    row = sql.by_id.one(db, of_account=account_id)
    return None if row is None else made(row)


def account(db: Connection, account_id: int) -> Account:
    """Give an account; raises `NotFound`."""
    found = find_account(db, account_id)
    if found is None:
        raise NotFound(f"there is no account {account_id}: GET /api/users lists them")
    return found


def account_of_email(db: Connection, email: str) -> Account:
    """Give the account of a mail address; raises `NotFound`."""
    row = sql.by_email.one(db, key=email_key(email))
    if row is None:
        raise NotFound("no account has this mail address")
    return made(row)


def viewed(db: Connection, account_id: int, who: Actor, now_ms: int) -> Account:
    """Give an account to a member of the staff, and write down that he looked."""
    found = account(db, account_id)
    if who.account_id != account_id:
        note(db, who, "account_viewed", now_ms=now_ms, account_id=account_id)
    return found


def listed(
    db: Connection,
    *,
    after: int,
    count: int,
    role: Role | None,
    search: str,
    who: Actor,
    now_ms: int,
) -> list[Account]:
    """Give a page of accounts to a member of the staff, and write down that he looked."""
    found = list_accounts(db, after=after, count=count, role=role, search=search)
    note(db, who, "accounts_listed", now_ms=now_ms, after=after, shown=len(found))
    return found


def list_accounts(
    db: Connection, *, after: int, count: int, role: Role | None = None, search: str = ""
) -> list[Account]:
    """Give up to *count* accounts in order, those after the number *after*."""
    text = search.strip().lower()
    rows = sql.page.rows(
        db,
        after=after,
        count=count,
        any_role=int(role is None),
        of_role=str(role or ""),
        search=text,
        in_email=text,
        in_name=text,
        in_surname=text,
    )
    return [made(row) for row in rows]


def has_admin(db: Connection) -> bool:
    """Say whether somebody can administer this."""
    return _admins(db) > 0


def add(
    db: Connection,
    person: Person,
    password_hash: str | None,
    *,
    role: Role,
    is_verified: bool,
    who: Actor | None,
    now_ms: int,
) -> Account:
    """Add an account; *who* is `None` for somebody who registers himself. Raises `Refused`."""
    key = email_key(person.email)
    if sql.by_email.one(db, key=key) is not None:
        raise Refused("this mail address has an account already: sign in, or reset its password")
    row = sql.add.one(
        db,
        email_key=key,
        email=person.email.strip(),
        name=plain_name(person.name),
        surname=plain_name(person.surname),
        language=person.language,
        role=str(role),
        password_hash=password_hash,
        is_verified=is_verified,
        is_disabled=False,
        now_ms=now_ms,
        changed_ms=now_ms,
    )
    assert row is not None  # RETURNING gives the row it inserted
    account_id = int(row[0])
    actor = who or Actor(f"account {account_id}", account_id)
    note(db, actor, "account_added", now_ms=now_ms, account_id=account_id, role=str(role))
    return account(db, account_id)


def add_first_admin(
    db: Connection, person: Person, password_hash: str, *, who: Actor, now_ms: int
) -> Account:
    """Add the first administrator; raises `Refused` when there is one."""
    if has_admin(db):
        raise Refused("an administrator exists already: sign in, or have him add you")
    return add(db, person, password_hash, role=Role.ADMIN, is_verified=True, who=who, now_ms=now_ms)


def change(
    db: Connection, account_id: int, changes: dict[str, Any], *, who: Actor, now_ms: int
) -> Account:
    """Change what an account says; the same again changes nothing.

    Changing the role or disabling ends every sign-in; another mail address must be verified anew
    unless that is said too. Raises `NotFound`, `Unacceptable`, and `Refused` for the last
    administrator.
    """
    before = account(db, account_id)
    after = before._replace(**_checked(changes))
    key = email_key(after.email or "")
    if key != email_key(before.email or ""):
        if sql.by_email.one(db, key=key) is not None:
            raise Refused("another account has this mail address")
        after = after._replace(is_verified=changes.get("is_verified", False))
        sql.forget_codes_of.run(db, of_account=account_id)  # who reads the old mailbox has them
    if after == before:
        return before
    if after.role != before.role or (after.is_disabled and not before.is_disabled):
        _keep_an_admin(db, before)
        after = after._replace(token_version=before.token_version + 1)
    sql.change.run(
        db,
        of_account=account_id,
        new_email_key=key,
        now_ms=now_ms,
        **{f"new_{name}": getattr(after, name) for name in _STORED},
    )
    changed = {name for name in _STORED if getattr(before, name) != getattr(after, name)}
    told = {name: getattr(after, name) for name in sorted(changed & _TOLD)}
    note(
        db,
        who,
        "role_changed" if "role" in changed else "account_changed",
        now_ms=now_ms,
        account_id=account_id,
        changed=sorted(changed - {"token_version"}),
        **told,
    )
    return account(db, account_id)


def set_password(
    db: Connection, account_id: int, password_hash: str, *, who: Actor, now_ms: int
) -> Account:
    """Give an account another password, end every sign-in and take its keys; raises `NotFound`.

    Who knew the old one may have made keys with it.
    """
    account(db, account_id)
    sql.set_password.run(db, of_account=account_id, new_hash=password_hash, now_ms=now_ms)
    sql.end_every.run(db, of_account=account_id)
    sql.remove_keys.run(db, of_account=account_id)
    note(db, who, "password_changed", now_ms=now_ms, account_id=account_id)
    return account(db, account_id)


def taken_over(db: Connection, account_id: int, *, who: Actor, now_ms: int) -> Account:
    """Give an account whose address was never verified to whom a provider vouches for."""
    sql.take_over.run(db, of_account=account_id, now_ms=now_ms)
    _end_access(db, account_id)
    note(db, who, "account_taken_over", now_ms=now_ms, account_id=account_id)
    return account(db, account_id)


def delete(db: Connection, account_id: int, *, who: Actor, now_ms: int) -> None:
    """Forget who an account was; its number stays, for sessions and bills. Raises `NotFound`."""
    before = account(db, account_id)
    _keep_an_admin(db, before)
    forget_address(db, before.email or "")
    sql.forget_person.run(db, of_account=account_id, now_ms=now_ms, gone_ms=now_ms)
    _end_access(db, account_id)
    note(db, who, "account_deleted", now_ms=now_ms, account_id=account_id)


def password_of(db: Connection, account_id: int) -> str | None:
    """Give an account's hash; `None` when it has none."""
    row = sql.password_of.one(db, of_account=account_id)
    return None if row is None else row[0]


def made(row: tuple[Any, ...]) -> Account:
    """Make an account of its row: SQLite knows no booleans."""
    found = Account._make(row)
    return found._replace(
        is_verified=bool(found.is_verified),
        is_disabled=bool(found.is_disabled),
        has_factor=bool(found.has_factor),
    )


_STORED = (
    "email",
    "name",
    "surname",
    "language",
    "role",
    "is_verified",
    "is_disabled",
    "token_version",
)
_TOLD = {"role", "is_verified", "is_disabled", "language"}  # what names nobody


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
    for name in ("name", "surname"):
        if name in checked:
            checked[name] = plain_name(checked[name])
    if "role" in checked:
        checked["role"] = str(good_role(checked["role"]))
    if "email" in checked:
        checked["email"] = checked["email"].strip()
    return checked


def _keep_an_admin(db: Connection, before: Account) -> None:
    is_admin = before.role == Role.ADMIN and not before.is_disabled
    if is_admin and _admins(db) == 1:
        raise Refused(
            "this is the last administrator: make somebody else ADMIN first "
            "(PATCH /api/users/ID or `tapwatt csms user role`)"
        )


def _admins(db: Connection) -> int:
    row = sql.admins.one(db, off=False)
    assert row is not None  # a count always gives a row
    return int(row[0])


def _end_access(db: Connection, account_id: int) -> None:
    for gone in (
        sql.end_every,
        sql.remove_keys,
        sql.remove_factor,
        sql.remove_recovery_codes,
        sql.forget_codes_of,
    ):
        gone.run(db, of_account=account_id)
