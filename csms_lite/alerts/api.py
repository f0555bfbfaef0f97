"""HTTP routes on alerts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from csms_lite.alerts import service
from csms_lite.alerts.rules import Alert
from csms_lite.clock import Clock, maybe_rfc3339, rfc3339
from csms_lite.gate import Operator, Viewer
from csms_lite.jsontext import loads
from csms_lite.store.writer import Store
from csms_lite.web import MAX_ID


def alert_routes(store: Store, clock: Clock) -> APIRouter:
    """Make the routes under /api/alerts."""
    router = APIRouter(prefix="/api/alerts", tags=["alerts"])

    @router.get("")
    async def list_alerts(
        _who: Viewer,
        charger: Annotated[str | None, Query(max_length=48)] = None,
        open_only: Annotated[bool, Query(alias="open")] = False,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List alerts, newest first; with `open=true` only what is wrong now.

        Those of the central system itself have no `charger`, but a `subject`, such as the name of
        a certificate that ends.
        """
        found = await store.read(service.list_alerts, count, charger=charger, only_open=open_only)
        return [_alert(one) for one in found]

    @router.post("/{alert_id}/acknowledge")
    async def acknowledge(
        alert_id: Annotated[int, Field(ge=1, le=MAX_ID)], who: Operator
    ) -> dict[str, Any]:
        """Say that somebody has seen it; it closes by itself when what is wrong is gone."""
        return _alert(await store.do(service.acknowledge, alert_id, who.name, clock.now_ms()))

    return router


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.alert_id,
        "charger": alert.charger,
        "connector": alert.connector,
        "subject": alert.subject,
        "kind": alert.kind,
        "details": loads(alert.details_json),
        "opened_at": rfc3339(alert.opened_at_ms),
        "closed_at": maybe_rfc3339(alert.closed_at_ms),
        "acknowledged_at": maybe_rfc3339(alert.acknowledged_at_ms),
        "acknowledged_by": alert.acknowledged_by,
    }
