"""Why a connector is Faulted or warns, and the words for it: one table."""

from __future__ import annotations

from edge.core import faults
from edge.core.bay import Phase
from edge.core.effects import Cut, Energise
from edge.core.records import Latch
from edge.core.setup import Policy
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from tests.core.bench import of, setup
from tests.core.build import Rig
from tests.core.judged import newest, reasons


def test_every_fault_fits_into_info() -> None:
    """StatusNotification.info is a CiString50 (6.47)."""
    told = [found for _, found in (*faults.FAULTS, *faults.WARNINGS)]
    assert all(0 < len(found.info) <= 50 for found in told)


def test_safety_09_what_latches_has_its_words() -> None:
    """Safety 9, 12: told the same before and after a restart."""
    assert set(faults.LATCHED) == set(Latch)


def test_safety_13_a_session_may_go_on_unmeasured_for_as_long_as_the_owner_says() -> None:
    """Safety 13: told as a warning; then energy stops, and after the hold the session."""
    made = setup(policy=Policy(meter_lost_go_on_s=300.0))
    rig = Rig(made, serve=True).online().charging()
    rig.socket().meter_works = False
    rig.meter()
    rig.wait(309)
    assert newest(rig)[:2] == (ConnectorStatus.CHARGING, ErrorCode.POWER_METER_FAILURE)
    assert not of(Cut, rig.log)
    rig.wait(1)
    assert newest(rig)[:2] == (ConnectorStatus.FAULTED, ErrorCode.POWER_METER_FAILURE)
    assert of(Cut, rig.log)
    rig.wait(181)
    assert reasons(rig) == [StopReason.OTHER]


def test_safety_13_nobody_begins_without_a_meter_whatever_the_policy() -> None:
    """Safety 13: no meter, no new session."""
    made = setup(policy=Policy(meter_lost_go_on_s=300.0))
    rig = Rig(made, serve=True).online()
    rig.socket().meter_works = False
    rig.meter()
    rig.wait(10)
    rig.plug()
    rig.tap()
    assert newest(rig)[0] is ConnectorStatus.FAULTED
    assert rig.phase() is Phase.PREPARING
    assert not of(Energise, rig.log)
