"""A restart of the process is not a power cut (ruling 40)."""

from __future__ import annotations

import pytest

from edge.core.effects import Energise
from edge.core.events import Pilot
from edge.core.instant import Instant
from edge.core.messages import (
    StartTransaction,
    StopTransaction,
)
from edge.core.records import (
    BootStarted,
    Metered,
    Queued,
    Saved,
    SavedTransaction,
    TransactionOpened,
    TransactionStopping,
)
from edge.core.setup import Policy
from edge.core.state import Phase
from edge.core.vocabulary import (
    ConnectorStatus,
    StopReason,
)
from tests.core.bench import ALICE, GOOD, at, of, setup
from tests.core.build import Rig

OPENED = TransactionOpened(ref=7, connector=1, id_tag=ALICE, begin_wh=1000, at=at(10))
BOOT = BootStarted(at=at(0), kernel_boot="kernel-1")
START = Queued(
    seq=1,
    ref=7,
    message_id="old-1",
    message=StartTransaction(
        connector_id=1, id_tag=ALICE, meter_start=1000, timestamp=OPENED.at.wall
    ),
    at=OPENED.at,
)


def interrupted(alive: Instant | None = None, *, boot: BootStarted = BOOT, **more: object) -> Saved:
    """A journal with one open transaction whose StartTransaction was answered with 4711."""
    transaction: dict[str, object] = {
        "opened": OPENED,
        "transaction_id": 4711,
        "id_tag_info": GOOD,
        "last_wh": 1400,
        "last_at": at(80),
    }
    transaction |= more
    return Saved(
        transactions=(SavedTransaction(**transaction),),  # type: ignore[arg-type] # test rows
        last_seq=5,
        last_ref=7,
        last_boot=boot,
        last_alive=alive or at(90),
    )


def after(
    saved: Saved,
    *,
    now: float = 100.0,
    kernel_boot: str = "kernel-1",
    plugged: bool = True,
    register_wh: int = 1420,
    lock: bool = False,
    policy: Policy | None = None,
    car: Pilot = Pilot.B,
    refresh_s: float = 0.0,
) -> Rig:
    """The next process, online, its inputs and meter up."""
    made = setup(
        kernel_boot=kernel_boot, lock=lock, nonce="b" * 24, policy=policy, refresh_s=refresh_s
    )
    rig = Rig(made, saved=saved, now=now, serve=True)
    rig.socket().plugged = plugged
    rig.socket().pilot = car if plugged else Pilot.A
    rig.socket().energy_wh = register_wh
    if lock:
        rig.socket().locked = True
    rig.start()
    rig.link_up()
    return rig


def after_power_cut(saved: Saved | None = None, **more: object) -> Rig:
    """Eight dark hours later, in a new kernel whose monotonic clock began at zero."""
    return after(saved or interrupted(), now=5.0, kernel_boot="kernel-2", **more)  # type: ignore[arg-type] # passed on


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


def test_a_resumed_session_waits_before_it_closes_the_contactor() -> None:
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
        ({"now": 151.0}, "the gap is too long"),
    ],
)
def test_a_restart_that_cannot_resume_stops_with_reboot(
    changes: dict[str, object], why: str
) -> None:
    """Ruling 40, safety 20; stamped when recovery knew the contactor open (ruling 4)."""
    rig = after(interrupted(), **changes)  # type: ignore[arg-type] # passed on
    stop = rig.messages(StopTransaction)[0]
    assert stop.reason is StopReason.REBOOT, why
    assert stop.timestamp == rig.instant.wall


def test_the_end_register_of_a_restart_waits_for_the_meters_refresh() -> None:
    """Ruling 2: a killed process leaves the contactor closed until the next one opens it."""
    rig = after(interrupted(), now=151.0, register_wh=1420, refresh_s=1.5)
    rig.wait(1.0)
    rig.meter(energy_wh=1421)
    assert not rig.messages(StopTransaction)
    rig.wait(0.5)
    rig.meter(energy_wh=1423)
    assert rig.messages(StopTransaction)[0].meter_stop == 1423


def test_without_a_sign_of_life_a_restart_does_not_resume() -> None:
    """Ruling 40: nobody knows how long it was."""
    saved = Saved(transactions=interrupted().transactions, last_ref=7, last_boot=BOOT)
    assert after(saved).messages(StopTransaction)[0].reason is StopReason.REBOOT


def test_a_power_cut_may_resume_by_the_owners_choice() -> None:
    """TC_032_2 allows both."""
    rig = after_power_cut(policy=Policy(resume_after_power_cut=True))
    assert rig.phase() is Phase.CHARGING
