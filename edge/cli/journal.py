"""`tapwatt edge journal …`: what waits, what was refused for good, and telling it again."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

Ask = Callable[..., dict[str, Any]]


def verbs(parser: argparse.ArgumentParser, ask: Ask, state_dir: Path) -> None:
    """Add the list, which is what `journal` alone prints, and the verbs below it."""
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(func=lambda arguments: _list(ask, arguments))
    _add_state_dir(parser, state_dir)
    below = parser.add_subparsers(dest="letters", metavar="VERB")
    export = below.add_parser("export", help="every dead letter whole, one JSON object per line")
    export.add_argument("--to", type=Path, metavar="FILE", help="write to FILE, not to the screen")
    export.set_defaults(func=lambda arguments: _export(ask, arguments))
    resend = below.add_parser("resend", help="have dead letters told again, with their sessions")
    which = resend.add_mutually_exclusive_group(required=True)
    which.add_argument("seqs", type=int, nargs="*", metavar="SEQ", default=[], help="their numbers")
    which.add_argument("--all", action="store_true", help="all of them")
    resend.set_defaults(func=lambda arguments: _resend(ask, arguments))
    accept = below.add_parser("accept", help="say that you know of the damaged journal")
    accept.set_defaults(func=lambda arguments: _accept(ask, arguments))
    for verb in (resend, accept):
        verb.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")
    for verb in (export, resend, accept):
        # Its own default would undo what was said before it.
        verb.add_argument("--state-dir", type=Path, default=argparse.SUPPRESS, metavar="DIR")


def _add_state_dir(parser: argparse.ArgumentParser, default: Path | str) -> None:
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=default,
        metavar="DIR",
        help="journal and control socket (default: %(default)s)",
    )


def _list(ask: Ask, arguments: argparse.Namespace) -> int:
    answer = ask(arguments, "journal")
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    _print_messages(f"{answer['count']} waiting", answer["outbox"])
    _print_messages(f"{answer['dead_letter_count']} dead letters", answer["dead_letters"])
    print(f"{len(answer['guessed'])} sessions at a time nobody knew for sure")
    for session in answer["guessed"]:
        print(f"  {session['ref']:>6}  {_when(session)}  connector {session['connector']}")
    return 0


def _print_messages(title: str, messages: list[dict[str, Any]]) -> None:
    print(title)
    for message in messages:
        reason = f"  {message['code']} {message['description']}" if "code" in message else ""
        attempts = f"  refused {message['attempts']}x" if message["attempts"] else ""
        clock = "" if message["clock"] == "known" else f"  time {message['clock']}"
        notes = f"{clock}{attempts}{reason}"
        print(f"  {message['seq']:>6}  {_when(message)}  {message['kind']:<17}{notes}")


def _when(dated: dict[str, Any]) -> str:
    """The moment; where it is not known for sure, between which two it lies."""
    if dated["not_before"] == dated["not_after"]:
        return str(dated["at"])
    return f"{dated['not_before']} to {dated['not_after'] or 'a time not known yet'}"


def _export(ask: Ask, arguments: argparse.Namespace) -> int:
    letters = _letters(ask, arguments)
    with nullcontext(sys.stdout) if arguments.to is None else _private(arguments.to) as out:
        for letter in letters:
            print(json.dumps(letter), file=out)
    return 0


def _private(path: Path) -> TextIO:
    """Open *path* for writing, for our own eyes: it names drivers."""
    from edge.errors import ConfigError

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror})") from error
    return open(descriptor, "w", encoding="utf-8")  # noqa: PTH123  a descriptor, no path


def _letters(ask: Ask, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """From the running daemon; if there is none, from its journal."""
    from edge.errors import NobodyListens

    after: int | None = 0
    try:
        while after is not None:
            page = ask(arguments, "export", after=after)
            yield from page["letters"]
            after = page["next"]
    except NobodyListens:
        from edge.app.letters import export_offline

        yield from export_offline(arguments.state_dir, after or 0)


def _resend(ask: Ask, arguments: argparse.Namespace) -> int:
    answer = ask(arguments, "resend", seqs=None if arguments.all else arguments.seqs)
    if arguments.json:
        print(json.dumps(answer))
    else:
        print(f"{len(answer['resent'])} wait again, {answer['left']} dead letters left")
    return 0


def _accept(ask: Ask, arguments: argparse.Namespace) -> int:
    answer = ask(arguments, "accept")
    if arguments.json:
        print(json.dumps(answer))
    else:
        print("accepted" if answer["accepted"] else "there is no damage to accept")
    return 0
