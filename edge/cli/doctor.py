"""`tapwatt edge doctor`: what is wrong with the wires, the meters, the computer and the line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.config.settings import Settings
    from edge.doctor.finding import Finding
    from edge.doctor.report import Report
    from edge.doctor.site import Consent

CLICK: Final = "connector {}: may its contactor be closed for a moment, with nothing plugged in?"
LOAD: Final = "connector {}: may its contactor be closed onto the test load?"
SERIAL_LINES: Final = ("serial[0-9]", "ttyAMA*", "ttyS[0-9]", "ttyUSB*", "ttyACM*")


def verbs(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tapwatt edge doctor`, beside those that say where everything is."""
    parser.add_argument(
        "--only",
        action="append",
        metavar="PART",
        help="reader, bus, pins, contactor, computer, line or safety; may be repeated",
    )
    parser.add_argument("--yes", action="store_true", help="close the contactors without asking")
    parser.add_argument(
        "--load",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="a test load is plugged into connector N, and shall be switched on",
    )
    parser.add_argument("--installer", default="", metavar="NAME", help="who examines")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as text")
    parser.add_argument(
        "--search-s", type=float, default=180.0, metavar="S", help="for a silent meter, at most"
    )
    parser.add_argument(
        "--self-test", action="store_true", help="examine bays with planted faults instead"
    )
    parser.set_defaults(func=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    import asyncio

    from edge.app.logs import hush

    hush()
    if arguments.self_test:
        return asyncio.run(_self_test())
    from edge.app.possession import possessed
    from edge.config.loading import load

    settings = load(arguments.config, arguments.option)
    with possessed(arguments.state_dir):
        consent = _consent(arguments, settings)
        report = asyncio.run(_examined(arguments, settings, consent))
    print(report.as_text())
    for file, text in ((arguments.json, report.as_json()), (arguments.report, report.as_text())):
        if file is not None:
            _keep(file, text)
    return 0 if report.is_sound else 1


def _consent(arguments: argparse.Namespace, settings: Settings) -> Consent:
    """What the installer says, asked before anything is opened."""
    from edge.doctor.site import Consent

    count = len(settings.connectors) or settings.simulated.connectors
    loads = frozenset(arguments.load)
    may = {n for n in range(1, count + 1) if arguments.yes or _agrees(n, is_loaded=n in loads)}
    wanted = arguments.only is None or "contactor" in arguments.only
    return Consent(loads=loads, clicks=frozenset(may if wanted else ()))


def _agrees(connector: int, *, is_loaded: bool) -> bool:
    if not sys.stdin.isatty():
        return False
    question = (LOAD if is_loaded else CLICK).format(connector)
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


async def _examined(arguments: argparse.Namespace, settings: Settings, consent: Consent) -> Report:
    """Put the site together, and examine it."""
    from random import Random

    from edge.doctor.bay import hardware
    from edge.doctor.examination import examine, parts_of
    from edge.doctor.report import Report, heading
    from edge.doctor.site import Computer, Site, search_of
    from edge.doctor.ways import ways_in
    from edge.drivers.system_clock import SystemClock, new_nonce

    clock = SystemClock()
    ways, roots = await ways_in(settings, arguments.state_dir, clock)
    async with hardware(settings, arguments.state_dir / "sim.sock") as tables:
        site = Site(
            settings=settings,
            tables=tables,
            clock=clock,
            random=Random(new_nonce()),  # noqa: S311  message ids need no secrecy
            state_dir=arguments.state_dir,
            consent=consent,
            computer=Computer(serial_ports=_serial_lines()),
            search=search_of(settings, arguments.search_s),
            ways=ways,
            roots=roots,
        )
        findings = await examine(site, parts_of(arguments.only))
    return Report(heading=heading(settings, clock.now(), arguments.installer), findings=findings)


def _serial_lines() -> Sequence[str]:
    return [str(path) for name in SERIAL_LINES for path in sorted(Path("/dev").glob(name))]


def _keep(file: Path, text: str) -> None:
    from edge.errors import ConfigError

    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error.strerror})") from error


async def _self_test() -> int:
    """A line for each fault, as soon as it is known."""
    from tempfile import TemporaryDirectory

    from edge.doctor.planted import load
    from edge.doctor.self_test import outcomes

    faults, right = load(), 0
    with TemporaryDirectory(prefix="tapwatt-") as folder:
        async for outcome in outcomes(faults, Path(folder)):
            right += outcome.is_right
            told = outcome.fault.expects if outcome.is_right else _named(outcome.named)
            mark = "named" if outcome.is_right else "WRONG"
            print(f"{mark}  {outcome.fault.name:45}  {told}", flush=True)
    print(f"named {right} of {len(faults)} planted faults")
    return 0 if right == len(faults) else 1


def _named(found: Sequence[Finding]) -> str:
    return ", ".join(f"{each.code} at {each.where}" for each in found) or "nothing"
