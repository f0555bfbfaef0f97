"""UnlockConnector, answered from the lock's own feedback."""

from __future__ import annotations

from edge.core.bay import Phase
from edge.core.commands import UnlockConnector
from edge.core.effects import SetLock
from edge.core.events import Trip
from edge.core.messages import StopTransaction
from edge.core.vocabulary import ConnectorStatus, StopReason
from tests.core.bench import of, setup
from tests.core.build import Rig


def locked() -> Rig:
    return Rig(setup(lock=True), serve=True).online()


def unlock(rig: Rig, connector: int = 1) -> str | None:
    answer = rig.call(UnlockConnector(connector_id=connector))
    return None if answer is None else answer.status


def test_an_idle_lock_answers_unlocked() -> None:
    """TC_017_1."""
    assert unlock(locked()) == "Unlocked"


def test_without_a_lock_it_is_not_supported_and_the_session_goes_on() -> None:
    """TC_017_2, TC_018_2."""
    rig = Rig(serve=True).online().charging()
    assert unlock(rig) == "NotSupported"
    assert rig.phase() is Phase.CHARGING


def test_it_stops_the_transaction_first() -> None:
    """TC_018_1: UnlockCommand, Finishing, Unlocked."""
    rig = locked().charging()
    assert unlock(rig) == "Unlocked"
    assert rig.messages(StopTransaction)[0].reason is StopReason.UNLOCK_COMMAND
    assert rig.socket().locked is False
    rig.unplug()
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE


def test_the_answer_waits_for_the_ramp_and_not_for_delivery() -> None:
    """Ruling 14: within ten seconds, independent of StopTransaction's delivery."""
    rig = locked().charging()
    rig.socket().stubborn = True
    rig.serve = False
    assert unlock(rig) is None
    rig.wait(5.9)
    assert rig.replies(rig.calls) == []
    rig.wait(0.1)
    assert [one.status for one in rig.replies(rig.calls)] == ["Unlocked"]
    assert rig.is_waiting(StopTransaction)


def test_a_jammed_lock_fails() -> None:
    """TC_030: after ten seconds; it was tried."""
    rig = locked()
    rig.see(locked=True)
    rig.socket().jammed = True
    rig.log.clear()
    assert unlock(rig) is None
    assert of(SetLock, rig.log) == [SetLock(connector=1, locked=False)]
    rig.wait(9.9)
    assert rig.replies(rig.calls) == []
    rig.wait(0.1)
    assert [one.status for one in rig.replies(rig.calls)] == ["UnlockFailed"]


def test_a_lock_that_stuck_is_moved_again() -> None:
    """Ruling 14: a second order may free it."""
    rig = locked()
    rig.see(locked=True)
    unlock(rig)
    assert [one.status for one in rig.replies(rig.calls)] == ["Unlocked"]
    assert rig.socket().locked is False


def test_an_unknown_connector_is_not_supported() -> None:
    """TC_031."""
    rig = locked()
    assert unlock(rig, 2) == "NotSupported"
    assert unlock(rig, 0) == "NotSupported"


def test_safety_11_a_suspected_weld_keeps_the_cable() -> None:
    """Ruling 14, safety 11: no unlock, UnlockFailed."""
    rig = locked().charging()
    rig.socket().deaf = True
    rig.see(tripped=frozenset({Trip.WELDED}))
    unlock(rig)
    rig.wait(15)
    assert [one.status for one in rig.replies(rig.calls)] == ["UnlockFailed"]
    assert rig.socket().locked


def test_safety_11_the_cable_stays_locked_while_the_contactor_is_seen_closed() -> None:
    """Safety 11: unlock only after feedback, even where the session is over."""
    rig = locked().charging()
    rig.socket().deaf = True
    rig.wait(20)
    rig.tap()
    rig.wait(20)
    assert rig.phase() is Phase.FINISHING
    assert rig.socket().locked
    rig.see(closed=False)
    assert rig.socket().locked is False


def test_a_second_request_ends_the_first() -> None:
    """Each call has exactly one answer."""
    rig = locked()
    rig.see(locked=True)
    rig.socket().jammed = True
    unlock(rig)
    first = rig.calls
    unlock(rig)
    assert [one.status for one in rig.replies(first)] == ["UnlockFailed"]
    rig.wait(10)
    assert [one.status for one in rig.replies(rig.calls)] == ["UnlockFailed"]


def test_unlocking_while_plugged_keeps_preparing() -> None:
    """There is no session to stop."""
    rig = locked()
    rig.plug()
    assert unlock(rig) == "Unlocked"
    assert rig.phase() is Phase.PREPARING


def test_unlocking_while_opening_gives_up_the_start() -> None:
    """Whoever wants the cable back does not want to charge."""
    rig = locked()
    rig.socket().jammed = True
    rig.plug()
    rig.tap()
    assert rig.phase() is Phase.OPENING
    assert unlock(rig) == "Unlocked"
    assert rig.phase() is Phase.PREPARING


def test_unlocking_a_permit_without_a_plug_gives_it_back() -> None:
    """5.18: the connector is free again."""
    rig = locked()
    rig.tap()
    unlock(rig)
    assert rig.phase() is Phase.IDLE
