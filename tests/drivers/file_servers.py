"""Small file servers to move files from and to: HTTP with Range, FTP with REST, both with TLS.

Written for these tests: they cut, stall, redirect and lie as told; nothing here is for use.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Shelf:
    """What a server holds, was told to do, and has seen."""

    files: dict[str, bytes] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    cut_after: int | None = None  # bytes of the next download, then the line goes
    stall: threading.Event | None = None  # answers wait until it is set
    redirect: str | None = None
    status: int | None = None
    etag: str = '"v1"'
    endless: bool = False  # no Content-Length, and no end
    login: str | None = None
    port: int = 0


def certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that only its own holder trusts, and a server's context."""
    key, cert = directory / "key.pem", directory / "cert.pem"
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    )
    words += f" -addext subjectAltName=DNS:localhost -keyout {key} -out {cert}"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────


class _Web(BaseHTTPRequestHandler):
    shelf: Shelf

    def log_message(self, *_: Any) -> None:
        pass

    def _met(self) -> bool:
        """Do what the shelf demands instead of an answer; whether that was all."""
        shelf = self.shelf
        shelf.seen.append(f"{self.command} {self.path} {self.headers['Host']}")
        if shelf.stall is not None:
            shelf.stall.wait(20)
        if shelf.redirect is not None:
            location, shelf.redirect = shelf.redirect, None
            self.send_response(307)
            self.send_header("Location", location)
        elif shelf.login is not None and self.headers["Authorization"] != shelf.login:
            self.send_response(401)
        elif shelf.status is not None:
            self.send_response(shelf.status)
        else:
            return False
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def do_GET(self) -> None:
        if self._met():
            return
        content = self.shelf.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        offset = self._offset(len(content))
        if offset is None:
            self.send_error(416)
            return
        self.shelf.offsets.append(offset)
        self.send_response(206 if offset else 200)
        if offset:
            self.send_header("Content-Range", f"bytes {offset}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", self.shelf.etag)
        if not self.shelf.endless:
            self.send_header("Content-Length", str(len(content) - offset))
        self.end_headers()
        self._give(content[offset:])

    def _offset(self, size: int) -> int | None:
        asked = self.headers["Range"]
        if asked is None or self.headers["If-Range"] != self.shelf.etag:
            return 0
        offset = int(asked.removeprefix("bytes=").removesuffix("-"))
        return offset if offset < size else None

    def _give(self, content: bytes) -> None:
        shelf = self.shelf
        with suppress(OSError):
            if shelf.cut_after is not None:
                self.wfile.write(content[: shelf.cut_after])
                shelf.cut_after = None
                self.close_connection = True
                return
            self.wfile.write(content)
            while shelf.endless:
                self.wfile.write(bytes(65_536))

    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        if self.shelf.redirect is None:
            content = self.rfile.read(length)
        else:
            self.rfile.read(length)
            content = b""
        if self._met():
            return
        self.shelf.files[self.path] = content
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def web_server(shelf: Shelf, context: ssl.SSLContext | None = None) -> Iterator[Shelf]:
    """Serve *shelf* over HTTP, or HTTPS with *context*, on 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Web", (_Web,), {"shelf": shelf}))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # cut lines are meant
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with _served(server, shelf):
        yield shelf


# ── FTP ──────────────────────────────────────────────────────────────────────────────────────────


class _Ftp(socketserver.StreamRequestHandler):
    shelf: Shelf
    context: ssl.SSLContext | None

    def handle(self) -> None:
        self.rest = 0
        self.protected = False
        self._say("220 ready")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            self.shelf.seen.append("PASS" if verb == "PASS" else f"{verb} {rest}".strip())
            act = getattr(self, f"_{verb.lower()}", None)
            if act is None:
                self._say("502 not here")
            elif act(rest):
                return

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")

    def _auth(self, _: str) -> None:
        if self.context is None:
            self._say("502 no TLS here")
            return
        self._say("234 go on")
        self.connection = self.context.wrap_socket(self.request, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)

    def _user(self, _: str) -> None:
        self._say("331 password?")

    def _pass(self, password: str) -> None:
        wanted = self.shelf.login
        self._say("230 in" if wanted is None or password == wanted else "530 no")

    def _type(self, _: str) -> None:
        self._say("200 so be it")

    def _pbsz(self, _: str) -> None:
        self._say("200 so be it")

    def _prot(self, level: str) -> None:
        self.protected = level == "P"
        self._say("200 so be it")

    def _size(self, path: str) -> None:
        content = self.shelf.files.get(path)
        self._say("550 no such file" if content is None else f"213 {len(content)}")

    def _mdtm(self, _: str) -> None:
        self._say(f"213 {self.shelf.etag}")

    def _rest(self, offset: str) -> None:
        self.rest = int(offset)
        self._say("350 go on")

    def _pasv(self, _: str) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(5)
        port = self.listener.getsockname()[1]
        # The address is a lie: a client that believes it would be sent elsewhere.
        self._say(f"227 look there (10,0,0,1,{port >> 8},{port & 255})")

    def _data(self) -> socket.socket:
        connection, _ = self.listener.accept()
        self.listener.close()
        if self.protected:
            assert self.context is not None
            return self.context.wrap_socket(connection, server_side=True)
        return connection

    def _retr(self, path: str) -> bool:
        shelf = self.shelf
        content = shelf.files.get(path)
        if content is None:
            self._say("550 no such file")
            return False
        if shelf.stall is not None:
            shelf.stall.wait(20)
        self._say("150 here it comes")
        shelf.offsets.append(self.rest)
        rest, self.rest = content[self.rest :], 0
        with self._data() as data, suppress(OSError):
            if shelf.cut_after is not None:
                data.sendall(rest[: shelf.cut_after])
                shelf.cut_after = None
                return True
            data.sendall(rest)
            _close(data)
        self._say("226 done")
        return False

    def _stor(self, path: str) -> None:
        if self.shelf.status is not None:
            self._say(f"{self.shelf.status} no")
            return
        self._say("150 come")
        content = b""
        with self._data() as data, suppress(OSError):
            while chunk := data.recv(65_536):
                content += chunk
            _close(data)
        self.shelf.files[path] = content
        self._say("226 done")


def _close(data: socket.socket) -> None:
    """Say goodbye in TLS, as clients expect."""
    if isinstance(data, ssl.SSLSocket):
        data.unwrap()


class _FtpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass  # cut lines are meant


@contextmanager
def ftp_server(shelf: Shelf, context: ssl.SSLContext | None = None) -> Iterator[Shelf]:
    """Serve *shelf* over FTP, with AUTH TLS where there is a *context*, on 127.0.0.1."""
    kind = type("Ftp", (_Ftp,), {"shelf": shelf, "context": context})
    with _served(_FtpServer(("127.0.0.1", 0), kind), shelf):
        yield shelf


@contextmanager
def _served(server: Any, shelf: Shelf) -> Iterator[None]:
    shelf.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        if shelf.stall is not None:
            shelf.stall.set()
        shelf.endless = False
        server.shutdown()
        thread.join()
        server.server_close()
