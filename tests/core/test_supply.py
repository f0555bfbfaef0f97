"""The mains are going, and an input tells: cut, written and told before it is dark."""

from __future__ import annotations

from edge.core.bay import Phase
from edge.core.commands import RemoteStartTransaction
from edge.core.effects import Cut, Energise, Lamp, Write
from edge.core.events import EvseSeen, Pilot, PowerFailing, PowerReturned, Started
from edge.core.levels import lamp
from edge.core.messages import StopTransaction
from edge.core.records import (
    Metered,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.vocabulary import ConnectorStatus, StopReason
from tests.core.bench import BOB, of, setup
from tests.core.build import Rig
from tests.core.restarts import interrupted


def fail(rig: Rig) -> None:
    rig.step(PowerFailing(at=rig.instant))


def test_a_failing_supply_cuts_writes_and_tells() -> None:
    """TC_032_1: PowerLoss and Finishing before it is dark; no time to ramp."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    fail(rig)
    assert of(Cut, rig.last)
    assert rig.messages(StopTransaction)[0].reason is StopReason.POWER_LOSS
    assert rig.told()[-1] is ConnectorStatus.FINISHING


def test_one_step_writes_all_that_must_survive() -> None:
    """Firsts 19: why, when, and the register as it was read last, though the meter is dark."""
    rig = Rig(serve=True).online().charging()
    rig.meter(energy_wh=1777)
    rig.socket().mute = True
    rig.socket().deaf = True  # the contactor's feedback comes too late
    fail(rig)
    rows = [one.record for one in of(Write, rig.last)]
    assert [one.energy_wh for one in rows if isinstance(one, Metered)] == [1777]
    assert [one.reason for one in rows if isinstance(one, TransactionStopping)] == ["PowerLoss"]
    assert not [one for one in rows if isinstance(one, TransactionStopped)]


def test_a_stop_under_way_keeps_its_reason_and_gets_its_register() -> None:
    """What the driver asked for comes first; its ramp is over, and what it drew is written."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.wait(11)
    rig.tap()
    assert rig.phase() is Phase.STOPPING
    rig.meter(energy_wh=1801)
    fail(rig)
    assert of(Cut, rig.last)
    assert rig.written(Metered)[-1].energy_wh == 1801
    assert rig.messages(StopTransaction)[0].reason is StopReason.LOCAL


def test_nobody_begins_while_the_mains_are_gone() -> None:
    """No card, no command, no plug; the lamp and the status say so, and it passes by itself."""
    rig = Rig(setup(connectors=2), serve=True).online()
    fail(rig)
    assert rig.told(2)[-1] is ConnectorStatus.UNAVAILABLE
    assert lamp(rig.state, 2) is Lamp.UNAVAILABLE
    assert rig.call(RemoteStartTransaction(id_tag=BOB)).status == "Rejected"
    rig.plug()
    rig.tap()
    rig.wait(1)
    assert rig.state.bay(1).transaction is None
    rig.step(PowerReturned(at=rig.instant))
    rig.wait(1)
    assert rig.told(2)[-1] is ConnectorStatus.AVAILABLE


def test_a_session_that_was_about_to_open_does_not() -> None:
    """I1, safety: nothing is energised from a back-up supply."""
    rig = Rig(serve=True).online()
    rig.socket().mute = True
    rig.wait(6)  # the last reading is too old to begin by
    rig.plug()
    rig.tap()
    assert rig.phase() is Phase.OPENING
    fail(rig)
    assert rig.phase() is Phase.PREPARING
    rig.wait(5)
    assert not of(Energise, rig.log)


def test_it_stays_ended_when_the_mains_come_back_and_a_card_begins_another() -> None:
    """What was said about money is never taken back."""
    rig = Rig(serve=True).online().charging()
    fail(rig)
    rig.step(PowerReturned(at=rig.instant))
    rig.wait(30)
    assert rig.phase() is Phase.FINISHING
    assert len(rig.messages(StopTransaction)) == 1
    rig.tap()
    rig.wait(10)
    assert rig.phase() is Phase.CHARGING
    assert [one.ref for one in rig.written(TransactionOpened)] == [1, 2]


def test_a_restart_in_the_dark_does_not_resume() -> None:
    """Ruling 40 meant a process that failed, not the mains."""
    rig = Rig(setup(nonce="b" * 24), saved=interrupted(), serve=True)
    rig.socket().plugged = True
    rig.socket().pilot = Pilot.B
    rig.socket().energy_wh = 1420
    rig.step(Started(at=rig.instant))
    fail(rig)
    rig.step(
        EvseSeen(at=rig.instant, connector=1, plugged=True, pilot=Pilot.B, contactor_closed=False)
    )
    rig.meter()
    rig.wait(10)
    stop = next(iter(rig.journal)).message
    assert isinstance(stop, StopTransaction)
    assert (stop.reason, stop.meter_stop) == (StopReason.POWER_LOSS, 1420)
