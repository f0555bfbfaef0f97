"""A frame as the log keeps it: what it is, which call it answers, and no secret in it. Pure."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any, Final, NamedTuple

import msgspec

from csms_lite.commands.secrets import MASK, without_access
from csms_lite.jsontext import dumps, loads

SENT, RECEIVED = "SENT", "RECEIVED"
CALL, RESULT, ERROR, UNREADABLE = "CALL", "CALLRESULT", "CALLERROR", "UNREADABLE"
TYPES: Final = (CALL, RESULT, ERROR, UNREADABLE)
DIRECTIONS: Final = (SENT, RECEIVED)
BEAT, PLAIN, TRANSACTION = "beat", "plain", "transaction"
OF_TRANSACTIONS: Final = frozenset(
    {"StartTransaction", "StopTransaction", "RemoteStartTransaction", "RemoteStopTransaction"}
)
"""What a dispute about a bill is decided by; samples are kept for ever beside the session."""

ACTION_MAX: Final = 50
ID_MAX: Final = 64  # lawful ones have 36; more tells whose they are all the same
UNREADABLE_MAX: Final = 4096  # characters; enough to see what was meant
OPEN_MAX: Final = 64  # calls without an answer that are remembered per socket
LATE_AFTER_S: Final = 60.0  # twice what `ocpp.outgoing` waits: by now no answer comes

SECRET: Final = re.compile(
    r"authorizationkey|passw|passphrase|secret|credential|private.?key|psk\b|basic [a-z0-9+/=]{8,}"
    r"|(?:api|auth|access|refresh|bearer)[ _-]?(?:token|key)",
    re.IGNORECASE,
)
"""Names under which stations keep secrets, in keys of settings and of vendors' own messages."""
STEMS: Final = ("pass", "secret", "credential", "basic ")
STEMS_WITH_K: Final = ("key", "psk", "token")
"""One of these or those is in whatever `SECRET` finds; looking for them costs a fortieth of it."""
_PARTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_LENGTHS: Final = {b"2": (CALL, 4, 4), b"3": (RESULT, 3, 3), b"4": (ERROR, 3, 5)}


class Frame(NamedTuple):
    """A frame as it is stored."""

    frame_id: int
    at_ms: int
    charger: str
    direction: str
    type: str
    action: str | None
    message_id: str | None
    payload: str | None


class Delay(NamedTuple):
    """A call whose answer came late or not at all, or that could not be sent."""

    delay_id: int
    at_ms: int
    charger: str
    direction: str
    action: str
    message_id: str
    outcome: str
    took_ms: int | None


class Caught(NamedTuple):
    """A text as it crossed the wire."""

    at_ms: int
    at_s: float
    """The same moment by the clock that never goes back."""
    direction: str
    text: str


class Parts(NamedTuple):
    """What a text says; of what is no frame the text itself."""

    type: str
    message_id: str | None
    action: str | None
    payload: str


class Open(NamedTuple):
    """A call that has no answer yet."""

    action: str
    at_ms: int
    at_s: float
    is_secret: bool


class Calls:
    """The open calls of one socket, both ways; gives rows for what crosses it."""

    def __init__(self, charger: str, slow_ms: int) -> None:
        self._charger = charger
        self._slow_ms = slow_ms
        self._open: OrderedDict[tuple[str, str], Open] = OrderedDict()

    def row(self, caught: Caught, delays: list[dict[str, Any]]) -> dict[str, Any]:
        """Give the row of a text; a late answer is added to *delays*."""
        parts = read(caught.text)
        payload = masked(parts.payload, is_json=parts.type != UNREADABLE)
        action, message_id = parts.action, parts.message_id
        if parts.type == CALL and action is not None and message_id is not None:
            is_secret = payload != parts.payload
            key = (caught.direction, message_id)
            self._open[key] = Open(action, caught.at_ms, caught.at_s, is_secret)
        elif message_id is not None:
            key = (RECEIVED if caught.direction == SENT else SENT, message_id)
            call = self._open.pop(key, None)
            if call is not None:
                action = call.action
                if parts.type == ERROR and call.is_secret:
                    payload = _without_words(payload)
                took_ms = round((caught.at_s - call.at_s) * 1000)
                if took_ms >= self._slow_ms:
                    delays.append(self._delay(key, call, "slow", took_ms))
        return {
            "at_ms": caught.at_ms,
            "charger": self._charger,
            "direction": caught.direction,
            "type": parts.type,
            "action": action,
            "message_id": message_id,
            "payload": payload,
            "keep": kept_as(action),
        }

    def unsent(self, caught: Caught, delays: list[dict[str, Any]]) -> None:
        """Tell of a text that was on its way out when the socket closed."""
        parts = read(caught.text)
        key = (caught.direction, parts.message_id or "")
        call = self._open.pop(key, None)
        action = call.action if call is not None else parts.action or parts.type
        told = Open(action, caught.at_ms, caught.at_s, is_secret=False)
        delays.append(self._delay(key, told, "unsent", None))

    def lapse(self, before_s: float, delays: list[dict[str, Any]]) -> None:
        """Tell of the calls open since before a moment, and of those too many."""
        while self._open:
            key, call = next(iter(self._open.items()))
            if call.at_s >= before_s and len(self._open) <= OPEN_MAX:
                return
            del self._open[key]
            delays.append(self._delay(key, call, "unanswered", None))

    def _delay(
        self, key: tuple[str, str], call: Open, outcome: str, took_ms: int | None
    ) -> dict[str, Any]:
        direction, message_id = key
        return {
            "at_ms": call.at_ms,
            "charger": self._charger,
            "direction": direction,
            "action": call.action,
            "message_id": message_id,
            "outcome": outcome,
            "took_ms": took_ms,
        }


def read(text: str) -> Parts:
    """Take a text apart; never raises."""
    try:
        parts = _PARTS.decode(text)
        shape = _LENGTHS.get(bytes(parts[0])) if parts else None
        if shape is None or not shape[1] <= len(parts) <= shape[2]:
            return _unreadable(text)
        kind = shape[0]
        message_id = _TEXT.decode(parts[1])[:ID_MAX]
        if kind == RESULT:
            return Parts(kind, message_id, None, bytes(parts[2]).decode())
        if kind == CALL:
            action = _TEXT.decode(parts[2])[:ACTION_MAX]
            return Parts(kind, message_id, action, bytes(parts[3]).decode())
    except (ValueError, RecursionError):  # no JSON, or no text that UTF-8 can hold
        return _unreadable(text)
    names = ("errorCode", "errorDescription", "errorDetails")
    told = ",".join(
        f'"{name}":{bytes(part).decode()}' for name, part in zip(names, parts[2:], strict=False)
    )
    return Parts(kind, message_id, None, f"{{{told}}}")


def masked(payload: str, *, is_json: bool) -> str:
    """Give a payload without the secrets it holds."""
    payload = without_access(payload)
    if not ("\\u" in payload or has_secret(payload)):
        return payload
    if not is_json:
        return MASK if SECRET.search(payload) else payload
    try:
        value = loads(payload)
        hidden = _masked(value)
        return payload if hidden == value else dumps(hidden)
    except (ValueError, OverflowError, RecursionError):  # what cannot be looked into is not kept
        return dumps(MASK)


def has_secret(text: str) -> bool:
    """Say whether a text has a name under which secrets are kept."""
    folded = text.casefold()
    stems = STEMS + STEMS_WITH_K if "k" in folded else STEMS  # most have none: one look for three
    for stem in stems:
        if stem in folded:
            return SECRET.search(text) is not None
    return False


def kept_as(action: str | None) -> str:
    """Give the retention class of a frame."""
    if action == "Heartbeat":
        return BEAT
    return TRANSACTION if action in OF_TRANSACTIONS else PLAIN


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        setting = value.get("key")
        is_secret = isinstance(setting, str) and SECRET.search(setting) is not None
        return {
            key: MASK
            if (is_secret and key == "value") or (SECRET.search(key) and not _is_nested(inner))
            else _masked(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, str) and _tells(value):
        return MASK
    return value


def _is_nested(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _tells(text: str) -> bool:
    """Tell a text that holds a secret from the mere name of a setting."""
    found = SECRET.search(text)
    return found is not None and re.search(r"[=:\s]", text) is not None


def _without_words(payload: str) -> str:
    """Keep of a refusal its code: its words may repeat what was refused."""
    try:
        told = loads(payload)
    except (ValueError, RecursionError):  # huge numbers: they were not looked into before
        return dumps(MASK)
    if not isinstance(told, dict):
        return payload
    return dumps({name: word if name == "errorCode" else MASK for name, word in told.items()})


def _unreadable(text: str) -> Parts:
    return Parts(UNREADABLE, None, None, text[:UNREADABLE_MAX].replace("\0", "\\0"))
