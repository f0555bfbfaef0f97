"""`tapwatt edge cards …`: which cards have a role here, giving them one, blocking lost ones."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

Ask = Callable[..., dict[str, Any]]

GIVEN: Final = ("owner", "guest", "admin", "installer")
LEARN_WITHIN_S: Final = 75.0  # the station waits for a card for a minute


def verbs(parser: argparse.ArgumentParser, ask: Ask, state_dir: Path) -> None:
    """Add the verbs below `cards`."""
    below = parser.add_subparsers(dest="cards", required=True, metavar="VERB")
    listing = below.add_parser("list", help="cards with a role, and whether set-up is open")
    listing.set_defaults(func=lambda arguments: _list(ask, arguments))
    add = below.add_parser("add", help="give a card a role")
    _name(add, learns=True)
    add.add_argument("--role", choices=GIVEN, default="guest", help="default: %(default)s")
    add.set_defaults(func=lambda arguments: _add(ask, arguments))
    block = below.add_parser("block", help="a lost card: refused at once, its session ends")
    _name(block)
    block.set_defaults(func=lambda arguments: _change(ask, arguments, "blocked"))
    remove = below.add_parser("remove", help="take away what was given at this machine")
    _name(remove)
    remove.set_defaults(func=lambda arguments: _change(ask, arguments, None))
    for verb in (listing, add, block, remove):
        verb.add_argument("--json", action="store_true", help="as JSON")
        verb.add_argument("--state-dir", type=Path, default=state_dir, metavar="DIR")


def _name(parser: argparse.ArgumentParser, *, learns: bool = False) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("uid", nargs="?", metavar="UID", help="as the reader reads it")
    which.add_argument("--alias", metavar="IDTAG", help="as the central system knows it")
    if learns:
        which.add_argument(
            "--next-tap", action="store_true", help="the card that is laid on a reader next"
        )


def _list(ask: Ask, arguments: argparse.Namespace) -> int:
    answer = ask(arguments, "cards")
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    for card in answer["cards"]:
        where = "" if card["here"] else "  (configuration)"
        print(f"{card['id_tag']:<20}  {card['role']}{where}")
    left_s = answer["setup_left_s"]
    print("set-up is closed" if left_s is None else f"set-up is open for {left_s} s")
    return 0


def _add(ask: Ask, arguments: argparse.Namespace) -> int:
    if not arguments.next_tap:
        return _change(ask, arguments, arguments.role)
    print("lay the card on the reader …", file=sys.stderr, flush=True)
    return _tell(arguments, ask(arguments, "learn", LEARN_WITHIN_S, role=arguments.role))


def _change(ask: Ask, arguments: argparse.Namespace, role: str | None) -> int:
    answer = ask(arguments, "card", role=role, uid=arguments.uid, alias=arguments.alias)
    return _tell(arguments, answer)


def _tell(arguments: argparse.Namespace, answer: dict[str, Any]) -> int:
    if arguments.json:
        print(json.dumps(answer))
    else:
        print(f"{answer['id_tag']}: {answer['role'] or 'no role'}")
    return 0
