"""Sites and plates: what they are and which words can be used. Pure.

    site ─► charger (station) ─► connector, 1 to 100

A plate is what the operator says of a connector; what the station reports of it is a thing apart.
Ratings are stored as given, never computed (seed B's own product is wrong).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import available_timezones

from csms_lite.errors import Unacceptable

CATALOGUE: Final = ("Type 2", "Type 1", "CCS1", "CCS2", "CHAdeMO", "GB/T")
"""The types that seed B names; others are written as they are called."""
UTC: Final = "UTC"


class Site(NamedTuple):
    """A place with chargers."""

    site_id: int
    name: str
    address: str | None
    latitude: float | None
    longitude: float | None
    time_zone: str
    note: str | None
    description: str | None


class Plate(NamedTuple):
    """What the plate of a connector says."""

    connector: int
    type: str
    name: str | None = None
    power_w: int | None = None
    voltage_v: int | None = None
    current_a: float | None = None
    phases: int | None = None


def check_time_zone(name: str) -> str:
    """Give a time zone that there is; raises `Unacceptable`."""
    if name != UTC and name not in available_timezones():
        raise Unacceptable(f"{name!r} is no time zone: write it as IANA does, Europe/Berlin")
    return name


def with_changes(site: Site, changes: Mapping[str, Any]) -> Site:
    """Give a site with what is said anew; `None` takes something back.

    Raises `Unacceptable` for what cannot be left out and for half a position.
    """
    for name in ("name", "time_zone"):
        if name in changes and changes[name] is None:
            raise Unacceptable(f"a site's {name} cannot be taken back: leave it out instead")
    changed = site._replace(**changes)
    check_time_zone(changed.time_zone)
    if (changed.latitude is None) != (changed.longitude is None):
        raise Unacceptable("latitude and longitude go together: give both or neither")
    return changed


def type_as_catalogued(told: str) -> str:
    """Write a type as the catalogue does, however it was typed; another stays as it is."""
    plain = _plain(told)
    return next((name for name in CATALOGUE if _plain(name) == plain), told)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
