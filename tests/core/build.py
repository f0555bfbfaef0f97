"""The bench with a central system: its answers, its calls, and where stories begin.

With `serve=True` the central system answers everything at once and kindly; otherwise a test answers
what is in `sent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edge.core.bay import Phase
from edge.core.commands import Command
from edge.core.effects import Ask, Effect, Refuse, Reply, Send
from edge.core.events import CallReceived, Event, LinkDown, LinkUp, Settled, Started
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
    LogStatusNotification,
    LogStatusNotificationConf,
    MeterValues,
    MeterValuesConf,
    NoAnswer,
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
from edge.core.vocabulary import RegistrationStatus
from edge.core.wishes import ResendAsked
from tests.core.bench import ALICE, GOOD, Answer, Bench


class Rig(Bench):
    """One charge point, its hardware, and its central system."""

    def link_up(self) -> list[Effect]:
        """The line opens."""
        return self.step(LinkUp(at=self.instant))

    def link_down(self, closed_within_s: float | None = None) -> list[Effect]:
        """The line breaks; what was on it is settled first, as the link promises."""
        effects: list[Effect] = []
        for number, sending in enumerate(tuple(self.sent)):
            if sending in self.sent:
                within_s = closed_within_s if number == 0 else None
                answer = NoAnswer(timed_out=False, closed_within_s=within_s)
                effects += self.settle(sending, answer)
        return [*effects, *self.step(LinkDown(at=self.instant, why="cut"))]

    def settle(self, sending: Send | Ask, answer: Answer) -> list[Effect]:
        """The request *sending* is over; what was to follow it is withheld if it failed."""
        self.sent = [one for one in self.sent if one.ticket != sending.ticket]
        effects = self.step(Settled(at=self.instant, ticket=sending.ticket, answer=answer))
        if isinstance(answer, CallError | NoAnswer):
            for one in tuple(self.sent):
                if isinstance(one, Send) and one.behind == sending.ticket:
                    effects += self.settle(one, NoAnswer(timed_out=False, withheld=True))
        return effects

    def answer(self, kind: type[Request], answer: Answer | None = None) -> list[Effect]:
        """Answer the oldest open request of *kind*, kindly by default."""
        sending = self.waiting(kind)
        return self.settle(sending, self.kindness(sending.message) if answer is None else answer)

    def waiting(self, kind: type[Request]) -> Send | Ask:
        """The oldest open request of *kind*."""
        found = next((one for one in self.sent if isinstance(one.message, kind)), None)
        assert found is not None, f"no {kind.__name__} is open, but {self.sent}"
        return found

    def is_waiting(self, kind: type[Request]) -> bool:
        """Whether a request of *kind* is open."""
        return any(isinstance(one.message, kind) for one in self.sent)

    def answer_all(self) -> None:
        """Answer all that is open, and what comes of it, kindly."""
        while self.sent:
            self.settle(self.sent[0], self.kindness(self.sent[0].message))

    def kind_answer(self, sending: Send | Ask) -> Event:
        """Say what pleases the station."""
        self.sent = [one for one in self.sent if one.ticket != sending.ticket]
        answer = self.kindness(sending.message)
        return Settled(at=self.instant, ticket=sending.ticket, answer=answer)

    def kindness(self, message: Request) -> Confirmation:  # noqa: C901, PLR0911  one answer per message
        match message:
            case BootNotification():
                return booted(self.instant.wall)
            case Heartbeat():
                return HeartbeatConf(current_time=self.instant.wall)
            case Authorize(id_tag=id_tag):
                return AuthorizeConf(id_tag_info=self.tag_info.get(id_tag, GOOD))
            case StatusNotification():
                return StatusNotificationConf()
            case StartTransaction(id_tag=id_tag):
                self.next_transaction += 1
                return StartTransactionConf(
                    transaction_id=self.next_transaction - 1,
                    id_tag_info=self.tag_info.get(id_tag, GOOD),
                )
            case StopTransaction():
                return StopTransactionConf()
            case MeterValues():
                return MeterValuesConf()
            case DataTransfer():
                return DataTransferConf(status="Accepted")
            case FirmwareStatusNotification():
                return FirmwareStatusNotificationConf()
            case DiagnosticsStatusNotification():
                return DiagnosticsStatusNotificationConf()
            case LogStatusNotification():
                return LogStatusNotificationConf()
            case SignedFirmwareStatusNotification():
                return SignedFirmwareStatusNotificationConf()
            case SecurityEventNotification():
                return SecurityEventNotificationConf()
            case SignCertificate():
                return SignCertificateConf(status="Accepted")

    def call(self, command: Command) -> Any:
        """The central system asks; the reply, `None` while it is still owed."""
        self.calls += 1
        number = self.calls
        effects = self.step(CallReceived(at=self.instant, call_id=number, command=command))
        replies = [
            one for one in effects if isinstance(one, Reply | Refuse) and one.call_id == number
        ]
        assert len(replies) <= 1
        return replies[0].answer if replies else None

    def resend(self, *kinds: type[Request], numbers: Mapping[int, int] | None = None) -> None:
        """Somebody wants the dead letters (of *kinds*) told again."""
        letters = [one for one in self.dead if isinstance(one.message, kinds or (object,))]
        letters.sort(key=lambda one: one.seq)
        begun = {one.ref for one in letters if isinstance(one.message, StartTransaction)}
        self.step(
            ResendAsked(
                at=self.instant,
                letters=tuple(letters),
                numbers=numbers or {},
                waiting={one.seq: one.attempts for one in self.journal if one.ref in begun},
            )
        )

    def replies(self, call_id: int) -> list[Any]:
        """All answers so far to *call_id*."""
        replies = [one for one in self.log if isinstance(one, Reply | Refuse)]
        return [one.answer for one in replies if one.call_id == call_id]

    # ── states that stories begin in ──

    def start(self) -> Rig:
        """The process begins; every charging point shows its inputs."""
        self.step(Started(at=self.instant))
        for connector in self.state.connectors:
            self.step(self.inputs(connector))
            self.step(self._reading(connector, None))
        return self

    def online(self) -> Rig:
        """Started, connected, accepted; nothing waits for an answer."""
        self.start()
        self.link_up()
        self.answer_all()
        self.log.clear()
        return self

    def charging(self, connector: int = 1, id_tag: str = ALICE) -> Rig:
        """Plugged, let in, contactor closed; StartTransaction may still be open."""
        self.plug(connector)
        self.tap(id_tag)
        if self.is_waiting(Authorize):
            self.answer(Authorize)
        self.see(connector, current_a=16.0)
        self.meter(connector)
        assert self.bay(connector).connector.phase is Phase.CHARGING
        return self


def booted(
    now: datetime,
    status: RegistrationStatus = RegistrationStatus.ACCEPTED,
    interval: int = 300,
) -> BootNotificationConf:
    """An answer to BootNotification."""
    return BootNotificationConf(status=status, current_time=now, interval=interval)
