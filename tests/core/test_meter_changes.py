"""A meter that is exchanged between two processes: whose register ends the session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.core.bay import Phase
from edge.core.messages import StartTransaction, StopTransaction
from edge.core.records import TransactionOpened, TransactionStopped, TransactionStopping
from edge.core.vocabulary import StopReason
from tests.core.bench import ALICE, at
from tests.core.build import Rig
from tests.core.restarts import after, after_power_cut, interrupted

OLD, NEW = "A-1", "B-2"
OWN = TransactionOpened(
    ref=7, connector=1, id_tag=ALICE, begin_wh=1000, at=at(10), meter_serial=OLD
)
ENDED = [(1400, True)]
"""At the last register that was written of the old meter, as an estimate."""


def ends(rig: Rig) -> list[tuple[int, bool]]:
    return [(one.end_wh, one.estimated) for one in rig.written(TransactionStopped)]


@pytest.mark.parametrize("serial", [OLD, None])
def test_a_session_is_written_with_its_meters_number(serial: str | None) -> None:
    """What the next process knows a meter that was exchanged by, if it has a number."""
    rig = Rig(serve=True)
    rig.socket().meter_serial = serial
    rig.online().charging()
    assert [one.meter_serial for one in rig.written(TransactionOpened)] == [serial]


@pytest.mark.parametrize("register_wh", [5, 1401, 9_000_000])
@pytest.mark.parametrize("serial", [NEW, None])
def test_a_power_cut_is_never_billed_by_the_register_of_a_meter_put_in_meanwhile(
    register_wh: int, serial: str | None
) -> None:
    """Ruling 4, I6: what was truly seen, and the reason and time of the cut."""
    saved = interrupted(opened=OWN)
    rig = after_power_cut(saved, register_wh=register_wh, meter_serial=serial)
    rig.wait(10)
    stop = rig.messages(StopTransaction)[0]
    assert (stop.reason, stop.timestamp, stop.meter_stop) == (StopReason.POWER_LOSS, at(90), 1400)
    assert ends(rig) == ENDED


def test_the_meter_put_in_starts_its_own_count() -> None:
    """The next session begins at its register and carries its number."""
    rig = after_power_cut(interrupted(opened=OWN), register_wh=5, meter_serial=NEW)
    rig.wait(20)
    rig.meter(energy_wh=6)
    rig.tap()
    (opened,) = rig.written(TransactionOpened)
    assert (opened.begin_wh, opened.meter_serial) == (6, NEW)
    assert rig.messages(StartTransaction)[-1].meter_start == 6


def test_a_restart_does_not_resume_behind_another_meter() -> None:
    """Ruling 40: meter identity equal."""
    rig = after(interrupted(opened=OWN), register_wh=1420, meter_serial=NEW)
    assert rig.phase() is Phase.RECOVERING  # its own may answer yet
    rig.wait(10)
    assert rig.messages(StopTransaction)[0].reason is StopReason.REBOOT
    assert ends(rig) == ENDED


@pytest.mark.parametrize(("written", "answers"), [(OLD, OLD), (None, NEW), (None, None)])
def test_the_same_meter_or_one_whose_number_nobody_wrote_ends_at_its_register(
    written: str | None, answers: str | None
) -> None:
    """Ruling 4: an older journal knows no numbers."""
    saved = interrupted(opened=replace(OWN, meter_serial=written))
    rig = after_power_cut(saved, register_wh=1420, meter_serial=answers)
    assert ends(rig) == [(1420, False)]


def test_a_number_that_a_running_session_learns_is_its_own_from_then_on() -> None:
    """A session of an older journal that went on: no third meter ends it."""
    rig = after(interrupted(), register_wh=1420, meter_serial=OLD)
    assert rig.phase() is Phase.CHARGING
    rig.wait(30)
    rig.socket().meter_serial = NEW
    rig.meter(energy_wh=9_000_000)
    rig.tap()
    assert ends(rig) == [(1420, True)]


def test_a_stop_that_was_written_is_not_ended_by_another_meter_either() -> None:
    """Ruling 2: its reason and its time stay, its register is the old meter's."""
    stopping = TransactionStopping(ref=7, reason=StopReason.REMOTE, at=at(85), id_tag=None)
    saved = interrupted(opened=OWN, stopping=stopping)
    rig = after_power_cut(saved, register_wh=9_000_000, meter_serial=NEW)
    rig.wait(10)
    stop = rig.messages(StopTransaction)[0]
    assert (stop.reason, stop.timestamp, stop.meter_stop) == (StopReason.REMOTE, at(85), 1400)


def test_a_meter_that_is_put_back_in_time_ends_its_session() -> None:
    """Whoever noticed the swap has ten seconds; one wrong answer decides nothing."""
    rig = after_power_cut(interrupted(opened=OWN), register_wh=9_000_000, meter_serial=NEW)
    rig.wait(5)
    rig.socket().meter_serial = OLD
    rig.meter(energy_wh=1420)
    assert ends(rig) == [(1420, False)]
