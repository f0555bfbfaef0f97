"""`tapwatt demo`: everything together on this machine, to play with or (`--scripted`) to watch."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge.cli.examples import DEMO

if TYPE_CHECKING:
    from edge.cli.installation import Installation
    from edge.cli.reckoning import Reckoning

STATE_DIR: Final = Path(".cache/demo")
OPTIONS: Final = (
    "ocpp.MeterValueSampleInterval=5",
    "csms.backoff_first_s=1",
    "csms.backoff_max_s=5",
    "transfer.private_addresses=true",  # everything of the demo is on this machine
    'transfer.protocols=["FTP", "FTPS", "HTTP", "HTTPS"]',
    "page.name=Tapwatt demo",
    "page.code=DEMO",
)
ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OCPP_PORT: Final = 9000
HTTP_PORT: Final = 8080
PAGE_PORT: Final = 8081
FAILED: Final = 1
INTERRUPTED: Final = 130


def verbs(parser: argparse.ArgumentParser) -> Mapping[str, str]:
    """Add the arguments of `tapwatt demo`; gives an example."""
    parser.add_argument(
        "--scripted", action="store_true", help="play a whole story and compare the records"
    )
    parser.add_argument("--ocpp-port", type=int, help="for chargers (default 9000, 0: any free)")
    parser.add_argument("--http-port", type=int, help="for people (default 8080, 0: any free)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        default=STATE_DIR,
        help="where it remembers, but for --scripted (default %(default)s)",
    )
    parser.set_defaults(func=_run)
    return DEMO


def _run(arguments: argparse.Namespace) -> int:
    from edge.errors import DriverError, SimulationError

    unwind_when_ended()
    try:
        return _play(arguments) if arguments.scripted else _show(arguments)
    except (DriverError, SimulationError) as problem:
        print(f"tapwatt demo: {problem}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nended, nothing is left running")
        return INTERRUPTED if arguments.scripted else 0


def unwind_when_ended() -> None:
    """Whatever signal ends us raises `KeyboardInterrupt`: what was started is ended, too."""
    for number in ENDINGS:
        signal.signal(number, _end)


def _end(*_: object) -> None:
    """Unwind; who presses Ctrl-C twice does not disturb that."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _show(arguments: argparse.Namespace) -> int:
    """Run everything until Ctrl-C."""
    from edge.cli.installation import open_installation

    say = teller()
    directory: Path = arguments.state_dir
    ocpp_port = _free(arguments.ocpp_port, OCPP_PORT, "--ocpp-port")
    http_port = _free(arguments.http_port, HTTP_PORT, "--http-port")
    with open_installation(
        directory,
        say,
        ocpp_port=ocpp_port,
        http_port=http_port,
        options=(*OPTIONS, f"page.listen=127.0.0.1:{_lasting_port(PAGE_PORT)}"),
    ) as installation:
        print(_invitation(installation, directory), flush=True)
        _follow(installation, say)
    return FAILED


def _play(arguments: argparse.Namespace) -> int:
    """Play the story in a place of its own, kept only if something is wrong."""
    from edge.cli.installation import open_installation
    from edge.cli.story import OPTIONS as SWIFT
    from edge.cli.story import SHORTENED, Story
    from edge.errors import EdgeError

    say = teller()
    say(SHORTENED)
    directory = Path(tempfile.mkdtemp(prefix="tapwatt-"))
    is_well = False
    try:
        with open_installation(
            directory,
            say,
            ocpp_port=_free(arguments.ocpp_port, 0, "--ocpp-port"),
            http_port=_free(arguments.http_port, 0, "--http-port"),
            options=SWIFT,
        ) as installation:
            reckoning = Story(installation, say).play()
        is_well = not reckoning.differences
        return conclude(reckoning)
    except EdgeError as problem:
        print(f"tapwatt demo: the story broke off: {problem}", file=sys.stderr)
        return FAILED
    finally:
        if is_well:
            shutil.rmtree(directory)
        else:
            print(f"what was said and recorded is in {directory}", file=sys.stderr)


def _free(given: int | None, usual: int, option: str) -> int:
    """The port to use; raises `ConfigError` if another program has it."""
    from edge.errors import ConfigError

    port = usual if given is None else given
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError) as problem:
        raise ConfigError(
            f"port {port} cannot be used, another program may have it: end that, or give {option}"
            " with another number, 0 for any free one"
        ) from problem
    return port


def _lasting_port(usual: int) -> int:
    """The *usual* port, or a free one: the same after each restart of the controller."""
    for port in (usual, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as taken:
            found: int = taken.getsockname()[1]
            return found
    return usual


def teller() -> Callable[[str], None]:
    """Prints a line with its second since now."""
    from edge.drivers.system_clock import SystemClock

    clock = SystemClock()
    began = clock.now().monotonic

    def say(words: str) -> None:
        print(f"{clock.now().monotonic - began:6.1f} s  {words}", flush=True)

    return say


def conclude(reckoning: Reckoning) -> int:
    """Print what differs, if anything does, and the result as the last line; the exit status."""
    for difference in reckoning.differences:
        print(f"differs: {difference}")
    print(reckoning)
    return FAILED if reckoning.differences else 0


def _follow(installation: Installation, say: Callable[[str], None]) -> None:
    """Until one of the others ends: start the controller again whenever it ends."""
    from edge.cli.children import first_to_end

    while True:
        ended = first_to_end((*installation.others, installation.edge))
        say(ended.fate())
        if ended is not installation.edge:
            return
        installation.restart_edge()
        say("the controller runs again, as a service manager would have it")


def _invitation(installation: Installation, directory: Path) -> str:
    command = _command()
    socket = "" if directory == STATE_DIR else f" --sim-socket {directory / 'sim.sock'}"

    def line(words: str, meaning: str) -> str:
        return f"  {command} sim {words + socket:<24}  {meaning}"

    return "\n".join(
        (
            "",
            f"The driver's page:  {installation.central.page}",
            f"The screen on the charging point:  {installation.page}?kiosk=1",
            "",
            f"Play the driver from a second terminal, in {Path.cwd()}:",
            line("plug 1", "put the cable in"),
            line("card 04A2B1C3D4E580", "tap: charging starts; after 10 s a tap stops it"),
            line("net down", "cut the line to the central system; `net up` mends it"),
            line("power kill", "dark at once, in the middle of a session"),
            line("unplug 1", "pull the cable out"),
            line("--help", "everything else that can happen"),
            "",
            f"Logs and records are in {directory}. Ctrl-C ends everything.",
            "",
        )
    )


def _command() -> str:
    """How this command was called, as short as it works from here."""
    called = Path(sys.argv[0])
    if called.name != "tapwatt":
        return f"{Path(sys.executable).name} -m edge"
    here = os.path.relpath(called)
    return "tapwatt" if here.startswith("..") else here
