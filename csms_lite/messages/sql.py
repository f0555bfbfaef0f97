"""Every statement on the log of frames."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from csms_lite.messages.rules import Delay, Frame
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import delays, frames

keep: Final = Prepared(
    insert(frames).values(
        {column.name: bindparam(column.name) for column in frames.c if column.name != "frame_id"}
    )
)
keep_delay: Final = Prepared(
    insert(delays).values(
        {column.name: bindparam(column.name) for column in delays.c if column.name != "delay_id"}
    )
)


def _or_any(name: str) -> ColumnElement[bool]:
    given: BindParameter[str] = bindparam(f"of_{name}")
    return or_(given.is_(None), frames.c[name] == given)


_hit = and_(
    _or_any("charger"),
    _or_any("action"),
    _or_any("direction"),
    _or_any("type"),
    _or_any("message_id"),
    or_(
        bindparam("words").is_(None),
        func.instr(func.lower(frames.c.payload), bindparam("words")) > 0,
    ),
)


def _scan(*where: ColumnElement[bool]) -> Prepared:
    """Walk back in time over what *where* narrows to, and say of each row whether it is meant."""
    statement: Select[tuple[int, int, bool]] = (
        select(frames.c.at_ms, frames.c.frame_id, func.coalesce(_hit, 0).label("hit"))
        .where(
            *where,
            frames.c.at_ms >= bindparam("from_ms"),
            frames.c.at_ms <= bindparam("to_ms"),
            or_(frames.c.at_ms < bindparam("to_ms"), frames.c.frame_id < bindparam("before_id")),
        )
        .order_by(frames.c.at_ms.desc(), frames.c.frame_id.desc())
        .limit(bindparam("count"))
    )
    return Prepared(statement)


scan: Final = _scan()
scan_charger: Final = _scan(frames.c.charger == bindparam("of_charger"))
scan_message: Final = _scan(frames.c.message_id == bindparam("of_message_id"))

by_id: Final = Prepared(
    select(*(frames.c[name] for name in Frame._fields)).where(
        frames.c.frame_id == bindparam("frame_id")
    )
)
page_of_delays: Final = Prepared(
    select(*(delays.c[name] for name in Delay._fields))
    .where(
        delays.c.delay_id < bindparam("before"),
        or_(bindparam("charger").is_(None), delays.c.charger == bindparam("charger")),
    )
    .order_by(delays.c.delay_id.desc())
    .limit(bindparam("count"))
)

_old = (
    select(frames.c.frame_id)
    .where(frames.c.keep == bindparam("of_class"), frames.c.at_ms < bindparam("before_ms"))
    .order_by(frames.c.at_ms)
    .limit(bindparam("count"))
)
thin: Final = Prepared(
    update(frames).where(frames.c.frame_id.in_(_old)).values(payload=null(), keep="plain")
)
forget: Final = Prepared(delete(frames).where(frames.c.frame_id.in_(_old)))
forget_oldest: Final = Prepared(
    delete(frames).where(
        frames.c.frame_id.in_(
            select(frames.c.frame_id).order_by(frames.c.at_ms).limit(bindparam("count"))
        )
    )
)
forget_delays: Final = Prepared(
    delete(delays).where(
        delays.c.delay_id.in_(
            select(delays.c.delay_id)
            .where(delays.c.at_ms < bindparam("before_ms"))
            .limit(bindparam("count"))
        )
    )
)
