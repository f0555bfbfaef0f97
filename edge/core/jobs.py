"""Machine `jobs`: what updates and uploads have in common: an order, attempts, and being told.

    order ─► WAITING ─► MOVING ─► (READY ─► INSTALLING ─► REBOOTING) ─► DONE ─► told, forgotten
                ▲          │ failed, attempts left                      └─► TOLD, if signed
                └──────────┘

Each move is written, so that a restart goes on where the last process ended. The central system
hears every status in order, also after an outage; the last one even after a restart.
Source: OCPP 1.6 4.4, 4.5, errata 3.50; security whitepaper L01, N01.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from edge.core.draft import Draft
from edge.core.effects import Abandon
from edge.core.events import JobProgressed, Settled
from edge.core.instant import Instant
from edge.core.job_news import INSTALLED, news
from edge.core.messages import NoAnswer
from edge.core.status import is_introduced
from edge.core.waiting import ToFinish, ToReport
from edge.core.work import Job, JobEnded, JobKind, JobMoved, JobOrdered, SavedJob, Stage

RETRIES: Final = 3  # ours to choose where the central system names none (5.9, 5.19)
MOST_RETRIES: Final = 100
MOST_RETRY_INTERVAL_S: Final = 86_400
DATE_MOVED_S: Final = 1.0  # a wall clock that jumped further moves a date
MOST_UNTOLD: Final = 16  # a long outage with many retries: the older ones tell nothing any more


def find(draft: Draft, kind: JobKind) -> Job | None:
    """The job of *kind*, if there is one."""
    return draft.station.jobs.get(kind)


def order(draft: Draft, ordered: JobOrdered) -> bool:
    """Take *ordered* on, in place of an older one of its kind; whether that was at work."""
    before = find(draft, ordered.kind)
    at_work = before is not None and before.stage not in (Stage.DONE, Stage.TOLD)
    if before is not None and before.ticket is not None:
        draft.forget(before.ticket)
        draft.do(Abandon(ticket=before.ticket))
    draft.write(ordered)
    _put(draft, ordered.kind, Job(order=ordered, due_at=draft.now))
    return at_work


def retries(wished: int | None) -> int:
    """How often to try again, within our bounds."""
    return min(max(RETRIES if wished is None else wished, 0), MOST_RETRIES)


def pause_s(draft: Draft, wished: int | None) -> int:
    """How long to wait before trying again, within our bounds."""
    seconds = draft.policy.transfer_retry_s if wished is None else wished
    return min(max(seconds, 0), MOST_RETRY_INTERVAL_S)


def begin(draft: Draft, kind: JobKind, stage: Stage, status: str | None, within_s: float) -> int:
    """Move on to *stage*, whose work somebody does under the ticket that is returned."""
    order = draft.station.jobs[kind].order
    ticket = draft.ticket(ToFinish(order=order, stage=stage), within_s)
    move(draft, kind, stage, status, ticket=ticket)
    return ticket


def move(draft: Draft, kind: JobKind, stage: Stage, status: str | None, **changes: Any) -> None:
    """Write the move to *stage*; a *status* is told, `None` leaves the last one."""
    job = draft.station.jobs[kind]
    untold = job.untold if status is None else (*job.untold, status)[-MOST_UNTOLD:]
    fresh: dict[str, Any] = {"ticket": None, "due_at": None, "done_bytes": 0, **changes}
    moved = replace(job, stage=stage, status=status or job.status, untold=untold, **fresh)
    _put(draft, kind, moved)
    draft.write(
        JobMoved(kind=kind, stage=stage, status=moved.status, attempts=moved.attempts),
    )


def fail(draft: Draft, kind: JobKind, status: str) -> None:
    """An attempt failed: wait for the next one, or give up."""
    job = draft.station.jobs[kind]
    spent = job.attempts + 1
    if spent > job.order.retries:
        move(draft, kind, Stage.DONE, status, attempts=spent)
        return
    due_at = draft.now + job.order.retry_interval_s
    move(draft, kind, Stage.WAITING, status, attempts=spent, due_at=due_at)


def give_up(draft: Draft, kind: JobKind) -> None:
    """The answer did not come in time: whoever works on it shall stop."""
    ticket = draft.station.jobs[kind].ticket
    assert ticket is not None
    draft.do(Abandon(ticket=ticket))


def wait_until(draft: Draft, kind: JobKind, due_at: float) -> None:
    """The next attempt is due at the monotonic second *due_at*."""
    _put(draft, kind, replace(draft.station.jobs[kind], due_at=due_at))


def has_come(draft: Draft, kind: JobKind, date: datetime) -> bool:
    """Whether *date* is now or past; the deadline follows a wall clock that is set meanwhile."""
    due_at = draft.now + (date - draft.at.wall).total_seconds()
    before = draft.station.jobs[kind].due_at
    if before is None or abs(due_at - before) > DATE_MOVED_S:
        wait_until(draft, kind, due_at)
        return due_at <= draft.now
    return before <= draft.now


def wait_for_the_end(draft: Draft, kind: JobKind) -> None:
    """Nothing is due any more in this process."""
    _put(draft, kind, replace(draft.station.jobs[kind], due_at=None))


def _put(draft: Draft, kind: JobKind, job: Job | None) -> None:
    others = {key: value for key, value in draft.station.jobs.items() if key is not kind}
    draft.put_station(jobs=others if job is None else {**others, kind: job})


# ── being told ───────────────────────────────────────────────────────────────────────────────────


def on_tick(draft: Draft) -> None:
    """Tell the next status; forget what has told its last."""
    for kind, job in tuple(draft.station.jobs.items()):
        if job.telling:
            continue
        if job.untold:
            _tell(draft, kind, job)
        elif job.stage is Stage.DONE and _is_remembered(job):
            move(draft, kind, Stage.TOLD, None)
        elif job.stage is Stage.DONE:
            draft.write(JobEnded(kind=kind))
            _put(draft, kind, None)


def _is_remembered(job: Job) -> bool:
    """How a signed update failed is told again to who asks for it later (L01.FR.28, 29)."""
    return job.order.seal is not None and job.status != INSTALLED


def _tell(draft: Draft, kind: JobKind, job: Job) -> None:
    """After a boot the connectors come first (5.19, figure 41)."""
    online = draft.station.registration.online
    if online and is_introduced(draft.state) and draft.has_room:
        _put(draft, kind, replace(job, telling=True))
        draft.send(ToReport(order=job.order), news(job.untold[0], job.order))


def on_reported(draft: Draft, purpose: ToReport, event: Settled) -> None:
    """Heard, or not: what the line lost is told again on the next one."""
    kind = purpose.order.kind
    job = find(draft, kind)
    if job is None or job.order != purpose.order:
        return
    lost = isinstance(event.answer, NoAnswer) and not event.answer.timed_out
    _put(draft, kind, replace(job, telling=False, untold=job.untold[0 if lost else 1 :]))


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────


def on_progress(draft: Draft, event: JobProgressed) -> None:
    """Bytes have passed; for whoever looks."""
    for kind, job in draft.station.jobs.items():
        if job.ticket == event.ticket:
            _put(draft, kind, replace(job, done_bytes=event.done_bytes))
            return


def is_at_work(jobs: Mapping[JobKind, Job]) -> bool:
    """Whether a transfer, a proof or an installation is under way."""
    stages = (Stage.MOVING, Stage.VERIFYING, Stage.INSTALLING, Stage.REBOOTING)
    return any(job.stage in stages for job in jobs.values())


def deadlines(jobs: Mapping[JobKind, Job]) -> Iterator[float | None]:
    """When something is due."""
    for job in jobs.values():
        yield job.due_at


def restored(saved: Sequence[SavedJob], now: Instant) -> dict[JobKind, Job]:
    """The jobs as the last process left them: what was on the wire begins again at once."""
    return {one.ordered.kind: _restored(one, now) for one in saved}


def _restored(saved: SavedJob, now: Instant) -> Job:
    again = saved.stage in (Stage.WAITING, Stage.MOVING)
    last_word = (saved.status,) if saved.stage is Stage.DONE and saved.status else ()
    return Job(
        order=saved.ordered,
        stage=Stage.WAITING if again else saved.stage,
        status=saved.status,
        attempts=saved.attempts,
        due_at=now.monotonic if again else None,
        untold=last_word,
    )
