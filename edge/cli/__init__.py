"""The command `tapwatt`: its verbs come from the entry-point group `tapwatt.commands`."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from edge.cli.help import EXIT_STATUS, dress
from edge.errors import EdgeError

GROUP: Final = "tapwatt.commands"
SUMMARIES: Final = {
    "edge": "the charge point controller: run it, ask it, check its configuration",
    "csms": "the bundled central system",
    "sim": "the simulated bay: plug, tap, fail",
    "demo": "everything together, on this machine",
    "page": "the driver's pages, as a site for any host",
}
WRONG_USE: Final = 2
UNHEARD: Final = 128 + signal.SIGPIPE
STDOUT, STDERR = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run `tapwatt …`; returns the exit status. What an installer can mend is one sentence."""
    try:
        try:
            return _run(list(sys.argv[1:] if argv is None else argv))
        finally:
            if sys.stdout is not None:  # it is, where a shell has closed it
                sys.stdout.flush()  # where it is caught: the interpreter's own comes too late
    except BrokenPipeError:
        if not _is_unheard():
            raise
        return UNHEARD


def _run(words: Sequence[str]) -> int:
    parser = _parser(words)
    arguments = parser.parse_args(words)
    try:
        status: int = arguments.func(arguments)
    except EdgeError as error:
        print(f"tapwatt: {error}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return 130
    return status


def _is_unheard() -> bool:
    """Whether nobody reads any more what we say (`| head`); what is left of it goes nowhere."""
    waiting = select.poll()
    for stream in (STDOUT, STDERR):
        waiting.register(stream, 0)
    closed = [stream for stream, events in waiting.poll(0) if events & select.POLLERR]
    for stream in closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    return bool(closed)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Only the command that was named is imported: a start on a Pi counts every module."""
    parser = argparse.ArgumentParser(
        prog="tapwatt",
        description="An open EV charge point.",
        epilog="exit status: "
        + "; ".join(f"{status}: {meaning}" for status, meaning in EXIT_STATUS.items()),
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    named = next((word for word in words if not word.startswith("-")), None)
    entries: dict[str, EntryPoint] = {entry.name: entry for entry in entry_points(group=GROUP)}
    for name, entry in sorted(entries.items()):
        summary = SUMMARIES.get(name, "")
        below = commands.add_parser(name, help=summary, description=summary)
        if name == named:
            dress(below, name, entry.load()(below))
    return parser
