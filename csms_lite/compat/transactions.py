"""Seed C's routes on transactions, and seed E's lists: `/api/transactions`, `/cps`, `/predict`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from csms_lite.charging.api import Counter, Number, meant
from csms_lite.clock import maybe_rfc3339, rfc3339, to_ms
from csms_lite.compat.charging import begin, end
from csms_lite.compat.shapes import (
    NOT_BUILT,
    Begun,
    ChargePoint,
    Message,
    StartTold,
    StoredTransaction,
    Transaction,
    word,
)
from csms_lite.errors import NotBuilt, Unacceptable
from csms_lite.gate import Account, Viewer
from csms_lite.sessions.rules import Session
from csms_lite.sessions.service import list_sessions
from csms_lite.stations.liveness import Patience, plain_status
from csms_lite.stations.overview import derive, overviews
from csms_lite.stations.service import station_named

NO_LIMIT: Final = 2**62  # above every transaction number
MOST: Final = 1000

Count = Annotated[int, Query(ge=1, le=MOST)]
Before = Annotated[int, Query(ge=1, le=NO_LIMIT)]


def transaction_routes(counter: Counter) -> APIRouter:
    """Make the routes under /api/transactions."""
    router = APIRouter(prefix="/api/transactions", tags=["compatibility"])
    store = counter.store

    @router.post("/{charger}/start")
    async def start(charger: str, body: StartTold, who: Account) -> Begun:
        """Start charging at a charger, named by number or id; the same `sessionId` starts once."""
        known = await store.read(station_named, charger)
        begun = await begin(counter, who, known.station_id, tag=body.tag, reference=body.sessionId)
        return Begun(message="Transaction started", transactionId=begun.transaction_id)

    @router.post("/{transaction_id}/end")
    async def stop(transaction_id: Number, who: Account) -> Message:
        """End a transaction: one's own, or for operators anybody's."""
        await end(counter, who, await store.read(meant, transaction_id, None, who))
        return Message(message="Transaction ended")

    @router.get("/charger/{charger}")
    async def history(
        charger: str,
        _who: Viewer,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
        before: Before = NO_LIMIT,
        count: Count = MOST,
    ) -> list[Transaction]:
        """List a charger's transactions begun *from* and before *to*, the newest at the end."""
        known = await store.read(station_named, charger)
        wanted: dict[str, object] = {"charger": known.identity}
        if since is not None:
            wanted["since_ms"] = _ms(since)
        if until is not None:
            wanted["until_ms"] = _ms(until)
        found = await store.read(list_sessions, wanted, before, count)
        return [
            Transaction(transactionId=one.transaction_id, chargerId=one.station_id, status=status)
            for one in reversed(found)
            if (status := word(one)) is not None
        ]

    return router


def charge_it_routes(counter: Counter, patience: Patience) -> APIRouter:
    """Make seed E's routes: charge points, transactions, predictions."""
    router = APIRouter(tags=["compatibility"])
    store, presence = counter.store, counter.presence

    @router.get("/cps")
    async def list_charge_points(_who: Viewer) -> list[ChargePoint]:
        """List the charge points."""
        now_ms = counter.clock.now_ms()
        return [
            ChargePoint(
                cp_id=seen.station.identity,
                vendor=seen.station.vendor,
                model=seen.station.model,
                status=plain_status(
                    derive(seen, presence, patience, now_ms).state,
                    (one.status for one in seen.connectors),
                ),
                last_heartbeat=maybe_rfc3339(
                    presence.heard_at_ms(seen.station.station_id) or seen.station.heard_at_ms
                ),
            )
            for seen in await store.read(overviews)
        ]

    @router.get("/transactions")
    async def list_transactions(
        _who: Viewer, before: Before = NO_LIMIT, count: Count = 100
    ) -> list[StoredTransaction]:
        """List transactions, the newest first."""
        found = await store.read(list_sessions, {}, before, count)
        return [_stored(one, status) for one in found if (status := word(one)) is not None]

    @router.get("/predict/{what}", responses=NOT_BUILT)
    async def predict(what: str, _who: Viewer) -> None:
        """Say that predictions come later."""
        raise NotBuilt(f"predictions ({what[:40]}) come with the insights: issue 9 builds them")

    return router


def _stored(session: Session, status: str) -> StoredTransaction:
    return StoredTransaction(
        transaction_id=session.transaction_id,
        cp_id=session.charger,
        connector_id=session.connector,
        id_tag=session.id_tag,
        meter_start=session.meter_start_wh,
        meter_stop=session.meter_stop_wh,
        start_time=rfc3339(session.started_at_ms),
        stop_time=maybe_rfc3339(session.stopped_at_ms),
        status=status,
    )


def _ms(at: datetime) -> int:
    try:
        return to_ms(at)
    except OverflowError as failure:
        raise Unacceptable("from and to are dates of the years 1 to 9999 in UTC") from failure
