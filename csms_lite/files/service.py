"""Verbs and queries on files and their addresses; the bytes are `csms_lite.files.shelf`'s."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from csms_lite.errors import NotFound
from csms_lite.files import sql
from csms_lite.files.rules import (
    DOWN,
    FETCHES_MOST,
    FIRMWARE,
    STORED,
    UP,
    UPLOAD,
    Address,
    Direction,
    StoredFile,
    clean_name,
)
from csms_lite.stations.service import station

AT_ONCE: Final = 200  # of one round of tidying: keeps the verb within its budget

GONE: Final = "this address does not exist, has expired or was used: ask for a new one"


def make_upload_address(
    db: Connection, charger: str, *, token_digest: str, expires_at_ms: int, now_ms: int
) -> Address:
    """Make an address at which a charger may bring one file; raises `NotFound`."""
    return _make(
        db,
        UP,
        token_digest=token_digest,
        station_id=station(db, charger).station_id,
        file_id=None,
        expires_at_ms=expires_at_ms,
        now_ms=now_ms,
        uses=1,
    )


def make_download_address(
    db: Connection, file_id: int, *, token_digest: str, expires_at_ms: int, now_ms: int
) -> Address:
    """Make an address at which a stored file may be fetched; raises `NotFound`."""
    return _make(
        db,
        DOWN,
        token_digest=token_digest,
        station_id=None,
        file_id=file(db, file_id).file_id,
        expires_at_ms=expires_at_ms,
        now_ms=now_ms,
        uses=FETCHES_MOST,
    )


def link(db: Connection, address_id: int, command_id: int) -> None:
    """Keep in which command an address was sent."""
    sql.link.run(db, of_address=address_id, command_id=command_id)


def begin_upload(db: Connection, token_digest: str, name: str, now_ms: int) -> int:
    """Use an address to bring a file, the number of which is given; raises `NotFound`."""
    row = sql.use.one(db, token_digest=token_digest, direction=UP, now_ms=now_ms)
    if row is None:
        raise NotFound(GONE)
    used = Address._make(row)
    file_id = _begin(db, UPLOAD, name, station_id=used.station_id, by=None, now_ms=now_ms)
    sql.lead.run(db, of_address=used.address_id, file_id=file_id)
    return file_id


def begin_firmware(db: Connection, name: str, by: str, now_ms: int) -> int:
    """Begin to store a file for chargers to fetch; gives its number."""
    return _begin(db, FIRMWARE, name, station_id=None, by=by, now_ms=now_ms)


def stored(db: Connection, file_id: int, *, size: int, sha256: str, now_ms: int) -> StoredFile:
    """Keep that all of a file is on the disk."""
    sql.finish.run(db, of_file=file_id, size=size, sha256=sha256, now_ms=now_ms)
    return file(db, file_id)


def dropped(db: Connection, file_id: int) -> None:
    """Forget a file that did not come whole; its address may be used again until it expires."""
    sql.drop.run(db, of_file=file_id)
    sql.give_back.run(db, of_file=file_id)


def drop_arriving(db: Connection) -> list[int]:
    """Forget what was under way when the process ended; gives the numbers of those files."""
    numbers = [int(row[0]) for row in sql.arriving.rows(db)]
    for number in numbers:
        dropped(db, number)
    return numbers


def fetch(db: Connection, token_digest: str, now_ms: int) -> StoredFile:
    """Use an address to fetch a file; raises `NotFound`."""
    row = sql.use.one(db, token_digest=token_digest, direction=DOWN, now_ms=now_ms)
    if row is None:
        raise NotFound(GONE)
    return file(db, Address._make(row).file_id or 0)


def file(db: Connection, file_id: int) -> StoredFile:
    """Give a file that is on the disk; raises `NotFound`."""
    row = sql.by_id.one(db, file_id=file_id)
    found = None if row is None else StoredFile._make(row)
    if found is None or found.state != STORED:
        raise NotFound(f"there is no file {file_id}: see GET /api/files")
    return found


def list_files(
    db: Connection, *, kind: str | None, charger: str | None, before: int, count: int
) -> list[StoredFile]:
    """Give up to *count* files, newest first."""
    rows = sql.page.rows(db, kind=kind, charger=charger, before=before, count=count)
    return [StoredFile._make(row) for row in rows]


def delete(db: Connection, file_id: int) -> None:
    """Forget a stored file; its addresses lead nowhere from now on. Raises `NotFound`."""
    sql.drop.run(db, of_file=file(db, file_id).file_id)


def total_bytes(db: Connection) -> int:
    """Give how much room the stored files take."""
    row = sql.total.one(db)
    assert row is not None  # an aggregate always gives a row
    return int(row[0])


def lapse(db: Connection, before_ms: int) -> list[int]:
    """Forget some uploads stored before *before_ms*; gives their numbers, none when all are."""
    numbers = [int(row[0]) for row in sql.lapsed.rows(db, before_ms=before_ms, count=AT_ONCE)]
    for number in numbers:
        sql.drop.run(db, of_file=number)
    return numbers


def forget_addresses(db: Connection, before_ms: int) -> int:
    """Drop some addresses that expired before *before_ms*, but for those a file came by."""
    return sql.forget.run(db, before_ms=before_ms, count=AT_ONCE)


def _begin(
    db: Connection, kind: str, name: str, *, station_id: int | None, by: str | None, now_ms: int
) -> int:
    row = sql.begin.one(
        db,
        kind=kind,
        name=clean_name(name),
        station_id=station_id,
        brought_by=by,
        now_ms=now_ms,
    )
    assert row is not None  # RETURNING gives the row it inserted
    return int(row[0])


def _make(
    db: Connection,
    direction: Direction,
    *,
    token_digest: str,
    station_id: int | None,
    file_id: int | None,
    expires_at_ms: int,
    now_ms: int,
    uses: int,
) -> Address:
    row = sql.make.one(
        db,
        token_digest=token_digest,
        direction=direction,
        station_id=station_id,
        file_id=file_id,
        expires_at_ms=expires_at_ms,
        now_ms=now_ms,
        uses_left=uses,
    )
    assert row is not None  # RETURNING gives the row it inserted
    return Address._make(row)
