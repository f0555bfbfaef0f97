"""Configuration keys: one table behind Get/ChangeConfiguration, validation and the reference.

Precedence: `-o` on the command line, ChangeConfiguration (journal), edge.toml, the default here.
Source: OCPP 1.6 ed. 2, 9.1-9.3. Keys compare without case (CiString).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from edge.core.commands import KeyValue
from edge.core.state import ChargePoint

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

MOST_MEASURANDS: Final = 8
MOST_KEYS_ASKED: Final = 64
MOST_DIGITS: Final = 10  # as many as 2**31 has


class Kind(StrEnum):
    """Type of a key's value."""

    FLAG = "boolean"
    NUMBER = "integer"
    MEASURANDS = "measurand list"
    ROTATION = "phase rotation list"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: default as text, bounds where it is a number, unit in *meaning*."""

    name: str
    kind: Kind
    default: str
    meaning: str
    readonly: bool = False
    least: int = 0
    most: int = 2**31 - 1


def _key(
    name: str, kind: Kind, default: str, meaning: str, *, least: int = 0, most: int = 2**31 - 1
) -> Key:
    return Key(name=name, kind=kind, default=default, meaning=meaning, least=least, most=most)


def _fixed(name: str, kind: Kind, value: str, meaning: str) -> Key:
    return Key(name=name, kind=kind, default=value, meaning=meaning, readonly=True)


_ENERGY: Final = "Energy.Active.Import.Register"
_DAY_S: Final = 86_400

TABLE: Final = (
    _key("AllowOfflineTxForUnknownId", Kind.FLAG, "false", "Unknown tags may start while offline."),
    _key("AuthorizationCacheEnabled", Kind.FLAG, "true", "Remember what Authorize said of tags."),
    _key("AuthorizeRemoteTxRequests", Kind.FLAG, "false", "Ask Authorize before a remote start."),
    _key("ClockAlignedDataInterval", Kind.NUMBER, "0", "Seconds, 0 = off.", most=_DAY_S),
    _key("ConnectionTimeOut", Kind.NUMBER, "60", "Seconds from Preparing to giving up.", least=1),
    _key("ConnectorPhaseRotation", Kind.ROTATION, "0.Unknown", "Phase order by connector."),
    _fixed("GetConfigurationMaxKeys", Kind.NUMBER, str(MOST_KEYS_ASKED), "Keys in one request."),
    _key("HeartbeatInterval", Kind.NUMBER, "300", "Seconds of silence before a Heartbeat."),
    _key("LocalAuthorizeOffline", Kind.FLAG, "true", "Known tags may start while offline."),
    _key("LocalPreAuthorize", Kind.FLAG, "false", "Known tags start without asking."),
    _key("MaxEnergyOnInvalidId", Kind.NUMBER, "0", "Wh that a tag found invalid may still draw."),
    _key("MeterValuesAlignedData", Kind.MEASURANDS, _ENERGY, "Sampled at clock-aligned times."),
    _key(
        "MeterValuesSampledData",
        Kind.MEASURANDS,
        f"{_ENERGY},Power.Active.Import",
        "Sampled during a transaction.",
    ),
    _key("MeterValueSampleInterval", Kind.NUMBER, "60", "Seconds, 0 = off.", most=_DAY_S),
    _key("MinimumStatusDuration", Kind.NUMBER, "0", "Seconds a status must last to be told."),
    _fixed("NumberOfConnectors", Kind.NUMBER, "0", "Connectors of this station."),
    _key("ResetRetries", Kind.NUMBER, "1", "Times to retry a reset."),
    _fixed("StopTransactionMaxMeterValues", Kind.NUMBER, "64", "Values in a StopTransaction."),
    _fixed("StopTransactionOnEVSideDisconnect", Kind.FLAG, "true", "Unplugged at the car = over."),
    _key("StopTransactionOnInvalidId", Kind.FLAG, "true", "Stop when the tag proves invalid."),
    _key("StopTxnAlignedData", Kind.MEASURANDS, "", "Clock-aligned, sent with StopTransaction."),
    _key("StopTxnSampledData", Kind.MEASURANDS, "", "Sampled, sent with StopTransaction."),
    _fixed(
        "SupportedFeatureProfiles",
        Kind.TEXT,
        "Core,FirmwareManagement,RemoteTrigger",
        "OCPP profiles built so far.",
    ),
    _fixed("SupportedFileTransferProtocols", Kind.TEXT, "FTPS,HTTPS", "Set in [transfer]."),
    _key("TransactionMessageAttempts", Kind.NUMBER, "3", "Refusals before parking.", least=1),
    _key("TransactionMessageRetryInterval", Kind.NUMBER, "60", "Seconds, times attempts made."),
    _key("UnlockConnectorOnEVSideDisconnect", Kind.FLAG, "true", "Unplugged at the car unlocks."),
    _key("WebSocketPingInterval", Kind.NUMBER, "30", "Seconds between pings, 0 = off."),
)

_BY_NAME: Final = {key.name.lower(): key for key in TABLE}


def find(name: str) -> Key | None:
    """The key called *name*, whatever its case."""
    return _BY_NAME.get(name.lower())


def text(state: ChargePoint, name: str) -> str:
    """The value of *name* as GetConfiguration shows it."""
    key = _BY_NAME[name.lower()]
    if key.name == "NumberOfConnectors":
        return str(len(state.bays))
    if is_readonly(state, key) and not key.readonly:
        return "false"
    setup = state.setup
    for layer in (setup.overrides, state.station.configuration, setup.defaults):
        found = layer.get(key.name)
        if found is not None:
            return found
    return key.default


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
    return KeyValue(key=key.name, readonly=is_readonly(state, key), value=text(state, key.name))


def is_readonly(state: ChargePoint, key: Key) -> bool:
    """Whether *key* cannot be changed here: a station without lock unlocks nothing (ruling 37)."""
    unlocks = key.name == "UnlockConnectorOnEVSideDisconnect"
    return key.readonly or (unlocks and not any(traits.has_lock for traits in state.setup.traits))


def split(value: str) -> tuple[str, ...]:
    """A comma-separated list without white space or repeats, in its order (ruling 35)."""
    return tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))


def normal(key: Key, value: str) -> str | None:
    """*value* in the form we keep, or `None` where *key* cannot take it."""
    match key.kind:
        case Kind.FLAG:
            folded = value.lower()
            return folded if folded in ("true", "false") else None
        case Kind.NUMBER:
            return _whole(key, value)
        case Kind.MEASURANDS:
            return _listed(value)
        case Kind.ROTATION:
            return value if all(_is_rotation(word) for word in split(value)) else None
        case Kind.TEXT:
            return value
        case _:
            assert_never(key.kind)


def _whole(key: Key, value: str) -> str | None:
    if not (value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS):
        return None
    return str(int(value)) if key.least <= int(value) <= key.most else None


def _listed(value: str) -> str | None:
    words = split(value)
    if len(words) > MOST_MEASURANDS or not all(word in MEASURANDS for word in words):
        return None
    return ",".join(words)


def _is_rotation(word: str) -> bool:
    connector, dot, order = word.partition(".")
    known = order in ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")
    return connector.isdigit() and dot == "." and known
