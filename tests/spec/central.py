"""A scripted central system over plain `websockets` and `json`: it shares no code with the product.

It records every frame, answers as told, and keeps a list of what a charge point may never do:
break a schema, answer what was not asked, answer twice, speak while its last call is open.
Blocking, so that a test reads as the case it is; nothing sleeps, everything waits for a frame.
"""

from __future__ import annotations

import base64
import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.spec.frames import (
    Answer,
    Frame,
    HangUp,
    Payload,
    Refusal,
    Refused,
    Script,
    Silent,
    moment,
    now,
)
from tests.spec.schemas import faults

__all__ = [
    "Answer",
    "Central",
    "Frame",
    "HangUp",
    "Payload",
    "Refusal",
    "Refused",
    "Silent",
    "moment",
    "now",
]

CALL, RESULT, ERROR = 2, 3, 4
WITHIN_S: Final = 15.0  # a busy machine is no reason to fail
ID_LENGTH: Final = 36


@dataclass
class _Line:
    """One connection: what is open on it in each direction."""

    number: int
    connection: ServerConnection
    theirs_open: str | None = None
    gone: threading.Event = field(default_factory=threading.Event)


class Central:
    """The other end of the charge point's line."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Script] = {}
        self.password: bytes | None = None
        self.frames: list[Frame] = []
        self.raw: list[str | bytes] = []
        self.authorisations: list[str | None] = []
        self.violations: list[str] = []
        self.scheme = "wss" if tls else "ws"
        self._tls = tls
        self._changed = threading.Condition()
        self._lines: list[_Line] = []
        self._replies: dict[str, Any] = {}
        self._asked: dict[str, str] = {}
        self._taken: set[int] = set()
        self._seq = itertools.count()
        self._transactions = itertools.count(4711)
        self._questions = itertools.count(1)
        self.port = 0
        self.path = ""
        self.subprotocol: str | None = None

    @property
    def url(self) -> str:
        """Where the charge point dials."""
        return f"{self.scheme}://127.0.0.1:{self.port}/ocpp"

    @property
    def lines(self) -> int:
        """How many connections there have been."""
        return len(self._lines)

    # ── what came ────────────────────────────────────────────────────────────────────────────────

    def expect(
        self, action: str, *, within_s: float = WITHIN_S, after: Frame | None = None, **wanted: Any
    ) -> Frame:
        """The next call of *action* whose payload has *wanted*; each frame is handed out once."""
        least = -1 if after is None else after.seq

        def find() -> Frame | None:
            for frame in self.frames:
                fits = all(frame.payload.get(name) == value for name, value in wanted.items())
                fresh = frame.seq > least and frame.seq not in self._taken
                if fresh and frame.action == action and fits:
                    return frame
            return None

        with self._changed:
            self._changed.wait_for(lambda: find() is not None, within_s)
            found = find()
            assert found is not None, (
                f"no {action} {wanted} within {within_s} s; came:\n{self._told(12)}"
            )
            self._taken.add(found.seq)
            return found

    def expect_status(self, connector: int, status: str, **wanted: Any) -> Frame:
        """The next StatusNotification of *connector* that says *status*."""
        return self.expect("StatusNotification", connectorId=connector, status=status, **wanted)

    def never(self, action: str, *, for_s: float = 0.5, **wanted: Any) -> None:
        """Fail if an untaken call of *action* is there or comes while *for_s* passes."""

        def seen() -> list[Frame]:
            return [
                frame
                for frame in self.frames
                if frame.action == action
                and frame.seq not in self._taken
                and all(frame.payload.get(name) == value for name, value in wanted.items())
            ]

        with self._changed:
            self._changed.wait_for(seen, for_s)
            assert not seen(), f"{action} {wanted} came:\n{self._told(12)}"

    def until(self, fact: Callable[[], object], within_s: float = WITHIN_S) -> None:
        """Wait until *fact* holds; it is looked at with every frame and connection."""
        with self._changed:
            assert self._changed.wait_for(fact, within_s), (
                f"not within {within_s} s:\n{self._told(12)}"
            )

    def forget(self) -> None:
        """Everything that came so far is dealt with."""
        with self._changed:
            self._taken.update(frame.seq for frame in self.frames)

    def untaken(self, action: str | None = None) -> list[Frame]:
        """Calls that nobody expected yet."""
        with self._changed:
            return [
                frame
                for frame in self.frames
                if frame.seq not in self._taken and action in (None, frame.action)
            ]

    def statuses(self, connector: int) -> list[str]:
        """Every status told of *connector*, in order, taken or not."""
        with self._changed:
            return [
                frame["status"]
                for frame in self.frames
                if frame.action == "StatusNotification" and frame["connectorId"] == connector
            ]

    def _told(self, last: int) -> str:
        shown = self.frames[-last:]
        return "\n".join(f"  {frame.seq} {frame.action} {frame.payload}" for frame in shown)

    # ── what is asked ────────────────────────────────────────────────────────────────────────────

    def call(self, action: str, payload: Payload | None = None, **fields: Any) -> Payload:
        """Send a CALL and return its CALLRESULT; raises `Refused` for a CALLERROR."""
        return self.call_within(action, {**(payload or {}), **fields}, WITHIN_S)

    def call_within(self, action: str, payload: Payload, within_s: float) -> Payload:
        """The same for an answer that may take *within_s*."""
        unique_id = f"q-{self.port}-{next(self._questions)}"
        self._asked[unique_id] = action
        self.send([CALL, unique_id, action, payload])
        reply = self.reply_to(unique_id, within_s)
        if reply[0] == ERROR:
            raise Refused(str(reply[2]), str(reply[3]))
        answer: Payload = reply[2]
        return answer

    def refusal_of(self, action: str, payload: Any) -> str:
        """The CALLERROR code that this call is answered with."""
        unique_id = f"q-{self.port}-{next(self._questions)}"
        self._asked[unique_id] = action
        self.send([CALL, unique_id, action, payload])
        reply = self.reply_to(unique_id)
        assert reply[0] == ERROR, f"answered {reply}"
        return str(reply[2])

    def ask_raw(self, text: str, unique_id: Any, action: str = "") -> None:
        """Send *text*, a frame whose answer will carry *unique_id*."""
        self._asked[unique_id] = action
        self.send_text(text)

    def reply_to(self, unique_id: Any, within_s: float = WITHIN_S) -> Any:
        """The frame that answers *unique_id*."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: unique_id in self._replies, within_s)
            assert arrived, f"no answer to {unique_id} {self._asked.get(unique_id)}"
            return self._replies[unique_id]

    def stays_unanswered(self, action: str, payload: Payload, for_s: float = 0.7) -> None:
        """Send a CALL that must get no answer."""
        unique_id = f"q-{self.port}-{next(self._questions)}"
        self._asked[unique_id] = action
        self.send([CALL, unique_id, action, payload])
        with self._changed:
            arrived = self._changed.wait_for(lambda: unique_id in self._replies, for_s)
            assert not arrived, f"{action} was answered {self._replies[unique_id]}"

    def send(self, frame: list[Any]) -> None:
        """Put *frame* on the newest line."""
        self.send_text(json.dumps(frame))

    def send_text(self, text: str | bytes, *, as_text: bool | None = None) -> None:
        """Put *text* on the newest line; bytes with *as_text* are a text frame as they are."""
        self.until(lambda: self._lines)
        self._lines[-1].connection.send(text, text=as_text)

    def drop(self) -> None:
        """Close the newest line."""
        self._lines[-1].connection.close(1001)

    def await_line(self, number: int, within_s: float = WITHIN_S) -> None:
        """Wait until there have been *number* connections."""
        self.until(lambda: self.lines >= number, within_s)

    def await_close(self, number: int, within_s: float = WITHIN_S) -> None:
        """Wait until connection *number*, from 1, is closed."""
        assert self._lines[number - 1].gone.wait(within_s), f"line {number} stays open"

    def close_code(self, number: int) -> int | None:
        """Why connection *number*, from 1, was closed."""
        return self._lines[number - 1].connection.close_code

    def tls_version(self) -> str | None:
        """The newest line's TLS, as `TLSv1.3`."""
        wrapped = self._lines[-1].connection.socket
        return wrapped.version() if isinstance(wrapped, ssl.SSLSocket) else None

    def shown(self) -> bytes | None:
        """The certificate that the newest line showed, DER."""
        wrapped = self._lines[-1].connection.socket
        return wrapped.getpeercert(binary_form=True) if isinstance(wrapped, ssl.SSLSocket) else None

    def expect_repeat(self, unique_id: str) -> None:
        """The call *unique_id* is about to be asked again: its answer is awaited anew."""
        with self._changed:
            self._replies.pop(unique_id)

    # ── the server ───────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def open(self, port: int = 0) -> Iterator[None]:
        """Listen on loopback until the block ends."""
        with serve(
            self._serve,
            "127.0.0.1",
            port,
            subprotocols=["ocpp1.6"],  # type: ignore[list-item]  # a NewType of str
            process_request=self._admit,
            ssl=self._tls,
            close_timeout=0.2,
            ping_interval=None,
        ) as server:
            self.port = server.socket.getsockname()[1]
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                for line in self._lines:
                    line.connection.close()
                thread.join(2)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        given = request.headers.get("Authorization")
        self.authorisations.append(given)
        self.path = request.path
        if self.password is None:
            return None
        station = request.path.rpartition("/")[2]
        due = base64.b64encode(station.encode() + b":" + self.password).decode()
        if given == f"Basic {due}":
            return None
        with self._changed:
            self._changed.notify_all()
        return connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?\n")

    def _serve(self, connection: ServerConnection) -> None:
        self.subprotocol = connection.subprotocol
        with self._changed:
            line = _Line(len(self._lines) + 1, connection)
            self._lines.append(line)
            self._changed.notify_all()
        try:
            for raw in connection:
                self._take(line, raw)
        except ConnectionClosed:
            pass
        finally:
            line.gone.set()
            with self._changed:
                self._changed.notify_all()

    def _take(self, line: _Line, raw: str | bytes) -> None:
        frame = json.loads(raw)
        with self._changed:
            self.raw.append(raw)
            if frame[0] == CALL:
                script = self._take_call(line, frame)
            else:
                self._take_reply(frame)
                script = None
            self._changed.notify_all()
        if script is not None:
            self._answer(line, frame, script)

    def _take_call(self, line: _Line, frame: list[Any]) -> Script:
        _, unique_id, action, payload = frame
        if line.theirs_open is not None:
            self.violations.append(f"{action} was sent while {line.theirs_open} was open")
        if not isinstance(unique_id, str) or len(unique_id) > ID_LENGTH:
            self.violations.append(f"{action} has the message id {unique_id!r}")
        self.violations += faults(action, payload)
        script = self.answers.get(action, self._usual(action))
        if not isinstance(script, Silent | HangUp):
            line.theirs_open = action
        self.frames.append(
            Frame(next(self._seq), line.number, action, payload, unique_id, time.monotonic())
        )
        return script

    def _take_reply(self, frame: list[Any]) -> None:
        unique_id = frame[1]
        action = self._asked.get(unique_id)
        if action is None or unique_id in self._replies:
            self.violations.append(f"{frame} answers nothing that was asked")
        elif frame[0] == RESULT:
            self.violations += faults(action, frame[2], answer=True)
        elif not (len(frame) == 5 and isinstance(frame[3], str) and isinstance(frame[4], dict)):
            self.violations.append(f"{frame} is no CALLERROR")
        self._replies[unique_id] = frame

    def _answer(self, line: _Line, frame: list[Any], script: Script) -> None:
        _, unique_id, _, payload = frame
        answer = script(payload) if callable(script) else script
        line.theirs_open = None
        if isinstance(answer, Silent):
            return
        if isinstance(answer, HangUp):
            line.connection.close(1011)
            return
        if isinstance(answer, Refusal):
            text = json.dumps([ERROR, unique_id, answer.code, "as scripted", {}])
        else:
            text = json.dumps([RESULT, unique_id, answer])
        try:
            line.connection.send(text)
        except ConnectionClosed:
            return

    def _usual(self, action: str) -> Script:
        match action:
            case "BootNotification":
                return lambda _: {"status": "Accepted", "currentTime": now(), "interval": 300}
            case "Heartbeat":
                return lambda _: {"currentTime": now()}
            case "StartTransaction":
                return lambda _: {
                    "idTagInfo": {"status": "Accepted"},
                    "transactionId": next(self._transactions),
                }
            case "Authorize":
                return {"idTagInfo": {"status": "Accepted"}}
            case "DataTransfer" | "SignCertificate":
                return {"status": "Accepted"}
            case _:
                return {}
