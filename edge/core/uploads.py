"""Machine `uploads`: GetDiagnostics and GetLog: a file about ourselves, brought where it is wanted.

Source: OCPP 1.6 5.9, 4.4, errata 3.31, 3.50; security whitepaper N01.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from edge.core import jobs
from edge.core.draft import Draft
from edge.core.effects import Reply, Upload
from edge.core.events import Failure, JobFinished
from edge.core.file_commands import GetDiagnostics, GetDiagnosticsConf, GetLog, GetLogConf
from edge.core.vocabulary import LogType
from edge.core.waiting import ToFinish
from edge.core.work import Job, JobKind, JobOrdered, Stage

_NAMES: Final = {
    LogType.DIAGNOSTICS: "diagnostics-{}.tar.gz",
    LogType.SECURITY: "security-{}.log",
}

_FAILURES: Final = {
    Failure.MALFORMED: "BadMessage",
    Failure.DENIED: "PermissionDenied",
    Failure.UNSUPPORTED: "NotSupportedOperation",
    Failure.OTHER: "UploadFailure",
}
"""What LogStatusNotification calls it; DiagnosticsStatusNotification knows UploadFailed only."""


def on_get_diagnostics(draft: Draft, call_id: int, command: GetDiagnostics) -> None:
    """The name of the file, none if there is nothing of that time; then the file."""
    if _is_empty(draft, command.start_time, command.stop_time):
        draft.do(Reply(call_id=call_id, answer=GetDiagnosticsConf()))
        return
    ordered = JobOrdered(
        kind=JobKind.DIAGNOSTICS,
        location=command.location,
        at=draft.at,
        file_name=_name(draft, LogType.DIAGNOSTICS),
        log_type=LogType.DIAGNOSTICS,
        oldest=command.start_time,
        latest=command.stop_time,
        retries=jobs.retries(command.retries),
        retry_interval_s=jobs.pause_s(draft, command.retry_interval),
    )
    draft.do(Reply(call_id=call_id, answer=GetDiagnosticsConf(file_name=ordered.file_name)))
    jobs.order(draft, ordered)


def on_get_log(draft: Draft, call_id: int, command: GetLog) -> None:
    """As above, with a word for an older one that makes room (N01.FR.11)."""
    log = command.log
    if _is_empty(draft, log.oldest_timestamp, log.latest_timestamp):
        draft.do(Reply(call_id=call_id, answer=GetLogConf(status="Rejected")))
        return
    ordered = JobOrdered(
        kind=JobKind.LOG,
        location=log.remote_location,
        at=draft.at,
        file_name=_name(draft, command.log_type),
        log_type=command.log_type,
        request_id=command.request_id,
        oldest=log.oldest_timestamp,
        latest=log.latest_timestamp,
        retries=jobs.retries(command.retries),
        retry_interval_s=jobs.pause_s(draft, command.retry_interval),
    )
    status = "AcceptedCanceled" if jobs.order(draft, ordered) else "Accepted"
    draft.do(Reply(call_id=call_id, answer=GetLogConf(status=status, filename=ordered.file_name)))


def _is_empty(draft: Draft, oldest: datetime | None, latest: datetime | None) -> bool:
    """A span that ends before it begins, or begins tomorrow, holds nothing."""
    begins_later = oldest is not None and oldest > draft.at.wall
    return begins_later or (oldest is not None and latest is not None and latest < oldest)


def _name(draft: Draft, log_type: LogType) -> str:
    stamp = draft.at.wall.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return _NAMES[log_type].format(stamp)


def on_tick(draft: Draft) -> None:
    """Begin what is due."""
    for kind in (JobKind.DIAGNOSTICS, JobKind.LOG):
        job = jobs.find(draft, kind)
        if job is not None and job.stage is Stage.WAITING and _is_due(draft, job):
            _upload(draft, job)


def _is_due(draft: Draft, job: Job) -> bool:
    return job.due_at is None or draft.now >= job.due_at


def _upload(draft: Draft, job: Job) -> None:
    order = job.order
    assert order.file_name is not None
    assert order.log_type is not None
    within_s = draft.policy.transfer_within_s
    ticket = jobs.begin(draft, order.kind, Stage.MOVING, "Uploading", within_s)
    draft.do(
        Upload(
            ticket=ticket,
            location=order.location,
            file_name=order.file_name,
            log_type=order.log_type,
            oldest=order.oldest,
            latest=order.latest,
        )
    )


def on_finished(draft: Draft, purpose: ToFinish, event: JobFinished | None) -> None:
    """It is there, or not; `None`: it took too long."""
    kind = purpose.order.kind
    if kind is JobKind.FIRMWARE:
        return
    if event is None:
        jobs.give_up(draft, kind)
    failure = Failure.OTHER if event is None else event.failure
    if failure is None:
        jobs.move(draft, kind, Stage.DONE, "Uploaded")
    else:
        words = _FAILURES if kind is JobKind.LOG else {}
        jobs.fail(draft, kind, words.get(failure, "UploadFailed"))
