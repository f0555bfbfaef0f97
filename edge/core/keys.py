"""Configuration keys: one table behind Get/ChangeConfiguration, validation and the reference.

Precedence: `-o` on the command line, ChangeConfiguration (journal), edge.toml, the default here.
Source: OCPP 1.6 ed. 2, 9.1-9.3. Keys compare without case (CiString).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from edge.core import profiles
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
MOST_KEY_TEXT: Final = 40  # twenty bytes in hexadecimal digits (whitepaper 7.2)
LEAST_KEY_BYTES: Final = 16


class Kind(StrEnum):
    """Type of a key's value."""

    FLAG = "boolean"
    NUMBER = "integer"
    MEASURANDS = "measurand list"
    ROTATION = "phase rotation list"
    TEXT = "text"
    SECRET = "secret, write-only"  # noqa: S105  the kind, not the secret


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


MOST_LISTED: Final = 10_000  # tags; 6 MB of state, 2 MB of journal
MOST_SENT: Final = 1_000  # entries of at most 160 characters: well within the 256 KiB of a frame

_ENERGY: Final = "Energy.Active.Import.Register"
_DAY_S: Final = 86_400

TABLE: Final = (
    _fixed(
        "AdditionalRootCertificateCheck", Kind.FLAG, "false", "A new root is signed by the old."
    ),
    _key("AllowOfflineTxForUnknownId", Kind.FLAG, "false", "Unknown tags may start while offline."),
    _key("AuthorizationCacheEnabled", Kind.FLAG, "true", "Remember what Authorize said of tags."),
    _key("AuthorizationKey", Kind.SECRET, "", "Password: 32-40 hex digits, or 16-40 characters."),
    _key("AuthorizeRemoteTxRequests", Kind.FLAG, "false", "Ask Authorize before a remote start."),
    _fixed("CertificateSignedMaxChainSize", Kind.NUMBER, "10000", "Characters of a chain we take."),
    _fixed("CertificateStoreMaxLength", Kind.NUMBER, "32", "Root certificates that have room."),
    _fixed(
        "ChargeProfileMaxStackLevel",
        Kind.NUMBER,
        str(profiles.MOST_STACK_LEVEL),
        "Highest stackLevel of a charging profile.",
    ),
    _fixed(
        "ChargingScheduleAllowedChargingRateUnit",
        Kind.TEXT,
        "Current,Power",
        "Schedules may be in A (Current) and W (Power).",
    ),
    _fixed(
        "ChargingScheduleMaxPeriods",
        Kind.NUMBER,
        str(profiles.MOST_PERIODS),
        "Periods in one charging schedule.",
    ),
    _key("ClockAlignedDataInterval", Kind.NUMBER, "0", "Seconds, 0 = off.", most=_DAY_S),
    _key("ConnectionTimeOut", Kind.NUMBER, "60", "Seconds from Preparing to giving up.", least=1),
    _key("ConnectorPhaseRotation", Kind.ROTATION, "0.Unknown", "Phase order by connector."),
    _fixed(
        "ConnectorSwitch3to1PhaseSupported",
        Kind.FLAG,
        "false",
        "Phases cannot be switched during a transaction.",
    ),
    _key("CustomDisplayCostAndPrice", Kind.FLAG, "true", "Cost messages are taken and shown."),
    _key("DefaultPrice", Kind.TEXT, "", "JSON: priceText, priceTextOffline, chargingPrice."),
    _key("NumberOfDecimalsForCostValues", Kind.NUMBER, "2", "Of a cost as shown.", most=6),
    _key("CpoName", Kind.TEXT, "", "Who runs this station, as its certificate says."),
    _fixed("GetConfigurationMaxKeys", Kind.NUMBER, str(MOST_KEYS_ASKED), "Keys in one request."),
    _key("HeartbeatInterval", Kind.NUMBER, "300", "Seconds of silence before a Heartbeat."),
    _key("LocalAuthListEnabled", Kind.FLAG, "true", "Whether the local list is used."),
    _fixed("LocalAuthListMaxLength", Kind.NUMBER, str(MOST_LISTED), "Tags in the local list."),
    _key("LocalAuthorizeOffline", Kind.FLAG, "true", "Known tags may start while offline."),
    _key("LocalPreAuthorize", Kind.FLAG, "false", "Known tags start without asking."),
    _fixed(
        "MaxChargingProfilesInstalled",
        Kind.NUMBER,
        str(profiles.MOST_INSTALLED),
        "Charging profiles held at a time.",
    ),
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
    _fixed("ReserveConnectorZeroSupported", Kind.FLAG, "true", "Reservations of any connector."),
    _key("ResetRetries", Kind.NUMBER, "1", "Times to retry a reset."),
    _fixed("SendLocalListMaxLength", Kind.NUMBER, str(MOST_SENT), "Entries in a SendLocalList."),
    _key("SecurityProfile", Kind.NUMBER, "0", "0-3; over OCPP it only goes up.", most=3),
    _fixed("StopTransactionMaxMeterValues", Kind.NUMBER, "64", "Values in a StopTransaction."),
    _fixed("StopTransactionOnEVSideDisconnect", Kind.FLAG, "true", "Unplugged at the car = over."),
    _key("StopTransactionOnInvalidId", Kind.FLAG, "true", "Stop when the tag proves invalid."),
    _key("StopTxnAlignedData", Kind.MEASURANDS, "", "Clock-aligned, sent with StopTransaction."),
    _key("StopTxnSampledData", Kind.MEASURANDS, "", "Sampled, sent with StopTransaction."),
    _fixed(
        "SupportedFeatureProfiles",
        Kind.TEXT,
        "Core,FirmwareManagement,LocalAuthListManagement,RemoteTrigger,Reservation,SmartCharging",
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
    value = None if key.kind is Kind.SECRET else text(state, key.name)
    return KeyValue(key=key.name, readonly=is_readonly(state, key), value=value)


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
        case Kind.SECRET:
            return value if _is_password(value) else None
        case _:
            assert_never(key.kind)


def _whole(key: Key, value: str) -> str | None:
    if not (value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS):
        return None
    return str(int(value)) if key.least <= int(value) <= key.most else None


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


def _listed(value: str) -> str | None:
    words = split(value)
    if len(words) > MOST_MEASURANDS or not all(word in MEASURANDS for word in words):
        return None
    return ",".join(words)


def _is_rotation(word: str) -> bool:
    connector, dot, order = word.partition(".")
    known = order in ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")
    return connector.isdigit() and dot == "." and known
