"""What the journal knows of tags, back to values: roles, cache, local list, reservations."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import msgspec

from edge.core.card_roles import CardKept, Role
from edge.core.instant import Instant
from edge.core.messages import IdTagInfo
from edge.core.records import ListedTag, ReservationMade, TagCached


def cards(connection: sqlite3.Connection) -> tuple[CardKept, ...]:
    """The roles that were given at this machine."""
    return tuple(
        CardKept(id_tag=id_tag, role=Role(role))
        for id_tag, role in connection.execute("SELECT id_tag, role FROM cards ORDER BY id_tag")
    )


def cache(connection: sqlite3.Connection) -> tuple[TagCached, ...]:
    """The authorisation cache, the eldest entry first."""
    return tuple(
        TagCached(
            id_tag=id_tag,
            info=msgspec.json.decode(info, type=IdTagInfo),
            at=msgspec.json.decode(at, type=Instant),
        )
        for id_tag, info, at in connection.execute(
            "SELECT id_tag, info, at FROM cache ORDER BY position"
        )
    )


def local_list(connection: sqlite3.Connection) -> tuple[ListedTag, ...]:
    """The entries of the local list."""
    return tuple(
        ListedTag(id_tag=id_tag, info=msgspec.json.decode(info, type=IdTagInfo))
        for id_tag, info in connection.execute(
            "SELECT id_tag, info FROM local_list ORDER BY id_tag"
        )
    )


def reservations(connection: sqlite3.Connection) -> tuple[ReservationMade, ...]:
    """What is reserved, and for whom."""
    return tuple(
        ReservationMade(
            reservation_id=reservation_id,
            connector=connector,
            id_tag=id_tag,
            parent_id_tag=parent_id_tag,
            expiry_date=datetime.fromisoformat(expiry_date),
        )
        for reservation_id, connector, id_tag, parent_id_tag, expiry_date in connection.execute(
            "SELECT reservation_id, connector, id_tag, parent_id_tag, expiry_date"
            " FROM reservations ORDER BY reservation_id"
        )
    )
