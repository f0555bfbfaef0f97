"""`tapwatt edge backup`: journal and configuration in one file, while the controller works."""

from __future__ import annotations

import argparse
import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

Ask = Callable[..., dict[str, Any]]

WITHIN_S: Final = 120.0  # a slow card, years of sessions
JOURNAL: Final = "journal.sqlite3"
RESTORE: Final = """\
The file holds the station's keys: whoever has it can be this station. It is for your eyes only
(mode 0600); keep it so.

To restore, on a station that lost its card:
  systemctl stop tapwatt-edge
  rm -f /var/lib/tapwatt/journal.sqlite3*
  tar -xzf FILE -C /var/lib/tapwatt --strip-components=1 state
  tar -xzf FILE -C /etc/tapwatt --strip-components=1 config
  chown -R tapwatt: /var/lib/tapwatt && systemctl start tapwatt-edge
What happened after the backup is not in it: what waited then is told again, under the same ids."""


def verb(parser: argparse.ArgumentParser, ask: Ask) -> None:
    """Add what `tapwatt edge backup` takes, beside what says where everything is."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file, as backup.tar.gz")
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="edge.toml, to go with it, and the certificates it names; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.epilog = RESTORE
    parser.set_defaults(func=lambda arguments: _backup(ask, arguments))


def _backup(ask: Ask, arguments: argparse.Namespace) -> int:
    from edge.errors import ConfigError
    from edge.wholefile import whole_file

    if arguments.file.exists():
        raise ConfigError(f"{arguments.file} is there already: a backup overwrites none")
    named = list(_configuration(arguments.config))
    key = arguments.state_dir / "privacy.key"
    try:
        with _copied(ask, arguments) as journal:
            held = [("state/" + JOURNAL, journal), *named]
            held += [("state/privacy.key", key)] if key.exists() else []
            _check_names(held)
            with whole_file(arguments.file) as file:
                _pack(file, held)
    except OSError as problem:
        raise ConfigError(f"no backup was written to {arguments.file}: {problem}") from problem
    _tell(arguments, [name for name, _ in held])
    return 0


def _configuration(files: list[Path]) -> Iterator[tuple[str, Path]]:
    """The files, and the certificates and keys that they name."""
    if not files:
        return
    from edge.app.station import certificate_files
    from edge.config.loading import load

    settings = load(files)
    named = [*certificate_files(settings).values(), settings.csms.get("certificate_key")]
    for path in dict.fromkeys([*files, *(Path(one) for one in named if one)]):
        yield f"config/{path.name}", path


def _check_names(held: list[tuple[str, Path]]) -> None:
    """Raise `ConfigError` where one file would be restored over another."""
    from edge.errors import ConfigError

    taken: dict[str, Path] = {}
    for name, path in held:
        other = taken.setdefault(name, path)
        if other != path:
            raise ConfigError(
                f"{other} and {path} would both be {name} in the backup: give one another name"
            )


@contextmanager
def _copied(ask: Ask, arguments: argparse.Namespace) -> Iterator[Path]:
    """The journal as the running controller copies it; without one, as it lies there."""
    from edge.errors import NobodyListens

    try:
        told = Path(ask(arguments, "backup", WITHIN_S)["path"])
    except NobodyListens:
        copy = _copied_offline(arguments.state_dir)
    else:
        copy = arguments.state_dir / told.name  # root packs and removes what is there, only there
    try:
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _copied_offline(state_dir: Path) -> Path:
    import asyncio

    from edge.app.logs import hush
    from edge.app.possession import possessed
    from edge.drivers.journal import open_copy
    from edge.errors import ConfigError

    hush()
    if not (state_dir / JOURNAL).exists():
        raise ConfigError(f"there is no {state_dir / JOURNAL}: check --state-dir")

    async def copy() -> Path:
        async with open_copy(state_dir / JOURNAL) as journal:
            return await journal.copy_to(state_dir / "backup.sqlite3")

    with possessed(state_dir):
        return asyncio.run(copy())


def _pack(file: IO[bytes], held: list[tuple[str, Path]]) -> None:
    with tarfile.open(fileobj=file, mode="w:gz", dereference=True) as archive:
        for name, path in held:
            archive.add(path, name, recursive=False)


def _tell(arguments: argparse.Namespace, names: list[str]) -> None:
    size = arguments.file.stat().st_size
    with arguments.file.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    if arguments.json:
        told = {"file": str(arguments.file), "bytes": size, "sha256": digest, "holds": names}
        print(json.dumps(told, indent=2))
        return
    print(f"{arguments.file}: {size / 1e6:.2f} MB, {', '.join(names)}")
    print("it holds the station's keys: keep it where nobody else reads it")
