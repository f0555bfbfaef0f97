"""Who asks, and whether that may be: every HTTP route names the least role that it needs.

    async def put_tariff(body: TariffBody, who: Admin) -> …

A route without one of these, and not among the public ones, fails `tests/csms_lite/test_gate.py`.
Who has something to do first (verify an address, set up a second factor) gets no further than the
routes of `Newcomer`. A key with scopes opens the routes whose tag and method it names.
What a driver may see of others is not decided here but by each query, which is given *who*.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Depends
from fastapi.routing import APIRoute
from fastapi.security import OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from csms_lite.errors import Forbidden, NotAllowed


class Role(StrEnum):
    """What a person or program may do; each may also do what those after it may."""

    ADMIN = "ADMIN"
    OPERATOR = "OPERATOR"
    VIEWER = "VIEWER"
    USER = "USER"


SIGN_IN_AT: Final = "/api/auth/token"
READING: Final = frozenset({"GET", "HEAD"})
RANK: Final = {role: place for place, role in enumerate(reversed(Role))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a person, a program with a key of its own, or who can read the state directory."""

    role: Role
    name: str
    """For the audit trail."""
    user_id: int | None = None
    scopes: frozenset[str] | None = None
    """What a key may do, as `TAG:read` and `TAG:write` by the routes' tags; `None` is all."""
    first: str | None = None
    """What must be done before more than `Newcomer` routes open, for people; `None`: nothing."""
    sign_in_id: int | None = None
    """Which sign-in this is, for its end."""

    def may(self, role: Role) -> bool:
        """Say whether this is *role* or more."""
        return RANK[self.role] >= RANK[role]


Authenticator = Callable[[str], Awaitable[Principal | None]]
"""Gives who the bearer of a token is, or `None` when it knows none such."""


class Gate:
    """Lets in whom one of its authenticators knows; the app keeps it as `app.state.gate`."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    async def admit(self, connection: HTTPConnection, role: Role) -> Principal:
        """Give who asks, if nothing is to be done first; raises as `know`."""
        who = await self.know(connection, role)
        if who.first is not None:
            raise Forbidden(who.first)
        return who

    async def know(self, connection: HTTPConnection, role: Role) -> Principal:
        """Give who asks; raises `NotAllowed` for nobody known, `Forbidden` for too little."""
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        who = await self._who(token) if scheme.lower() == "bearer" and token else None
        if who is None:
            raise NotAllowed(
                "send the header 'Authorization: Bearer TOKEN' with the access token that "
                f"POST {SIGN_IN_AT} gives; `tapwatt csms token` prints the installer's"
            )
        if not who.may(role):
            raise Forbidden(f"this needs the role {role}, and {who.name} is {who.role}")
        if who.scopes is not None and not who.scopes & (asked := _scopes_of(connection)):
            raise Forbidden(f"{who.name} is not made for this: it needs {' or '.join(asked)}")
        return who

    async def _who(self, token: str) -> Principal | None:
        for authenticator in self._authenticators:
            who = await authenticator(token)
            if who is not None:
                return who
        return None


def _scopes_of(connection: HTTPConnection) -> frozenset[str]:
    """Name the scopes that open the route asked for; none when the route bears no tag."""
    route = connection.scope.get("route")
    kind = "read" if connection.scope.get("method") in READING else "write"
    tags = route.tags if isinstance(route, APIRoute) else ()
    return frozenset(f"{tag}:{kind}" for tag in tags)


class Bearer(OAuth2PasswordBearer):
    """Shows in OpenAPI how one signs in; the gate itself reads the header."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Leave it to the gate."""


BEARER: Final = Bearer(tokenUrl=SIGN_IN_AT, auto_error=False)


def _needs(role: Role, admit: Callable[..., Awaitable[Principal]] = Gate.admit) -> Any:
    async def admitted(
        connection: HTTPConnection, _shown: Annotated[None, Depends(BEARER)]
    ) -> Principal:
        gate: Gate = connection.app.state.gate
        return await admit(gate, connection, role)

    admitted.__dict__["role"] = role  # read by the test of all routes
    return Depends(admitted)


Admin = Annotated[Principal, _needs(Role.ADMIN)]
Operator = Annotated[Principal, _needs(Role.OPERATOR)]
Viewer = Annotated[Principal, _needs(Role.VIEWER)]
Account = Annotated[Principal, _needs(Role.USER)]
"""Anybody who has signed in; what is shown is the caller's own."""
Newcomer = Annotated[Principal, _needs(Role.USER, Gate.know)]
"""As `Account`, also while something is to be done first: only for the profile and for doing it."""
