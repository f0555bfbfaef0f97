"""`tapwatt page deploy`: write the driver's pages as a site for any host of static files."""

from __future__ import annotations

import argparse
import ipaddress
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from edge.errors import ConfigError

if TYPE_CHECKING:
    from edge.hmi.site import Plan

CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,48}")  # as in hmi/status.schema.json, and in addresses
URL_MAX: Final = 500
NAME_MAX: Final = 100
OUTLET: Final = re.compile(r"([1-9][0-9]?)=(\S.{0,59})")
EXAMPLE: Final = """example:
  tapwatt page deploy site --url https://charge.example.org \\
      --firebase https://my-project-default-rtdb.europe-west1.firebasedatabase.app \\
      --station K7PLM2QX --name "Town Hall car park" --connector "1=Type 2, 22 kW"
"""


def verbs(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `tapwatt page`."""
    below = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    deploy = below.add_parser(
        "deploy",
        help="write the pages as a site for any host of static files",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    deploy.add_argument("directory", type=Path, metavar="DIR", help="made, or written anew")
    deploy.add_argument("--url", required=True, help="where the site will be: it is in its QR code")
    feed = deploy.add_mutually_exclusive_group(required=True)
    feed.add_argument("--firebase", metavar="URL", help="the Realtime Database that a bridge fills")
    feed.add_argument("--csms", metavar="URL", help="the central system, where people reach it")
    deploy.add_argument("--station", required=True, metavar="CODE", help="its public code")
    deploy.add_argument("--name", help="what drivers call the place, until the station says it")
    deploy.add_argument(
        "--connector",
        action="append",
        default=[],
        metavar="N=WHAT",
        help='what can be plugged in there, as in "1=Type 2, 22 kW"; may be repeated',
    )
    deploy.add_argument("--json", action="store_true", help="say what was written as JSON")
    deploy.set_defaults(func=_deploy)


def _deploy(arguments: argparse.Namespace) -> int:
    from edge.hmi.site import LIVE, site

    directory: Path = arguments.directory
    plan = _plan(arguments)
    try:
        files = site(plan)
    except (FileNotFoundError, ValueError) as problem:
        raise ConfigError(f"the site cannot be made: {problem}") from problem
    _write(directory, files)
    live = f"{plan.url.rstrip('/')}/{LIVE}"
    if arguments.json:
        size = sum(map(len, files.values()))
        print(
            json.dumps(
                {"directory": str(directory), "live": live, "files": sorted(files), "bytes": size}
            )
        )
        return 0
    print(f"{directory}: {len(files)} files; put them where {plan.url} shows them")
    print(f"the live page will be {live}, {directory / 'qr.svg'} leads there")
    return 0


def _plan(arguments: argparse.Namespace) -> Plan:
    """What is asked for, checked; raises `ConfigError`."""
    from edge.hmi.site import Plan, origins

    if not CODE.fullmatch(arguments.station):
        raise ConfigError(
            f"--station {arguments.station}: write the station's public code, letters and digits"
        )
    if arguments.name is not None and not 0 < len(arguments.name) <= NAME_MAX:
        raise ConfigError(f"--name: write 1 to {NAME_MAX} characters")
    config: dict[str, Any] = {"station": arguments.station}
    if arguments.name is not None:
        config["name"] = arguments.name
    if arguments.connector:
        config["connectors"] = _outlets(arguments.connector)
    url = _address("--url", arguments.url).geturl()
    if arguments.firebase is None:
        source = _origin("--csms", arguments.csms)
        return Plan(url=url, config={"feed": "csms", "source": source, **config}, reaches=[source])
    database = _origin("--firebase", arguments.firebase)
    config = {"feed": "firebase", "database": database, **config}
    return Plan(url=url, config=config, reaches=origins(database))


def _origin(option: str, text: str) -> str:
    """An address without a path."""
    parts = _address(option, text)
    if parts.path not in {"", "/"}:
        raise ConfigError(f"{option} {text}: end it behind the host")
    return f"{parts.scheme}://{parts.netloc}"


def _address(option: str, text: str) -> SplitResult:
    """An address that a browser on a https page may use: http is for this machine alone."""
    try:
        parts = urlsplit(text)
        is_clean = bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)
        is_clean = is_clean and (parts.port is None or parts.port > 0)
    except ValueError:
        is_clean = False
    if not is_clean or len(text) > URL_MAX or re.search(r"[\s;,'\"<>\\]", text):
        raise ConfigError(f"{option} {text}: write an address such as https://charge.example.org")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname or "")):
        raise ConfigError(f"{option} {text}: write https://, drivers must not be shown another's")
    return parts


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _outlets(given: Sequence[str]) -> dict[str, str]:
    outlets: dict[str, str] = {}
    for text in given:
        found = OUTLET.fullmatch(text)
        if found is None:
            raise ConfigError(f'--connector {text}: write number and plug, as in "1=Type 2, 22 kW"')
        outlets[found[1]] = found[2]
    return outlets


def _write(directory: Path, files: dict[str, bytes]) -> None:
    """Write *files*; what is there and no site of ours is left alone. Raises `ConfigError`."""
    try:
        names = {path.name for path in directory.iterdir() if not path.name.startswith(".")}
        if names and not names >= {"config.json", "live.html", "words"}:
            raise ConfigError(
                f"{directory} holds something else: name an empty folder, or one that an earlier"
                " deploy has written"
            )
    except FileNotFoundError:
        pass
    except NotADirectoryError as problem:
        raise ConfigError(f"{directory} is a file: name a folder") from problem
    try:
        for name, body in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
    except OSError as problem:
        raise ConfigError(
            f"{problem.filename} cannot be written: {problem.strerror}, check the folder"
        ) from problem
