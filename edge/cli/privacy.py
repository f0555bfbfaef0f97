"""`tapwatt edge privacy …`: the alias of a card, what is held of it, and letting go of that."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Ask = Callable[..., dict[str, Any]]


def verbs(parser: argparse.ArgumentParser, ask: Ask, state_dir: Path) -> None:
    """Add the verbs below `privacy`."""
    below = parser.add_subparsers(dest="privacy", required=True, metavar="VERB")
    alias = below.add_parser("alias", help="what a card is called in privacy mode")
    alias.add_argument("uid", metavar="UID")
    alias.set_defaults(func=_alias)
    export = below.add_parser("export", help="everything held of a card, as JSON")
    export.set_defaults(func=lambda arguments: _export(ask, arguments))
    erase = below.add_parser("erase", help="let go of it, but for what is still to be billed")
    erase.set_defaults(func=lambda arguments: _erase(ask, arguments))
    for verb in (export, erase):
        which = verb.add_mutually_exclusive_group(required=True)
        which.add_argument("uid", nargs="?", metavar="UID", help="the card, and its alias")
        which.add_argument("--alias", metavar="IDTAG", help="as the central system knows it")
    for verb in (alias, erase):
        verb.add_argument("--json", action="store_true", help="as JSON")
    for verb in (alias, export, erase):
        verb.add_argument("--state-dir", type=Path, default=state_dir, metavar="DIR")


def _alias(arguments: argparse.Namespace) -> int:
    from edge.app.privacy import known

    alias = known(arguments.state_dir).of(arguments.uid)
    print(json.dumps({"alias": alias}) if arguments.json else alias)
    return 0


def _export(ask: Ask, arguments: argparse.Namespace) -> int:
    after: int | None = 0
    whole: dict[str, Any] = {}
    while after is not None:
        page = ask(arguments, "held", uid=arguments.uid, alias=arguments.alias, after=after)
        after = page.pop("next")
        whole = {**page, "sessions": [*whole.get("sessions", []), *page["sessions"]]}
    print(json.dumps(whole, indent=2))
    return 0


def _erase(ask: Ask, arguments: argparse.Namespace) -> int:
    """Print what stays, and why; 0 if nothing does."""
    answer = ask(arguments, "erase", uid=arguments.uid, alias=arguments.alias)
    if arguments.json:
        print(json.dumps(answer))
        return 1 if answer["kept"] else 0
    for reason in answer["kept"]:
        print(f"kept: {reason}")
    if not answer["kept"]:
        print("nothing of it is left")
    return 1 if answer["kept"] else 0
