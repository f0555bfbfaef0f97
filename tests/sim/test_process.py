"""The bay as processes: `tapwatt sim …`, worlds that outlive their daemon or do not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.cli import sim
from edge.control.client import ask
from edge.errors import ConfigError, DriverError
from edge.sim.wires import BayWanted, attach
from tests.sim.bays import TestDaemon
from tests.waiting import until_now

SERVE = (sys.executable, "-m", "edge.cli.sim", "serve")
ROOT = Path(__file__).parents[2]

DAEMON = """
import asyncio, sys
from gpiozero import DigitalOutputDevice
from edge.sim.wires import BayWanted, Hooks, attach

def nothing(*_): return {}

async def main():
    hooks = Hooks(
        net=nothing,
        clock=nothing,
        power=nothing,
        reset_state=nothing,
        snapshot=dict,
        fail_firmware=nothing,
        fail_locallist=nothing,
        disk=nothing,
        datatransfer=nothing,
        security_event=nothing,
    )
    async with attach(sys.argv[1], hooks, BayWanted()) as bay:
        pin = bay.tables["connectors"]["1"]["evse"]["coil"]
        coil = DigitalOutputDevice(pin, pin_factory=bay.pin_factory)
        coil.on()
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A bay in a process of its own, ready."""
    path = tmp_path / "w.sock"
    read, write = os.pipe()
    command = [*SERVE, "--socket", str(path), "--ready-fd", str(write), "--meter-bus", "tcp"]
    process = subprocess.Popen(command, pass_fds=(write,), cwd=ROOT)
    os.close(write)
    with os.fdopen(read) as ready:
        told = json.loads(ready.readline())
    assert told["tables"]["buses"]["meters"]["port"] > 0
    yield process, path
    process.kill()
    process.wait()


@contextmanager
def serving(path: Path) -> Iterator[None]:
    """A bay of its own process at *path*."""
    world = subprocess.Popen([*SERVE, "--socket", str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert world.stdout is not None
    try:
        assert b"simulated bay" in world.stdout.readline()
        yield
    finally:
        world.kill()
        world.wait()
        world.stdout.close()


def run(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> tuple[int, str, str]:
    status = sim.main([*words, "--sim-socket", str(path)])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_the_command_speaks_for_every_verb(
    world: tuple[subprocess.Popen[bytes], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Words on the command line become arguments by name."""
    _, path = world
    for words in (
        "plug 1 --side both --bounces 2",
        "unplug 1 --side ev",
        "ev 2 C --draw-w 7400",
        "card 04A2B1C3D4E580 --for-s 0.1 --connectors 1,2",
        "meter 1 --energy-wh 1000 --voltage 231 --current 1,2,3 --soc 40 --time-scale 2",
        "meter 1 --rollover-wh 1e6",
        "meter.fail 1 crc",
        "fault 1 rcd --vendor-code X",
        "clear 1",
        "lock 1 ok",
        "reader.fail 0 on --mode garbled",
        "reader.fail 0 on --mode late",
        "fault 0 undervoltage_5v",
        "button estop hold --connector 2",
        "power kill",
        "wait connectors.1.plugged=true connectors.1.pilot!=B outbox=null --timeout-s 1",
    ):
        status, out, err = run(capsys, path, *words.split())
        assert (status, err) == (0, ""), words
        assert json.loads(out)["ok"]
    truth: dict[str, Any] = json.loads(run(capsys, path, "world")[1])
    assert truth["connectors"]["1"]["energy_wh"] == 1000.0
    assert truth["connectors"]["2"]["faults"] == ["emergency_stop"]
    state = json.loads(run(capsys, path, "state")[1])
    assert state["attached"] is False


def test_the_command_sets_a_line_of_meters_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A serial one, which has an address for each meter and a speed for all."""
    path = tmp_path / "w.sock"
    with serving(path):
        for words in ("meter.unit 2 1", "bus --name meters --fault held --baudrate 19200"):
            assert run(capsys, path, *words.split()) == (0, '{"ok": true}\n', "")
        truth = json.loads(run(capsys, path, "world")[1])
    assert truth["buses"]["meters"] == {"fault": "held", "baudrate": 19200, "parity": "N"}


def test_the_command_fails_with_the_sentence(
    world: tuple[subprocess.Popen[bytes], Path],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Exit status 1, the sentence on stderr."""
    _, path = world
    assert run(capsys, path, "plug", "9") == (1, "", "there is no connector 9, only 1 to 2\n")
    assert run(capsys, path, "net", "down")[0] == 1
    status, _, err = run(capsys, tmp_path / "none", "state")
    assert (status, "is it running" in err) == (1, True)
    status, _, err = run(capsys, path, "wait", "online", "--timeout-s", "0.01")
    assert (status, "online is False" in err) == (1, True)


def test_the_socket_comes_from_the_environment(
    world: tuple[subprocess.Popen[bytes], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without --sim-socket the variable counts."""
    monkeypatch.setenv(sim.SOCKET_VARIABLE, str(world[1]))
    assert sim.main(["plug", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]


def test_sigterm_ends_the_world_in_two_seconds_and_takes_the_socket_with_it(
    world: tuple[subprocess.Popen[bytes], Path],
) -> None:
    """Also while somebody is connected."""
    process, path = world
    listener = subprocess.Popen(
        [sys.executable, "-m", "edge.cli.sim", "events", "--sim-socket", str(path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert listener.stdout is not None
    assert json.loads(listener.stdout.readline())["attached"] is False
    process.send_signal(signal.SIGTERM)
    assert process.wait(2) == 0
    assert listener.wait(2) == 0
    listener.stdout.close()
    assert not path.exists()


def test_the_contactor_stays_closed_when_the_daemon_is_killed(tmp_path: Path) -> None:
    """SIGKILL is not a power cut: the world lives on, pins as left."""
    path = tmp_path / "w.sock"
    with serving(path):
        daemon = subprocess.Popen([sys.executable, "-c", DAEMON, str(path)], cwd=ROOT)
        closed = {"connectors.1.contactor_closed": True, "attached": True}
        assert "ok" in ask(path, "wait", condition=closed)
        daemon.kill()
        daemon.wait()
        assert "ok" in ask(path, "wait", condition={"attached": False})
        assert ask(path, "world")["connectors"]["1"]["coil"] is True


def test_the_verb_kills_the_process_and_leaves_its_outputs(tmp_path: Path) -> None:
    """`process kill`: the coil stays as it was, where `power kill` would drop it."""
    path = tmp_path / "own.sock"
    with serving(path):
        daemon = subprocess.Popen([sys.executable, "-c", DAEMON, str(path)], cwd=ROOT)
        closed = {"connectors.1.contactor_closed": True, "attached": True}
        assert "ok" in ask(path, "wait", condition=closed)
        assert ask(path, "process", mode="kill") == {"ok": True, "daemon": "died"}
        assert daemon.wait() == -signal.SIGKILL
        truth = ask(path, "world")["connectors"]["1"]
        assert (truth["coil"], truth["contactor_closed"]) == (True, True)


async def test_a_daemon_without_a_world_brings_its_own(tmp_path: Path) -> None:
    """It listens where it was wanted, and ends with the daemon."""
    path = tmp_path / "own.sock"
    async with attach(path, TestDaemon().hooks(), BayWanted(draw_w=5.0)) as attached:
        assert attached.tables["readers"]["0"]["kind"] == "pn532"
        truth = await asyncio.to_thread(ask, path, "world")
        assert truth["attached"] is True
    with pytest.raises(ConfigError):
        await asyncio.to_thread(ask, path, "world")


def test_a_world_of_ones_own_ends_even_when_the_daemon_is_killed(tmp_path: Path) -> None:
    """Nothing is left running."""
    path = tmp_path / "own.sock"
    daemon = subprocess.Popen([sys.executable, "-c", DAEMON, str(path)], cwd=ROOT)
    try:
        until_now(lambda: _closed(path))
    finally:
        daemon.kill()
        daemon.wait()
    until_now(lambda: not path.exists())


async def test_a_world_that_cannot_start_is_an_error_not_a_wait(tmp_path: Path) -> None:
    """The child's own message is on stderr."""
    with pytest.raises(DriverError, match="ended while starting"):
        async with attach(tmp_path / "x", TestDaemon().hooks(), BayWanted(connectors=7)):
            pass


def _closed(path: Path) -> bool:
    try:
        return bool(ask(path, "world")["connectors"]["1"]["contactor_closed"])
    except ConfigError:
        return False
