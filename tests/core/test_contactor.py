"""Off first, on last, and never under load without a reason."""

from __future__ import annotations

import pytest

from edge.core import levels
from edge.core.bay import Phase
from edge.core.commands import RemoteStopTransaction
from edge.core.contactor import is_low
from edge.core.effects import Cut, Energise, Raise, Reduce, Write
from edge.core.events import Pilot, Trip
from edge.core.records import ContactorWorn, TransactionStopped
from edge.core.saved import Saved
from edge.core.vocabulary import ConnectorStatus
from tests.core.bench import of, setup
from tests.core.build import Rig


def stop(rig: Rig) -> None:
    rig.call(RemoteStopTransaction(transaction_id=4711))


def test_the_offer_is_made_before_the_contactor_closes() -> None:
    """Ruling 2: duty set first."""
    rig = Rig(serve=True).online().charging()
    order = [type(one) for one in rig.log if isinstance(one, Raise | Energise)]
    assert order == [Raise, Energise]
    assert levels.permits_energy(rig.state, 1)
    assert levels.permitted_a(rig.state, 1) == 32.0


def test_safety_05_low_current_for_half_a_second_opens_the_contactor() -> None:
    """Ruling 2: the first of pilot, current, six seconds."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    stop(rig)
    rig.wait(1)
    rig.meter(current_a=0.4)
    assert not of(Cut, rig.log)
    rig.wait(0.4)
    assert not of(Cut, rig.log)
    rig.wait(0.1)
    assert of(Cut, rig.log)
    assert rig.bay().contactor.hot_opens == 0


def test_a_current_that_comes_back_is_waited_for_again() -> None:
    """A flicker is no ramp."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    stop(rig)
    rig.meter(current_a=0.4)
    rig.wait(0.3)
    rig.meter(current_a=16.0)
    rig.wait(3)
    assert not of(Cut, rig.log)


def test_safety_05_a_forced_opening_under_load_is_counted() -> None:
    """Ruling 2: `hot_open`."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    stop(rig)
    rig.wait(6)
    assert rig.bay().contactor.hot_opens == 1


@pytest.mark.parametrize("pilot", [Pilot.A, Pilot.B, Pilot.E, Pilot.F])
def test_safety_04_leaving_c_cuts_at_once(pilot: Pilot) -> None:
    """Safety 4 and 8."""
    rig = Rig(serve=True).online().charging()
    assert of(Cut, rig.see(pilot=pilot))


def test_safety_06_after_opening_the_contactor_rests_before_it_closes() -> None:
    """Safety 6: five seconds; meanwhile the station withholds."""
    rig = Rig(serve=True).online().charging()
    rig.see(pilot=Pilot.B)
    rig.see(pilot=Pilot.C)
    assert rig.told()[-1] is ConnectorStatus.SUSPENDED_EVSE
    rig.log.clear()
    rig.wait(4.9)
    assert not of(Energise, rig.log)
    rig.wait(0.1)
    assert of(Energise, rig.log)
    assert rig.told()[-1] is ConnectorStatus.CHARGING


def test_a_reflex_that_has_cleared_itself_still_counts_as_opened() -> None:
    """Ruling 1: the reflex was first; the core orders open and rests before it closes again."""
    rig = Rig(serve=True).online().charging()
    rig.see(closed=False)
    assert of(Cut, rig.log)
    rig.log.clear()
    rig.wait(5)
    assert of(Energise, rig.log)


def test_without_a_pilot_the_contactor_opens_at_once() -> None:
    """Ruling 2: the car cannot be asked; counted as hot."""
    rig = Rig(setup(pilot=False), serve=True).online().charging()
    rig.wait(10)
    assert of(Energise, rig.log)
    stop(rig)
    assert of(Cut, rig.log)
    assert rig.bay().contactor.hot_opens == 1


def test_a_wish_that_returns_during_the_ramp_closes_nothing_twice() -> None:
    """A fault that passes within the ramp: the order stands."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.socket().meter_works = False
    rig.meter()
    rig.wait(10)  # the meter is stale: the offer goes, the load is waited for
    assert of(Reduce, rig.log)
    assert rig.bay().contactor.ramp_since is not None
    rig.log.clear()
    rig.socket().meter_works = True
    rig.meter()
    assert rig.bay().contactor.ramp_since is None
    assert of(Raise, rig.log)
    assert not of(Energise, rig.log)
    assert not of(Cut, rig.log)


def test_safety_19_a_controller_that_does_not_answer_is_cut() -> None:
    """Safety 19."""
    rig = Rig(serve=True).online().charging()
    rig.trip(Trip.DEAD_MAN)
    assert not levels.permits_energy(rig.state, 1)


def test_the_wear_of_a_session_is_written_with_its_end() -> None:
    """Ruling 2: closings and hot opens, in no commit of their own; the next process goes on."""
    rig = Rig(setup(pilot=False), serve=True).online().charging()
    assert rig.bay().contactor.closings == 1
    assert not rig.written(ContactorWorn)
    stop(rig)
    worn = ContactorWorn(connector=1, closings=1, hot_opens=1)
    assert rig.written(ContactorWorn) == [worn]
    assert any(isinstance(one.record, TransactionStopped) for one in of(Write, rig.last))
    assert Write(record=worn) in of(Write, rig.last)
    later = Rig(setup(pilot=False), saved=Saved(wear=(worn,)), serve=True).online().charging()
    stop(later)
    assert later.written(ContactorWorn) == [ContactorWorn(connector=1, closings=2, hot_opens=2)]


def test_a_session_that_never_closed_wears_nothing() -> None:
    """No row without news."""
    rig = Rig(serve=True).online()
    rig.socket().eager = False
    rig.plug()
    rig.tap()
    stop(rig)
    assert rig.phase() is Phase.FINISHING
    assert not rig.written(ContactorWorn)


@pytest.mark.parametrize(
    ("current_a", "power_w", "low"),
    [
        ((), None, False),
        ((), 50.0, True),
        ((), 500.0, False),
        ((0.2, 0.3, 1.5), 0.0, False),
        ((0.2,), 5000.0, True),
    ],
)
def test_a_load_nobody_measures_counts_as_large(
    current_a: tuple[float, ...], power_w: float | None, low: bool
) -> None:
    """Ruling 2: unknown is not low."""
    assert is_low(current_a, power_w) is low
