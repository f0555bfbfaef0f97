"""`tapwatt csms …`: run the central system, print its token."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csms_lite import cli_tls, cli_upkeep, cli_users
from csms_lite.cli_chargers import charger_verbs
from csms_lite.cli_examples import EXAMPLES

if TYPE_CHECKING:
    from csms_lite.settings import Settings

WRONG_SETTING = 2
COLLECT_AT = 10_000
"""New objects between two collections: at Python's 700 they cost a tenth of a busy server."""


def verbs(parser: argparse.ArgumentParser) -> Mapping[str, str]:
    """Add the verbs of this command; gives an example of each."""
    below = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    run = below.add_parser("run", help="run the central system until Ctrl-C")
    run.add_argument("--state-dir", type=Path, help="database and token (default state/csms)")
    run.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    run.add_argument("--ocpp-port", type=int, help="port for chargers (default 9000, 0: any)")
    run.add_argument("--http-port", type=int, help="port for people (default 8080, 0: any)")
    run.add_argument("--heartbeat-s", type=int, help="heartbeat interval told to chargers")
    run.add_argument("--ready-fd", type=int, help="gets a JSON line when both ports listen")
    run.add_argument(
        "--accept-unknown", action=argparse.BooleanOptionalAction, help="let new chargers in"
    )
    run.add_argument(
        "--refuse-concurrent",
        action=argparse.BooleanOptionalAction,
        help="one running transaction per tag",
    )
    run.add_argument(
        "--local-lists",
        action=argparse.BooleanOptionalAction,
        help="keep the chargers' local lists in step with the cards (default yes)",
    )
    run.add_argument(
        "--strict-subprotocol",
        action=argparse.BooleanOptionalAction,
        help="refuse other subprotocols by HTTP 400",
    )
    run.set_defaults(func=_run)
    run.add_argument(
        "--tls-certificate", type=Path, help="certificate chain (PEM); else that of tls init"
    )
    run.add_argument("--tls-key", type=Path, help="its private key (PEM)")
    run.add_argument("--client-ca", type=Path, help="who signs chargers' certificates (PEM)")
    run.add_argument("--ocpp-plain-port", type=int, help="one more port for chargers, without TLS")
    run.add_argument("--legacy-json-port", type=int, help="one more, for JSON objects (not OCPP)")
    run.add_argument("--ocpp-url", help="where chargers reach us, for their settings sheets")
    run.add_argument(
        "--insecure",
        action=argparse.BooleanOptionalAction,
        help="listen beyond the loopback without TLS",
    )
    charger_verbs(below)
    told = below.add_parser("settings", help="print every setting, its default and what it does")
    told.add_argument("--json", action="store_true", help="as JSON")
    told.set_defaults(func=_tell_settings)
    token = below.add_parser("token", help="print the bearer token of the HTTP API")
    token.add_argument("--state-dir", type=Path, help="where the token is (default state/csms)")
    token.add_argument("--json", action="store_true", help="as JSON")
    token.set_defaults(func=_token)
    cli_users.verbs(below.add_parser("user", help="people: add, list, change them"))
    cli_upkeep.verbs(below)
    summary = "a local authority and the server's certificate, for closed sites"
    cli_tls.verbs(below.add_parser("tls", help=summary))
    return EXAMPLES


def _run(arguments: argparse.Namespace) -> int:
    gc.disable()  # all that importing makes stays: 180 ms of collections for nothing
    import asyncio

    from csms_lite import app  # noqa: F401  # now, so that no later collection looks at it
    from csms_lite.errors import CsmsError
    from csms_lite.loop import new_event_loop

    gc.freeze()
    gc.set_threshold(COLLECT_AT)
    gc.enable()
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(_settings(arguments)))
    except CsmsError as failure:
        print(f"tapwatt csms: {failure}", file=sys.stderr)
        return WRONG_SETTING
    return 0


def _tell_settings(arguments: argparse.Namespace) -> int:
    from csms_lite.settings import Settings

    prefix = Settings.model_config["env_prefix"]
    if arguments.json:
        told = {
            f"{prefix}{name.upper()}": {
                "default": None if field.default is None else str(field.default),
                "what": " ".join((field.description or "").split()),
            }
            for name, field in Settings.model_fields.items()
        }
        print(json.dumps(told, indent=2))
        return 0
    for name, field in Settings.model_fields.items():
        what = " ".join((field.description or "").split())
        print(f"{prefix}{name.upper()}={'' if field.default is None else field.default}")
        print(f"    {what}")
    return 0


def _token(arguments: argparse.Namespace) -> int:
    from csms_lite.errors import CsmsError

    try:
        path = _settings(arguments).state_dir / "token"
        token = path.read_text().strip()
        print(json.dumps({"token": token}) if arguments.json else token)
    except FileNotFoundError:
        print(f"tapwatt csms: there is no {path} yet: `csms run` makes it", file=sys.stderr)
        return WRONG_SETTING
    except CsmsError as failure:
        print(f"tapwatt csms: {failure}", file=sys.stderr)
        return WRONG_SETTING
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    from pydantic import ValidationError

    from csms_lite.errors import SettingsError
    from csms_lite.settings import Settings

    given: dict[str, Any] = {
        name: value
        for name, value in vars(arguments).items()
        if name in Settings.model_fields and value is not None
    }
    try:
        return Settings(**given)
    except ValidationError as failure:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
            for one in failure.errors()
        )
        raise SettingsError(f"a setting cannot be used: {wrong}") from failure


async def _serve(settings: Settings) -> None:
    import asyncio
    import logging
    import os
    import signal

    import structlog

    from csms_lite.app import serve
    from csms_lite.chance import system_chance
    from csms_lite.clock import SystemClock
    from csms_lite.listening import Addresses, announce
    from edge.logstream import lasting
    from edge.notifier import Notifier

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(lasting(sys.stderr)))
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("csms_lite.websockets").setLevel(logging.CRITICAL)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    def ready(addresses: Addresses) -> None:
        if settings.ready_fd is not None:
            announce(settings.ready_fd, addresses)

    await serve(
        settings,
        clock=SystemClock(),
        chance=system_chance(),
        stopping=stopping,
        ready=ready,
        notifier=Notifier(os.environ),
    )
