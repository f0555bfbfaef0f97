"""First and following verbs of each message: typed value in, camelCase answer out.

Thin by intent: each joins the verbs of the capabilities that a message concerns. All run in the
one transaction of their frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from csms_lite.access.rules import AccessRules, Verdict
from csms_lite.access.service import judge_start, judge_stop, judge_tag
from csms_lite.alerts import service as alerts
from csms_lite.alerts.rules import FAULT, NO_NEWS, NOT_UPDATED, UPDATE_FAILED
from csms_lite.certificates import service as certificates
from csms_lite.certificates.rules import NOBODY, Signing
from csms_lite.charging import service as charging
from csms_lite.clock import rfc3339
from csms_lite.commands import service as commands
from csms_lite.commands.following import hint
from csms_lite.enrolment import service as enrolment
from csms_lite.history import service as history
from csms_lite.local_list import service as local_list
from csms_lite.ocpp.messages import Samples
from csms_lite.people.service import owner_of
from csms_lite.sessions import service as sessions
from csms_lite.sessions.rules import Start, Stop
from csms_lite.sessions.sampling import Measured, sampled
from csms_lite.sessions.warnings import USUAL, Limits
from csms_lite.stations import service as stations
from csms_lite.stations.rules import MOST_CONNECTORS, Boot, Observation

BOOT_RETRY_S: Final = 60  # how often a station that waits for an operator may knock

Answer = dict[str, Any]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message came from and what holds while it is handled."""

    station_id: int
    connection: int
    message_id: str
    payload: Mapping[str, Any]
    now_ms: int
    access: AccessRules
    heartbeat_s: int
    signing: Signing = NOBODY
    limits: Limits = USUAL
    ended: list[int] = msgspec.field(default_factory=list)
    """Numbers of commands that came to their end by this message: told once it is stored."""


def boot(db: Connection, origin: Origin, told: Boot) -> Answer:
    """Answer BootNotification: whether the station may talk, and what time it is."""
    registration = stations.booted(db, origin.station_id, told, origin.now_ms)
    history.booted(db, origin.station_id, told, registration, origin.now_ms)
    local_list.doubt(db, origin.station_id)
    return {
        "status": registration,
        "currentTime": rfc3339(origin.now_ms),
        "interval": origin.heartbeat_s if registration == "Accepted" else BOOT_RETRY_S,
    }


def heartbeat(db: Connection, origin: Origin, _told: object) -> Answer:
    """Answer Heartbeat with the time."""
    stations.heard(db, origin.station_id, origin.now_ms)
    history.beat(db, origin.station_id, origin.now_ms)
    return {"currentTime": rfc3339(origin.now_ms)}


def authorize(db: Connection, origin: Origin, tag: str) -> Answer:
    """Answer Authorize; an unknown tag is noted, or becomes a card when a window waits for it."""
    enrolment.authorized(db, origin.station_id, tag, origin.now_ms)
    verdict = judge_tag(db, tag, origin.station_id, origin.now_ms, origin.access)
    return {"idTagInfo": tag_info(verdict)}


def status(db: Connection, origin: Origin, told: Observation) -> Answer:
    """Keep a connector's status."""
    stations.observed(db, origin.station_id, told, origin.now_ms)
    history.observed(db, origin.station_id, told, origin.now_ms)
    return {}


def status_of_session(db: Connection, origin: Origin, told: Observation) -> None:
    """See from a connector's status that a cable is out."""
    sessions.observed(db, origin.station_id, told.connector, told.status, origin.now_ms)


def alert_of_status(db: Connection, origin: Origin, told: Observation) -> None:
    """Raise an alert for a fault, and close it once the station says that all is well."""
    if not 0 <= told.connector <= MOST_CONNECTORS:
        return
    if told.status != "Faulted" and told.error_code == "NoError":
        alerts.close(db, origin.station_id, FAULT, connector=told.connector, now_ms=origin.now_ms)
        return
    details = {
        "status": told.status,
        "error_code": told.error_code,
        "info": told.info,
        "vendor_id": told.vendor_id,
        "vendor_error_code": told.vendor_error_code,
    }
    alerts.raise_alert(
        db, origin.station_id, FAULT, details, connector=told.connector, now_ms=origin.now_ms
    )


def alert_of_update(db: Connection, origin: Origin, told: Mapping[str, Any]) -> None:
    """Raise an alert for an update that failed, and close it once the charger tries again."""
    status = str(told.get("status"))
    if status in NOT_UPDATED:
        details = {"status": status, "hint": hint(told)}
        alerts.raise_alert(db, origin.station_id, UPDATE_FAILED, details, now_ms=origin.now_ms)
    elif status != NO_NEWS:
        alerts.close(db, origin.station_id, UPDATE_FAILED, now_ms=origin.now_ms)


def alert_of_boot(db: Connection, origin: Origin, told: Boot) -> None:
    """Close the alert of a failed update once the charger has firmware that it never had.

    One that it had before is what a failed update falls back to.
    """
    if told.firmware is not None and history.is_new(db, origin.station_id, told.firmware):
        alerts.close(db, origin.station_id, UPDATE_FAILED, now_ms=origin.now_ms)


def start(db: Connection, origin: Origin, told: Start) -> Answer:
    """Store a beginning, and judge its tag; the fact is stored whatever the verdict.

    A beginning told again is judged as it was then: its own transaction runs by now.
    """
    repeated = sessions.repeated_start(db, origin.station_id, told, origin.message_id)
    if repeated is not None:
        transaction_id, status = repeated
        verdict = judge_stop(db, told.id_tag, origin.station_id, origin.now_ms, origin.access)
        verdict = replace(verdict, status=status)
        return {"transactionId": transaction_id, "idTagInfo": tag_info(verdict)}
    verdict = judge_start(db, told.id_tag, origin.station_id, origin.now_ms, origin.access)
    transaction_id, cause = sessions.start(
        db,
        origin.station_id,
        told,
        verdict=verdict.status,
        message_id=origin.message_id,
        now_ms=origin.now_ms,
        owner_id=owner_of(db, told.id_tag),
    )
    if cause is not None:
        if not cause.is_unsent:
            seen = {**origin.payload, "transactionId": transaction_id}
            commands.fulfilled(db, cause.command_id, seen, origin.now_ms)
        withdrawn = charging.began(
            db, transaction_id, cause, message_id=origin.message_id, now_ms=origin.now_ms
        )
        if withdrawn is not None:
            origin.ended.append(withdrawn)
    enrolment.started(db, origin.station_id, told.id_tag, told.connector, origin.now_ms)
    if verdict.why is not None:
        stations.note(
            db,
            origin.station_id,
            "start_not_accepted",
            {"status": verdict.status, "why": verdict.why},
            now_ms=origin.now_ms,
            connector=told.connector,
            transaction_id=transaction_id,
        )
    return {"transactionId": transaction_id, "idTagInfo": tag_info(verdict)}


def connector_of_start(db: Connection, origin: Origin, told: Start) -> None:
    """Learn of a connector from the transaction that began there."""
    stations.seen(db, origin.station_id, told.connector, origin.now_ms)


def stop(db: Connection, origin: Origin, told: Stop) -> Answer:
    """Store an end; says of the tag what it is now, when one was shown."""
    sessions.stop(db, origin.station_id, told, payload=origin.payload, now_ms=origin.now_ms)
    if told.id_tag is None:
        return {}
    verdict = judge_stop(db, told.id_tag, origin.station_id, origin.now_ms, origin.access)
    return {"idTagInfo": tag_info(verdict)}


def samples(db: Connection, origins: Sequence[Origin], told: Sequence[Samples]) -> Sequence[Answer]:
    """Store what some MeterValues tell, and see what came of commands that asked for them."""
    measured = [
        Measured(origin.station_id, one.connector, one.transaction_id, one.taken, origin.now_ms)
        for origin, one in zip(origins, told, strict=True)
    ]
    news = [origins[place] for place in sampled(db, measured, limits=origins[0].limits)]
    asked = commands.awaiting(db, {origin.station_id for origin in news}, "MeterValues")
    for origin in news:
        if origin.station_id in asked:
            commands.observed(db, origin.station_id, "MeterValues", origin.payload, origin.now_ms)
    return [{} for _ in origins]


def data_transfer(_db: Connection, _origin: Origin, _told: object) -> Answer:
    """Answer DataTransfer: we know no vendor's words yet (TC_064)."""
    return {"status": "UnknownVendorId"}


def noting(kind: str) -> Callable[[Connection, Origin, Mapping[str, Any]], Answer]:
    """Make the verb that keeps a message whole, as a note of *kind*."""

    def note(db: Connection, origin: Origin, told: Mapping[str, Any]) -> Answer:
        stations.note(db, origin.station_id, kind, told, now_ms=origin.now_ms)
        return {}

    return note


def sign_certificate(db: Connection, origin: Origin, csr: str) -> Answer:
    """Keep a request for a certificate; says whether one is to be expected."""
    is_accepted = certificates.requested(db, origin.station_id, csr, origin.signing, origin.now_ms)
    return {"status": "Accepted" if is_accepted else "Rejected"}


def fulfilling(message: str) -> Callable[[Connection, Origin, object], None]:
    """Make the verb that sees in a *message* what came of a command."""

    def fulfil(db: Connection, origin: Origin, _told: object) -> None:
        commands.observed(db, origin.station_id, message, origin.payload, origin.now_ms)

    return fulfil


def tag_info(verdict: Verdict) -> Answer:
    """Write idTagInfo (7.8)."""
    info: Answer = {"status": verdict.status}
    if verdict.expires_at_ms is not None:
        info["expiryDate"] = rfc3339(verdict.expires_at_ms)
    if verdict.parent is not None:
        info["parentIdTag"] = verdict.parent
    return info
