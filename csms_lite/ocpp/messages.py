"""What stations tell, from OCPP 1.6 JSON to typed values; the schema was checked before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from csms_lite.clock import FIRST_MS, LAST_MS, read_time
from csms_lite.jsontext import dumps
from csms_lite.sessions.measures import read_sample
from csms_lite.sessions.rules import Sample, Start, Stop
from csms_lite.stations.rules import Boot, Observation

Payload = Mapping[str, Any]


class Samples(NamedTuple):
    """What MeterValues tells."""

    connector: int
    transaction_id: int | None
    taken: tuple[Sample, ...]


def read_boot(payload: Payload, _now_ms: int) -> Boot:
    """Read BootNotification (6.3)."""
    return Boot(
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber"),
        firmware=payload.get("firmwareVersion"),
        boot_json=dumps(payload),
    )


def read_tag(payload: Payload, _now_ms: int) -> str:
    """Read Authorize (6.1)."""
    tag: str = payload["idTag"]
    return tag


def read_status(payload: Payload, _now_ms: int) -> Observation:
    """Read StatusNotification (6.47)."""
    since = payload.get("timestamp")
    return Observation(
        connector=payload["connectorId"],
        status=payload["status"],
        error_code=payload["errorCode"],
        info=payload.get("info"),
        vendor_id=payload.get("vendorId"),
        vendor_error_code=payload.get("vendorErrorCode"),
        since_ms=None if since is None else read_time(since),
    )


def read_start(payload: Payload, now_ms: int) -> Start:
    """Read StartTransaction (6.45)."""
    return Start(
        connector=payload["connectorId"],
        id_tag=payload["idTag"],
        meter_start_wh=payload["meterStart"],
        started_at_ms=_moment(payload["timestamp"], now_ms),
        reservation_id=payload.get("reservationId"),
    )


def read_stop(payload: Payload, now_ms: int) -> Stop:
    """Read StopTransaction (6.49); no reason means Local."""
    return Stop(
        transaction_id=payload["transactionId"],
        meter_stop_wh=payload["meterStop"],
        stopped_at_ms=_moment(payload["timestamp"], now_ms),
        reason=payload.get("reason", "Local"),
        id_tag=payload.get("idTag"),
        samples=_samples(payload.get("transactionData", ())),
    )


def read_meter_values(payload: Payload, _now_ms: int) -> Samples:
    """Read MeterValues (6.31)."""
    return Samples(
        connector=payload["connectorId"],
        transaction_id=payload.get("transactionId"),
        taken=_samples(payload["meterValue"]),
    )


def read_request(payload: Payload, _now_ms: int) -> str:
    """Read SignCertificate (whitepaper 5.14): the request in PEM."""
    csr: str = payload["csr"]
    return csr


def read_whole(payload: Payload, _now_ms: int) -> Payload:
    """Take a payload as it is."""
    return payload


def _samples(meter_values: Sequence[Payload]) -> tuple[Sample, ...]:
    return tuple(
        read_sample(_fixed_moment(one["timestamp"]), one["sampledValue"]) for one in meter_values
    )


def _moment(text: str, now_ms: int) -> int:
    """Read a time that a fact must have: one that cannot be read is taken as now."""
    at_ms = read_time(text)
    return now_ms if at_ms is None else at_ms


def _fixed_moment(text: str) -> int:
    """Read a time that is the same whenever it is read, as what names a sample must be.

    The schema lets two pass that no moment is: year 1 east of Greenwich, as .NET writes "none",
    and year 9999 west of it.
    """
    at_ms = read_time(text)
    if at_ms is not None:
        return at_ms
    return FIRST_MS if text.startswith("0") else LAST_MS
