"""`tapwatt edge recording export` and `tapwatt edge replay`: take what led here, step it again."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from edge.recording.replay import Divergence, Recorded

Ask = Callable[..., dict[str, Any]]

GZIP: Final = b"\x1f\x8b"
PRIVATE: Final = 0o077  # what others may not do with an export
WITHIN_S: Final = 120.0  # a slow card, a full recorder
UNTOLD: Final = ("is", "ticket", "message_id", "within_s", "call_id")
"""What is left out of a decision's one line, besides all that is no number or word."""

DIVERGED: Final = 1


def recording_verbs(parser: argparse.ArgumentParser, ask: Ask, state_dir: Path) -> None:
    """Add the verbs of `tapwatt edge recording`."""
    below = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    export = below.add_parser("export", help="write the last hours to a file, without secrets")
    export.add_argument("file", type=Path, metavar="FILE")
    export.add_argument(
        "--state-dir",
        type=Path,
        default=state_dir,
        metavar="DIR",
        help="journal and control socket (default: %(default)s)",
    )
    export.add_argument("--json", action="store_true", help="as JSON")
    export.set_defaults(func=lambda arguments: _export(ask, arguments))


def replay_verb(parser: argparse.ArgumentParser) -> None:
    """Add what `tapwatt edge replay` takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording, or one of a crash")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print every event and what was decided"
    )
    parser.add_argument(
        "--rewrite", action="store_true", help="write what this version decides into FILE"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(func=_replay)


def _export(ask: Ask, arguments: argparse.Namespace) -> int:
    """Take the file that the controller wrote: nobody else may read it, nor write where we may."""
    from edge.errors import ConfigError

    written = Path(ask(arguments, "recording", WITHIN_S)["path"])
    try:
        with written.open("rb") as source, _private(arguments.file) as target:
            shutil.copyfileobj(source, target)
        written.unlink()
    except OSError as problem:
        raise ConfigError(f"cannot export to {arguments.file}: {problem}") from problem
    size = arguments.file.stat().st_size
    if arguments.json:
        print(json.dumps({"file": str(arguments.file), "bytes": size}))
    else:
        print(f"{arguments.file}: {size / 1e6:.2f} MB")
    return 0


def _private(path: Path) -> Any:
    return open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o666 & ~PRIVATE))


def _replay(arguments: argparse.Namespace) -> int:
    """Step a recording again; 1 if this version decides otherwise."""
    from edge.errors import ConfigError
    from edge.recording import replay

    if arguments.rewrite:
        return _rewrite(arguments.file)
    count = 0
    try:
        script = replay.read(_lines(arguments.file))
        for recorded, decided in replay.play(script):
            count += 1
            if arguments.verbose:
                print(_told(recorded, decided))
            other = replay.divergence(recorded, decided)
            if other is not None:
                _tell_divergence(arguments, other)
                return DIVERGED
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise ConfigError(f"cannot read {arguments.file}: {problem}") from problem
    if arguments.json:
        print(json.dumps({"same": True, "events": count, "version": script.version}))
    else:
        print(f"{count} events of version {script.version}: the same decisions")
    return 0


def _tell_divergence(arguments: argparse.Namespace, other: Divergence) -> None:
    if arguments.json:
        where = {"same": False, "event": other.number, "kind": other.kind}
        print(json.dumps({**where, "expected": other.expected, "got": other.got}))
        return
    print(f"event {other.number} {other.kind}: this version decides otherwise")
    print(f"  expected: {other.expected or 'nothing more'}")
    print(f"  got:      {other.got or 'nothing more'}")


def _rewrite(path: Path) -> int:
    from edge.recording import replay

    script = replay.read(_lines(path))
    parts = [script.head()]
    parts.extend(
        recorded.with_decisions(decided).text() for recorded, decided in replay.play(script)
    )
    path.write_text("".join(parts), encoding="utf-8")
    print(f"{path}: {len(parts) - 1} events")
    return 0


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP)) == GZIP
    if is_packed:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as text:
            yield from text
    else:
        with path.open(encoding="utf-8", errors="replace") as text:
            yield from text


def _told(recorded: Recorded, decided: Sequence[str]) -> str:
    """One line: when, what happened, what was decided."""
    from edge.recording.lines import fields

    said = dict(fields(recorded.said))
    at = said.pop("at", {})
    happened = " ".join([recorded.kind, *_words(said)])
    decisions = " · ".join(_short(line) for line in decided) or "nothing to do"
    return f"{recorded.number} {at.get('wall', '')} {happened} → {decisions}"


def _short(line: str) -> str:
    from edge.recording.lines import plain

    kind, said = plain(line)
    return f"{kind} {said}" if isinstance(said, str) else " ".join([kind, *_words(said)])


def _words(said: Any) -> Iterator[str]:
    assert isinstance(said, Mapping)
    for name, value in said.items():
        if isinstance(value, Mapping) and "is" in value:
            yield str(value["is"])
        elif isinstance(value, str | int | float) and name not in UNTOLD:
            yield f"{name}={value}"
