"""Bugs planted on purpose, each as somebody could write it: the world must find every one.

A bug is a name, what it does, and a function that plants it by a monkeypatch in a running test;
production code knows none of them. *density* and *loves* are those of `draw`: where to look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final, cast

import pytest
from sqlalchemy import Connection

from csms_lite.ocpp import sql as answers
from csms_lite.sessions import service as sessions
from csms_lite.store import commit as store_commit
from csms_lite.store import writer
from csms_lite.store.thread import raw_of
from edge.core import outbox, recovery, restore, transaction
from edge.core.draft import Draft
from edge.core.effects import ReadOutbox
from edge.core.events import MeterFailed, MeterRead
from edge.core.facts import EndRead, Resumed
from edge.core.instant import Instant
from edge.core.messages import (
    CallError,
    NoAnswer,
    StartTransaction,
    StopTransaction,
    TransactionMessage,
)
from edge.core.metering import on_sample
from edge.core.records import Delivered, Queued, Refused, TransactionBound
from edge.core.routes import ANSWERS, FACTS
from edge.core.waiting import ToRefill, ToSample
from edge.drivers.journal.statements import STATEMENTS
from edge.errors import JournalFailed
from edge.runtime.pages import Page
from edge.runtime.recorder import Recorder

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Bug:
    """One planted bug."""

    name: str
    what: str
    plant: Callable[[Patch], None]
    density: str = "heavy"
    loves: str | None = None


# ── the outbox ───────────────────────────────────────────────────────────────────────────────────


def _dequeue_before_reply(patch: Patch) -> None:
    addressed = outbox._addressed

    def sent(draft: Draft, queued: Queued) -> TransactionMessage:
        draft.write(Delivered(seq=queued.seq))
        return addressed(draft, queued)

    patch.setattr(outbox, "_addressed", sent)


def _id_in_memory(patch: Patch) -> None:
    patch.setitem(cast("dict[type, Any]", STATEMENTS), TransactionBound, lambda _: ())


def _drop_after_silence(patch: Patch) -> None:
    def unanswered(draft: Draft, queued: Queued, _answer: NoAnswer) -> None:
        given_up = CallError(code="Timeout", description="no answer, three times")
        outbox._spend(draft, queued, given_up, new_id=False)

    patch.setattr(outbox, "_go_unanswered", unanswered)


def _stamped_when_sent(patch: Patch) -> None:
    addressed = outbox._addressed

    def stamped(draft: Draft, queued: Queued) -> TransactionMessage:
        message = addressed(draft, queued)
        if isinstance(message, StartTransaction | StopTransaction):
            return replace(message, timestamp=draft.at)
        return message

    patch.setattr(outbox, "_addressed", stamped)


def _new_id_after_silence(patch: Patch) -> None:
    go_unanswered = outbox._go_unanswered

    def renumbered(draft: Draft, queued: Queued, answer: NoAnswer) -> None:
        fresh = replace(queued, message_id=draft.message_id())
        record = Refused(seq=queued.seq, attempts=queued.attempts, message_id=fresh.message_id)
        draft.write(record)
        outbox._put(draft, head=(fresh, *draft.station.outbox.head[1:]))
        go_unanswered(draft, fresh, answer)

    patch.setattr(outbox, "_go_unanswered", renumbered)


def _stop_overtakes(patch: Patch) -> None:
    on_enqueue = outbox.on_enqueue

    def hasty(draft: Draft, fact: Any) -> None:
        on_enqueue(draft, fact)
        box = draft.station.outbox
        first, rest = box.head[: len(box.flights)], box.head[len(box.flights) :]
        stops = [one for one in rest if isinstance(one.message, StopTransaction)]
        others = [one for one in rest if not isinstance(one.message, StopTransaction)]
        outbox._put(draft, head=(*first, *stops, *others))

    _route(patch, on_enqueue, hasty)


def _number_of_another(patch: Patch) -> None:
    addressed = outbox._addressed

    def latest(draft: Draft, queued: Queued) -> TransactionMessage:
        message = addressed(draft, queued)
        bound = draft.station.outbox.bound
        if isinstance(message, StartTransaction) or not bound:
            return message
        return replace(message, transaction_id=max(bound.values()))

    patch.setattr(outbox, "_addressed", latest)


def _refused_is_done(patch: Patch) -> None:
    def done(draft: Draft, queued: Queued, _error: CallError, *, new_id: bool) -> None:
        draft.write(Delivered(seq=queued.seq))
        outbox._drop(draft, queued)

    patch.setattr(outbox, "_spend", done)


def _head_read_anew(patch: Patch) -> None:
    """What was read replaces the head, also what was delivered while the disk read."""

    def refilled(draft: Draft, _purpose: object, event: Any) -> None:
        outbox._put(draft, head=event.messages, refilling=None)

    def refill(draft: Draft) -> None:
        box = draft.station.outbox
        if box.refilling is None and len(box.head) <= outbox.REFILL_AT < box.count:
            ticket = draft.ticket(ToRefill(last_seq=box.last_seq))
            draft.do(ReadOutbox(ticket=ticket, after_seq=0, limit=outbox.HEAD))
            outbox._put(draft, refilling=ticket)

    patch.setitem(cast("dict[type, Any]", ANSWERS), ToRefill, (refilled,))
    patch.setattr(outbox, "_refill", refill)


def _ids_begin_anew(patch: Patch) -> None:
    def numbered(draft: Draft) -> str:
        number = draft.state.message_count + 1
        draft.state = replace(draft.state, message_count=number)
        return f"message-{number}"

    patch.setattr(Draft, "message_id", numbered)


# ── disk and memory of the station ───────────────────────────────────────────────────────────────


def _told_before_written(patch: Patch) -> None:
    append = Recorder.append

    def hasty(recorder: Recorder, page: Page) -> None:
        for effect in page.tell:
            recorder._perform(effect)
        append(recorder, replace(page, tell=()))

    patch.setattr(Recorder, "append", hasty)


def _energised_before_written(patch: Patch) -> None:
    append = Recorder.append

    def hasty(recorder: Recorder, page: Page) -> None:
        for effect in page.energise:
            recorder._perform(effect)
        append(recorder, replace(page, energise=()))

    patch.setattr(Recorder, "append", hasty)


def _failed_commit_forgotten(patch: Patch) -> None:
    async def written(recorder: Recorder, _post: object) -> tuple[Page, ...]:
        batch = tuple(recorder._pages)
        recorder._in_flight = len(batch)
        rows = [*recorder._owed, *(row for page in batch for row in page.rows)]
        recorder._owed, recorder._owed_until = [], None
        try:
            await recorder._journal.commit(rows)
        except JournalFailed:
            return batch
        return batch

    patch.setattr(Recorder, "_written", written)


def _no_power_loss(patch: Patch) -> None:
    patch.setattr(restore, "_reopen", lambda state, *_: state)


def _delivered_in_memory(patch: Patch) -> None:
    patch.setitem(cast("dict[type, Any]", STATEMENTS), Delivered, lambda _: ())


# ── meter, clock and car ─────────────────────────────────────────────────────────────────────────


def _stale_is_fresh(patch: Patch) -> None:
    def sample(draft: Draft, purpose: ToSample, event: MeterRead | MeterFailed | None) -> None:
        metering = draft.bay(purpose.connector).metering
        if not isinstance(event, MeterRead) and metering.last is not None:
            again = replace(metering.last, at=draft.at)
            event = MeterRead(at=draft.at, connector=purpose.connector, reading=again)
            draft.put(purpose.connector, metering=replace(metering, failed=None))
        on_sample(draft, purpose, event)

    patch.setitem(cast("dict[type, Any]", ANSWERS), ToSample, (sample,))


def _end_is_last_note(patch: Patch) -> None:
    on_end = transaction.on_end

    def known(_bay: Any, running: Any) -> int:
        return int(running.begin_wh if running.last_wh is None else running.last_wh)

    def unread(draft: Draft, fact: EndRead) -> None:
        on_end(draft, replace(fact, end=None))

    patch.setattr(transaction, "_known_wh", known)
    _route(patch, on_end, unread)


def _begin_is_rounded(patch: Patch) -> None:
    on_ready = transaction.on_ready

    def rounded(draft: Draft, fact: Any) -> None:
        tens = fact.begin.energy_wh // 10 * 10
        on_ready(draft, replace(fact, begin=replace(fact.begin, energy_wh=tens)))

    _route(patch, on_ready, rounded)


def _clock_goes_back(patch: Patch) -> None:
    patch.setattr(Instant, "not_before", lambda at, _earlier: at)


def _dark_hours_are_sold(patch: Patch) -> None:
    patch.setattr(restore, "_last_life", lambda _saved, _told: None)


def _resumed_without_car(patch: Patch) -> None:
    decide = recovery.decide

    def blind(draft: Draft, connector: int) -> None:
        bay = draft.bay(connector)
        if bay.connector.resumable and bay.metering.last is not None:
            draft.tell(Resumed(connector=connector))
        else:
            decide(draft, connector)

    patch.setattr(recovery, "decide", blind)


# ── the central system ───────────────────────────────────────────────────────────────────────────


def _no_memory(patch: Patch) -> None:
    patch.setattr(answers.find, "rows", lambda *_, **__: [])
    text = answers.keep.text.replace("INSERT", "INSERT OR IGNORE", 1)
    patch.setattr(answers.keep, "text", text)


def _no_dedupe(patch: Patch) -> None:
    _no_memory(patch)
    patch.setattr(sessions, "repeated_start", lambda *_: None)


def _stop_billed_twice(patch: Patch) -> None:
    _no_memory(patch)
    stop = sessions.stop

    def billed(db: Connection, station_id: int, ended: Any, **options: Any) -> None:
        known = sessions._of_station(db, station_id, ended.transaction_id)
        stop(db, station_id, ended, **options)
        if known is not None and known.state == "closed":
            columns = [name for name in known._fields if name not in ("transaction_id", "charger")]
            listed = ", ".join((*columns, "message_id"))
            raw_of(db).execute(
                f"INSERT INTO sessions ({listed}) SELECT {listed} FROM sessions"
                " WHERE transaction_id = ?",
                (ended.transaction_id,),
            )

    patch.setattr(sessions, "stop", billed)


def _answered_before_commit(patch: Patch) -> None:
    numbers = count()

    def commit(jobs: list[Any], _clock: object, done: Any, db: Connection) -> None:
        if not (raw := raw_of(db)).in_transaction:
            raw.execute("BEGIN IMMEDIATE")
        for step in store_commit._steps(jobs):
            store_commit._run(step, raw, db, is_alone=False)
        done()
        if next(numbers) % 2:
            raw.execute("COMMIT")

    patch.setattr(writer, "commit_together", commit)


def _route(patch: Patch, old: Any, new: Any) -> None:
    """Put *new* into the table of facts wherever *old* stands."""
    for fact, acts in tuple(FACTS.items()):
        if old in acts:
            changed = tuple(new if act is old else act for act in acts)
            patch.setitem(cast("dict[type, Any]", FACTS), fact, changed)


BUGS: Final = (
    Bug("dequeue before reply", "a message leaves the outbox as it is sent", _dequeue_before_reply),
    Bug("id in memory", "the central system's number is not written", _id_in_memory),
    Bug("drop after silence", "a time-out or a cut line spends an attempt", _drop_after_silence),
    Bug("stamped when sent", "a fact carries the time at which it is sent", _stamped_when_sent),
    Bug("new id after silence", "a resend has another message id", _new_id_after_silence),
    Bug("stop overtakes", "a StopTransaction goes before waiting samples", _stop_overtakes),
    Bug("number of another", "samples carry the newest transaction's number", _number_of_another),
    Bug("refused is done", "CALLERROR counts as an acknowledgement", _refused_is_done),
    Bug("head read anew", "what is read races with what is delivered", _head_read_anew, "offline"),
    Bug("ids begin anew", "message ids count from 1 after each start", _ids_begin_anew),
    Bug(
        "told before written",
        "words go out before their rows",
        _told_before_written,
        "heavy",
        "fall_edge",
    ),
    Bug(
        "energised before written",
        "current flows before its row",
        _energised_before_written,
        "heavy",
        "fall_edge",
    ),
    Bug(
        "failed commit forgotten",
        "rows of a failed commit are given up",
        _failed_commit_forgotten,
        "long",
        "disk_edge",
    ),
    Bug("delivered in memory", "acknowledgements are not written", _delivered_in_memory),
    Bug("no power loss", "an open transaction is not recovered", _no_power_loss),
    Bug(
        "stale is fresh",
        "an old reading is told with a new time",
        _stale_is_fresh,
        "long",
        "silent",
    ),
    Bug("end is last note", "the end register is not read", _end_is_last_note),
    Bug("begin is rounded", "the begin register counts in tens", _begin_is_rounded),
    Bug(
        "clock goes back",
        "a clock that jumps shifts a session's end",
        _clock_goes_back,
        "heavy",
        "jump",
    ),
    Bug(
        "dark hours are sold",
        "a power loss ends at the next start",
        _dark_hours_are_sold,
        "heavy",
        "lose_power",
    ),
    Bug(
        "resumed without car",
        "a session goes on whose car has left",
        _resumed_without_car,
        "long",
        "leave_unseen",
    ),
    Bug("no memory", "csms_lite knows no message id again", _no_memory),
    Bug("no dedupe", "nor a start by its content", _no_dedupe),
    Bug("stop billed twice", "a repeated stop is another bill", _stop_billed_twice),
    Bug("answered before commit", "csms_lite answers ahead of its disk", _answered_before_commit),
)
