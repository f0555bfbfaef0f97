"""`tapwatt edge why`: who or what decides at a connector now, since when, and what must change."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    for sentence in (*line_told(answer["line"]), *certificates_told(answer["certificates"])):
        print(sentence)
    return 0


def line_told(line: Mapping[str, Any] | None) -> Iterator[str]:
    """What keeps us from the central system, and what goes on meanwhile."""
    if line is None:
        return
    yield f"central system: {_line({'until_s': None, **line})}"
    yield f"  {line['remedy']}"
    if line["why"]:
        yield f"  in full: {_plain(line['why'])}"
    yield "  charging goes on by the rules of the station; what is owed is told later"


def certificates_told(certificates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What ends within two months, and what has ended."""
    for one in certificates:
        if one["warning"] is not None:
            when = "is over since" if one["warning"] == 0 else f"ends in {one['days_left']} days,"
            yield f"{one['what']} {when} {one['not_after']}: renew it"


def _plain(text: str) -> str:
    """Without what would steer the terminal: a far end may have made us say it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


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
