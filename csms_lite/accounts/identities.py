"""Verbs on people whom somebody else vouches for: an OIDC provider, Firebase, a signed webhook.

A provider names a person by a *subject* that never changes. Who comes for the first time gets the
account of his verified address, or a new one. The staff is never taken over in this way: who could
make the provider say an address would else be an administrator here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.accounts import factors, service, sign_ins, sql
from csms_lite.accounts.rules import Account, Person, email_key
from csms_lite.accounts.sign_ins import SignedIn
from csms_lite.accounts.tokens import Refresh
from csms_lite.audit.rules import Actor
from csms_lite.audit.service import note
from csms_lite.errors import Forbidden
from csms_lite.gate import Role

ALWAYS_MS: Final = 2**62


class Identity(NamedTuple):
    """Whom a provider vouches for."""

    provider: str
    subject: str
    person: Person
    is_email_verified: bool


class Webhook(NamedTuple):
    """A webhook whose signature is good."""

    webhook_id: str
    sent_at_ms: int
    is_gone: bool
    """Whether it says that the person is no more."""


class Standing(NamedTuple):
    """What a provider says of one of its people now."""

    subject: str
    is_out: bool
    """Disabled or deleted there."""
    valid_from_ms: int
    """Whoever signed in before was signed out everywhere since."""


class Arrival(NamedTuple):
    """A sign-in by a provider that is about to be."""

    identity: Identity
    refresh: Refresh
    code: str | None
    address: str
    device: str | None
    is_open: bool
    """Whether new accounts may be made."""


def arrived(db: Connection, arrival: Arrival, now_ms: int) -> SignedIn | None:
    """Sign in whom a provider vouches for; `None` when the second factor is missing.

    Raises `Forbidden` for a disabled account, an address that the provider has not verified, and
    a member of the staff who comes so for the first time.
    """
    identity = arrival.identity
    who = Actor(f"the provider {identity.provider}", None, arrival.address)
    found = _known(db, identity) or _linked(db, identity, who, now_ms, is_open=arrival.is_open)
    if found.is_disabled:
        raise Forbidden("this account is disabled: ask the operator")
    if not factors.passes(db, found.account_id, arrival.code, now_ms):
        return None
    return sign_ins.begin(
        db,
        found.account_id,
        arrival.refresh,
        address=arrival.address,
        device=arrival.device,
        now_ms=now_ms,
        provider=identity.provider,
    )


def pushed(
    db: Connection,
    webhook: Webhook,
    identity: Identity,
    *,
    who: Actor,
    now_ms: int,
) -> None:
    """Take what a webhook tells of a person: a repeat, or what is older than we know, is nothing.

    Raises `Forbidden` for a member of the staff and an address not verified.
    """
    if sql.webhook_seen.run(db, webhook_id=webhook.webhook_id, now_ms=now_ms) == 0:
        return
    row = sql.identity.one(db, of_provider=identity.provider, of_subject=identity.subject)
    if row is not None and row[1] > webhook.sent_at_ms:
        return
    found = _known(db, identity)
    if webhook.is_gone:
        _push_gone(db, found, who, now_ms)
        return
    if found is None:
        if row is not None:
            return  # its account was deleted here, and stays so
        _linked(db, identity, who, now_ms, is_open=True)
    else:
        _refuse_staff(found)
        told = identity.person
        changes = {
            "email": told.email,
            "name": told.name,
            "surname": told.surname,
            "is_verified": identity.is_email_verified,
        }
        service.change(db, found.account_id, changes, who=who, now_ms=now_ms)
    sql.identity_told.run(
        db, of_provider=identity.provider, of_subject=identity.subject, at_ms=webhook.sent_at_ms
    )


def vouched_for(db: Connection, provider: str, after: str, count: int) -> list[str]:
    """Give *count* people who signed in by a provider, in order of their subjects."""
    rows = sql.vouched_for.rows(db, of_provider=provider, after=after, count=count)
    return [str(row[0]) for row in rows]


def looked_again(db: Connection, provider: str, told: Sequence[Standing], now_ms: int) -> list[int]:
    """End what a provider vouched for and takes back; gives whose sign-ins ended.

    Those by a password stay: they are ours.
    """
    ended = []
    for one in told:
        row = sql.identity.one(db, of_provider=provider, of_subject=one.subject)
        before_ms = ALWAYS_MS if one.is_out else one.valid_from_ms
        if row is None:
            continue
        account_id = int(row[0])
        if sql.end_outside.run(
            db, of_account=account_id, of_provider=provider, before_ms=before_ms
        ):
            who = Actor(f"the provider {provider}", None, None)
            note(db, who, "sign_in_ended", now_ms=now_ms, account_id=account_id)
            ended.append(account_id)
    return ended


def forget_webhooks(db: Connection, until_ms: int) -> int:
    """Forget which webhooks came until then; gives how many."""
    return sql.forget_webhooks.run(db, until_ms=until_ms)


def _push_gone(db: Connection, found: Account | None, who: Actor, now_ms: int) -> None:
    if found is not None:
        _refuse_staff(found)
        service.delete(db, found.account_id, who=who, now_ms=now_ms)


def _known(db: Connection, identity: Identity) -> Account | None:
    row = sql.identity.one(db, of_provider=identity.provider, of_subject=identity.subject)
    return None if row is None else service.find_account(db, row[0])


def _linked(
    db: Connection, identity: Identity, who: Actor, now_ms: int, *, is_open: bool
) -> Account:
    """Link a person who comes for the first time."""
    if not identity.is_email_verified:
        raise Forbidden(f"{identity.provider} has not verified this mail address: do that first")
    row = sql.by_email.one(db, key=email_key(identity.person.email))
    if row is not None:
        found = service.made(row)
        _refuse_staff(found)
        if not found.is_verified:
            # Whoever made this account never showed that the address is his: his password,
            # keys and sign-ins must not come with it.
            found = service.taken_over(db, found.account_id, who=who, now_ms=now_ms)
    elif is_open:
        found = service.add(
            db, identity.person, None, role=Role.USER, is_verified=True, who=who, now_ms=now_ms
        )
    else:
        raise Forbidden("registration is closed here: ask the operator for an account")
    sql.add_identity.run(
        db,
        provider=identity.provider,
        subject=identity.subject,
        account_id=found.account_id,
        told_at_ms=0,
    )
    note(
        db,
        who,
        "identity_linked",
        now_ms=now_ms,
        account_id=found.account_id,
        provider=identity.provider,
    )
    return found


def _refuse_staff(found: Account) -> None:
    if found.role != Role.USER:
        raise Forbidden("this account belongs to the staff: it signs in by its password")
