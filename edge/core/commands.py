"""OCPP 1.6 commands of the central system, as typed values without JSON (see `messages`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from edge.core.messages import DataTransfer, DataTransferConf
from edge.core.vocabulary import AvailabilityType, LogType, ResetType


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValue:
    """One configuration key as GetConfiguration shows it (7.28)."""

    key: str
    readonly: bool
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStartTransaction:
    """Start for this tag (5.11); *charging_profile* is kept as it came."""

    id_tag: str
    connector_id: int | None = None
    charging_profile: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStartTransactionConf:
    """*status* is Accepted or Rejected."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStopTransaction:
    """Stop this transaction (5.12)."""

    transaction_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStopTransactionConf:
    """*status* is Accepted or Rejected."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAvailability:
    """In or out of service (5.2); connector 0 is all."""

    connector_id: int
    type: AvailabilityType


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAvailabilityConf:
    """*status* is Accepted, Rejected or Scheduled."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Start over (5.14)."""

    type: ResetType


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetConf:
    """*status* is Accepted or Rejected."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConfiguration:
    """Show these keys, all if none is named (5.8)."""

    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConfigurationConf:
    """The keys we know, and the names we do not."""

    configuration_key: tuple[KeyValue, ...] = ()
    unknown_key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeConfiguration:
    """Set a key (5.3)."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeConfigurationConf:
    """*status* is Accepted, Rejected, RebootRequired or NotSupported."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockConnector:
    """Let the cable go (5.18)."""

    connector_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockConnectorConf:
    """*status* is Unlocked, UnlockFailed or NotSupported."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCache:
    """Forget what Authorize taught us (5.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCacheConf:
    """*status* is Accepted or Rejected."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerMessage:
    """Send this message now (5.17)."""

    requested_message: str
    connector_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerMessageConf:
    """*status* is Accepted, Rejected or NotImplemented."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFirmware:
    """Fetch this firmware from *retrieve_date* on and install it (5.19)."""

    location: str
    retrieve_date: datetime
    retries: int | None = None
    retry_interval: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFirmwareConf:
    """Heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDiagnostics:
    """Bring what you know of yourself to the directory *location* (5.9)."""

    location: str
    retries: int | None = None
    retry_interval: int | None = None
    start_time: datetime | None = None
    stop_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDiagnosticsConf:
    """The name of the file that will come, `None` if there is nothing."""

    file_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogParameters:
    """Where a log shall go and from when to when it reaches (security whitepaper 6.14)."""

    remote_location: str
    oldest_timestamp: datetime | None = None
    latest_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLog:
    """Bring a log (security whitepaper 5.9)."""

    log_type: LogType
    request_id: int
    log: LogParameters
    retries: int | None = None
    retry_interval: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLogConf:
    """*status* is Accepted, Rejected or AcceptedCanceled."""

    status: str
    filename: str | None = None


Command = (
    RemoteStartTransaction
    | RemoteStopTransaction
    | ChangeAvailability
    | Reset
    | GetConfiguration
    | ChangeConfiguration
    | UnlockConnector
    | ClearCache
    | DataTransfer
    | TriggerMessage
    | UpdateFirmware
    | GetDiagnostics
    | GetLog
)
"""What the central system asks of the station."""

CommandAnswer = (
    RemoteStartTransactionConf
    | RemoteStopTransactionConf
    | ChangeAvailabilityConf
    | ResetConf
    | GetConfigurationConf
    | ChangeConfigurationConf
    | UnlockConnectorConf
    | ClearCacheConf
    | DataTransferConf
    | TriggerMessageConf
    | UpdateFirmwareConf
    | GetDiagnosticsConf
    | GetLogConf
)
"""What the station answers."""
