"""Configuration keys at work: their values in force, and what they can take.

Precedence: `-o` on the command line, ChangeConfiguration (journal), edge.toml, the default.
Which keys there are says `key_table`. Keys compare without case (CiString).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, assert_never

from edge.core.commands import KeyValue
from edge.core.key_kinds import (
    LEAST_KEY_BYTES,
    LISTABLE,
    MEASURANDS,
    MOST_KEY_TEXT,
    MOST_KEYS_ASKED,
    MOST_TEXT,
    PHASES,
    ROTATIONS,
    Accessibility,
    Key,
    Kind,
)
from edge.core.key_table import TABLE
from edge.core.setup import PhaseSwitching
from edge.core.state import ChargePoint

__all__ = ["MEASURANDS", "MOST_KEYS_ASKED", "TABLE", "Accessibility", "Key", "Kind"]

MOST_DIGITS: Final = 10  # as many as 2**31 has

_BY_NAME: Final = {key.name.lower(): key for key in TABLE}


def find(name: str) -> Key | None:
    """The key called *name*, whatever its case."""
    return _BY_NAME.get(name.lower())


def text(state: ChargePoint, name: str) -> str:
    """The value of *name* as GetConfiguration shows it."""
    key = _BY_NAME[name.lower()]
    if _unlocks_nothing(state, key):
        return "false"
    setup = state.setup
    layers = (setup.overrides, state.station.configuration, setup.defaults)
    for layer in () if key.access is Accessibility.FACT else layers:
        found = layer.get(key.name)
        if found is not None:
            return found
    return BY_STATION[key.name](state) if key.name in BY_STATION else key.default


def number(state: ChargePoint, name: str) -> int:
    """The value of the integer key *name*."""
    return int(text(state, name))


def flag(state: ChargePoint, name: str) -> bool:
    """The value of the boolean key *name*."""
    return text(state, name) == "true"


def measurands(state: ChargePoint, name: str) -> tuple[str, ...]:
    """The measurands listed in *name*."""
    return split(text(state, name))


def shown(state: ChargePoint, key: Key) -> KeyValue:
    """*key* for a GetConfiguration answer."""
    value = None if key.kind is Kind.SECRET else text(state, key.name)
    return KeyValue(key=key.name, readonly=is_readonly(state, key), value=value)


def is_readonly(state: ChargePoint, key: Key) -> bool:
    """Whether *key* cannot be changed here."""
    return not key.access.is_written or _unlocks_nothing(state, key)


def _unlocks_nothing(state: ChargePoint, key: Key) -> bool:
    """A station that has no lock, or sees no car, reports false, read-only (rulings 3, 37)."""
    unlocks = key.name == "UnlockConnectorOnEVSideDisconnect"
    able = (traits.has_lock and traits.has_pilot for traits in state.setup.traits)
    return unlocks and not any(able)


def _rotation_by_build(state: ChargePoint) -> str:
    """NotApplicable is for a connector with one phase (9.1.7)."""
    orders = ("NotApplicable" if traits.phases == 1 else "Unknown" for traits in state.setup.traits)
    return ",".join(f"{connector}.{order}" for connector, order in enumerate(orders, 1))


def _switches_phases(state: ChargePoint) -> str:
    """Amid a transaction, as 9.4.4 has it: a relay that moves between sessions is no yes."""
    many = [traits.switches_phases for traits in state.setup.traits if traits.phases > 1]
    amid = state.setup.policy.phase_switching is PhaseSwitching.SESSION
    return "true" if amid and many and all(many) else "false"


BY_STATION: Final[Mapping[str, Callable[[ChargePoint], str]]] = {
    "ConnectorPhaseRotation": _rotation_by_build,
    "ConnectorPhaseRotationMaxLength": lambda state: str(_most_rotations(state)),
    "ConnectorSwitch3to1PhaseSupported": _switches_phases,
    "NumberOfConnectors": lambda state: str(len(state.bays)),
    "SupportedFileTransferProtocols": lambda state: ",".join(state.setup.transfer_protocols),
}
"""Keys whose value, where nobody set one, follows from the station."""


def split(value: str) -> tuple[str, ...]:
    """A comma-separated list without white space or repeats, in its order (ruling 35)."""
    return tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))


def normal(key: Key, value: str) -> str | None:
    """*value* in the form we keep, or `None` where no station's *key* can take it."""
    if len(value) > MOST_TEXT:
        return None
    match key.kind:
        case Kind.FLAG:
            folded = value.lower()
            return folded if folded in ("true", "false") else None
        case Kind.NUMBER:
            return _whole(key, value)
        case Kind.MEASURANDS:
            return _joined(value, LISTABLE.__contains__)
        case Kind.ROTATION:
            return _joined(value, _is_rotation)
        case Kind.TEXT | Kind.LIST:
            return value if len(value) <= key.most else None
        case Kind.SECRET:
            return value if _is_password(value) else None
        case _:
            assert_never(key.kind)


def suits(state: ChargePoint, key: Key, value: str) -> bool:
    """Whether the *value*, in its normal form, is about what this station has."""
    match key.kind:
        case Kind.ROTATION:
            connectors = [int(word.partition(".")[0]) for word in split(value)]
            once = len(set(connectors)) == len(connectors)
            return once and all(number < _most_rotations(state) for number in connectors)
        case Kind.MEASURANDS:
            phases = max(traits.phases for traits in state.setup.traits)
            return not any(word.endswith(PHASES[phases:]) for word in split(value))
        case _:
            return True


def _most_rotations(state: ChargePoint) -> int:
    return len(state.bays) + 1  # and the main meter's, number 0


def _whole(key: Key, value: str) -> str | None:
    if not (value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS):
        return None
    return str(int(value)) if key.least <= int(value) <= key.most else None


def _joined(value: str, is_word: Callable[[str], bool]) -> str | None:
    words = split(value)
    return ",".join(words) if all(map(is_word, words)) else None


def _is_rotation(word: str) -> bool:
    connector, dot, order = word.partition(".")
    is_number = connector.isascii() and connector.isdigit() and len(connector) <= MOST_DIGITS
    return is_number and dot == "." and order in ROTATIONS


def password_bytes(value: str) -> bytes | None:
    """What the hexadecimal digits of *value* stand for, if it is 16-20 bytes so written."""
    if len(value) > MOST_KEY_TEXT or not set(value) <= set("0123456789abcdefABCDEF"):
        return None
    if len(value) % 2 or len(value) < 2 * LEAST_KEY_BYTES:
        return None
    return bytes.fromhex(value)


def _is_password(value: str) -> bool:
    """Hexadecimal digits for 16-20 bytes, or as much printable text (ruling 38)."""
    plain = value.isascii() and value.isprintable()
    return plain and LEAST_KEY_BYTES <= len(value) <= MOST_KEY_TEXT
