"""Checklist 7: samples."""

from __future__ import annotations

import itertools
from datetime import timedelta
from functools import partial
from typing import Any

from tests.spec.central import Central, Frame, moment
from tests.spec.station import ENERGY, Station

ALL = f"{ENERGY},SoC,Current.Offered,Power.Offered"


def values(frame: Frame) -> list[dict[str, Any]]:
    """The sampled values of a MeterValues with one sample."""
    (sample,) = frame["meterValue"]
    found: list[dict[str, Any]] = sample["sampledValue"]
    return found


def measurands(frame: Frame) -> set[str]:
    """What a MeterValues tells of."""
    return {value.get("measurand", ENERGY) for value in values(frame)}


def contexts(samples: list[dict[str, Any]]) -> set[str]:
    """The contexts of a list of samples."""
    return {
        value.get("context", "Sample.Periodic")
        for sample in samples
        for value in sample["sampledValue"]
    }


def test_tc_070_periodic_samples(point: Station, central: Central) -> None:
    """Every 2 s, each measurand that is listed; transactionData in StopTransaction."""
    point.booted()
    point.sim("meter", connector=1, soc=42)
    point.configure("MeterValuesSampledData", ALL)
    point.configure("StopTxnSampledData", ENERGY)
    point.configure("MeterValueSampleInterval", 2)
    point.charging()
    number = point.transaction()
    told = [central.expect("MeterValues", connectorId=1) for _ in range(3)]
    assert all(frame["transactionId"] == number for frame in told[1:])
    for frame in told:
        assert {ENERGY, "Current.Offered", "Power.Offered"} <= measurands(frame)
        assert {value["context"] for value in values(frame)} == {"Sample.Periodic"}
    times = [moment(frame["meterValue"][0]["timestamp"]) for frame in told]
    steps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert all(timedelta(seconds=1) <= step <= timedelta(seconds=3) for step in steps), steps
    energies = [
        float(value["value"])
        for frame in told
        for value in values(frame)
        if value["measurand"] == ENERGY
    ]
    assert energies == sorted(energies)
    point.tap()
    stop = central.expect("StopTransaction")
    assert len(stop["transactionData"]) >= 3


def test_tc_071_samples_on_the_clock(point: Station, central: Central) -> None:
    """Multiples of the interval from midnight, Sample.Clock, beside the periodic ones."""
    point.booted()
    point.configure("MeterValuesAlignedData", "Voltage")
    point.configure("MeterValueSampleInterval", 1)
    point.charging()
    point.configure("ClockAlignedDataInterval", 2)
    found: list[Frame] = []
    periodic = 0
    while len(found) < 2:
        frame = central.expect("MeterValues", connectorId=1)
        if contexts(frame["meterValue"]) == {"Sample.Clock"}:
            found.append(frame)
        else:
            assert contexts(frame["meterValue"]) == {"Sample.Periodic"}
            periodic += 1
    assert periodic
    for frame in found:
        at = moment(frame["meterValue"][0]["timestamp"])
        assert (at.hour * 3600 + at.minute * 60 + at.second) % 2 == 0
        assert at.microsecond == 0
        assert measurands(frame) == {"Voltage"}


def test_r_7_1_changes_count_at_once(point: Station, central: Central) -> None:
    """Other measurands in the next sample; an empty list is the register; interval 0 is off."""
    point.booted()
    point.configure("MeterValueSampleInterval", 1)
    point.charging()
    central.expect("MeterValues")
    for listed, expected in (("Voltage", {"Voltage"}), ("", {ENERGY})):
        point.configure("MeterValuesSampledData", listed)
        central.until(partial(tells_of, central, expected))
    point.configure("MeterValueSampleInterval", 0)
    assert point.value("MeterValueSampleInterval") == "0"
    central.call("TriggerMessage", requestedMessage="Heartbeat")
    central.expect("Heartbeat")
    central.forget()
    central.never("MeterValues", for_s=1.5)


def tells_of(central: Central, expected: set[str]) -> bool:
    """Whether the newest MeterValues has just these measurands."""
    told = [frame for frame in central.frames if frame.action == "MeterValues"]
    return measurands(told[-1]) == expected


def test_r_7_2_begin_and_end(point: Station, central: Central) -> None:
    """The stop's data have Transaction.Begin and Transaction.End, equal to start and stop."""
    point.booted()
    point.configure("StopTxnSampledData", ENERGY)
    start = point.charging()
    point.tap()
    stop = central.expect("StopTransaction")
    begun = of_context(stop["transactionData"], "Transaction.Begin")
    ended = of_context(stop["transactionData"], "Transaction.End")
    assert [float(value) for value in begun] == [start["meterStart"]]
    assert [float(value) for value in ended] == [stop["meterStop"]]


def of_context(samples: list[dict[str, Any]], context: str) -> list[str]:
    """The values of the energy register in *context*."""
    return [
        value["value"]
        for sample in samples
        for value in sample["sampledValue"]
        if value.get("context") == context and value.get("measurand", ENERGY) == ENERGY
    ]


def test_r_7_3_an_unknown_measurand(point: Station, central: Central) -> None:
    """Rejected in each of the four keys."""
    point.booted()
    for key in (
        "MeterValuesSampledData",
        "MeterValuesAlignedData",
        "StopTxnSampledData",
        "StopTxnAlignedData",
    ):
        asked = {"key": key, "value": f"{ENERGY},Happiness"}
        assert central.call("ChangeConfiguration", asked) == {"status": "Rejected"}


def test_r_7_4_triggered_samples(point: Station, central: Central) -> None:
    """Context Trigger; without a session no transactionId, with one its number."""
    point.booted()
    point.configure("MeterValueSampleInterval", 0)
    asked = {"requestedMessage": "MeterValues", "connectorId": 1}
    assert central.call("TriggerMessage", asked) == {"status": "Accepted"}
    idle = central.expect("MeterValues", connectorId=1)
    assert contexts(idle["meterValue"]) == {"Trigger"}
    assert "transactionId" not in idle.payload
    point.charging()
    number = point.transaction()
    assert central.call("TriggerMessage", asked) == {"status": "Accepted"}
    running = central.expect("MeterValues", connectorId=1)
    assert contexts(running["meterValue"]) == {"Trigger"}
    assert running["transactionId"] == number
