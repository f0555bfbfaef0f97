"""The numbered changes over HTTP: as server-sent events, and the same over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Header, Query, Request, WebSocket
from fastapi.responses import StreamingResponse
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute
from starlette.types import Message, Send
from starlette.websockets import WebSocketDisconnect

from csms_lite.clock import Clock
from csms_lite.errors import CsmsError, Unacceptable
from csms_lite.gate import Account, Gate, Principal, Role
from csms_lite.jsontext import dumps, loads
from csms_lite.live.changes import Changes, Told, Wanted
from csms_lite.live.rules import check_kinds

HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}
NUMBER_MAX: Final = 2**63 - 1
SEND_WITHIN_S: Final = 20.0  # who reads nothing for so long gets no more
TOKEN_WITHIN_S: Final = 10.0
FIRST_MAX: Final = 8192  # characters of the first message: a token and a number
REASON_MAX: Final = 120  # bytes of a close reason, RFC 6455 5.5
MOST_CHARGERS: Final = 50  # named in one address
ASK_AGAIN_S: Final = 60.0  # how long a stream outlives the right to it
SUBPROTOCOL: Final = "tapwatt.events"
BEARER: Final = "bearer."
POLICY, RESTART, LATER = 1008, 1012, 1013  # close codes, RFC 6455 and IANA registry

Still = Callable[[], Awaitable[bool]]


class BoundedStream(StreamingResponse):
    """A stream that ends when its client does not take a piece in time."""

    async def stream_response(self, send: Send) -> None:
        """Send the pieces."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_WITHIN_S):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError as late:
            raise OSError("the client takes nothing") from late


def change_routes(changes: Changes, gate: Gate, clock: Clock, origins: frozenset[str]) -> APIRouter:
    """Make the routes of the changes; pages of *origins* may use the WebSocket, besides ours."""
    router = APIRouter(prefix="/api/events", tags=["events"])

    @router.get(
        "",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def stream(
        request: Request,
        who: Account,
        last_event_id: Annotated[str | None, Header(max_length=20)] = None,
        after: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
        *,
        wanted: Annotated[Wanted, Depends(_choice)],
    ) -> StreamingResponse:
        """Stream what changes, of all or of some chargers and kinds.

        Goes on after `Last-Event-ID`, which browsers send by themselves.
        """
        last = _number(last_event_id)
        told = changes.follow(account_of(who), after if last is None else last, wanted)
        events = _events(told, _asking(gate, request, who), clock)
        return BoundedStream(events, media_type="text/event-stream", headers=HEADERS)

    alike = router.routes[-1]

    @router.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        """Tell what changes over a WebSocket.

        The token comes as the subprotocol `bearer.TOKEN` beside `tapwatt.events`, or in the first
        message: `{"token": …, "after": …}`. `?charger=…` and `?kind=…` choose as at `/api/events`.
        """
        if not _is_ours(websocket, origins):
            await websocket.close(POLICY)
            return
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        with suppress(WebSocketDisconnect):
            await _serve(websocket, changes, gate, clock, alike)

    return router


def account_of(who: Principal) -> int | None:
    """Say whose changes somebody may see: of all for staff, else of the own account, if any."""
    if who.may(Role.VIEWER):
        return None
    return who.user_id if who.user_id is not None else NOBODY


NOBODY: Final = 0  # accounts count from 1


async def _serve(
    websocket: WebSocket, changes: Changes, gate: Gate, clock: Clock, alike: BaseRoute
) -> None:
    """Serve one client, who needs the right to *alike*, the stream that tells the same."""
    try:
        async with asyncio.timeout(TOKEN_WITHIN_S):
            token, after = await _first_words(websocket)
        connection = _asked_of(alike, websocket, token)
        who = await gate.admit(connection, Role.USER)
        asked = websocket.query_params
        wanted = _wanted(asked.getlist("charger"), asked.getlist("kind"))
        told = changes.follow(account_of(who), after, wanted)
    except (CsmsError, TimeoutError, ValueError) as refusal:
        why = str(refusal).encode(errors="replace")[:REASON_MAX].decode(errors="ignore")
        await websocket.close(POLICY, why or "say who you are: send the token")
        return
    still = _asking(gate, connection, who)
    async with asyncio.TaskGroup() as tasks:
        both = (
            tasks.create_task(_send(websocket, told, still, clock), name="changes-send"),
            tasks.create_task(_listen(websocket), name="changes-listen"),
        )
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.cancel()


async def _listen(websocket: WebSocket) -> None:
    """Wait until the client goes; it has nothing to say any more."""
    with suppress(WebSocketDisconnect):
        await websocket.receive_text()
        await websocket.close(POLICY, "nothing more is to be sent here")


async def _send(
    websocket: WebSocket, told: AsyncGenerator[Told, None], still: Still, clock: Clock
) -> None:
    code = RESTART
    try:
        async with aclosing(_while_allowed(told, still, clock)) as allowed:
            async for one in allowed:
                async with asyncio.timeout(SEND_WITHIN_S):
                    await websocket.send_text(dumps({"event": one.kind, **one.document}))
                if one.kind == "cut":
                    code = LATER
    except CsmsError:
        code = LATER
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        code = POLICY
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(SEND_WITHIN_S):
            await websocket.close(code)


async def _first_words(websocket: WebSocket) -> tuple[str, int | None]:
    """Give the token and the number to go on after; raises `ValueError`."""
    after = _number(websocket.query_params.get("after"))
    for offered in websocket.scope.get("subprotocols", []):
        if offered.startswith(BEARER):
            return offered.removeprefix(BEARER), after
    text = await websocket.receive_text()
    said: Any = loads(text) if len(text) <= FIRST_MAX else {}
    token = said.get("token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token:
        raise ValueError('the first message is {"token": "…"}')
    number = said.get("after", after)
    if number is not None and not (type(number) is int and 0 <= number <= NUMBER_MAX):
        raise ValueError("'after' is the number of a change")
    return token, number


def _asked_of(alike: BaseRoute, websocket: WebSocket, token: str) -> HTTPConnection:
    """Show the gate the token where every other request has it, as if *alike* were asked for.

    A WebSocket has no method, and its route no tag: by those the gate knows what a key may do.
    """
    given = (b"authorization", f"Bearer {token}".encode("latin-1", "replace"))
    headers = [pair for pair in websocket.scope["headers"] if pair[0] != b"authorization"]
    scope = {**websocket.scope, "headers": [*headers, given], "route": alike, "method": "GET"}
    return HTTPConnection(scope)


def _choice(
    charger: Annotated[list[str] | None, Query()] = None,
    kind: Annotated[list[str] | None, Query()] = None,
) -> Wanted:
    return _wanted(charger or (), kind or ())


def _wanted(chargers: Sequence[str], kinds: Sequence[str]) -> Wanted:
    """Read which changes somebody wants; raises `Unacceptable`."""
    check_kinds(kinds)
    if len(chargers) > MOST_CHARGERS:
        raise Unacceptable(f"name at most {MOST_CHARGERS} chargers: without any you get all")
    return Wanted(frozenset(chargers), frozenset(kinds))


def _is_ours(websocket: WebSocket, origins: frozenset[str]) -> bool:
    """Let in programs, which send no Origin, and pages of this host or of those allowed."""
    origin = websocket.headers.get("origin")
    if origin is None or origin in origins:
        return True
    return urlsplit(origin).netloc.lower() == websocket.headers.get("host", "").lower()


def _asking(gate: Gate, connection: HTTPConnection, who: Principal) -> Still:
    async def still() -> bool:
        try:
            now = await gate.admit(connection, Role.USER)
        except CsmsError:
            return False
        return account_of(now) == account_of(who)

    return still


async def _while_allowed(
    told: AsyncGenerator[Told, None], still: Still, clock: Clock
) -> AsyncGenerator[Told, None]:
    """Pass on what is told while the token is good: a stream may outlive a sacking by a minute."""
    asked_s = clock.monotonic()
    async with aclosing(told):
        async for one in told:
            if clock.monotonic() - asked_s >= ASK_AGAIN_S:
                if not await still():
                    return
                asked_s = clock.monotonic()
            yield one


async def _events(
    told: AsyncGenerator[Told, None], still: Still, clock: Clock
) -> AsyncIterator[str]:
    async with aclosing(_while_allowed(told, still, clock)) as allowed:
        with suppress(CsmsError):  # the client comes again, with the number it saw last
            async for one in allowed:
                yield _event(one)


def _event(told: Told) -> str:
    if told.kind == "quiet":
        return f": still here\nid: {told.number}\n\n"  # no event, but where to go on from
    return f"event: {told.kind}\nid: {told.number}\ndata: {dumps(told.document)}\n\n"


def _number(text: str | None) -> int | None:
    """Read a number that may not be one of ours: then the stream begins now."""
    if text is None or not (text.isascii() and text.isdecimal()):
        return None
    return min(int(text), NUMBER_MAX)
