"""What an entry of the trail is, and who may stand in it."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import HTTPConnection

from csms_lite.gate import Principal

ADDRESS_LENGTH = 45  # the longest way to write an IPv6 address


class Actor(NamedTuple):
    """Who did something, and from where."""

    name: str
    account_id: int | None = None
    address: str | None = None


class Entry(NamedTuple):
    """One line of the trail."""

    entry_id: int
    at_ms: int
    actor: str
    actor_id: int | None
    address: str | None
    action: str
    account_id: int | None
    details_json: str


def actor(who: Principal, connection: HTTPConnection) -> Actor:
    """Give who asks as the trail names him."""
    return Actor(who.name, who.user_id, address_of(connection))


def address_of(connection: HTTPConnection) -> str:
    """Give the address that a request came from; behind a proxy on this machine, its client's."""
    return (connection.client.host if connection.client else "")[:ADDRESS_LENGTH]
