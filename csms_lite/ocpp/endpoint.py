"""The OCPP ports: who may come in, under which name, and that the newest socket wins."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from csms_lite.errors import CsmsError
from csms_lite.ocpp.admission import Admission, TurnedAway, credentials
from csms_lite.ocpp.lobby import Lobby
from csms_lite.ocpp.pulse import Pulse
from csms_lite.ocpp.routes import ROUTES, Routes
from csms_lite.ocpp.session import Desk, Session
from csms_lite.ocpp.wire import Socket
from csms_lite.stations import door_service
from csms_lite.stations import service as stations
from csms_lite.stations.door import Entry, HouseRules, Knock, Waiting
from csms_lite.stations.liveness import Patience
from csms_lite.stations.rules import IDENTITY, Station
from csms_lite.tls import client_name, ends_at_ms

OCPP16: Final = Subprotocol("ocpp1.6")
MAX_MESSAGE: Final = 256 * 1024  # bytes, as the guard of `edge.ocppj`
CLOSE_WITHIN_S: Final = 1.0  # a dead peer must not hold up a restart
PATH: Final = re.compile(rf"/(?:ocpp/)?({IDENTITY.pattern})", re.ASCII)
PROTOCOL_ERROR, RESTART, TRY_LATER, REPLACED = 1002, 1012, 1013, 1000
REASON_MAX: Final = 120  # bytes of a close reason, RFC 6455 5.5
ONLY_16J: Final = "Only OCPP 1.6 in JSON over WebSocket is spoken here"
NOT_WEBSOCKET: Final = (
    f"{ONLY_16J}, not HTTP and not SOAP (OCPP 1.2, 1.5 or 1.6-S): switch the charger to OCPP-J.\n"
)

log = structlog.get_logger(__name__)


class Endpoint:
    """The sockets of all stations."""

    def __init__(
        self, desk: Desk, *, house: HouseRules, patience: Patience, strict_subprotocol: bool
    ) -> None:
        self._desk = desk
        self._house = house
        self._patience = patience
        self._strict_subprotocol = strict_subprotocol
        self._admission = Admission(desk.store, desk.clock, house)
        self._lobby = Lobby(desk)
        self._verdicts: WeakKeyDictionary[ServerConnection, Entry | Waiting] = WeakKeyDictionary()
        self._sockets: dict[int, tuple[int, Socket]] = {}
        self._servers: list[Server] = []

    async def listen(self, on: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Begin to accept stations on a bound socket."""
        server = await serve(
            self.admit,
            sock=on,
            ssl=tls,
            origins=[None],  # a page in somebody's browser is no charger
            select_subprotocol=self._choose,
            process_request=self._check,
            compression=None,
            max_size=MAX_MESSAGE,
            ping_interval=None,  # `Pulse` pings: a pong is a sign of life
            close_timeout=CLOSE_WITHIN_S,
            server_header=None,
            create_connection=Plain,
            logger=logging.getLogger("csms_lite.websockets"),
        )
        self._servers.append(server)

    async def close(self) -> None:
        """Accept no more, and close every socket with 1012: we come back, so shall they."""
        for server in self._servers:
            server.close(code=RESTART, reason="service restart")
        for server in self._servers:
            await server.wait_closed()

    async def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Judge a request before there is a socket; `None` lets the handshake go on."""
        path = PATH.fullmatch(request.path)
        if path is None:
            return connection.respond(
                HTTPStatus.NOT_FOUND,
                "A charger's address ends in /ocpp/ID, its id in letters, digits, '-' and '_'.\n",
            )
        if request.headers.get("Upgrade", "").lower() != "websocket":
            response = connection.respond(HTTPStatus.UPGRADE_REQUIRED, NOT_WEBSOCKET)
            response.headers["Upgrade"] = "websocket"
            return response
        if "Origin" in request.headers:  # before anything is looked up or noted
            return connection.respond(HTTPStatus.FORBIDDEN, "A web page is no charger.\n")
        peer = connection.remote_address
        try:
            verdict = await self._admission.judge(
                _knock(path[1], connection, request), str(peer[0]) if peer else ""
            )
        except CsmsError as failure:
            log.warning("station_not_judged", charger=path[1], error=str(failure))
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Try again later.\n")
        if isinstance(verdict, TurnedAway):
            return _turned_away(connection, verdict)
        self._verdicts[connection] = verdict
        return None

    def _choose(
        self, _connection: ServerConnection, offered: Sequence[Subprotocol]
    ) -> Subprotocol | None:
        if OCPP16 in offered:
            return OCPP16
        if self._strict_subprotocol:
            raise NegotiationError(_offer(offered))
        return None  # complete the handshake without one, then close: OCPP-J 3.2

    async def admit(self, connection: ServerConnection) -> None:
        """Serve a socket until it closes, by what was judged before there was one."""
        request = connection.request
        path = PATH.fullmatch(request.path) if request is not None else None
        verdict = self._verdicts.pop(connection, None)
        if connection.subprotocol != OCPP16 or path is None or request is None:
            offered = request.headers.get_all("Sec-WebSocket-Protocol") if request else []
            await connection.close(PROTOCOL_ERROR, _offer(offered)[:REASON_MAX])
            return
        identity = path[1]
        if isinstance(verdict, Entry):
            station = await self._enter(identity, verdict, connection)
            if station is not None:
                self._note_certificate(station, connection)
                await self._serve_pinged(station, connection)
        else:
            assert isinstance(verdict, Waiting), "a socket that nobody judged"
            pulse = Pulse(connection, self._desk.clock, self._patience, lambda: None)
            async with asyncio.TaskGroup() as tasks:
                pinging = tasks.create_task(pulse.keep(ConnectionClosed), name=f"ping-{identity}")
                await self._lobby.wait(identity, pulse, ConnectionClosed)
                pinging.cancel()

    async def receive(
        self, identity: str, entry: Entry, connection: Socket, routes: Routes = ROUTES
    ) -> None:
        """Serve a station that was let in, by *routes*, until its socket closes."""
        station = await self._enter(identity, entry, connection)
        if station is not None:
            await self._serve(station, connection, connection, lambda: None, routes)

    async def _enter(self, identity: str, entry: Entry, connection: Socket) -> Station | None:
        try:
            return await self._desk.store.do(
                door_service.entered,
                identity,
                entry,
                self._house,
                make_code=self._desk.chance.code,
                now_ms=self._desk.clock.now_ms(),
            )
        except CsmsError as failure:
            log.warning("station_not_let_in", charger=identity, error=str(failure))
            await connection.close(TRY_LATER, "try again later")
            return None

    def _note_certificate(self, station: Station, connection: ServerConnection) -> None:
        ends_ms = ends_at_ms(connection.transport.get_extra_info("ssl_object"))
        self._desk.presence.showed(station.station_id, ends_ms)

    async def _serve_pinged(self, station: Station, connection: ServerConnection) -> None:
        def heard() -> None:
            self._desk.presence.heard(station.station_id, self._desk.clock.now_ms())

        pulse = Pulse(connection, self._desk.clock, self._patience, heard)
        async with asyncio.TaskGroup() as tasks:
            name = f"ping-{station.identity}"
            pinging = tasks.create_task(pulse.keep(ConnectionClosed), name=name)
            await self._serve(station, connection, pulse, pulse.send_away)
            pinging.cancel()

    async def _serve(
        self,
        station: Station,
        connection: Socket,
        socket: Socket,
        end: Callable[[], None],
        routes: Routes = ROUTES,
    ) -> None:
        """Serve over *socket*, unless a newer connection has already come; an older one goes."""
        async with asyncio.TaskGroup() as tasks:
            replaced = self._sockets.get(station.station_id)
            if replaced is not None and replaced[0] > station.connection:
                await connection.close(REPLACED, "replaced by a newer connection")
                return
            self._sockets[station.station_id] = (station.connection, connection)
            if replaced is not None:
                tasks.create_task(self._replace(station, replaced[1]))
            await self._live(station, connection, socket, end, routes)

    async def _replace(self, station: Station, old: Socket) -> None:
        """Tell the older socket, and keep that there was one: it may have been another's."""
        if isinstance(old, ServerConnection) and old.state is not State.OPEN:
            return  # it was on its way out: the same charger has come back, as it should
        log.warning("connection_replaced", charger=station.identity)
        await old.close(REPLACED, "replaced by a newer connection")
        details = {"connection": station.connection}
        now_ms = self._desk.clock.now_ms()
        try:
            await self._desk.store.do(
                stations.note_once_a_minute,
                station.station_id,
                "connection_replaced",
                details,
                now_ms=now_ms,
            )
        except CsmsError as failure:
            log.warning("event_not_kept", charger=station.identity, error=str(failure))

    async def _live(
        self,
        station: Station,
        connection: Socket,
        socket: Socket,
        end: Callable[[], None],
        routes: Routes,
    ) -> None:
        presence, now_ms = self._desk.presence, self._desk.clock.now_ms
        presence.arrived(station.station_id, station.connection, now_ms(), end)
        self._desk.touched(station.station_id)
        log.info("station_arrived", charger=station.identity, connection=station.connection)
        try:
            await Session(station, socket, self._desk, ConnectionClosed, routes).run()
        finally:
            if self._sockets.get(station.station_id) == (station.connection, connection):
                del self._sockets[station.station_id]
            if presence.left(station.station_id, station.connection):
                self._desk.touched(station.station_id)
                await self._remember(station)

    async def _remember(self, station: Station) -> None:
        """Keep when the station was last heard; not worth an error when the disk fails."""
        heard_at_ms = self._desk.presence.heard_at_ms(station.station_id)
        try:
            await self._desk.store.do(stations.heard, station.station_id, heard_at_ms or 0)
        except CsmsError as failure:
            log.warning("last_sign_of_life_not_kept", charger=station.identity, error=str(failure))


class Plain(ServerConnection):
    """A connection that names the cause to a charger that speaks SOAP, which it does by POST."""

    _has_begun = False

    def data_received(self, data: bytes) -> None:
        """Answer a POST at once; the library would only close."""
        if not self._has_begun and data.startswith(b"POST "):
            self.transport.write(_SOAP_ANSWER)
            self.transport.close()
            return
        self._has_begun = True
        super().data_received(data)


_SOAP_ANSWER: Final = (
    "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    f"Content-Length: {len(NOT_WEBSOCKET)}\r\n\r\n{NOT_WEBSOCKET}"
).encode()


def _knock(identity: str, connection: ServerConnection, request: Request) -> Knock:
    line: ssl.SSLObject | None = connection.transport.get_extra_info("ssl_object")
    headers = request.headers.get_all("Authorization")
    shown = credentials(headers[0]) if len(headers) == 1 else None
    return Knock(
        identity=identity,
        is_tls=line is not None,
        certificate_name=client_name(line),
        username=shown[0] if shown else None,
        password=shown[1] if shown else None,
    )


def _turned_away(connection: ServerConnection, why: TurnedAway) -> Response:
    response = connection.respond(why.status, why.text)
    if why.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
    if why.retry_after_s is not None:
        response.headers["Retry-After"] = str(why.retry_after_s)
    return response


def _offer(offered: Sequence[str]) -> str:
    """Say what to offer, and what was: most often OCPP 2.0.1, or 1.5, which is SOAP."""
    told = ", ".join(offered)[:40]
    heard = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in told)
    return f"{ONLY_16J}: offer the subprotocol ocpp1.6, not {heard or 'none'}"
