"""OCPP 1.6 messages that the station sends, as typed values without JSON.

Each request `X` has an answer `XConf`; field names are OCPP's in snake_case, `None` means absent.
The times of a transaction are `Instant`s: their wall time may still be a guess while they wait.
The wire form (camelCase, strings, RFC 3339) is made in `edge.drivers.ocpp_codec` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from edge.core.instant import Instant
from edge.core.vocabulary import (
    AuthorizationStatus,
    CallErrorCode,
    ConnectorStatus,
    ErrorCode,
    ReadingContext,
    RegistrationStatus,
    SecurityEvent,
    StopReason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTagInfo:
    """What the central system says of a tag (7.8)."""

    status: AuthorizationStatus
    expiry_date: datetime | None = None
    parent_id_tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledValue:
    """One value of one measurand (7.43); the value is already text, as it goes on the wire."""

    value: str
    context: ReadingContext | None = None
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterValue:
    """The values sampled at one moment (7.33)."""

    timestamp: Instant
    sampled_value: tuple[SampledValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BootNotification:
    """Who we are (4.2)."""

    charge_point_vendor: str
    charge_point_model: str
    charge_point_serial_number: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BootNotificationConf:
    """Whether we may talk, how often to beat, and what time it is."""

    status: RegistrationStatus
    current_time: datetime
    interval: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Still here (4.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatConf:
    """The central system's clock."""

    current_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorize:
    """Whether this tag may charge (4.1)."""

    id_tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeConf:
    """The answer on the tag; `None` where a sloppy central system sent an empty one."""

    id_tag_info: IdTagInfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusNotification:
    """State of a connector, 0 for the station itself (4.9)."""

    connector_id: int
    status: ConnectorStatus
    error_code: ErrorCode = ErrorCode.NO_ERROR
    timestamp: datetime | None = None
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusNotificationConf:
    """Heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTransaction:
    """A transaction began (4.8)."""

    connector_id: int
    id_tag: str
    meter_start: int
    timestamp: Instant
    reservation_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTransactionConf:
    """Its number, and whether the tag is good."""

    transaction_id: int
    id_tag_info: IdTagInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTransaction:
    """A transaction ended (4.10); *transaction_id* is `None` in the outbox, filled in when sent."""

    transaction_id: int | None
    meter_stop: int
    timestamp: Instant
    reason: StopReason
    id_tag: str | None = None
    transaction_data: tuple[MeterValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTransactionConf:
    """Heard; the tag may have changed meanwhile."""

    id_tag_info: IdTagInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterValues:
    """Samples (4.7). *transaction_id* is filled in when it is sent; `None` in the outbox."""

    connector_id: int
    meter_value: tuple[MeterValue, ...]
    transaction_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterValuesConf:
    """Heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTransfer:
    """Vendor talk, either direction (4.3, 5.6)."""

    vendor_id: str
    message_id: str | None = None
    data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTransferConf:
    """*status* is Accepted, Rejected, UnknownMessageId or UnknownVendorId."""

    status: str
    data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareStatusNotification:
    """How the update is going (4.5)."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareStatusNotificationConf:
    """Heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticsStatusNotification:
    """How the upload is going (4.4)."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticsStatusNotificationConf:
    """Heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStatusNotification:
    """How the upload of a log is going (security whitepaper 5.13)."""

    status: str
    request_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStatusNotificationConf:
    """Heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFirmwareStatusNotification:
    """How the signed update is going (security whitepaper 5.19)."""

    status: str
    request_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFirmwareStatusNotificationConf:
    """Heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEventNotification:
    """A line of the security log that the central system must hear (security whitepaper 5.15)."""

    type: SecurityEvent
    timestamp: datetime
    tech_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEventNotificationConf:
    """Heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignCertificate:
    """Please have this request signed (security whitepaper 5.17)."""

    csr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignCertificateConf:
    """*status* is Accepted or Rejected; the certificate itself comes by CertificateSigned."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallError:
    """The other side refused the call, or we refuse theirs (OCPP-J 4.2.3)."""

    code: CallErrorCode | str
    description: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """No answer came: *timed_out* on a living socket, otherwise the line went away.

    *closed_within_s* is set where the peer itself dropped the line after our frame without asking
    us to come back later (close codes 1001, 1012, 1013): the sign of a frame it cannot bear.
    *withheld*: it was not sent at all, because the one before it was not confirmed.
    """

    timed_out: bool
    closed_within_s: float | None = None
    withheld: bool = False


Request = (
    BootNotification
    | Heartbeat
    | Authorize
    | StatusNotification
    | StartTransaction
    | StopTransaction
    | MeterValues
    | DataTransfer
    | FirmwareStatusNotification
    | DiagnosticsStatusNotification
    | LogStatusNotification
    | SignedFirmwareStatusNotification
    | SecurityEventNotification
    | SignCertificate
)
"""What the station asks or tells."""

Confirmation = (
    BootNotificationConf
    | HeartbeatConf
    | AuthorizeConf
    | StatusNotificationConf
    | StartTransactionConf
    | StopTransactionConf
    | MeterValuesConf
    | DataTransferConf
    | FirmwareStatusNotificationConf
    | DiagnosticsStatusNotificationConf
    | LogStatusNotificationConf
    | SignedFirmwareStatusNotificationConf
    | SecurityEventNotificationConf
    | SignCertificateConf
)
"""What the central system answers."""

TransactionMessage = StartTransaction | StopTransaction | MeterValues
"""What must be delivered once, in order, across outages (3.7)."""
