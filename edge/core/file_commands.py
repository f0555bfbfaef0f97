"""Commands about files: firmware that comes, diagnostics and logs that go (see `commands`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge.core.vocabulary import LogType


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """An image, who signed it, and when it may be fetched and installed (whitepaper 6.9)."""

    location: str
    retrieve_date_time: datetime
    signing_certificate: str
    signature: str
    install_date_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUpdateFirmware:
    """Fetch and install *firmware*, if its maker has signed it (security whitepaper 5.21)."""

    request_id: int
    firmware: Firmware
    retries: int | None = None
    retry_interval: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUpdateFirmwareConf:
    """*status* is Accepted, Rejected, AcceptedCanceled or InvalidCertificate."""

    status: str
