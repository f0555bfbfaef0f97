"""`tapwatt demo` as people run it: the story, the invitation, and an end that leaves nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import pytest

from edge.control.client import ask
from tests.waiting import WITHIN_S, until_now

pytestmark = [pytest.mark.together, pytest.mark.slow]

DEMO = [sys.executable, "-m", "edge", "demo"]
LAST_LINE = re.compile(
    r"sessions=3 energy_world_wh=(\d+) energy_csms_wh=(\d+) lost=0 twice=0", re.ASCII
)
STORY_S = 60
SECOND_START_S = 5  # or half as much again as the first start, where others keep the machine busy
END_S = 30  # only a failure waits so long


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@dataclass
class Running:
    """A demo that runs, with all it has said."""

    process: subprocess.Popen[str]
    directory: Path
    started_s: float = 0.0
    said: list[str] = field(default_factory=list)

    def hear(self, words: str) -> str:
        """Read on until a line with *words*."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return line
        pytest.fail(f"the demo ended without saying {words}: {''.join(self.said)}")

    def address(self, words: str) -> tuple[str, int]:
        """Host and port after *words* in what was said."""
        found = re.search(re.escape(words) + r"\w+://([\d.]+):(\d+)", "".join(self.said))
        assert found, self.said
        return found[1], int(found[2])

    def children(self) -> list[int]:
        """Its processes: central system, bay, controller."""
        pid = self.process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(child) for child in listed.split()]

    def child(self, word: str) -> int:
        """The one that runs `tapwatt *word* …`."""
        return next(pid for pid in self.children() if word in command_of(pid))


def command_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")


def runs(pid: int) -> bool:
    """Whether it lives; one that nobody has buried yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def is_free(address: tuple[str, int]) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(address) != 0


@pytest.fixture
def demo(directory: Path) -> Iterator[Running]:
    """A demo with its invitation printed; ended by force if the test did not end it."""
    yield (running := started(directory))
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=END_S)


def started(directory: Path) -> Running:
    words = [*DEMO, "--ocpp-port", "0", "--http-port", "0", "--state-dir", str(directory)]
    began = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    running = Running(process, directory)
    running.hear("Ctrl-C ends everything")
    running.started_s = time.monotonic() - began
    return running


def test_the_scripted_story_agrees_with_the_world() -> None:
    """Cut line, offline session and power cut: nothing lost, nothing twice, within a minute."""
    ended = subprocess.run(
        [*DEMO, "--scripted"], capture_output=True, text=True, timeout=STORY_S, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    *steps, last = ended.stdout.splitlines()
    counted = LAST_LINE.fullmatch(last)
    assert counted, last
    world_wh, csms_wh = int(counted[1]), int(counted[2])
    assert world_wh > 20
    assert abs(world_wh - csms_wh) <= 3
    told = "\n".join(steps)
    for words in ("charging at 7.4 kW", "samples go on", "offline", "power cut", "PowerLoss"):
        assert words in told
    assert all(re.match(r" *\d+\.\d s  \S", step) for step in steps)


def test_ctrl_c_leaves_nothing_running(demo: Running) -> None:
    """The page is there; after SIGINT no process of ours is, and the ports are free."""
    page = "http://{}:{}/c/DEMO".format(*demo.address("people at "))
    assert f"The driver's page:  {page}\n" in demo.said
    screen = re.search(r"The screen on the charging point:  (\S+)\?kiosk=1\n", "".join(demo.said))
    assert screen
    with urlopen(f"{screen[1]}api/public/stations/DEMO/status", timeout=5) as answer:
        assert json.load(answer)["source"] == "edge"
    with urlopen(page) as answer:
        assert "html" in answer.headers["content-type"]
    children = demo.children()
    assert len(children) == 3
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(timeout=END_S) == 0
    assert [pid for pid in children if runs(pid)] == []
    assert is_free(demo.address("people at "))
    assert is_free(demo.address("chargers at "))


def test_a_second_start_is_quick_and_remembers(demo: Running) -> None:
    """Meters keep their registers, the central system its sessions."""
    ask(demo.directory / "sim.sock", "meter", connector=1, energy_wh=1234.5)
    demo.process.send_signal(signal.SIGINT)
    demo.process.wait(timeout=END_S)
    again = started(demo.directory)
    world = ask(demo.directory / "sim.sock", "world")
    again.process.send_signal(signal.SIGTERM)
    again.process.communicate(timeout=END_S)
    assert world["connectors"]["1"]["energy_wh"] == pytest.approx(1234.5)
    assert again.started_s < max(SECOND_START_S, 1.5 * demo.started_s)


def test_a_killed_controller_is_told_and_started_again(demo: Running) -> None:
    """The demo is its service manager."""
    first = demo.child("--sim-socket")
    os.kill(first, signal.SIGKILL)
    assert "the controller has ended (killed by SIGKILL)" in demo.hear("has ended")
    demo.hear("runs again")
    assert demo.child("--sim-socket") != first
    condition = {"attached": True, "connectors.1.status": "Available"}
    answer = ask(demo.directory / "sim.sock", "wait", condition=condition, timeout_s=WITHIN_S)
    assert answer["ok"]


def test_a_killed_central_system_ends_the_demo_with_a_sentence(demo: Running) -> None:
    """Without it there is no page to show."""
    children = demo.children()
    os.kill(demo.child("csms"), signal.SIGKILL)
    assert "the central system has ended (killed by SIGKILL)" in demo.hear("has ended")
    assert demo.process.wait(timeout=END_S) == 1
    assert [pid for pid in children if runs(pid)] == []


def test_children_do_not_outlive_a_killed_demo(demo: Running) -> None:
    """Whatever ends the demo ends them."""
    children = demo.children()
    demo.process.kill()
    until_now(lambda: not any(runs(pid) for pid in children), within_s=END_S)


def test_a_taken_port_is_said_with_what_to_do(directory: Path) -> None:
    """One sentence, no traceback, nothing started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        words = ["--http-port", port, "--ocpp-port", "0", "--state-dir", str(directory)]
        ended = subprocess.run([*DEMO, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert port in ended.stderr
    assert "--http-port" in ended.stderr


def test_a_second_demo_in_the_same_place_is_refused(demo: Running) -> None:
    """Two would share one journal."""
    words = ["--http-port", "0", "--ocpp-port", "0", "--state-dir", str(demo.directory)]
    ended = subprocess.run([*DEMO, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "runs in" in ended.stderr
    assert demo.process.poll() is None
