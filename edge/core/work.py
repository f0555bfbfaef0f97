"""Long work with a file: what the journal writes of it, and what the state holds.

Written by machines `jobs`, `firmware`, `signed_firmware` and `uploads`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from edge.core.instant import Instant
from edge.core.vocabulary import LogType


class JobKind(StrEnum):
    """Long work with a file; at most one of each kind is on its way."""

    FIRMWARE = "firmware"  # UpdateFirmware, SignedUpdateFirmware
    DIAGNOSTICS = "diagnostics"  # GetDiagnostics
    LOG = "log"  # GetLog


class Stage(StrEnum):
    """How far a job is."""

    WAITING = "waiting"  # for its date or its next attempt
    MOVING = "moving"  # the file is on the wire
    VERIFYING = "verifying"  # downloaded; is it what its maker signed?
    SCHEDULED = "scheduled"  # verified; its installation has a date
    READY = "ready"  # to be installed; the sessions come first
    INSTALLING = "installing"
    REBOOTING = "rebooting"  # installed; told by the next process
    DONE = "done"  # only the last word is still to be told
    TOLD = "told"  # and that is kept for who asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What signed firmware is checked by: the signer's certificate in PEM, and base64."""

    signing_certificate: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrdered:
    """The central system wants a file fetched or brought; replaces an older order of its kind.

    *retries* come after the first attempt (errata 3.50). *retrieve_date* and *firmware_version*,
    ours at the time, belong to an update, *install_date* and *seal* to a signed one; *file_name*,
    *log_type*, *oldest* and *latest* to an upload.
    """

    kind: JobKind
    location: str
    at: Instant
    retries: int
    retry_interval_s: int
    retrieve_date: datetime | None = None
    firmware_version: str | None = None
    file_name: str | None = None
    log_type: LogType | None = None
    request_id: int | None = None
    oldest: datetime | None = None
    latest: datetime | None = None
    install_date: datetime | None = None
    seal: Seal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMoved:
    """The job got this far; *status* is OCPP's word for it, *attempts* those that failed."""

    kind: JobKind
    stage: Stage
    status: str | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """The last word of the job has been told."""

    kind: JobKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedJob:
    """A job as the journal holds it."""

    ordered: JobOrdered
    stage: Stage = Stage.WAITING
    status: str | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Long work with a file. *status* is OCPP's word for it, *attempts* those that failed.

    *ticket* is that of the transfer or installation under way, *untold* the statuses that the
    central system has not heard yet, oldest first.
    """

    order: JobOrdered
    stage: Stage = Stage.WAITING
    status: str | None = None
    attempts: int = 0
    due_at: float | None = None
    ticket: int | None = None
    done_bytes: int = 0
    untold: tuple[str, ...] = ()
    telling: bool = False
