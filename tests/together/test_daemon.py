"""The whole daemon: the patience and the pings of its line, and a restart that fails."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.spec.central import Central
from tests.spec.station import ROOT, Station, station
from tests.waiting import until_now

pytestmark = pytest.mark.together
NOBODY = "ws://127.0.0.1:9/ocpp"  # the port of discard, where nothing listens
FIRST_S = 0.3
WITHOUT_INTERPRETER = """
import sys
from edge.cli import main

sys.executable = "/nowhere/python"
main(sys.argv[1:])
"""


@pytest.fixture
def central() -> Iterator[Central]:
    made = Central()
    with made.open():
        yield made


@pytest.fixture
def point(central: Central) -> Iterator[Station]:
    with station() as made:
        made.central = central
        yield made


def failures_kept(point: Station) -> int:
    """How often dialling failed in a row, as the journal of the dead daemon has it."""
    with closing(sqlite3.connect(point.directory / "d" / "journal.sqlite3")) as journal:
        (found,) = journal.execute("SELECT coalesce(max(failures), 0) FROM backoff").fetchone()
    return int(found)


def dials(point: Station) -> int:
    """How many dials have failed so far."""
    return (point.directory / "log").read_text().count("central_system_unreachable")


def test_patience_outlives_a_power_cut_and_ends_with_an_accepted_boot(
    point: Station, central: Central
) -> None:
    """Issue 3, 3: a car park that restarts does not storm a central system that is down."""
    waits = {"backoff_first_s": FIRST_S, "backoff_max_s": 60.0}
    point.start(csms={**waits, "url": NOBODY})
    until_now(lambda: dials(point) >= 4, within_s=20)
    point.sim("power", mode="kill")
    point.await_exit()
    kept = failures_kept(point)
    assert kept >= 3
    began = time.monotonic()
    point.start(csms=waits)
    central.await_line(1, within_s=30)
    assert time.monotonic() - began >= 0.8 * FIRST_S * 2 ** (kept - 1)
    central.expect("BootNotification")
    point.await_online()
    assert point.value("NumberOfConnectors") == "2"  # told after the row that says we are served
    point.sim("power", mode="kill")
    point.await_exit()
    assert failures_kept(point) == 0


def test_a_peer_that_died_is_noticed_within_interval_and_time_out(
    point: Station, central: Central
) -> None:
    """S 9.1.34: the key holds at once, for the line on which it was set."""
    point.booted(csms={"ping_timeout_s": 0.5}, ocpp={"WebSocketPingInterval": 0})
    point.configure("WebSocketPingInterval", 1)
    point.sim("net", mode="blackhole")
    point.sim("wait", condition={"online": False}, timeout_s=1 + 0.5 + 3)
    point.reconnect()
    assert central.lines == 2


def test_a_reset_that_fails_is_tried_as_often_as_the_key_says(
    point: Station, central: Central
) -> None:
    """S 9.1.22: an upgrade has taken the interpreter away; the exit status tells the supervisor."""
    point.booted(ocpp={"ResetRetries": 2})
    point.end()
    words = ["edge", "run", "--config", str(point.directory / "edge.toml")]
    words += ["--state-dir", str(point.directory / "d"), "--sim-socket", point.socket]
    with subprocess.Popen(
        [sys.executable, "-c", WITHOUT_INTERPRETER, *words],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        central.await_line(2)
        central.expect("BootNotification")
        assert central.call("Reset", type="Hard") == {"status": "Accepted"}
        _, said = process.communicate(timeout=30)
    assert said.count("restart_failed") == 1 + 2
    assert process.returncode == 1
