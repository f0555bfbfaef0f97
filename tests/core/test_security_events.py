"""The lane of security events: every critical one is told until it is heard."""

from __future__ import annotations

from datetime import timedelta

from edge.core.commands import TriggerMessage
from edge.core.effects import Send
from edge.core.messages import (
    Authorize,
    BootNotification,
    Heartbeat,
    SecurityEventNotification,
    StartTransaction,
    StatusNotification,
)
from edge.core.outbox import QUICK_DROP_S
from edge.core.records import BootStarted
from edge.core.saved import Saved
from edge.core.security_events import (
    MOST_TRIES,
    PAUSE_FIRST_S,
    PAUSE_MOST_S,
)
from edge.core.security_log import (
    SecurityEventLogged,
    SecurityEventTold,
)
from edge.core.vocabulary import RegistrationStatus, SecurityEvent
from tests.core.alarms import (
    IGNORED,
    KIND,
    REFUSED,
    RESET,
    STARTUP,
    TAMPER,
    critical,
    infos,
    left,
    quiet,
)
from tests.core.bench import NOON, Answer, at, of, setup
from tests.core.build import Rig, booted


def test_nothing_is_told_before_acceptance_and_the_statuses() -> None:
    """R-1-11, TC_001: boot, every status, then the events."""
    rig = Rig(setup(connectors=2)).start()
    rig.link_up()
    rig.answer(BootNotification, booted(rig.instant.wall, RegistrationStatus.PENDING))
    rig.wait(300)
    rig.answer_all()
    kinds = [type(one.message) for one in of(Send, rig.log)]
    assert kinds == [BootNotification] * 2 + [StatusNotification] * 3 + [KIND]


def test_an_event_is_told_as_it_happened() -> None:
    """5.15: type, timestamp of the event, techInfo; written in the same step at the latest."""
    rig = quiet()
    rig.link_down()
    happened = rig.instant.wall
    critical(rig)
    rig.wait(500)
    rig.link_up()
    assert rig.messages(KIND) == [
        SecurityEventNotification(type=TAMPER, timestamp=happened, tech_info="0")
    ]


def test_events_are_told_one_by_one_in_order() -> None:
    """A04.FR.02: guaranteed delivery; one on its way at a time."""
    rig = quiet()
    critical(rig, count=3)
    for number in range(3):
        assert infos(rig) == [str(n) for n in range(number + 1)]
        assert left(rig)[0] == str(number)
        rig.answer(KIND)
    assert not left(rig)
    assert [one.seq for one in rig.written(SecurityEventTold)] == [2, 3, 4]


def test_what_was_not_answered_is_told_again_on_the_next_line() -> None:
    """A04.FR.02: an outage costs no try, however many there are."""
    rig = quiet()
    critical(rig)
    for _ in range(MOST_TRIES + 2):
        rig.link_down()
        rig.link_up()
    assert infos(rig) == ["0"] * (MOST_TRIES + 3)
    assert left(rig) == ["0"]
    rig.answer(KIND)
    assert not left(rig)


def test_a_restart_tells_what_was_not_heard() -> None:
    """A04.FR.02: kept over restarts, before what is new."""
    old = SecurityEventLogged(seq=41, event=RESET, at=at(7), info="old", untold=True)
    rig = Rig(saved=Saved(untold=(old,), last_security_seq=44)).start()
    assert [line.seq for line in rig.written(SecurityEventLogged)] == [45]
    rig.link_up()
    rig.answer_all()
    assert [(one.type, one.timestamp) for one in rig.messages(KIND)] == [
        (RESET, at(7).wall),
        (STARTUP, at(100).wall),
    ]


def test_a_refused_event_is_tried_again_and_then_left_to_the_log() -> None:
    """A lane must not be blocked for ever: those behind it have their turn."""
    rig = quiet()
    critical(rig, count=2)
    for spent in range(MOST_TRIES):
        assert left(rig) == ["0", "1"]
        rig.answer(KIND, REFUSED)
        rig.wait(PAUSE_FIRST_S * 2**spent - 1)
        assert not rig.is_waiting(KIND)
        rig.wait(2)
    assert left(rig) == ["1"]
    assert infos(rig) == ["0"] * MOST_TRIES + ["1"]
    assert len({one.message_id for one in rig.sendings(KIND)}) == MOST_TRIES + 1
    rig.answer(KIND)
    assert not left(rig)


def test_one_that_is_heard_ends_the_long_pauses() -> None:
    """The next that fails is tried again as soon as the first was."""
    rig = quiet()
    critical(rig, count=2)
    rig.answer(KIND, REFUSED)
    rig.wait(PAUSE_FIRST_S)
    rig.answer(KIND)
    rig.answer(KIND, REFUSED)
    rig.wait(PAUSE_FIRST_S)
    assert infos(rig) == ["0", "0", "1", "1"]


def test_pauses_grow_to_an_hour() -> None:
    """A central system that refuses all events is asked ever more rarely."""
    rig = quiet()
    critical(rig, count=4)
    sent = []
    for _ in range(4 * MOST_TRIES):
        sent.append(rig.now)
        rig.answer(KIND, REFUSED)
        rig.wait(PAUSE_MOST_S)
    assert not left(rig)
    last = rig.state.station.security_events
    assert last.not_before is not None
    assert last.not_before - sent[-1] == PAUSE_MOST_S


def settle_and_wait(rig: Rig, answer: Answer) -> None:
    """The event is settled, and its pause passes while nothing else happens."""
    rig.answer(KIND, answer)
    until = rig.state.station.security_events.not_before
    assert until is not None
    rig.tick_to(until)


def test_the_first_silence_on_an_event_costs_no_try() -> None:
    """What another one met with, and what was answered since, says nothing of this one."""
    rig = quiet()
    critical(rig, count=2)
    settle_and_wait(rig, IGNORED)
    rig.answer(KIND)
    settle_and_wait(rig, IGNORED)
    assert rig.state.station.security_events.tries == 0


def test_an_event_that_the_peer_cannot_bear_does_not_cost_the_line_again_and_again() -> None:
    """Ruling 15: who hangs up on it at once would do so on every line, and bill nothing."""
    rig = quiet()
    critical(rig)
    for _ in range(MOST_TRIES):
        assert left(rig) == ["0"]
        rig.link_down(closed_within_s=0.1)
        rig.link_up()
        assert not rig.is_waiting(KIND)
        rig.wait(PAUSE_MOST_S)
    assert not left(rig)


def test_a_line_that_goes_much_later_costs_no_try() -> None:
    """It may have had any reason."""
    rig = quiet()
    critical(rig)
    rig.link_down(closed_within_s=QUICK_DROP_S + 1)
    rig.link_up()
    assert rig.is_waiting(KIND)


def test_silence_of_the_whole_peer_costs_no_try() -> None:
    """Ruling 15: a central system that hangs is no reason to give up."""
    rig = Rig(setup(keys={"HeartbeatInterval": "0"})).online()
    critical(rig)
    for _ in range(2 * MOST_TRIES):
        settle_and_wait(rig, IGNORED)
    assert left(rig) == ["0"]
    assert infos(rig) == ["0"] * (2 * MOST_TRIES + 1)


def test_an_event_that_is_ignored_by_a_peer_that_answers_is_given_up() -> None:
    """Ruling 15: others were answered between two time-outs."""
    rig = quiet()
    critical(rig)
    for _ in range(MOST_TRIES + 1):
        assert left(rig) == ["0"]
        settle_and_wait(rig, IGNORED)
        rig.call(TriggerMessage(requested_message="Heartbeat"))
        rig.answer(Heartbeat)
    assert not left(rig)


def test_a_driver_at_the_reader_comes_first() -> None:
    """Ruling 5: no event goes out ahead of Authorize."""
    rig = quiet()
    rig.plug()
    rig.tap()
    critical(rig)
    assert not rig.is_waiting(KIND)
    rig.answer(Authorize)
    assert infos(rig) == ["0"]


def test_neither_lane_holds_up_the_other() -> None:
    """An ignored event does not stop a StartTransaction, nor a refused one an event."""
    rig = quiet()
    critical(rig, count=2)
    rig.charging()
    assert rig.is_waiting(KIND)
    assert rig.is_waiting(StartTransaction)
    rig.answer(StartTransaction, REFUSED)
    rig.answer(KIND)
    assert infos(rig) == ["0", "1"]


def test_a_time_learnt_late_stamps_what_happened_before() -> None:
    """5.15: when it occurred, by a clock that is right by now."""
    rig = Rig(trusted=False).start()
    rig.wait(50)
    rig.wall, rig.trusted = NOON + timedelta(days=3), True
    rig.link_up()
    rig.answer_all()
    told = rig.messages(KIND)
    assert [one.type for one in told] == [STARTUP, SecurityEvent.SETTING_SYSTEM_TIME]
    assert told[0].timestamp == at(100, wall=NOON + timedelta(days=3)).wall


def test_told_again_an_event_has_the_same_time() -> None:
    """The clocks' own noise makes no other event of it."""
    rig = Rig(trusted=False).start()
    rig.trusted = True
    rig.link_up()
    rig.answer(BootNotification)
    rig.answer(StatusNotification)
    rig.answer(StatusNotification)
    rig.wall += timedelta(milliseconds=3)
    rig.link_down()
    rig.link_up()
    first, again = rig.messages(KIND)
    assert first == again


def test_what_an_earlier_process_saw_keeps_its_time() -> None:
    """Monotonic seconds of another kernel say nothing about it."""
    old = SecurityEventLogged(seq=1, event=RESET, at=at(7, trusted=False), info=None, untold=True)
    before = BootStarted(at=at(1, trusted=False), kernel_boot="kernel-0")
    rig = Rig(saved=Saved(untold=(old,), last_security_seq=1, last_boot=before)).start()
    rig.wall = NOON + timedelta(days=3)
    rig.link_up()
    rig.answer_all()
    assert rig.messages(KIND)[0].timestamp == at(7).wall
