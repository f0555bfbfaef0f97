"""The signature of a webhook that pushes users: Standard Webhooks, which Clerk and Svix send.

`webhook-signature` holds `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, several by
blanks while a secret changes. Source: standardwebhooks.com; Svix calls the same headers `svix-…`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from csms_lite.accounts.identities import Identity
from csms_lite.accounts.oidc import LONGEST_SUBJECT
from csms_lite.accounts.rules import EMAIL_LENGTH, NAME_LENGTH, Person
from csms_lite.errors import NotAllowed, SettingsError, Unacceptable

MARK: Final = "whsec_"
LEAST_BYTES: Final = 24
TOLERANCE_S: Final = 300  # either way, so that a recorded webhook is soon worth nothing
LONGEST_ID: Final = 100
SIGNATURES: Final = 10


class Signed(NamedTuple):
    """A webhook whose signature is good."""

    webhook_id: str
    sent_at_ms: int


def read_webhook_secret(text: str) -> bytes:
    """Read a secret as it is set; raises `SettingsError`."""
    try:
        secret = base64.b64decode(text.removeprefix(MARK), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(MARK) or len(secret) < LEAST_BYTES:
        raise SettingsError(
            f"users_webhook_secret is {MARK} and at least {LEAST_BYTES} bytes in base64"
        )
    return secret


def check_signature(secret: bytes, headers: Mapping[str, str], body: bytes, now_ms: int) -> Signed:
    """Give a webhook's id and time if it is from who knows the secret; raises `NotAllowed`."""

    def header(name: str) -> str:
        return headers.get(f"webhook-{name}") or headers.get(f"svix-{name}") or ""

    webhook_id, timestamp = header("id"), header("timestamp")
    if not 0 < len(webhook_id) <= LONGEST_ID or not timestamp.isdecimal():
        raise NotAllowed("send webhook-id, webhook-timestamp and webhook-signature")
    if len(timestamp) > 12 or abs(now_ms / 1000 - int(timestamp)) > TOLERANCE_S:  # noqa: PLR2004  # digits of a year far off
        raise NotAllowed(f"this webhook is older than {TOLERANCE_S} s, or one clock is wrong")
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    right = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
    for one in header("signature").split()[:SIGNATURES]:
        version, _, given = one.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), right):
            return Signed(webhook_id, int(timestamp) * 1000)
    raise NotAllowed("the signature of this webhook is not right")


def read_identity(provider: str, data: Mapping[str, Any], *, is_gone: bool) -> Identity:
    """Read of whom a webhook tells, in our words or Clerk's; raises `Unacceptable`."""
    subject = data.get("id")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise Unacceptable("data.id names a person by 1 to 128 characters")
    if is_gone:
        return Identity(provider, subject, Person("", "", ""), is_email_verified=False)
    email, is_verified = _email(data)
    name = data.get("name") or data.get("first_name") or email.partition("@")[0]
    surname = data.get("surname") or data.get("last_name") or name
    if not all(isinstance(text, str) for text in (name, surname)):
        raise Unacceptable("data.name and data.surname are texts")
    person = Person(email, name[:NAME_LENGTH], surname[:NAME_LENGTH])
    return Identity(provider, subject, person, is_verified)


def _email(data: Mapping[str, Any]) -> tuple[str, bool]:
    email, is_verified = data.get("email"), data.get("email_verified") is True
    primary, addresses = data.get("primary_email_address_id"), data.get("email_addresses")
    if email is None and isinstance(addresses, list):
        for one in addresses:
            if isinstance(one, dict) and one.get("id") == primary:
                email = one.get("email_address")
                verification = one.get("verification")
                is_verified = (
                    isinstance(verification, dict) and verification.get("status") == "verified"
                )
    if not isinstance(email, str) or len(email) > EMAIL_LENGTH:
        raise Unacceptable("data.email is the person's mail address")
    return email, is_verified
