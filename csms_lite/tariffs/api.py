"""HTTP routes on the price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from csms_lite.clock import Clock
from csms_lite.gate import Admin, Viewer
from csms_lite.store.writer import Store
from csms_lite.tariffs import service
from csms_lite.tariffs.rules import Tariff

LARGEST_PRICE = 10**9  # minor units per kWh; keeps every cost within 64 bits


class TariffBody(BaseModel):
    """A price."""

    model_config = ConfigDict(extra="forbid")

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    per_kwh_minor: Annotated[int, Field(ge=0, le=LARGEST_PRICE)]


def tariff_routes(store: Store, clock: Clock, changed: Callable[[], None]) -> APIRouter:
    """Make the routes under /api/tariff; *changed* is told of a new price."""
    router = APIRouter(prefix="/api/tariff", tags=["tariff"])

    @router.get("")
    async def get_tariff(_who: Viewer) -> dict[str, Any] | None:
        """Give the price now, null when none was set."""
        tariff = await store.read(service.current_tariff)
        return None if tariff is None else tariff._asdict()

    @router.put("")
    async def put_tariff(body: TariffBody, _who: Admin) -> dict[str, Any]:
        """Set the price from now on; running sessions keep theirs."""
        tariff = Tariff(currency=body.currency, per_kwh_minor=body.per_kwh_minor)
        await store.do(service.set_tariff, tariff, clock.now_ms())
        changed()
        return tariff._asdict()

    return router
