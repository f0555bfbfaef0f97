"""Every statement on files and their addresses."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from csms_lite.files.rules import ARRIVING, DELETED, STORED, UP, UPLOAD, Address, StoredFile
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import addresses, files, stations

_COMMAND = (
    select(func.max(addresses.c.command_id))
    .where(addresses.c.file_id == files.c.file_id, addresses.c.direction == UP)
    .scalar_subquery()
)
_FILE: Final[tuple[ColumnElement[Any], ...]] = tuple(
    stations.c.identity
    if name == "charger"
    else _COMMAND.label(name)
    if name == "command_id"
    else files.c[name]
    for name in StoredFile._fields
)
_FILES = select(*_FILE).select_from(files.outerjoin(stations))
_KIND: Final[BindParameter[str]] = bindparam("kind")
_CHARGER: Final[BindParameter[str]] = bindparam("charger")
_ADDRESS: Final = tuple(addresses.c[name] for name in Address._fields)

by_id: Final = Prepared(_FILES.where(files.c.file_id == bindparam("file_id")))
page: Final = Prepared(
    _FILES.where(
        files.c.state == STORED,
        files.c.file_id < bindparam("before"),
        or_(_KIND.is_(None), files.c.kind == _KIND),
        or_(_CHARGER.is_(None), stations.c.identity == _CHARGER),
    )
    .order_by(files.c.file_id.desc())
    .limit(bindparam("count"))
)
total: Final = Prepared(
    select(func.coalesce(func.sum(files.c.size), 0)).where(files.c.state == STORED)
)
begin: Final = Prepared(
    insert(files)
    .values(
        kind=bindparam("kind"),
        name=bindparam("name"),
        state=ARRIVING,
        station_id=bindparam("station_id"),
        brought_by=bindparam("brought_by"),
        size=0,
        began_at_ms=bindparam("now_ms"),
    )
    .returning(files.c.file_id)
)
finish: Final = Prepared(
    update(files)
    .where(files.c.file_id == bindparam("of_file"), files.c.state == ARRIVING)
    .values(
        state=STORED,
        size=bindparam("size"),
        sha256=bindparam("sha256"),
        stored_at_ms=bindparam("now_ms"),
    )
)
drop: Final = Prepared(
    update(files)
    .where(files.c.file_id == bindparam("of_file"), files.c.state != DELETED)
    .values(state=DELETED)
)
arriving: Final = Prepared(select(files.c.file_id).where(files.c.state == ARRIVING))
lapsed: Final = Prepared(
    select(files.c.file_id)
    .where(
        files.c.state == STORED,
        files.c.kind == UPLOAD,
        files.c.stored_at_ms < bindparam("before_ms"),
    )
    .limit(bindparam("count"))
)

make: Final = Prepared(
    insert(addresses)
    .values(
        token_digest=bindparam("token_digest"),
        direction=bindparam("direction"),
        station_id=bindparam("station_id"),
        file_id=bindparam("file_id"),
        made_at_ms=bindparam("now_ms"),
        expires_at_ms=bindparam("expires_at_ms"),
        uses_left=bindparam("uses_left"),
    )
    .returning(*_ADDRESS)
)
link: Final = Prepared(
    update(addresses)
    .where(addresses.c.address_id == bindparam("of_address"))
    .values(command_id=bindparam("command_id"))
)
use: Final = Prepared(
    update(addresses)
    .where(
        addresses.c.token_digest == bindparam("token_digest"),
        addresses.c.direction == bindparam("direction"),
        addresses.c.uses_left > 0,
        addresses.c.expires_at_ms > bindparam("now_ms"),
    )
    .values(uses_left=addresses.c.uses_left - 1, used_at_ms=bindparam("now_ms"))
    .returning(*_ADDRESS)
)
lead: Final = Prepared(
    update(addresses)
    .where(addresses.c.address_id == bindparam("of_address"))
    .values(file_id=bindparam("file_id"))
)
give_back: Final = Prepared(
    update(addresses)
    .where(addresses.c.file_id == bindparam("of_file"), addresses.c.direction == UP)
    .values(uses_left=addresses.c.uses_left + 1, file_id=null())
)
forget: Final = Prepared(
    delete(addresses).where(
        addresses.c.address_id.in_(
            select(addresses.c.address_id)
            .where(
                addresses.c.expires_at_ms < bindparam("before_ms"),
                or_(addresses.c.file_id.is_(None), addresses.c.direction != UP),
            )
            .limit(bindparam("count"))
        )
    )
)
