"""`tapwatt sim chaos`: the user's own configuration against all that goes wrong, and a reckoning.

Central system, bay and controller are processes as in the demo; drivers come and go while a script
of faults is played. At the end all is mended, and what the world let through is compared with what
the central system was told. Whoever is billed twice or not at all makes it fail.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from edge.cli.chaos_script import Act, Place
    from edge.cli.installation import Installation, Plan
    from edge.cli.reckoning import Reckoning

FOR_S: Final = 110.0
SEEDS: Final = 1 << 32
MENDED_WITHIN_S: Final = 60.0
ENDED_WITHIN_S: Final = 20.0
LOOK_S: Final = 0.2
OPTIONS: Final = (
    "ocpp.SecurityProfile=0",  # the central system beside it speaks in clear, on this machine
    "csms.backoff_first_s=0.2",
    "csms.backoff_max_s=2",
    "policy.start_stop_dead_time_s=1",
    "policy.stop_start_dead_time_s=1",
)
SHORTENED: Final = (
    "shortened for the script: redial after 0.2 to 2 s, 1 s from start to stop by one card and back"
)

Say = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tapwatt sim chaos`."""
    from edge.cli.chaos_script import LEAST_S, MOST_S

    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="your edge.toml; may be repeated (default: the simulated bay's own)",
    )
    parser.add_argument("--seed", type=int, help="of the script (default: another each time)")
    parser.add_argument(
        "--for-s",
        type=float,
        default=FOR_S,
        metavar="S",
        help=f"how long the script is, {LEAST_S:g} to {MOST_S:g} s (default %(default)g)",
    )
    parser.add_argument(
        "--script", type=Path, metavar="FILE", help="play this, such as the output of another run"
    )
    parser.set_defaults(func=_run)


def _run(arguments: argparse.Namespace) -> int:
    from edge.cli.demo import FAILED, INTERRUPTED, conclude, teller, unwind_when_ended
    from edge.errors import DriverError, SimulationError

    unwind_when_ended()
    try:
        return conclude(_play(arguments, teller()))
    except (DriverError, SimulationError) as problem:
        print(f"tapwatt sim chaos: {problem}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nended, nothing is left running")
        return INTERRUPTED


def _play(arguments: argparse.Namespace, say: Say) -> Reckoning:
    """Play it in a place of its own, which is kept if something is wrong."""
    from edge.cli.installation import open_installation

    described = describe(arguments.config)
    acts = _script(arguments, described)
    for act in acts:
        print(act)
    for note in (*described.notes, SHORTENED):
        say(note)
    directory = Path(tempfile.mkdtemp(prefix="tapwatt-"))
    is_well = False
    try:
        with open_installation(
            directory, say, options=OPTIONS, plan=described.plan
        ) as installation:
            reckoning = Chaos(installation, described, say).play(acts)
        is_well = not reckoning.differences
        return reckoning
    finally:
        if is_well:
            shutil.rmtree(directory)
        else:
            print(f"what was said and recorded is in {directory}", file=sys.stderr)


def _script(arguments: argparse.Namespace, described: Described) -> tuple[Act, ...]:
    from edge.cli.chaos_script import LEAST_S, MOST_S, draw, read
    from edge.errors import ConfigError

    if arguments.script is not None:
        return read(arguments.script)
    if not LEAST_S <= arguments.for_s <= MOST_S:
        raise ConfigError(f"--for-s is {arguments.for_s:g}: give {LEAST_S:g} to {MOST_S:g} seconds")
    seed = _any_seed() if arguments.seed is None else arguments.seed
    print(f"seed {seed}")
    return draw(seed, arguments.for_s, described.places, described.lines)


def _any_seed() -> int:
    from edge.drivers.system_clock import SystemClock

    return int(SystemClock().now().monotonic * 1000) % SEEDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a configuration means for the script: where somebody can charge, and how finely."""

    plan: Plan
    notes: Sequence[str]
    places: Sequence[Place]
    lines: Sequence[str]
    steps_wh: Mapping[int, float]


def describe(files: Sequence[Path]) -> Described:
    """Read the configuration; raises `ConfigError` as `tapwatt edge run` would."""
    from edge.app import bay_wanted
    from edge.cli.chaos_script import Place
    from edge.cli.installation import CARDS, DRAW_W, Plan
    from edge.config.loading import load
    from edge.sim.pins import own_tables
    from edge.sim.registers import step_wh_of
    from edge.sim.wires import serve_words

    options = [] if load(files).hardware == "simulated" else ["hardware=stand_in"]
    options.append(f"simulated.draw_w={DRAW_W}")
    settings = load(files, options)
    wanted = bay_wanted(settings)
    tables = wanted.tables or own_tables(
        wanted.connectors,
        readers=1,
        meter_bus=wanted.meter_bus,
        meter_model=wanted.meter_model,
        phases=1,
    )
    words = [word for file in files for word in ("--config", str(file.resolve()))]
    words += [word for option in options for word in ("-o", option)]
    connectors = {int(number): table for number, table in tables["connectors"].items()}
    metered = {n: each["meter"] for n, each in connectors.items() if each.get("meter")}
    return Described(
        plan=Plan(bay=serve_words(wanted), edge=words, words=f"{len(connectors)} charging points"),
        notes=wanted.notes,
        places=[
            Place(connector=n, reader=_reader_of(n, tables["readers"]), card=CARDS[i % len(CARDS)])
            for i, n in enumerate(connectors)
        ],
        lines=[name for name, table in tables["buses"].items() if table["kind"] == "rtu"],
        steps_wh={n: step_wh_of(meter["model"]) for n, meter in metered.items()},
    )


def _reader_of(connector: int, readers: Mapping[str, Mapping[str, Any]]) -> int | None:
    """The place in the bay of the first reader that serves *connector*; all, if it names none."""
    for place, table in enumerate(readers.values()):
        if connector in (table.get("connectors") or (connector,)):
            return place
    return None


class Chaos:
    """A script while it is played."""

    def __init__(self, installation: Installation, described: Described, say: Say) -> None:
        from edge.drivers.system_clock import SystemClock

        self._all = installation
        self._described = described
        self._say = say
        self._clock = SystemClock()

    def play(self, acts: Sequence[Act]) -> Reckoning:
        """Play *acts*, mend all, and reckon; raises `EdgeError` if the controller gives up."""
        began = self._now()
        for act in acts:
            time.sleep(max(0.0, began + act.at_s - self._now()))
            paused = self._now()
            self._do(act)
            if act.is_deadly:
                self._all.edge.gone()
                self._all.restart_edge()
                began += self._now() - paused  # the script waits for the controller
        self._mend()
        self._settle()
        return self._reckoning()

    def _do(self, act: Act) -> None:
        from edge.errors import DriverError, SimulationError

        try:
            self._all.bay(act.op, **act.arguments)
            self._say(str(act))
        except SimulationError as problem:
            self._say(f"{act}: not possible now ({problem})")
        if self._all.edge.has_ended() and not act.is_deadly:
            raise DriverError(self._all.edge.fate())

    def _mend(self) -> None:
        """Every fault is gone; the controller finds out by itself."""
        self._say("all is mended")
        bay = self._all.bay
        bay("clear", connector=0)
        for name in self._described.lines:
            bay("bus", name=name, fault="none")
        for place in self._described.places:
            bay("meter.fail", connector=place.connector, mode="none")
            if place.reader is not None:
                bay("reader.fail", reader=place.reader, on=False)
        bay("disk", mode="ok")
        bay("net", mode="up")

    def _settle(self) -> None:
        """Every car leaves, and all is told."""
        self._all.until(MENDED_WITHIN_S, online=True, recorded=True)
        for place in self._described.places:
            self._leave(place)
        self._all.until(MENDED_WITHIN_S, outbox=0)
        until = self._now() + ENDED_WITHIN_S
        while any(told["state"] != "closed" for told in self._sessions()):
            if self._now() > until:
                return  # the reckoning says which
            time.sleep(LOOK_S)

    def _leave(self, place: Place) -> None:
        """Pull the plug; where nobody notices that, the driver taps once more."""
        session = f"connectors__{place.connector}__session"
        self._all.bay("unplug", connector=place.connector)
        found = self._all.bay("state")["connectors"][str(place.connector)]["session"]
        if found is not None and place.reader is not None and not self._ends(session):
            self._all.bay("card", uid=found["idTag"], reader=place.reader)
        self._all.until(ENDED_WITHIN_S, **{session: None})

    def _ends(self, session: str) -> bool:
        from edge.errors import SimulationError

        try:
            self._all.until(5.0, **{session: None})
        except SimulationError:
            return False
        return True

    def _reckoning(self) -> Reckoning:
        from edge.cli.installation import STATION
        from edge.cli.reckoning import Flow, cover, told_from

        outlets = self._all.bay("world")["connectors"]
        events = self._all.central.ask("GET", f"/api/chargers/{STATION}/events")
        return cover(
            [
                Flow(connector=int(number), begin_wh=begin_wh, end_wh=end_wh)
                for number, outlet in outlets.items()
                for begin_wh, end_wh in outlet["flows"]
            ],
            [told_from(session) for session in self._sessions()],
            drawn_wh=sum(outlet["drawn_wh"] for outlet in outlets.values()),
            steps_wh=self._described.steps_wh,
            events=[event["kind"] for event in events],
            dead_letters=self._all.bay("state")["dead_letters"],
        )

    def _now(self) -> float:
        return self._clock.now().monotonic

    def _sessions(self) -> list[dict[str, Any]]:
        sessions: list[dict[str, Any]] = self._all.central.ask("GET", "/api/sessions")
        return sessions
