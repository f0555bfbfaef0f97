"""Reset: written, answered, and every session closed before it."""

from __future__ import annotations

import pytest

from edge.core.commands import RemoteStartTransaction, Reset
from edge.core.effects import Reply, Restart, Send, Write
from edge.core.messages import StopTransaction
from edge.core.records import ResetAccepted
from edge.core.security_log import SecurityEventLogged
from edge.core.vocabulary import ConnectorStatus, ResetType, SecurityEvent, StopReason
from tests.core.bench import of
from tests.core.build import Rig

HARD, SOFT = ResetType.HARD, ResetType.SOFT


def reset(rig: Rig, kind: ResetType) -> str:
    status: str = rig.call(Reset(type=kind)).status
    return status


@pytest.mark.parametrize("kind", [HARD, SOFT])
def test_an_idle_station_restarts_at_once(kind: ResetType) -> None:
    """TC_013, TC_014: written, logged, answered, restarted, in this order; A04."""
    rig = Rig(serve=True).online()
    assert reset(rig, kind) == "Accepted"
    order = [type(one) for one in rig.last if isinstance(one, Reply | Restart)]
    assert order == [Reply, Restart]
    promise, line = (one.record for one in of(Write, rig.last)[:2])
    assert promise == ResetAccepted(type=kind, at=rig.instant)
    assert isinstance(line, SecurityEventLogged)
    assert line.event is SecurityEvent.RESET_OR_REBOOT
    assert kind in str(line.info)
    assert of(Restart, rig.last) == [Restart(hard=kind is HARD)]


@pytest.mark.parametrize(
    ("kind", "reason"), [(HARD, StopReason.HARD_RESET), (SOFT, StopReason.SOFT_RESET)]
)
def test_a_running_session_is_stopped_and_queued_before(
    kind: ResetType, reason: StopReason
) -> None:
    """TC_015, TC_016, errata 3.36: StopTransaction of each transaction before the restart."""
    rig = Rig(serve=True).online().charging()
    reset(rig, kind)
    assert rig.messages(StopTransaction)[0].reason is reason
    kinds = [type(one.message) if isinstance(one, Send) else type(one) for one in rig.log]
    assert kinds.index(StopTransaction) < kinds.index(Restart)


def test_a_soft_reset_waits_for_delivery_and_tells_finishing_first() -> None:
    """TC_016: Finishing, not Unavailable, before the restart."""
    rig = Rig(serve=True).online().charging()
    rig.serve = False
    reset(rig, SOFT)
    assert not of(Restart, rig.log)
    assert rig.told()[-1] is ConnectorStatus.FINISHING
    rig.answer_all()
    assert of(Restart, rig.log) == [Restart(hard=False)]


def test_a_soft_reset_offline_waits_only_so_long() -> None:
    """Ruling 39: ten seconds for the delivery, after at most ten for the stop."""
    rig = Rig(serve=True).online().charging()
    rig.serve = False
    reset(rig, SOFT)
    rig.link_down()
    rig.wait(19.9)
    assert not of(Restart, rig.log)
    rig.wait(0.1)
    assert of(Restart, rig.log)


def test_a_hard_reset_does_not_wait_for_delivery() -> None:
    """Ruling 39: at once, but after the end register."""
    rig = Rig(serve=True).online().charging()
    rig.serve = False
    rig.socket().stubborn = True
    reset(rig, HARD)
    assert not of(Restart, rig.log)
    rig.wait(6)
    assert of(Restart, rig.log) == [Restart(hard=True)]


def test_a_second_reset_is_rejected_and_nobody_is_let_in_meanwhile() -> None:
    """Ruling 39."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    reset(rig, HARD)
    assert reset(rig, HARD) == "Rejected"
    assert rig.call(RemoteStartTransaction(id_tag="X")).status == "Rejected"
    rig.wait(30)
    assert len(of(Restart, rig.log)) == 1
