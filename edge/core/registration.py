"""Machine `registration`: BootNotification, Heartbeat, and what time it is.

Boot is said once per process, not on a mere reconnect (ruling 26), and again to a central system
that says it has never heard it. Until it is accepted nothing
else is sent; while Rejected not even calls are answered.
Source: OCPP 1.6 4.2, 4.6, 9.1.10; OCPP-J 5.4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from edge.core import keys
from edge.core.draft import Draft
from edge.core.events import CallReceived, LinkDown, LinkUp, Settled
from edge.core.facts import KeyChanged, Registered, TimeTold, Triggered
from edge.core.key_kinds import MOST_SILENCE_S
from edge.core.messages import (
    BootNotificationConf,
    CallError,
    Heartbeat,
    HeartbeatConf,
    NoAnswer,
)
from edge.core.records import ConfigurationChanged
from edge.core.state import ChargePoint, Registration
from edge.core.vocabulary import CallErrorCode, RegistrationStatus
from edge.core.waiting import ToBeat, ToBoot, ToProbe

LEAST_INTERVAL_S: Final = 10  # below it a central system asks to be flooded (ruling 26)


def _put(draft: Draft, **changes: Any) -> None:
    registration = replace(draft.station.registration, **changes)
    draft.put_station(registration=registration)


def on_link_up(draft: Draft, _: LinkUp) -> None:
    """The line is open: introduce ourselves, unless that is done or we were told to wait."""
    registration = draft.station.registration
    _put(draft, link_up=True, heard_at=draft.now, beating=False)
    if registration.status is RegistrationStatus.ACCEPTED:
        if draft.station.dial_failures > 1:
            _beat(draft)  # find out whether it serves us, not only takes our frames
    elif registration.retry_at is None or draft.now >= registration.retry_at:
        _boot(draft)


def on_link_down(draft: Draft, _: LinkDown) -> None:
    """The line is gone; an introduction that was never answered is made again on the next one."""
    _put(draft, link_up=False, beating=False)


def _boot(draft: Draft) -> None:
    _put(draft, waiting=True, retry_at=None)
    draft.send(ToBoot(), draft.state.setup.identity)


def on_booted(draft: Draft, _: ToBoot, event: Settled) -> None:
    """Accepted opens the line; anything else is tried again later."""
    answer = event.answer
    if not isinstance(answer, BootNotificationConf):
        retry_at = draft.now + draft.policy.boot_retry_s
        line_up = draft.station.registration.link_up
        _put(draft, waiting=False, retry_at=retry_at if line_up else None)
        return
    draft.tell(TimeTold(wall=answer.current_time))
    interval_s = _good_interval_s(draft, answer.interval)
    accepted = answer.status is RegistrationStatus.ACCEPTED
    _put(
        draft,
        waiting=False,
        status=answer.status,
        interval_s=interval_s,
        heard_at=draft.now,
        accepted_at=draft.now if accepted else 0.0,
        retry_at=None if accepted else draft.now + interval_s,
    )
    if accepted:
        if answer.interval >= LEAST_INTERVAL_S:
            _take_interval(draft, interval_s)
        draft.tell(Registered())


def _good_interval_s(draft: Draft, asked_s: int) -> int:
    if asked_s >= LEAST_INTERVAL_S:
        return min(asked_s, MOST_SILENCE_S)
    last_s = draft.station.registration.interval_s
    return last_s or int(draft.policy.boot_retry_s)


def _take_interval(draft: Draft, interval_s: int) -> None:
    """The interval of an accepted boot is the HeartbeatInterval from now on (4.2)."""
    if keys.number(draft.state, "HeartbeatInterval") == interval_s:
        return
    value = str(interval_s)
    configuration = {**draft.station.configuration, "HeartbeatInterval": value}
    draft.put_station(configuration=configuration)
    draft.write(ConfigurationChanged(key="HeartbeatInterval", value=value))


def on_beaten(draft: Draft, _: ToBeat | ToProbe, event: Settled) -> None:
    """The central system's clock; a heartbeat nobody answers says nothing the link does not."""
    _put(draft, beating=False)
    if isinstance(event.answer, HeartbeatConf):
        draft.tell(TimeTold(wall=event.answer.current_time))


def on_settled(draft: Draft, event: Settled) -> None:
    """Something passed the line, or it is gone; HeartbeatInterval counts silence (ruling 26)."""
    if not isinstance(event.answer, NoAnswer):
        _put(draft, heard_at=draft.now)
        if (
            isinstance(event.answer, CallError)
            and event.answer.code == CallErrorCode.SECURITY_ERROR
        ):
            _introduce_again(draft)
    elif not (event.answer.timed_out or event.answer.withheld):
        _put(draft, link_up=False)  # `LinkDown` is on its way: send nothing into the void


def _introduce_again(draft: Draft) -> None:
    """Boot before a central system that has lost its memory of us; patiently, it may mean else.

    SecurityError is what it owes to a station that has not booted (errata 3.10).
    """
    registration = draft.station.registration
    is_recent = draft.now < registration.accepted_at + draft.policy.boot_retry_s
    if registration.online and not is_recent:
        _put(draft, status=None)
        _boot(draft)


def on_call(draft: Draft, _: CallReceived) -> None:
    """The central system speaks."""
    _put(draft, heard_at=draft.now)


def on_tick(draft: Draft) -> None:
    """Boot again, or beat."""
    registration = draft.station.registration
    if not registration.link_up:
        return
    if registration.retry_at is not None and draft.now >= registration.retry_at:
        _boot(draft)
    due = beat_at(draft.state)
    if due is not None and draft.now >= due:
        _beat(draft)


def _beat(draft: Draft) -> None:
    _put(draft, beating=True)
    draft.request(ToBeat(), Heartbeat())


def beat_at(state: ChargePoint) -> float | None:
    """When silence has lasted for HeartbeatInterval; 0 = never."""
    registration = state.station.registration
    interval_s = keys.number(state, "HeartbeatInterval")
    if not registration.online or registration.beating or not interval_s:
        return None
    return registration.heard_at + interval_s


def boot_at(registration: Registration) -> float | None:
    """When BootNotification is due again."""
    return registration.retry_at if registration.link_up else None


def on_trigger(draft: Draft, fact: Triggered) -> None:
    """TriggerMessage of a boot (while not accepted: 3.35) or a heartbeat."""
    if fact.message == "BootNotification":
        if not draft.station.registration.waiting:
            _boot(draft)
    elif fact.message == "Heartbeat":
        draft.send(ToBeat(), Heartbeat())


def on_key(draft: Draft, fact: KeyChanged) -> None:
    """A new HeartbeatInterval counts from now."""
    if fact.key == "HeartbeatInterval":
        _put(draft, heard_at=draft.now)
