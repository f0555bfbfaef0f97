"""The security log: every event a line, the newest thousand kept."""

from __future__ import annotations

from edge.core import security_events
from edge.core.draft import Draft
from edge.core.effects import Write
from edge.core.facts import SecurityNoticed
from edge.core.security_events import MOST_INFO, MOST_LINES
from edge.core.security_log import SecurityEventForgotten, SecurityEventLogged
from edge.core.vocabulary import SecurityEvent
from tests.core.build import Rig

REPLAY = SecurityEvent.ATTEMPTED_REPLAY_ATTACKS
CLOCK = SecurityEvent.SETTING_SYSTEM_TIME


def noticed(rig: Rig, *facts: SecurityNoticed) -> list[object]:
    """What the machine writes when it is told *facts*, the rig's state following."""
    draft = Draft(rig.state, rig.instant)
    for fact in facts:
        security_events.on_noticed(draft, fact)
    rig.state = draft.state
    return [effect.record for effect in draft.effects if isinstance(effect, Write)]


def test_an_event_is_a_line_with_its_time() -> None:
    """A04.FR.04, N01.FR.05: each security event is logged, critical or not."""
    rig = Rig()
    [line] = noticed(rig, SecurityNoticed(event=REPLAY, info="message 4711"))
    assert line == SecurityEventLogged(
        seq=rig.state.station.security_events.last_seq,
        event=REPLAY,
        at=rig.instant,
        info="message 4711",
        untold=False,
    )


def test_only_critical_events_wait_to_be_told() -> None:
    """Whitepaper 8: those marked Critical are pushed."""
    rig = Rig()
    before = rig.state.station.security_events.untold
    noticed(rig, SecurityNoticed(event=REPLAY), SecurityNoticed(event=CLOCK))
    untold = rig.state.station.security_events.untold[len(before) :]
    assert [line.event for line in untold] == [CLOCK]


def test_a_long_info_is_cut() -> None:
    """SecurityEventNotification.techInfo has 255 characters."""
    [line] = noticed(Rig(), SecurityNoticed(event=CLOCK, info="x" * 300))
    assert isinstance(line, SecurityEventLogged)
    assert line.info == "x" * MOST_INFO


def test_the_oldest_line_makes_room() -> None:
    """A04.FR.04: the log rolls; what it drops is no longer told either."""
    rig = Rig()
    written = noticed(rig, *(SecurityNoticed(event=CLOCK) for _ in range(MOST_LINES + 3)))
    gone = [one.seq for one in written if isinstance(one, SecurityEventForgotten)]
    untold = rig.state.station.security_events.untold
    assert gone == list(range(1, untold[0].seq))
    assert len(untold) == MOST_LINES
