"""A whole installation on this machine: central system, simulated bay and controller, in processes.

All of it lives in one directory. The meters' registers are kept there from run to run, as real ones
keep theirs; without them (the last run was killed) what the others remember is forgotten too.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.cli.central import Central
from edge.cli.children import Child
from edge.control.client import ask
from edge.drivers.system_clock import SystemClock
from edge.errors import ConfigError, EdgeError, SimulationError

STATION: Final = "TAPWATT-1"
NAME: Final = "Tapwatt demo"
CODE: Final = "DEMO"
CARDS: Final = ("04A2B1C3D4E580", "DEADBEEF")
TARIFF: Final = {"currency": "EUR", "per_kwh_minor": 42}
DRAW_W: Final = 7400.0
WITHIN_S: Final = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is installed: the options of bay and controller, and the bay in words."""

    bay: Sequence[str]
    edge: Sequence[str]
    words: str


OURS: Final = Plan(
    bay=("--draw-w", str(DRAW_W), "--connectors", "2", "--meter-bus", "rtu"),
    edge=(),
    words="two cars that draw 7.4 kW, a card reader, two meters on one RTU line",
)
"""What the demo shows."""


class Installation:
    """The three processes while they run; `open_installation` makes it."""

    def __init__(
        self, directory: Path, central: Central, others: Sequence[Child], edge_words: Sequence[str]
    ) -> None:
        self.directory = directory
        self.central = central
        self.others = others
        self._edge_words = edge_words
        self.edge = self._start_edge()
        self.page: str | None = None
        """The page that the controller serves itself, once it is ready, if it does."""

    def restart_edge(self) -> None:
        """Start the controller again after it has ended, and wait until it is ready."""
        self.edge.end()
        self.edge = self._start_edge()
        self.await_edge()

    def await_edge(self) -> None:
        """Wait until the controller is ready."""
        self.page = self.edge.ready()["page"]

    def bay(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Do something to the simulated bay; raises `SimulationError` if it refuses."""
        return _bay(self.directory, verb, **arguments)

    def until(self, within_s: float = WITHIN_S, **condition: Any) -> dict[str, Any]:
        """Wait for the bay's snapshot; `connectors__1__status` is `connectors.1.status`."""
        wanted = {name.replace("__", "."): value for name, value in condition.items()}
        answer = self.bay("wait", condition=wanted, timeout_s=within_s)
        state: dict[str, Any] = answer["state"]
        return state

    def end_edge(self) -> None:
        """End the controller."""
        self.edge.end()

    def _start_edge(self) -> Child:
        return Child("the controller", self._edge_words, self.directory / "edge.log")


@contextmanager
def open_installation(
    directory: Path,
    say: Say,
    *,
    ocpp_port: int = 0,
    http_port: int = 0,
    options: Sequence[str] = (),
    plan: Plan = OURS,
) -> Iterator[Installation]:
    """Start everything in *directory*, end everything with the block; *options* are the edge's.

    Raises `ConfigError` if another one runs in *directory*, `DriverError` if a process fails.
    """
    with ExitStack() as stack:
        stack.enter_context(_only_one(directory))
        registers = _take_registers(directory)
        for log in directory.glob("*.log"):
            log.unlink()
        central_process = Child(
            "the central system", _csms(directory, ocpp_port, http_port), directory / "csms.log"
        )
        stack.callback(central_process.end)
        world = Child("the simulated bay", _world(directory, plan), directory / "world.log")
        stack.callback(world.end)
        addresses = central_process.ready()
        say(f"central system: chargers at {addresses['ocpp']}, people at {addresses['http']}")
        world.ready()
        for connector, energy_wh in registers.items():
            _bay(directory, "meter", connector=int(connector), energy_wh=energy_wh)
        say(f"simulated bay: {plan.words}")
        token = (directory / "csms" / "token").read_text(encoding="ascii").strip()
        central = Central(addresses["http"], token, CODE, SystemClock())
        _prepare(central)
        words = [*_edge(directory, [f"csms.url={addresses['ocpp']}", *options]), *plan.edge]
        installation = Installation(directory, central, (central_process, world), words)
        stack.callback(_keep_registers, directory)
        stack.callback(installation.end_edge)
        installation.await_edge()
        say("controller: attached to the bay, its journal open")
        installation.until(boot="Accepted", connectors__1__status="Available")
        say("the central system has accepted the charging point")
        yield installation


def _prepare(central: Central) -> None:
    """Give the station its name, its driver's cards and a price."""
    central.ask("PUT", f"/api/chargers/{STATION}", {"name": NAME, "code": CODE})
    for card in CARDS:
        central.ask("PUT", f"/api/cards/{card}", {"status": "Accepted"})
    central.ask("PUT", "/api/tariff", TARIFF)


def _csms(directory: Path, ocpp_port: int, http_port: int) -> list[str]:
    ports = ["--ocpp-port", str(ocpp_port), "--http-port", str(http_port)]
    return ["csms", "run", "--state-dir", str(directory / "csms"), *ports]


def _world(directory: Path, plan: Plan) -> list[str]:
    return ["sim", "serve", "--socket", str(socket_in(directory)), *plan.bay]


def _edge(directory: Path, options: Sequence[str]) -> list[str]:
    words = ["edge", "run", "--state-dir", str(directory / "edge")]
    words += ["--sim-socket", str(socket_in(directory))]
    for option in (f"station.id={STATION}", *options):
        words += ["-o", option]
    return words


def socket_in(directory: Path) -> Path:
    """The bay's control socket of an installation."""
    return directory / "sim.sock"


def _bay(directory: Path, verb: str, **arguments: Any) -> dict[str, Any]:
    within_s = WITHIN_S + float(arguments.get("timeout_s", 0))
    answer = ask(socket_in(directory), verb, within_s=within_s, **arguments)
    if "error" in answer:
        raise SimulationError(f"{verb}: {answer['error']}")
    return answer


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"a demo runs in {directory} already: end it, or give another --state-dir"
            ) from error
        yield


def _take_registers(directory: Path) -> Mapping[str, float]:
    """The registers that the last run left, once; without them, forget what was recorded."""
    file = directory / "registers.json"
    try:
        registers: dict[str, float] = json.loads(file.read_text(encoding="ascii"))
        file.unlink()
    except (OSError, ValueError):
        for part in ("csms", "edge"):
            shutil.rmtree(directory / part, ignore_errors=True)
        return {}
    return registers


def _keep_registers(directory: Path) -> None:
    try:
        outlets = _bay(directory, "world")["connectors"]
    except EdgeError:
        return  # the bay died: the next run begins anew
    registers = {connector: outlet["energy_wh"] for connector, outlet in outlets.items()}
    (directory / "registers.json").write_text(json.dumps(registers), encoding="ascii")
