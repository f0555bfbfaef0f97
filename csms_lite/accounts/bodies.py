"""What requests and answers on people look like."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from csms_lite.accounts.door import Caller, Tokens
from csms_lite.accounts.rules import (
    EMAIL_LENGTH,
    LONGEST_PASSWORD,
    NAME_LENGTH,
    Account,
    Key,
    Person,
    SignIn,
)
from csms_lite.accounts.tokens import ACCESS_S, LONGEST
from csms_lite.audit.api import LARGEST_ID
from csms_lite.audit.rules import address_of
from csms_lite.clock import maybe_rfc3339, rfc3339, to_ms
from csms_lite.errors import Unacceptable
from csms_lite.gate import Role

GUARDED: Final[dict[int | str, dict[str, Any]]] = {401: {}, 403: {}, 409: {}, 429: {}}
"""How a route where people show who they are can fail, for its description."""
DEVICE_LENGTH: Final = 200
CODE_LENGTH: Final = 40  # of a second factor, with room for blanks

Email = Annotated[str, Field(max_length=EMAIL_LENGTH, examples=["ana@example.org"])]
Password = Annotated[
    str, Field(max_length=4 * LONGEST_PASSWORD, json_schema_extra={"format": "password"})
]
Name = Annotated[str, Field(max_length=NAME_LENGTH)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$", examples=["en"])]
Code = Annotated[str, Field(max_length=CODE_LENGTH)]
Token = Annotated[str, Field(max_length=LONGEST)]


class Body(BaseModel):
    """A request body: nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PersonBody(Body):
    """Who an account is for."""

    email: Email
    name: Name
    surname: Name
    language: Language = "en"
    password: Password

    def person(self) -> Person:
        """Give it without the password."""
        return Person(self.email, self.name, self.surname, self.language)


class SetupBody(PersonBody):
    """The first administrator."""

    token: Token


class NewUserBody(PersonBody):
    """An account that an administrator adds."""

    role: Role = Role.USER


class CredentialsBody(Body):
    """A mail address and its password."""

    email: Email
    password: Password
    code: Code | None = None


class RefreshBody(Body):
    """A refresh token."""

    refresh_token: Token


class PasswordBody(Body):
    """A new password, and the old one to show who asks."""

    old: Password
    new: Password


class EmailBody(Body):
    """Another mail address, and the password to show who asks."""

    email: Email
    password: Password


class ProfileBody(Body):
    """What somebody may change of himself; what is not given stays."""

    name: Name | None = None
    surname: Name | None = None
    language: Language | None = None


class UserBody(ProfileBody):
    """What an administrator may change; what is not given stays."""

    email: Email | None = None
    role: Role | None = None
    is_verified: bool | None = None
    is_disabled: bool | None = None


class KeyBody(Body):
    """A key for a program, and the password to show who asks."""

    name: Name
    scopes: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=50)]
    expires: AwareDatetime | None = None
    password: Password


class ConfirmBody(Body):
    """The password, to show who asks."""

    password: Password


class CodeBody(Body):
    """A code of the second factor."""

    code: Code


class PageQuery(Body):
    """Which accounts to list."""

    after: Annotated[int, Field(ge=0, le=LARGEST_ID)] = 0
    count: Annotated[int, Field(ge=1, le=1000)] = 100
    role: Role | None = None
    search: Annotated[str, Field(max_length=100)] = ""


def to_stored(at: datetime | None) -> int | None:
    """Give a moment as it is stored; raises `Unacceptable` for one that UTC has no date for."""
    try:
        return None if at is None else to_ms(at)
    except OverflowError as failure:
        raise Unacceptable("expires is a date of the years 1 to 9999 in UTC") from failure


def changes_of(body: ProfileBody) -> dict[str, Any]:
    """Give what is to be changed."""
    return body.model_dump(exclude_none=True)


def caller_of(connection: HTTPConnection) -> Caller:
    """Give where a request comes from."""
    device = connection.headers.get("user-agent", "")
    plain = "".join(letter for letter in device if letter.isprintable())[:DEVICE_LENGTH]
    return Caller(address_of(connection), plain or None)


def token_answer(tokens: Tokens) -> dict[str, Any]:
    """Write tokens as OAuth2 has them (RFC 6749 5.1)."""
    return {
        "access_token": tokens.access,
        "token_type": "bearer",
        "expires_in": ACCESS_S,
        "refresh_token": tokens.refresh,
        "user": user_answer(tokens.account),
    }


def user_answer(account: Account) -> dict[str, Any]:
    """Write an account."""
    return {
        "id": account.account_id,
        "email": account.email,
        "name": account.name,
        "surname": account.surname,
        "language": account.language,
        "role": account.role,
        "is_verified": account.is_verified,
        "is_disabled": account.is_disabled,
        "has_second_factor": account.has_factor,
        "created_at": rfc3339(account.created_at_ms),
        "changed_at": rfc3339(account.changed_at_ms),
    }


def key_answer(key: Key) -> dict[str, Any]:
    """Write a key, without its secret."""
    return {
        "id": key.key_id,
        "prefix": key.prefix,
        "name": key.name,
        "scopes": key.scopes.split(),
        "created_at": rfc3339(key.created_at_ms),
        "expires_at": maybe_rfc3339(key.expires_at_ms),
        "used_at": maybe_rfc3339(key.used_at_ms),
    }


def sign_in_answer(one: SignIn, current: int | None) -> dict[str, Any]:
    """Write where somebody is signed in."""
    return {
        "id": one.sign_in_id,
        "address": one.address,
        "device": one.device,
        "since": rfc3339(one.created_at_ms),
        "used_at": rfc3339(one.used_at_ms),
        "is_this_one": one.sign_in_id == current,
    }
