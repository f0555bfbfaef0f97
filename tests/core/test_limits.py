"""Who allows how much: named slots, the lowest counts, only a local word runs out."""

from __future__ import annotations

from edge.core import limits
from edge.core.limits import Limit, Owner
from edge.core.vocabulary import ConnectorStatus
from edge.core.wishes import SetpointGiven
from tests.core.bench import setup
from tests.core.build import Rig
from tests.core.charging_bench import default, offered, put


def given(rig: Rig, limit_a: float | None, for_s: float = 80.0) -> None:
    """The local energy manager speaks."""
    rig.step(SetpointGiven(at=rig.instant, connector=1, limit_a=limit_a, for_s=for_s))


def owners(rig: Rig) -> list[Owner]:
    return [one.owner for one in limits.slots(rig.state, 1, rig.now)]


def charging(*, pilot: bool = True) -> Rig:
    return Rig(setup(pilot=pilot), serve=True).online().charging()


def test_safety_16_the_lowest_of_all_owners_counts() -> None:
    """Safety 16: nobody lifts another's limit."""
    rig = charging()
    put(rig, default(20.0))
    given(rig, 10.0)
    assert offered(rig) == 10.0
    assert owners(rig) == [Owner.SETPOINT, Owner.PROFILES, Owner.RATING]
    given(rig, 25.0)
    assert offered(rig) == 20.0
    given(rig, None)
    assert owners(rig) == [Owner.PROFILES, Owner.RATING]


def test_safety_16_a_setpoint_that_is_not_said_again_runs_out_to_nothing() -> None:
    """Safety 16: 80 s -> 0 A; energy again as soon as the manager speaks."""
    rig = charging()
    given(rig, 16.0)
    rig.wait(79.9)
    assert offered(rig) == 16.0
    rig.wait(0.1)
    assert offered(rig) == 0.0
    assert rig.told()[-1] is ConnectorStatus.SUSPENDED_EVSE
    given(rig, 16.0)
    assert offered(rig) == 16.0


def test_safety_16_said_again_it_lasts_longer_and_is_as_old_as_it_was() -> None:
    """`why` tells since when; another word begins anew."""
    rig = charging()
    began = rig.now
    given(rig, 16.0)
    rig.wait(60)
    given(rig, 16.0)
    slot = limits.slots(rig.state, 1, rig.now)[0]
    assert slot == Limit(owner=Owner.SETPOINT, limit_a=16.0, since=began, until=began + 140)
    given(rig, 12.0)
    assert limits.slots(rig.state, 1, rig.now)[0].since == rig.now


def test_safety_16_profiles_of_the_central_system_do_not_run_out() -> None:
    """Ruling 28, 3.13.6: they hold offline."""
    rig = charging()
    put(rig, default(20.0))
    rig.link_down()
    rig.wait(3600)
    assert offered(rig) == 20.0


def test_safety_16_a_limit_below_what_can_be_signalled_is_a_pause() -> None:
    """Safety 7: never below 6 A; without a pilot never below the fixed current (ruling 3)."""
    rig = charging()
    given(rig, 5.9)
    assert offered(rig) == 0.0
    given(rig, 6.0)
    assert offered(rig) == 6.0
    fixed = charging(pilot=False)
    given(fixed, 31.9)
    assert offered(fixed) == 0.0
    given(fixed, 40.0)
    assert offered(fixed) == 32.0
