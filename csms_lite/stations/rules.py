"""What a station and a connector are, and how a station is let in."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

IDENTITY: Final = re.compile(r"[A-Za-z0-9_-]{1,48}", re.ASCII)
CODE: Final = re.compile(r"[A-Za-z0-9]{1,48}", re.ASCII)
REGISTRATIONS: Final = ("Accepted", "Pending", "Rejected")


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
