"""What the central system is told of a job: the message for each, and the word when it asks.

Source: OCPP 1.6 4.4, 4.5, 5.17; security whitepaper L01, N01.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from edge.core.draft import Draft
from edge.core.facts import Triggered
from edge.core.messages import (
    DiagnosticsStatusNotification,
    FirmwareStatusNotification,
    LogStatusNotification,
    SignedFirmwareStatusNotification,
)
from edge.core.waiting import ToMention
from edge.core.work import Job, JobKind, JobOrdered, Stage

IDLE: Final = "Idle"
INSTALLED: Final = "Installed"

News = (
    FirmwareStatusNotification
    | SignedFirmwareStatusNotification
    | DiagnosticsStatusNotification
    | LogStatusNotification
)


def news(status: str, order: JobOrdered) -> News:
    """Say that *order* has come to *status*."""
    match order.kind:
        case JobKind.FIRMWARE if order.seal is not None:
            return SignedFirmwareStatusNotification(status=status, request_id=order.request_id)
        case JobKind.FIRMWARE:
            return FirmwareStatusNotification(status=status)
        case JobKind.DIAGNOSTICS:
            return DiagnosticsStatusNotification(status=status)
        case JobKind.LOG:
            return LogStatusNotification(status=status, request_id=order.request_id)
        case unknown:
            assert_never(unknown)


_TRIGGERS: Final[Mapping[str, tuple[JobKind, News]]] = {
    "FirmwareStatusNotification": (JobKind.FIRMWARE, FirmwareStatusNotification(status=IDLE)),
    "SignedFirmwareStatusNotification": (
        JobKind.FIRMWARE,
        SignedFirmwareStatusNotification(status=IDLE),
    ),
    "DiagnosticsStatusNotification": (
        JobKind.DIAGNOSTICS,
        DiagnosticsStatusNotification(status=IDLE),
    ),
    "LogStatusNotification": (JobKind.LOG, LogStatusNotification(status=IDLE)),
}
"""Message that may be asked for -> the job that it tells of, and its word without one."""

_PLAINLY: Final = {
    "DownloadScheduled": IDLE,
    "SignatureVerified": "Downloaded",
    "InstallScheduled": "Downloaded",
    "InstallRebooting": "Installing",
}
"""What FirmwareStatusNotification calls the stages that it does not know (7.25)."""


def on_trigger(draft: Draft, fact: Triggered) -> None:
    """The status as it is; Idle where nothing is on its way (4.4, 4.5, N01.FR.12)."""
    if fact.message in _TRIGGERS:
        kind, idle = _TRIGGERS[fact.message]
        job = draft.station.jobs.get(kind)
        draft.send(ToMention(), idle if job is None else _now(job, idle))


def _now(job: Job, idle: News) -> News:
    """What was told last of *job*, in a message like *idle*, or *idle* (L01.FR.28, 29)."""
    status = job.untold[0] if job.untold else job.status
    if status is None:
        return idle
    if isinstance(idle, SignedFirmwareStatusNotification):
        return idle if job.order.seal is None or status == INSTALLED else news(status, job.order)
    if job.order.seal is None:
        return news(status, job.order)
    is_over = job.stage in (Stage.DONE, Stage.TOLD)
    return idle if is_over else FirmwareStatusNotification(status=_PLAINLY.get(status, status))
