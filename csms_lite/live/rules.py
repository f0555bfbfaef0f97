"""The public status document: what a driver may see, from what is stored. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from csms_lite.clock import maybe_rfc3339, rfc3339
from csms_lite.errors import Unacceptable
from csms_lite.jsontext import loads
from csms_lite.sessions.rules import Session, energy_wh
from csms_lite.stations.rules import Connector, Station
from csms_lite.tariffs.rules import Tariff, cost_minor
from edge.hmi.tags import masked

VERSION: Final = 1
KINDS: Final = ("station", "connector", "session", "command", "alert", "log", "system")
CABLE_MAY_BE_IN: Final = frozenset(
    {"Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Faulted"}
)
SEQUENCE_BITS: Final = 32  # documents per station and start; 2**21 starts stay exact in JavaScript
MAX_CONNECTORS: Final = 64  # as the schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one document is made of, read at one moment."""

    station: Station
    connectors: tuple[Connector, ...]
    sessions: Mapping[int, Session]
    """The last session of each connector, by connector."""
    tariff: Tariff | None


class Change(NamedTuple):
    """Something that changed, numbered in the order of commits."""

    number: int
    at_ms: int
    kind: str
    charger: str | None
    connector: int | None
    transaction_id: int | None
    user_id: int | None
    details: str


def check_kinds(kinds: Iterable[str]) -> None:
    """Refuse kinds of changes that there are not; raises `Unacceptable`."""
    strange = sorted(set(kinds) - set(KINDS))
    if strange:
        raise Unacceptable(f"{strange[0]!r} is no kind: choose of {', '.join(KINDS)}")


def change_document(change: Change) -> dict[str, Any]:
    """Write a change as streams and webhooks tell it."""
    return {
        "number": change.number,
        "at": rfc3339(change.at_ms),
        "kind": change.kind,
        "charger": change.charger,
        "connector": change.connector,
        "transaction_id": change.transaction_id,
        "details": _details(change.details),
    }


def _details(text: str) -> dict[str, Any]:
    """Read the details of a change: JSON, or columns as SQLite quotes them."""
    if text.startswith("{"):
        told: dict[str, Any] = loads(text)
        return told
    columns = (column.partition("=") for column in text.split("\x1f"))
    return {name: _unquoted(value) for name, _, value in columns}


def _unquoted(value: str) -> str | int | float | None:
    if value.startswith("'"):
        return value[1:-1].replace("''", "'")
    if value == "NULL":
        return None
    return int(value) if value.lstrip("-").isdecimal() else float(value)


def sequence(epoch: int, count: int) -> int:
    """Number a document: rises with each, and over restarts whatever the clock does."""
    return (epoch << SEQUENCE_BITS) | count


def document(
    seen: Snapshot, *, sequence: int, now_ms: int, is_online: bool, heard_at_ms: int | None
) -> dict[str, Any]:
    """Write the status document of `hmi/status.schema.json`."""
    tariff = seen.tariff
    return {
        "version": VERSION,
        "source": "csms",
        "sequence": sequence,
        "at": rfc3339(now_ms),
        "station": {
            "id": seen.station.code,
            "name": seen.station.name,
            "online": is_online,
            "heard_at": maybe_rfc3339(heard_at_ms or seen.station.heard_at_ms),
        },
        "tariff": None if tariff is None else tariff._asdict(),
        "connectors": [
            _connector(connector, seen.sessions.get(connector.connector), tariff)
            for connector in seen.connectors
            if connector.connector > 0
        ][:MAX_CONNECTORS],
    }


def _connector(connector: Connector, last: Session | None, tariff: Tariff | None) -> dict[str, Any]:
    shown = last if last is not None and _is_shown(last, connector.status) else None
    return {
        "connector": connector.connector,
        "status": connector.status,
        "error_code": connector.error_code,
        "info": connector.info,
        "since": rfc3339(connector.since_ms),
        "power_w": shown.power_w if shown else None,
        "measured_at": maybe_rfc3339(shown.measured_at_ms) if shown else None,
        "session": _session(shown, tariff) if shown else None,
    }


def _is_shown(last: Session, status: str) -> bool:
    """Show a running session, and an ended one until its cable is out."""
    if last.state == "running":
        return True
    return last.cable_out_at_ms is None and status in CABLE_MAY_BE_IN


def _session(session: Session, tariff: Tariff | None) -> dict[str, Any]:
    energy = energy_wh(session)
    is_priced = (
        tariff is not None
        and session.per_kwh_minor is not None
        and session.currency == tariff.currency
    )
    return {
        "tag": masked(session.id_tag),
        "started_at": rfc3339(session.started_at_ms),
        "stopped_at": maybe_rfc3339(session.stopped_at_ms),
        "stop_reason": session.stop_reason,
        "energy_wh": energy,
        "cost_minor": cost_minor(energy, session.per_kwh_minor or 0) if is_priced else None,
        "cost_final": session.state == "closed",
    }
