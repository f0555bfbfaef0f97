"""Phases switched on the whole daemon: from a profile to the relay's pin and the car's currents."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.together.edge_bench import Bench, bench, end
from tests.waiting import until

pytestmark = [pytest.mark.together, pytest.mark.slow]

SWIFT = (
    "simulated.meter_model=sdm630",
    "policy.phase_switching=session",
    "policy.reclose_delay_s=0.3",
)
WORLD = ("--phases", "3", "--phase-relay", "--meter-model", "sdm630")
PAUSE_S = 10.0
ONE_PHASE_W = 16 * 230


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    """A station whose one-phase default begins a session on one phase."""
    async with bench(directory, *WORLD) as made:
        made.start(*SWIFT)
        await until(lambda: made.central.statuses(1) == ["Available"])
        yield made


async def allow(bay: Bench, phases: int, limit: float) -> Any:
    payload = {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "startSchedule": "2026-01-01T00:00:00Z",
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": limit, "numberPhases": phases}
                ],
            },
        },
    }
    return await bay.central.command(f"set-{phases}", "SetChargingProfile", payload)


async def test_safety_23_a_profile_switches_phases_and_the_relay_never_moves_under_load(
    bay: Bench,
) -> None:
    """One phase, then three, then killed in full flow: no breach, and one phase again."""
    key = {"key": ["ConnectorSwitch3to1PhaseSupported"]}
    told = await bay.central.command("key", "GetConfiguration", key)
    assert told["configurationKey"][0]["value"] == "true"
    assert await allow(bay, 1, 16.0) == {"status": "Accepted"}
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.tap()
    await bay.wait(status="Charging", contactor_closed=True, offered_a=16.0, phases=1)
    await bay.wait(power_w={"gte": ONE_PHASE_W - 20, "lte": ONE_PHASE_W + 1})

    assert await allow(bay, 3, 8.0) == {"status": "Accepted"}
    await bay.wait(status="SuspendedEVSE", contactor_closed=False, offered_a=0.0)
    await until(lambda: "switching phases" in infos(bay))
    await bay.wait(phases=3)
    why = bay.control("why")
    assert "switching phases" in str(why)
    await bay.sim(
        "wait",
        condition={"connectors.1.status": "Charging", "connectors.1.offered_a": 8.0},
        timeout_s=PAUSE_S + 5,
    )
    await bay.wait(phases=3, power_w={"gte": 3 * 8 * 230 - 20}, breaches=0)

    assert bay.daemon is not None
    bay.daemon.kill()
    bay.daemon.wait()
    await bay.wait(contactor_closed=True, phases=3)
    bay.start(*SWIFT)
    await bay.wait(contactor_closed=False, phases=1, breaches=0)
    assert end(bay.daemon) == 0
    await bay.wait(breaches=0)


def infos(bay: Bench) -> list[str]:
    """What the status of connector 1 was told with."""
    told = bay.central.payloads("StatusNotification")
    return [each.get("info", "") for each in told if each["connectorId"] == 1]
