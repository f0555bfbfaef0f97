"""The process: readiness by a line on a pipe, a clean end by signal, one sentence for a mistake."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from csms_lite.settings import Settings

PROGRAM = """
import argparse, sys
from csms_lite.cli import verbs
parser = argparse.ArgumentParser()
verbs(parser)
arguments = parser.parse_args()
sys.exit(arguments.func(arguments))
"""
ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 10.0  # with a stream open uvicorn left alone would never end; not a speed test


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, *words]


@contextmanager
def started(
    state_dir: Path, *words: str
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    reading, writing = os.pipe()
    ports = ("--ocpp-port", "0", "--http-port", "0", "--ready-fd", str(writing))
    process = subprocess.Popen(
        command("run", "--accept-unknown", "--state-dir", str(state_dir), *ports, *words),
        cwd=ROOT,
        pass_fds=[writing],
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield process, json.loads(pipe.read())
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_a_stream_and_a_station(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Both ports are served until the signal, then all ends in time and with status 0."""
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    with started(tmp_path) as (process, ready):
        with connect(f"{ready['ocpp']}/CP-1", subprotocols=[Subprotocol("ocpp1.6")]) as station:
            station.send(
                '[2,"1","BootNotification",{"chargePointVendor":"a","chargePointModel":"b"}]'
            )
            assert json.loads(station.recv())[2]["status"] == "Accepted"
            with urllib.request.urlopen(f"{ready['http']}/", timeout=5) as page:
                code = page.url.rsplit("/", 1)[1]
            url = f"{ready['http']}/api/public/stations/{code}/events"
            with urllib.request.urlopen(url, timeout=5) as stream:
                assert stream.readline() == b"event: status\n"
                began = time.monotonic()
                process.send_signal(number)
                with pytest.raises(ConnectionClosed) as closed:
                    list(station)  # what it was asked before, such as about its local list
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1012
                stream.read()
            _, said = process.communicate(timeout=10)
        assert time.monotonic() - began < ENDS_WITHIN_S
        assert process.returncode == 0
        assert b"Traceback" not in said


def test_the_token_is_printed(tmp_path: Path) -> None:
    """What the operator needs first."""
    missing = subprocess.run(
        command("token", "--state-dir", str(tmp_path)), cwd=ROOT, capture_output=True, check=False
    )
    assert missing.returncode == 2
    assert b"csms run" in missing.stderr
    (tmp_path / "token").write_text("abc\n")
    found = subprocess.run(
        command("token", "--state-dir", str(tmp_path)), cwd=ROOT, capture_output=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, b"abc\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--http-port", "70000"], b"http_port"),
        (["--heartbeat-s", "1"], b"heartbeat_s"),
    ],
)
def test_a_bad_setting_is_one_sentence(tmp_path: Path, words: list[str], said: bytes) -> None:
    """No traceback for what an installer can mend."""
    ended = subprocess.run(
        command("run", "--state-dir", str(tmp_path), *words),
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_zone_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    """Budgets would begin at the wrong midnight."""
    ended = subprocess.run(
        command("run", "--state-dir", str(tmp_path)),
        cwd=ROOT,
        env={**os.environ, "TAPWATT_CSMS_TIMEZONE": "Mars/Olympus"},
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert ended.returncode == 2
    assert b"no time zone 'Mars/Olympus'" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """The installer learns which port, and that 0 takes any."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            command("run", "--state-dir", str(tmp_path), "--ocpp-port", port),
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=20,
        )
    assert ended.returncode == 2
    assert f"port {port}".encode() in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_every_setting_is_told_with_what_it_does() -> None:
    """No setting that only readers of the source know."""
    done = subprocess.run(command("settings"), cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert "TAPWATT_CSMS_HEARTBEAT_S=60" in lines
    assert all(len(what.strip()) > 20 for what in lines[1::2]), lines
    assert len(lines) == 2 * len(Settings.model_fields)
