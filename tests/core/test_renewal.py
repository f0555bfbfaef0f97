"""The station's own certificate: the way back from a new one, and the renewal of an old one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from edge.core.access import Access
from edge.core.commands import ChangeConfiguration
from edge.core.credentials import MOST_ASKED, REST_S
from edge.core.effects import UseAccess
from edge.core.events import Ticked
from edge.core.messages import (
    SignCertificate,
)
from edge.core.x509 import CredentialsKept, MakeSigningRequest, NotDone
from tests.core.bench import NOON, of
from tests.core.build import Rig
from tests.core.certifying import (
    ASKED,
    NEW,
    OLD,
    answer,
    credential,
    crowd,
    found,
    hold,
    install,
    is_making,
    let_in,
    made,
    pending,
    question,
    request,
    root,
    signed,
    station,
    trigger,
    ways,
    written,
)

# ── the way back ─────────────────────────────────────────────────────────────────────────────────


def test_the_old_certificate_is_forgotten_once_the_new_one_has_worked() -> None:
    """A02.FR.10; not by a line that the old one opened, nor by one without."""
    rig = hold(station(SecurityProfile="3"), CredentialsKept(own=NEW, old=OLD))
    for access in (Access(profile=3, credential=OLD), Access(profile=3), Access(profile=2)):
        let_in(rig, access)
        assert ways(rig) == [NEW, OLD]
    let_in(rig, Access(profile=3, credential=NEW))
    assert ways(rig) == [NEW]
    assert written(rig)[-1] == CredentialsKept(own=NEW)
    assert of(UseAccess, rig.last)[-1].reconnect is False


def test_of_three_the_one_that_worked_is_the_way_back() -> None:
    """Two in a row before the first reconnect: the one in between never opened a line."""
    between = CredentialsKept(own=credential("between"), old=OLD, request=pending())
    rig = hold(station(SecurityProfile="3", has_file=True), between)
    assert signed(rig, found()) == "Accepted"
    assert ways(rig) == [NEW, OLD, None]


def test_the_installers_files_come_last() -> None:
    """What is in the journal goes first; without either the line says what is missing."""
    assert ways(station(SecurityProfile="3", has_file=True)) == [None]
    assert ways(station(SecurityProfile="3")) == [None]
    rig = station(kept=CredentialsKept(own=OLD), SecurityProfile="3", has_file=True)
    assert ways(rig) == [OLD, None]


@pytest.mark.parametrize(
    ("days", "status"), [((-1, 1), "Accepted"), ((1, 2), "Rejected"), ((-2, -1), "Rejected")]
)
def test_profile_3_needs_a_certificate_that_is_valid(
    days: tuple[float, float], status: str
) -> None:
    """A05.FR.04."""
    mine = CredentialsKept(own=credential("own", days=days))
    rig = station(kept=mine, SecurityProfile="2", AuthorizationKey="0f" * 16)
    install(rig, root("a"))
    assert rig.call(ChangeConfiguration(key="SecurityProfile", value="3")).status == status


# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_is_taken_up_when_its_time_comes() -> None:
    """A02.FR.08: not before, and then without being asked; once."""
    rig = station(kept=ASKED, SecurityProfile="3")
    begins = rig.instant.wall + timedelta(hours=2)
    assert signed(rig, found(not_before=begins)) == "Accepted"
    assert not of(UseAccess, rig.last)[-1].reconnect
    rig.log.clear()
    rig.wait(7199)
    assert not of(UseAccess, rig.log)
    rig.wait(1.1)
    assert [one.reconnect for one in of(UseAccess, rig.log)] == [True]
    rig.wait(60)
    assert len(of(UseAccess, rig.log)) == 1


def tick(rig: Rig) -> None:
    rig.step(Ticked(at=rig.instant))


def test_a_restart_does_not_forget_to_take_it_up() -> None:
    """The old one opened the line meanwhile; the new one's time is still to come."""
    ahead = credential("new", days=(0.1, 365))
    rig = hold(station(SecurityProfile="3"), CredentialsKept(own=ahead, old=OLD))
    let_in(rig, Access(profile=3, credential=OLD))
    rig.log.clear()
    rig.wait(0.1 * 86_400)
    assert [one.reconnect for one in of(UseAccess, rig.log)] == [True]
    assert ways(rig) == [ahead, OLD]


def ending(days: tuple[float, float], **given: str) -> Rig:
    own = CredentialsKept(own=credential("own", days=days))
    keys: dict[str, Any] = {"SecurityProfile": "3", **given}
    return station(kept=own, **keys)


@pytest.mark.parametrize(
    ("days", "asks"),
    [
        ((-300, 31), False),
        ((-300, 29), True),
        ((-3, 3), False),  # a week's certificate is not renewed for all of its life
        ((-5, 2), True),
        ((-5, -1), True),  # too late is better than never: another way in may be open
    ],
)
def test_a_certificate_is_renewed_before_it_ends(days: tuple[float, float], *, asks: bool) -> None:
    """A03.FR.02: a month before; a third of its life where that is less."""
    assert is_making(ending(days)) is asks


@pytest.mark.parametrize(
    "given", [{"SecurityProfile": "2", "AuthorizationKey": "0f" * 16}, {"CpoName": ""}]
)
def test_a_certificate_that_is_not_used_is_not_renewed(given: dict[str, str]) -> None:
    """A03: the one in use; and only in somebody's name."""
    assert not is_making(ending((-300, 1), **given))


def test_renewal_waits_for_the_line_and_for_room() -> None:
    """Nothing is made that nobody can be told of."""
    rig = ending((-300, 31))
    rig.link_down()
    rig.wait(2 * 86_400)
    assert not is_making(rig)
    crowd(rig)
    rig.state = replace(
        rig.state,
        station=replace(
            rig.state.station,
            registration=replace(rig.state.station.registration, link_up=True),
        ),
    )
    tick(rig)
    assert not is_making(rig)
    rig.state = replace(rig.state, waiting={})
    tick(rig)
    assert is_making(rig)


def test_the_core_wakes_up_to_renew() -> None:
    """It is called at the moment itself, also when nothing else happens."""
    rig = ending((-300, 30.01))
    assert 0 < rig.state.station.credentials.due_at - rig.now <= 0.01 * 86_400 + 1


def test_a_renewal_that_nobody_answers_is_asked_for_ever_less() -> None:
    """A03 7: days, not minutes, doubled, and five in all; a restart does not begin anew."""
    asked = []
    for days in range(1, 40):
        for number in range(1, MOST_ASKED + 1):
            request = pending(asked_at=NOON, asked=number)
            mine = CredentialsKept(own=credential("own", days=(-300, 25)), request=request)
            rig = station(kept=mine, SecurityProfile="3")
            rig.now = days * 86_400.0
            tick(rig)
            if is_making(rig):
                asked.append((days, number))
    first = {number: min(day for day, n in asked if n == number) for number in range(1, 5)}
    assert first == {1: 1, 2: 2, 3: 4, 4: 8}
    assert all(number < MOST_ASKED for _, number in asked)


def test_a_clock_that_was_years_ahead_holds_up_no_renewal() -> None:
    """A03: the moment of the last request lies in the future; it would wait until then."""
    ahead = pending(asked_at=NOON + timedelta(days=3650), asked=1)
    mine = CredentialsKept(own=credential("own", days=(-300, 20)), request=ahead)
    rig = station(kept=mine, SecurityProfile="3")
    tick(rig)
    assert is_making(rig)


def test_each_renewal_in_vain_is_counted() -> None:
    """And a trigger counts from one again."""
    mine = CredentialsKept(own=credential("own", days=(-300, 20)), request=pending(asked=2))
    rig = station(kept=mine, SecurityProfile="3")
    rig.wait(2 * 86_400 - rig.now + 1)
    answer(rig, question(rig, MakeSigningRequest), made("third"))
    assert request(rig).asked == 3
    rig.answer(SignCertificate)
    trigger(rig)
    answer(rig, question(rig, MakeSigningRequest), made("by hand"))
    assert request(rig).asked == 1


def test_a_key_that_cannot_be_made_is_tried_again_after_a_rest() -> None:
    """No storm of processes either."""
    rig = ending((-300, 20))
    answer(rig, question(rig, MakeSigningRequest), NotDone(why="no memory"))
    rig.wait(REST_S - 1)
    assert len(of(MakeSigningRequest, rig.log)) == 1
    rig.wait(2)
    assert len(of(MakeSigningRequest, rig.log)) == 2
