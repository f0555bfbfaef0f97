"""Machine `line`: what keeps us apart, how patiently it is dialled, how often pinged.

A central system that is down is not stormed by a car park that restarts: how often dialling failed
is kept over restarts, and forgotten only when we are really served.
Source: OCPP 1.6 9.1.34; OCPP-J 5.3, errata 3.4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edge.core import keys
from edge.core.draft import Draft
from edge.core.effects import ResetBackOff, UsePings
from edge.core.events import DialPostponed, DialRefused, LinkDown, LinkUp, Settled
from edge.core.facts import KeyChanged, Registered
from edge.core.messages import CallError, NoAnswer
from edge.core.records import BackOffKept
from edge.core.vocabulary import Trouble


def on_postponed(draft: Draft, event: DialPostponed) -> None:
    """The next dial waits. The first wait is not worth a write, nor is one as long as the last."""
    known = draft.station.dial_failures
    draft.put_station(dial_failures=event.failures)
    if event.failures > max(known, 1):
        draft.write(BackOffKept(failures=event.failures))


def on_refused(draft: Draft, event: DialRefused) -> None:
    """What keeps us apart is known, and since when it is this."""
    line = draft.station.line
    since = line.since if line.trouble is event.trouble else draft.now
    _put(draft, trouble=event.trouble, why=event.why, since=since)


def on_link_up(draft: Draft, event: LinkUp) -> None:
    """Nothing keeps us apart any more."""
    _put(draft, trouble=None, why="", since=draft.now, ends_at=event.ends_at)


def on_link_down(draft: Draft, event: LinkDown) -> None:
    """The next dial finds out what it is."""
    _put(draft, trouble=Trouble.LOST, why=event.why, since=draft.now)


def _put(draft: Draft, **changes: Any) -> None:
    draft.put_station(line=replace(draft.station.line, **changes))


def on_registered(draft: Draft, _: Registered) -> None:
    """Boot was accepted: we are served, which neither a socket nor a handshake has shown."""
    _be_served(draft)


def on_settled(draft: Draft, event: Settled) -> None:
    """After a mere reconnect there is no boot: a first answer shows as much."""
    if draft.station.registration.online and not isinstance(event.answer, CallError | NoAnswer):
        _be_served(draft)


def _be_served(draft: Draft) -> None:
    failures = draft.station.dial_failures
    if failures:
        draft.put_station(dial_failures=0)
        draft.do(ResetBackOff())
    if failures > 1:
        draft.write(BackOffKept(failures=0))


def on_key(draft: Draft, fact: KeyChanged) -> None:
    """A new WebSocketPingInterval holds for the line as it stands."""
    if fact.key == "WebSocketPingInterval":
        draft.do(UsePings(interval_s=keys.number(draft.state, fact.key)))
