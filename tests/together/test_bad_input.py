"""Bad input of every kind: said in one sentence, or answered by the book; no process ends of it."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.together.edge_bench import Bench, Central, bench, end, ready_process
from tests.waiting import WITHIN_S, until

pytestmark = [pytest.mark.together, pytest.mark.slow]

SWIFT = ("policy.stop_start_dead_time_s=0", "policy.start_stop_dead_time_s=0")
RETRYING = ("supervision.retry_first_s=0.1", "supervision.retry_most_s=0.5")
CALL = 2
BOOT = {"chargePointVendor": "Stranger", "chargePointModel": "One"}
LONG = "x" * 3_000_000
GARBAGE = (
    "",
    "hello",
    "{",
    "[]",
    "[2]",
    "[2,3]",
    '[2,"a"]',
    '[2,"a","Reset"]',
    '[2,"a","Reset","Soft"]',
    '[2,"a",7,{}]',
    '[2,{},"Reset",{}]',
    '[9,"a","Reset",{}]',
    '[3,"nobody asked",{}]',
    '[4,"nobody asked","InternalError","",{}]',
    '[2,"a","Reset",{"type":"Soft","colour":"red"}]',
    '{"op":"state"}',
    "null",
    "[" * 100_000,
    '[2,"a","Reset",{"type":1e999}]',
    b"\x00\xff binary",
)


class Log:
    """What processes said on stderr so far."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._said = ""

    def lines(self, *words: str) -> list[str]:
        """Lines that have all *words*."""
        self._said += self._capture.readouterr().err
        return [line for line in self._said.splitlines() if all(word in line for word in words)]


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Log:
    return Log(capfd)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    async with bench(directory) as made:
        yield made


@pytest.mark.parametrize(
    ("option", "meant"),
    [
        ("stations.id=1", 'did you mean "station"?'),
        ("policy.reclose_dely_s=1", 'did you mean "reclose_delay_s"?'),
        ("ocpp.HeartbeatIntervall=1", 'did you mean "HeartbeatInterval"?'),
        ("csms.ulr=ws://x", "url"),
    ],
)
def test_an_unknown_key_stops_the_start_with_a_suggestion(
    directory: Path, option: str, meant: str
) -> None:
    """A mistyped key must not be a setting that silently does nothing."""
    words = ["edge", "run", "--state-dir", str(directory), "-o", option]
    ended = subprocess.run(
        [sys.executable, "-m", "edge", *words], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    (sentence,) = [line for line in ended.stderr.splitlines() if line.startswith("tapwatt: ")]
    assert meant in sentence
    assert "Traceback" not in ended.stderr


async def test_without_a_central_system_cars_still_charge(bay: Bench, log: Log) -> None:
    """The missing peer is named with its address; what needs no line works."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    bay.start(*SWIFT, "ocpp.AllowOfflineTxForUnknownId=true", f"csms.url=ws://127.0.0.1:{port}/o")
    await until(lambda: log.lines("central_system_unreachable", str(port)))
    await bay.sim("plug", connector=1)
    await bay.tap()
    await bay.wait(status="Charging", contactor_closed=True)
    assert bay.daemon is not None
    assert end(bay.daemon) == 0
    assert log.lines("Traceback") == []


async def test_without_a_meter_no_session_starts_and_the_neighbour_works(
    bay: Bench, log: Log
) -> None:
    """Energy that nobody can measure is not sold; one dead meter on the bus stops only its own."""
    await bay.sim("meter.fail", connector=1, mode="timeout")
    bay.start(*SWIFT, *RETRYING)
    await until(lambda: log.lines("driver=meter-1", "check A/B wiring"))
    await bay.wait(status="Faulted", errorCode="PowerMeterFailure")
    await bay.sim("plug", connector=1)
    await bay.sim("plug", connector=2)
    await bay.tap()
    charging = {"connectors.2.status": "Charging", "connectors.2.contactor_closed": True}
    await bay.sim("wait", condition=charging, timeout_s=WITHIN_S)
    await bay.tap()
    await bay.sim("wait", condition={"connectors.2.session": None}, timeout_s=WITHIN_S)
    state = await bay.sim("state")
    assert state["connectors"]["1"]["session"] is None
    assert not state["connectors"]["1"]["contactor_closed"]
    assert {start["connectorId"] for start in bay.central.payloads("StartTransaction")} == {2}


async def test_without_a_reader_the_central_system_can_start(bay: Bench, log: Log) -> None:
    """A dead reader is told and costs nothing but the cards."""
    await bay.sim("reader.fail", reader=0, on=True)
    bay.start(*SWIFT, *RETRYING)
    await until(lambda: log.lines("driver=reader-0", "check power"))
    await until(lambda: bay.central.statuses(1))
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    asked = {"idTag": "REMOTE", "connectorId": 1}
    answer = await bay.central.command("r", "RemoteStartTransaction", asked)
    assert answer == {"status": "Accepted"}
    await bay.wait(status="Charging", contactor_closed=True)


async def test_garbage_from_the_central_system_ends_nothing(bay: Bench, log: Log) -> None:
    """Each frame is judged, the line may be dropped and is made again, charging goes on."""
    bay.start(*SWIFT)
    await until(lambda: bay.central.statuses(1))
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.tap()
    await bay.wait(status="Charging", contactor_closed=True)
    for frame in (*GARBAGE, LONG):
        await say(bay.central, frame)
    await until(lambda: takes_commands(bay.central))
    state = await bay.wait(contactor_closed=True, status="Charging")
    assert state["state"]["connectors"]["1"]["session"]
    assert log.lines("Traceback") == []
    assert bay.daemon is not None
    assert bay.daemon.poll() is None
    await bay.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
    refused = await answer_to(bay.central, "u", "FlyToTheMoon", {})
    assert refused == "NotImplemented"
    answer = await answer_to(bay.central, "d", "DataTransfer", {"vendorId": "nobody"})
    assert answer["status"] == "UnknownVendorId"


async def answer_to(central: Central, call_id: str, action: str, payload: dict[str, Any]) -> Any:
    """Ask on the line there is, or, if the last frame's judgement takes that away, on the next."""
    while True:
        await until(lambda: takes_commands(central))
        try:
            return await central.command(call_id, action, payload)
        except ConnectionClosed:
            continue


async def say(central: Central, frame: str | bytes) -> None:
    """Send *frame* on the line there is, or on the next one."""
    for _ in range(2):
        await until(lambda: takes_commands(central))
        assert central.connection is not None
        try:
            await central.connection.send(frame)
        except ConnectionClosed:
            continue
        return


def takes_commands(central: Central) -> bool:
    return central.connection is not None and central.connection.close_code is None


@pytest.fixture
def csms(directory: Path) -> Iterator[dict[str, Any]]:
    """The central system as a process, with its addresses."""
    words = ["csms", "run", "--accept-unknown", "--state-dir", str(directory / "c")]
    process, addresses = ready_process([*words, "--ocpp-port", "0", "--http-port", "0"])
    yield {**addresses, "process": process}
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0


async def test_garbage_from_stations_ends_nothing(csms: dict[str, Any], log: Log) -> None:
    """Strangers on the port, broken frames, unknown actions: others are served meanwhile."""
    async with station(csms, "GOOD") as good:
        assert (await asked(good, "1", "BootNotification", BOOT))["status"] == "Accepted"
        for raw in (b"\x16\x03\x01" + b"\x00" * 300, b"GET / HTTP/1.1\r\n\r\n", b"\r\n" * 9):
            knock(csms["ocpp"], raw)
            knock(csms["http"], raw)
        for frame in (*GARBAGE, LONG):
            async with station(csms, "BAD") as bad:
                await bad.send(frame)
                await judged(bad)
        async with station(csms, "ODD") as odd:
            await odd.send('[2,"x","FlyToTheMoon",{}]')
            assert json.loads(await odd.recv())[:3] == [4, "x", "NotImplemented"]
            await odd.send('[2,"y","BootNotification",{"chargePointVendor":1}]')
            assert json.loads(await odd.recv())[:2] == [4, "y"]
            assert (await asked(odd, "z", "BootNotification", BOOT))["status"] == "Accepted"
        assert "currentTime" in await asked(good, "2", "Heartbeat", {})
    assert csms["process"].poll() is None
    assert log.lines("Traceback") == []


def station(csms: dict[str, Any], name: str) -> connect:
    return connect(f"{csms['ocpp']}/{name}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None)


async def asked(line: ClientConnection, unique_id: str, action: str, payload: Any) -> Any:
    """The payload of the CALLRESULT to a CALL; what we are called meanwhile is passed over."""
    await line.send(json.dumps([2, unique_id, action, payload]))
    while (frame := json.loads(await line.recv()))[0] == CALL:
        pass
    kind, answered, answer = frame
    assert (kind, answered) == (3, unique_id)
    return answer


async def judged(line: ClientConnection) -> None:
    """Wait until all before has been read: a CALL behind it is answered, or the line is closed."""
    try:
        await line.send(json.dumps([2, "behind", "BootNotification", BOOT]))
        while json.loads(await line.recv())[:2] != [3, "behind"]:
            pass
    except ConnectionClosed:
        return


def knock(address: str, raw: bytes) -> None:
    """Say *raw* to a port and hang up."""
    host, port = address.split("/")[2].split(":")
    with socket.create_connection((host, int(port))) as door:
        door.sendall(raw)
