"""Where a station waits that nobody knows: it may say what it is, and is told Pending.

It is no station of ours: nothing it says is kept but its boot, in the inbox, and nothing is sent
to it. Once an operator takes it in, it must come again through the door, by what is agreed then.
"""

from __future__ import annotations

from typing import Any, Final

import structlog

from csms_lite.clock import rfc3339
from csms_lite.errors import CsmsError
from csms_lite.ocpp.messages import read_boot
from csms_lite.ocpp.session import Desk
from csms_lite.ocpp.verbs import BOOT_RETRY_S
from csms_lite.ocpp.wire import Socket
from csms_lite.stations import door_service
from csms_lite.stations.inbox import MOST_STRANGERS
from edge.ocppj.charge_point import ChargePoint, IncomingCall
from edge.ocppj.errors import CallRefused, Code, Unanswerable, WireError
from edge.ocppj.repeats import TRANSACTION_ACTIONS

COME_AGAIN: Final = 1012  # service restart: stations come back soon
FULL: Final = 1013

log = structlog.get_logger(__name__)


class Lobby:
    """The sockets of those who wait; bounded, as anybody on this machine may come in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting = 0

    async def wait(self, identity: str, socket: Socket, closed_errors: type[Exception]) -> None:
        """Keep a stranger until its socket closes."""
        if self._waiting >= MOST_STRANGERS:
            await socket.close(FULL, "too many wait: try again later")
            return
        self._waiting += 1
        log.info("stranger_waits", charger=identity)

        async def answer(call: IncomingCall) -> dict[str, Any]:
            return await self._answer(identity, socket, call)

        try:
            await ChargePoint(
                identity, socket, answer, closed_errors=closed_errors, refusing=_hold_back
            ).start()
        except (closed_errors, WireError) as closed:
            log.info("stranger_left", charger=identity, why=str(closed))
        finally:
            self._waiting -= 1

    async def _answer(self, identity: str, socket: Socket, call: IncomingCall) -> dict[str, Any]:
        if call.action in TRANSACTION_ACTIONS:
            raise Unanswerable("it must keep its queue until somebody knows it")
        if call.action != "BootNotification":
            raise CallRefused(Code.SECURITY_ERROR, "an operator has to accept this station first")
        now_ms = self._desk.clock.now_ms()
        try:
            told = read_boot(call.payload, now_ms)
            is_stranger = await self._desk.store.do(door_service.introduced, identity, told, now_ms)
        except CsmsError as failure:
            raise Unanswerable(str(failure)) from failure
        if not is_stranger:
            await socket.close(COME_AGAIN, "you are known now: come again")
            raise Unanswerable("it comes again")
        now = rfc3339(now_ms)
        return {"status": "Pending", "currentTime": now, "interval": BOOT_RETRY_S}


async def _hold_back(action: str, _raw: str | bytes) -> None:
    """Refuse no transaction message of a stranger: nobody keeps its frame (ruling 6)."""
    if action in TRANSACTION_ACTIONS:
        raise Unanswerable("it must keep its queue until somebody knows it")
