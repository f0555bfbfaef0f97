"""Frames that are JSON objects (seed C), translated to OCPP-J calls and back.

    {"messageType": "Heartbeat", "chargerId": 1}  ►  [2, "…", "Heartbeat", {}]
    {"currentTime": "…"}                          ◄  [3, "…", {"currentTime": "…"}]

What such a charger does not tell is filled in: connector 1, a register of 0, the time of now, and
a tag made of its id, for which an operator adds a card. It chooses the numbers of its transactions
itself: they are kept as the sessions' references. It knows no commands, so none is sent to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from csms_lite.chance import Chance
from csms_lite.clock import Clock, rfc3339
from csms_lite.errors import CsmsError
from csms_lite.jsontext import dumps, loads
from csms_lite.ocpp.wire import TRY_AGAIN_LATER, Socket
from csms_lite.stations.rules import IDENTITY
from edge.ocppj.guard import CALL, ERROR, RESULT

MAX_FRAME: Final = 16 * 1024  # bytes; the seed's longest has 150
MOST_WRONG: Final = 10  # frames of one socket; who sends more has no such charger
MOST_OPEN: Final = 16  # twice the calls that may be open at once
LONGEST_REFERENCE: Final = 64
UNREADABLE: Final = 1002  # WebSocket close code: protocol error
LARGEST_NUMBER: Final = 10**15

log = structlog.get_logger(__name__)


class Unreadable(ValueError):
    """A frame that is no object of the kind, with what to mend in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Finds transactions by the charger's own numbers of them."""

    find: Callable[[str], Awaitable[int | None]]
    """Gives our number for the charger's."""
    begun: Callable[[str], Awaitable[int | None]]
    """Gives when a transaction began, by the charger's number, while it runs."""


class ObjectSocket:
    """A socket on which a charger talks in objects, as the OCPP layer sees it: in calls."""

    def __init__(
        self,
        socket: Socket,
        first: Mapping[str, Any],
        *,
        clock: Clock,
        chance: Chance,
        references: References,
    ) -> None:
        self._socket = socket
        self._first: Mapping[str, Any] | None = first
        self._identity = identity_of(first)
        self._clock = clock
        self._chance = chance
        self._references = references
        self._asked: dict[str, Mapping[str, Any]] = {}
        self._wrong = 0

    async def recv(self) -> str:
        """Give the next frame as a call; one that cannot be read is answered here."""
        while True:
            try:
                told = self._first or read_object(await self._socket.recv())
                self._first = None
                action, payload = await self._call(told)
            except Unreadable as why:
                await self._refuse(str(why))
            except CsmsError as failure:
                await self._give_up(failure)  # the next frame is that the socket has closed
            else:
                return dumps([CALL, self._remember(told), action, payload])

    async def send(self, message: str, /) -> None:
        """Send an answer as an object; a call of ours has none, and is not sent."""
        kind, message_id, *rest = loads(message)
        told = self._asked.pop(message_id, None)
        if told is None:
            log.info("command_not_sent", charger=self._identity, why="it talks in objects")
        elif kind == RESULT:
            await self._socket.send(dumps(_answer(told, rest[0])))
        elif kind == ERROR:
            await self._socket.send(dumps({"error": rest[0], "description": rest[1]}))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        await self._socket.close(code, reason)

    def reference_of(self, message_id: str) -> str:
        """Give the charger's number of the transaction that an unanswered call tells of."""
        return _reference(self._asked[message_id])

    async def _call(self, told: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        if identity_of(told) != self._identity:
            raise Unreadable("one socket is one charger's: open another")
        action = told["messageType"]
        make = CALLS.get(action)
        if make is None:
            raise Unreadable(f"messageType is one of {', '.join(CALLS)}")
        payload = make(told, self._identity, rfc3339(self._clock.now_ms()))
        if action == "StartTransaction" and "timestamp" not in told:
            # told again, its answer was lost: with the time of now it were another transaction
            begun_ms = await self._references.begun(_reference(told))
            if begun_ms is not None:
                payload["timestamp"] = rfc3339(begun_ms)
        if action == "StopTransaction":
            payload["transactionId"] = await self._references.find(_reference(told)) or 0
        return action, payload

    def _remember(self, told: Mapping[str, Any]) -> str:
        """Keep a frame until its answer leaves; what never gets one is forgotten in time."""
        message_id = self._chance.message_id()
        self._asked[message_id] = told
        if len(self._asked) > MOST_OPEN:
            del self._asked[next(iter(self._asked))]
        return message_id

    async def _give_up(self, failure: CsmsError) -> None:
        log.warning("reference_not_found", charger=self._identity, error=str(failure))
        await self._socket.close(TRY_AGAIN_LATER, "try again later")

    async def _refuse(self, why: str) -> None:
        self._first = None
        self._wrong += 1
        if self._wrong >= MOST_WRONG:
            await self._socket.close(UNREADABLE, "too many frames cannot be read")
            return
        await self._socket.send(dumps({"error": "FormationViolation", "description": why}))


def read_object(raw: str | bytes) -> Mapping[str, Any]:
    """Read one frame; raises `Unreadable` with what is wrong with it."""
    try:
        told = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as failure:
        raise Unreadable("a frame is one JSON object") from failure
    if not isinstance(told, dict) or not isinstance(told.get("messageType"), str):
        raise Unreadable("a frame is one JSON object with messageType and chargerId")
    identity_of(told)
    return told


def identity_of(told: Mapping[str, Any]) -> str:
    """Give the charger's id: its number as text, or the text; raises `Unreadable`."""
    given = told.get("chargerId")
    if type(given) is int and 0 <= given < LARGEST_NUMBER:  # a bool is an int, and no number
        return str(given)
    if isinstance(given, str) and IDENTITY.fullmatch(given):
        return given
    raise Unreadable("chargerId is a number, or 1 to 48 letters, digits, '-' and '_'")


def tag_of(identity: str) -> str:
    """Give the tag of a charger that shows none: for it an operator adds a card."""
    return f"OBJECT-{identity}"[:20]


def _answer(told: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the answer to an object of the payload that answers its call."""
    match told["messageType"]:
        case "StartTransaction":
            status = answer["idTagInfo"]["status"]
            return {"transactionId": told["transactionId"], "status": status}
        case "StopTransaction":
            return {"transactionId": told["transactionId"], "status": "Accepted"}
        case _:
            return answer


def _boot(told: Mapping[str, Any], _identity: str, _now: str) -> dict[str, Any]:
    return {"chargePointVendor": told.get("vendor"), "chargePointModel": told.get("model")}


def _heartbeat(_told: Mapping[str, Any], _identity: str, _now: str) -> dict[str, Any]:
    return {}


def _status(told: Mapping[str, Any], _identity: str, now: str) -> dict[str, Any]:
    return {
        "connectorId": told.get("connectorId", 1),
        "status": told.get("status"),
        "errorCode": told.get("errorCode", "NoError"),
        "timestamp": told.get("timestamp", now),
    }


def _start(told: Mapping[str, Any], identity: str, now: str) -> dict[str, Any]:
    _reference(told)
    return {
        "connectorId": told.get("connectorId", 1),
        "idTag": told.get("idTag", tag_of(identity)),
        "meterStart": told.get("meterStart", 0),
        "timestamp": told.get("timestamp", now),
    }


def _stop(told: Mapping[str, Any], _identity: str, now: str) -> dict[str, Any]:
    return {
        "meterStop": told.get("meterStop", 0),
        "timestamp": told.get("timestamp", now),
        "reason": told.get("reason", "Local"),
    }


def _reference(told: Mapping[str, Any]) -> str:
    given = told.get("transactionId")
    if not isinstance(given, str) or not 1 <= len(given) <= LONGEST_REFERENCE:
        raise Unreadable(f"transactionId is a text of 1 to {LONGEST_REFERENCE} characters")
    return given


CALLS: Final[Mapping[str, Callable[[Mapping[str, Any], str, str], dict[str, Any]]]] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "StatusNotification": _status,
    "StartTransaction": _start,
    "StopTransaction": _stop,
}
"""How each kind of object becomes a payload; what fits no schema is refused behind this."""
