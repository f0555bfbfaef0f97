"""`bridge.toml` into typed, frozen settings; what cannot be used stops the start with a remedy.

The service account's key and the source's token are credentials: files that systemd hands over
(`LoadCredential=keys:DIRECTORY`), or files named here that nobody else may read.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta

from edge.bridge.source import CODE, MOST_STATIONS
from edge.errors import ConfigError, meant

KEY_CREDENTIAL: Final = "keys_firebase.json"
TOKEN_CREDENTIAL: Final = "keys_source-token"  # noqa: S105  a file's name, no secret
TOKEN_MAX: Final = 4096
EMULATOR: Final = re.compile(r"FIREBASE_\w*EMULATOR_HOST")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `bridge.toml` may say."""

    source: str
    """Address of csms_lite or of the edge, such as `http://127.0.0.1:8080`."""
    database: str
    """Address of the Realtime Database, from the Firebase console."""
    stations: Annotated[tuple[str, ...], Meta(max_length=MOST_STATIONS)] = ()
    """Public codes of the stations; without them all that csms_lite has in service."""
    name: str = "bridge"
    """Who the bridge of several stations is to the rules; two bridges need two names."""
    key_file: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    """Roots that the source's certificate is checked by, besides nothing else."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What is secret; without a key the database must be a developer's."""

    key_file: Path | None
    token: str | None


def load(file: Path, *, is_dev: bool) -> Settings:
    """Read *file*; raises `ConfigError`."""
    table = _read(file)
    known = [field.name for field in msgspec.structs.fields(Settings)]
    for name in table:
        if name not in known:
            raise ConfigError(f"{file}: there is no setting {name}{meant(name, known)}")
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as failure:
        raise ConfigError(f"{file}: {failure}") from failure
    _check(settings, str(file), is_dev=is_dev)
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as failure:
        raise ConfigError(
            f"{file} cannot be read ({failure.strerror}): check --config"
        ) from failure
    except (ValueError, RecursionError) as failure:  # no TOML, no UTF-8, or beyond all bounds
        raise ConfigError(f"{file} is no TOML: {failure}") from failure


def find_credentials(
    settings: Settings, environment: Mapping[str, str], *, is_dev: bool
) -> Credentials:
    """Find key and token; raises `ConfigError` for one that is missing or open to others."""
    given = environment.get("CREDENTIALS_DIRECTORY")
    key = _credential(settings.key_file, given, KEY_CREDENTIAL)
    if key is None and not is_dev:
        raise ConfigError(
            "the key of the service account is missing: name it as key_file in bridge.toml, or put"
            " it into /etc/tapwatt/bridge-keys/firebase.json for the unit"
        )
    token_file = _credential(settings.token_file, given, TOKEN_CREDENTIAL)
    token = None
    if token_file is not None:
        token = token_file.read_text(encoding="utf-8", errors="replace")[:TOKEN_MAX].strip()
    if token is None and not settings.stations:
        raise ConfigError(
            "which stations? Name their codes as stations in bridge.toml, or give a VIEWER's token"
            " of csms_lite as token_file"
        )
    if token is not None and not _is_private(settings.source):
        raise ConfigError(
            f"the token would go to {settings.source} in the clear: let the source be https://"
        )
    return Credentials(key_file=key, token=token)


def refuse_emulators(environment: Mapping[str, str], *, is_dev: bool) -> None:
    """Raise `ConfigError` where the environment would have `firebase-admin` trust anybody."""
    names = [name for name in sorted(environment) if EMULATOR.fullmatch(name)]
    if names and not is_dev:
        raise ConfigError(
            f"{', '.join(names)} in the environment sends everything to an emulator, and has"
            " unsigned tokens believed: unset it, or add --dev"
        )


def _check(settings: Settings, place: str, *, is_dev: bool) -> None:
    source = _parts(settings.source)
    if (
        source is None
        or source.scheme not in {"http", "https"}
        or (source.path, source.query) not in {("", ""), ("/", "")}
    ):
        raise ConfigError(
            f"{place}: source must be like http://127.0.0.1:8080, without a path or password"
        )
    database = _parts(settings.database)
    if database is None or database.scheme not in ({"https", "http"} if is_dev else {"https"}):
        raise ConfigError(
            f"{place}: database must be the https:// address that the Firebase console shows"
        )
    for code in settings.stations:
        if not CODE.fullmatch(code):
            raise ConfigError(f"{place}: {code!r} is no code of a station: see its page's address")
    if not CODE.fullmatch(settings.name):
        raise ConfigError(f"{place}: name must be letters, digits, - and _, at most 48")


def _parts(address: str) -> SplitResult | None:
    """Take an address apart; `None` for none, or one with a secret in it, which logs would show."""
    try:
        parts = urlsplit(address)
        is_plain = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    return parts if is_plain else None


def _credential(named: str | None, directory: str | None, name: str) -> Path | None:
    """Find a secret file: the one named, which must be nobody else's, else systemd's."""
    if named is None:
        handed = Path(directory, name) if directory else None
        return handed if handed is not None and handed.is_file() else None
    file = Path(named)
    try:
        mode = file.stat().st_mode
    except OSError as failure:
        raise ConfigError(f"{file} cannot be read ({failure.strerror})") from failure
    if mode & 0o077:
        raise ConfigError(f"others may read {file}: chmod 600 {file}")
    return file


def _is_private(source: str) -> bool:
    """Say whether nobody between hears what goes to *source*."""
    parts = urlsplit(source)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
