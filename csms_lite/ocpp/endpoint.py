"""The OCPP port: who may come in, under which name, and that the newest socket wins."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from csms_lite.errors import CsmsError
from csms_lite.ocpp.session import Desk, Session
from csms_lite.stations import service as stations
from csms_lite.stations.rules import IDENTITY, Station

OCPP16: Final = Subprotocol("ocpp1.6")
MAX_MESSAGE: Final = 256 * 1024  # bytes, as the guard of `edge.ocppj`
CLOSE_WITHIN_S: Final = 1.0  # a dead peer must not hold up a restart
PATH: Final = re.compile(rf"/(?:ocpp/)?({IDENTITY.pattern})", re.ASCII)
PROTOCOL_ERROR, RESTART, TRY_LATER, REPLACED = 1002, 1012, 1013, 1000

log = structlog.get_logger(__name__)


class Endpoint:
    """The sockets of all stations."""

    def __init__(self, desk: Desk, *, strict_subprotocol: bool) -> None:
        self._desk = desk
        self._strict_subprotocol = strict_subprotocol
        self._sockets: dict[int, tuple[int, ServerConnection]] = {}
        self._server: Server | None = None

    async def listen(self, on: socket.socket) -> None:
        """Begin to accept stations on a bound socket."""
        self._server = await serve(
            self.admit,
            sock=on,
            origins=[None],  # a page in somebody's browser is no charger
            select_subprotocol=self._choose,
            process_request=self._check_path,
            compression=None,
            max_size=MAX_MESSAGE,
            close_timeout=CLOSE_WITHIN_S,
            server_header=None,
            logger=logging.getLogger("csms_lite.websockets"),
        )

    async def close(self) -> None:
        """Accept no more, and close every socket with 1012: we come back, so shall they."""
        if self._server is not None:
            self._server.close(code=RESTART, reason="service restart")
            await self._server.wait_closed()

    def _check_path(self, connection: ServerConnection, request: Request) -> Response | None:
        if PATH.fullmatch(request.path) is None:
            return connection.respond(
                HTTPStatus.NOT_FOUND,
                "A charger's address ends in /ocpp/ID, its id in letters, digits, '-' and '_'.\n",
            )
        return None

    def _choose(
        self, _connection: ServerConnection, offered: Sequence[Subprotocol]
    ) -> Subprotocol | None:
        if OCPP16 in offered:
            return OCPP16
        if self._strict_subprotocol:
            raise NegotiationError("offer the subprotocol ocpp1.6")
        return None  # complete the handshake without one, then close: OCPP-J 3.2

    async def admit(self, connection: ServerConnection) -> None:
        """Let a station in, and serve it until its socket closes."""
        request = connection.request
        path = PATH.fullmatch(request.path) if request is not None else None
        if connection.subprotocol != OCPP16 or path is None:
            await connection.close(PROTOCOL_ERROR, "offer the subprotocol ocpp1.6")
            return
        try:
            station = await self._desk.store.do(
                stations.connected,
                path[1],
                accept_unknown=self._desk.accept_unknown,
                make_code=self._desk.chance.code,
                now_ms=self._desk.clock.now_ms(),
            )
        except CsmsError as failure:
            log.warning("station_not_let_in", charger=path[1], error=str(failure))
            await connection.close(TRY_LATER, "try again later")
            return
        async with asyncio.TaskGroup() as tasks:
            replaced = self._sockets.get(station.station_id)
            if replaced is not None and replaced[0] > station.connection:
                await connection.close(REPLACED, "replaced by a newer connection")
                return
            self._sockets[station.station_id] = (station.connection, connection)
            if replaced is not None:
                log.warning("connection_replaced", charger=station.identity)
                tasks.create_task(replaced[1].close(REPLACED, "replaced by a newer connection"))
            await self._live(station, connection)

    async def _live(self, station: Station, connection: ServerConnection) -> None:
        presence, now_ms = self._desk.presence, self._desk.clock.now_ms
        presence.arrived(station.station_id, station.connection, now_ms())
        self._desk.touched(station.station_id)
        log.info("station_arrived", charger=station.identity, connection=station.connection)
        try:
            await Session(station, connection, self._desk, ConnectionClosed).run()
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
