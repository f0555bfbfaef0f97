"""Looks at an installation and says, in a sentence each, what is wrong and what to do.

It changes nothing, and it may look while the system runs.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from csms_lite.certificates.expiry import first_end_ms
from csms_lite.clock import Clock, rfc3339
from csms_lite.ending import OVER, STAGES, stage
from csms_lite.errors import SettingsError
from csms_lite.settings import Settings
from csms_lite.store.migrate import newest_versions
from csms_lite.tls import named, with_own
from csms_lite.upkeep.files import LOG, MONEY, reading

OK, WARNING, WRONG = "ok", "warning", "wrong"
ROOM_WRONG, ROOM_SCARCE = 256 * 1024 * 1024, 2 * 1024 * 1024 * 1024
BUILT_MS: Final = 1_767_225_600_000  # 2026: no clock that is right shows less
AHEAD_MS: Final = 60_000  # what a step of NTP may take back
ANSWER_WITHIN_S: Final = 2.0
OTHERS: Final = 0o077


class Finding(NamedTuple):
    """One thing looked at; without a *remedy* it is well."""

    grade: str
    what: str
    remedy: str = ""


def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """Look at everything; a look that fails is a finding, too."""
    settings = with_own(settings)
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _state_directory(settings.state_dir),
        lambda: _room(settings),
        lambda: _database(settings.state_dir / MONEY),
        lambda: _log(settings.state_dir / LOG),
        lambda: _clock(settings.state_dir / MONEY, clock),
        lambda: _admin(settings.state_dir / MONEY),
        lambda: _port(settings, "ocpp_port"),
        lambda: _port(settings, "http_port"),
        lambda: _certificates(settings, clock),
        lambda: _webhooks(settings),
    )
    findings: list[Finding] = []
    for look in looks:
        try:
            findings += look()
        except (SettingsError, OSError, sqlite3.Error) as failure:
            findings.append(Finding(WRONG, str(failure), "see that this user may read it"))
    return findings


def _state_directory(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding(
            WRONG, f"there is no {folder}", "run `tapwatt csms run` once, or give --state-dir"
        )
        return
    about = folder.stat()
    if about.st_uid != os.geteuid():
        yield Finding(WRONG, f"{folder} is another user's", f"chown -R $(whoami) {folder}")
    if about.st_mode & OTHERS:
        yield Finding(WRONG, f"others may look into {folder}", f"chmod 700 {folder}")
    elif os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(OK, f"{folder} is ours alone")
    else:
        yield Finding(WRONG, f"{folder} cannot be written to", f"chmod 700 {folder}")


def _room(settings: Settings) -> Iterator[Finding]:
    folder = settings.state_dir if settings.state_dir.is_dir() else Path()
    free = shutil.disk_usage(folder).free
    told = f"{free // 1_000_000} MB are free where {folder} is"
    if free >= ROOM_SCARCE:
        yield Finding(OK, told)
        return
    grade = WRONG if free < ROOM_WRONG else WARNING
    yield Finding(grade, told, "free some, or lower TAPWATT_CSMS_LOG_MAX_MB and LOG_DAYS")


def _database(path: Path) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding(WARNING, f"there is no {path} yet", "run `tapwatt csms run` once")
        return
    with reading(path) as db:
        found = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
        versions = {str(row[0]) for row in db.execute("SELECT version_num FROM alembic_version")}
    if found != ["ok"]:
        yield Finding(
            WRONG, f"{path} is damaged: {'; '.join(found)}", "stop, and put back the last backup"
        )
    elif versions != newest_versions():
        yield Finding(
            WARNING, f"{path} is of another version", "start the system: it brings it up to date"
        )
    else:
        yield Finding(OK, f"{path} is whole and of this version")


def _log(path: Path) -> Iterator[Finding]:
    if not path.is_file():
        return
    with reading(path) as db:
        found = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
    if found == ["ok"]:
        yield Finding(OK, f"{path} is whole")
    else:
        yield Finding(
            WARNING, f"{path} is damaged", "move it away while stopped: no money is in it"
        )


def _clock(path: Path, clock: Clock) -> Iterator[Finding]:
    now_ms = clock.now_ms()
    newest_ms = 0
    if path.is_file():
        with reading(path) as db:
            (newest_ms,) = db.execute("SELECT max(started_at_ms) FROM epochs").fetchone()
    if now_ms < BUILT_MS or now_ms < (newest_ms or 0) - AHEAD_MS:
        yield Finding(
            WRONG,
            f"the clock shows {rfc3339(now_ms)}, before what is stored already",
            "set it: timedatectl set-ntp true",
        )
    else:
        yield Finding(OK, f"the clock shows {rfc3339(now_ms)}")


def _admin(path: Path) -> Iterator[Finding]:
    if not path.is_file():
        return
    with reading(path) as db:
        (count,) = db.execute(
            "SELECT count(*) FROM accounts "
            "WHERE role = 'ADMIN' AND NOT is_disabled AND deleted_at_ms IS NULL"
        ).fetchone()
    if count:
        yield Finding(OK, f"{count} may sign in as ADMIN")
    else:
        yield Finding(
            WARNING,
            "nobody may sign in as ADMIN",
            "tapwatt csms user add EMAIL --name … --surname … --role ADMIN",
        )


def _port(settings: Settings, name: str) -> Iterator[Finding]:
    port = getattr(settings, name)
    if port == 0:
        yield Finding(OK, f"{name} is any free one")
        return
    try:
        with socket.create_server((settings.host, port)):
            yield Finding(OK, f"port {port} on {settings.host} is free")
    except OSError as failure:
        if _is_running(settings):
            yield Finding(OK, f"port {port} is taken, and the system runs")
        else:
            yield Finding(
                WRONG,
                f"port {port} on {settings.host} cannot be used: {failure.strerror}",
                f"end what has it (ss -ltnp), or set TAPWATT_CSMS_{name.upper()}",
            )


def _is_running(settings: Settings) -> bool:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if settings.tls_certificate is None else "https"
    address = f"{scheme}://{host}:{settings.http_port}/health/live"
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE  # it is asked whether it lives, and told nothing
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=anybody)
    )
    try:
        with opener.open(address, timeout=ANSWER_WITHIN_S) as answer:
            return bool(answer.read(1000) == b'{"status":"live"}')
    except (OSError, ValueError):
        return False


def _certificates(settings: Settings, clock: Clock) -> Iterator[Finding]:
    for name, path in named(settings):
        try:
            ends_ms = first_end_ms(path)
        except SettingsError as failure:
            yield Finding(WRONG, str(failure), f"mend {name}")
            continue
        told = f"{path} is good until {rfc3339(ends_ms)}"
        due = stage(ends_ms, clock.now_ms())
        if due is None:
            yield Finding(OK, told)
        else:
            grade = WRONG if due in (OVER, STAGES[0]) else WARNING
            yield Finding(grade, told, "renew it: chargers refuse one that is over")


def _webhooks(settings: Settings) -> Iterator[Finding]:
    if settings.webhook_http or settings.webhook_private:
        yield Finding(
            WARNING,
            "webhooks may go to http:// or private addresses",
            "switch off TAPWATT_CSMS_WEBHOOK_HTTP and _PRIVATE when no receiver needs them",
        )
