"""The WebSocket side of the double, as far as the JavaScript SDK 12 uses it (protocol 5)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.rtdb.watching import Told, Watch

if TYPE_CHECKING:
    from tests.rtdb.double import Double

MAX_FRAMES = 1000


class Peer:
    """One connected SDK."""

    def __init__(self, double: Double, socket: WebSocket) -> None:
        self._double = double
        self._socket = socket
        self._watches: dict[str, tuple[Watch, asyncio.Task[None]]] = {}
        self._last_words: list[tuple[str, str, Any]] = []

    async def serve(self) -> None:
        """Talk until the other side goes, then do what it asked for in that case."""
        await self._socket.accept()
        host = self._socket.headers["host"]
        hello = {"ts": self._double.tree.now_ms, "v": "5", "h": host, "s": "session"}
        await self._send("c", {"t": "h", "d": hello})
        self._double.peers.add(self._socket)
        try:
            while True:
                message = await self._message()
                if message is not None:
                    await self._answer(message["d"])
        except WebSocketDisconnect:
            pass
        finally:
            self._double.peers.discard(self._socket)
            for watch, task in self._watches.values():
                self._double.watchers.all.discard(watch)
                task.cancel()
            for action, path, data in self._last_words:
                self._double.write(action, path, data)

    async def _message(self) -> Any:
        """Give the next data message; one above 16 kB comes in a counted number of frames."""
        text = await self._socket.receive_text()
        if text == "0":
            return None
        if len(text) <= 6 and text.isdecimal():
            frames = min(int(text), MAX_FRAMES)
            text = "".join([await self._socket.receive_text() for _ in range(frames)])
        message = json.loads(text)
        return message if message["t"] == "d" else None

    async def _answer(self, request: dict[str, Any]) -> None:
        action, body = request["a"], request.get("b", {})
        path, data = body.get("p", "/"), body.get("d")
        status: str = "ok"
        answer: Any = {}
        if action == "q":
            await self._listen(path, body)
        elif action == "n":
            watch, task = self._watches.pop(path)
            self._double.watchers.all.discard(watch)
            task.cancel()
        elif action == "g":
            answer = self._double.tree.get(path)
        elif action == "p" and body.get("h") not in (None, self._double.tree.hash(path)):
            status = "datastale"
        elif action in {"p", "m"}:
            self._double.write(action, path, data)
        elif action in {"o", "om"}:
            self._last_words.append(("p" if action == "o" else "m", path, data))
        elif action == "oc":
            self._last_words = [one for one in self._last_words if one[1] != path]
        elif action not in {"s", "auth", "unauth", "gauth"}:
            status, answer = "error", f"the double does not know {action!r}"
        await self._send("d", {"r": request["r"], "b": {"s": status, "d": answer}})

    async def _listen(self, path: str, body: dict[str, Any]) -> None:
        if body.get("q"):
            raise NotImplementedError("the double has no queries")
        watch = Watch(path)
        self._double.watchers.all.add(watch)
        await self._push(path, Told("put", "/", self._double.tree.get(path)))
        self._watches[path] = (watch, asyncio.ensure_future(self._tell_on(path, watch)))

    async def _tell_on(self, path: str, watch: Watch) -> None:
        while (told := await watch.queue.get()) is not None:
            await self._push(path, told)

    async def _push(self, path: str, told: Told) -> None:
        where = "/".join(part for part in (path.strip("/"), told.path.strip("/")) if part)
        kind = "d" if told.kind == "put" else "m"
        await self._send("d", {"a": kind, "b": {"p": where, "d": told.data}})

    async def _send(self, kind: str, data: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps({"t": kind, "d": data}))
