"""What a configuration key is: its type, who may set it, and the bounds of what it may hold.

Whatever the central system may make us wait for, list or store by a key is bounded here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MEASURANDS: Final = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
    "Frequency",
    "SoC",
    "Current.Offered",
    "Power.Offered",
)
"""The measurands we can sample; order is the one they are listed in the documentation."""

PHASED: Final = ("Current.Import", "Voltage")
"""Measurands that have a value per phase: `Voltage.L1` lists one of them (9.1.17)."""

PHASES: Final = ("L1", "L2", "L3")
LISTABLE: Final = (*MEASURANDS, *(f"{name}.{phase}" for name in PHASED for phase in PHASES))
MOST_MEASURANDS: Final = len(LISTABLE)
ROTATIONS: Final = ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")
FEATURE_PROFILES: Final = (
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "RemoteTrigger",
    "Reservation",
    "SmartCharging",
)

MOST_TEXT: Final = 500  # CiString500 of ChangeConfiguration.req and GetConfiguration.conf
MOST_KEYS_ASKED: Final = 64
MOST_KEY_TEXT: Final = 40  # twenty bytes in hexadecimal digits (whitepaper 7.2)
LEAST_KEY_BYTES: Final = 16
MOST_LISTED: Final = 10_000  # tags; 6 MB of state, 2 MB of journal
MOST_SENT: Final = 1_000  # entries of at most 160 characters: well within the 256 KiB of a frame
MOST_STOP_VALUES: Final = 64
DAY_S: Final = 86_400
MOST_SILENCE_S: Final = 7 * DAY_S  # a station unheard of for longer is taken for dead
MOST_ATTEMPTS: Final = 100
MOST_RESETS: Final = 10
MOST_NUMBER: Final = 2**31 - 1

ENERGY: Final = MEASURANDS[0]


class Kind(StrEnum):
    """Type of a key's value."""

    FLAG = "boolean"
    NUMBER = "integer"
    MEASURANDS = "measurand list"
    ROTATION = "phase rotation list"
    TEXT = "text"
    LIST = "list"
    SECRET = "secret"  # noqa: S105  the kind, not the secret


class Accessibility(StrEnum):
    """Who may set a key; the central system reads all but the secret one."""

    WRITE = "read, write"
    SECRET = "write"  # noqa: S105  a word, no secret
    OURS = "read"  # the installer may set it in edge.toml
    FACT = "read, as built"  # what the station is; nobody sets it

    @property
    def is_written(self) -> bool:
        """Whether ChangeConfiguration may set it."""
        return self in (Accessibility.WRITE, Accessibility.SECRET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key. *source* is its section in OCPP 1.6 (S), its errata (E) or the whitepaper (W).

    *least* and *most* bound a number in *unit*, *most* also the characters of a text. What
    ChangeConfiguration sets is in the journal.
    """

    name: str
    kind: Kind
    default: str
    meaning: str
    source: str
    access: Accessibility = Accessibility.WRITE
    unit: str = ""
    least: int = 0
    most: int = MOST_NUMBER


def flag(name: str, default: str, meaning: str, source: str) -> Key:
    """A switch that the central system may turn."""
    return Key(name=name, kind=Kind.FLAG, default=default, meaning=meaning, source=source)


def count(
    name: str, default: str, meaning: str, source: str, *, most: int, least: int = 0, unit: str = ""
) -> Key:
    """A whole number that the central system may set."""
    return Key(
        name=name,
        kind=Kind.NUMBER,
        default=default,
        meaning=meaning,
        source=source,
        unit=unit,
        least=least,
        most=most,
    )


def seconds(
    name: str, default: str, meaning: str, source: str, *, least: int = 0, most: int = DAY_S
) -> Key:
    """A wait that the central system may set."""
    return count(name, default, meaning, source, least=least, most=most, unit="s")


def listed(name: str, default: str, meaning: str, source: str) -> Key:
    """Measurands that the central system may choose."""
    return Key(name=name, kind=Kind.MEASURANDS, default=default, meaning=meaning, source=source)


def fact(name: str, kind: Kind, value: str, meaning: str, source: str) -> Key:
    """What the station is; an empty *value* is known to the running station alone."""
    return Key(
        name=name,
        kind=kind,
        default=value,
        meaning=meaning,
        source=source,
        access=Accessibility.FACT,
    )


def number(name: str, value: int, meaning: str, source: str) -> Key:
    """A fact that is a number."""
    return fact(name, Kind.NUMBER, str(value), meaning, source)


def longest(name: str, source: str) -> Key:
    """How much the list of measurands *name* can hold."""
    return number(f"{name}MaxLength", MOST_MEASURANDS, f"Items in {name}.", source)


def limit(name: str, most: int, meaning: str, source: str, *, least: int = 1) -> Key:
    """A bound that holds whatever the installer writes, who may lower it."""
    return Key(
        name=name,
        kind=Kind.NUMBER,
        default=str(most),
        meaning=meaning,
        source=source,
        access=Accessibility.OURS,
        least=least,
        most=most,
    )


def choice(name: str, default: str, meaning: str, source: str) -> Key:
    """A decision of the installer."""
    return Key(
        name=name,
        kind=Kind.FLAG,
        default=default,
        meaning=meaning,
        source=source,
        access=Accessibility.OURS,
    )
