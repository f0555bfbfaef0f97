"""A charging profile on the whole daemon: from the wire to the pilot and the car's power."""

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
    "ocpp.MeterValueSampleInterval=1",
    "ocpp.MeterValuesSampledData=Current.Offered,Power.Active.Import",
    "policy.reclose_delay_s=0.5",
    "policy.resume_after_restart_within_s=60",
)
RATED_W = 32 * 230
LIMITED_W = 10 * 230


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    """A session at full power: a car of 7.4 kW at 32 A."""
    async with bench(directory) as made:
        made.start(*SWIFT)
        await until(lambda: made.central.statuses(1) == ["Available"])
        await made.sim("plug", connector=1)
        await made.wait(status="Preparing")
        await made.tap()
        await made.wait(status="Charging", contactor_closed=True, offered_a=32.0)
        await made.wait(power_w={"gte": RATED_W - 50})
        await until(lambda: made.central.payloads("StartTransaction"))
        yield made


def profile(number: int, limit: float, **more: Any) -> dict[str, Any]:
    """A limit from now on."""
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
        **more,
    }


async def put(bay: Bench, number: int, limit: float, **more: Any) -> Any:
    """What SetChargingProfile for connector 1 answers."""
    payload = {"connectorId": 1, "csChargingProfiles": profile(number, limit, **more)}
    return await bay.central.command(f"set-{number}-{limit}", "SetChargingProfile", payload)


def offers(bay: Bench) -> list[str]:
    """Current.Offered of every sample told."""
    return [
        value["value"]
        for payload in bay.central.payloads("MeterValues")
        for meter_value in payload["meterValue"]
        for value in meter_value["sampledValue"]
        if value["measurand"] == "Current.Offered"
    ]


async def test_a_limit_reaches_pilot_power_status_and_samples(bay: Bench) -> None:
    """Issue 3 item 4: 10 A, then 0 A, then none."""
    assert await put(bay, 1, 10.0, transactionId=4711) == {"status": "Accepted"}
    await bay.wait(offered_a=10.0, power_w={"lte": LIMITED_W + 1}, contactor_closed=True)
    await until(lambda: "10" in offers(bay))
    asked = {"connectorId": 1, "duration": 300, "chargingRateUnit": "A"}
    told = await bay.central.command("composite", "GetCompositeSchedule", asked)
    schedule = told["chargingSchedule"]
    assert told["status"] == "Accepted"
    assert schedule["duration"] == 300
    assert [one["limit"] for one in schedule["chargingSchedulePeriod"]] == [10.0]

    assert await put(bay, 1, 0.0, transactionId=4711) == {"status": "Accepted"}
    await bay.wait(offered_a=0.0, power_w=0.0, contactor_closed=False, status="SuspendedEVSE")
    await until(lambda: bay.central.statuses(1)[-1] == "SuspendedEVSE")
    assert not bay.central.payloads("StopTransaction")

    cleared = await bay.central.command("clear", "ClearChargingProfile", {"id": 1})
    assert cleared == {"status": "Accepted"}
    await bay.wait(status="Charging", offered_a=32.0, power_w={"gte": RATED_W - 50})
    await until(lambda: bay.central.statuses(1)[-1] == "Charging")


async def test_the_limit_outlives_the_process(bay: Bench) -> None:
    """Errata 3.37, ruling 40: killed and started again, the session goes on at 10 A."""
    assert await put(bay, 1, 10.0) == {"status": "Accepted"}
    await bay.wait(offered_a=10.0)
    await until(lambda: "10" in offers(bay))
    assert bay.daemon is not None
    bay.daemon.kill()
    bay.daemon.wait()
    told = len(offers(bay))
    bay.start(*SWIFT)
    await bay.wait(status="Charging", contactor_closed=True, offered_a=10.0)
    await until(lambda: len(offers(bay)) > told + 1)
    assert set(offers(bay)[told + 1 :]) == {"10"}
    assert len(bay.central.payloads("StartTransaction")) == 1
    assert end(bay.daemon) == 0
