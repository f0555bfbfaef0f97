"""The OCPP line to the central system: connect, stay connected, one call in flight.

Posts `LinkUp`, `LinkDown`, `DialPostponed`, `Settled` (exactly one per `send`) and `CallReceived`.
No refusal is fatal: it is said in one sentence and tried again with back-off (J errata 3.4).
Library: none but our `ocppj`; the socket is `ocpp_line`. Quality: simulated (real sockets).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Final

import structlog

from edge.core.access import Access
from edge.core.commands import CommandAnswer
from edge.core.events import DialPostponed, DialRefused, LinkDown, LinkUp, Settled
from edge.core.messages import BootNotificationConf, CallError, Confirmation, NoAnswer, Request
from edge.core.vocabulary import RegistrationStatus
from edge.drivers import ocpp_codec
from edge.drivers.ocpp_conduct import Conduct
from edge.drivers.ocpp_line import (
    Dial,
    Gate,
    Line,
    Mode,
    is_plain_beyond_loopback,
    public_address,
)
from edge.drivers.ocpp_orders import Orders
from edge.drivers.ocpp_pace import BackOff, Pings
from edge.drivers.ocpp_settings import Settings, dialling_of, profile_of
from edge.drivers.ocpp_tls import Trust
from edge.drivers.ocpp_trouble import trouble_of
from edge.errors import ConfigError, LineDropped, LinkRefused
from edge.ocppj.charge_point import ChargePoint, Counters
from edge.ocppj.errors import CallErrorReceived, CallTimedOut, ConnectionLost
from edge.ocppj.overheard import Hear, Overheard
from edge.ocppj.repeats import Repeats
from edge.ports import Clock, Post

WAITING_MAX: Final = 64  # the outbox's head is no longer; more is a central system that hangs
GOING_AWAY: Final = 1001  # RFC 6455 7.4.1
WHY_MAX: Final = 300  # characters of what a far end may have made us say
NORMAL: Final = 1000  # RFC 6455 7.4.1

__all__ = ["OcppLink", "Settings", "open_link", "profile_of"]

log = structlog.get_logger(__name__)


def open_link(
    settings: Settings,
    *,
    station: str,
    clock: Clock,
    random: Random,
    attempts: Sequence[Access] = (),
    failures: int = 0,
    ping_interval_s: float = 0.0,
    roots: Sequence[str] = (),
    dial: Dial | None = None,
    hear: Hear | None = None,
) -> OcppLink:
    """The link of *station*, let in by *attempts*, trusting *roots* besides [csms] ca_file.

    *dial* opens the socket, else a WebSocket; *hear* is told what passes it. *failures* in a row
    have been counted before; *ping_interval_s* 0: no pings.
    Raises `ConfigError` where it would speak in clear beyond loopback and nobody said that it may.
    """
    dialling = dialling_of(settings, station, roots)
    ways = tuple(attempts) or (Access(profile=profile_of(settings)),)
    clear = [one for one in map(dialling.address, ways) if is_plain_beyond_loopback(one)]
    if clear:
        place = public_address(clear[0])
        if not settings.insecure:
            raise ConfigError(
                f"{place} is not encrypted, anybody on the way can read and steer this station:"
                " use wss://, or write insecure = true under [csms]"
            )
        log.warning("line_is_not_encrypted", central_system=place, why="[csms] insecure = true")
    return OcppLink(
        settings,
        station=station,
        clock=clock,
        dial=dial or dialling.dial,
        address=dialling.address,
        attempts=ways,
        back_off=BackOff(
            first_s=settings.backoff_first_s,
            most_s=settings.backoff_max_s,
            random=random,
            failures=failures,
        ),
        pings=Pings(interval_s=ping_interval_s, within_s=settings.ping_timeout_s),
        trust=dialling.trust,
        hear=hear,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    """One `send` that is not settled yet; *payload* is *message* as it goes on the wire."""

    ticket: int
    message_id: str
    message: Request
    payload: dict[str, Any]
    within_s: float
    behind: int | None


class OcppLink:
    """The driver behind `ports.CentralSystem`; `impair` is for the simulated bay."""

    def __init__(
        self,
        settings: Settings,
        *,
        station: str,
        clock: Clock,
        dial: Dial,
        address: Callable[[Access], str],
        attempts: Sequence[Access],
        back_off: BackOff,
        pings: Pings,
        trust: Trust,
        hear: Hear | None,
    ) -> None:
        self.counters = Counters()
        self._settings = settings
        self._station = station
        self._address = address
        self._attempts = tuple(attempts)
        self._attempt = 0
        self._trust = trust
        self._hear = hear
        self._renewed = asyncio.Event()
        self._clock = clock
        self._back_off = back_off
        self._pings = pings
        self._gate = Gate(dial)
        self._post: Post | None = None
        self._line: Line | None = None
        self._is_rejected = False
        self._waiting: deque[_Sending] = deque()
        self._followers: deque[_Sending] = deque()
        self._confirmed: deque[int] = deque(maxlen=WAITING_MAX)
        self._arrived = asyncio.Event()
        self._in_flight: tuple[_Sending, float] | None = None
        self._unposted: list[Settled] = []
        self._repeats = Repeats()
        self._orders = Orders(clock, settings.reply_within_s)

    async def run(self, post: Post) -> None:
        """Connect, serve, reconnect, until cancelled."""
        self._post = post
        for settled in self._unposted:
            post(settled)
        self._unposted.clear()
        conduct = Conduct(post, self._clock)
        while True:
            line, access = await self._dialled(post)
            await self._serve(line, access, post, conduct)

    def send(
        self,
        ticket: int,
        message_id: str,
        message: Request,
        within_s: float,
        behind: int | None = None,
    ) -> None:
        """Send after those that wait; *within_s* runs from when it goes on the wire.

        One that goes *behind* another is ready when its turn comes: a backlog drains as fast as the
        central system answers, whatever we do about its answers meanwhile.
        """
        is_full = behind is None and len(self._waiting) == WAITING_MAX
        if self._line is None or is_full:
            if is_full:
                log.warning("request_dropped", action=type(message).__name__, waiting=WAITING_MAX)
            self._settle(ticket, NoAnswer(timed_out=False, withheld=behind is not None))
            return
        sending = _Sending(
            ticket=ticket,
            message_id=message_id,
            message=message,
            payload=ocpp_codec.encode(message),
            within_s=within_s,
            behind=behind,
        )
        (self._waiting if behind is None else self._followers).append(sending)
        self._arrived.set()

    def reply(self, call_id: int, answer: CommandAnswer | CallError | None) -> None:
        """Answer the command *call_id*, `None` with silence; too late is logged and no more."""
        self._orders.reply(call_id, answer)

    def reconnect(self) -> None:
        """Drop the socket without waiting for its peer, and dial at once."""
        self._back_off.skip()
        if self._line:
            self._line.cut()

    def use_access(self, attempts: Sequence[Access], *, reconnect: bool) -> None:
        """Dial with *attempts* in turn; with *reconnect*, close as soon as replies are out."""
        self._attempts = tuple(attempts)
        self._attempt = 0
        if reconnect:
            self._back_off.skip()
            self._renewed.set()

    def use_pings(self, interval_s: float) -> None:
        """Ping the central system this often from now on, 0 = never."""
        self._pings.use(interval_s)

    def reset_back_off(self) -> None:
        """The central system serves us: the next outage begins with the shortest wait."""
        self._back_off.reset()

    def use_roots(self, roots: Sequence[str]) -> None:
        """Trust *roots*, PEM, from the next dial on, besides what the settings name."""
        self._trust.use_roots(roots)

    def impair(self, mode: Mode, for_s: float | None = None) -> None:
        """Simulate a fault of the line: see `ocpp_line.Gate`."""
        self._gate.impair(mode, for_s)

    def break_after(self, count: int) -> bool:
        """Simulate a central system that dies while it answers; `False` without a line."""
        return self._line is not None and self._gate.break_after(count)

    async def _dialled(self, post: Post) -> tuple[Line, Access]:
        while True:
            if self._back_off.failures:
                post(DialPostponed(at=self._clock.now(), failures=self._back_off.failures))
                await self._back_off.wait()
            access = self._attempts[self._attempt % len(self._attempts)]
            try:
                line = await self._gate.dial(access)
            except OSError as error:
                self._back_off.fail()
                self._attempt += 1
                suspicion = error.suspicion if isinstance(error, LinkRefused) else None
                log.warning(
                    "central_system_unreachable",
                    why=str(error),
                    failures=self._back_off.failures,
                    suspicion=suspicion,
                )
                post(
                    DialRefused(
                        at=self._clock.now(),
                        suspicion=suspicion,
                        why=str(error)[:WHY_MAX],
                        trouble=trouble_of(error),
                    )
                )
            else:
                self._attempt = 0
                return line, access

    async def _serve(self, line: Line, access: Access, post: Post, conduct: Conduct) -> None:
        """Work one connection from `LinkUp` to `LinkDown`."""
        point = ChargePoint(
            self._station,
            line if self._hear is None else Overheard(line, self._hear),
            partial(self._orders.answer, post),
            counters=self.counters,
            repeats=self._repeats,
            closed_errors=ConnectionError,
            suspect=conduct.suspect,
        )
        point.muted = self._is_rejected
        why, dropped = "the station ends", False
        self._line = line
        self._back_off.forget_skip()
        self._renewed.clear()
        place = public_address(self._address(access))
        log.info("link_up", central_system=place, security_profile=access.profile)
        now = self._clock.now()
        post(LinkUp(at=now, access=access, root=line.root, ends_at=line.ends_at))
        try:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(self._send_waiting(point), name="ocpp-sender")
                renewer = tasks.create_task(self._close_to_renew(line), name="ocpp-renewer")
                pinger = tasks.create_task(self._pings.keep_alive(line), name="ocpp-pinger")
                try:
                    await point.start()
                except ConnectionError as error:
                    why, dropped = str(error), isinstance(error, LineDropped)
                sender.cancel()
                renewer.cancel()
                pinger.cancel()
        except asyncio.CancelledError:
            await line.close(GOING_AWAY, why)
            raise
        finally:
            self._line = None
            self._back_off.fail()
            self._settle_all(dropped=dropped)
            log.warning("link_down", why=why)
            post(LinkDown(at=self._clock.now(), why=why))

    async def _close_to_renew(self, line: Line) -> None:
        """Close in good order when the way in has changed: what was replied is on the wire."""
        await self._renewed.wait()
        await line.close(NORMAL, "the security settings have changed")

    async def _send_waiting(self, point: ChargePoint) -> None:
        """Send one request after the other; the one cut off is settled by `_settle_all`."""
        while True:
            sending = await self._next()
            self._in_flight = (sending, self._clock.now().monotonic)
            try:
                answer = await self._exchange(point, sending)
            except ConnectionLost:
                return
            self._in_flight = None
            if not isinstance(answer, CallError | NoAnswer):
                self._confirmed.append(sending.ticket)
            self._settle(sending.ticket, answer)

    async def _next(self) -> _Sending:
        """The request whose turn it is, while none is in flight; what follows nothing is withheld.

        The one that a follower is behind waits no more when nothing waits.
        """
        while not self._waiting:
            if not self._followers:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            follower = self._followers.popleft()
            if follower.behind in self._confirmed:
                return follower
            self._withhold(follower)
        return self._waiting.popleft()

    def _withhold(self, sending: _Sending) -> None:
        self._settle(sending.ticket, NoAnswer(timed_out=False, withheld=True))

    async def _exchange(
        self, point: ChargePoint, sending: _Sending
    ) -> Confirmation | CallError | NoAnswer:
        action = type(sending.message).__name__
        try:
            answer = await point.call_action(
                action, sending.payload, sending.message_id, sending.within_s
            )
        except CallErrorReceived as error:
            log.warning("request_refused", action=action, code=error.code, why=error.description)
            return CallError(code=error.code, description=error.description, details=error.details)
        except CallTimedOut:
            log.warning("request_unanswered", action=action, waited_s=sending.within_s)
            return NoAnswer(timed_out=True)
        confirmation = ocpp_codec.decode_confirmation(sending.message, answer)
        if isinstance(confirmation, BootNotificationConf):
            self._is_rejected = confirmation.status is RegistrationStatus.REJECTED
            point.muted = self._is_rejected
            if confirmation.status is not RegistrationStatus.ACCEPTED:
                self._confirmed.clear()  # what follows them is held with the outbox (ruling 26)
        return confirmation

    def _settle_all(self, *, dropped: bool) -> None:
        """The line is gone, perhaps *dropped* by the peer: settle what was on it or waited."""
        if self._in_flight:
            sending, sent_at = self._in_flight
            self._in_flight = None
            within_s = self._clock.now().monotonic - sent_at if dropped else None
            self._settle(sending.ticket, NoAnswer(timed_out=False, closed_within_s=within_s))
        while self._waiting:
            self._settle(self._waiting.popleft().ticket, NoAnswer(timed_out=False))
        while self._followers:
            self._withhold(self._followers.popleft())

    def _settle(self, ticket: int, answer: Confirmation | CallError | NoAnswer) -> None:
        settled = Settled(at=self._clock.now(), ticket=ticket, answer=answer)
        if self._post is None:
            self._unposted.append(settled)  # sent before `run`: the line is down
        else:
            self._post(settled)
