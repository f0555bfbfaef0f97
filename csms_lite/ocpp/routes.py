"""What each message can change: action -> (first, *then), all in one transaction.

The first verb makes the answer, the others follow. A new message is a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from csms_lite.ocpp import messages, verbs
from csms_lite.ocpp.verbs import Answer, Origin

M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[M]):
    """How one action is read and what it does.

    A transaction message is remembered with its answer for as long as it may be repeated, and
    never gets a CALLERROR for a passing trouble (rulings 6 and 7); see `csms_lite.ocpp.failures`.
    """

    read: Callable[[messages.Payload, int], M]
    first: Callable[[Connection, Origin, M], Answer]
    then: tuple[Callable[[Connection, Origin, M], None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherRoute(Generic[M]):
    """An action whose messages are stored together, from all stations that wait for one commit.

    *all* gives their answers in their order. It sees by the content what it has stored before: no
    answer is remembered.
    """

    read: Callable[[messages.Payload, int], M]
    all: Callable[[Connection, Sequence[Origin], Sequence[M]], Sequence[Answer]]


AnyRoute = Route[Any] | TogetherRoute[Any]
Routes = Mapping[str, AnyRoute]
ROUTES: Final[Routes] = {
    "Authorize": Route(read=messages.read_tag, first=verbs.authorize),
    "BootNotification": Route(
        read=messages.read_boot,
        first=verbs.boot,
        then=(verbs.alert_of_boot, verbs.fulfilling("BootNotification")),
    ),
    "DataTransfer": Route(read=messages.read_whole, first=verbs.data_transfer),
    "DiagnosticsStatusNotification": Route(
        read=messages.read_whole,
        first=verbs.noting("diagnostics_status"),
        then=(verbs.fulfilling("DiagnosticsStatusNotification"),),
    ),
    "FirmwareStatusNotification": Route(
        read=messages.read_whole,
        first=verbs.noting("firmware_status"),
        then=(verbs.alert_of_update, verbs.fulfilling("FirmwareStatusNotification")),
    ),
    "Heartbeat": Route(
        read=messages.read_whole, first=verbs.heartbeat, then=(verbs.fulfilling("Heartbeat"),)
    ),
    "LogStatusNotification": Route(
        read=messages.read_whole,
        first=verbs.noting("log_status"),
        then=(verbs.fulfilling("LogStatusNotification"),),
    ),
    "MeterValues": TogetherRoute(read=messages.read_meter_values, all=verbs.samples),
    "SecurityEventNotification": Route(
        read=messages.read_whole, first=verbs.noting("security_event")
    ),
    "SignCertificate": Route(
        read=messages.read_request,
        first=verbs.sign_certificate,
        then=(verbs.fulfilling("SignCertificate"),),
    ),
    "SignedFirmwareStatusNotification": Route(
        read=messages.read_whole,
        first=verbs.noting("signed_firmware_status"),
        then=(verbs.alert_of_update, verbs.fulfilling("SignedFirmwareStatusNotification")),
    ),
    "StartTransaction": Route(
        read=messages.read_start,
        first=verbs.start,
        then=(verbs.connector_of_start,),
    ),
    "StatusNotification": Route(
        read=messages.read_status,
        first=verbs.status,
        then=(
            verbs.status_of_session,
            verbs.alert_of_status,
            verbs.fulfilling("StatusNotification"),
        ),
    ),
    "StopTransaction": Route(
        read=messages.read_stop,
        first=verbs.stop,
        then=(verbs.fulfilling("StopTransaction"),),
    ),
}
