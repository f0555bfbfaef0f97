"""How a station comes to a central system: one line that says all, and edge.toml with it in. Pure.

    tapwatt:enrol?id=CP-1&url=wss://host:9000/ocpp&key=HEX&ca=SHA256

`tapwatt csms charger key ID --enrol` writes such lines. *ca* is the SHA-256 of the certificate of
the authority that the central system shows; without it the computer's own roots count.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from edge.errors import ConfigError

SCHEME: Final = "tapwatt:enrol"
LINE_MOST: Final = 1000  # characters; a QR code of that size is at its limit on a terminal
FORMS: Final = {
    "id": re.compile(r"[!-~]{1,48}"),
    "url": re.compile(r"wss?://[!-~]{1,400}"),
    "key": re.compile(r"[!-~]{16,40}"),
    "ca": re.compile(r"[0-9a-f]{64}"),
}
OPTIONAL: Final = ("ca",)

Values = Mapping[str, Mapping[str, str | None]]
"""Tables of edge.toml, and in each the keys to set; `None`: to remove."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What the line says; *fingerprint* is `None` where the computer's own roots count."""

    station: str
    url: str
    key: str = field(repr=False)
    fingerprint: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the central system."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)


def read_line(line: str) -> Enrolment:
    """Understand an enrolment line; raises `ConfigError` that never shows the key."""
    scheme, mark, query = line.strip().partition("?")
    if len(line) > LINE_MOST or scheme != SCHEME or not mark:
        raise ConfigError(f"this is no enrolment line: it begins with {SCHEME}?id=")
    pairs = parse_qsl(query, keep_blank_values=True)
    said = dict(pairs)
    if len(said) != len(pairs) or not said.keys() <= FORMS.keys():
        raise ConfigError("the enrolment line has parts that this version does not know: make anew")
    for name, form in FORMS.items():
        if name in OPTIONAL and name not in said:
            continue
        if not form.fullmatch(said.get(name, "")):
            raise ConfigError(f"the enrolment line has no {name} that can be used: copy it whole")
    _check_url(said["url"], has_ca="ca" in said)
    return Enrolment(
        station=said["id"], url=said["url"], key=said["key"], fingerprint=said.get("ca")
    )


def _check_url(url: str, *, has_ca: bool) -> None:
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_plain = False
    if not is_plain or "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError("the address in the enrolment line is none: it is wss://HOST:PORT/PATH")
    if has_ca and parts.scheme != "wss":
        raise ConfigError("the enrolment line names an authority and an address without TLS")


def changed(text: str, values: Values) -> str:
    """Give the TOML *text* with *values* set, comments and order as they were.

    Raises `ConfigError` where it is written in a way that cannot be changed line by line.
    """
    before = tomllib.loads(text)
    for table, keys in values.items():
        for key, value in keys.items():
            line = None if value is None else f"{key} = {json.dumps(value, ensure_ascii=False)}"
            text = _with(text, table, key, line)
    try:
        is_done = tomllib.loads(text) == _merged(before, values)
    except tomllib.TOMLDecodeError:
        is_done = False
    if not is_done:
        wanted = ", ".join(
            f"{'remove' if value is None else 'set'} [{table}] {key}"
            for table, keys in values.items()
            for key, value in keys.items()
        )
        raise ConfigError(f"the file is written in a way that only its author changes: {wanted}")
    return text


def _with(text: str, table: str, key: str, line: str | None) -> str:
    """Replace the line of *key* in *table*, or add it below the table's head; `None` removes it."""
    lines = text.splitlines()
    heads = [at for at, one in enumerate(lines) if _is_head(one, table)]
    if not heads and line is None:
        return text
    if not heads:
        return text.rstrip("\n") + f"\n\n[{table}]\n{line}\n"
    own = re.compile(rf"\s*(?:{re.escape(key)}|\"{re.escape(key)}\")\s*=")
    for at in range(heads[0] + 1, len(lines)):
        if lines[at].lstrip().startswith("["):
            break
        if own.match(lines[at]):
            lines[at : at + 1] = [] if line is None else [line]
            return "\n".join(lines) + "\n"
    lines[heads[0] + 1 : heads[0] + 1] = [] if line is None else [line]
    return "\n".join(lines) + "\n"


def _is_head(line: str, table: str) -> bool:
    return re.fullmatch(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?", line) is not None


def _merged(before: Mapping[str, Any], values: Values) -> dict[str, Any]:
    merged = dict(before)
    for table, keys in values.items():
        if table in before or any(value is not None for value in keys.values()):
            both = {**merged.get(table, {}), **keys}
            merged[table] = {key: value for key, value in both.items() if value is not None}
    return merged
