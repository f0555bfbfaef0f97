"""The real daemon on the simulated bay, as a test sees it: hands, cards, cables, power and time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from edge.control.client import ask
from tests.spec.central import Central, Frame
from tests.waiting import WITHIN_S, until_now

ROOT: Final = Path(__file__).parents[2]
CARD: Final = "04A2B1C3D4E580"
OTHER: Final = "04FFEEDDCCBB80"
THIRD: Final = "DEADBEEF"
NAME: Final = "SPEC-1"
HELD_S: Final = 0.3
AWAY_S: Final = 0.4  # the simulated reader queues cards that come sooner
TAPS_MOST: Final = 5  # a busy machine may not look within HELD_S
ENERGY: Final = "Energy.Active.Import.Register"

SWIFT: Final[Mapping[str, Mapping[str, object]]] = {
    "station": {"id": NAME, "serial": "TW-0001", "firmware": "1.0.0"},
    "csms": {"backoff_first_s": 0.1, "backoff_max_s": 0.3},
    "ocpp": {
        "HeartbeatInterval": 300,
        "ConnectionTimeOut": 30,
        "TransactionMessageRetryInterval": 1,
        "MessageTimeout": 3,
    },
    "policy": {
        "stop_start_dead_time_s": 0.0,
        "start_stop_dead_time_s": 0.0,
        "reclose_delay_s": 0.3,
        "boot_retry_s": 1.0,
    },
    "supervision": {"retry_first_s": 0.1, "retry_most_s": 0.5},
    "simulated": {"connectors": 2},
}
"""No waits that only people need; everything else as delivered."""


def _started(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Run `tapwatt …` and return when it says that it is ready."""
    read, write = os.pipe()
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", *words, "--ready-fd", str(write)],
            pass_fds=[write],
            cwd=ROOT,
            stdout=stderr,
            stderr=stderr,
        )
    os.close(write)
    with os.fdopen(read) as pipe:
        line = pipe.readline()
    assert line, f"{words} ended with {process.wait()}:\n{log.read_text()[-3000:]}"
    return process


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


class Station:
    """A charge point with two connectors and one card reader, and the world around it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.central: Central
        self._daemon: subprocess.Popen[bytes] | None = None
        self._log = directory / "log"
        self._reader_free_at = 0.0

    # ── life ─────────────────────────────────────────────────────────────────────────────────────

    def start(self, **tables: Mapping[str, object]) -> None:
        """Start the daemon with `SWIFT` and *tables* over it; state of an earlier run is kept."""
        csms = {**SWIFT["csms"], "url": self.central.url}
        merged: dict[str, Mapping[str, object]] = {**SWIFT, "csms": csms}
        for name, table in tables.items():
            merged[name] = {**merged.get(name, {}), **table}
        lines = ['hardware = "simulated"']
        for name, table in merged.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {_literal(value)}" for key, value in table.items()]
        (self.directory / "edge.toml").write_text("\n".join(lines))
        self._run()

    def _run(self) -> None:
        words = ["edge", "run", "--config", str(self.directory / "edge.toml")]
        words += ["--state-dir", str(self.directory / "d"), "--sim-socket", self.socket]
        self._daemon = _started(words, self._log)

    def restart(self) -> None:
        """Start again as before, after a power cut or an end."""
        self._run()

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the daemon, if it lives."""
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.send_signal(number)
            self._daemon.wait(5)
        self._daemon = None

    def await_exit(self, within_s: float = 10.0) -> int:
        """Return the exit status once the daemon has ended by itself."""
        assert self._daemon is not None
        return self._daemon.wait(within_s)

    @property
    def alive(self) -> bool:
        """Whether the daemon runs."""
        return self._daemon is not None and self._daemon.poll() is None

    @property
    def socket(self) -> str:
        """The simulated bay's control socket."""
        return str(self.directory / "s")

    def wipe(self) -> None:
        """Forget everything: no daemon, no state, nothing plugged, nothing broken."""
        self.end()
        shutil.rmtree(self.directory / "d", ignore_errors=True)
        for connector in (1, 2):
            self.sim("clear", connector=connector)
            self.sim("lock", connector=connector, mode="ok")
            self.sim("meter.fail", connector=connector, mode="none")
            self.sim("ev", connector=connector, state="C", draw_w=7400.0)
            self.sim("temperature", connector=connector, celsius=25.0)
            self.sim("lock", connector=connector, mode="absent")
            self.sim("unplug", connector=connector)
            self.sim("lock", connector=connector, mode="ok")
        self.sim("reader.fail", reader=0, on=False)

    # ── the world ────────────────────────────────────────────────────────────────────────────────

    def sim(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Ask the simulated bay."""
        answer = ask(self.socket, verb, **arguments)
        assert "error" not in answer, f"{verb} {arguments}: {answer['error']}"
        return answer

    def plug(self, connector: int = 1, side: str = "both") -> None:
        """Put the cable in."""
        self.sim("plug", connector=connector, side=side)

    def unplug(self, connector: int = 1, side: str = "both") -> None:
        """Pull the cable."""
        self.sim("unplug", connector=connector, side=side)

    def tap(self, uid: str = CARD) -> None:
        """Hold a card to the reader once the one before is away, again if nobody looked at it."""
        self.sim("wait", condition={"attached": True})
        before = self._taps_taken()
        for _ in range(TAPS_MOST):
            until_now(lambda: time.monotonic() >= self._reader_free_at)
            self.sim("card", uid=uid, for_s=HELD_S)
            self._reader_free_at = time.monotonic() + HELD_S + AWAY_S
            until_now(
                lambda: self._taps_taken() > before or time.monotonic() >= self._reader_free_at
            )
            if self._taps_taken() > before:
                return
        raise AssertionError(f"the daemon took none of {TAPS_MOST} taps")

    def _taps_taken(self) -> int:
        return self._log.read_bytes().count(b"tag_presented")

    def wait(self, connector: int = 1, timeout_s: float = 15.0, **wanted: Any) -> dict[str, Any]:
        """Wait until *connector* is as *wanted* says, in words of the snapshot."""
        condition = {f"connectors.{connector}.{name}": value for name, value in wanted.items()}
        answer = self.sim("wait", condition=condition, timeout_s=timeout_s)
        state: dict[str, Any] = answer["state"]["connectors"][str(connector)]
        return state

    def await_online(self) -> None:
        """Wait until the central system has accepted us and every status is told."""
        self.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)

    def state(self) -> dict[str, Any]:
        """The daemon's and the world's own snapshot."""
        return self.sim("state")

    def transfer(self, *words: str) -> tuple[int, str, str]:
        """`tapwatt edge transfer …` of the installed command: exit status, output, errors."""
        command = [sys.executable, "-m", "edge", "edge", "transfer", *words]
        command += ["--state-dir", str(self.directory / "d")]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    def lock(self, connector: int = 1) -> str:
        """Whether the world's bolt is `locked` or `unlocked`."""
        return str(self.state()["connectors"][str(connector)]["lock"])

    def is_closed(self, connector: int = 1) -> bool:
        """Whether the contactor is closed, as the world has it."""
        return bool(self.sim("world")["connectors"][str(connector)]["contactor_closed"])

    # ── reusable states ──────────────────────────────────────────────────────────────────────────

    def booted(self, **tables: Mapping[str, object]) -> Station:
        """Start, wait for acceptance, for the statuses of 0 and both connectors, and the event."""
        self.start(**tables)
        self.central.expect("BootNotification")
        for connector in (0, 1, 2):
            self.central.expect_status(connector, "Available")
        self.central.expect("SecurityEventNotification", type="StartupOfTheDevice")
        return self

    def charging(self, connector: int = 1, tag: str = CARD) -> Frame:
        """Plug, tap, energy flows; returns the StartTransaction."""
        self.plug(connector)
        self.central.expect_status(connector, "Preparing")
        self.tap(tag)
        self.central.expect("Authorize", idTag=tag)
        start = self.central.expect("StartTransaction", connectorId=connector, idTag=tag)
        self.central.expect_status(connector, "Charging")
        self.wait(connector, contactor_closed=True)
        self.central.forget()
        return start

    def transaction(self, connector: int = 1) -> int:
        """The transactionId that the charge point knows for *connector*."""
        bound = self.wait(connector, session={"not": None})
        state = self.sim(
            "wait",
            condition={f"connectors.{connector}.session.transactionId": {"not": None}},
            timeout_s=15,
        )["state"]["connectors"][str(connector)]
        assert bound
        return int(state["session"]["transactionId"])

    def cached(self, tag: str = CARD) -> None:
        """A full session of *tag*, so that the cache knows it (IdTagCached)."""
        self.charging(1, tag)
        self.tap(tag)
        self.central.expect("StopTransaction")
        self.central.expect_status(1, "Finishing")
        self.unplug(1)
        self.central.expect_status(1, "Available")

    def configure(self, key: str, value: object) -> None:
        """ChangeConfiguration, which must be Accepted."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        answer = self.central.call("ChangeConfiguration", key=key, value=text)
        assert answer == {"status": "Accepted"}, f"{key}={text}: {answer}"

    def value(self, key: str) -> str | None:
        """What GetConfiguration says of *key*."""
        answer = self.central.call("GetConfiguration", key=[key])
        (entry,) = answer["configurationKey"]
        found: str | None = entry.get("value")
        return found

    def heard(self) -> None:
        """Return once the daemon has the answer to every frame that came so far.

        The answer to the first question shows that the frames before it are answered; the second
        question stands behind those answers on the wire.
        """
        for _ in range(2):
            self.value("HeartbeatInterval")

    def cut_off(self) -> None:
        """Take the line to the central system away, with no answer on it."""
        self.heard()
        self.sim("net", mode="down")
        self.sim("wait", condition={"online": False})

    def reconnect(self) -> None:
        """Give it back."""
        self.sim("net", mode="up")
        self.await_online()


@contextmanager
def station(*world: str) -> Iterator[Station]:
    """A world process with nothing attached; *world* are further words for `sim serve`."""
    directory = Path(tempfile.mkdtemp(prefix="tws"))
    words = ["sim", "serve", "--socket", str(directory / "s"), "--draw-w", "7400"]
    process = _started([*words, "--ev-delay-s", "0.05", *world], directory / "world.log")
    made = Station(directory)
    try:
        yield made
    finally:
        made.end()
        process.terminate()
        process.wait(5)
        shutil.rmtree(directory)
