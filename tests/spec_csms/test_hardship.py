"""A disk that fails, a central system that restarts, points that lie: nothing is lost, nobody else
suffers.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.spec_csms.bench import Bench, opened
from tests.spec_csms.point import Payload, now

AT = "2026-11-27T10:00:00.000Z"


async def test_r_11_1_a_failing_disk_is_never_a_callerror(bench: Bench) -> None:
    """Ruling 6: no answer, closed 1013; told again it is stored once."""
    payload = {"connectorId": 1, "idTag": "A", "meterStart": 1, "timestamp": AT}
    frame = json.dumps([2, "start", "StartTransaction", payload])
    async with bench.booted() as point:
        await bench.central.disk.writer.break_now()
        await point.socket.send(frame)
        await point.socket.wait_closed()
        assert point.socket.close_code == 1013
    await bench.central.disk.writer.mend()
    async with bench.point() as point:
        answer = await point.call("StartTransaction", payload, unique_id="start")
    [session] = await bench.sessions()
    assert session["transaction_id"] == answer["transactionId"]


async def test_r_11_2_an_unreadable_fact_is_kept_before_it_is_refused(bench: Bench) -> None:
    """Ruling 6: its bytes are billing data, whatever is wrong with them."""
    unreadable: list[list[Any]] = [
        [2, "a", "StopTransaction", {"transactionId": "seven"}],
        [2, "b" * 40, "StopTransaction", {}],
        [2, "c", "MeterValues"],
        [2, "d", "StartTransaction", {"idTag": "A" * 21}],
    ]
    async with bench.booted() as point:
        for frame in unreadable:
            await point.socket.send(json.dumps(frame, indent=1))
        assert "currentTime" in await point.call("Heartbeat")
        assert await point.refused("DataTransfer", {"vendorId": '"MeterValues"' * 30})
        point.violations.clear()  # the four refusals, which nobody waited for
    events = await bench.events()
    assert [event["kind"] for event in events] == ["refused_frame"] * 4
    assert [event["details"]["frame"] for event in events] == [
        json.dumps(frame, indent=1) for frame in unreadable
    ]


async def test_r_11_3_a_session_goes_on_over_a_restart(tmp_path: Path) -> None:
    """Values and the end find the row; nothing is asked of the point."""
    async with opened(tmp_path) as bench, bench.booted() as point:
        number = (await point.start("CARD"))["transactionId"]
    async with opened(tmp_path) as bench, bench.point() as point:
        assert await point.meter(number, {"value": "3000"}) == {}
        assert (await bench.session(number))["energy_wh"] == 2000
        await point.stop(number)
        assert (await bench.session(number))["energy_wh"] == 4000
        assert point.asked == []


async def test_r_11_4_values_of_an_unknown_session_are_kept(bench: Bench) -> None:
    """Answered, never refused; nobody else's session is touched."""
    async with bench.booted() as point, bench.booted("CP-2") as other:
        number = (await other.start("CARD"))["transactionId"]
        assert await point.meter(number, {"value": "9000"}) == {}
        assert await point.meter(4711) == {}
        assert await point.meter(None) == {}
        assert (await bench.session(number))["energy_wh"] == 0


VALUES: list[tuple[Payload, int]] = [
    ({"value": "3000"}, 2000),
    ({"value": "3000", "unit": "Wh"}, 2000),
    ({"value": "3.5", "unit": "kWh"}, 2500),
    ({"value": "3000", "measurand": "Energy.Active.Import.Register"}, 2000),
    ({"value": "3000.4", "context": "Sample.Periodic", "location": "Outlet"}, 2000),
]


@pytest.mark.parametrize(("sampled", "energy_wh"), VALUES)
async def test_r_11_5_values_are_read_with_what_is_missing(
    bench: Bench, sampled: Payload, energy_wh: int
) -> None:
    """No unit, measurand, context or phase means what 7.43 says it means."""
    async with bench.booted() as point:
        number = (await point.start("CARD"))["transactionId"]
        await point.meter(number, sampled)
        assert (await bench.session(number))["energy_wh"] == energy_wh


async def test_r_11_6_a_value_that_is_no_number_is_passed_over(bench: Bench) -> None:
    """Kept as it came, counted as nothing; the others beside it count."""
    async with bench.booted() as point:
        number = (await point.start("CARD"))["transactionId"]
        odd = [{"value": text} for text in ("", "n/a", "NaN", "1e400", "12,5")]
        assert await point.meter(number, *odd) == {}
        session = await bench.session(number)
        assert session["energy_wh"] == 0
        assert [one["value"] for one in session["samples"][0]["values"]] == [
            one["value"] for one in odd
        ]


async def test_r_11_7_the_end_counts_more_than_the_values_before(bench: Bench) -> None:
    """meterStop, not the last sample; transactionData is kept with it."""
    data = [{"timestamp": AT, "sampledValue": [{"value": "4999", "context": "Transaction.End"}]}]
    async with bench.booted() as point:
        number = (await point.start("CARD"))["transactionId"]
        await point.meter(number, {"value": "4000", "context": "Sample.Periodic"})
        await point.stop(number, transactionData=data)
        session = await bench.session(number)
    assert session["energy_wh"] == 4000
    assert len(session["samples"]) == 2


HUGE: list[Payload] = [
    {"connectorId": 2**31, "idTag": "A", "meterStart": 1, "timestamp": AT},
    {"connectorId": 1, "idTag": "A", "meterStart": 2**31, "timestamp": AT},
    {"connectorId": 1, "idTag": "A", "meterStart": -5, "timestamp": "0001-01-01T00:00:00Z"},
    {"connectorId": 1, "idTag": "\u202e<b>", "meterStart": 1, "timestamp": AT},
]


async def test_r_11_8_odd_numbers_and_words_break_nothing(bench: Bench) -> None:
    """Connector 2^31, registers and times of no sense: facts all the same."""
    async with bench.booted() as point:
        for payload in HUGE:
            begun = await point.call("StartTransaction", payload)
            assert (await bench.session(begun["transactionId"]))["connector"] >= 1
        await point.status(2**31, "Available")
        beyond = {**HUGE[0], "connectorId": 10**30}
        assert await point.refused("StartTransaction", beyond) == "PropertyConstraintViolation"
        assert len(await bench.sessions()) == len(HUGE)


async def flood(bench: Bench, text: str, count: int) -> int:
    """Send without reading answers until the line is closed, or all is sent; gives the code."""
    async with bench.point("EVIL") as point:
        try:
            for number in range(count):
                await point.socket.send(text.replace("#", str(number)))
            await point.call("Heartbeat")
        except (ConnectionClosed, asyncio.CancelledError):
            pass
        point.violations.clear()
    return point.socket.close_code or 0


FLOODS = {
    "garbage": ("{#", 2000, 1008),
    "unsolicited answers": ('[3,"#",{}]', 2000, 1008),
    "ids without end": ('[2,"' + "i" * 300 + '","Heartbeat",{}]', 2000, 1008),
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_r_11_9_a_flood_ends_its_own_line_only(bench: Bench, kind: str) -> None:
    """Its neighbour is answered all the while; the central system lives."""
    text, count, code = FLOODS[kind]
    async with bench.booted() as neighbour:
        flooding = asyncio.ensure_future(flood(bench, text, count))
        while not flooding.done():
            assert "currentTime" in await neighbour.call("Heartbeat")
        assert await flooding == code
        assert await bench.told(neighbour, "ClearCache") == {"status": "Accepted"}


async def test_r_11_10_calls_sent_without_waiting_are_bounded(bench: Bench) -> None:
    """A point that calls and never waits is answered as far as it keeps pace, or cut off."""
    async with bench.booted() as neighbour:
        flooding = asyncio.ensure_future(
            flood(
                bench,
                '[2,"#","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]',
                3000,
            )
        )
        while not flooding.done():
            assert "currentTime" in await neighbour.call("Heartbeat")
        assert await flooding in {1000, 1008}


async def test_r_11_11_a_frame_too_large_ends_its_own_line_only(bench: Bench) -> None:
    """256 KiB and no more are read."""
    async with bench.booted() as neighbour, bench.point("EVIL") as point:
        await point.socket.send("[" + " " * 300_000 + "]")
        await point.socket.wait_closed()
        assert point.socket.close_code == 1009
        assert "currentTime" in await neighbour.call("Heartbeat")


async def test_r_11_12_many_points_at_once_keep_what_is_theirs(bench: Bench) -> None:
    """Thirty points of two connectors: sixty sessions, each with its own energy."""

    async def drive(number: int) -> None:
        async with bench.booted(f"CP-{number}", 2) as point:
            for connector in (1, 2):
                begun = await point.start(
                    f"T{number}", connectorId=connector, meterStart=0, at=now()
                )
                await point.stop(begun["transactionId"], meterStop=number * 10 + connector)

    await asyncio.gather(*(drive(number) for number in range(30)))
    sessions = await bench.get("/api/sessions?count=100")
    assert {(one["charger"], one["connector"]): one["energy_wh"] for one in sessions} == {
        (f"CP-{number}", connector): number * 10 + connector
        for number in range(30)
        for connector in (1, 2)
    }
