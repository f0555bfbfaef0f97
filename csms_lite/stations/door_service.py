"""Verbs and queries behind the OCPP port: doors, keys, and the inbox."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from csms_lite.errors import NotFound, Refused
from csms_lite.stations import door_sql
from csms_lite.stations.door import KEY, NOTHING, Door, Entry, HouseRules, needed_profile
from csms_lite.stations.inbox import MOST_STRANGERS, Stranger
from csms_lite.stations.keys import MOST_KEYS, Key, as_bytes, digest
from csms_lite.stations.rules import Boot, Station
from csms_lite.stations.service import connected, note, station


def door(db: Connection, identity: str) -> Door | None:
    """Give what a station has to show, or `None` when nobody of this id is known."""
    row = door_sql.door.one(db, identity=identity)
    if row is None:
        return None
    station_id, profile, came_profile = row
    return Door(station_id, profile, came_profile, _keys(db, station_id))


def entered(
    db: Connection,
    identity: str,
    entry: Entry,
    house: HouseRules,
    *,
    make_code: Callable[[], str],
    now_ms: int,
) -> Station:
    """Let a station's socket in by what it has shown, and number it.

    From now on a lower profile is refused, and so are keys older than the one it has used.
    Raises `Refused` when that key, or the station, was taken away in the meantime.
    """
    known = door(db, identity)
    if known is None and not house.accept_unknown:
        raise Refused(f"{identity} is not known any more")
    if known is not None:
        is_valid = entry.key is None or any(key.number == entry.key for key in known.keys)
        if not is_valid or entry.profile < needed_profile(known, house):
            raise Refused(f"what {identity} has shown is no longer enough")
    came = connected(
        db, identity, accept_unknown=house.accept_unknown, make_code=make_code, now_ms=now_ms
    )
    if entry.profile > came.came_profile:
        door_sql.raise_profile.run(db, of_station=came.station_id, came=entry.profile)
        details = {"from": came.came_profile, "to": entry.profile}
        note(db, came.station_id, "security_profile_raised", details, now_ms=now_ms)
    if entry.key is not None and door_sql.drop_older_keys.run(
        db, of_station=came.station_id, than_number=entry.key
    ):
        note(db, came.station_id, "key_changed", {}, now_ms=now_ms)
    return came


def add_key(
    db: Connection,
    charger: str,
    key: str,
    *,
    salt: str,
    now_ms: int,
    message_id: str | None = None,
    only: bool = False,
) -> Station:
    """Keep one more key of a station, salted and hashed; those before stay until it is used.

    With *only* they are forgotten at once, which is how a stolen key ends. *message_id* is of the
    command that takes it there. A station that nobody decided on needs its key from now on, unless
    it has been coming without one: that one may until it has shown the key.
    Raises `NotFound`, `Unacceptable`, and `Refused` when too many wait to be used.
    """
    known = station(db, charger)
    before = _keys(db, known.station_id)
    number = before[-1].number + 1 if before else 1
    if only:
        door_sql.drop_older_keys.run(db, of_station=known.station_id, than_number=number)
    elif len(before) >= MOST_KEYS:
        raise Refused(
            f"{len(before)} keys of {charger} are valid already and it has not come with the "
            "newest: let it come first, or revoke those before with this one"
        )
    door_sql.add_key.run(
        db,
        station_id=known.station_id,
        number=number,
        salt=salt,
        digest=digest(as_bytes(key), salt),
        now_ms=now_ms,
        message_id=message_id,
    )
    if known.profile is None:
        comes_without = known.connection > 0 and known.came_profile == NOTHING
        profile = NOTHING if comes_without else KEY
        door_sql.set_profile.run(db, of_station=known.station_id, profile=profile)
    note(db, known.station_id, "key_made", {"revoked_others": only}, now_ms=now_ms)
    return known


def drop_key_of(db: Connection, station_id: int, message_id: str) -> None:
    """Forget the key that a command should have taken to a station, which refused it.

    The last key stays: without any the door would stand open.
    """
    if len(_keys(db, station_id)) > 1:
        door_sql.drop_key_of_command.run(db, of_station=station_id, of_message=message_id)


def knocked(db: Connection, identity: str, address: str, now_ms: int) -> None:
    """Note one who is not known, in place of the one longest unseen when there are too many."""
    if door_sql.stranger.one(db, identity=identity) is None:
        row = door_sql.count_strangers.one(db)
        if row is not None and row[0] >= MOST_STRANGERS:
            door_sql.forget_longest_unseen.run(db)
    door_sql.knock.run(db, identity=identity, address=address[:64], now_ms=now_ms)


def introduced(db: Connection, identity: str, boot: Boot, now_ms: int) -> bool:
    """Note what a stranger says of itself; says whether it still is one."""
    told = boot._asdict()
    del told["boot_json"]
    door_sql.introduce.run(db, of_identity=identity, now_ms=now_ms, **told)
    return door_sql.door.one(db, identity=identity) is None


def list_strangers(db: Connection) -> list[Stranger]:
    """Give who knocked, the newest first."""
    return [Stranger._make(row) for row in door_sql.strangers.rows(db)]


def forget_stranger(db: Connection, identity: str) -> None:
    """Take one out of the inbox; raises `NotFound`."""
    if not door_sql.forget.run(db, of_identity=identity):
        raise NotFound(f"nobody named {identity!r} is in the inbox")


def _keys(db: Connection, station_id: int) -> tuple[Key, ...]:
    return tuple(Key._make(row) for row in door_sql.keys_of.rows(db, station_id=station_id))
