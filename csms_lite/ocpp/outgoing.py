"""Command rows to frames, after their commit: one in flight per station, never sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import structlog

from csms_lite.charging import service as charging
from csms_lite.clock import Clock
from csms_lite.commands import service as commands
from csms_lite.commands.rules import ACTIONS, Command
from csms_lite.commands.secrets import Hidden, is_secret
from csms_lite.errors import Unacceptable
from csms_lite.jsontext import loads
from csms_lite.store.writer import Store
from edge.ocppj.charge_point import ChargePoint
from edge.ocppj.errors import CallErrorReceived, CallRefused, CallTimedOut, ConnectionLost
from edge.ocppj.schemas import check_call

NOT_KEPT: Final = "what is secret in it was not kept over a restart"
SAID_MAX: Final = 300  # characters of a CALLERROR: an honest one has 255, with its code
ANSWER_WITHIN_S: Final = 30.0  # a station may first have to read a meter or move a lock

log = structlog.get_logger(__name__)


class Outgoing:
    """Bells that wake the senders, and callers who wait for a command's end."""

    def __init__(self) -> None:
        self.hidden = Hidden()
        self._bells: dict[int, asyncio.Event] = {}
        self._waiters: dict[int, list[asyncio.Event]] = {}
        self._listeners: list[Callable[[int], None]] = []

    def listen(self, ended: Callable[[int], None]) -> None:
        """Tell *ended* of every command that comes to its end, from now on."""
        self._listeners.append(ended)

    def bell_of(self, station_id: int) -> asyncio.Event:
        """Make the bell of a station's newest socket."""
        self._bells[station_id] = asyncio.Event()
        return self._bells[station_id]

    def ring(self, station_id: int) -> None:
        """Say that a command row waits; without a socket it waits for one, or expires."""
        bell = self._bells.get(station_id)
        if bell is not None:
            bell.set()

    def settled(self, command_id: int) -> None:
        """Say that a command came to its end."""
        for waiter in self._waiters.pop(command_id, ()):
            waiter.set()
        for ended in self._listeners:
            ended(command_id)

    async def wait(
        self,
        command_id: int,
        at_most_s: float,
        is_over: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Wait for a command's end, or for the time to run out.

        *is_over* is asked once we listen: for who cannot tell that it has not come before.
        """
        waiter = asyncio.Event()
        waiters = self._waiters.setdefault(command_id, [])
        waiters.append(waiter)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(at_most_s):
                    if is_over is None or not await is_over():
                        await waiter.wait()
        finally:
            waiters.remove(waiter)
            if not waiters:
                self._waiters.pop(command_id, None)


def check_payload(action: str, payload: Mapping[str, Any]) -> None:
    """Refuse a payload that the schema of its action does not allow; raises `Unacceptable`.

    An unknown action passes: the verb that asks refuses it, naming those there are.
    """
    if action not in ACTIONS:
        return
    try:
        check_call(action, dict(payload))
    except CallRefused as refusal:
        raise Unacceptable(f"{action}: {refusal.description}") from refusal


class CommandSender:
    """Sends one station's commands over one socket, one after the other, until `stop`."""

    def __init__(
        self, store: Store, clock: Clock, outgoing: Outgoing, station_id: int, bell: asyncio.Event
    ) -> None:
        self._store = store
        self._clock = clock
        self._outgoing = outgoing
        self._station_id = station_id
        self._bell = bell
        self._stopped = False

    def stop(self) -> None:
        """Send no more; the command in flight still gets its end."""
        self._stopped = True
        self._bell.set()

    async def send_on(self, charge_point: ChargePoint) -> None:
        """Send what is asked, now and whenever the bell rings; raises `StoreFailed`."""
        while not self._stopped:
            self._bell.clear()
            command, ended = await self._store.do(
                commands.take_next, self._station_id, self._clock.now_ms()
            )
            for command_id in ended:
                self._outgoing.settled(command_id)
            if command is None:
                await self._bell.wait()
            else:
                await self._send(charge_point, command)
                self._outgoing.settled(command.command_id)

    async def _send(self, charge_point: ChargePoint, command: Command) -> None:
        payload = loads(command.payload_json)
        if is_secret(command.action, payload):
            payload = self._outgoing.hidden.take(command.message_id)
            if payload is None:
                problem = f"{NOT_KEPT}, nothing was sent: ask again"
                now_ms = self._clock.now_ms()
                await self._store.do(commands.declined, command.command_id, problem, now_ms)
                return
        log.info("command_sent", charger=command.charger, action=command.action)
        is_refusal = False
        try:
            result = await charge_point.call_action(
                command.action, payload, command.message_id, ANSWER_WITHIN_S
            )
        except CallErrorReceived as refusal:
            is_refusal = True
            said = f"CALLERROR {refusal.code}: {refusal.description}"
            problem = f"the charger answered {said[:SAID_MAX]}"
        except CallTimedOut:
            problem = f"no answer within {ANSWER_WITHIN_S:g} s: the outcome is unknown"
        except ConnectionLost:
            problem = "the connection ended before the answer came: the outcome is unknown"
        else:
            await self._store.do(
                charging.answered, command.command_id, result, self._clock.now_ms()
            )
            return
        await self._store.do(
            charging.failed,
            command.command_id,
            problem,
            self._clock.now_ms(),
            is_refusal=is_refusal,
        )
