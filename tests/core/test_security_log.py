"""The security log: every event a line, within bounds that nobody outside can move."""

from __future__ import annotations

from edge.core.events import SecurityEventReported
from edge.core.facts import SecurityNoticed
from edge.core.security_events import (
    BURST_S,
    CRITICAL,
    DEMANDED,
    MOST_INFO,
    MOST_LINES,
    MOST_OF_A_KIND,
)
from edge.core.security_log import (
    SecurityEventForgotten,
    SecurityEventLogged,
)
from edge.core.vocabulary import SecurityEvent
from tests.core.alarms import (
    FOREIGN,
    KIND,
    REPLAY,
    TAMPER,
    critical,
    infos,
    left,
    noticed,
    quiet,
)
from tests.core.build import Rig


def test_an_event_is_a_line_with_its_time() -> None:
    """A04.FR.04, N01.FR.05: each security event is logged, critical or not."""
    rig = Rig()
    [line] = noticed(rig, SecurityNoticed(event=REPLAY, info="message 4711"))
    assert line == SecurityEventLogged(
        seq=1, event=REPLAY, at=rig.instant, info="message 4711", untold=False
    )


def test_what_a_sensor_reports_is_told() -> None:
    """Whitepaper 8: TamperDetectionActivated is critical, whoever saw it."""
    rig = quiet()
    tampered = SecurityEvent.TAMPER_DETECTION_ACTIVATED
    rig.step(SecurityEventReported(at=rig.instant, event=tampered, info="lid"))
    assert [one.type for one in rig.messages(KIND)][-1] is tampered
    assert infos(rig)[-1] == "lid"


def test_only_critical_events_wait_to_be_told() -> None:
    """Whitepaper 8: those marked Critical are pushed."""
    rig = Rig()
    noticed(rig, *(SecurityNoticed(event=event) for event in SecurityEvent))
    untold = rig.state.station.security_events.untold
    assert {line.event for line in untold} == CRITICAL | DEMANDED
    assert {str(event) for event in CRITICAL} == {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "MemoryExhaustion",
        "TamperDetectionActivated",
    }


def test_every_word_fits_the_message() -> None:
    """SecurityEventNotification.type has 50 characters."""
    assert max(len(event) for event in SecurityEvent) <= 50


def test_what_others_wrote_is_one_line_of_the_length_that_can_be_told() -> None:
    """TechInfo has 255 characters; a sentence of the peer's cannot forge a line."""
    [line] = noticed(Rig(), SecurityNoticed(event=TAMPER, info="a\n\x1b[31mb" + "x" * 300))
    assert isinstance(line, SecurityEventLogged)
    assert line.info == ("a  [31mb" + "x" * 300)[:MOST_INFO]


def test_the_oldest_line_makes_room() -> None:
    """A04.FR.04: the log rolls; what it drops is no longer told either."""
    rig = Rig()
    written = noticed(rig, *(SecurityNoticed(event=TAMPER) for _ in range(MOST_LINES + 3)))
    gone = [one.seq for one in written if isinstance(one, SecurityEventForgotten)]
    assert gone == [1, 2, 3]
    untold = rig.state.station.security_events.untold
    assert [line.seq for line in untold] == list(range(4, MOST_LINES + 4))


def test_a_line_that_makes_room_while_it_is_told_takes_no_other_with_it() -> None:
    """The answer belongs to a line that is gone; the next is told all the same."""
    rig = quiet()
    critical(rig)
    noticed(rig, *(SecurityNoticed(event=TAMPER, info="new") for _ in range(MOST_LINES)))
    rig.answer(KIND)
    assert left(rig) == ["new"] * MOST_LINES
    assert infos(rig) == ["0", "new"]


def test_what_others_cause_at_will_does_not_drive_out_the_rest() -> None:
    """A04.FR.04: a thousand vain certificates leave twenty lines, and one that counts the rest."""
    rig = Rig().start()
    vain = [SecurityNoticed(event=FOREIGN, info="x")] * MOST_LINES
    assert len(noticed(rig, *vain)) == MOST_OF_A_KIND
    assert len(noticed(rig, SecurityNoticed(event=REPLAY))) == 1
    rig.log.clear()
    rig.wait(BURST_S - 1)
    assert not rig.written(SecurityEventLogged)
    rig.wait(1)
    [line] = rig.written(SecurityEventLogged)
    assert (line.event, line.info) == (FOREIGN, f"{MOST_LINES - MOST_OF_A_KIND} more within a day")
    assert len(noticed(rig, *vain)) == MOST_OF_A_KIND


def test_a_few_of_a_kind_are_not_summed_up() -> None:
    """Each has its own line."""
    rig = Rig().start()
    noticed(rig, *[SecurityNoticed(event=FOREIGN)] * MOST_OF_A_KIND)
    rig.log.clear()
    rig.wait(BURST_S)
    assert not rig.written(SecurityEventLogged)
