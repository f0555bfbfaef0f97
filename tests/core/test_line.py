"""How patiently the line is dialled, and how often its far end is pinged."""

from __future__ import annotations

import pytest

from edge.core.commands import ChangeConfiguration
from edge.core.effects import Reply, ResetBackOff, UsePings, Write
from edge.core.events import DialPostponed
from edge.core.messages import (
    BootNotification,
    CallError,
    Heartbeat,
    NoAnswer,
    StatusNotification,
)
from edge.core.records import BackOffKept
from edge.core.saved import Saved
from edge.core.vocabulary import RegistrationStatus
from tests.core.bench import of
from tests.core.build import Rig, booted


def postponed(rig: Rig, failures: int) -> None:
    rig.step(DialPostponed(at=rig.instant, failures=failures))


def kept(rig: Rig) -> list[int]:
    return [one.failures for one in rig.written(BackOffKept)]


def test_a_longer_wait_is_written_once_and_the_first_never() -> None:
    """The card is spared: seven rows in an outage of any length."""
    rig = Rig().start()
    for failures in (1, 2, 2, 3, 4, 5, 6, 7, 7, 7):
        postponed(rig, failures)
    assert kept(rig) == [2, 3, 4, 5, 6, 7]


def test_an_accepted_boot_brings_the_first_wait_back() -> None:
    """Issue 3, 3: a socket is not enough, nor a handshake, nor a boot that is Pending."""
    rig = Rig().start()
    postponed(rig, 3)
    rig.link_up()
    assert not of(ResetBackOff, rig.log)
    rig.answer(BootNotification, booted(rig.instant.wall, RegistrationStatus.PENDING, 20))
    assert not of(ResetBackOff, rig.log)
    rig.wait(20)
    rig.answer(BootNotification)
    assert len(of(ResetBackOff, rig.log)) == 1
    assert kept(rig) == [3, 0]


def test_a_first_answer_after_a_reconnect_brings_it_back_too() -> None:
    """Ruling 26: there is no boot after a mere reconnect; a Heartbeat asks instead."""
    rig = Rig().online()
    rig.link_down()
    postponed(rig, 2)
    rig.link_up()
    assert not of(ResetBackOff, rig.log)
    rig.answer(Heartbeat)
    assert len(of(ResetBackOff, rig.log)) == 1
    assert kept(rig) == [2, 0]


@pytest.mark.parametrize(
    "answer", [NoAnswer(timed_out=True), CallError(code="InternalError"), NoAnswer(timed_out=False)]
)
def test_who_only_takes_our_frames_does_not_serve_us(answer: CallError | NoAnswer) -> None:
    """Issue 3, 3: its back-off goes on growing."""
    rig = Rig().online()
    rig.link_down()
    postponed(rig, 2)
    rig.link_up()
    rig.answer(Heartbeat, answer)
    assert not of(ResetBackOff, rig.log)
    postponed(rig, 3)
    assert kept(rig) == [2, 3]


def test_a_short_outage_writes_nothing_and_asks_nothing() -> None:
    """The first dial worked: whatever is said next will show whether it serves us."""
    rig = Rig().online()
    rig.link_down()
    postponed(rig, 1)
    rig.link_up()
    assert not rig.is_waiting(Heartbeat)
    rig.plug()
    rig.answer(StatusNotification)
    assert of(ResetBackOff, rig.log)
    assert kept(rig) == []


def test_patience_survives_a_restart() -> None:
    """A car park that restarts must not storm a central system that is down."""
    rig = Rig(saved=Saved(dial_failures=6)).start()
    assert rig.state.station.dial_failures == 6
    postponed(rig, 6)
    assert kept(rig) == []
    rig.link_up()
    rig.answer(BootNotification)
    assert kept(rig) == [0]
    assert of(ResetBackOff, rig.log)


def test_a_new_ping_interval_holds_at_once() -> None:
    """9.1.34: written first, then told, then used; 0 is none."""
    rig = Rig().online()
    for value in ("5", "0"):
        rig.call(ChangeConfiguration(key="WebSocketPingInterval", value=value))
        order = [one for one in rig.last if isinstance(one, Write | Reply | UsePings)]
        assert [type(one) for one in order] == [Write, Reply, UsePings]
        assert order[-1] == UsePings(interval_s=int(value))
    rig.call(ChangeConfiguration(key="ResetRetries", value="2"))
    assert not of(UsePings, rig.last)
