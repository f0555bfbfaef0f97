"""HTTP routes on commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from csms_lite.chance import Chance
from csms_lite.clock import Clock, maybe_rfc3339, rfc3339
from csms_lite.commands import service
from csms_lite.commands.rules import Command
from csms_lite.commands.secrets import Hidden
from csms_lite.gate import Operator, Viewer
from csms_lite.jsontext import loads
from csms_lite.store.writer import Store

LONGEST_WAIT_S = 60
UNDER_WAY = ("asked", "sent")


class CommandBody(BaseModel):
    """An OCPP 1.6 action and its payload, exactly as it is to be sent."""

    model_config = ConfigDict(extra="forbid")

    action: str
    payload: dict[str, Any] = {}


class Sender(Protocol):
    """Who puts commands on the wire."""

    hidden: Hidden
    """What rows may not hold."""

    def ring(self, station_id: int) -> None:
        """Say that a command row waits."""
        ...

    async def wait(self, command_id: int, at_most_s: float) -> None:
        """Wait for a command's end, or for the time to run out."""
        ...


def command_routes(
    store: Store,
    clock: Clock,
    chance: Chance,
    sender: Sender,
    check: Callable[[str, Mapping[str, Any]], None],
) -> APIRouter:
    """Make the routes on commands; *check* raises `Unacceptable` for a payload no schema allows."""
    router = APIRouter(prefix="/api", tags=["commands"])

    @router.post("/chargers/{charger}/commands", status_code=202)
    async def ask(
        charger: str,
        body: CommandBody,
        _who: Operator,
        response: Response,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)] = 0,
    ) -> dict[str, Any]:
        """Ask something of a charger; 200 when its end came within *wait* seconds, else 202."""
        check(body.action, body.payload)
        message_id = chance.message_id()
        sender.hidden.hide(message_id, body.action, body.payload)
        command = await store.do(
            service.ask_by_operator,
            charger,
            body.action,
            body.payload,
            salt=chance.salt(),
            message_id=message_id,
            now_ms=clock.now_ms(),
        )
        sender.ring(command.station_id)
        if wait:
            await sender.wait(command.command_id, wait)
            command = await store.read(service.command, command.command_id)
        if command.state not in UNDER_WAY:
            response.status_code = 200
        return shown(command)

    @router.get("/chargers/{charger}/commands")
    async def list_commands(
        charger: str, _who: Viewer, count: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[dict[str, Any]]:
        """List what was asked of a charger, newest first."""
        return [shown(one) for one in await store.read(service.list_commands, charger, count)]

    @router.get("/commands/{command_id}")
    async def get_command(command_id: int, _who: Viewer) -> dict[str, Any]:
        """Give one command."""
        return shown(await store.read(service.command, command_id))

    return router


def shown(command: Command) -> dict[str, Any]:
    """Write a command for staff."""
    return {
        "id": command.command_id,
        "charger": command.charger,
        "action": command.action,
        "payload": loads(command.payload_json),
        "state": command.state,
        "asked_at": rfc3339(command.asked_at_ms),
        "sent_at": maybe_rfc3339(command.sent_at_ms),
        "answered_at": maybe_rfc3339(command.answered_at_ms),
        "result": None if command.result_json is None else loads(command.result_json),
        "problem": command.problem,
    }
