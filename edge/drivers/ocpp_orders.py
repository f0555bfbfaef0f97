"""What the central system orders: each call is decided by the core once, and answered in time.

Quality: as `ocpp_link`, whose part it is.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import structlog

from edge.core.commands import Command, CommandAnswer
from edge.core.events import CallReceived
from edge.core.messages import CallError
from edge.drivers import ocpp_codec
from edge.ocppj.charge_point import IncomingCall
from edge.ocppj.errors import CallRefused, Code, Unanswerable
from edge.ports import Clock, Post

UNANSWERED_MAX: Final = 64  # commands whose line went away before their reply

log = structlog.get_logger(__name__)


class Silence(Enum):
    """The core's decision not to answer: while Rejected nothing is (OCPP 1.6 4.2)."""

    KEPT = "kept"


@dataclass(slots=True, kw_only=True)
class _Order:
    """A command the core was told of; its line may be gone when the answer comes."""

    command: Command
    call_id: int
    answer: CommandAnswer | CallError | Silence | None = None
    decided: asyncio.Future[None] | None = None


class Orders:
    """The commands that wait for their answer, over reconnects too; *within_s* for each."""

    def __init__(self, clock: Clock, within_s: float) -> None:
        self._clock = clock
        self._within_s = within_s
        self._call_ids = itertools.count(1)
        self._open: OrderedDict[str, _Order] = OrderedDict()

    def reply(self, call_id: int, answer: CommandAnswer | CallError | None) -> None:
        """Answer the command *call_id*, `None` with silence; too late is logged and no more."""
        for order in self._open.values():
            if order.call_id == call_id and order.answer is None:
                order.answer = Silence.KEPT if answer is None else answer
                if order.decided and not order.decided.done():
                    order.decided.set_result(None)
                return
        log.warning("reply_came_too_late", call_id=call_id, answer=type(answer).__name__)

    async def answer(self, post: Post, call: IncomingCall) -> Mapping[str, Any]:
        """Have the core decide a command."""
        try:
            command = ocpp_codec.decode_command(call.action, call.payload)
        except ocpp_codec.Unreadable as why:  # year 9999 west of Greenwich: .NET's "for ever"
            raise CallRefused(Code.PROPERTY_CONSTRAINT_VIOLATION, str(why)) from why
        if isinstance(command, CallError):
            raise CallRefused(command.code, command.description)
        answer = await self._decided(post, call.unique_id, command)
        if isinstance(answer, CallError):
            raise CallRefused(answer.code, answer.description, answer.details)
        return ocpp_codec.encode(answer)

    async def _decided(
        self, post: Post, unique_id: str, command: Command
    ) -> CommandAnswer | CallError:
        """Ask the core, once per command, even if its line breaks and it is repeated (ruling 7)."""
        order = self._open.get(unique_id)
        if order is None or order.command != command:
            order = self._asked(post, unique_id, command)
        if order.answer is None:
            # Awaited bare, so that the answer is on the wire before the core's next request.
            order.decided = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self._within_s):
                    await order.decided
            except TimeoutError:
                log.warning("command_undecided", action=type(command).__name__)
        self._open.pop(unique_id, None)
        if order.answer is None:
            raise CallRefused(Code.INTERNAL_ERROR, "no decision in time")
        if order.answer is Silence.KEPT:
            raise Unanswerable
        return order.answer

    def _asked(self, post: Post, unique_id: str, command: Command) -> _Order:
        order = _Order(command=command, call_id=next(self._call_ids))
        self._open[unique_id] = order
        if len(self._open) > UNANSWERED_MAX:
            self._open.popitem(last=False)
        log.info("command_received", action=type(command).__name__, call_id=order.call_id)
        post(CallReceived(at=self._clock.now(), call_id=order.call_id, command=command))
        return order
