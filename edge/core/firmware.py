"""Machine `firmware`: UpdateFirmware, from its date to the first words of the new version.

Installs when the last session is over; until then free connectors are Unavailable, which no
journal remembers. *Installed* is told by the process that runs after the restart.
Source: OCPP 1.6 5.19, 4.5, errata 3.48-3.50, 3.63; whitepaper L01.FR.20; ruling 18.
"""

from __future__ import annotations

from typing import Final

from edge.core import jobs
from edge.core.commands import UpdateFirmware, UpdateFirmwareConf
from edge.core.draft import Draft
from edge.core.effects import Fetch, Install, Reply, Restart
from edge.core.events import JobFinished, Started
from edge.core.messages import CallError
from edge.core.setup import UnsignedFirmware
from edge.core.state import Bay, ChargePoint, Phase
from edge.core.vocabulary import CallErrorCode
from edge.core.waiting import ToFinish
from edge.core.work import Job, JobKind, JobOrdered, Stage

LAST_WORDS_S: Final = 10.0  # for Installing to be heard before the restart
DATE_MOVED_S: Final = 1.0  # a wall clock that jumped further moves the date

_KIND: Final = JobKind.FIRMWARE


def on_update(draft: Draft, call_id: int, command: UpdateFirmware) -> None:
    """Take the order on; the answer has no word for no, so a refusal is a CALLERROR."""
    job = jobs.find(draft, _KIND)
    if not _obeys_unsigned(draft.state):
        refusal = CallErrorCode.NOT_SUPPORTED, "only signed firmware is installed here"
    elif job is not None and job.stage in (Stage.INSTALLING, Stage.REBOOTING):
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
    """Ruling 18: `auto` obeys only while nothing above security profile 0 is in force."""
    mode = state.setup.unsigned_firmware
    if mode is not UnsignedFirmware.AUTO:
        return mode is UnsignedFirmware.ALLOW
    layers = (state.setup.overrides, state.station.configuration, state.setup.defaults)
    return next((one[_PROFILE] for one in layers if _PROFILE in one), "0") == "0"


_PROFILE: Final = "SecurityProfile"


def on_started(draft: Draft, _: Started) -> None:
    """Find out in the first step of a process whether it is the new firmware that woke up."""
    job = jobs.find(draft, _KIND)
    if job is None:
        return
    if job.stage is Stage.REBOOTING:
        jobs.move(draft, _KIND, Stage.DONE, "Installed")
    elif job.stage is Stage.INSTALLING:  # the installer restarted us itself, or the power went
        changed = draft.state.setup.identity.firmware_version != job.order.firmware_version
        status = "Installed" if changed else "InstallationFailed"
        jobs.move(draft, _KIND, Stage.DONE, status)


def on_tick(draft: Draft) -> None:
    """Whatever the update waits for may have come."""
    job = jobs.find(draft, _KIND)
    if job is None:
        return
    match job.stage:
        case Stage.WAITING:
            _fetch_if_due(draft, job)
        case Stage.READY if _sessions_are_over(draft):
            within_s = draft.policy.install_within_s
            ticket = jobs.begin(draft, _KIND, Stage.INSTALLING, "Installing", within_s)
            draft.do(Install(ticket=ticket))
        case Stage.REBOOTING:
            _restart_if_told(draft, job)
        case _:
            pass


def _fetch_if_due(draft: Draft, job: Job) -> None:
    due_at = draft.now if job.due_at is None else job.due_at
    retrieve_date = job.order.retrieve_date
    if retrieve_date is not None and not job.attempts:
        due_at = draft.now + max(0.0, (retrieve_date - draft.at.wall).total_seconds())
        if job.due_at is None or abs(due_at - job.due_at) > DATE_MOVED_S:
            jobs.wait_until(draft, _KIND, due_at)
    if due_at > draft.now:
        return
    within_s = draft.policy.transfer_within_s
    ticket = jobs.begin(draft, _KIND, Stage.MOVING, "Downloading", within_s)
    draft.do(Fetch(ticket=ticket, location=job.order.location))


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
    job = jobs.find(draft, _KIND)
    if purpose.order.kind is not _KIND or job is None:
        return
    if event is None:
        jobs.give_up(draft, _KIND)
    failed = event is None or event.failure is not None
    if job.stage is Stage.MOVING:
        if failed:
            jobs.fail(draft, _KIND, "DownloadFailed")
        else:
            jobs.move(draft, _KIND, Stage.READY, "Downloaded")
    elif failed:
        jobs.move(draft, _KIND, Stage.DONE, "InstallationFailed")
    else:
        due_at = draft.now + LAST_WORDS_S
        jobs.move(draft, _KIND, Stage.REBOOTING, None, due_at=due_at)
