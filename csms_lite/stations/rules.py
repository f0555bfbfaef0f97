"""What a station and a connector are, and how a station is let in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from csms_lite.errors import Unacceptable

IDENTITY: Final = re.compile(r"[A-Za-z0-9_-]{1,48}", re.ASCII)
CODE: Final = re.compile(r"[A-Za-z0-9]{1,48}", re.ASCII)
REGISTRATIONS: Final = ("Accepted", "Pending", "Rejected")
HIGHEST_PROFILE: Final = 3
WORDS: Final = (
    "name",
    "code",
    "registration",
    "site_id",
    "note",
    "description",
    "profile",
    "vendor",
    "model",
    "serial",
)
"""What an operator may say of a station, besides that it is dismissed."""
MUST_STAY: Final = ("name", "code", "registration")
STATE_KINDS: Final = ("connection_state", "station_state")
"""Events that tell of a change that follows from the clock; there are many."""
MOST_CONNECTORS: Final = 100  # none has more; a station must not fill the disk with them


class Station(NamedTuple):
    """A charger as it is stored."""

    station_id: int
    identity: str
    code: str
    name: str
    registration: str
    connection: int
    vendor: str | None
    model: str | None
    serial: str | None
    firmware: str | None
    created_at_ms: int
    booted_at_ms: int | None
    heard_at_ms: int | None
    site_id: int | None = None
    note: str | None = None
    description: str | None = None
    dismissed_at_ms: int | None = None
    profile: int | None = None
    came_profile: int = 0


class Connector(NamedTuple):
    """The last status that a station told of a connector; 0 is the station itself."""

    connector: int
    status: str
    error_code: str
    info: str | None
    since_ms: int


class Boot(NamedTuple):
    """What a BootNotification says."""

    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    boot_json: str


class Observation(NamedTuple):
    """What a StatusNotification says; *since_ms* is `None` when it gave no time."""

    connector: int
    status: str
    error_code: str
    info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    since_ms: int | None


def check_words(told: Mapping[str, Any]) -> None:
    """Refuse what cannot be said of a station; raises `Unacceptable`."""
    for name in MUST_STAY:
        if name in told and told[name] is None:
            raise Unacceptable(f"a charger's {name} cannot be taken back: leave it out instead")
    if "code" in told and not CODE.fullmatch(told["code"]):
        raise Unacceptable("a station's code is 1 to 48 letters and digits")
    if "registration" in told and told["registration"] not in REGISTRATIONS:
        raise Unacceptable(f"registration is one of {', '.join(REGISTRATIONS)}")
    profile = told.get("profile")
    if profile is not None and not 0 <= profile <= HIGHEST_PROFILE:
        raise Unacceptable("a security profile is 0 (none), 1 (key), 2 (TLS) or 3 (certificate)")
