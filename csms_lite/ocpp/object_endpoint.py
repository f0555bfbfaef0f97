"""The port for chargers that talk in objects (`legacy_json_port`): `ws://…/ocpp`, no id in it.

They show nothing but their id, so they are let in as a charger on security profile 0 is, and by
the same door: one that has a key, or ever came on a higher profile, is not to be had here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import structlog
from sqlalchemy import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from csms_lite.errors import CsmsError
from csms_lite.ocpp.admission import Admission, TurnedAway
from csms_lite.ocpp.endpoint import CLOSE_WITHIN_S, RESTART, TRY_LATER, Endpoint
from csms_lite.ocpp.lobby import Lobby
from csms_lite.ocpp.objects import (
    MAX_FRAME,
    UNREADABLE,
    ObjectSocket,
    References,
    Unreadable,
    identity_of,
    read_object,
)
from csms_lite.ocpp.routes import ROUTES, Route, Routes
from csms_lite.ocpp.session import Desk
from csms_lite.ocpp.verbs import Answer, Origin
from csms_lite.sessions import references
from csms_lite.sessions.rules import Start
from csms_lite.stations.door import HouseRules, Knock, Waiting

PATH: Final = "/ocpp"
FIRST_WITHIN_S: Final = 10.0  # until it says who it is nothing is known of it
REFUSED: Final = 1008  # WebSocket close code: policy

log = structlog.get_logger(__name__)


class ObjectEndpoint:
    """The sockets of chargers that talk in objects; behind the first frame they are stations."""

    def __init__(self, desk: Desk, endpoint: Endpoint, house: HouseRules) -> None:
        self._desk = desk
        self._endpoint = endpoint
        self._admission = Admission(desk.store, desk.clock, house)
        self._lobby = Lobby(desk)
        self._server: Server | None = None

    async def listen(self, on: socket.socket) -> None:
        """Begin to accept such chargers on a bound socket."""
        self._server = await serve(
            self.admit,
            sock=on,
            origins=[None],  # a page in somebody's browser is no charger
            process_request=_check_path,
            compression=None,
            max_size=MAX_FRAME,
            close_timeout=CLOSE_WITHIN_S,
            server_header=None,
            logger=logging.getLogger("csms_lite.websockets"),
        )

    async def close(self) -> None:
        """Accept no more, and close every socket: we come back, so shall they."""
        if self._server is not None:
            self._server.close(code=RESTART, reason="service restart")
            await self._server.wait_closed()

    async def admit(self, connection: ServerConnection) -> None:
        """Let a charger in by its first frame, and serve it until its socket closes."""
        try:
            async with asyncio.timeout(FIRST_WITHIN_S):
                told = read_object(await connection.recv())
        except TimeoutError:
            await connection.close(UNREADABLE, "say who you are: send a frame")
            return
        except Unreadable as why:
            await connection.close(UNREADABLE, str(why))
            return
        except ConnectionClosed:
            return
        identity = identity_of(told)
        peer = connection.remote_address
        try:
            knock = Knock(identity=identity)
            verdict = await self._admission.judge(knock, str(peer[0]) if peer else "")
        except CsmsError as failure:
            log.warning("station_not_judged", charger=identity, error=str(failure))
            await connection.close(TRY_LATER, "try again later")
            return
        if isinstance(verdict, TurnedAway):
            await connection.close(REFUSED, "this charger is not let in here")
            return
        translated = ObjectSocket(
            connection,
            told,
            clock=self._desk.clock,
            chance=self._desk.chance,
            references=self._references(identity),
        )
        if isinstance(verdict, Waiting):
            await self._lobby.wait(identity, translated, ConnectionClosed)
        else:
            routes = _naming(translated.reference_of)
            await self._endpoint.receive(identity, verdict, translated, routes)

    def _references(self, identity: str) -> References:
        store = self._desk.store

        async def find(reference: str) -> int | None:
            return await store.read(references.referred, identity, reference)

        async def begun(reference: str) -> int | None:
            return await store.read(references.begun, identity, reference)

        return References(find=find, begun=begun)


def _naming(reference_of: Callable[[str], str]) -> Routes:
    """Make routes in which a beginning and the charger's number of it are one transaction."""
    usual = ROUTES["StartTransaction"]
    assert isinstance(usual, Route)

    def start(db: Connection, origin: Origin, told: Start) -> Answer:
        answer = usual.first(db, origin, told)
        references.refer(db, answer["transactionId"], reference_of(origin.message_id))
        return answer

    return {**ROUTES, "StartTransaction": replace(usual, first=start)}


def _check_path(connection: ServerConnection, request: Request) -> Response | None:
    if request.path != PATH:
        return connection.respond(HTTPStatus.NOT_FOUND, f"The address here is {PATH}.\n")
    return None
