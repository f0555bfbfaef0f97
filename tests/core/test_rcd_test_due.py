"""When the residual current device is tested: never too seldom, never in anybody's way."""

from __future__ import annotations

from edge.core import levels
from edge.core.bay import Phase
from edge.core.commands import ChangeAvailability, RemoteStartTransaction, Reset
from edge.core.effects import FireTestCoil
from edge.core.events import (
    DriverLost,
    Port,
    Trip,
)
from edge.core.messages import Authorize
from edge.core.rcd_test import AGAIN_S, MOST_TRIES
from edge.core.records import BootStarted, Latch, RcdTested
from edge.core.saved import Saved
from edge.core.setup import Policy
from edge.core.vocabulary import AvailabilityType, ConnectorStatus, ResetType
from tests.core.bench import ALICE, BOB, of
from tests.core.build import Rig
from tests.core.self_tests import (
    DAY_S,
    fired,
    is_tested,
    latches,
    passes,
    pulse,
    sound,
    station,
    with_coil,
)


def test_safety_12_without_a_test_coil_nothing_is_tested() -> None:
    """Ruling 3: what a charging point has not is not missed."""
    rig = Rig(serve=True).online().charging()
    rig.unplug()
    rig.wait(2 * DAY_S)
    assert fired(rig) == 0
    assert rig.written(RcdTested) == []


def test_safety_12_the_device_is_tested_before_the_first_session() -> None:
    """Safety 1, 12: announced on the disk, then fired; passed when it has tripped and let go."""
    rig = station()
    (begun,) = rig.written(RcdTested)
    assert (begun.passed_at, begun.tries, fired(rig)) == (None, 1, 1)
    pulse(rig)
    assert rig.written(RcdTested) == [begun]
    rig.see(tripped=frozenset())
    assert rig.written(RcdTested)[1:] == [
        RcdTested(connector=1, passed_at=rig.instant, tries=0),
    ]
    assert not is_tested(rig)


def test_safety_12_the_pulse_waits_for_the_disk() -> None:
    """A disk that takes nothing has nothing fired: it might be fired for ever."""
    rig = Rig(with_coil(), serve=True)
    rig.disk_full = "full"
    rig.start()
    rig.disk_full = None
    rig.wait(AGAIN_S - 1)
    assert fired(rig) == 0
    rig.wait(1)
    assert fired(rig) == 1


def test_safety_12_the_device_is_tested_after_each_session() -> None:
    """Safety 12: the contactor open, the plug in or out."""
    rig = sound().charging()
    assert fired(rig) == 0
    rig.tap()
    rig.wait(20)
    assert fired(rig) == 0, "too soon for the card that started"
    rig.tap()
    rig.wait(1)
    assert (rig.phase(), fired(rig)) == (Phase.FINISHING, 1)
    passes(rig)
    rig.unplug()
    rig.wait(3600)
    assert fired(rig) == 1


def test_safety_12_the_device_is_tested_every_day() -> None:
    """Safety 12: idle or not, but never with a closed contactor."""
    rig = sound()
    rig.wait(DAY_S - 1)
    assert fired(rig) == 0
    rig.wait(1)
    assert fired(rig) == 1
    passes(rig)
    rig.charging()
    rig.wait(1.5 * DAY_S)
    assert rig.phase() is Phase.CHARGING
    assert fired(rig) == 1


def test_safety_12_an_owner_may_want_it_more_often() -> None:
    """A setting of the policy."""
    rig = station(policy=Policy(rcd_test_every_s=600.0))
    passes(rig)
    rig.wait(600)
    assert fired(rig) == 2


def test_safety_12_a_process_that_dies_in_the_test_does_it_again_but_not_for_ever() -> None:
    """A pulse may take the mains, and the computer, with it."""
    saved = Saved()
    for tries in range(1, MOST_TRIES + 1):
        rig = station(saved)
        assert [one.tries for one in rig.written(RcdTested)] == [tries]
        assert fired(rig) == 1
        saved = Saved(rcd_tests=tuple(rig.written(RcdTested)))
    rig = station(saved)
    assert (fired(rig), latches(rig)) == (0, [Latch.RCD_TEST])


def test_safety_12_a_restart_repeats_no_test_that_passed() -> None:
    """The same boot of the computer: a day from the last test, whoever asks."""
    before = station()
    passes(before)
    saved = Saved(rcd_tests=tuple(before.written(RcdTested)[-1:]))
    rig = station(saved)
    assert fired(rig) == 0
    rig.wait(DAY_S - 1)
    assert fired(rig) == 0
    rig.wait(2)
    assert fired(rig) == 1


def test_safety_12_a_restart_skips_no_test_after_a_session() -> None:
    """What began after the last test has not been followed by one."""
    before = station()
    passes(before)
    tested = before.written(RcdTested)[-1]
    before.charging()
    saved = Saved(rcd_tests=(tested,), last_starts=before.state.station.last_starts)
    assert fired(station(saved)) == 1


def test_safety_12_a_computer_that_starts_has_its_devices_tested() -> None:
    """Safety 1: what the mains did meanwhile is not known."""
    before = station()
    passes(before)
    boot = BootStarted(at=before.instant, kernel_boot="another")
    saved = Saved(rcd_tests=tuple(before.written(RcdTested)[-1:]), last_boot=boot)
    assert fired(station(saved)) == 1


def test_safety_12_a_card_that_waits_for_its_plug_is_not_disturbed() -> None:
    """At the reader or from afar: the test follows the session."""
    rig = station(policy=Policy(rcd_test_every_s=10.0))
    passes(rig)
    rig.tap()
    rig.wait(20)
    assert fired(rig) == 1
    rig.plug()
    assert rig.phase() is Phase.CHARGING


def test_safety_12_a_remote_permit_is_not_disturbed() -> None:
    """Let in from afar, and on the way to the plug."""
    rig = station(policy=Policy(rcd_test_every_s=10.0))
    passes(rig)
    rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1))
    rig.wait(20)
    assert fired(rig) == 1
    rig.plug()
    assert rig.phase() is Phase.CHARGING


def test_safety_12_a_card_that_is_asked_about_is_not_disturbed() -> None:
    """The central system takes its time."""
    rig = station(policy=Policy(rcd_test_every_s=10.0))
    passes(rig)
    rig.plug()
    rig.wait(9)
    rig.serve = False
    rig.tap()
    rig.wait(2)
    assert rig.is_waiting(Authorize)
    assert fired(rig) == 1
    rig.answer(Authorize)
    assert rig.phase() is Phase.CHARGING


def test_safety_12_no_test_begins_before_a_restart() -> None:
    """The process is about to end: the next one does it."""
    rig = sound()
    rig.wait(DAY_S - 1)
    rig.serve = False
    rig.call(Reset(type=ResetType.SOFT))
    rig.wait(2)
    assert fired(rig) == 0


def test_safety_12_a_connector_out_of_service_is_tested_too() -> None:
    """It is in service again without a word to the driver."""
    rig = sound()
    rig.call(ChangeAvailability(connector_id=1, type=AvailabilityType.INOPERATIVE))
    rig.wait(DAY_S)
    assert fired(rig) == 1


def test_safety_12_what_is_not_seen_is_not_tested() -> None:
    """A charging point that does not answer is Faulted anyway."""
    rig = sound()
    rig.step(DriverLost(at=rig.instant, port=Port.EVSE, connector=1, why="gone"))
    rig.wait(DAY_S)
    assert fired(rig) == 0


def test_safety_12_two_connectors_are_tested_each_for_itself() -> None:
    """One fails, the other sells."""
    rig = station(connectors=2)
    assert [one.connector for one in of(FireTestCoil, rig.log)] == [1, 2]
    pulse(rig, None)
    rig.see(2, pulsed=True)
    rig.see(2, tripped=frozenset({Trip.RCD}))
    rig.see(2, pulsed=False)
    rig.see(2, tripped=frozenset())
    assert rig.told(1)[-1] is ConnectorStatus.FAULTED
    assert levels.may_begin(rig.state, 2, rig.now)
    rig.plug(2)
    rig.tap(BOB)
    assert rig.phase(2) is Phase.CHARGING


def test_safety_12_the_test_waits_for_an_open_contactor() -> None:
    """What its mirror contact shows counts, not what was ordered."""
    rig = sound()
    rig.see(closed=True)
    rig.wait(DAY_S)
    assert fired(rig) == 0
    rig.see(closed=False)
    assert fired(rig) == 1


def test_safety_12_a_card_that_waits_for_any_plug_is_not_disturbed() -> None:
    """It may come to either connector."""
    rig = station(connectors=2, policy=Policy(rcd_test_every_s=10.0))
    for number in (1, 2):
        rig.see(number, pulsed=True, tripped=frozenset({Trip.RCD}))
        rig.see(number, pulsed=False)
        rig.see(number, tripped=frozenset())
    rig.tap()
    rig.wait(20)
    assert fired(rig) == 2
    rig.plug(2)
    assert rig.phase(2) is Phase.CHARGING
