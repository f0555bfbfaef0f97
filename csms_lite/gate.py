"""Who asks, and whether that may be: every HTTP route names the least role that it needs.

    async def put_tariff(body: TariffBody, who: Admin) -> …

A route without one of these, and not among the public ones, fails `tests/csms_lite/test_gate.py`.
What a driver may see of others is not decided here but by each query, which is given *who*.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Depends
from starlette.requests import HTTPConnection

from csms_lite.errors import Forbidden, NotAllowed


class Role(StrEnum):
    """What a person or program may do; each may also do what those after it may."""

    ADMIN = "ADMIN"
    OPERATOR = "OPERATOR"
    VIEWER = "VIEWER"
    USER = "USER"


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
        """Give who asks; raises `NotAllowed` for nobody known, `Forbidden` for too low a role."""
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        who = await self._who(token) if scheme.lower() == "bearer" and token else None
        if who is None:
            raise NotAllowed(
                "send the header 'Authorization: Bearer TOKEN'; `tapwatt csms token` prints it"
            )
        if not who.may(role):
            raise Forbidden(f"this needs the role {role}, and {who.name} is {who.role}")
        return who

    async def _who(self, token: str) -> Principal | None:
        for authenticator in self._authenticators:
            who = await authenticator(token)
            if who is not None:
                return who
        return None


def _needs(role: Role) -> Any:
    async def admitted(connection: HTTPConnection) -> Principal:
        gate: Gate = connection.app.state.gate
        return await gate.admit(connection, role)

    admitted.__dict__["role"] = role  # read by the test of all routes
    return Depends(admitted)


Admin = Annotated[Principal, _needs(Role.ADMIN)]
Operator = Annotated[Principal, _needs(Role.OPERATOR)]
Viewer = Annotated[Principal, _needs(Role.VIEWER)]
Account = Annotated[Principal, _needs(Role.USER)]
"""Anybody who has signed in; what is shown is the caller's own."""
