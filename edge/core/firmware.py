"""Machine `firmware`: UpdateFirmware, from its date to the first words of the new version.

The life of every update; what a signed one has besides is machine `signed_firmware`'s.
Installs when the last session is over; until then free connectors are Unavailable, which no
journal remembers. *Installed* is told by the process that runs after the restart.
Source: OCPP 1.6 5.19, 4.5, errata 3.48-3.50, 3.63; whitepaper L01.FR.20; ruling 18.
"""

from __future__ import annotations

from typing import Final

from edge.core import jobs, keys, levels, signed_firmware
from edge.core.bay import Bay, Phase
from edge.core.draft import Draft
from edge.core.effects import Fetch, Install, Reply, Restart
from edge.core.events import Failure, JobFinished, Started
from edge.core.facts import SecurityNoticed
from edge.core.file_commands import UpdateFirmware, UpdateFirmwareConf
from edge.core.job_news import INSTALLED
from edge.core.messages import CallError
from edge.core.setup import UnsignedFirmware
from edge.core.state import ChargePoint
from edge.core.vocabulary import CallErrorCode, SecurityEvent
from edge.core.waiting import ToFinish
from edge.core.work import Job, JobKind, JobOrdered, Stage

LAST_WORDS_S: Final = 10.0  # for the last status to be heard before the restart
GRACE_S: Final = 600.0  # who installs keeps its time, once a seal has been verified again

_KIND: Final = JobKind.FIRMWARE


def on_update(draft: Draft, call_id: int, command: UpdateFirmware) -> None:
    """Take the order on; the answer has no word for no, so a refusal is a CALLERROR."""
    if not _obeys_unsigned(draft.state):
        refusal = CallErrorCode.NOT_SUPPORTED, "only signed firmware is installed here"
    elif levels.is_installing(draft.state):
        refusal = CallErrorCode.GENERIC_ERROR, "an installation is under way: ask again later"
    else:
        draft.do(Reply(call_id=call_id, answer=UpdateFirmwareConf()))
        jobs.order(draft, _ordered(draft, command))
        return
    error = CallError(code=refusal[0], description=refusal[1])
    draft.do(Reply(call_id=call_id, answer=error))


def _ordered(draft: Draft, command: UpdateFirmware) -> JobOrdered:
    return JobOrdered(
        kind=_KIND,
        location=command.location,
        at=draft.at,
        retrieve_date=command.retrieve_date,
        firmware_version=draft.state.setup.identity.firmware_version,
        retries=jobs.retries(command.retries),
        retry_interval_s=jobs.pause_s(draft, command.retry_interval),
    )


def _obeys_unsigned(state: ChargePoint) -> bool:
    """Ruling 18: `auto` obeys in security profile 0, while no manufacturer's root is installed."""
    mode = state.setup.unsigned_firmware
    if mode is not UnsignedFirmware.AUTO:
        return mode is UnsignedFirmware.ALLOW
    if signed_firmware.roots(state):
        return False
    return keys.number(state, "SecurityProfile") == 0


def on_started(draft: Draft, _: Started) -> None:
    """Find out in the first step of a process whether it is the new firmware that woke up."""
    job = jobs.find(draft, _KIND)
    if job is None:
        return
    changed = draft.state.setup.identity.firmware_version != job.order.firmware_version
    if job.stage is Stage.REBOOTING or (job.stage is Stage.INSTALLING and changed):
        _installed(draft, job)
    elif job.stage is Stage.INSTALLING:  # it may go on without us, or not have begun
        _install(draft, job, None)


def _installed(draft: Draft, job: Job) -> None:
    jobs.move(draft, _KIND, Stage.DONE, INSTALLED)
    was, becomes = job.order.firmware_version, draft.state.setup.identity.firmware_version
    info = None if becomes is None else f"from {was} to {becomes}"
    draft.tell(SecurityNoticed(event=SecurityEvent.FIRMWARE_UPDATED, info=info))


def on_tick(draft: Draft) -> None:
    """Whatever the update waits for may have come."""
    job = jobs.find(draft, _KIND)
    if job is None:
        return
    match job.stage:
        case Stage.WAITING:
            _fetch_if_due(draft, job)
        case Stage.READY if _sessions_are_over(draft):
            _install(draft, job, "Installing")
        case Stage.REBOOTING:
            _restart_if_told(draft, job)
        case _:
            pass


def _fetch_if_due(draft: Draft, job: Job) -> None:
    retrieve_date = job.order.retrieve_date
    if retrieve_date is not None and not job.attempts:
        is_due = jobs.has_come(draft, _KIND, retrieve_date)
    else:
        is_due = job.due_at is None or draft.now >= job.due_at
    if not is_due:
        return
    within_s = draft.policy.transfer_within_s
    ticket = jobs.begin(draft, _KIND, Stage.MOVING, "Downloading", within_s)
    draft.do(Fetch(ticket=ticket, location=job.order.location))


def _install(draft: Draft, job: Job, status: str | None) -> None:
    within_s = draft.policy.install_within_s + GRACE_S
    ticket = jobs.begin(draft, _KIND, Stage.INSTALLING, status, within_s)
    trusted = signed_firmware.roots(draft.state)
    draft.do(Install(ticket=ticket, seal=job.order.seal, roots=trusted))


def _sessions_are_over(draft: Draft) -> bool:
    """Nobody charges or is about to (errata 3.49); a car that is merely plugged in can wait."""
    station = draft.station
    busy = station.restarting is not None or bool(station.authorisation.floating)
    return not busy and not any(_is_used(bay) for bay in draft.state.bays)


def _is_used(bay: Bay) -> bool:
    opening = bay.connector.phase is Phase.OPENING
    return bay.transaction is not None or bay.connector.permit is not None or opening


def _restart_if_told(draft: Draft, job: Job) -> None:
    if job.due_at is None:
        return  # it is about to happen
    told = not job.untold or not draft.station.registration.online
    if told or draft.now >= job.due_at:
        jobs.wait_for_the_end(draft, _KIND)
        draft.do(Restart(hard=False))


def on_finished(draft: Draft, purpose: ToFinish, event: JobFinished | None) -> None:
    """A download or an installation is over; `None`: it took too long."""
    order, stage = purpose.order, purpose.stage
    if order.kind is not _KIND or stage not in (Stage.MOVING, Stage.INSTALLING):
        return
    if event is None:
        jobs.give_up(draft, _KIND)
    failure = Failure.OTHER if event is None else event.failure
    is_signed = order.seal is not None
    if stage is Stage.MOVING and failure is None:
        jobs.move(draft, _KIND, Stage.VERIFYING if is_signed else Stage.READY, "Downloaded")
    elif stage is Stage.MOVING:
        jobs.fail(draft, _KIND, "DownloadFailed")
    elif failure is None:
        status, due_at = "InstallRebooting" if is_signed else None, draft.now + LAST_WORDS_S
        jobs.move(draft, _KIND, Stage.REBOOTING, status, due_at=due_at)
    elif failure is Failure.UNTRUSTED:
        signed_firmware.distrust(draft, order, "InstallVerificationFailed")
    else:
        jobs.move(draft, _KIND, Stage.DONE, "InstallationFailed")
