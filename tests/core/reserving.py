"""What the tests of reservations share: a bench, and the commands in short."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge.core.commands import (
    CancelReservation,
    RemoteStartTransaction,
    ReserveNow,
)
from edge.core.messages import (
    IdTagInfo,
    StartTransaction,
)
from edge.core.records import ReservationEnded
from edge.core.saved import Saved
from edge.core.vocabulary import (
    AuthorizationStatus,
    ConnectorStatus,
)
from tests.core.bench import ALICE, NOON, setup
from tests.core.build import Rig

AVAILABLE, RESERVED = ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED
PREPARING, CHARGING = ConnectorStatus.PREPARING, ConnectorStatus.CHARGING
FINISHING, FAULTED = ConnectorStatus.FINISHING, ConnectorStatus.FAULTED
UNAVAILABLE, SUSPENDED_EV = ConnectorStatus.UNAVAILABLE, ConnectorStatus.SUSPENDED_EV
GROUP = IdTagInfo(status=AuthorizationStatus.ACCEPTED, parent_id_tag="FLEET")
STRANGERS = IdTagInfo(status=AuthorizationStatus.ACCEPTED, parent_id_tag="OTHERS")
UNTIL = NOON + timedelta(seconds=1000)
CAROL = "04C0FFEEC0FFEE"


def bench(connectors: int = 1, *, saved: Saved | None = None, **keys: str) -> Rig:
    return Rig(setup(connectors=connectors, keys=keys), saved=saved, serve=True).online()


def reserve(
    rig: Rig,
    connector: int = 1,
    *,
    number: int = 5,
    tag: str = ALICE,
    parent: str | None = None,
    until: datetime = UNTIL,
) -> str:
    command = ReserveNow(
        connector_id=connector,
        expiry_date=until,
        id_tag=tag,
        reservation_id=number,
        parent_id_tag=parent,
    )
    status: str = rig.call(command).status
    return status


def cancel(rig: Rig, number: int = 5) -> str:
    status: str = rig.call(CancelReservation(reservation_id=number)).status
    return status


def start(rig: Rig, tag: str = ALICE, connector: int | None = 1) -> str:
    status: str = rig.call(RemoteStartTransaction(id_tag=tag, connector_id=connector)).status
    return status


def started(rig: Rig) -> list[tuple[int, str, int | None]]:
    return [
        (one.connector_id, one.id_tag, one.reservation_id) for one in rig.messages(StartTransaction)
    ]


def ended(rig: Rig) -> list[int]:
    return [one.reservation_id for one in rig.written(ReservationEnded)]
