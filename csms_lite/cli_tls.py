"""`tapwatt csms tls …`: a local authority and the server's certificate, for closed sites."""

from __future__ import annotations

import argparse
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from csms_lite.certificates.local import Made, Wanted
    from csms_lite.settings import Settings


def verbs(parser: argparse.ArgumentParser) -> None:
    """Add the verbs below `tls`."""
    from csms_lite.cli_upkeep import with_settings

    below = parser.add_subparsers(dest="tls_verb", required=True, metavar="VERB")
    init = below.add_parser("init", help="make a local authority and the server's certificate")
    init.set_defaults(func=with_settings(_init))
    renew = below.add_parser("renew", help="make the server's certificate anew, chargers go on")
    renew.add_argument(
        "--authority", action="store_true", help="the authority's, too; its key stays the same"
    )
    renew.set_defaults(func=with_settings(_renew))
    for verb in (init, renew):
        verb.add_argument(
            "--name",
            action="append",
            default=[],
            metavar="HOST",
            help="a name or address by which chargers or people reach us; the first is dialled",
        )
        verb.add_argument("--days", type=int, metavar="N", help="validity of the certificate (825)")
        verb.add_argument("--ca-days", type=int, metavar="N", help="that of the authority (3650)")
        verb.add_argument("--json", action="store_true", help="as JSON")
        verb.add_argument("--state-dir", type=Path, help="where they go, into tls (state/csms)")


def _init(settings: Settings, arguments: argparse.Namespace) -> int:
    from csms_lite.certificates.local import initialise

    names = (*arguments.name, *settings.tls_names) or own_names(settings.host)
    made = initialise(_folder(settings), _wanted(settings, arguments, names), *_means())
    _tell(made, arguments, "made" if made.made else "there already, left as it is")
    return 0


def _renew(settings: Settings, arguments: argparse.Namespace) -> int:
    from csms_lite.certificates.local import renew

    wanted = _wanted(settings, arguments, tuple(arguments.name))
    made = renew(_folder(settings), wanted, *_means(), with_authority=arguments.authority)
    _tell(made, arguments, "renewed: a running system takes it up within seconds")
    return 0


def own_names(host: str) -> tuple[str, ...]:
    """Give the names of this machine: its own, on its network, and on itself."""
    from csms_lite.enrol_line import ANYWHERE
    from csms_lite.listening import is_loopback

    name = socket.gethostname()
    local = () if "." in name else (f"{name}.local",)
    listened = () if host in ANYWHERE or is_loopback(host) else (host,)
    return tuple(dict.fromkeys((*listened, name, *local, "localhost", "127.0.0.1", "::1")))


def _wanted(settings: Settings, arguments: argparse.Namespace, names: tuple[str, ...]) -> Wanted:
    from csms_lite.certificates.local import Wanted
    from csms_lite.settings import Settings as Checked

    given = {"tls_days": arguments.days, "tls_ca_days": arguments.ca_days}
    changed = {name: value for name, value in given.items() if value is not None}
    checked = Checked(state_dir=settings.state_dir, **changed)
    return Wanted(names=names, days=checked.tls_days, authority_days=checked.tls_ca_days)


def _folder(settings: Settings) -> Path:
    from csms_lite.tls import OWN

    return settings.state_dir / OWN


def _means() -> tuple[Any, Any]:
    from csms_lite.chance import system_chance
    from csms_lite.clock import SystemClock

    return SystemClock(), system_chance()


def _tell(made: Made, arguments: argparse.Namespace, how: str) -> None:
    if arguments.json:
        print(json.dumps(made.told(), indent=2))
        return
    told = made.told()
    print(f"{made.certificate} ({how})")
    print(f"  for {', '.join(made.names)}")
    print(f"  until {told['not_after']}, its authority until {told['authority_not_after']}")
    print(f"{made.authority}: the authority that chargers trust, SHA-256 {made.fingerprint}")
    print("`tapwatt csms run` uses it by itself; `charger key ID --enrol` tells chargers of it")
