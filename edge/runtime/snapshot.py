"""What the daemon knows of itself, for `tapwatt edge status` and the simulated bay."""

from __future__ import annotations

from typing import Any

from edge.core import board, levels, limits, status, why
from edge.core.bay import Bay
from edge.core.cost_messages import DefaultPrice
from edge.core.instant import Instant
from edge.core.power_cut import at_most_wh, flushed_at_most_wh, now_at_most_wh, register_age_s
from edge.core.saved import Damage
from edge.core.state import ChargePoint


def snapshot(
    state: ChargePoint, now: Instant, default_price: DefaultPrice | None = None
) -> dict[str, Any]:
    """Boot status, connectors, outbox; the shape of the simulated bay's `state` verb."""
    registration = state.station.registration
    connectors = {
        str(connector): _connector(state, connector, now) for connector in state.connectors
    }
    return {
        "boot": registration.status,
        "online": registration.online,
        "link": registration.link_up,
        "line": line(state, now),
        "price_text": board.price_text(state, default_price),
        "connectors": connectors,
        "outbox": state.station.outbox.count,
        "dead_letters": state.station.outbox.dead_letters,
        "untold_events": len(state.station.security_events.untold),
        "recorded": state.station.journal_lost is None,
        "supply_lost": state.station.supply_lost,
        "damage": _damage(state.station.damage),
        "free_bytes": state.station.space.free_bytes,
        "short_of_space": state.station.space.is_short,
        "samples_thinned": state.station.space.thinned,
        "jobs": {
            kind.value: {
                "stage": job.stage,
                "status": job.status,
                "attempts": job.attempts,
                "done_bytes": job.done_bytes,
            }
            for kind, job in state.station.jobs.items()
        },
        "lamps": {number: connector["lamp"] for number, connector in connectors.items()},
    }


def power_cut(state: ChargePoint, now: Instant, *, has_power_good: bool) -> dict[str, Any]:
    """What losing the power costs if no meter can be read afterwards; nothing if they can.

    *flushed_now_at_most_wh* is `None` without an input that tells of it in time.
    """
    flushed_wh = flushed_at_most_wh(state, now.monotonic) if has_power_good else None
    ages = {
        str(connector): register_age_s(state, connector, now.monotonic)
        for connector in state.connectors
    }
    return {
        "at_most_wh": _rounded(at_most_wh(state)),
        "now_at_most_wh": _rounded(now_at_most_wh(state, now.monotonic)),
        "flushed_now_at_most_wh": _rounded(flushed_wh),
        "register_age_s": {connector: _rounded(age_s) for connector, age_s in ages.items()},
    }


def decided(state: ChargePoint, connector: int, now: Instant) -> dict[str, Any]:
    """Who or what decides at *connector*, with ages and rests in seconds: `tapwatt edge why`."""
    bay = state.bay(connector)
    limit = why.limit(state, connector, now.monotonic)
    last = None if bay.ended is None else why.ended(bay.ended)
    return {
        "status": levels.status(state, connector, now.monotonic),
        "in_session": bay.transaction is not None,
        "causes": [_cause(one, now) for one in why.causes(state, connector, now.monotonic)],
        "limit": None if limit is None else _cause(limit, now),
        "ended": None if last is None else _cause(last, now),
    }


def line(state: ChargePoint, now: Instant) -> dict[str, Any] | None:
    """What stands between the station and its central system, and the log's own words for it."""
    cause = why.line(state)
    if cause is None:
        return None
    return {**_cause(cause, now), "why": state.station.line.why or None}


def _cause(cause: why.Cause, now: Instant) -> dict[str, Any]:
    return {
        "what": cause.what,
        "owner": cause.owner,
        "remedy": cause.remedy,
        "since_s": None if cause.since is None else round(now.monotonic - cause.since, 1),
        "until_s": None if cause.until is None else round(cause.until - now.monotonic, 1),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _damage(damage: Damage | None) -> dict[str, Any] | None:
    if damage is None:
        return None
    return {"aside": damage.aside, "rows": damage.rows, "broken": list(damage.broken)}


def _connector(state: ChargePoint, connector: int, now: Instant) -> dict[str, Any]:
    bay = state.bay(connector)
    told, code, info = status.current(state, connector, now.monotonic)
    return {
        "status": told,
        "errorCode": code,
        "info": info,
        "plugged": bay.seen.plugged,
        "pilot": bay.seen.pilot,
        "lock": bay.seen.locked,
        "contactor_closed": bay.seen.contactor_closed,
        "offered_a": bay.contactor.offered_a,
        "availability": bay.service.availability,
        "session": _session(bay),
        "limits": [
            {"owner": one.owner, "limit_a": one.limit_a}
            for one in limits.slots(state, connector, now.monotonic)
        ],
        "latched": sorted(bay.latches),
        "temperature_c": bay.temperature.celsius,
        "contactor": {
            "closings": bay.contactor.closings,
            "hot_opens": bay.contactor.hot_opens,
        },
        "cost": board.cost_of(state, connector, now),
        "lamp": levels.lamp(state, connector),
    }


def _session(bay: Bay) -> dict[str, Any] | None:
    transaction = bay.transaction
    if transaction is None:
        return None
    last = bay.metering.last
    register_wh = transaction.begin_wh if last is None else last.energy_wh
    return {
        "ref": transaction.ref,
        "transactionId": transaction.transaction_id,
        "idTag": transaction.id_tag,
        "energy_wh": max(0, register_wh - transaction.begin_wh),
    }
