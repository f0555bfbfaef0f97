"""numberPhases: what is accepted, and what a limit means on fewer phases."""

from __future__ import annotations

import pytest

from edge.core import keys
from edge.core.commands import RemoteStartTransaction
from edge.core.setup import Setup
from edge.core.vocabulary import ProfilePurpose, RateUnit
from tests.core.bench import ALICE, setup
from tests.core.build import Rig
from tests.core.charging_bench import DEFAULT, MAX, TX, offered, profile, put
from tests.core.relay import SESSION, allow, charging, fitted, live, moves


@pytest.mark.parametrize("phases", [1, 2])
@pytest.mark.parametrize("purpose", [DEFAULT, MAX])
def test_fewer_phases_than_can_be_given_are_rejected(phases: int, purpose: ProfilePurpose) -> None:
    """7.14, 7.11: without a relay it will not be executed."""
    made = profile(purpose, (0, 16.0, 3), (60, 16.0, phases))
    for connector in (0,) if purpose is MAX else (0, 1):
        assert put(Rig(setup(phases=3)).online(), made, connector) == "Rejected"
        assert put(Rig(setup(phases=1)).online(), made, connector) == "Accepted"
        assert put(Rig(fitted()).online(), made, connector) == "Accepted"


@pytest.mark.parametrize(
    ("made", "answer"),
    [(setup(phases=3), "Rejected"), (setup(phases=1), "Accepted"), (fitted(), "Accepted")],
)
def test_a_remote_start_needs_the_phases_of_its_profile(made: Setup, answer: str) -> None:
    """Ruling 24: the whole request is refused with its profile."""
    rig = Rig(made, serve=True).online()
    rig.plug()
    brought = profile(TX, (0, 10.0, 1))
    asked = RemoteStartTransaction(id_tag=ALICE, connector_id=1, charging_profile=brought)
    assert rig.call(asked).status == answer
    rig.answer_all()
    assert (rig.bay().transaction is not None) is (answer == "Accepted")
    if answer == "Accepted":
        assert offered(rig) == 10.0
        assert moves(rig) == []


def test_a_tx_profile_for_fewer_phases_than_the_session_keeps_is_rejected() -> None:
    """It could never be executed; amid a session that may switch it is."""
    assert put(charging(), profile(TX, (0, 16.0, 1))) == "Rejected"
    assert put(charging(), profile(TX, (0, 16.0, 3))) == "Accepted"
    assert put(charging(phases=1), profile(TX, (0, 16.0, 1))) == "Accepted"
    rig = charging(SESSION)
    assert put(rig, profile(TX, (0, 16.0, 1))) == "Accepted"
    live(rig, 12)
    assert moves(rig) == [1]


@pytest.mark.parametrize(
    ("unit", "limit", "phases", "offered_a"),
    [
        (RateUnit.A, 16.0, 1, 16.0),
        (RateUnit.W, 3680.0, 1, 16.0),
        (RateUnit.W, 7360.0, 2, 16.0),
        (RateUnit.W, 11040.0, 3, 16.0),
        (RateUnit.W, 11040.0, None, 16.0),
    ],
)
def test_a_limit_is_per_phase_of_those_its_period_names(
    unit: RateUnit, limit: float, phases: int | None, offered_a: float
) -> None:
    """7.12, errata 3.69."""
    rig = Rig(fitted(), serve=True).online()
    put(rig, allow(phases, limit, unit=unit))
    rig.charging()
    live(rig, 12)
    assert offered(rig) == offered_a
    assert rig.bay().seen.phases == (3 if phases in (None, 3) else 1)


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (fitted(SESSION), "true"),
        (fitted(), "false"),
        (setup(phases=3, policy=SESSION), "false"),
        (setup(phases=1, policy=SESSION), "false"),
    ],
)
def test_the_key_says_whether_phases_switch_amid_a_transaction(made: Setup, value: str) -> None:
    """9.4.4, errata 4.28."""
    assert keys.text(Rig(made).state, "ConnectorSwitch3to1PhaseSupported") == value
