"""The HTTP route that takes in many chargers at once."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import Unacceptable
from csms_lite.gate import Operator
from csms_lite.stations.import_service import import_chargers
from csms_lite.stations.importing import read_csv, read_rows
from csms_lite.store.writer import Store


def import_routes(store: Store, clock: Clock, chance: Chance) -> APIRouter:
    """Make the route POST /api/chargers/import."""
    router = APIRouter(prefix="/api/chargers", tags=["chargers"])

    @router.post("/import")
    async def import_many(
        request: Request, _who: Operator, keys: Annotated[bool, Query()] = False
    ) -> dict[str, Any]:
        """Add or change many chargers, all or none: CSV with a header, or a JSON list.

        Columns: id, name, code, site, registration, profile, key, vendor, model, serial, note,
        description. With `keys=true` chargers without a key get one, shown here, once.
        """
        rows = read_rows(read_table(await request.body(), request.headers.get("content-type", "")))
        done = await store.do(import_chargers, rows, chance, clock.now_ms(), make_keys=keys)
        return {
            "added": done.added,
            "changed": done.changed,
            "unchanged": done.unchanged,
            "keys": done.keys,
        }

    return router


def read_table(body: bytes, kind: str) -> list[dict[str, Any]]:
    """Read a table by its media type; raises `Unacceptable`."""
    try:
        text = body.decode()
        if "csv" in kind:
            return list(read_csv(text))
        told = json.loads(text)
    except UnicodeDecodeError as failure:
        raise Unacceptable("the table is not in UTF-8: save it as such") from failure
    except (ValueError, RecursionError) as failure:
        raise Unacceptable(
            "this is no JSON: send a list of objects, or CSV as content type text/csv"
        ) from failure
    if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
        raise Unacceptable("send a list of objects, one for each charger")
    return told
