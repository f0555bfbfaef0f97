"""HTTP routes on requests for certificates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from csms_lite.certificates import service
from csms_lite.certificates.rules import CHAIN_LENGTH, SigningRequest
from csms_lite.chance import Chance
from csms_lite.clock import Clock, maybe_rfc3339, rfc3339
from csms_lite.commands.api import shown
from csms_lite.errors import Unacceptable
from csms_lite.gate import Admin, Operator
from csms_lite.store.writer import Store


class ChainBody(BaseModel):
    """Certificates in PEM: the station's first, then those between it and the root."""

    model_config = ConfigDict(extra="forbid")

    chain: Annotated[str, Field(min_length=1, max_length=CHAIN_LENGTH)]


def certificate_routes(
    store: Store, clock: Clock, chance: Chance, ring: Callable[[int], None]
) -> APIRouter:
    """Make the routes; *ring* is told for which station a command waits."""
    router = APIRouter(prefix="/api/signing-requests", tags=["certificates"])

    @router.get("")
    async def list_requests(
        _who: Operator,
        charger: str | None = None,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List what chargers asked to have signed, newest first."""
        return [_request(one) for one in await store.read(service.list_requests, charger, count)]

    @router.post("/{request_id}/chain", status_code=202)
    async def give_chain(request_id: int, body: ChainBody, who: Admin) -> dict[str, Any]:
        """Give the certificate that was signed elsewhere; it is sent to the charger."""
        known = await store.read(service.request, request_id)
        fault = await asyncio.to_thread(_fault, body.chain, known)
        if fault is not None:
            raise Unacceptable(fault)
        command = await store.do(
            service.signed,
            request_id,
            body.chain,
            message_id=chance.message_id(),
            asked_by=who.name[:100],
            now_ms=clock.now_ms(),
        )
        ring(command.station_id)
        return shown(command)

    @router.post("/{request_id}/send", status_code=202)
    async def send_again(request_id: int, who: Operator) -> dict[str, Any]:
        """Send a certificate once more, to a charger that was away."""
        command = await store.do(
            service.send_again,
            request_id,
            message_id=chance.message_id(),
            asked_by=who.name[:100],
            now_ms=clock.now_ms(),
        )
        ring(command.station_id)
        return shown(command)

    return router


def _fault(chain: str, known: SigningRequest) -> str | None:
    from csms_lite.certificates.authority import fault_of_chain

    return fault_of_chain(chain, known.csr, known.charger)


def _request(known: SigningRequest) -> dict[str, Any]:
    return {
        "id": known.request_id,
        "charger": known.charger,
        "csr": known.csr,
        "state": known.state,
        "problem": known.problem,
        "came_at": rfc3339(known.came_at_ms),
        "ended_at": maybe_rfc3339(known.ended_at_ms),
        "chain": known.chain,
        "command": known.command_id,
    }
