"""Machine `security_events`: the security log, and what of it is told to the central system.

They go in a lane of their own beside the outbox, so that neither can hold up the other: in order,
one on its way at a time, again and again until there is an answer, over outages and restarts. One
that is refused or ignored for good is left to the log and makes room for those behind it.
What one call can cause has so many lines a day and is then counted, so that nobody drives his own
traces out of the log, or wears the card with it; a restart forgets the count.
Source: security whitepaper ed. 3, A04, chapter 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from edge.core import anchors
from edge.core.draft import Draft
from edge.core.events import SecurityEventReported, Settled
from edge.core.facts import SecurityNoticed
from edge.core.messages import CallError, NoAnswer, SecurityEventNotification
from edge.core.outbox import QUICK_DROP_S
from edge.core.security_log import (
    Burst,
    SecurityEventForgotten,
    SecurityEventLogged,
    SecurityEvents,
    SecurityEventTold,
)
from edge.core.status import is_introduced
from edge.core.vocabulary import SecurityEvent
from edge.core.waiting import ToWarn

MOST_LINES: Final = 1000  # years of a healthy station, weeks of an attack, 0.2 MB of the card
MOST_OF_A_KIND: Final = (
    20  # lines in BURST_S, of what others can cause at will; the rest is counted
)
BURST_S: Final = 86_400.0
MOST_INFO: Final = 255  # SecurityEventNotification.techInfo
MOST_TRIES: Final = 3  # as many as a transaction message has by default
PAUSE_FIRST_S: Final = 60.0  # after a failed try; twice as long after each further one
PAUSE_MOST_S: Final = 3600.0
MOST_DOUBLINGS: Final = 6  # beyond them the pause is the longest anyway

CRITICAL: Final = frozenset(
    {
        SecurityEvent.FIRMWARE_UPDATED,
        SecurityEvent.SETTING_SYSTEM_TIME,
        SecurityEvent.STARTUP_OF_THE_DEVICE,
        SecurityEvent.RESET_OR_REBOOT,
        SecurityEvent.SECURITY_LOG_WAS_CLEARED,
        SecurityEvent.MEMORY_EXHAUSTION,
        SecurityEvent.TAMPER_DETECTION_ACTIVATED,
    }
)
"""What chapter 8 wants pushed to the central system."""

DEMANDED: Final = frozenset(
    {
        SecurityEvent.INVALID_FIRMWARE_SIGNING_CERTIFICATE,
        SecurityEvent.INVALID_FIRMWARE_SIGNATURE,
    }
)
"""What a use case wants pushed besides (L01.FR.02, FR.03); the rest is only logged."""

PROVOKED: Final = frozenset(
    {
        SecurityEvent.INVALID_CENTRAL_SYSTEM_CERTIFICATE,
        SecurityEvent.INVALID_CHARGE_POINT_CERTIFICATE,
        SecurityEvent.INVALID_FIRMWARE_SIGNING_CERTIFICATE,
        SecurityEvent.INVALID_FIRMWARE_SIGNATURE,
        SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS,
        SecurityEvent.SETTING_SYSTEM_TIME,
    }
)
"""What one call of a central system makes happen, as often as it likes."""


def _put(draft: Draft, **changes: Any) -> None:
    draft.put_station(security_events=replace(draft.station.security_events, **changes))


# ── the log ──────────────────────────────────────────────────────────────────────────────────────


def on_noticed(draft: Draft, fact: SecurityNoticed) -> None:
    """Write it down, unless so many of its kind came before that they would drive out the rest."""
    if fact.event not in PROVOKED or _is_one_of_few(draft, fact.event):
        _log(draft, fact.event, fact.info)


def _is_one_of_few(draft: Draft, event: SecurityEvent) -> bool:
    bursts = draft.station.security_events.bursts
    before = bursts.get(event)
    burst = Burst(since=draft.now) if before is None else replace(before, count=before.count + 1)
    _put(draft, bursts={**bursts, event: burst})
    return burst.count <= MOST_OF_A_KIND


def _sum_up(draft: Draft) -> None:
    """Say of each burst that is over how many events have no line of their own."""
    bursts = draft.station.security_events.bursts
    over = {event: one for event, one in bursts.items() if draft.now >= one.since + BURST_S}
    if not over:
        return
    _put(draft, bursts={event: one for event, one in bursts.items() if event not in over})
    for event, burst in over.items():
        if burst.count > MOST_OF_A_KIND:
            _log(draft, event, f"{burst.count - MOST_OF_A_KIND} more within a day")


def deadlines(events: SecurityEvents) -> Iterator[float | None]:
    """When there is something to tell or to sum up."""
    yield events.not_before
    yield from (one.since + BURST_S for one in events.bursts.values())


def _log(draft: Draft, event: SecurityEvent, info: str | None) -> None:
    """When the log is full, its oldest line makes room, told or not."""
    events = draft.station.security_events
    logged = SecurityEventLogged(
        seq=events.last_seq + 1,
        event=event,
        at=draft.at,
        info=None if info is None else _one_line(info)[:MOST_INFO],
        untold=event in CRITICAL | DEMANDED,
    )
    draft.write(logged)
    untold = (*events.untold, logged) if logged.untold else events.untold
    oldest = logged.seq - MOST_LINES
    if oldest > 0:
        draft.write(SecurityEventForgotten(seq=oldest))
        untold = tuple(one for one in untold if one.seq > oldest)
    _put(draft, last_seq=logged.seq, untold=untold)


def on_reported(draft: Draft, event: SecurityEventReported) -> None:
    """What a sensor saw is noticed like what we see ourselves."""
    on_noticed(draft, SecurityNoticed(event=event.event, info=event.info))


def _one_line(text: str) -> str:
    """What others wrote cannot look like a line of ours."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


# ── the lane ─────────────────────────────────────────────────────────────────────────────────────


def advance(draft: Draft) -> None:
    """Tell the oldest untold line, if nobody comes before it. Runs after every step's facts."""
    _sum_up(draft)
    station = draft.station
    events = station.security_events
    blocked = (
        not events.untold
        or events.is_telling
        or not station.registration.online
        or not is_introduced(draft.state)
        or station.authorisation.asking > 0  # a driver waits at the reader (ruling 5)
    )
    if blocked or (events.not_before is not None and draft.now < events.not_before):
        return
    line = events.untold[0]
    _put(draft, is_telling=True, not_before=None)
    draft.send(
        ToWarn(seq=line.seq),
        SecurityEventNotification(
            type=line.event,
            timestamp=anchors.final(station.clock, line.at).wall,
            tech_info=line.info,
        ),
    )


def on_settled(draft: Draft, purpose: ToWarn, event: Settled) -> None:
    """Heard; or refused, ignored, or dropped together with the line, and tried again."""
    _put(draft, is_telling=False)
    events = draft.station.security_events
    if not events.untold or events.untold[0].seq != purpose.seq:
        return  # it made room meanwhile
    match event.answer:
        case NoAnswer(timed_out=True):
            heard_at, unheard_at = draft.station.registration.heard_at, events.unheard_at
            # Ruling 15: only who answers others since the last time can be said to ignore this.
            _fail(draft, counts=unheard_at is not None and heard_at > unheard_at)
        case NoAnswer(closed_within_s=within_s):
            # Else the line went by itself: again on the next one.
            if within_s is not None and within_s <= QUICK_DROP_S:
                _fail(draft, counts=True)
        case CallError():
            _fail(draft, counts=True)
        case _:
            _put(draft, failures=0)
            _leave(draft)


def _fail(draft: Draft, *, counts: bool) -> None:
    events = draft.station.security_events
    pause_s = min(PAUSE_FIRST_S * 2 ** min(events.failures, MOST_DOUBLINGS), PAUSE_MOST_S)
    tries = events.tries + 1 if counts else events.tries
    _put(
        draft,
        tries=tries,
        failures=events.failures + 1,
        unheard_at=draft.now,
        not_before=draft.now + pause_s,
    )
    if tries >= MOST_TRIES:
        _leave(draft)


def _leave(draft: Draft) -> None:
    """The oldest untold line needs no telling any more."""
    events = draft.station.security_events
    draft.write(SecurityEventTold(seq=events.untold[0].seq))
    _put(draft, untold=events.untold[1:], tries=0, unheard_at=None)
