"""A stand-in for csms_lite's public side: serves hmi/ and a feed that the test speaks through."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HMI = Path(__file__).parents[2] / "hmi"
CODE = "K7PLM2QX"
TYPES = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
HANG_UP = object()


class StandIn:
    """The server as the test sees it: say a document, say nothing, cut the line, mend it."""

    def __init__(self) -> None:
        self.is_cut = False
        self.last: dict[str, Any] | None = None
        self.config: dict[str, Any] = {"feed": "csms"}
        self.qr = self.bill = b""
        self._listeners: list[queue.Queue[object]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _request_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def say(self, document: dict[str, Any]) -> None:
        """Send a document to every open page, and first to each that comes."""
        self.last = document
        self._tell(_event(document))

    def cut(self) -> None:
        """Drop every line and answer no more."""
        self.is_cut = True
        self._tell(HANG_UP)

    def mend(self) -> None:
        """Answer again."""
        self.is_cut = False

    def made(self) -> dict[str, bytes]:
        """What no file of hmi is."""
        config = json.dumps(self.config).encode()
        bill = f"/api/public/stations/{CODE}/bill-1.svg"
        return {"/hmi/config.json": config, "/hmi/qr.svg": self.qr, bill: self.bill}

    def listen(self) -> queue.Queue[object]:
        """A new page's line, the last document first."""
        line: queue.Queue[object] = queue.Queue()
        with self._lock:
            self._listeners.append(line)
            if self.last is not None:
                line.put(_event(self.last))
        return line

    def forget(self, line: queue.Queue[object]) -> None:
        """A page went away."""
        with self._lock:
            self._listeners.remove(line)

    @contextmanager
    def running(self) -> Iterator[StandIn]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, name="stand-in")
        thread.start()
        try:
            yield self
        finally:
            self.cut()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _tell(self, what: object) -> None:
        with self._lock:
            for line in self._listeners:
                line.put(what)


def _event(document: dict[str, Any]) -> bytes:
    data = json.dumps(document, ensure_ascii=False)
    return f"event: status\nid: {document['sequence']}\ndata: {data}\n\n".encode()


def _request_of(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if stand_in.is_cut:
                self.close_connection = True
            elif path == f"/api/public/stations/{CODE}/events":
                self._stream()
            elif path in (made := stand_in.made()):
                self._answer(made[path], TYPES[Path(path).suffix])
            else:
                self._file("index.html" if path.startswith("/c/") else path.removeprefix("/hmi/"))

        def _file(self, name: str) -> None:
            file = (HMI / name).resolve()
            is_served = file.is_file() and file.is_relative_to(HMI)
            kind = TYPES.get(file.suffix, "text/plain")
            self._answer(file.read_bytes() if is_served else None, kind)

        def _answer(self, body: bytes | None, kind: str) -> None:
            self.send_response(HTTPStatus.NOT_FOUND if body is None else HTTPStatus.OK)
            self.send_header("Content-Security-Policy", "default-src 'self'")
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Type", kind)
            self.end_headers()
            if body is not None:
                self.wfile.write(body)

        def _stream(self) -> None:
            line = stand_in.listen()
            try:
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Cache-Control", "no-store")
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Access-Control-Expose-Headers", "date")
                self.end_headers()
                while isinstance(part := line.get(), bytes):
                    self.wfile.write(part)
                    self.wfile.flush()
            except ConnectionError:
                pass  # the page was closed
            finally:
                stand_in.forget(line)

        def log_message(self, *args: object) -> None:
            """Say nothing: the test's own words are enough."""

    return Request
