"""The process: reads its settings, says when it is ready, mirrors until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import signal
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from edge.bridge.rules import identity
from edge.bridge.settings import (
    Credentials,
    Settings,
    find_credentials,
    load,
    refuse_emulators,
)
from edge.bridge.source import open_source, trusted
from edge.errors import ConfigError
from edge.logstream import lasting
from edge.notifier import Notifier, feed_watchdog

if TYPE_CHECKING:
    from edge.bridge.database import Database

WRONG_USE: Final = 2
EXAMPLE: Final = "example: python -m edge.bridge --config /etc/tapwatt/bridge.toml"

log = structlog.get_logger()


def main(argv: Sequence[str]) -> int:
    """Run the bridge; gives the exit status. What can be mended is one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m edge.bridge",
        description="Mirror what drivers see to a Realtime Database.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="bridge.toml")
    parser.add_argument("--check", action="store_true", help="check the configuration, and end")
    parser.add_argument(
        "--dev", action="store_true", help="allow an emulator: nobody's data may be in it"
    )
    parser.add_argument(
        "--ready-fd", type=int, metavar="N", help="write one JSON line to this descriptor when up"
    )
    words = parser.parse_args(argv)
    _log_to_stderr()
    try:
        settings = load(words.config, is_dev=words.dev)
        credentials = find_credentials(settings, os.environ, is_dev=words.dev)
        refuse_emulators(os.environ, is_dev=words.dev)
        trust = trusted(settings.ca_file)
        database = _database(settings, credentials)
    except ConfigError as failure:
        sys.stderr.write(f"bridge: {failure}\n")
        return WRONG_USE
    if words.check:
        sys.stdout.write(f"{words.config} can be used\n")
        return 0
    status = 0
    try:
        asyncio.run(_serve(settings, credentials, database, trust, words.ready_fd))
    except BaseExceptionGroup:
        log.critical("bridge_failed", exc_info=True)
        status = 1
    sys.stderr.flush()
    os._exit(status)  # a thread that waits for the network is not waited for


def _database(settings: Settings, credentials: Credentials) -> Database:
    try:
        from edge.bridge.database import WITHIN_S, Database
    except ModuleNotFoundError as failure:
        raise ConfigError(
            f"{failure.name} is not installed: pip install 'tapwatt[firebase]'"
        ) from failure
    try:
        return Database(
            url=settings.database,
            key_file=credentials.key_file,
            identity=identity(settings.name, settings.stations),
            within_s=WITHIN_S,
        )
    except ValueError as failure:
        raise ConfigError(str(failure)) from failure


async def _serve(
    settings: Settings,
    credentials: Credentials,
    database: Database,
    trust: ssl.SSLContext,
    ready_fd: int | None,
) -> None:
    from edge.bridge.mirror import Mirror
    from edge.bridge.pace import Pace

    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    notifier = Notifier(os.environ)
    async with open_source(settings.source, token=credentials.token, trust=trust) as source:
        mirror = Mirror(
            source,
            database,
            stations=settings.stations or None,
            secret=_secret(credentials.key_file),
            now=lambda: datetime.now(UTC),
            pace=Pace(),
        )
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(mirror.run(), name="mirror"),
                group.create_task(feed_watchdog(notifier, _come_round), name="watchdog"),
            ]
            notifier.say("READY=1")
            _tell_ready(ready_fd)
            log.info("bridge_ready", source=settings.source, database=settings.database)
            await ending.wait()
            notifier.say("STOPPING=1")
            for task in tasks:
                task.cancel()
    database.close()
    log.info("bridge_ended")


async def _come_round() -> None:
    """Come back when all that was due has had its turn."""
    await asyncio.sleep(0)


def _secret(key_file: Path | None) -> bytes:
    """Derive what names sessions from the key; a developer's is no secret."""
    key = b"a developer's" if key_file is None else key_file.read_bytes()
    return hashlib.sha256(b"tapwatt bridge sessions\0" + key).digest()


def _tell_ready(ready_fd: int | None) -> None:
    if ready_fd is None:
        return
    with suppress(OSError):
        os.write(ready_fd, json.dumps({"ready": True}).encode() + b"\n")
        os.close(ready_fd)


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(lasting(sys.stderr)),
    )
