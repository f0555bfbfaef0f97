"""What time it was: moments of a boot that did not know it, once somebody has told.

A computer without a battery-backed clock begins each kernel boot with a guess: the time it last was
seen alive. Its monotonic seconds are right all along, so one `Anchor`, the wall time at which they
were zero, dates every moment of that boot. An anchor is written once and never changes: what it
dated may have been sent. A boot that ends without one is dated when a later boot gets its own.

Pure arithmetic on a `Clock`; the machine is `clock`. Source: delivery 2.4, invariants I4, I8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from edge.core.instant import EARLIEST, Instant
from edge.core.messages import MeterValue, StartTransaction, StopTransaction, TransactionMessage

NEVER: Final = datetime.min.replace(tzinfo=UTC)  # before any boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A record: boot number *boot* began at *zero*; not *certain* where nobody ever told it so."""

    boot: int
    zero: datetime
    certain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The wall clock of boot number *boot*: *zero* is its time at monotonic second 0.

    It is right once *trusted*. *anchors* are those of this boot and of earlier ones, *loose* the
    last signs of life of earlier boots without one, oldest first. *floor* is the newest moment that
    is known of the boots before those.
    """

    boot: int = 0
    zero: datetime = EARLIEST
    trusted: bool = False
    floor: datetime = NEVER
    anchors: Mapping[int, Anchor] = field(default_factory=dict)
    loose: tuple[Instant, ...] = ()


class Dating(StrEnum):
    """How well the times of a message are known."""

    KNOWN = "known"
    UNCERTAIN = "uncertain"  # its boot never learnt the time: between two others that did
    AWAITED = "awaited"  # told when the line is back


def read(clock: Clock, at: Instant) -> Instant:
    """The moment *at* of this boot, by *clock* where the computer itself is not sure."""
    if at.trusted:
        return replace(at, boot=clock.boot)
    wall = _wall(clock.zero, at.monotonic)
    return replace(at, wall=wall, trusted=clock.trusted, boot=clock.boot)


def zero_of(at: Instant) -> datetime:
    """The wall time at which the monotonic seconds of *at* were 0."""
    return at.wall - timedelta(seconds=at.monotonic)


def _wall(zero: datetime, monotonic: float) -> datetime:
    return zero + timedelta(seconds=monotonic)


def final(clock: Clock, at: Instant) -> Instant:
    """The moment *at*, of whatever boot, as it is told for ever; as it stands while unknown."""
    anchor = clock.anchors.get(at.boot)
    if at.trusted or anchor is None:
        return at
    return replace(at, wall=_wall(anchor.zero, at.monotonic), trusted=True)


def dated(clock: Clock, message: TransactionMessage) -> TransactionMessage:
    """The *message* with the times that are told."""
    match message:
        case StartTransaction():
            return replace(message, timestamp=final(clock, message.timestamp))
        case StopTransaction():
            return replace(
                message,
                timestamp=final(clock, message.timestamp),
                transaction_data=_values(clock, message.transaction_data),
            )
        case _:
            return replace(message, meter_value=_values(clock, message.meter_value))


def _values(clock: Clock, values: tuple[MeterValue, ...]) -> tuple[MeterValue, ...]:
    return tuple(replace(value, timestamp=final(clock, value.timestamp)) for value in values)


def dating(clock: Clock, message: TransactionMessage) -> Dating:
    """How well the times of *message* are known."""
    found = {dating_of(clock, at) for at in _moments(message)}
    worse = (one for one in (Dating.AWAITED, Dating.UNCERTAIN) if one in found)
    return next(worse, Dating.KNOWN)


def dating_of(clock: Clock, at: Instant) -> Dating:
    """How well the moment *at* is known."""
    if at.trusted:
        return Dating.KNOWN
    anchor = clock.anchors.get(at.boot)
    if anchor is None:
        return Dating.AWAITED
    return Dating.KNOWN if anchor.certain else Dating.UNCERTAIN


def _moments(message: TransactionMessage) -> tuple[Instant, ...]:
    match message:
        case StartTransaction():
            return (message.timestamp,)
        case StopTransaction():
            samples = message.transaction_data
            return (message.timestamp, *(value.timestamp for value in samples))
        case _:
            return tuple(value.timestamp for value in message.meter_value)


def bounds(
    clock: Clock, lives: Mapping[int, Instant], at: Instant
) -> tuple[datetime, datetime | None]:
    """Between which two moments *at* lies; the later is `None` while nobody can know it.

    *lives* are the last signs of life by boot. A boot that never learnt the time began no later
    than its life before the next one, and so on to the first that did.
    """
    told = final(clock, at).wall
    if dating_of(clock, at) is Dating.KNOWN:
        return told, told
    latest_s = at.monotonic
    for boot in range(at.boot, clock.boot + 1):
        zero = _known_zero(clock, boot)
        if zero is not None:
            return told, max(told, _wall(zero, latest_s))
        if boot not in lives:
            break
        latest_s -= lives[boot].monotonic
    return told, None


def _known_zero(clock: Clock, boot: int) -> datetime | None:
    anchor = clock.anchors.get(boot)
    if anchor is not None and anchor.certain:
        return anchor.zero
    return clock.zero if clock.trusted and boot == clock.boot else None


def anchors_for(clock: Clock, zero: datetime, *, certain: bool) -> tuple[Anchor, ...]:
    """The anchors to write when this boot is found to have begun at *zero*.

    A loose boot is dated by its own guess, which is a lower bound, but never beyond the beginning
    of the next. Nothing falls before what is known of earlier boots, even if a clock went back.
    """
    lasted_s = sum(end.monotonic for end in clock.loose)
    zero = max(zero, clock.floor + timedelta(seconds=lasted_s))
    found = [Anchor(boot=clock.boot, zero=zero, certain=certain)]
    for end in reversed(clock.loose):
        zero = min(zero_of(end), zero - timedelta(seconds=end.monotonic))
        found.append(Anchor(boot=end.boot, zero=zero, certain=False))
    return tuple(found)
