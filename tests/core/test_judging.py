"""What the meter's readings say of supply, load and contactor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.core.bay import Concern, Verdict
from edge.core.commands import RemoteStopTransaction, SetChargingProfile
from edge.core.effects import Cut, Reduce
from edge.core.events import MeterRead, Pilot
from edge.core.quantities import Reading
from edge.core.setup import Bounds, Policy, Setup
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from tests.core.bench import of, setup
from tests.core.build import Rig
from tests.core.charging_bench import default
from tests.core.judged import newest, poll, reasons


def supplied(*volts: float, phases: int = 1) -> Rig:
    """Charging, and from now on the meter shows these voltages."""
    rig = Rig(setup(phases=phases), serve=True).online().charging()
    rig.socket().voltage_v = volts
    return rig


# ── a verdict ──


def test_a_verdict_turns_when_its_sign_lasts_and_not_before() -> None:
    """A flicker is no evidence, in either direction."""
    verdict = Verdict()
    heard = []
    for second, sign in enumerate([True, True, False, True, True, True, False, None, False, False]):
        verdict = verdict.heard(sign, second, after_s=2, over_s=1)
        heard.append(verdict.holds)
    assert heard == [False] * 5 + [True] * 4 + [False]


# ── supply ──


@pytest.mark.parametrize(
    ("volts", "code", "info"),
    [
        (254.0, ErrorCode.OVER_VOLTAGE, "supply voltage high"),
        (206.0, ErrorCode.UNDER_VOLTAGE, "supply voltage low"),
    ],
)
def test_a_supply_beyond_ten_per_cent_is_a_warning(
    volts: float, code: ErrorCode, info: str
) -> None:
    """EN 50160: the status stays what it is, with the code (7.6); over again after a while."""
    rig = supplied(volts)
    poll(rig, 30)
    assert newest(rig)[1] is ErrorCode.NO_ERROR
    poll(rig, 1)
    assert newest(rig) == (ConnectorStatus.CHARGING, code, info)
    assert not of(Cut, rig.log)
    rig.socket().voltage_v = (230.0,)
    poll(rig, 30)
    assert newest(rig)[1] is code
    poll(rig, 1)
    assert newest(rig) == (ConnectorStatus.CHARGING, ErrorCode.NO_ERROR, None)


@pytest.mark.parametrize(
    ("volts", "code", "info"),
    [
        (265.0, ErrorCode.OVER_VOLTAGE, "supply voltage too high"),
        (195.0, ErrorCode.UNDER_VOLTAGE, "supply voltage too low"),
    ],
)
def test_a_supply_beyond_fifteen_per_cent_stops_energy_until_it_is_back(
    volts: float, code: ErrorCode, info: str
) -> None:
    """Ruling 17: a passing fault; the transaction waits, the load is let go first (ruling 2)."""
    rig = supplied(volts)
    poll(rig, 3)
    assert not of(Reduce, rig.log)
    poll(rig, 1)
    assert newest(rig) == (ConnectorStatus.FAULTED, code, info)
    assert of(Cut, rig.log)
    rig.socket().voltage_v = (230.0,)
    poll(rig, 31)
    rig.see(pilot=Pilot.C)
    assert newest(rig)[0] is ConnectorStatus.CHARGING
    assert reasons(rig) == []


def test_a_supply_that_stays_away_ends_the_session() -> None:
    """Ruling 17: after `fault_hold`."""
    rig = supplied(270.0)
    poll(rig, 4 + 180)
    assert reasons(rig) == [StopReason.OTHER]


def test_between_bound_and_band_nothing_turns() -> None:
    """Hysteresis: 253 V warn, 250.7 V are well again; 252 V are neither."""
    rig = supplied(254.0)
    poll(rig, 31)
    rig.socket().voltage_v = (252.0,)
    poll(rig, 120)
    assert newest(rig)[1] is ErrorCode.OVER_VOLTAGE


@pytest.mark.parametrize("induced_v", [0.0, 40.0, 130.0])
def test_a_phase_that_is_not_there_is_no_undervoltage(induced_v: float) -> None:
    """Devices 4: a car induces 40 to 130 V on phases that it does not use."""
    rig = supplied(230.0, induced_v, induced_v, phases=3)
    poll(rig, 60)
    assert newest(rig)[:2] == (ConnectorStatus.CHARGING, ErrorCode.NO_ERROR)


def test_only_the_phases_that_are_wired_count() -> None:
    """A meter of three phases on a connector of one."""
    rig = supplied(230.0, 280.0, 150.0)
    poll(rig, 60)
    assert newest(rig)[1] is ErrorCode.NO_ERROR


def test_the_worst_phase_counts() -> None:
    """A broken neutral: one phase goes up."""
    rig = supplied(230.0, 228.0, 270.0, phases=3)
    poll(rig, 4)
    assert newest(rig)[1] is ErrorCode.OVER_VOLTAGE


def test_safety_13_a_reading_that_was_refused_is_not_judged() -> None:
    """Safety 13: a register that ran back makes the whole reading doubtful."""
    rig = supplied(300.0)
    rig.socket().energy_wh = 5
    poll(rig, 9)
    assert rig.bay().verdicts[Concern.OVER_VOLTAGE] == Verdict()


def test_the_main_meter_is_not_judged() -> None:
    """Connector 0 has no contactor."""
    rig = Rig(serve=True).online()
    before = rig.state.bays
    reading = Reading(at=rig.instant, energy_wh=1, voltage_v=(300.0,))
    rig.step(MeterRead(at=rig.instant, connector=0, reading=reading))
    assert rig.state.bays == before


# ── current ──


def test_safety_14_a_car_that_takes_more_than_offered_is_stopped() -> None:
    """Safety 14: +10 %, 0.5 A, seven seconds; the session ends, the load is let go first."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.socket().current_a = 32 * 1.1 + 0.6
    poll(rig, 7)
    assert newest(rig)[0] is ConnectorStatus.CHARGING
    poll(rig, 1)
    assert newest(rig) == (
        ConnectorStatus.FAULTED,
        ErrorCode.OVER_CURRENT_FAILURE,
        "more current than offered",
    )
    assert not of(Cut, rig.log)
    poll(rig, 6)
    assert of(Cut, rig.log)
    assert reasons(rig) == [StopReason.OTHER]
    poll(rig, 32)
    assert newest(rig)[0] is ConnectorStatus.FINISHING


def test_safety_14_noise_and_tolerance_are_no_over_current() -> None:
    """Safety 14: just within the band, for an hour."""
    rig = Rig(serve=True).online().charging()
    rig.socket().current_a = 35.6
    poll(rig, 3600)
    assert newest(rig)[:2] == (ConnectorStatus.CHARGING, ErrorCode.NO_ERROR)


@pytest.mark.parametrize(
    ("follows_after_s", "status"),
    [(5, ConnectorStatus.CHARGING), (60, ConnectorStatus.FAULTED)],
)
def test_safety_14_a_lower_offer_gives_the_car_five_seconds(
    follows_after_s: int, status: ConnectorStatus
) -> None:
    """IEC 61851-1 as quoted in safety.md: a car has five seconds to follow, not sixty."""
    rig = Rig(serve=True).online().charging()
    rig.socket().current_a = 30.0
    poll(rig, 5)
    rig.call(SetChargingProfile(connector_id=1, cs_charging_profiles=default(10.0)))
    poll(rig, follows_after_s if follows_after_s < 10 else 8)
    rig.socket().current_a = 9.5
    poll(rig, 3)
    assert newest(rig)[0] is status


def test_safety_14_without_a_pilot_only_the_rating_counts() -> None:
    """Safety 14, ruling 3: nothing was offered that the car could know of."""
    rig = Rig(setup(pilot=False), serve=True).online().charging()
    rig.socket().current_a = 35.0
    poll(rig, 20)
    assert newest(rig)[0] is ConnectorStatus.CHARGING
    rig.socket().current_a = 36.0
    poll(rig, 8)
    assert newest(rig)[1] is ErrorCode.OVER_CURRENT_FAILURE


def test_safety_14_a_withdrawn_offer_is_no_bound() -> None:
    """Ruling 2: while the load is waited for, the contactor opens soon by itself."""
    made = setup(policy=Policy(stop_within_s=20.0))
    rig = Rig(made, serve=True).online().charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    poll(rig, 19)
    assert not rig.bay().verdicts[Concern.OVER_CURRENT].holds


def test_a_meter_without_current_says_nothing_of_it() -> None:
    """Unknown is neither yes nor no."""
    rig = Rig(serve=True).online().charging()
    for _ in range(3):
        rig.wait(20)
        reading = Reading(at=rig.instant, energy_wh=1000)
        rig.step(MeterRead(at=rig.instant, connector=1, reading=reading))
    assert not any(verdict.holds for verdict in rig.bay().verdicts.values())


def bounded(**changes: float) -> Setup:
    return replace(setup(), bounds=Bounds(**changes))


def test_the_bounds_are_the_owners() -> None:
    """120 V mains of ±5 %."""
    made = bounded(voltage_warn_percent=5.0, voltage_warn_after_s=0.0)
    traits = replace(made.traits[0], nominal_v=120.0)
    rig = Rig(replace(made, traits=(traits,)), serve=True)
    rig.socket().voltage_v = (120.0,)
    rig.online()
    rig.socket().voltage_v = (127.0,)
    poll(rig, 1)
    assert newest(rig)[1] is ErrorCode.OVER_VOLTAGE
