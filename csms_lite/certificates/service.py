"""Verbs and queries on requests for certificates."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.certificates import sql
from csms_lite.certificates.rules import (
    DAY_MS,
    REFUSED,
    SIGNED,
    SIGNED_A_DAY,
    WAITING,
    Signing,
    SigningRequest,
)
from csms_lite.commands import service as commands
from csms_lite.commands.rules import Command
from csms_lite.errors import NotFound, Refused
from csms_lite.stations.service import station_by_id


def requested(db: Connection, station_id: int, csr: str, signing: Signing, now_ms: int) -> bool:
    """Keep a station's request, the last only, and say whether it may expect a certificate.

    What nobody here signs waits all the same: an operator may still give the chain.
    """
    identity = station_by_id(db, station_id).identity
    problem = signing.fault(csr, identity) if signing.fault is not None else None
    if problem is None and _is_too_often(db, station_id, now_ms):
        problem = f"more than {SIGNED_A_DAY} certificates within a day"
    sql.forget_unsigned.run(db, of_station=station_id)
    sql.keep.run(
        db,
        station_id=station_id,
        csr=csr,
        state=WAITING if problem is None else REFUSED,
        problem=problem,
        now_ms=now_ms,
    )
    return problem is None and (signing.by_hand or signing.fault is not None)


def signed(
    db: Connection, request_id: int, chain: str, *, message_id: str, asked_by: str, now_ms: int
) -> Command:
    """Keep the certificate and have it sent; raises `NotFound` and `Refused`."""
    known = request(db, request_id)
    if known.state == SIGNED:
        raise Refused(f"request {request_id} has its certificate: send that again instead")
    return _send(db, known, chain, message_id=message_id, asked_by=asked_by, now_ms=now_ms)


def refused(db: Connection, request_id: int, problem: str, now_ms: int) -> None:
    """Keep why a request that waited gets no certificate."""
    sql.refuse.run(db, of_request=request_id, problem=problem, now_ms=now_ms)


def send_again(
    db: Connection, request_id: int, *, message_id: str, asked_by: str, now_ms: int
) -> Command:
    """Have a certificate sent once more, to a station that was away; raises as `signed`."""
    known = request(db, request_id)
    if known.chain is None:
        raise Refused(f"request {request_id} has no certificate yet")
    return _send(db, known, known.chain, message_id=message_id, asked_by=asked_by, now_ms=now_ms)


def request(db: Connection, request_id: int) -> SigningRequest:
    """Give one request; raises `NotFound`."""
    row = sql.by_id.one(db, request_id=request_id)
    if row is None:
        raise NotFound(f"there is no signing request {request_id}: a newer one may replace it")
    return SigningRequest._make(row)


def list_requests(db: Connection, charger: str | None, count: int) -> list[SigningRequest]:
    """Give the newest requests, newest first."""
    rows = sql.page.rows(db, charger=charger, count=count)
    return [SigningRequest._make(row) for row in rows]


def next_waiting(db: Connection, after: int) -> SigningRequest | None:
    """Give the oldest request after this number that waits."""
    row = sql.next_waiting.one(db, after=after)
    return None if row is None else SigningRequest._make(row)


def _send(
    db: Connection,
    known: SigningRequest,
    chain: str,
    *,
    message_id: str,
    asked_by: str,
    now_ms: int,
) -> Command:
    command = commands.ask(
        db,
        known.charger,
        "CertificateSigned",
        {"certificateChain": chain},
        message_id=message_id,
        asked_by=asked_by,
        now_ms=now_ms,
    )
    sql.sign.run(
        db,
        of_request=known.request_id,
        chain=chain,
        command_id=command.command_id,
        now_ms=now_ms,
    )
    return command


def _is_too_often(db: Connection, station_id: int, now_ms: int) -> bool:
    row = sql.signed_since.one(db, of_station=station_id, since_ms=now_ms - DAY_MS)
    return row is not None and int(row[0]) >= SIGNED_A_DAY
