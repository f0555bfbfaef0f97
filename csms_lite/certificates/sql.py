"""Every statement on requests for certificates."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BindParameter, bindparam, delete, func, insert, or_, select, update

from csms_lite.certificates.rules import REFUSED, SIGNED, WAITING, SigningRequest
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import signing_requests as requests
from csms_lite.store.tables import stations

_ALL = select(
    *(
        stations.c.identity if name == "charger" else requests.c[name]
        for name in SigningRequest._fields
    )
).join_from(requests, stations)
_CHARGER: Final[BindParameter[str]] = bindparam("charger")

by_id: Final = Prepared(_ALL.where(requests.c.request_id == bindparam("request_id")))
page: Final = Prepared(
    _ALL.where(or_(_CHARGER.is_(None), stations.c.identity == _CHARGER))
    .order_by(requests.c.request_id.desc())
    .limit(bindparam("count"))
)
next_waiting: Final = Prepared(
    _ALL.where(requests.c.state == WAITING, requests.c.request_id > bindparam("after"))
    .order_by(requests.c.request_id)
    .limit(1)
)
signed_since: Final = Prepared(
    select(func.count()).where(
        requests.c.station_id == bindparam("of_station"),
        requests.c.state == SIGNED,
        requests.c.ended_at_ms > bindparam("since_ms"),
    )
)
forget_unsigned: Final = Prepared(
    delete(requests).where(
        requests.c.station_id == bindparam("of_station"), requests.c.state != SIGNED
    )
)
keep: Final = Prepared(
    insert(requests).values(
        station_id=bindparam("station_id"),
        csr=bindparam("csr"),
        state=bindparam("state"),
        problem=bindparam("problem"),
        came_at_ms=bindparam("now_ms"),
    )
)
refuse: Final = Prepared(
    update(requests)
    .where(requests.c.request_id == bindparam("of_request"), requests.c.state == WAITING)
    .values(state=REFUSED, problem=bindparam("problem"), ended_at_ms=bindparam("now_ms"))
)
sign: Final = Prepared(
    update(requests)
    .where(requests.c.request_id == bindparam("of_request"))
    .values(
        state=SIGNED,
        chain=bindparam("chain"),
        ended_at_ms=bindparam("now_ms"),
        command_id=bindparam("command_id"),
    )
)
