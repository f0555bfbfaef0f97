"""The verb that takes in many chargers at once: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection

from csms_lite.errors import CsmsError
from csms_lite.stations.door import CERTIFICATE, NOTHING
from csms_lite.stations.door_service import add_key, door
from csms_lite.stations.importing import Row, Wrong, refuse
from csms_lite.stations.keys import as_bytes, matching
from csms_lite.stations.service import is_known, put_station, station
from csms_lite.stations.site_service import site_named


class Maker(Protocol):
    """What must differ each time, of `csms_lite.chance`."""

    def code(self) -> str:
        """Make a station's public code."""
        ...

    def key(self) -> str:
        """Make a station's key."""
        ...

    def salt(self) -> str:
        """Make a salt."""
        ...


@dataclass(slots=True)
class Imported:
    """What came of an import; *keys* are those that were made, shown once."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


def import_chargers(
    db: Connection, rows: Sequence[Row], chance: Maker, now_ms: int, *, make_keys: bool
) -> Imported:
    """Add or change every charger of *rows*; the same rows again change nothing.

    With *make_keys* each charger that has no key and needs one gets it. Raises `Unacceptable`
    that names every row that cannot be used; then nothing is changed.
    """
    done = Imported()
    wrong: list[Wrong] = []
    for row in rows:
        try:
            _take(db, row, chance, now_ms, done)
            if make_keys:
                _give_key(db, row.identity, chance, now_ms, done)
        except CsmsError as failure:
            wrong.append(Wrong(row.line, row.identity, str(failure)))
    refuse(wrong)
    return done


def _take(db: Connection, row: Row, chance: Maker, now_ms: int, done: Imported) -> None:
    changes = dict(row.changes)
    if row.site is not None:
        changes["site_id"] = site_named(db, row.site).site_id
    before = station(db, row.identity) if is_known(db, row.identity) else None
    put_station(db, row.identity, changes, make_code=chance.code, now_ms=now_ms)
    if row.key is not None and not _has_key(db, row.identity, row.key):
        add_key(db, row.identity, row.key, salt=chance.salt(), now_ms=now_ms)
    if before is None:
        done.added.append(row.identity)
    elif station(db, row.identity) == before:
        done.unchanged.append(row.identity)
    else:
        done.changed.append(row.identity)


def _has_key(db: Connection, identity: str, key: str) -> bool:
    known = door(db, identity)
    return known is not None and matching(as_bytes(key), known.keys) is not None


def _give_key(db: Connection, identity: str, chance: Maker, now_ms: int, done: Imported) -> None:
    known = door(db, identity)
    assert known is not None  # it was taken in just now
    if known.keys or known.profile in (NOTHING, CERTIFICATE):
        return
    done.keys[identity] = chance.key()
    add_key(db, identity, done.keys[identity], salt=chance.salt(), now_ms=now_ms)
