"""One OCPP-J 1.6 connection, the same for both sides: calls out, calls in, in order and bounded.

`ocpp.v16.ChargePoint` with its five I/O methods replaced: the stock reader stops for each call it
serves, dies of hostile frames and queues unasked answers without end (security page 3.4).
A reader only sorts; a worker answers calls strictly in order and may call the other side itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol

import msgspec
import ocpp.v16
from ocpp.charge_point import (
    camel_to_snake_case,
    remove_nones,
    serialize_as_dict,
    snake_to_camel_case,
)

from edge.ocppj import guard, schemas
from edge.ocppj.errors import (
    CallErrorReceived,
    CallRefused,
    CallTimedOut,
    Code,
    ConnectionLost,
    Unanswerable,
)
from edge.ocppj.repeats import TRANSACTION_ACTIONS, Arrival, Repeats

OPEN_CALLS_MAX: Final = 8  # OCPP-J allows one; slack for peers that repeat without waiting
BAD_FRAMES_MAX: Final = 100  # in a row: a peer that only talks rubbish is none of ours
POLICY_VIOLATION: Final = 1008  # RFC 6455 7.4.1


class Connection(Protocol):
    """What a WebSocket offers: whole messages; both raise when it is closed."""

    async def recv(self) -> str | bytes:
        """The next message."""
        ...

    async def send(self, message: str, /) -> None:
        """Send one text message."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        ...


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A call of the other side: known action, lawful payload in camelCase; *raw* is its frame."""

    action: str
    unique_id: str
    payload: dict[str, Any]
    raw: str | bytes = field(default="", compare=False, repr=False)


@dataclass(slots=True)
class Counters:
    """What this connection has seen; *ignored* counts frames left unanswered, by reason.

    *unlawful_answers* broke their schema: theirs, which are read all the same, or ours, never sent.
    """

    received: int = 0
    answered: int = 0
    refused: int = 0
    repeated: int = 0
    unlawful_answers: int = 0
    ignored: Counter[str] = field(default_factory=Counter)


class Suspicion(Enum):
    """What a frame may be a sign of, besides a bug of the peer's."""

    INVALID = "invalid"  # no OCPP message
    REPLAYED = "replayed"  # the id of another call


Answer = Callable[[IncomingCall], Awaitable[Mapping[str, Any]]]
"""Makes the payload of a CALLRESULT; raises `CallRefused`, or `Unanswerable` for no answer."""


Refusing = Callable[[str, str | bytes], Awaitable[None]]
"""Is told the action and frame of a call that is refused before it reaches `Answer`.

Awaited before the CALLERROR leaves; raises `Unanswerable` to hold it back.
"""


async def _careless(_action: str, _raw: str | bytes) -> None:
    """Nobody keeps what is refused."""


def _unsuspecting(_suspicion: Suspicion) -> None:
    """Nobody keeps a security log."""


class ChargePoint(ocpp.v16.ChargePoint):  # type: ignore[misc]  # the library ships no types
    """One connection of the station *id*, seen from either end.

    *repeats* remembers answers for calls that come twice, over reconnects too; without it nothing
    is remembered, for owners with a durable memory. *closed_errors* are what *connection* raises
    when it is gone. *suspect* hears of every frame that is suspicious, *refusing* of every call
    that is refused here; what *answer* refuses, it has seen itself.
    While `muted`, bad calls are ignored, not refused: a rejected station hears nothing (S 4.2).
    """

    def __init__(
        self,
        id: str,  # noqa: A002  # the library's own name for it
        connection: Connection,
        answer: Answer,
        *,
        response_timeout_s: float = 30.0,
        counters: Counters | None = None,
        repeats: Repeats | None = None,
        open_calls_max: int = OPEN_CALLS_MAX,
        bad_frames_max: int = BAD_FRAMES_MAX,
        closed_errors: type[Exception] | tuple[type[Exception], ...] = Exception,
        suspect: Callable[[Suspicion], None] = _unsuspecting,
        refusing: Refusing = _careless,
    ) -> None:
        super().__init__(id, connection, response_timeout=response_timeout_s)
        self.counters = counters if counters is not None else Counters()
        self.muted = False
        self._answer = answer
        self._closed_errors = closed_errors
        self._suspect = suspect
        self._refusing = refusing
        self._repeats = repeats if repeats is not None else Repeats(0)
        self._repeats.reopen()
        self._calls: deque[IncomingCall] = deque()
        self._calls_max = open_calls_max
        self._idle: asyncio.Future[None] | None = None
        self._in_flight: tuple[str, asyncio.Future[guard.Result | guard.Error]] | None = None
        self._bad_frames_left = self._bad_frames_max = bad_frames_max
        self._lost: Exception | None = None

    async def start(self) -> None:
        """Serve until the connection closes; then raise what the connection raised."""
        try:
            async with asyncio.TaskGroup() as tasks:
                worker = tasks.create_task(self._work(), name=f"ocpp-worker-{self.id}")
                self._lost = await self._read()
                self._settle(ConnectionLost(str(self._lost)))
                worker.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            if self._lost is None:
                self._lost = ConnectionLost("the connection is no longer served")
            self._settle(ConnectionLost(str(self._lost)))
        raise self._lost

    async def call_action(
        self, action: str, payload: Mapping[str, Any], unique_id: str, timeout_s: float
    ) -> dict[str, Any]:
        """Call the other side and return the payload of its CALLRESULT; one call is open at a time.

        The time runs from when the call is sent. An answer that breaks the schema is counted and
        returned: the caller reads it with the tolerance it can afford.
        Raises `CallErrorReceived`, `CallTimedOut`, `ConnectionLost`.
        """
        async with self._call_lock:
            if self._lost is not None:
                raise ConnectionLost(str(self._lost))
            answer: asyncio.Future[guard.Result | guard.Error]
            answer = asyncio.get_running_loop().create_future()
            self._in_flight = (unique_id, answer)
            try:
                async with asyncio.timeout(timeout_s) as limit:
                    await self._send(_encode([guard.CALL, unique_id, action, payload]))
                    frame = await answer
            except TimeoutError:
                if not limit.expired():
                    raise
                raise CallTimedOut(f"no answer to {action} in {timeout_s:g} s") from None
            finally:
                self._in_flight = None
                answer.cancel()
        if isinstance(frame, guard.Error):
            raise CallErrorReceived(frame.code, frame.description, frame.details)
        if not schemas.accepts_answer(action, frame.payload):
            self.counters.unlawful_answers += 1
        return frame.payload

    async def call(
        self,
        payload: Any,
        suppress: bool = False,
        unique_id: str | None = None,
        skip_schema_validation: bool = False,
    ) -> Any:
        """Call with the library's typed payloads, here for those who know them; see `call_action`.

        *unique_id* is required: ids are the caller's, unique for ever (errata 3.1).
        """
        if unique_id is None:
            raise ValueError("a call needs its message id")
        action = type(payload).__name__
        wire = snake_to_camel_case(remove_nones(serialize_as_dict(payload)))
        if not skip_schema_validation:
            schemas.check_call(action, wire)
        try:
            answer = await self.call_action(action, wire, unique_id, self._response_timeout)
        except CallErrorReceived:
            if suppress:
                return None
            raise
        return getattr(self._call_result, action)(**camel_to_snake_case(answer))

    async def route_message(self, raw_msg: str | bytes) -> None:
        """Sort one message: answers to the call in flight, calls to the worker."""
        self.counters.received += 1
        match guard.parse(raw_msg):
            case guard.Call() as call:
                self._bad_frames_left = self._bad_frames_max
                await self._handle_call(call, raw_msg)
            case guard.Result() | guard.Error() as answer:
                self._route_answer(answer)
            case guard.BadCall(unique_id, description, action):
                self._bad_frames_left -= 1
                self._suspect(Suspicion.INVALID)
                refusal = CallRefused(Code.GENERIC_ERROR, description)
                await self._turn_away(unique_id, refusal, action, raw_msg)
            case guard.Noise(why):
                self._ignore(why)

    async def _handle_call(self, msg: guard.Call, raw: str | bytes = "") -> None:
        """Check a call, and queue it unless it repeats one that is open."""
        try:
            payload = schemas.check_call(msg.action, msg.payload, suspect=msg.suspect)
        except CallRefused as refusal:
            if refusal.code != Code.NOT_IMPLEMENTED:
                self._suspect(Suspicion.INVALID)
            await self._turn_away(msg.unique_id, refusal, msg.action, raw)
            return
        match self._repeats.arrived(msg):
            case Arrival.ATTACHED:
                self.counters.repeated += 1
            case Arrival.CLASHING:
                self._suspect(Suspicion.REPLAYED)
                clash = CallRefused(Code.GENERIC_ERROR, "this message id is another call's")
                await self._turn_away(msg.unique_id, clash, msg.action, raw)
            case Arrival.NEW if len(self._calls) >= self._calls_max:
                await self._connection.close(POLICY_VIOLATION, "too many open calls")
                raise _Closed
            case Arrival.NEW:
                self._calls.append(IncomingCall(msg.action, msg.unique_id, payload, raw))
                if self._idle is not None and not self._idle.done():
                    self._idle.set_result(None)

    async def _get_specific_response(self, unique_id: str, timeout: float) -> Any:  # noqa: ASYNC109  # the library's signature
        raise NotImplementedError("answers come to `call_action` through its future")

    async def _send(self, message: str) -> None:
        try:
            await self._connection.send(message)
        except self._closed_errors as error:
            raise ConnectionLost(str(error)) from error

    async def _read(self) -> Exception:
        """Sort messages until the connection closes; returns what it raised."""
        try:
            while self._bad_frames_left > 0:
                await self.route_message(await self._connection.recv())
            await self._connection.close(POLICY_VIOLATION, "too many bad frames")
        except ConnectionLost as error:
            return error.__cause__ if isinstance(error.__cause__, Exception) else error
        except _Closed:
            pass
        except self._closed_errors as error:
            return error
        return await self._drain()

    async def _drain(self) -> Exception:
        """Read what is left after our own close, to learn how the connection ended."""
        try:
            while True:
                await self._connection.recv()
        except self._closed_errors as error:
            return error

    async def _work(self) -> None:
        """Answer the queued calls, in order."""
        try:
            while True:
                while self._calls:
                    await self._serve(self._calls.popleft())
                self._idle = asyncio.get_running_loop().create_future()
                await self._idle
        except ConnectionLost:
            return  # the reader learns it too, and tells

    async def _serve(self, call: IncomingCall) -> None:
        result = self._repeats.answer_kept(call.unique_id)
        try:
            if result is None:
                result = await self._result(call)
            else:
                self.counters.repeated += 1
        except CallRefused as refusal:
            self._repeats.closed(call.unique_id, None)
            await self._refuse(call.unique_id, refusal)
            return
        except Unanswerable:
            self._repeats.closed(call.unique_id, None)
            self.counters.ignored["no_answer_due"] += 1
            return
        self._repeats.closed(call.unique_id, result)
        await self._send(result)
        self.counters.answered += 1

    async def _result(self, call: IncomingCall) -> str:
        """Make the CALLRESULT frame; an unlawful answer is our own bug, told as such (ruling 8)."""
        payload = await self._answer(call)
        if not schemas.accepts_answer(call.action, payload):
            self.counters.unlawful_answers += 1
            if call.action in TRANSACTION_ACTIONS:
                raise Unanswerable("sent again, it is billed; refused, it is lost (ruling 6)")
            raise CallRefused(Code.INTERNAL_ERROR)
        return _encode([guard.RESULT, call.unique_id, payload])

    async def _turn_away(
        self, unique_id: str | int, refusal: CallRefused, action: str, raw: str | bytes
    ) -> None:
        """Refuse a call that nobody else will see, once whoever must keep it has it."""
        if not self.muted:
            try:
                await self._refusing(action, raw)
            except Unanswerable:
                self.counters.ignored["no_answer_due"] += 1
                return
        await self._refuse(unique_id, refusal)

    async def _refuse(self, unique_id: str | int, refusal: CallRefused) -> None:
        if self.muted:
            self.counters.ignored["no_answer_due"] += 1
            return
        self.counters.refused += 1
        description = refusal.description[: guard.DESCRIPTION_MAX]
        frame = [guard.ERROR, unique_id, refusal.code, description, refusal.details]
        await self._send(_encode(frame))

    def _route_answer(self, answer: guard.Result | guard.Error) -> None:
        if self._in_flight is None or self._in_flight[0] != answer.unique_id:
            self._ignore("unmatched_answer")
            return
        waiting = self._in_flight[1]
        if waiting.done():
            self._ignore("unmatched_answer")
            return
        self._bad_frames_left = self._bad_frames_max
        waiting.set_result(answer)

    def _ignore(self, why: guard.Reason) -> None:
        self._bad_frames_left -= 1
        self.counters.ignored[why] += 1
        if why != "unmatched_answer":  # most of them come too late, and that is all
            self._suspect(Suspicion.INVALID)

    def _settle(self, lost: ConnectionLost) -> None:
        """End the call in flight: nobody will answer it any more."""
        if self._in_flight and not self._in_flight[1].done():
            answer = self._in_flight[1]
            answer.set_exception(lost)
            answer.exception()  # seen here: its caller may still be stuck in sending


class _Closed(Exception):
    """We closed the connection for the peer's conduct."""


def _encode(frame: list[Any]) -> str:
    return _ENCODER.encode(frame).decode()


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
