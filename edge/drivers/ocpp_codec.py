"""Core messages and commands to and from the wire's dictionaries; the tables say what exists.

Generic over dataclass fields: snake_case to camelCase, `datetime` and `Instant` to RFC 3339, tuples
to lists, enums to their words, `None` and empty tuples left out. A new message is a row in a table.
Quality: every encoding is checked against the OCPP schemas in tests; answers are read with the
tolerance that the field demands, commands have passed the schema before they come here.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from edge.core import certificate_commands, commands, file_commands, messages
from edge.core.commands import Command, CommandAnswer
from edge.core.instant import Instant, moment_of, rfc3339
from edge.core.messages import CallError, Confirmation, IdTagInfo, Request
from edge.core.vocabulary import AuthorizationStatus, CallErrorCode
from edge.drivers import ocpp_costs

CONFIRMATIONS: Final[dict[type, type]] = {
    messages.BootNotification: messages.BootNotificationConf,
    messages.Heartbeat: messages.HeartbeatConf,
    messages.Authorize: messages.AuthorizeConf,
    messages.StatusNotification: messages.StatusNotificationConf,
    messages.StartTransaction: messages.StartTransactionConf,
    messages.StopTransaction: messages.StopTransactionConf,
    messages.MeterValues: messages.MeterValuesConf,
    messages.DataTransfer: messages.DataTransferConf,
    messages.FirmwareStatusNotification: messages.FirmwareStatusNotificationConf,
    messages.DiagnosticsStatusNotification: messages.DiagnosticsStatusNotificationConf,
    messages.LogStatusNotification: messages.LogStatusNotificationConf,
    messages.SignedFirmwareStatusNotification: messages.SignedFirmwareStatusNotificationConf,
    messages.SecurityEventNotification: messages.SecurityEventNotificationConf,
    messages.SignCertificate: messages.SignCertificateConf,
}
"""What answers each request of ours; the class name is the action."""

COMMANDS: Final[dict[str, type]] = {
    each.__name__: each
    for each in (
        commands.RemoteStartTransaction,
        commands.RemoteStopTransaction,
        commands.ChangeAvailability,
        commands.Reset,
        commands.GetConfiguration,
        commands.ChangeConfiguration,
        commands.UnlockConnector,
        commands.ClearCache,
        commands.TriggerMessage,
        commands.ExtendedTriggerMessage,
        commands.SetChargingProfile,
        commands.ClearChargingProfile,
        commands.GetCompositeSchedule,
        file_commands.UpdateFirmware,
        file_commands.GetDiagnostics,
        file_commands.GetLog,
        commands.SendLocalList,
        commands.GetLocalListVersion,
        commands.ReserveNow,
        commands.CancelReservation,
        file_commands.SignedUpdateFirmware,
        messages.DataTransfer,
        certificate_commands.InstallCertificate,
        certificate_commands.DeleteCertificate,
        certificate_commands.GetInstalledCertificateIds,
        certificate_commands.CertificateSigned,
    )
}
"""The actions that the core decides on."""

LENGTH_MAX: Final = {"info": 50}
"""Free text that is cut to its CiString, because a refusal would lose the fact it decorates."""

INTEGER_MAX: Final = 10**18
"""What every store holds; the guard refuses longer numbers, this one those in disguise."""

WORD_ELSE: Final[dict[type, StrEnum]] = {AuthorizationStatus: AuthorizationStatus.INVALID}
"""What an unheard-of word means; other enums refuse it."""

VALUE_ELSE: Final[dict[tuple[type, str], Any]] = {
    # The session has its number: losing that over a missing opinion would bill it twice.
    (messages.StartTransactionConf, "id_tag_info"): IdTagInfo(status=AuthorizationStatus.ACCEPTED),
    (messages.BootNotificationConf, "interval"): 0,  # the core keeps its last good one (ruling 26)
}
"""What a missing or unreadable field of an answer means; others refuse the whole answer."""


class Unreadable(ValueError):
    """What the central system sent cannot be what it should be."""


def encode(value: Request | CommandAnswer | messages.Confirmation) -> dict[str, Any]:
    """Write the payload of *value*; `ValueError` if a required field was left unfilled."""
    return _encode_fields(value)


def decode_confirmation(request: Request, payload: Mapping[str, Any]) -> Confirmation | CallError:
    """Read the answer to *request*; one that cannot be read counts as a refusal."""
    kind = CONFIRMATIONS[type(request)]
    try:
        answer: Confirmation = _decode(kind, payload)
    except Unreadable as error:
        return CallError(code=CallErrorCode.FORMATION_VIOLATION, description=f"unreadable: {error}")
    return answer


def decode_command(action: str, payload: Mapping[str, Any]) -> Command | CallError:
    """Read a call of the central system; one that only stations make is not for us (ruling 8)."""
    if action in COMMANDS:
        return _settle_json(_decode(COMMANDS[action], payload))
    return CallError(code=CallErrorCode.NOT_SUPPORTED, description=f"{action} is not supported")


def _settle_json(command: Any) -> Command:
    """Read JSON inside a string, which the core cannot."""
    match command:
        case messages.DataTransfer():
            return ocpp_costs.read_transfer(command)
        case commands.ChangeConfiguration(key=key, value=value) if key.lower() == "defaultprice":
            is_readable = not value or ocpp_costs.read_default_price(value) is not None
            return dataclasses.replace(command, is_readable=is_readable)
    decoded: Command = command
    return decoded


def _encode(value: Any) -> Any:
    match value:
        case datetime():
            return rfc3339(value)
        case Instant():
            return rfc3339(value.wall)
        case StrEnum():
            return value.value
        case tuple():
            return [_encode(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            return _encode_fields(value)
        case _:
            return value


def _encode_fields(value: Any) -> dict[str, Any]:
    wire: dict[str, Any] = {}
    kind: type = type(value)
    for field in _plan(kind):
        inner = getattr(value, field.name)
        if inner is None and field.required:
            raise ValueError(f"{kind.__name__}.{field.name} is not filled in")
        if inner is None or inner == ():
            continue
        if isinstance(inner, str) and field.wire in LENGTH_MAX:
            inner = inner[: LENGTH_MAX[field.wire]]
        wire[field.wire] = _encode(inner)
    return wire


def _decode(kind: type, payload: Any) -> Any:
    if not isinstance(payload, Mapping):
        raise Unreadable(f"{kind.__name__} is not an object")
    values: dict[str, Any] = {}
    for field in _plan(kind):
        try:
            values[field.name] = field.read(payload[field.wire])
        except (KeyError, ValueError) as error:
            if (kind, field.name) in VALUE_ELSE:
                values[field.name] = VALUE_ELSE[kind, field.name]
            elif field.nullable:
                values[field.name] = None
            elif field.required:
                raise Unreadable(f"{kind.__name__}.{field.wire}: {error}") from None
    return kind(**values)


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field of a dataclass stands on the wire; *nullable* if it may be `None`."""

    name: str
    wire: str
    read: Callable[[Any], Any]
    required: bool
    nullable: bool


@functools.cache
def _plan(kind: type) -> tuple[_Field, ...]:
    """Work out the fields of *kind* once; there are a few dozen kinds."""
    hints = typing.get_type_hints(kind)
    return tuple(
        _Field(
            name=field.name,
            wire=_camel(field.name),
            read=_reader(hints[field.name]),
            required=field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING,
            nullable=type(None) in typing.get_args(hints[field.name]),
        )
        for field in dataclasses.fields(kind)
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Choose how to read a value of the type *hint*; each reader raises `ValueError`."""
    if isinstance(hint, types.UnionType):
        (hint,) = (each for each in typing.get_args(hint) if each is not type(None))
    origin = typing.get_origin(hint)
    if origin is tuple:
        read_item = _reader(typing.get_args(hint)[0])
        return lambda value: tuple(read_item(item) for item in _list(value))
    if origin is Mapping:
        return _mapping
    if hint in _READERS:
        return _READERS[hint]
    read_kind = _word if issubclass(hint, StrEnum) else _decode
    return functools.partial(read_kind, hint)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable("not text")
    return value


def _whole(value: Any) -> int:
    """Read an integer, also as `12.0` and "12", which the field sends."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unreadable("not a whole number")
    if isinstance(value, float) and not value.is_integer():
        raise Unreadable("not a whole number")
    number = int(value)
    if abs(number) >= INTEGER_MAX:
        raise Unreadable("too large a number")
    return number


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("not a number")
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unreadable("not true or false")
    return value


def _moment(value: Any) -> datetime:
    return moment_of(_text(value))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("not a list")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unreadable("not an object")
    return value


def _word(kind: type[StrEnum], value: Any) -> StrEnum:
    """Find *value* among the words of *kind*, whatever its case."""
    folded = _text(value).casefold()
    for word in kind:
        if word.value.casefold() == folded:
            return word
    if kind in WORD_ELSE:
        return WORD_ELSE[kind]
    raise Unreadable("an unknown word")


_READERS: Final[dict[Any, Callable[[Any], Any]]] = {
    str: _text,
    int: _whole,
    float: _number,
    bool: _truth,
    datetime: _moment,
}
