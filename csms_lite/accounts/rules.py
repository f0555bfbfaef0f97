"""What an account is, what makes an address and a password good, and what comes first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final, NamedTuple

from csms_lite.errors import Unacceptable
from csms_lite.gate import Role

EMAIL_LENGTH: Final = 254  # RFC 5321 4.5.3.1.3, without the angle brackets
NAME_LENGTH: Final = 100
LEAST_PASSWORD: Final = 10  # NIST asks 8 at least, and length before all rules of composition
LONGEST_PASSWORD: Final = 128  # so that hashing is bounded
DAY_MS: Final = 86_400_000
SIGN_IN_ENDS_MS: Final = 30 * DAY_MS  # a sign-in that nobody used so long is over
SIGN_INS_PER_ACCOUNT: Final = 20  # the one not used for longest makes room
OWN_TAGS: Final = ("auth", "me")
KEYS_PER_ACCOUNT: Final = 20
STAFF: Final = (Role.ADMIN, Role.OPERATOR)  # who may act on others

_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


class Account(NamedTuple):
    """An account as it is stored, without its password."""

    account_id: int
    email: str | None
    name: str
    surname: str
    language: str
    role: str
    is_verified: bool
    is_disabled: bool
    token_version: int
    created_at_ms: int
    changed_at_ms: int
    deleted_at_ms: int | None
    has_factor: bool


class Key(NamedTuple):
    """A program's key, as its owner sees it."""

    key_id: int
    prefix: str
    name: str
    scopes: str
    created_at_ms: int
    expires_at_ms: int | None
    used_at_ms: int | None


class Person(NamedTuple):
    """Who an account is for, as they say themselves."""

    email: str
    name: str
    surname: str
    language: str = "en"


class SignIn(NamedTuple):
    """A browser or app that is signed in."""

    sign_in_id: int
    address: str | None
    device: str | None
    created_at_ms: int
    used_at_ms: int


def email_key(email: str) -> str:
    """Give the form in which addresses compare; raises `Unacceptable` for what is none.

    Only ASCII: a look-alike in another script must not be a second account, and SMTP servers
    that take other letters are rare.
    """
    email = email.strip()
    if len(email) > EMAIL_LENGTH or not _ADDRESS.fullmatch(email):
        raise Unacceptable(
            "this is no mail address that we can write to: give one like ana@example.org"
        )
    return email.lower()


def plain_name(text: str) -> str:
    """Give a name as it is kept; raises `Unacceptable` for an empty one or unseen characters."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name or len(name) > NAME_LENGTH:
        raise Unacceptable(f"a name has 1 to {NAME_LENGTH} characters")
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in name):
        raise Unacceptable("a name has no control characters or unseen marks")
    return name


def good_password(password: str, email: str) -> str:
    """Give a new password as it is hashed; raises `Unacceptable` with what is wrong with it."""
    password = same_password(password)
    if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Unacceptable(f"a password has {LEAST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if len(set(password)) < LEAST_PASSWORD // 2:
        raise Unacceptable("a password of so few different characters is guessed at once")
    if password.lower() in {email.lower(), email.lower().partition("@")[0]}:
        raise Unacceptable("the mail address is no password")
    return password


def same_password(password: str) -> str:
    """Give a typed password the same bytes on every keyboard (NIST SP 800-63B, NFKC)."""
    return unicodedata.normalize("NFKC", password)


def good_role(role: str) -> Role:
    """Read a role; raises `Unacceptable`."""
    try:
        return Role(role)
    except ValueError as failure:
        raise Unacceptable(f"a role is one of {', '.join(Role)}") from failure


def first_to_do(account: Account, factor_for: Collection[str]) -> str | None:
    """Say what the holder must do before anything but the own profile opens (row 19)."""
    if not account.is_verified:
        return (
            "verify your mail address first: POST /api/users/me/verification sends a code, "
            "or ask the operator"
        )
    if account.role in factor_for and not account.has_factor:
        return "set up your second factor first: POST /api/users/me/second-factor"
    return None


def good_scopes(asked: Collection[str], tags: Collection[str]) -> str:
    """Give a key's scopes as they are kept; raises `Unacceptable`.

    What is a person's own is never a key's: a stolen key must not make keys or change passwords.
    """
    known = {f"{tag}:{kind}" for tag in tags if tag not in OWN_TAGS for kind in ("read", "write")}
    strange = sorted(set(asked) - known)
    if strange or not asked:
        wrong = f"{', '.join(strange)[:100]} cannot be granted" if strange else "grant something"
        raise Unacceptable(f"{wrong}: scopes are {', '.join(sorted(known))}")
    return " ".join(sorted(set(asked)))
