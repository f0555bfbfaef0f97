"""Dead letters for people: shown whole, so that a session can be billed by hand, or told again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from edge.app.possession import possessed
from edge.core import anchors
from edge.core.anchors import Clock
from edge.core.clock import begun
from edge.core.instant import Instant, rfc3339
from edge.core.messages import StartTransaction
from edge.core.outbox import UNKNOWN_ID
from edge.core.records import Queued
from edge.core.saved import SavedTransaction
from edge.core.state import ChargePoint
from edge.core.wishes import ResendAsked
from edge.drivers.journal import DeadLetter, SqliteJournal, files, open_copy
from edge.drivers.ocpp_codec import encode
from edge.drivers.system_clock import SystemClock
from edge.errors import ConfigError, JournalFailed
from edge.runtime.loop import Loop
from edge.runtime.recorder import Recorder

PAGE: Final = 32  # letters per answer: a StopTransaction with all its samples can be large
SHOWN: Final = 1000  # messages of either kind that `journal` lists at most
MOST_RESENT: Final = 1000  # at once: all of them are in the state until they are told
WRITTEN_WITHIN_S: Final = 12.0  # twice that is less than the command line waits


class Dates:
    """What is known of the time of moments, also of those in boots that never learnt it."""

    def __init__(self, clock: Clock, lives: Sequence[Instant]) -> None:
        self._clock = clock
        self._lives: Mapping[int, Instant] = {life.boot: life for life in lives}

    def of(self, at: Instant) -> dict[str, str | None]:
        """The moment *at* as it is told, and between which two it lies; `None`: not yet known."""
        earliest, latest = anchors.bounds(self._clock, self._lives, at)
        return {
            "at": rfc3339(anchors.final(self._clock, at).wall),
            "not_before": rfc3339(earliest),
            "not_after": None if latest is None else rfc3339(latest),
        }

    def described(self, queued: Queued) -> dict[str, Any]:
        """A message without its contents."""
        return {
            "seq": queued.seq,
            "ref": queued.ref,
            "kind": type(queued.message).__name__,
            "message_id": queued.message_id,
            **self.of(queued.at),
            "clock": anchors.dating(self._clock, queued.message),
            "attempts": queued.attempts,
        }

    def refused(self, letter: DeadLetter) -> dict[str, Any]:
        """A dead letter without its contents."""
        return {
            **self.described(letter.queued),
            "parked_at": rfc3339(anchors.final(self._clock, letter.parked_at).wall),
            "code": letter.code,
            "description": letter.description,
        }

    def exported(self, letter: DeadLetter, session: SavedTransaction | None) -> dict[str, Any]:
        """A dead letter with all that billing by hand needs."""
        message = anchors.dated(self._clock, letter.queued.message)
        if not isinstance(message, StartTransaction):
            number = None if session is None else session.transaction_id
            message = replace(message, transaction_id=UNKNOWN_ID if number is None else number)
        return {
            **self.refused(letter),
            "payload": encode(message),
            "session": None if session is None else self._session(session),
        }

    def _session(self, session: SavedTransaction) -> dict[str, Any]:
        opened, stopped = session.opened, session.stopped
        end_wh = session.last_wh if stopped is None else stopped.end_wh
        return {
            "connector": opened.connector,
            "id_tag": opened.id_tag,
            "parent_id_tag": opened.parent_id_tag,
            "reservation_id": opened.reservation_id,
            "transaction_id": session.transaction_id,
            "started": self.of(opened.at),
            "stopped": None if stopped is None else self.of(stopped.at),
            "reason": None if session.stopping is None else session.stopping.reason,
            "begin_wh": opened.begin_wh,
            "end_wh": end_wh,
            "energy_wh": None if end_wh is None else end_wh - opened.begin_wh,
            "estimated": stopped is not None and stopped.estimated,
        }


async def listed(
    journal: SqliteJournal, state: ChargePoint, delivered: AbstractSet[int]
) -> dict[str, Any]:
    """The oldest that wait, but for *delivered*, and of the dead letters; how many there are."""
    waiting = await journal.read_outbox(0, SHOWN)
    parked = await journal.dead_letters(0, SHOWN)
    dates = Dates(state.station.clock, await journal.lives())
    return {
        "count": state.station.outbox.count,
        "dead_letter_count": state.station.outbox.dead_letters,
        "outbox": [dates.described(one) for one in waiting if one.seq not in delivered],
        "dead_letters": [dates.refused(letter) for letter in parked],
        "guessed": [
            {"ref": one.ref, "connector": one.connector, **dates.of(one.at)}
            for one in await journal.guessed()
        ],
    }


async def export(journal: SqliteJournal, clock: Clock, after: int) -> dict[str, Any]:
    """The oldest dead letters after seq *after*; `next` is where to go on, `None` at the end."""
    letters = await journal.dead_letters(after, PAGE)
    refs = {letter.queued.ref for letter in letters if letter.queued.ref is not None}
    sessions = {one.opened.ref: one for one in await journal.sessions(refs)}
    dates = Dates(clock, await journal.lives())
    return {
        "letters": [
            dates.exported(letter, sessions.get(letter.queued.ref or 0)) for letter in letters
        ],
        "next": letters[-1].queued.seq if len(letters) == PAGE else None,
    }


def export_offline(state_dir: Path, after: int) -> Iterator[dict[str, Any]]:
    """Every dead letter after *after* of a journal that no daemon has open; raises `ConfigError`.

    It is read from a copy, so that nothing of it is changed.
    """
    path = state_dir / files.NAME
    if not path.exists():
        raise ConfigError(f"there is no journal in {state_dir}: give another --state-dir")
    with possessed(state_dir):
        yield from asyncio.run(_all_after(path, after))


async def _all_after(path: Path, seq: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with open_copy(path) as journal:
        clock = begun(await journal.load(), "", SystemClock().now())
        after: int | None = seq
        while after is not None:
            page = await export(journal, clock, after)
            found += page["letters"]
            after = page["next"]
    return found


class Resender:
    """Has dead letters told again, one asking at a time: what it reads is what is on the disk."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def resend(
        self,
        journal: SqliteJournal,
        loop: Loop[ChargePoint],
        recorder: Recorder,
        at: Instant,
        seqs: Sequence[int] | None,
    ) -> dict[str, Any]:
        """Tell the letters *seqs* again, with all of their sessions; `None`: as many as go at once.

        Raises `ConfigError` if one of them is none, `JournalFailed` if the disk takes nothing.
        """
        async with self._turn:
            await written(loop, recorder, "nothing is told again before it does")
            wanted = await _wanted(journal, seqs)
            letters = tuple(letter.queued for letter in wanted)
            sessions = await journal.sessions({one.ref for one in letters if one.ref is not None})
            numbers = {
                one.opened.ref: one.transaction_id
                for one in sessions
                if one.transaction_id is not None
            }
            waiting = await journal.waiting_of(
                one.ref
                for one in letters
                if one.ref is not None and isinstance(one.message, StartTransaction)
            )
            loop.post(ResendAsked(at=at, letters=letters, numbers=numbers, waiting=waiting))
            await written(loop, recorder, "they are told again as soon as it does")
        return {
            "resent": [one.seq for one in letters],
            "left": loop.state.station.outbox.dead_letters,
        }


async def written(loop: Loop[ChargePoint], recorder: Recorder, otherwise: str) -> None:
    """Return when all that was asked is decided, also by who went away, and on the disk."""
    try:
        async with asyncio.timeout(WRITTEN_WITHIN_S):
            await loop.come_round()
            await recorder.caught_up()
    except TimeoutError:
        raise JournalFailed("other", f"the disk takes nothing: {otherwise}") from None


async def _wanted(journal: SqliteJournal, seqs: Sequence[int] | None) -> tuple[DeadLetter, ...]:
    """Those that *seqs* name, with the others of the same sessions (ruling 15), or simply all.

    Of more than go at once the oldest: no end of a session goes before its beginning.
    """
    if seqs is None:
        return await journal.dead_letters(0, MOST_RESENT)
    letters = await journal.letters_of_sessions(seqs, MOST_RESENT)
    found = {letter.queued.seq for letter in letters}
    reached = max(found) if len(letters) == MOST_RESENT else None
    unknown = {seq for seq in seqs if reached is None or seq < reached} - found
    if unknown:
        named = ", ".join(str(seq) for seq in sorted(unknown))
        raise ConfigError(f"no dead letter has the number {named}: see `tapwatt edge journal`")
    return letters
