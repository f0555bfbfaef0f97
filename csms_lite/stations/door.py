"""Who is let in at the OCPP port, before there is a socket. Pure.

The answer to whoever is not is always the same; the reason goes to the log and the events only,
so that nobody learns which ids there are.

    profile 0  nothing is shown     1  the key     2  the key, over TLS     3  a certificate

A station that once came on a profile never comes on a lower one again (TC_083).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from csms_lite.stations.keys import Key, matching

NOTHING, KEY, KEY_OVER_TLS, CERTIFICATE = PROFILES = (0, 1, 2, 3)
DIGEST_OF_NOBODY: Final = (Key(0, "00" * 16, "0" * 64),)  # what strangers are compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """What somebody shows who wants in as *identity*."""

    identity: str
    is_tls: bool = False
    certificate_name: str | None = None
    """The common name of a client certificate that our authority signed."""
    username: str | None = None
    password: bytes | None = None


class Door(NamedTuple):
    """What a known station has to show."""

    station_id: int
    profile: int | None
    """The least that the operator wants; `None` leaves it to where we listen."""
    came_profile: int
    """The highest it has come on."""
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """What holds for all stations."""

    is_loopback: bool
    """Only this machine can reach the port."""
    accept_unknown: bool
    """Take whoever comes; for demonstrations and laboratories."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Let in, on this profile; with which key, when one was shown."""

    profile: int
    key: int | None = None


class Refusal(StrEnum):
    """Why somebody is not let in."""

    UNKNOWN = "nobody of this id is known"
    OTHER_NAME = "the name given with the key is not the id"
    OTHER_CERTIFICATE = "the certificate is another's"
    NO_KEY = "no key or certificate was shown"
    WRONG_KEY = "the key is wrong, or is no longer valid"
    TOO_LOW = "the security profile is lower than the one that is needed"


class Waiting:
    """Nobody we know, on this machine: may wait as Pending until an operator decides."""


def judge(knock: Knock, door: Door | None, house: HouseRules) -> Entry | Waiting | Refusal:
    """Decide whether somebody is let in."""
    if door is None:
        if house.accept_unknown:
            return Entry(NOTHING)
        matching(knock.password or b"", DIGEST_OF_NOBODY)
        return Waiting() if house.is_loopback else Refusal.UNKNOWN
    needed = needed_profile(door, house)
    shown = _shown(knock, door, needed)
    if isinstance(shown, Entry) and shown.profile < needed:
        return Refusal.NO_KEY if shown.profile == NOTHING else Refusal.TOO_LOW
    return shown


def needed_profile(door: Door, house: HouseRules) -> int:
    """Give the least profile on which a station is let in."""
    if door.profile is not None:
        return max(door.profile, door.came_profile)
    is_open = house.is_loopback or house.accept_unknown
    by_place = NOTHING if is_open and not door.keys else KEY
    return max(by_place, door.came_profile)


def _shown(knock: Knock, door: Door, needed: int) -> Entry | Refusal:
    if knock.certificate_name is not None:
        is_own = knock.certificate_name == knock.identity
        return Entry(CERTIFICATE) if is_own else Refusal.OTHER_CERTIFICATE
    if knock.password is None or (needed == NOTHING and not door.keys):
        return Entry(NOTHING)  # some stations always send the password they left the factory with
    if knock.username != knock.identity:
        return Refusal.OTHER_NAME
    key = matching(knock.password, door.keys or DIGEST_OF_NOBODY)
    if key is None:
        return Refusal.WRONG_KEY
    return Entry(KEY_OVER_TLS if knock.is_tls else KEY, key.number)
