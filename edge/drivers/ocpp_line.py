"""The WebSocket under the OCPP link, and the fault gate that can take it away.

`dial(access)` is the seam: whatever it returns is a `Line`. Errors are builtin `ConnectionError`s
with one sentence for the installer; a refused or failed dial is `LinkRefused`, and a line that the
peer dropped as if it could not bear our last frame is `LineDropped`.
Library: websockets 17. Quality: simulated (real sockets on loopback).
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    NegotiationError,
)
from websockets.typing import Subprotocol

from edge.core.access import WITH_KEY, WITH_TLS, Access
from edge.core.keys import password_bytes
from edge.core.vocabulary import SecurityEvent
from edge.drivers.ocpp_tls import Trust, end_of, refusal, root_of
from edge.errors import LineDropped, LinkRefused, Rung

SUBPROTOCOL: Final = "ocpp1.6"
PROTOCOL_ERROR: Final = 1002  # RFC 6455 7.4.1
COME_BACK: Final = frozenset({1001, 1012, 1013})
"""Going away, restart, try again later (IANA registry): the peer leaves for its own reasons."""

REFUSED_US: Final = frozenset({401, 403})
"""The HTTP answers that mean our credentials."""

Mode = Literal["up", "down", "refuse", "blackhole"]


class Line(Protocol):
    """A WebSocket: whole text messages; `recv` and `send` raise `ConnectionError` at its end."""

    @property
    def root(self) -> str | None:
        """The fingerprint of the root that the peer was checked by, `None` without TLS."""
        ...

    @property
    def ends_at(self) -> datetime | None:
        """When the certificate ends that the peer showed, `None` without TLS."""
        ...

    async def recv(self) -> str | bytes:
        """The next message."""
        ...

    async def send(self, message: str, /) -> None:
        """Send one text message."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        ...

    async def ping(self, within_s: float) -> None:
        """Ask the peer for a sign of life, and cut the line if none comes; never raises."""
        ...

    def cut(self) -> None:
        """Drop the TCP connection without a word."""
        ...

    def freeze(self, frozen: bool) -> None:
        """Let nothing pass in either direction, without closing, or let it pass again."""
        ...

    def break_after(self, count: int) -> None:
        """Let *count* more bytes in, in the middle of an answer, and break as a peer would."""
        ...


Dial = Callable[[Access], Awaitable[Line]]
"""Opens a line with one way in; raises `OSError` with a sentence (`LinkRefused`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialling:
    """How to open a WebSocket; times in seconds.

    *secure_url* is for the profiles with TLS. *password* is sent as it is where no AuthorizationKey
    was ever set; a key is sent as the bytes it stands for, unless *is_literal*.
    """

    url: str
    secure_url: str
    station: str
    trust: Trust
    open_timeout_s: float
    close_timeout_s: float
    size_max: int
    password: str | None = None
    is_literal: bool = False

    def address(self, access: Access) -> str:
        """The URL that *access* dials."""
        return self.secure_url if access.profile in WITH_TLS else self.url

    async def dial(self, access: Access) -> Line:
        """Open a WebSocket that speaks OCPP 1.6; raises `LinkRefused` with what to check."""
        url = self.address(access)
        place = public_address(url)
        try:
            connection = await self._connected(url, access)
        except InvalidStatus as answer:
            status = answer.response.status_code
            suspicion = SecurityEvent.FAILED_TO_AUTHENTICATE if status in REFUSED_US else None
            raise LinkRefused(
                _sentence(place, status), rung=Rung.HTTP, suspicion=suspicion, status=status
            ) from answer
        except InvalidURI as error:
            raise LinkRefused(
                f"{place} is no ws:// or wss:// address: check [csms] url", rung=Rung.SETTINGS
            ) from error
        except NegotiationError as error:
            raise _speaks_another(place) from error
        except InvalidHandshake as error:
            raise LinkRefused(
                f"{place} does not answer as a WebSocket server: check host, port and path",
                rung=Rung.WEBSOCKET,
            ) from error
        except TimeoutError as error:
            raise LinkRefused(
                f"{place} did not answer within {self.open_timeout_s:g} s: check network and host"
            ) from error
        except ssl.SSLError as error:
            raise refusal(place, error) from error
        except OSError as error:
            if isinstance(error, LinkRefused):
                raise
            raise LinkRefused(
                f"cannot reach {place} ({error.strerror or error}):"
                " check that the central system runs, the network and [csms] url"
            ) from error
        if connection.subprotocol != SUBPROTOCOL:
            await connection.close(PROTOCOL_ERROR, "no common subprotocol")
            raise _speaks_another(place)
        return WebSocketLine(connection)

    async def _connected(self, url: str, access: Access) -> Connection:
        secure = urlsplit(url).scheme == "wss"
        connection = await _Connect(
            url,
            ssl=self.trust.context(access) if secure else None,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,  # costs 300 KiB per connection and opens zip bombs (security 3.3)
            proxy=None,  # the environment of a daemon is not the installer's configuration
            additional_headers=self._headers(access),
            user_agent_header="Tapwatt",
            max_size=self.size_max,
            open_timeout=self.open_timeout_s,
            close_timeout=self.close_timeout_s,
            create_connection=Connection,
            ping_interval=None,  # `Line.ping` is ours: its interval changes on a living line
        )
        assert isinstance(connection, Connection)
        return connection

    def _headers(self, access: Access) -> dict[str, str]:
        if access.profile not in WITH_KEY:
            return {}
        if access.key is not None:
            decoded = None if self.is_literal else password_bytes(access.key)
            password = access.key.encode() if decoded is None else decoded
        elif self.password is not None:
            password = self.password.encode()
        else:
            return {}
        plain = self.station.encode() + b":" + password
        return {"Authorization": f"Basic {base64.b64encode(plain).decode()}"}


class Connection(ClientConnection):
    """A connection that may break in the middle of what the peer says (the bay's `net half`)."""

    left_bytes: int | None = None

    def data_received(self, data: bytes) -> None:
        """Take what the socket brings, as far as it comes."""
        if self.left_bytes is not None:
            data = data[: self.left_bytes]
            self.left_bytes -= len(data)
        super().data_received(data)
        if self.left_bytes == 0:
            self.transport.abort()


class WebSocketLine:
    """A `Line` over one connection of the websockets library."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._passing = asyncio.Event()
        self._passing.set()
        self._is_cut = False
        self._silent_s: float | None = None

    @property
    def root(self) -> str | None:
        secured = self._connection.transport.get_extra_info("ssl_object")
        return None if secured is None else root_of(secured)

    @property
    def ends_at(self) -> datetime | None:
        secured = self._connection.transport.get_extra_info("ssl_object")
        return None if secured is None else end_of(secured)

    async def recv(self) -> str | bytes:
        try:
            return await self._connection.recv()
        except ConnectionClosed as closed:
            self._passing.set()  # a frozen sender learns it too
            raise self._end(closed) from closed

    async def send(self, message: str, /) -> None:
        await self._passing.wait()
        try:
            await self._connection.send(message)
        except ConnectionClosed as closed:
            raise self._end(closed) from closed

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._connection.close(code, reason)

    async def ping(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._passing.wait()
                await (await self._connection.ping())
        except TimeoutError:
            self._silent_s = within_s
            self.cut()
        except ConnectionClosed:
            return  # who reads learns it too, and tells

    def cut(self) -> None:
        self._is_cut = True
        self._passing.set()
        self._connection.transport.abort()

    def freeze(self, frozen: bool) -> None:
        """Stop reading the socket, so that not even pongs pass, and hold what is to be sent."""
        transport = self._connection.transport
        if transport.is_closing():
            return
        if frozen:
            self._passing.clear()
            transport.pause_reading()
        else:
            self._passing.set()
            transport.resume_reading()

    def break_after(self, count: int) -> None:
        self._connection.left_bytes = count

    def _end(self, closed: ConnectionClosed) -> ConnectionError:
        """How the line ended, and whether it was the peer that would not have it any longer."""
        by_us = self._is_cut or (closed.sent is not None and not closed.rcvd_then_sent)
        excused = closed.rcvd is not None and closed.rcvd.code in COME_BACK
        kind = ConnectionError if by_us or excused else LineDropped
        if self._silent_s is not None:
            return kind(f"the central system did not answer a ping within {self._silent_s:g} s")
        return kind(_how_it_ended(closed))


class Gate:
    """Stands between the link and *dial* and takes the line away on demand (the bay's verb `net`).

    `down`: TCP closed, not dialled again until up. `refuse`: closed, and dialling is refused.
    `blackhole`: the socket stays open and nothing passes; dialling hangs.
    """

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._mode: Mode = "up"
        self._passable = asyncio.Event()
        self._passable.set()
        self._line: Line | None = None
        self._heal: asyncio.TimerHandle | None = None

    async def dial(self, access: Access) -> Line:
        """Dial once the gate lets it."""
        while True:
            await self._passable.wait()
            if self._mode == "refuse":
                raise LinkRefused("the simulated line refuses connections: `tapwatt sim net up`")
            line = await self._dial(access)
            if self._mode == "up":
                self._line = line
                return line
            line.cut()

    def break_after(self, count: int) -> bool:
        """Break the line after *count* more bytes from the central system; whether there is one."""
        if self._line is None or self._mode != "up":
            return False
        self._line.break_after(count)
        return True

    def impair(self, mode: Mode, for_s: float | None = None) -> None:
        """Put the line into *mode*, for *for_s* seconds or until told otherwise."""
        if self._heal:
            self._heal.cancel()
            self._heal = None
        was, self._mode = self._mode, mode
        if mode in {"up", "refuse"}:
            self._passable.set()
        else:
            self._passable.clear()
        if self._line and "blackhole" in {was, mode}:
            self._line.freeze(mode == "blackhole")
        if self._line and mode in {"down", "refuse"}:
            self._line.cut()
        if for_s is not None and mode != "up":
            self._heal = asyncio.get_running_loop().call_later(for_s, self.impair, "up")


class _Connect(connect):
    """`connect` that follows no redirect: the installer named one address (security 3.3)."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def is_plain_beyond_loopback(url: str) -> bool:
    """Whether what goes to *url* can be read by others on the way."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "ws" and bool(host) and not near


def public_address(url: str) -> str:
    """*url* without user and password, for logs."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _speaks_another(place: str) -> LinkRefused:
    return LinkRefused(
        f"{place} does not speak {SUBPROTOCOL}: check that it serves OCPP 1.6",
        rung=Rung.SUBPROTOCOL,
    )


def _sentence(place: str, status: int) -> str:
    match status:
        case 401 | 403:
            what = "check the station id and its password at the central system"
        case 404:
            what = "check the path of [csms] url and that the central system knows this station id"
        case _:
            what = "check the central system's own log"
    return f"{place} refused the connection with HTTP {status}: {what}"


def _how_it_ended(closed: ConnectionClosed) -> str:
    if closed.rcvd is not None:
        reason = f" ({closed.rcvd.reason})" if closed.rcvd.reason else ""
        return f"the central system closed the connection with {closed.rcvd.code}{reason}"
    if closed.sent is not None:
        return f"we closed the connection with {closed.sent.code} ({closed.sent.reason})"
    return "the connection broke without a close"
