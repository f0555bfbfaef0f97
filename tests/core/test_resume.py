"""A restart of the process is not a power cut (ruling 40)."""

from __future__ import annotations

import pytest

from edge.core.bay import Phase
from edge.core.effects import Energise
from edge.core.events import Pilot
from edge.core.messages import (
    StopTransaction,
)
from edge.core.records import Metered, TransactionStopping
from edge.core.saved import Saved
from edge.core.setup import Policy
from edge.core.vocabulary import (
    ConnectorStatus,
    StopReason,
)
from tests.core.bench import at, of
from tests.core.restarts import BOOT, after, after_power_cut, interrupted


def test_a_stop_that_was_written_is_not_resumed() -> None:
    """Ruling 40: the driver has asked for the end."""
    stopping = TransactionStopping(ref=7, reason=StopReason.LOCAL, at=at(85), id_tag="DEADBEEF")
    rig = after(interrupted(stopping=stopping))
    stop = rig.messages(StopTransaction)[0]
    assert (stop.reason, stop.id_tag) == (StopReason.LOCAL, "DEADBEEF")


def test_a_restart_of_the_process_resumes_the_session() -> None:
    """Ruling 40: same kernel, plug still in, register sane, at most 60 s."""
    rig = after(interrupted())
    assert rig.phase() is Phase.CHARGING
    assert not rig.messages(StopTransaction)
    assert [one.energy_wh for one in rig.written(Metered)] == [1420]
    rig.wait(30)
    assert rig.told()[-1] is ConnectorStatus.CHARGING
    rig.tap()
    stop = rig.messages(StopTransaction)[0]
    assert (stop.reason, stop.transaction_id) == (StopReason.LOCAL, 4711)


@pytest.mark.parametrize("now", [139.0, 140.1, 202.0])
def test_a_quick_restart_late_between_two_signs_of_life_resumes(now: float) -> None:
    """Ruling 40: signs come each 62 s; the last one says nothing about the moment of death."""
    assert after(interrupted(), now=now).phase() is Phase.CHARGING


def test_safety_06_a_resumed_session_waits_before_it_closes_the_contactor() -> None:
    """Ruling 40, safety 6: the contactor opened a moment ago."""
    rig = after(interrupted())
    rig.wait(4.9)
    assert not of(Energise, rig.log)
    rig.wait(0.1)
    assert of(Energise, rig.log)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"plugged": False}, "the plug is out"),
        ({"car": Pilot.A, "lock": True}, "the cable is locked here, its car is gone"),
        ({"register_wh": 1399}, "the register ran backwards"),
        ({"now": 202.1}, "the gap is too long, even if it lived until its next sign"),
    ],
)
def test_safety_20_a_restart_that_cannot_resume_stops_with_reboot(
    changes: dict[str, object], why: str
) -> None:
    """Ruling 40, safety 20; stamped when recovery knew the contactor open (ruling 4)."""
    rig = after(interrupted(), **changes)  # type: ignore[arg-type] # passed on
    stop = rig.messages(StopTransaction)[0]
    assert stop.reason is StopReason.REBOOT, why
    assert stop.timestamp == rig.instant


def test_the_end_register_of_a_restart_waits_for_the_meters_refresh() -> None:
    """Ruling 2: a killed process leaves the contactor closed until the next one opens it."""
    rig = after(interrupted(), now=203.0, register_wh=1420, refresh_s=1.5)
    rig.wait(1.0)
    rig.meter(energy_wh=1421)
    assert not rig.messages(StopTransaction)
    rig.wait(0.5)
    rig.meter(energy_wh=1423)
    assert rig.messages(StopTransaction)[0].meter_stop == 1423


def test_without_a_sign_of_life_a_restart_does_not_resume() -> None:
    """Ruling 40: its beginning is all that is known, too long ago."""
    interrupted_at_once = interrupted(last_wh=None, last_at=None)
    saved = Saved(transactions=interrupted_at_once.transactions, last_ref=7, last_boot=BOOT)
    assert after(saved, now=132.1).messages(StopTransaction)[0].reason is StopReason.REBOOT


def test_a_power_cut_may_resume_by_the_owners_choice() -> None:
    """TC_032_2 allows both."""
    rig = after_power_cut(policy=Policy(resume_after_power_cut=True))
    assert rig.phase() is Phase.CHARGING
