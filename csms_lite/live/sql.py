"""Every statement of the live view: it only counts its starts, the rest it asks of others."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert

from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import epochs

begin_epoch: Final = Prepared(
    insert(epochs).values(started_at_ms=bindparam("started_at_ms")).returning(epochs.c.epoch)
)
