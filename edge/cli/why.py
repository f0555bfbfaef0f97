"""`tapwatt edge why`: who or what decides at a connector now, since when, and what must change."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

Ask = Callable[..., dict[str, Any]]

MINUTE_S: Final = 60
HOUR_S: Final = 3600


def why_verb(parser: argparse.ArgumentParser, ask: Ask, state_dir: Path) -> None:
    """Add what `tapwatt edge why` takes."""
    parser.add_argument("connector", type=int, nargs="?", metavar="CONNECTOR", help="only this one")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=state_dir,
        metavar="DIR",
        help="journal and control socket (default: %(default)s)",
    )
    parser.set_defaults(func=lambda arguments: _why(ask, arguments))


def _why(ask: Ask, arguments: argparse.Namespace) -> int:
    said = {} if arguments.connector is None else {"connector": arguments.connector}
    answer = ask(arguments, "why", **said)
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    for number, connector in answer["connectors"].items():
        print("\n".join(_told(number, connector)))
    return 0


def _told(number: str, connector: Mapping[str, Any]) -> Iterator[str]:
    yield f"connector {number}: {connector['status']}"
    causes = connector["causes"]
    if not causes:
        yield "  energy flows" if connector["in_session"] else "  free: plug in and lay a card"
    for cause in causes:
        yield f"  {_line(cause)}"
        yield f"    {cause['remedy']}"
    if connector["limit"] is not None:
        yield f"  {_line(connector['limit'])}"
        yield f"    {connector['limit']['remedy']}"
    if connector["ended"] is not None:
        yield f"  last session: {_line(connector['ended'])}"


def _line(cause: Mapping[str, Any]) -> str:
    since = "" if cause["since_s"] is None else f", for {_span(cause['since_s'])}"
    until = "" if cause["until_s"] is None else f", another {_span(cause['until_s'])} at most"
    return f"{cause['what']} ({cause['owner']}){since}{until}"


def _span(seconds: float) -> str:
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.0f} h"
