"""The invariants of delivery.md, asked of a history that has come to rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby, pairwise

from edge.core.instant import Instant, rfc3339
from edge.core.messages import StartTransaction
from edge.core.security_events import CRITICAL, DEMANDED
from tests.crash.central import unaddressed
from tests.crash.wall import true_time
from tests.crash.world import CONNECTORS, World


def verdict(world: World) -> list[str]:
    """Every breach found; an empty list is what we promise."""
    return [
        *world.breaches,
        *_complete(world),
        *_in_order(world),
        *_stable(world),
        *_energy(world),
        *_in_time(world),
        *_warned(world),
    ]


def _complete(world: World) -> list[str]:
    """I2, I7: each durable transaction has one Start and one Stop over there, and no other has."""
    opened = [one.opened for one in world.journal.rows.transactions.values()]
    durable = sorted((one.connector, one.begin_wh, one.id_tag) for one in opened)
    starts = [session.start for session in world.central.sessions.values()]
    told = sorted((one.connector_id, one.meter_start, one.id_tag) for one in starts)
    found = [f"I2: {len(durable)} transactions durable, {len(told)} told"] * (durable != told)
    found += [
        f"I2: session {one.transaction_id} has {len(one.stops)} stops"
        for one in world.central.sessions.values()
        if len(one.stops) != 1
    ]
    found += [f"I2: no session for {stray}" for stray in world.central.strays]
    found += ["I2: the outbox is not empty"] * bool(world.journal.rows.outbox)
    found += ["I2: dead letters without a refusal"] * bool(world.journal.rows.dead)
    return found


def _in_order(world: World) -> list[str]:
    """I3: what was acknowledged came in the order of the durable outbox.

    Only a dead letter that was resent steps back, to where it once stood.
    """
    rows = world.journal.rows
    known = [
        (rows.seqs[one], one in rows.resent) for one in world.central.order if one in rows.seqs
    ]
    found = ["I3: told what was never written"] * (len(known) != len(world.central.order))
    back = [now < before and not resent for (before, _), (now, resent) in pairwise(known)]
    return found + ["I3: out of order"] * any(back)


def _stable(world: World) -> list[str]:
    """I4: one id, one content, for ever."""
    found = [f"I4: message {one} changed on a resend" for one in world.central.changed]
    for message_id, messages in world.sent.items():
        if len({repr(unaddressed(one)) for one in messages}) != 1:
            found.append(f"I4: message {message_id} changed")
    return found


def _in_time(world: World) -> list[str]:
    """I8, ruling 7(d), delivery 2.4: in order whatever the clock did, and right where it was."""
    found = []
    for session in world.central.sessions.values():
        start = session.start
        samples = [value for one in session.samples for value in one.meter_value]
        stamps = [value.timestamp for value in samples]
        stamps += [value.timestamp for stop in session.stops for value in stop.transaction_data]
        ends = [stop.timestamp.wall for stop in session.stops] or [datetime.max.replace(tzinfo=UTC)]
        if any(not start.timestamp.wall <= at.wall <= min(ends) for at in stamps):
            found.append(f"I8: a sample outside of session {session.transaction_id}")
        if min(ends) < start.timestamp.wall:
            found.append(f"I8: session {session.transaction_id} ends before it begins")
    return found + _one_after_the_other(world) + _right(world)


def _one_after_the_other(world: World) -> list[str]:
    """7d: sessions as they were written, whenever they were told."""
    central, seqs = world.central, world.journal.rows.seqs
    told = sorted(central.contents.keys() & seqs.keys(), key=lambda one: seqs[one])
    found = []
    last_starts: dict[int, str] = {}
    for message in (central.contents[message_id] for message_id in told):
        if isinstance(message, StartTransaction):
            begun = rfc3339(message.timestamp.wall)
            if begun <= last_starts.get(message.connector_id, ""):
                found.append(f"7d: a session begins with or before another, at {begun}")
            last_starts[message.connector_id] = begun
    return found


def _right(world: World) -> list[str]:
    """A clock that nobody set wrongly: what is told is when it was, guesses are before that."""
    if world.clock_lied:
        return []
    rows = world.journal.rows
    found = []
    for at in _told(world):
        moment = world.kernel_at[rows.kernels[at.boot]] + at.monotonic
        guessed = at.boot in rows.anchors and not rows.anchors[at.boot].certain
        late_s = (at.wall - true_time(moment)).total_seconds()
        if late_s > 1.0 or (late_s < -1.0 and not guessed):
            found.append(f"2.4: told {late_s:.1f} s off")
    return found


def _told(world: World) -> Iterator[Instant]:
    for session in world.central.sessions.values():
        yield session.start.timestamp
        for sample in session.samples:
            yield from (value.timestamp for value in sample.meter_value)
        for stop in session.stops:
            yield stop.timestamp
            yield from (value.timestamp for value in stop.transaction_data)


def _energy(world: World) -> list[str]:
    """I6 at this scale: what was billed is what flowed, within one register step per session."""
    found = []
    for number in CONNECTORS:
        sessions = [
            one for one in world.central.sessions.values() if one.start.connector_id == number
        ]
        billed_wh = sum(
            one.stops[0].meter_stop - one.start.meter_start for one in sessions if one.stops
        )
        flowed_wh = world.outlets[number].energy_wh
        if abs(billed_wh - flowed_wh) > len(sessions) + 1:
            found.append(f"I6: {flowed_wh:.1f} Wh flowed at {number}, {billed_wh} billed")
        ordered = sorted(sessions, key=lambda one: one.start.timestamp.wall)
        for one, other in pairwise(ordered):
            if one.stops and other.start.meter_start < one.stops[0].meter_stop:
                found.append("I6: registers overlap")
    return found


def _warned(world: World) -> list[str]:
    """A04.FR.02: each critical line that is durable was heard, in order; repeats are no breach."""
    log = world.journal.rows.security_log.values()
    written = [(line.event, line.info) for line in log if line.event in CRITICAL | DEMANDED]
    told = [(one.type, one.tech_info) for one in world.central.warnings]
    durable, heard = ([one for one, _ in groupby(lines)] for lines in (written, told))
    left = [line.event for line in log if line.untold]
    found = [f"A04: {len(durable)} critical events durable, {heard} heard"] * (heard != durable)
    return found + [f"A04: still untold: {left}"] * bool(left)
