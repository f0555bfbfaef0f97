"""Verbs and queries on sites and plates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from csms_lite.errors import NotFound, Refused, Unacceptable
from csms_lite.stations import site_sql
from csms_lite.stations.rules import MOST_CONNECTORS
from csms_lite.stations.service import station
from csms_lite.stations.sites import UTC, Plate, Site, type_as_catalogued, with_changes

NEW = Site(0, "", None, None, None, UTC, None, None)


def site(db: Connection, site_id: int) -> Site:
    """Give one site; raises `NotFound`."""
    row = site_sql.site_by_id.one(db, site_id=site_id)
    if row is None:
        raise NotFound(f"there is no site {site_id}: see GET /api/sites for those known")
    return Site._make(row)


def site_named(db: Connection, name: str) -> Site:
    """Give the site of this name; raises `NotFound`."""
    row = site_sql.site_by_name.one(db, name=name)
    if row is None:
        raise NotFound(f"there is no site {name!r}: see GET /api/sites for those known")
    return Site._make(row)


def list_sites(db: Connection) -> list[Site]:
    """Give all sites by name."""
    return [Site._make(row) for row in site_sql.every_site.rows(db)]


def add_site(db: Connection, told: Mapping[str, Any], now_ms: int) -> Site:
    """Add a site; raises `Refused` for a name already taken, and `Unacceptable`."""
    made = with_changes(NEW, told)
    _refuse_taken(db, made)
    row = site_sql.create_site.one(db, now_ms=now_ms, **_words(made))
    assert row is not None  # RETURNING gives the row it inserted
    return site(db, int(row[0]))


def change_site(db: Connection, site_id: int, told: Mapping[str, Any], now_ms: int) -> Site:
    """Change what is given of a site; raises `NotFound`, `Refused`, `Unacceptable`."""
    changed = with_changes(site(db, site_id), told)
    _refuse_taken(db, changed)
    site_sql.change_site.run(db, of_site=site_id, now_ms=now_ms, **_words(changed))
    return changed


def drop_site(db: Connection, site_id: int) -> None:
    """Forget a site where nothing stands; raises `NotFound`, `Refused`."""
    known = site(db, site_id)
    row = site_sql.count_at_site.one(db, site_id=site_id)
    if row is not None and row[0]:
        raise Refused(f"{row[0]} chargers stand at {known.name}: move them first")
    site_sql.drop_site.run(db, of_site=site_id)


def plates_of(db: Connection, station_id: int) -> list[Plate]:
    """Give what the operator says of a station's connectors."""
    return [Plate._make(row) for row in site_sql.plates_of.rows(db, station_id=station_id)]


def every_plate(db: Connection) -> dict[int, list[Plate]]:
    """Give all plates by station."""
    found: dict[int, list[Plate]] = {}
    for station_id, *plate in site_sql.every_plate.rows(db):
        found.setdefault(station_id, []).append(Plate._make(plate))
    return found


def mount(db: Connection, charger: str, plate: Plate, now_ms: int) -> Plate:
    """Say what the plate of a connector says; raises `NotFound`, `Unacceptable`."""
    known = station(db, charger)
    if not 1 <= plate.connector <= MOST_CONNECTORS:
        raise Unacceptable(f"a charger's connectors are numbered 1 to {MOST_CONNECTORS}")
    written = plate._replace(type=type_as_catalogued(plate.type))
    site_sql.mount.run(db, station_id=known.station_id, now_ms=now_ms, **written._asdict())
    return written


def unmount(db: Connection, charger: str, connector: int) -> None:
    """Take the description of a connector back; raises `NotFound`."""
    known = station(db, charger)
    if not site_sql.unmount.run(db, of_station=known.station_id, of_connector=connector):
        raise NotFound(f"connector {connector} of {charger} is not described")


def _words(told: Site) -> dict[str, Any]:
    words = told._asdict()
    del words["site_id"]
    return words


def _refuse_taken(db: Connection, told: Site) -> None:
    row = site_sql.site_by_name.one(db, name=told.name)
    if row is not None and row[0] != told.site_id:
        raise Refused(f"there is a site {told.name!r} already: choose another name")
