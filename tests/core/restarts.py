"""A process that begins where another ended: what it finds in the journal, and its rig."""

from __future__ import annotations

from edge.core.events import Pilot
from edge.core.instant import Instant
from edge.core.messages import (
    StartTransaction,
)
from edge.core.records import BootStarted, Queued, TransactionOpened
from edge.core.saved import Saved, SavedTransaction
from edge.core.setup import Policy
from tests.core.bench import ALICE, GOOD, at, setup
from tests.core.build import Rig

OPENED = TransactionOpened(ref=7, connector=1, id_tag=ALICE, begin_wh=1000, at=at(10))
BOOT = BootStarted(at=at(0), kernel_boot="kernel-1")
START = Queued(
    seq=1,
    ref=7,
    message_id="old-1",
    message=StartTransaction(connector_id=1, id_tag=ALICE, meter_start=1000, timestamp=OPENED.at),
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
        lives=(alive or at(90),),
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
    relay: bool = False,
    meter_serial: str | None = None,
) -> Rig:
    """The next process, online, its inputs and meter up."""
    made = setup(
        kernel_boot=kernel_boot,
        lock=lock,
        nonce="b" * 24,
        policy=policy,
        refresh_s=refresh_s,
        relay=relay,
        phases=3 if relay else 1,
    )
    rig = Rig(made, saved=saved, now=now, serve=True)
    rig.socket().plugged = plugged
    rig.socket().pilot = car if plugged else Pilot.A
    rig.socket().energy_wh = register_wh
    rig.socket().meter_serial = meter_serial
    if lock:
        rig.socket().locked = True
    rig.start()
    rig.link_up()
    return rig


def after_power_cut(saved: Saved | None = None, **more: object) -> Rig:
    """Eight dark hours later, in a new kernel whose monotonic clock began at zero."""
    return after(saved or interrupted(), now=5.0, kernel_boot="kernel-2", **more)  # type: ignore[arg-type] # passed on
