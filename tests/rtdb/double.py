"""A protocol double of the Realtime Database: its REST, streaming and WebSocket protocols.

It is no emulator: there are no rules, priorities, queries, long polling or quotas, and one token,
which its own `/token` gives. What is there was proven by the real clients, `firebase-admin` and the
JavaScript SDK (`test_double.py`); the real service was never reached.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.rtdb.sockets import Peer
from tests.rtdb.tree import BadPath, Tree
from tests.rtdb.watching import Told, Watch, Watchers

ANYBODY = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*",
    "access-control-allow-methods": "GET,PUT,PATCH,POST,DELETE",
}
TOKEN = "a-token-of-the-double"
METHODS = ["GET", "PUT", "PATCH", "POST", "DELETE", "OPTIONS"]


class Asked(NamedTuple):
    """One request that was answered, in order of arrival."""

    method: str
    path: str
    identity: dict[str, Any] | None
    """`auth_variable_override`: whom the rules would see."""
    body: Any


class Double:
    """The server, in a thread; it keeps its data while it is stopped."""

    def __init__(self, *, keep_alive_s: float = 30.0, tls: tuple[Path, Path] | None = None) -> None:
        self.tree = Tree()
        self.watchers = Watchers(self.tree)
        self.peers: set[WebSocket] = set()
        self.asked: deque[Asked] = deque(maxlen=100_000)
        self.refuses: Callable[[str], bool] = lambda _: False
        """To which paths a write is answered as by rules that deny it."""
        self.needs_token = False
        self.is_silent = False
        """Streams say nothing: neither changes nor keep-alive."""
        self.tells_new_tag = True
        """Whether a conditional write is answered with the new tag; the library takes either."""
        self._keep_alive_s = keep_alive_s
        self._tls = tls
        self._port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def host(self) -> str:
        """Name and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The address, with the name of a database as emulators want it."""
        return f"http://{self.host}/?ns=tapwatt"

    def start(self) -> None:
        """Serve, on the port of the last time."""
        told: dict[str, Any] = {}
        if self._tls is not None:
            told = {"ssl_certfile": self._tls[0], "ssl_keyfile": self._tls[1]}
        config = uvicorn.Config(
            Starlette(
                routes=[
                    WebSocketRoute("/.ws", self._peer),
                    Route("/token", self._token, methods=["POST"]),
                    Route("/{path:path}", self._rest, methods=METHODS),
                ]
            ),
            host="127.0.0.1", port=self._port, log_level="error", lifespan="off",
            timeout_graceful_shutdown=1, ws_ping_interval=None, **told,
        )  # fmt: skip
        self._server = server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(server,), name="double")
        self._thread.start()
        ends = time.monotonic() + 10
        while not server.started:
            assert self._thread.is_alive(), "the double did not start"
            assert time.monotonic() < ends, "the double did not start in time"
            threading.Event().wait(0.005)
        self._port = server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Hang up on everybody, and answer no more."""
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(5)
        self._thread.join()

    @contextmanager
    def running(self) -> Iterator[Double]:
        """Serve until the block ends."""
        self.start()
        try:
            yield self
        finally:
            if self._thread is not None and self._thread.is_alive():
                self.stop()

    def writes(self, path: str) -> list[Asked]:
        """Give the writes to *path* so far."""
        return [one for one in self.asked if one.method != "GET" and one.path == path]

    def write(self, action: str, path: str, data: Any) -> Any:
        """Write as a client does: `p` puts, `m` merges; gives what was written."""
        self.tree.now_ms = time.time_ns() // 1_000_000
        if action == "m":
            merged = self.tree.merge(path, data)
            self.watchers.merged(path, merged)
            return merged
        written = self.tree.put(path, data)
        self.watchers.put(path)
        return written

    def tamper(self, path: str, data: Any) -> None:
        """Write from the test's own thread, as somebody in the console would."""

        async def act() -> None:
            self.write("p", path, data)

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(act(), self._loop).result(5)

    def _run(self, server: uvicorn.Server) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await server.serve()

        asyncio.run(serve())

    async def _hang_up(self) -> None:
        self.watchers.end()
        for peer in list(self.peers):
            await peer.close()

    async def _peer(self, socket: WebSocket) -> None:
        self.tree.now_ms = time.time_ns() // 1_000_000
        await Peer(self, socket).serve()

    async def _token(self, request: Request) -> Response:
        await request.body()
        return JSONResponse({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    async def _rest(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(headers=ANYBODY)
        path, is_json, _ = request.url.path.partition(".json")
        body = await request.body()
        try:
            value = json.loads(body) if body else None
        except ValueError:
            return _error("Invalid data; couldn't parse JSON object.", 400)
        override = request.query_params.get("auth_variable_override")
        identity = None if override is None else json.loads(override)
        self.asked.append(Asked(request.method, path, identity, value))
        bearer = request.headers.get("authorization")
        if self.needs_token and bearer != f"Bearer {TOKEN}":
            return _error("Unauthorized request.", 401)
        if not is_json or "orderBy" in request.query_params:
            return _error("the double knows /PATH.json, and no queries", 400)
        try:
            return await self._answer(request, path, value)
        except BadPath as failure:
            return _error(str(failure), 400)

    async def _answer(self, request: Request, path: str, value: Any) -> Response:
        if request.method == "GET":
            if "text/event-stream" in request.headers.get("accept", ""):
                stream = self._stream(path)
                headers = {**ANYBODY, "cache-control": "no-cache"}
                return StreamingResponse(stream, media_type="text/event-stream", headers=headers)
            return self._got(request, path)
        if self.refuses(path):
            return _error("Permission denied", 401)
        wanted = request.headers.get("if-match")
        if wanted is not None and wanted != self.tree.tag(path):
            headers = {**ANYBODY, "etag": self.tree.tag(path)}
            return JSONResponse(self.tree.get(path), 412, headers=headers)
        if request.method == "POST":
            name = self.tree.push_name()
            self.write("p", f"{path}/{name}", value)
            written: Any = {"name": name}
        elif request.method == "DELETE":
            written = self.write("p", path, None)
        else:
            written = self.write("m" if request.method == "PATCH" else "p", path, value)
        headers = dict(ANYBODY)
        if wanted is not None and self.tells_new_tag:
            headers["etag"] = self.tree.tag(path)
        if request.query_params.get("print") == "silent":
            return Response(status_code=204, headers=headers)
        return JSONResponse(written, headers=headers)

    def _got(self, request: Request, path: str) -> Response:
        tag = self.tree.tag(path)
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=ANYBODY)
        found = self.tree.get(path)
        if request.query_params.get("shallow") == "true" and isinstance(found, dict | list):
            names = found if isinstance(found, dict) else map(str, range(len(found)))
            found = dict.fromkeys(names, True)
        is_asked = "x-firebase-etag" in request.headers or "if-none-match" in request.headers
        return JSONResponse(found, headers={**ANYBODY, **({"etag": tag} if is_asked else {})})

    async def _stream(self, path: str) -> AsyncIterator[str]:
        watch = Watch(path)
        self.watchers.all.add(watch)
        try:
            yield _event(Told("put", "/", self.tree.get(path)))
            while True:
                try:
                    async with asyncio.timeout(self._keep_alive_s):
                        told = await watch.queue.get()
                except TimeoutError:
                    if not self.is_silent:
                        yield "event: keep-alive\ndata: null\n\n"
                    continue
                if told is None:
                    return
                if not self.is_silent:
                    yield _event(told)
        finally:
            self.watchers.all.discard(watch)


def _event(told: Told) -> str:
    data = json.dumps({"path": told.path, "data": told.data}, ensure_ascii=False)
    return f"event: {told.kind}\ndata: {data}\n\n"


def _error(words: str, status: int) -> Response:
    return JSONResponse({"error": words}, status, headers=ANYBODY)
