"""Every statement on sites and on the plates of connectors."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from csms_lite.stations.sites import Plate, Site
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import plates, sites, stations

_WORDS: Final = ("name", "address", "latitude", "longitude", "time_zone", "note", "description")
_SITE: Final = tuple(sites.c[name] for name in Site._fields)

site_by_id: Final = Prepared(select(*_SITE).where(sites.c.site_id == bindparam("site_id")))
site_by_name: Final = Prepared(select(*_SITE).where(sites.c.name == bindparam("name")))
every_site: Final = Prepared(select(*_SITE).order_by(sites.c.name))
create_site: Final = Prepared(
    insert(sites)
    .values(
        **{name: bindparam(name) for name in _WORDS},
        created_at_ms=bindparam("now_ms"),
        changed_at_ms=bindparam("now_ms"),
    )
    .returning(sites.c.site_id)
)
change_site: Final = Prepared(
    update(sites)
    .where(sites.c.site_id == bindparam("of_site"))
    .values(**{name: bindparam(name) for name in _WORDS}, changed_at_ms=bindparam("now_ms"))
)
drop_site: Final = Prepared(delete(sites).where(sites.c.site_id == bindparam("of_site")))
count_at_site: Final = Prepared(
    select(func.count()).select_from(stations).where(stations.c.site_id == bindparam("site_id"))
)

_PLATE: Final = tuple(plates.c[name] for name in Plate._fields)
plates_of: Final = Prepared(
    select(*_PLATE)
    .where(plates.c.station_id == bindparam("station_id"))
    .order_by(plates.c.connector)
)
every_plate: Final = Prepared(
    select(plates.c.station_id, *_PLATE).order_by(plates.c.station_id, plates.c.connector)
)
_mount = insert(plates).values(
    station_id=bindparam("station_id"),
    changed_at_ms=bindparam("now_ms"),
    **{name: bindparam(name) for name in Plate._fields},
)
mount: Final = Prepared(
    _mount.on_conflict_do_update(
        index_elements=[plates.c.station_id, plates.c.connector],
        set_={
            name: _mount.excluded[name]
            for name in (*Plate._fields, "changed_at_ms")
            if name != "connector"
        },
    )
)
unmount: Final = Prepared(
    delete(plates).where(
        plates.c.station_id == bindparam("of_station"),
        plates.c.connector == bindparam("of_connector"),
    )
)
