"""A log that takes nothing costs the log: a disk that is full, a pipe that nobody reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.control.client import ask

pytestmark = pytest.mark.together

WITHIN_S = 60.0
RUNS = {
    "edge": "edge run --config FOLDER/edge.toml --state-dir FOLDER/edge",
    "csms": "csms run --state-dir FOLDER/csms --ocpp-port 0 --http-port 0",
}
EDGE_TOML = """hardware = "stand_in"
[csms]
url = "ws://127.0.0.1:9/ocpp"
[connectors.1.evse]
kind = "gpio"
coil = 17
plug = 22
[buses.rs485]
kind = "rtu"
port = "/dev/null"
[connectors.1.meter]
kind = "modbus"
bus = "rs485"
model = "sdm120"
unit = 1
"""


def full() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def deaf() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="tw") as made:
        (Path(made) / "edge.toml").write_text(EDGE_TOML)
        yield Path(made)


@pytest.mark.parametrize("kind", sorted(RUNS))
@pytest.mark.parametrize("log", [full, deaf])
def test_it_runs_and_ends_as_with_a_log(folder: Path, kind: str, log: Callable[[], int]) -> None:
    """It gets ready, and SIGTERM ends it with 0; the controller is asked meanwhile."""
    read, write = os.pipe()
    words = [*RUNS[kind].replace("FOLDER", str(folder)).split(), "--ready-fd", str(write)]
    with ExitStack() as stack:
        lost = log()
        stack.callback(os.close, lost)
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", *words], stdout=lost, stderr=lost, pass_fds=[write]
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        os.close(write)
        with os.fdopen(read) as ready:
            assert ready.readline(), f"it ended with {process.wait(WITHIN_S)}"
        if kind == "edge":
            assert ask(folder / "edge" / "control.sock", "status")["online"] is False
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
