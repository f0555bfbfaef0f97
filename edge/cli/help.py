"""What each verb says of itself: its summary, an example, what its status means.

One place dresses all verbs of all commands, so that none is forgotten; the examples are their
command's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    Below = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  the name of its type

EXIT_STATUS: Final = {
    0: "done, and all is well",
    1: "done, and the answer is no: something is wrong, was refused, or is left",
    2: "it could not be done: wrong words, a wrong setting, or nobody there to ask",
    130: "interrupted (Ctrl-C)",
    141: "whoever read it had enough, as head does",
}
"""Of every verb; what it is that is wrong is one sentence on standard error, or in the answer."""


def leaves(
    parser: argparse.ArgumentParser, path: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every verb below *parser* that does something, by its words."""
    below = _below(parser)
    if below is None or parser.get_default("func") is not None:
        yield path, parser
    if below is not None:
        for name, verb in below.choices.items():
            yield from leaves(verb, f"{path} {name}")


def dress(parser: argparse.ArgumentParser, path: str, examples: Mapping[str, str]) -> None:
    """Give each verb below *parser* its example and its status; raises `KeyError` without one."""
    _describe(parser)
    for words, verb in leaves(parser, path):
        more = [] if verb.epilog is None else [verb.epilog]
        told = [f"example:\n  {examples[words]}", *more, f"exit status:\n{_statuses()}"]
        verb.epilog = "\n\n".join(told)
        verb.formatter_class = argparse.RawDescriptionHelpFormatter


def _describe(parser: argparse.ArgumentParser) -> None:
    """What a list of verbs says of each stands in its own help, too."""
    below = _below(parser)
    if below is None:
        return
    for choice in below._choices_actions:  # noqa: SLF001  no public list
        verb = below.choices[choice.dest]
        verb.description = verb.description or choice.help
        _describe(verb)


def _statuses() -> str:
    return "\n".join(f"  {status:<4} {meaning}" for status, meaning in EXIT_STATUS.items())


def _below(parser: argparse.ArgumentParser) -> Below | None:
    """The action that holds the verbs; argparse has no public way to ask for it."""
    kind = argparse._SubParsersAction  # noqa: SLF001  as said
    return next((one for one in parser._actions if isinstance(one, kind)), None)  # noqa: SLF001  as said
