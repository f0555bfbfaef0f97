"""A central system in memory: it deduplicates, numbers transactions, remembers what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from edge.core.messages import (
    Authorize,
    AuthorizeConf,
    BootNotification,
    BootNotificationConf,
    CallError,
    Confirmation,
    DataTransfer,
    DataTransferConf,
    DiagnosticsStatusNotification,
    DiagnosticsStatusNotificationConf,
    FirmwareStatusNotification,
    FirmwareStatusNotificationConf,
    Heartbeat,
    HeartbeatConf,
    IdTagInfo,
    MeterValues,
    MeterValuesConf,
    Request,
    SecurityEventNotification,
    SecurityEventNotificationConf,
    SignCertificate,
    SignCertificateConf,
    SignedFirmwareStatusNotification,
    SignedFirmwareStatusNotificationConf,
    StartTransaction,
    StartTransactionConf,
    StatusNotification,
    StatusNotificationConf,
    StopTransaction,
    StopTransactionConf,
)
from edge.core.outbox import UNKNOWN_ID
from edge.core.vocabulary import AuthorizationStatus, RegistrationStatus
from tests.crash.wall import true_time


@dataclass
class Session:
    """One transaction as the central system knows it."""

    transaction_id: int
    start: StartTransaction
    stops: list[StopTransaction] = field(default_factory=list)
    samples: list[MeterValues] = field(default_factory=list)


class Central:
    """Answers once per message id; the first answer is the answer."""

    def __init__(self, moment: Callable[[], float]) -> None:
        self._moment = moment
        self.sessions: dict[int, Session] = {}
        self.order: list[str] = []
        self.contents: dict[str, Request] = {}
        self.changed: list[str] = []
        self.strays: list[Request] = []
        self.refuses: tuple[type[Request], ...] = ()
        self.has_refused = False
        self.moods = 0
        self.warnings: list[SecurityEventNotification] = []
        self._answers: dict[str, Confirmation] = {}

    def hear(self, message_id: str, message: Request) -> Confirmation | CallError:
        """Take *message* as a receiver with a memory would (I4, I5), or not at all: `refuses`.

        `moods` is how many samples it will yet refuse for no reason at all. What it once took it
        never refuses: a repeat gets its first answer.
        """
        is_known = message_id in self.contents
        if self.moods and isinstance(message, MeterValues) and not is_known:
            self.moods -= 1
            return CallError(code="InternalError", description="not now")
        if isinstance(message, self.refuses) and not is_known:
            self.has_refused = True
            return CallError(code="InternalError", description="not today")
        if isinstance(message, SecurityEventNotification):
            self.warnings.append(message)
        if not isinstance(message, StartTransaction | StopTransaction | MeterValues):
            return _plain(message, true_time(self._moment()))
        known = self.contents.get(message_id)
        if known is not None:
            if known != message:
                self.changed.append(message_id)
            return self._answers[message_id]
        self.contents[message_id] = message
        self.order.append(message_id)
        answer = self._take(message)
        self._answers[message_id] = answer
        return answer

    def _take(self, message: StartTransaction | StopTransaction | MeterValues) -> Confirmation:
        good = IdTagInfo(status=AuthorizationStatus.ACCEPTED)
        if isinstance(message, StartTransaction):
            number = len(self.sessions) + 1
            self.sessions[number] = Session(transaction_id=number, start=message)
            return StartTransactionConf(transaction_id=number, id_tag_info=good)
        session = self.sessions.get(message.transaction_id or 0)
        if session is None:
            if message.transaction_id != UNKNOWN_ID or not self.has_refused:
                self.strays.append(message)
        elif isinstance(message, StopTransaction):
            session.stops.append(message)
        else:
            session.samples.append(message)
        if isinstance(message, StopTransaction):
            return StopTransactionConf(id_tag_info=good)
        return MeterValuesConf()


def _plain(message: Request, now: datetime) -> Confirmation:
    match message:
        case BootNotification():
            return BootNotificationConf(
                status=RegistrationStatus.ACCEPTED, current_time=now, interval=300
            )
        case Heartbeat():
            return HeartbeatConf(current_time=now)
        case Authorize():
            return AuthorizeConf(id_tag_info=IdTagInfo(status=AuthorizationStatus.ACCEPTED))
        case StatusNotification():
            return StatusNotificationConf()
        case DataTransfer():
            return DataTransferConf(status="UnknownVendorId")
        case FirmwareStatusNotification():
            return FirmwareStatusNotificationConf()
        case DiagnosticsStatusNotification():
            return DiagnosticsStatusNotificationConf()
        case SecurityEventNotification():
            return SecurityEventNotificationConf()
        case SignCertificate():
            return SignCertificateConf(status="Accepted")
        case SignedFirmwareStatusNotification():
            return SignedFirmwareStatusNotificationConf()
        case _:
            raise AssertionError(message)


def unaddressed(message: Request) -> Request:
    """*message* without the transaction id that is filled in when it is sent (I4)."""
    if isinstance(message, StopTransaction | MeterValues):
        return replace(message, transaction_id=None)
    return message
