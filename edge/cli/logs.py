"""`tapwatt edge logs`: what the controller wrote to its log, which journald keeps."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
from typing import Final

UNIT: Final = "tapwatt-edge.service"
LINES: Final = 200
FIELDS: Final = "MESSAGE,PRIORITY,_PID,_BOOT_ID"


def verb(parser: argparse.ArgumentParser) -> None:
    """Add what `tapwatt edge logs` takes."""
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    parser.add_argument(
        "--since", metavar="WHEN", help='from then on: "2026-05-01 10:00", "1 hour ago", today'
    )
    parser.add_argument("-n", "--lines", type=int, metavar="N", help=f"the last N ({LINES})")
    parser.add_argument("--unit", default=UNIT, metavar="UNIT", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="as journald's JSON, a line each")
    parser.set_defaults(func=_logs)


def _logs(arguments: argparse.Namespace) -> int:
    """Ask journald; 1 if it refuses. Ctrl-C is how following ends."""
    from edge.errors import ConfigError

    journalctl = shutil.which("journalctl")
    if journalctl is None:
        raise ConfigError(
            "there is no journalctl here, so systemd keeps no log: the controller writes it to"
            " its standard error, look where whatever started it sends that"
        )
    words = [journalctl, "--no-pager", f"--unit={arguments.unit}"]
    lines = arguments.lines if arguments.lines or arguments.since else LINES
    words += [] if lines is None else [f"--lines={lines}"]
    words += [] if arguments.since is None else [f"--since={arguments.since}"]
    words += ["--output=json", f"--output-fields={FIELDS}"] if arguments.json else ["--output=cat"]
    words += ["--follow"] if arguments.follow else []
    try:
        status = subprocess.run(words, check=False).returncode  # noqa: S603  no shell
    except KeyboardInterrupt:
        return 0
    if status == -signal.SIGPIPE:
        raise BrokenPipeError  # ours was its standard output
    return 1 if status else 0
