"""Every statement on tariffs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert, select

from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import tariffs

current: Final = Prepared(
    select(tariffs.c.currency, tariffs.c.per_kwh_minor)
    .order_by(tariffs.c.tariff_id.desc())
    .limit(1)
)
add: Final = Prepared(
    insert(tariffs).values(
        currency=bindparam("currency"),
        per_kwh_minor=bindparam("per_kwh_minor"),
        from_ms=bindparam("from_ms"),
    )
)
