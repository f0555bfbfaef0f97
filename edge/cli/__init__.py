"""The command `tapwatt`: its verbs come from the entry-point group `tapwatt.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run `tapwatt …`; returns the exit status. What an installer can mend is one sentence."""
    words = list(sys.argv[1:] if argv is None else argv)
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


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Only the command that was named is imported: a start on a Pi counts every module."""
    parser = argparse.ArgumentParser(prog="tapwatt", description="An open EV charge point.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    named = next((word for word in words if not word.startswith("-")), None)
    entries: dict[str, EntryPoint] = {entry.name: entry for entry in entry_points(group=GROUP)}
    for name, entry in sorted(entries.items()):
        summary = SUMMARIES.get(name, "")
        below = commands.add_parser(name, help=summary, description=summary)
        if name == named:
            entry.load()(below)
    return parser
