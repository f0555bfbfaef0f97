"""The public status document (hmi/status.schema.json) as this station sees itself."""

from __future__ import annotations

from typing import Any

from edge.core import anchors, levels
from edge.core.anchors import Clock
from edge.core.instant import Instant, rfc3339
from edge.core.state import Bay, ChargePoint


def document(state: ChargePoint, now: Instant, *, station_id: str, sequence: int) -> dict[str, Any]:
    """The document, valid against the schema; times are RFC 3339, energies Wh, powers W."""
    identity = state.setup.identity
    return {
        "version": 1,
        "source": "edge",
        "sequence": sequence,
        "at": rfc3339(now.wall),
        "station": {
            "id": station_id,
            "name": f"{identity.charge_point_vendor} {identity.charge_point_model}",
            "online": state.station.registration.online,
            "heard_at": rfc3339(now.wall),
        },
        "tariff": None,
        "connectors": [_connector(state, number, now) for number in state.connectors],
    }


def _connector(state: ChargePoint, number: int, now: Instant) -> dict[str, Any]:
    bay = state.bay(number)
    code, info = levels.error(state, number, now.monotonic)
    last = bay.metering.last
    clock, since = state.station.clock, bay.notice.since
    return {
        "connector": number,
        "status": str(levels.status(state, number, now.monotonic)),
        "error_code": str(code),
        "info": info,
        "since": _text(clock, since),
        "power_w": None if last is None else last.power_w,
        "measured_at": _text(clock, None if last is None else last.at),
        "session": _session(bay, clock),
    }


def _session(bay: Bay, clock: Clock) -> dict[str, Any] | None:
    transaction = bay.transaction
    if transaction is None:
        return None
    last = bay.metering.last
    register_wh = transaction.begin_wh if last is None else last.energy_wh
    return {
        "tag": masked(transaction.id_tag),
        "started_at": _text(clock, transaction.started_at),
        "stopped_at": _text(clock, transaction.stopping_at),
        "stop_reason": None if transaction.stop_reason is None else str(transaction.stop_reason),
        "energy_wh": max(0, register_wh - transaction.begin_wh),
        "cost_minor": None,
        "cost_final": False,
    }


def masked(id_tag: str) -> str:
    """A tag as it may be shown: its last four characters, fewer where that would be all of it."""
    return "…" + id_tag[-min(4, len(id_tag) // 2) :] if len(id_tag) > 1 else "…"


def _text(clock: Clock, at: Instant | None) -> str | None:
    return None if at is None else rfc3339(anchors.final(clock, at).wall)
