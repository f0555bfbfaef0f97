"""edge.toml and `-o KEY=VALUE` into typed, frozen settings; anything unknown stops the start.

The tables of the central system, readers, buses, EVSEs, meters and the power-good input stay raw
here: each is checked against its driver's own settings. Later files and then `-o` win over earlier
ones, key by key.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from edge.config.explaining import takes
from edge.config.production import Installation, check_production
from edge.config.settings import (
    Firmware,
    Privacy,
    Settings,
    Simulated,
    Station,
    Supervision,
    Table,
    members,
)
from edge.core.keys import TABLE, Accessibility, find, normal
from edge.core.messages import BootNotification
from edge.core.setup import Bounds, Keeping, Policy
from edge.errors import ConfigError, meant

SECTIONS: Final[dict[str, type]] = {
    "station": Station,
    "policy": Policy,
    "bounds": Bounds,
    "journal": Keeping,
    "supervision": Supervision,
    "firmware": Firmware,
    "privacy": Privacy,
    "simulated": Simulated,
    "installation": Installation,
}
"""The tables whose keys are ours to check; the rest belongs to drivers or to OCPP."""

NUMBERED: Final = ("readers", "connectors")
NAMED: Final = ("readers", "buses", "connectors")
LONGEST_S: Final = 86_400.0  # no patience outlasts a day
TEST_LEAST_S: Final = 10.0  # nobody can start during a self-test, which takes a second or two
CSMS_URL: Final = "ws://127.0.0.1:9000/ocpp"
TABLES: Final = ("csms", "transfer", "page", "ocpp", "cards", "power_good")
TOP: Final = ("hardware", *SECTIONS, *TABLES, *NAMED)


def load(files: Sequence[Path] = (), options: Sequence[str] = ()) -> Settings:
    """Read *files* in order, then *options* (`KEY=VALUE`, dotted); raises `ConfigError`.

    Without any file the settings are those of the simulated bay.
    """
    merged: Table = {}
    for file in files:
        table = _read(file)
        _check(table, str(file))
        merged = _merge(merged, table)
    overrides: dict[str, str] = {}
    for option in options:
        path, value = _split(option)
        place = f"-o {option}"
        if path[0] == "ocpp":
            _put_key(overrides, ".".join(path[1:]), value, place)
            continue
        table = _nested(path, _typed(value))
        _check(table, place)
        merged = _merge(merged, table)
    return _settings(merged, overrides)


def identity(station: Station, software: str) -> BootNotification:
    """How *station* introduces itself; *software* is the version where none is configured."""
    return BootNotification(
        charge_point_vendor=station.vendor,
        charge_point_model=station.model,
        charge_point_serial_number=station.serial,
        charge_box_serial_number=station.box_serial,
        firmware_version=station.firmware or software,
        iccid=station.iccid,
        imsi=station.imsi,
        meter_type=station.meter_type,
        meter_serial_number=station.meter_serial,
    )


def _read(file: Path) -> Table:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}): check --config") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or beyond all bounds
        raise ConfigError(f"{file} is no TOML: {error}") from error


def _check(table: Table, place: str) -> None:
    """Refuse names that nothing here reads."""
    for name, value in table.items():
        _know(name, TOP, f"{place}: ")
        if name != "hardware" and not isinstance(value, dict):
            raise ConfigError(f"{place}: {name} must be a table: write [{name}]")
        if name in SECTIONS:
            for key in value:
                _know(key, _field_names(SECTIONS[name]), f"{place}: [{name}] ")
        elif name == "ocpp":
            for key, given in value.items():
                _put_key({}, key, given, f"{place}: [ocpp]")
        elif name in NAMED:
            for label, entry in value.items():
                _check_entry(name, label, entry, place)


def _check_entry(name: str, label: str, entry: object, place: str) -> None:
    least = 1 if name == "connectors" else 0
    if name in NUMBERED and not (label.isdigit() and int(label) >= least):
        raise ConfigError(f"{place}: [{name}.{label}] must be numbered, from {name}.{least} on")
    if not isinstance(entry, dict):
        raise ConfigError(f"{place}: {name}.{label} must be a table: write [{name}.{label}]")
    if name == "connectors":
        for part, table in entry.items():
            _know(part, ("evse", "meter", "temperature"), f"{place}: [{name}.{label}] ")
            if not isinstance(table, dict):
                raise ConfigError(f"{place}: {name}.{label}.{part} must be a table")


def _know(name: str, known: Sequence[str], place: str) -> None:
    if name not in known:
        raise ConfigError(
            f'{place}there is no key "{name}"{meant(name, known)}: keys are {", ".join(known)}'
        )


def _field_names(section: type) -> tuple[str, ...]:
    if dataclasses.is_dataclass(section):
        return tuple(each.name for each in dataclasses.fields(section))
    return tuple(each.encode_name for each in msgspec.structs.fields(section))


def _put_key(keys: dict[str, str], name: str, given: object, place: str) -> None:
    """Add an OCPP configuration key under its right name and in its normal form."""
    key = find(name)
    if key is None:
        raise ConfigError(
            f'{place} knows no OCPP key "{name}"{meant(name, [each.name for each in TABLE])}'
        )
    if key.access is Accessibility.FACT:
        raise ConfigError(f"{place} {key.name} cannot be set: it tells what the station is")
    text = str(given).lower() if isinstance(given, bool) else str(given)
    value = normal(key, text)
    if value is None:
        raise ConfigError(f'{place} {key.name} cannot be "{text}": it takes {takes(key)}')
    keys[key.name] = value


def _split(option: str) -> tuple[list[str], str]:
    name, equals, value = option.partition("=")
    path = name.split(".")
    if not equals or not all(path):
        raise ConfigError(f"-o {option}: write -o KEY=VALUE, as in -o ocpp.HeartbeatInterval=10")
    if path[0] == "ocpp" and len(path) == 1:
        raise ConfigError(f"-o {option}: name the key, as in -o ocpp.HeartbeatInterval=10")
    return path, value


def _typed(value: str) -> object:
    """Read *value* as TOML writes it; what is no TOML is text."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return value


def _nested(path: Sequence[str], value: object) -> Table:
    for part in reversed(path):
        value = {part: value}
    assert isinstance(value, dict)  # a path is never empty
    return value


def _merge(below: Table, above: Table) -> Table:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[name] = _merge(old, value)
        else:
            merged[name] = value
    return merged


def _settings(merged: Table, overrides: dict[str, str]) -> Settings:
    keys: dict[str, str] = {}
    for name, given in merged.get("ocpp", {}).items():
        _put_key(keys, name, given, "[ocpp]")
    csms = {"url": CSMS_URL, **merged.get("csms", {})}
    tables = {**merged, "csms": csms, "ocpp": keys, "overrides": overrides}
    for name in NUMBERED:
        numbered = merged.get(name, {})
        tables[name] = {int(label): numbered[label] for label in sorted(numbered, key=int)}
    try:
        settings = msgspec.convert(tables, Settings)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        raise ConfigError(f"{path.rstrip('`') or 'edge.toml'}: {what}") from error
    _check_policy(settings.policy)
    _check_bounds(settings.bounds)
    _check_journal(settings.journal)
    _check_hardware(settings)
    evses = {number: each.evse for number, each in settings.connectors.items()}
    check_production(settings.installation, settings.hardware, evses)
    return settings


def _check_journal(keeping: Keeping) -> None:
    for name in ("free_least_mib", "most_waiting"):
        if getattr(keeping, name) < 0:
            raise ConfigError(f"journal.{name} must not be less than 0")


LEAST_PHASE_PAUSE_S: Final = 10.0  # for a car to notice that it is off (safety 23)


def _check_policy(policy: Policy) -> None:
    """Times run forwards and end: a contactor must rest, and a ramp must be over one day."""
    for name, value in members(policy).items():
        if isinstance(value, float) and not 0 <= value <= LONGEST_S:
            raise ConfigError(
                f"policy.{name} is {value:g}: it must lie in 0..{LONGEST_S:g} seconds"
            )
    if policy.phase_pause_s < LEAST_PHASE_PAUSE_S:
        raise ConfigError(f"policy.phase_pause_s must not be less than {LEAST_PHASE_PAUSE_S:g}")
    if policy.phase_switches_an_hour < 1:
        raise ConfigError("policy.phase_switches_an_hour must not be less than 1")
    if policy.rcd_trips_an_hour < 0:
        raise ConfigError("policy.rcd_trips_an_hour must not be less than 0")
    if policy.rcd_test_every_s < TEST_LEAST_S:
        raise ConfigError(f"policy.rcd_test_every_s must not be less than {TEST_LEAST_S:g}")


IN_ORDER: Final = (
    ("voltage_warn_percent", "voltage_stop_percent"),
    ("derate_from_c", "stop_at_c"),
)
FOLLOWS_S: Final = 5.0  # what a car has to follow a lower offer (IEC 61851-1)


def _check_bounds(bounds: Bounds) -> None:
    """Warn before stopping, and give a car the time it is entitled to."""
    for name, value in members(bounds).items():
        if not isinstance(value, float) or not 0 <= value <= LONGEST_S:
            raise ConfigError(f"bounds.{name} is {value}: it must lie in 0..{LONGEST_S:g}")
    for first, then in IN_ORDER:
        if getattr(bounds, first) >= getattr(bounds, then):
            raise ConfigError(f"bounds.{first} must be less than bounds.{then}")
    if bounds.over_current_after_s <= FOLLOWS_S:
        raise ConfigError(
            f"bounds.over_current_after_s must be more than {FOLLOWS_S:g}:"
            " a car has that long to follow a lower offer"
        )


def _check_hardware(settings: Settings) -> None:
    """Real hardware, or what the bay stands in for, is named here; the bay alone brings its own."""
    described = bool(
        settings.readers or settings.buses or settings.connectors or settings.power_good
    )
    if settings.hardware == "simulated" and described:
        raise ConfigError(
            'hardware = "simulated" brings its own readers, buses, connectors and power_good:'
            ' remove their tables, or write hardware = "real"'
        )
    if settings.hardware != "simulated" and not settings.connectors:
        raise ConfigError(
            f'hardware = "{settings.hardware}" needs at least a table [connectors.1.evse]'
        )
    numbers = list(settings.connectors)
    if numbers != list(range(1, len(numbers) + 1)):
        raise ConfigError(f"connectors must be numbered 1, 2, 3 …; these are {numbers}")
