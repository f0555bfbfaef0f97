"""`tapwatt edge enrol`: identity, address and key from one line, and whether they let us in."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.config.enrolment import Enrolment, Values
    from edge.config.settings import Settings
    from edge.doctor.finding import Finding
    from edge.drivers.ocpp_settings import Settings as LinkSettings

ROOT_FILE: Final = "central-ca-{}.pem"
"""Beside the configuration, by its fingerprint: what was there before goes on working."""

BEFORE: Final = ".before"
OTHERS: Final = 0o007  # who may not read a file with a key in it
FETCH_S: Final = 10.0


def verb(parser: argparse.ArgumentParser) -> None:
    """Add what `tapwatt edge enrol` takes, beside what says where everything is."""
    parser.add_argument(
        "line",
        nargs="?",
        metavar="LINE",
        help="the line of `tapwatt csms charger key ID --enrol`; without it or with - it is read"
        " from standard input, where no list of processes shows it",
    )
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="edge.toml; of several the last is written",
    )
    parser.add_argument("--no-check", action="store_true", help="do not dial the central system")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(func=_enrol)


def _enrol(arguments: argparse.Namespace) -> int:
    """Write, then dial: 0 if the station is let in, 1 if not; the file before is kept."""
    from edge.app.logs import hush
    from edge.app.possession import possessed
    from edge.config.enrolment import read_line
    from edge.config.loading import load
    from edge.drivers.journal.access import ways_ended

    hush()
    said = read_line(_line(arguments.line))
    with possessed(arguments.state_dir):  # a running controller would dial with the old ones
        with ways_ended(arguments.state_dir) as kept:
            _write(arguments.config, said, kept)
        settings = load(arguments.config)
        found = [] if arguments.no_check else _checked(settings, arguments.state_dir)
    is_in = not _is_out(found)
    if arguments.json:
        told = [{"code": each.code, "what": each.what, "remedy": each.remedy} for each in found]
        answer = {"id": said.station, "url": said.url, "checked": bool(found), "in": is_in}
        print(json.dumps({**answer, "let_go": list(kept), "findings": told}, indent=2))
    else:
        _tell(said, arguments.config[-1].resolve(), list(kept), found)
    return 0 if is_in else 1


def _line(given: str | None) -> str:
    if given is not None and given != "-":
        return given
    if sys.stdin.isatty():
        print("paste the line, then Enter:", file=sys.stderr)
    return sys.stdin.readline(2000)


def _write(files: list[Path], said: Enrolment, kept: Mapping[str, str]) -> None:
    """Put it into the last of *files*; nothing changes unless all of it can be done.

    What the journal *kept* of ways in is set in the file before: going back needs nothing else.
    """
    from edge.config.enrolment import changed
    from edge.drivers.journal.access import KEY, PROFILE
    from edge.drivers.ocpp_line import is_plain_beyond_loopback
    from edge.drivers.pinned_root import fetch_root
    from edge.errors import ConfigError
    from edge.wholefile import write_whole

    file = files[-1].resolve()  # through a link, which stays one
    csms = _csms(files)
    if is_plain_beyond_loopback(said.url) and not csms.insecure:
        raise ConfigError(
            f"{said.url} is not encrypted: have `tapwatt csms tls init` said there, or write"
            " insecure = true under [csms]"
        )
    if csms.certificate is not None:
        raise ConfigError("[csms] certificate is set: security profile 3 needs no key, remove one")
    values: dict[str, str | None] = {"url": said.url, "password": said.key}
    if csms.secure_url is not None:
        values["secure_url"] = said.url
    root, pem = file.with_name(ROOT_FILE.format((said.fingerprint or "")[:12])), None
    if said.fingerprint is not None:
        pem = fetch_root(*said.address, said.fingerprint, FETCH_S)
        values["ca_file"] = str(root)
    ours: Values = {
        "station": {"id": said.station},
        "csms": values,
        "ocpp": {KEY: None, PROFILE: None},  # either would come before the line's
    }
    try:
        _check_others(files[:-1], ours["ocpp"])
        text = changed(file.read_text("utf-8"), ours)
        was = changed(file.read_text("utf-8"), {"ocpp": kept}) if kept else None
        if pem is not None:
            write_whole(root, pem.encode(), mode=0o644)
        mode = file.stat().st_mode & 0o777 & ~OTHERS
        before = file.with_name(file.name + BEFORE)
        content = file.read_bytes() if was is None else was.encode()
        write_whole(before, content, mode=mode, like=file)
        write_whole(file, text.encode(), mode=mode, like=file)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or file} cannot be written ({error.strerror})"
        ) from error


def _check_others(files: list[Path], outranking: Collection[str]) -> None:
    import tomllib

    from edge.errors import ConfigError

    for file in files:
        for name in tomllib.loads(file.read_text("utf-8")).get("ocpp", {}).keys() & outranking:
            raise ConfigError(f"{file} sets [ocpp] {name}, which outranks the line: remove it")


def _csms(files: list[Path]) -> LinkSettings:
    from edge.config.loading import load
    from edge.drivers.ocpp_settings import Settings as LinkSettings
    from edge.drivers.registry import decode

    return decode(LinkSettings, load(files).csms, "csms")


def _checked(settings: Settings, state_dir: Path) -> list[Finding]:
    """Climb to the central system as the controller will, with what its journal holds besides."""
    import asyncio

    return asyncio.run(_climbed(settings, state_dir))


async def _climbed(settings: Settings, state_dir: Path) -> list[Finding]:
    from random import Random

    from edge.app.hardware import Tables
    from edge.doctor.examination import examine
    from edge.doctor.site import Site
    from edge.doctor.ways import ways_in
    from edge.drivers.system_clock import SystemClock, new_nonce

    clock = SystemClock()
    ways, roots = await ways_in(settings, state_dir, clock)
    site = Site(
        settings=settings,
        tables=Tables(readers={}, buses={}, connectors={}, power_good=None),
        clock=clock,
        random=Random(new_nonce()),  # noqa: S311  message ids need no secrecy
        state_dir=state_dir,
        ways=ways,
        roots=roots,
    )
    return await examine(site, ("line",))


def _is_out(found: Sequence[Finding]) -> bool:
    return any(each.level.value == "fault" for each in found)


def _tell(said: Enrolment, file: Path, let_go: list[str], found: list[Finding]) -> None:
    print(f"{file} has the address and the key of {said.station} (before: {file}{BEFORE})")
    if let_go:
        print(
            f"what a central system had set is let go, and in the file before: {', '.join(let_go)}"
        )
    for each in found:
        print(f"{each.what}{f': {each.remedy}' if each.remedy else ''}")
    if not found:
        print("not checked: `tapwatt edge doctor --only line` does")
