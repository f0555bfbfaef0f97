"""What a setting is, where that comes from, and what every OCPP key may hold."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from edge.config.settings import Settings, members
from edge.core.keys import BY_STATION, TABLE, Accessibility, Key, Kind, find
from edge.errors import ConfigError, meant


def explain(settings: Settings, name: str) -> list[str]:
    """Lines that say what *name* is now and where that comes from; raises `ConfigError`."""
    key = find(name.removeprefix("ocpp."))
    if key is not None:
        return _explain_key(settings, key)
    place: object = settings
    for part in name.split("."):
        known = members(place)
        if part not in known:
            raise ConfigError(f'there is no setting "{name}"{meant(part, _all_names(known))}')
        place = known[part]
    return [f"{name} = {_shown(place)}"]


def _explain_key(settings: Settings, key: Key) -> list[str]:
    lines = [f"{key.name} ({takes(key)}; {key.access}): {key.meaning}"]
    if key.kind is Kind.SECRET:
        return lines
    layers = (
        ("-o", settings.overrides.get(key.name)),
        ("edge.toml", settings.ocpp.get(key.name)),
        ("default", "(by the station)" if key.name in BY_STATION else key.default),
    )
    in_force = next(where for where, value in layers if value is not None)
    for where, value in layers:
        mark = "*" if where == in_force else " "
        lines.append(f" {mark} {where:<10} {'-' if value is None else value!r}")
    if key.access.is_written:
        lines.append("   ChangeConfiguration wins over edge.toml and the default, and loses to -o.")
    return lines


def takes(key: Key) -> str:
    """What *key* can hold, for people."""
    match key.kind:
        case Kind.NUMBER if key.access is not Accessibility.FACT:
            return f"integer {key.least}-{key.most} {key.unit}".rstrip()
        case _:
            return str(key.kind)


HEAD = ("key", "type and bounds", "over OCPP", "default", "meaning", "source")


def reference() -> list[str]:
    """Every OCPP key as a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (HEAD, ("---",) * len(HEAD), *rows())]


def rows() -> list[tuple[str, ...]]:
    """Every OCPP key, as `HEAD` names what is said of it."""
    return [
        (key.name, takes(key), str(key.access), _default(key), key.meaning, key.source)
        for key in TABLE
    ]


def _default(key: Key) -> str:
    if key.name in BY_STATION:
        return "*by the station*"
    return f"`{key.default}`" if key.default else ""


def _all_names(known: Iterable[str]) -> list[str]:
    return [*known, *(key.name for key in TABLE)]


def _shown(place: object) -> str:
    return msgspec.json.encode(place).decode()
