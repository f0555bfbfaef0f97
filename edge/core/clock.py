"""Machine `clock`: what time it is, as far as this boot knows.

Every event passes here first, and from then on no machine sees a time that the computer only
guessed: it is the time of the last durable evidence of life, counted on by the monotonic clock,
whatever the wall clock does. Once somebody trustworthy has told it, this boot has its anchor.
Source: delivery 2.4, rulings 4 and 35.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from edge.core import anchors
from edge.core.anchors import Clock
from edge.core.draft import Draft
from edge.core.effects import LearnTime
from edge.core.events import Event, MeterRead
from edge.core.facts import Registered, TimeTold
from edge.core.instant import EARLIEST, LATEST, Instant
from edge.core.saved import Saved

MOVED: Final = timedelta(milliseconds=1)
"""Less is how far apart two clocks are read, one after the other; the wire has whole ones."""


def begun(saved: Saved, kernel_boot: str, now: Instant) -> Clock:
    """The clock at the start of a process: never earlier than the last evidence of life."""
    last, known = saved.last_boot, {anchor.boot: anchor for anchor in saved.anchors}
    boot = 0 if last is None else last.boot + (last.kernel_boot != kernel_boot)
    lives = {life.boot: life for life in saved.lives}
    loose = tuple(
        life
        for life in saved.lives
        if life.boot < boot and life.boot not in known and not life.trusted
    )
    clock = Clock(boot=boot, anchors=known, loose=loose)
    finals = [anchors.final(clock, at) for at in _written(saved)]
    floor = max((at.wall for at in finals if at.trusted), default=anchors.NEVER)
    if boot in known:
        return replace(clock, floor=floor, zero=known[boot].zero, trusted=known[boot].certain)
    if boot in lives:
        return replace(clock, floor=floor, zero=anchors.zero_of(lives[boot]))
    newest = max((now.wall, EARLIEST, floor, *(end.wall for end in loose)))
    return replace(clock, floor=floor, zero=anchors.zero_of(replace(now, wall=newest)))


def _written(saved: Saved) -> list[Instant]:
    """Moments that have been told, or will be."""
    moments = [*saved.lives, *saved.last_starts.values()]
    for one in saved.transactions:
        moments += [at for at in (one.opened.at, one.last_at) if at is not None]
    return moments


def read(draft: Draft, event: Any) -> Any:
    """The *event* as this boot's clock has it; one that is sure of the time teaches it."""
    clock = draft.station.clock
    zero = anchors.zero_of(event.at)
    if event.at.trusted and not (clock.trusted and abs(zero - clock.zero) < MOVED):
        _learn(draft, zero, certain=True)
        clock = draft.station.clock
    draft.at = anchors.read(clock, event.at)
    read: Event = replace(event, at=draft.at)
    if isinstance(read, MeterRead):
        taken = replace(read.reading, at=anchors.read(clock, read.reading.at))
        return replace(read, reading=taken)
    return read


def on_told(draft: Draft, fact: TimeTold) -> None:
    """The central system's time; while nothing better is known it dates this boot at once."""
    draft.do(LearnTime(wall=fact.wall, monotonic=draft.now))
    clock = draft.station.clock
    if clock.boot not in clock.anchors and EARLIEST <= fact.wall < LATEST:
        told = replace(draft.at, wall=fact.wall)
        _learn(draft, anchors.zero_of(told), certain=True)
        draft.at = anchors.read(draft.station.clock, draft.at)


def on_registered(draft: Draft, _: Registered) -> None:
    """The line is open, and a central system without a clock will not tell: the guess must do."""
    clock = draft.station.clock
    if clock.boot not in clock.anchors:
        _learn(draft, clock.zero, certain=False)


def _learn(draft: Draft, zero: datetime, *, certain: bool) -> None:
    """Go by *zero* from now on; the first time, write what it says of the past, for ever."""
    clock = replace(draft.station.clock, zero=zero, trusted=certain)
    if clock.boot not in clock.anchors:
        found = anchors.anchors_for(clock, zero, certain=certain)
        draft.write(*found)
        known = {**clock.anchors, **{anchor.boot: anchor for anchor in found}}
        clock = replace(clock, anchors=known, loose=())
    draft.put_station(clock=clock)
