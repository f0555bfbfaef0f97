"""The planted faults as `faults.toml` lists them, and the tables that each makes of a bay's."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from importlib.resources import files
from typing import Any

import msgspec


class MadeUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a made-up computer says of itself; all is well by default."""

    throttled: str = "0"
    mount: str = "ext4"
    state_dir: str | None = None
    ntp: bool = True
    console: str = "tty1"


class Central(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the central system is dialled, and how it answers; it accepts us by default.

    *port* is `closed` where nobody listens. *tls* is what is wrong with its certificate, `None`
    for none at all.
    """

    host: str = "127.0.0.1"
    port: str = "open"
    password: str | None = None
    tls: str | None = None
    status: int | None = None
    subprotocol: str = "ocpp1.6"
    boot: str = "Accepted"
    mute: bool = False


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault: what is planted, and the one finding that must come of it."""

    name: str
    expects: str
    where: str
    wired: dict[str, Any] = {}
    configured: dict[str, Any] = {}
    verbs: tuple[tuple[str, dict[str, Any]], ...] = ()
    taken: int | None = None
    computer: MadeUp = MadeUp()
    central: Central = Central()


class _Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fault: tuple[Fault, ...]


def load() -> tuple[Fault, ...]:
    """Every fault that the self-test plants."""
    text = (files("edge.doctor") / "faults.toml").read_bytes()
    return msgspec.toml.decode(text, type=_Faults).fault


def put(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """*tables* with *changes*, each at its dotted path."""
    made = deepcopy(dict(tables))
    for path, value in changes.items():
        *above, last = path.split(".")
        table = made
        for name in above:
            table = table[name]
        table[last] = value
    return made


def taken_from(
    tables: Mapping[str, Any], other: Mapping[str, Any], paths: Mapping[str, Any]
) -> dict[str, Any]:
    """*tables* with what *other* has at *paths*, or without what it has not."""
    made = deepcopy(dict(tables))
    for path in paths:
        *above, last = path.split(".")
        table, source = made, other
        for name in above:
            table, source = table[name], source[name]
        if last in source:
            table[last] = source[last]
        else:
            table.pop(last, None)
    return made
