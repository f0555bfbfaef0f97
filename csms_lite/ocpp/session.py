"""One station on one socket: its messages in, our commands out, until the socket closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from csms_lite.access.rules import AccessRules
from csms_lite.certificates.rules import Signing
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.commands import service as commands
from csms_lite.errors import CsmsError, VerbFailed
from csms_lite.files.shelf import Shelf
from csms_lite.jsontext import digest
from csms_lite.local_list.follower import Follower
from csms_lite.ocpp.failures import MOST, Failures
from csms_lite.ocpp.outgoing import CommandSender, Outgoing
from csms_lite.ocpp.routes import ROUTES, AnyRoute, Routes, TogetherRoute
from csms_lite.ocpp.service import handle, handle_together
from csms_lite.ocpp.verbs import Answer, Origin
from csms_lite.ocpp.wire import Socket, Wire, untapped
from csms_lite.sessions.warnings import USUAL, Limits
from csms_lite.stations import service as stations
from csms_lite.stations.liveness import Patience
from csms_lite.stations.presence import Presence
from csms_lite.stations.rules import Station
from csms_lite.store.writer import Store
from edge.ocppj.charge_point import ChargePoint, IncomingCall
from edge.ocppj.errors import CallRefused, Code, Unanswerable, WireError
from edge.ocppj.repeats import TRANSACTION_ACTIONS, Repeats

ANSWERS_REMEMBERED: Final = 64  # of this socket, in RAM; transaction messages' also on the disk
ABSORBED: Final = frozenset(
    action for action, route in ROUTES.items() if isinstance(route, TogetherRoute)
)
"""Repeats of these change nothing. An id that was answered and comes with other content is news.

Ruling 7 would have it refused; nobody gains when a sample is lost to a charger that counts badly.
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every session works with."""

    store: Store
    clock: Clock
    chance: Chance
    presence: Presence
    outgoing: Outgoing
    access: AccessRules
    heartbeat_s: int
    patience: Patience
    touched: Callable[[int], None]
    """Told the station whose public status may have changed."""
    lists: Follower
    shelf: Shelf
    signing: Signing
    asked_to_sign: Callable[[], None]
    """Told that a request for a certificate is stored."""
    tap: Callable[[str, Socket], Socket] = untapped
    """Puts an ear on a station's socket: the log's."""
    limits: Limits = USUAL
    """Beyond which a measured value raises an alarm."""
    start_within_s: int = 300
    """For how long a start that the charger accepted may wait for its transaction."""
    expiry_ms: int = 24 * 3_600_000
    """After how long without news a running session is shown as overdue."""
    failures: Failures = field(default_factory=Failures)
    """Of transaction messages, over all sockets."""


class Session:
    """A station that is connected; *closed_errors* is what its socket raises when it is gone."""

    def __init__(
        self,
        station: Station,
        socket: Socket,
        desk: Desk,
        closed_errors: type[Exception],
        routes: Routes = ROUTES,
    ) -> None:
        self.station = station
        self._desk = desk
        self._closed_errors = closed_errors
        self._routes = routes
        self._registration = station.registration
        self._is_booted = station.booted_at_ms is not None
        self._asked_to_boot = False
        self._has_spoken = False
        self._wire = Wire(desk.tap(station.identity, socket))
        self._charge_point = ChargePoint(
            station.identity,
            self._wire,
            self._answer,
            repeats=Repeats(ANSWERS_REMEMBERED, absorbed=ABSORBED),
            closed_errors=closed_errors,
            refusing=self._keep_refused,
        )
        self._charge_point.muted = station.registration == "Rejected"

    async def run(self) -> None:
        """Serve the station until its socket closes."""
        bell = self._desk.outgoing.bell_of(self.station.station_id)
        sender = CommandSender(
            self._desk.store, self._desk.clock, self._desk.outgoing, self.station.station_id, bell
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_commands(sender), name=f"send-{self.station.identity}")
            try:
                await self._charge_point.start()
            except (self._closed_errors, WireError) as closed:
                log.info("station_left", charger=self.station.identity, why=str(closed))
            finally:
                sender.stop()

    async def _send_commands(self, sender: CommandSender) -> None:
        try:
            await sender.send_on(self._charge_point)
        except CsmsError as failure:
            log.warning("commands_stopped", charger=self.station.identity, error=str(failure))
            await self._wire.give_up()

    async def _answer(self, call: IncomingCall) -> Answer:
        """Make the answer to one call, once it is stored; see `edge.ocppj` for what is raised."""
        route = self._routes.get(call.action)
        if route is None:
            raise CallRefused(Code.NOT_SUPPORTED, f"{call.action} is not for a central system")
        if self._wire.is_giving_up:
            raise Unanswerable("the socket is being closed: the station repeats it")
        now_ms = self._desk.clock.now_ms()
        self._desk.presence.heard(self.station.station_id, now_ms)
        try:
            if not (self._is_booted and self._registration == "Accepted"):
                await self._refuse_before_boot(call)
            answer = await self._store(call, route, now_ms)
        except CsmsError as failure:
            log.warning("not_stored", charger=self.station.identity, action=call.action)
            await self._wire.give_up()
            raise Unanswerable(str(failure)) from failure
        if call.action == "BootNotification":
            self._booted(answer)
        elif not self._has_spoken:  # a mere reconnect; one that boots is not disturbed before
            self._desk.lists.arrived(self.station.station_id)
        self._has_spoken = True
        self._took(call.action)
        self._desk.touched(self.station.station_id)
        return answer

    def _took(self, action: str) -> None:
        """Wake who has something to do now that this is stored."""
        match action:
            case "SignCertificate":
                self._desk.asked_to_sign()
            case "StartTransaction":  # it may have been unwished before it began
                self._desk.outgoing.ring(self.station.station_id)
            case "Authorize":  # a tap may have made a card
                self._desk.lists.cards_changed()

    async def _store(self, call: IncomingCall, route: AnyRoute, now_ms: int) -> Answer:
        origin = Origin(
            station_id=self.station.station_id,
            connection=self.station.connection,
            message_id=call.unique_id,
            payload=call.payload,
            now_ms=now_ms,
            access=self._desk.access,
            heartbeat_s=self._desk.heartbeat_s,
            signing=self._desk.signing,
            limits=self._desk.limits,
        )
        store = self._desk.store
        try:
            if isinstance(route, TogetherRoute):
                answer = await store.do_together(handle_together, origin, call.action, route)
            else:
                answer = await store.do(handle, origin, call.action, route)
        except VerbFailed as failure:
            log.exception("verb_failed", charger=self.station.identity, action=call.action)
            if call.action in TRANSACTION_ACTIONS:
                await self._bear(call, failure, now_ms)
            raise CallRefused(Code.INTERNAL_ERROR, "this went wrong here") from failure
        for command_id in origin.ended:
            self._desk.outgoing.settled(command_id)
        return answer

    async def _bear(self, call: IncomingCall, failure: VerbFailed, now_ms: int) -> None:
        """Close without an answer, unless the message failed so often that no repeat will help.

        A CALLERROR lets the station drop a session, so the frame is stored first, once; then the
        rest of its queue can come (ruling 6). Raises *failure*, or what failed in storing.
        """
        station_id, failures = self.station.station_id, self._desk.failures
        content = digest((call.action, call.payload))
        before = failures.count(station_id, content)
        if before + 1 < MOST:
            failures.add(station_id, content)
            raise failure
        if before + 1 == MOST:
            details = {"frame": _text(call.raw), "error": str(failure)}
            await self._desk.store.do(
                stations.note, station_id, "failed_message", details, now_ms=now_ms
            )
            failures.add(station_id, content)
            log.error("transaction_message_failed_for_good", charger=self.station.identity)

    async def _refuse_before_boot(self, call: IncomingCall) -> None:
        """Refuse what a station may not say before it was accepted and has booted (ruling 8).

        Transaction messages of a station we do not remember are taken all the same: it was
        accepted once, by us before our disk was lost or by another system, and does not boot
        again on a mere reconnect (ruling 26). It is asked to, once.
        """
        if call.action == "BootNotification":
            return
        if self._registration == "Rejected":
            raise Unanswerable("the station is rejected")
        if self._registration == "Accepted":
            await self._ask_to_boot()
            if call.action in TRANSACTION_ACTIONS:
                return
        elif call.action in TRANSACTION_ACTIONS:  # Pending: it must keep its queue
            raise Unanswerable("the station waits for an operator")
        raise CallRefused(Code.SECURITY_ERROR, "send BootNotification first")

    async def _ask_to_boot(self) -> None:
        if self._asked_to_boot:
            return
        self._asked_to_boot = True
        await self._desk.store.do(
            commands.ask,
            self.station.identity,
            "TriggerMessage",
            {"requestedMessage": "BootNotification"},
            message_id=self._desk.chance.message_id(),
            now_ms=self._desk.clock.now_ms(),
        )
        self._desk.outgoing.ring(self.station.station_id)

    def _booted(self, answer: Answer) -> None:
        self._registration = answer["status"]
        self._is_booted = self._registration == "Accepted"
        self._charge_point.muted = self._registration == "Rejected"
        self._desk.lists.arrived(self.station.station_id)
        log.info("station_booted", charger=self.station.identity, status=self._registration)

    async def _keep_refused(self, action: str, raw: str | bytes) -> None:
        """Store a transaction message that no schema can read before its CALLERROR leaves.

        The station may then drop it for ever, and its bytes are billing data (ruling 6).
        """
        if action not in TRANSACTION_ACTIONS:
            return
        try:
            await self._desk.store.do(
                stations.note,
                self.station.station_id,
                "refused_frame",
                {"frame": _text(raw)},
                now_ms=self._desk.clock.now_ms(),
            )
        except CsmsError as failure:
            await self._wire.give_up()
            raise Unanswerable(str(failure)) from failure
        log.warning("transaction_message_refused", charger=self.station.identity)


def _text(raw: str | bytes) -> str:
    return raw if isinstance(raw, str) else raw.decode(errors="replace")
