"""HTTP routes on sessions."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from csms_lite.clock import maybe_rfc3339, rfc3339
from csms_lite.gate import Viewer
from csms_lite.sessions import service
from csms_lite.sessions.rules import Sample, Session, energy_wh
from csms_lite.stations.service import Event, notes_on_transaction
from csms_lite.store.writer import Store
from csms_lite.tariffs.rules import cost_minor

NO_LIMIT: Final = 2**62  # above every transaction number


def session_routes(store: Store) -> APIRouter:
    """Make the routes under /api/sessions."""
    router = APIRouter(prefix="/api/sessions", tags=["sessions"])

    @router.get("")
    async def list_sessions(
        _who: Viewer,
        charger: str | None = None,
        before: Annotated[int, Query(ge=1)] = NO_LIMIT,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List sessions, newest number first; the next page is *before* the last one's number."""
        found = await store.read(service.list_sessions, charger, before, count)
        return [_session(one) for one in found]

    @router.get("/{transaction_id}")
    async def get_session(transaction_id: int, _who: Viewer) -> dict[str, Any]:
        """Give one session with its samples and what was noted on it."""
        session, samples, events = await store.read(_whole, transaction_id)
        return {
            **_session(session),
            "samples": [_sample(one) for one in samples],
            "events": [
                {"at": rfc3339(one.at_ms), "kind": one.kind, "details": one.details}
                for one in events
            ],
        }

    return router


def _whole(db: Connection, transaction_id: int) -> tuple[Session, list[Sample], list[Event]]:
    session = service.session(db, transaction_id)
    return (
        session,
        service.list_samples(db, session),
        notes_on_transaction(db, session.station_id, transaction_id),
    )


def _session(session: Session) -> dict[str, Any]:
    energy = energy_wh(session)
    price = session.per_kwh_minor
    return {
        "transaction_id": session.transaction_id,
        "charger": session.charger,
        "connector": session.connector,
        "id_tag": session.id_tag,
        "verdict": session.verdict,
        "state": session.state,
        "meter_start_wh": session.meter_start_wh,
        "meter_stop_wh": session.meter_stop_wh,
        "started_at": rfc3339(session.started_at_ms),
        "stopped_at": maybe_rfc3339(session.stopped_at_ms),
        "received_at": rfc3339(session.received_at_ms),
        "stop_reason": session.stop_reason,
        "energy_wh": energy,
        "power_w": session.power_w,
        "measured_at": maybe_rfc3339(session.measured_at_ms),
        "currency": session.currency,
        "cost_minor": None if price is None else cost_minor(energy, price),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "at": rfc3339(sample.at_ms),
        "energy_wh": sample.energy_wh,
        "power_w": sample.power_w,
        "values": sample.values,
    }
