"""OCPP 1.6 commands of the central system, as typed values without JSON (see `messages`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge.core.certificate_commands import CertificateCommand, CertificateCommandAnswer
from edge.core.cost_messages import CostMessage
from edge.core.file_commands import (
    GetDiagnostics,
    GetDiagnosticsConf,
    GetLog,
    GetLogConf,
    SignedUpdateFirmware,
    SignedUpdateFirmwareConf,
    UpdateFirmware,
    UpdateFirmwareConf,
)
from edge.core.messages import DataTransferConf, IdTagInfo
from edge.core.profiles import Profile, Schedule
from edge.core.vocabulary import (
    AvailabilityType,
    ProfilePurpose,
    RateUnit,
    ResetType,
    UpdateType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingTransfer:
    """DataTransfer of the central system (5.6); *said* is what its data says, if we can read it."""

    vendor_id: str
    message_id: str | None = None
    said: CostMessage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValue:
    """One configuration key as GetConfiguration shows it (7.28)."""

    key: str
    readonly: bool
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStartTransaction:
    """Start for this tag (5.11), within the limits of *charging_profile*."""

    id_tag: str
    connector_id: int | None = None
    charging_profile: Profile | None = None


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
    """Set a key (5.3). *is_readable* is false where a value in JSON is none, or says nonsense."""

    key: str
    value: str
    is_readable: bool = True


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
class ExtendedTriggerMessage(TriggerMessage):
    """The same for the messages of the security whitepaper (5.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedTriggerMessageConf(TriggerMessageConf):
    """As above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChargingProfile:
    """Limit what this connector may draw (5.16); connector 0 is the station, or all defaults."""

    connector_id: int
    cs_charging_profiles: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChargingProfileConf:
    """*status* is Accepted or Rejected."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationData:
    """One entry of a local list (7.1); without *id_tag_info* a differential update deletes it."""

    id_tag: str
    id_tag_info: IdTagInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLocalList:
    """Replace the local list, or change it (5.15); *list_version* is its version afterwards."""

    list_version: int
    update_type: UpdateType
    local_authorization_list: tuple[AuthorizationData, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLocalListConf:
    """*status* is Accepted, Failed, NotSupported or VersionMismatch."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLocalListVersion:
    """Which local list is held (5.10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLocalListVersionConf:
    """*list_version* is 0 for an empty list, -1 where there is none."""

    list_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveNow:
    """Keep a connector for this tag or its group (5.13); connector 0: any of them."""

    connector_id: int
    expiry_date: datetime
    id_tag: str
    reservation_id: int
    parent_id_tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveNowConf:
    """*status* is Accepted, Faulted, Occupied, Rejected or Unavailable."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReservation:
    """Let the reservation go (5.1)."""

    reservation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReservationConf:
    """*status* is Accepted or Rejected."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearChargingProfile:
    """Let go of the profile *id*, or of all that match the other fields (5.5)."""

    id: int | None = None
    connector_id: int | None = None
    charging_profile_purpose: ProfilePurpose | None = None
    stack_level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearChargingProfileConf:
    """*status* is Accepted or Unknown."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCompositeSchedule:
    """Say what will apply for *duration* seconds (5.7); connector 0 is the station."""

    connector_id: int
    duration: int
    charging_rate_unit: RateUnit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCompositeScheduleConf:
    """*status* is Accepted, with the schedule, or Rejected."""

    status: str
    connector_id: int | None = None
    schedule_start: datetime | None = None
    charging_schedule: Schedule | None = None


Command = (
    RemoteStartTransaction
    | RemoteStopTransaction
    | ChangeAvailability
    | Reset
    | GetConfiguration
    | ChangeConfiguration
    | UnlockConnector
    | ClearCache
    | IncomingTransfer
    | TriggerMessage
    | ExtendedTriggerMessage
    | SetChargingProfile
    | ClearChargingProfile
    | GetCompositeSchedule
    | UpdateFirmware
    | GetDiagnostics
    | GetLog
    | SendLocalList
    | GetLocalListVersion
    | ReserveNow
    | CancelReservation
    | SignedUpdateFirmware
    | CertificateCommand
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
    | ExtendedTriggerMessageConf
    | SetChargingProfileConf
    | ClearChargingProfileConf
    | GetCompositeScheduleConf
    | UpdateFirmwareConf
    | GetDiagnosticsConf
    | GetLogConf
    | SendLocalListConf
    | GetLocalListVersionConf
    | ReserveNowConf
    | CancelReservationConf
    | SignedUpdateFirmwareConf
    | CertificateCommandAnswer
)
"""What the station answers."""
