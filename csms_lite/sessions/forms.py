"""How sessions and samples are written: as JSON for programs, as CSV rows for people. Pure."""

from __future__ import annotations

from typing import Any, Final

from csms_lite.clock import maybe_rfc3339, rfc3339
from csms_lite.csvtext import Cell
from csms_lite.sessions.measures import ENERGY, convert
from csms_lite.sessions.progress import Progress
from csms_lite.sessions.rules import (
    Sample,
    Session,
    State,
    duration_s,
    energy_wh,
    is_overdue,
)
from csms_lite.tariffs.rules import cost_minor

SAMPLE_COLUMNS: Final = (
    "at_utc",
    "measurand",
    "phase",
    "location",
    "context",
    "format",
    "value",
    "unit",
    "converted_value",
    "converted_unit",
    "power_w",
    "power_derived",
)
SESSION_COLUMNS: Final = (
    "transaction_id",
    "charger",
    "connector",
    "id_tag",
    "user_id",
    "state",
    "verdict",
    "started_at_utc",
    "stopped_at_utc",
    "received_at_utc",
    "duration_s",
    "meter_start_wh",
    "meter_stop_wh",
    "energy_wh",
    "currency",
    "per_kwh_minor",
    "cost_minor",
    "stop_reason",
    "reference",
    "problem",
    "closed_by",
    "close_reason",
)


def session_form(
    session: Session, *, now_ms: int, is_online: bool, expiry_ms: int
) -> dict[str, Any]:
    """Write a session for staff."""
    energy = energy_wh(session)
    price = session.per_kwh_minor
    is_running = session.state == State.RUNNING
    return {
        "transaction_id": session.transaction_id,
        "charger": session.charger,
        "connector": session.connector,
        "id_tag": session.id_tag,
        "user_id": session.user_id,
        "reference": session.reference,
        "verdict": session.verdict,
        "state": session.state,
        "unreachable": is_running and not is_online,
        "overdue": is_overdue(session, now_ms, expiry_ms),
        "problem": session.problem,
        "asked_at": maybe_rfc3339(session.asked_at_ms),
        "meter_start_wh": session.meter_start_wh,
        "meter_stop_wh": session.meter_stop_wh,
        "started_at": _started_at(session),
        "stopped_at": maybe_rfc3339(session.stopped_at_ms),
        "received_at": rfc3339(session.received_at_ms),
        "stop_reason": session.stop_reason,
        "duration_s": duration_s(session, now_ms),
        "energy_wh": energy,
        "power_w": session.power_w,
        "power_derived": bool(session.power_derived),
        "soc_percent": session.soc_percent,
        "measured_at": maybe_rfc3339(session.measured_at_ms),
        "currency": session.currency,
        "cost_minor": None if price is None else cost_minor(energy, price),
        "start_command": session.start_command_id,
        "stop_command": session.stop_command_id,
        "closed": closed_form(session),
    }


def closed_form(session: Session) -> dict[str, Any] | None:
    """Write who closed a session without the charger's word; nothing when nobody did."""
    if session.closed_at_ms is None:
        return None
    return {
        "at": rfc3339(session.closed_at_ms),
        "by": session.closed_by,
        "reason": session.close_reason,
    }


def own_form(session: Session, standing: Progress, *, is_online: bool) -> dict[str, Any]:
    """Write a session for the driver whose it is."""
    return {
        "transaction_id": session.transaction_id,
        "charger": session.charger,
        "connector": session.connector,
        "reference": session.reference,
        "state": session.state,
        "problem": session.problem,
        "started_at": _started_at(session),
        "stopped_at": maybe_rfc3339(session.stopped_at_ms),
        "stop_reason": session.stop_reason,
        "stop_asked": session.stop_asked_at_ms is not None,
        "goal_wh": session.goal_wh,
        "goal_soc_percent": session.goal_soc_percent,
        "live": progress_form(session, standing, is_online=is_online),
    }


def progress_form(session: Session, standing: Progress, *, is_online: bool) -> dict[str, Any]:
    """Write how a session stands now."""
    return {
        "transaction_id": session.transaction_id,
        "state": session.state,
        "unreachable": session.state == State.RUNNING and not is_online,
        "energy_wh": standing.energy_wh,
        "power_w": standing.power_w,
        "power_derived": standing.power_derived,
        "soc_percent": standing.soc_percent,
        "duration_s": standing.duration_s,
        "currency": session.currency,
        "cost_minor": standing.cost_minor,
        "cost_final": session.meter_stop_wh is not None,
        "remaining_s": standing.remaining.seconds,
        "remaining_why": standing.remaining.why,
        "measured_at": maybe_rfc3339(session.measured_at_ms),
        "age_s": standing.age_s,
        "fresh": standing.is_fresh,
    }


def sample_form(sample: Sample) -> dict[str, Any]:
    """Write a sample: each value as it came, and converted beside it."""
    return {
        "at": rfc3339(sample.at_ms),
        "energy_wh": sample.energy_wh,
        "power_w": sample.power_w,
        "power_derived": sample.power_derived,
        "soc_percent": sample.soc_percent,
        "values": sample.values,
        "converted": [
            None if pair is None else {"value": pair[0], "unit": pair[1]}
            for pair in map(convert, sample.values)
        ],
    }


def session_row(session: Session, now_ms: int) -> tuple[Cell, ...]:
    """Write a session as a CSV row in the order of `SESSION_COLUMNS`."""
    price = session.per_kwh_minor
    written: dict[str, Cell] = {
        "started_at_utc": _started_at(session),
        "stopped_at_utc": maybe_rfc3339(session.stopped_at_ms),
        "received_at_utc": rfc3339(session.received_at_ms),
        "duration_s": duration_s(session, now_ms),
        "energy_wh": energy_wh(session),
        "cost_minor": None if price is None else cost_minor(energy_wh(session), price),
    }
    plain = session._asdict()
    return tuple(written[name] if name in written else plain[name] for name in SESSION_COLUMNS)


def sample_rows(sample: Sample) -> list[tuple[Cell, ...]]:
    """Write a sample as CSV rows, one per value, in the order of `SAMPLE_COLUMNS`."""
    at = rfc3339(sample.at_ms)
    rows: list[tuple[Cell, ...]] = []
    for value in sample.values:
        pair = convert(value)
        told = value.get
        rows.append(
            (
                at,
                value.get("measurand", ENERGY),
                told("phase"),
                told("location"),
                told("context"),
                told("format"),
                told("value"),
                told("unit"),
                None if pair is None else pair[0],
                None if pair is None else pair[1],
                sample.power_w,
                "yes" if sample.power_derived else "no",
            )
        )
    return rows


def _started_at(session: Session) -> str | None:
    return None if session.meter_start_wh is None else rfc3339(session.started_at_ms)
