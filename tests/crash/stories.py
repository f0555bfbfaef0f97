"""What happens at a charging point, as stories: what somebody does, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from edge.core.card_roles import CardAsked, Role
from edge.core.commands import (
    CancelReservation,
    ChangeAvailability,
    ClearChargingProfile,
    RemoteStartTransaction,
    RemoteStopTransaction,
    Reset,
)
from edge.core.events import Trip
from edge.core.messages import MeterValues, StartTransaction, StopTransaction
from edge.core.vocabulary import (
    AvailabilityType,
    ProfilePurpose,
    ResetType,
)
from tests.crash.asked import CHANGE, LIST, OTHER, RESERVE, TAG, limit
from tests.crash.world import World

Act = Callable[[World], None]
Story = Sequence[tuple[float, Act]]


def plug(world: World) -> None:
    world.plug(1)


def unplug(world: World) -> None:
    world.unplug(1)


def tap(world: World) -> None:
    world.tap(TAG)


def stop_remotely(world: World) -> None:
    for number in world.central.sessions:
        world.call(RemoteStopTransaction(transaction_id=number))


def give(role: Role | None) -> Act:
    """Somebody at the machine says what the card is, `None`: nothing special any more."""
    return lambda world: world.post(CardAsked(at=world.now(), role=role, id_tag=TAG))


def cut(world: World) -> None:
    world.cut_line()


def mend(world: World) -> None:
    world.mend_line()


def refuse(*kinds: type[StartTransaction | StopTransaction | MeterValues]) -> Act:
    """The central system takes none of *kinds* from now on."""

    def act(world: World) -> None:
        world.central.refuses = kinds

    return act


def resend(world: World) -> None:
    world.resend()


def sulk(world: World) -> None:
    """The central system refuses the next sample, and would have taken the one behind it."""
    world.central.moods = 1


def set_clock(world: World) -> None:
    """Somebody sets the wall clock forward."""
    world.jump(900.0)


STORIES: dict[str, Story] = {
    "local session": ((5, plug), (8, tap), (80, tap), (95, unplug)),
    "card first": ((5, tap), (9, plug), (75, unplug)),
    "remote session": (
        (5, plug),
        (8, lambda w: w.call(RemoteStartTransaction(id_tag=TAG, connector_id=1))),
        (70, stop_remotely),
        (85, unplug),
    ),
    "line cut while charging": (
        (5, plug),
        (8, tap),
        (30, cut),
        (160, mend),
        (180, tap),
        (195, unplug),
    ),
    "whole session offline": (
        (2, cut),
        (5, plug),
        (8, tap),
        (80, tap),
        (95, unplug),
        (120, mend),
    ),
    "session before the time is known": (
        (0.5, cut),
        (5, plug),
        (8, tap),
        (30, lambda w: w.jump(-7200.0)),
        (80, tap),
        (95, unplug),
        (120, mend),
    ),
    "emergency stop": (
        (5, plug),
        (8, tap),
        (40, lambda w: w.press(1, down=True)),
        (60, lambda w: w.press(1, down=False)),
        (80, unplug),
    ),
    "soft reset while charging": (
        (5, plug),
        (8, tap),
        (40, lambda w: w.call(Reset(type=ResetType.SOFT))),
        (100, unplug),
    ),
    "two connectors": (
        (5, plug),
        (8, tap),
        (12, lambda w: w.plug(2)),
        (20, lambda w: w.tap(OTHER)),
        (70, tap),
        (75, lambda w: w.unplug(2)),
        (90, unplug),
    ),
    "charging profiles": (
        (5, plug),
        (8, tap),
        (20, lambda w: w.call(limit(10.0))),
        (30, lambda w: w.call(limit(0.0, ProfilePurpose.TX))),
        (40, lambda w: w.call(limit(9.0, ProfilePurpose.CHARGE_POINT_MAX, 0))),
        (110, lambda w: w.call(ClearChargingProfile(connector_id=0))),
        (120, tap),
        (135, unplug),
    ),
    "reserved and listed": (
        (4, lambda w: w.call(LIST)),
        (5, lambda w: w.call(RESERVE)),
        (8, plug),
        (12, lambda w: w.tap(OTHER)),
        (16, tap),
        (40, lambda w: w.call(replace(RESERVE, reservation_id=2, connector_id=0))),
        (60, lambda w: w.call(CHANGE)),
        (80, tap),
        (90, lambda w: w.call(CancelReservation(reservation_id=2))),
        (95, unplug),
    ),
    "security events with nobody listening": (
        (2, cut),
        (4, set_clock),
        (5, plug),
        (8, tap),
        (60, set_clock),
        (80, tap),
        (95, unplug),
        (120, mend),
        (150, set_clock),
        (160.02, cut),  # the meter is polled at 160: what that step told is on the wire
        (165, plug),
        (170, unplug),
        (190, mend),
        (230, lambda w: w.call(Reset(type=ResetType.HARD))),
    ),
    "a sample of a backlog refused once": (
        (2, cut),
        (5, plug),
        (8, tap),
        (200, tap),
        (215, unplug),
        (220, sulk),
        (221, mend),
    ),
    "mains gone, and then the back-up": (
        (5, plug),
        (8, tap),
        (12, lambda w: w.plug(2)),
        (20, lambda w: w.tap(OTHER)),
        (50, lambda w: w.fail_mains()),
        (50.4, lambda w: w.lose_power()),
        (90, unplug),
    ),
    "mains gone for a minute on a back-up": (
        (2, cut),
        (5, plug),
        (8, tap),
        (50, lambda w: w.fail_mains()),
        (60, tap),
        (110, lambda w: w.mend_mains()),
        (125, tap),
        (150, mend),
        (170, unplug),
    ),
    "refused for good and resent while charging": (
        (2, refuse(StartTransaction)),
        (5, plug),
        (8, tap),
        (72, refuse()),
        (75, resend),
        (100, tap),
        (115, unplug),
    ),
    "refused for good and resent when it was over": (
        (2, refuse(StartTransaction, MeterValues)),
        (5, plug),
        (8, tap),
        (80, tap),
        (95, unplug),
        (100, refuse()),
        (110, resend),
    ),
    "residual current again and again": (
        (5, plug),
        (8, tap),
        *(
            (moment, partial(World.press, number=1, down=down, trip=Trip.RCD))
            for at in (30, 40, 50, 60)
            for moment, down in ((at, True), (at + 4, False))
        ),
        (70, tap),
        (85, unplug),
    ),
    "more current than offered": (
        (5, plug),
        (8, tap),
        (30, lambda w: w.overdraw(1)),
        (75, unplug),
    ),
    "an owner's card, lost while it charges": (
        (1, cut),
        (2, give(Role.OWNER)),
        (5, plug),
        (8, tap),
        (60, give(Role.BLOCKED)),
        (75, unplug),
        (80, plug),
        (82, tap),
        (90, give(None)),
        (95, mend),
        (120, unplug),
    ),
    "taken out of service": (
        (5, plug),
        (8, tap),
        (
            30,
            lambda w: w.call(ChangeAvailability(connector_id=0, type=AvailabilityType.INOPERATIVE)),
        ),
        (60, tap),
        (75, unplug),
    ),
}
