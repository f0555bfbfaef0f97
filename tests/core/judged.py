"""A meter that is read once a second, and what the central system hears of it."""

from __future__ import annotations

from edge.core.messages import StatusNotification, StopTransaction
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from tests.core.build import Rig

Notice = tuple[ConnectorStatus, ErrorCode, str | None]


def poll(rig: Rig, seconds: int) -> None:
    """The meter is read once a second, as a driver does."""
    for _ in range(seconds):
        rig.wait(1)
        rig.meter()


def newest(rig: Rig) -> Notice:
    """What the central system was told last of connector 1."""
    told = [one for one in rig.messages(StatusNotification) if one.connector_id == 1]
    return told[-1].status, told[-1].error_code, told[-1].info


def reasons(rig: Rig) -> list[StopReason | None]:
    return [one.reason for one in rig.messages(StopTransaction)]
