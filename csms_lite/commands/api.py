"""HTTP routes on commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from csms_lite.chance import Chance
from csms_lite.clock import Clock, maybe_rfc3339, rfc3339
from csms_lite.commands import service
from csms_lite.commands.following import hint
from csms_lite.commands.rules import ACTION_LENGTH, Command
from csms_lite.commands.secrets import Hidden
from csms_lite.errors import Forbidden, NotFound, Refused
from csms_lite.gate import Operator, Principal, Role, Viewer
from csms_lite.jsontext import loads
from csms_lite.store.writer import Store

LONGEST_WAIT_S: Final = 60
CHARGERS_MOST: Final = 500  # in one request: a car park; more would hold up the writer's queue
UNDER_WAY: Final = ("asked", "sent")
LAST: Final = 2**62  # beyond every command there is

Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)]
Force = Annotated[bool, Query(description="ADMIN only, noted: send what no system should")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=64)]


class CommandBody(BaseModel):
    """An OCPP 1.6 action and its payload, exactly as it is to be sent."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[str, Field(min_length=1, max_length=ACTION_LENGTH)]
    payload: dict[str, Any] = {}


class CommandsBody(CommandBody):
    """The same for many chargers."""

    chargers: Annotated[list[str], Field(min_length=1, max_length=CHARGERS_MOST)]


class Sender(Protocol):
    """Who puts commands on the wire."""

    hidden: Hidden

    def ring(self, station_id: int) -> None:
        """Say that a command row waits."""
        ...

    async def wait(
        self,
        command_id: int,
        at_most_s: float,
        is_over: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Wait for a command's end, or for the time to run out."""
        ...


class Asking:
    """Writes commands down, has them sent, and waits for their ends; *check* knows the schemas."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        sender: Sender,
        check: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._sender = sender
        self._check = check

    async def ask(
        self,
        charger: str,
        body: CommandBody,
        who: Principal,
        *,
        key: str | None = None,
        batch: str | None = None,
        is_forced: bool = False,
    ) -> Command:
        """Write one command down and ring for it; raises what `commands.service.ask` does."""
        if is_forced and not who.may(Role.ADMIN):
            raise Forbidden(f"force=true needs the role {Role.ADMIN}, and {who.name} is {who.role}")
        if not is_forced:
            self._check(body.action, body.payload)
        message_id = self._chance.message_id()
        self._sender.hidden.hide(message_id, body.action, body.payload)
        command = await self._store.do(
            service.ask_by_operator,
            charger,
            body.action,
            body.payload,
            salt=self._chance.salt(),
            message_id=message_id,
            now_ms=self._clock.now_ms(),
            asked_by=who.name[:100],
            batch=batch,
            key=key,
            is_forced=is_forced,
        )
        self._sender.ring(command.station_id)
        return command

    async def ended(self, command: Command, wait_s: float) -> Command:
        """Give the command as it is at its end, or once the time is over."""
        if not wait_s or command.state not in UNDER_WAY:
            return command

        async def is_over() -> bool:
            known = await self._store.read(service.command, command.command_id)
            return known.state not in UNDER_WAY

        await self._sender.wait(command.command_id, wait_s, is_over)
        return await self._store.read(service.command, command.command_id)


def command_routes(
    store: Store,
    clock: Clock,
    chance: Chance,
    sender: Sender,
    check: Callable[[str, Mapping[str, Any]], None],
) -> APIRouter:
    """Make the routes on commands; *check* raises `Unacceptable` for a payload no schema allows."""
    router = APIRouter(prefix="/api", tags=["commands"])
    _add_asking(router, Asking(store, clock, chance, sender, check), chance)
    _add_reading(router, store)
    return router


def _add_asking(router: APIRouter, asking: Asking, chance: Chance) -> None:
    @router.post("/chargers/{charger}/commands", status_code=202)
    async def ask(
        charger: str,
        body: CommandBody,
        who: Operator,
        response: Response,
        *,
        wait: Wait = 0,
        force: Force = False,
        idempotency_key: Key = None,
    ) -> dict[str, Any]:
        """Ask something of a charger; 200 when its end came within *wait* seconds, else 202."""
        command = await asking.ask(charger, body, who, key=idempotency_key, is_forced=force)
        command = await asking.ended(command, wait)
        if command.state not in UNDER_WAY:
            response.status_code = 200
        return shown(command)

    @router.post("/commands", status_code=202)
    async def ask_many(
        body: CommandsBody,
        who: Operator,
        response: Response,
        *,
        wait: Wait = 0,
        idempotency_key: Key = None,
    ) -> dict[str, Any]:
        """Ask the same of many chargers: a row for each, and what could not be asked of whom."""
        batch = chance.message_id()
        asked: list[Command] = []
        problems: list[dict[str, str]] = []
        for charger in dict.fromkeys(body.chargers):
            try:
                asked.append(await asking.ask(charger, body, who, key=idempotency_key, batch=batch))
            except (NotFound, Refused) as refusal:
                problems.append({"charger": charger, "problem": str(refusal)})
        ended = await asyncio.gather(*(asking.ended(command, wait) for command in asked))
        if all(command.state not in UNDER_WAY for command in ended):
            response.status_code = 200
        return {"commands": [shown(command) for command in ended], "problems": problems}


def _add_reading(router: APIRouter, store: Store) -> None:
    @router.get("/chargers/{charger}/commands")
    async def list_commands(
        charger: str, _who: Viewer, count: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[dict[str, Any]]:
        """List what was asked of a charger, newest first."""
        found = await store.read(service.list_commands, charger, count)
        return [shown(one) for one in found]

    @router.get("/commands")
    async def page_commands(
        _who: Viewer,
        batch: str | None = None,
        state: str | None = None,
        action: str | None = None,
        before: Annotated[int, Query(ge=1, le=LAST)] = LAST,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List commands of all chargers, newest first: of one request, state or action."""
        found = await store.read(
            service.page_commands,
            batch=batch,
            state=state,
            action=action,
            before=before,
            count=count,
        )
        return [shown(one) for one in found]

    @router.get("/commands/{command_id}")
    async def get_command(command_id: int, _who: Viewer) -> dict[str, Any]:
        """Give one command."""
        return shown(await store.read(service.command, command_id))


def shown(command: Command) -> dict[str, Any]:
    """Write a command as the API shows it."""
    told = None if command.observed_json is None else loads(command.observed_json)
    return {
        "id": command.command_id,
        "charger": command.charger,
        "action": command.action,
        "payload": loads(command.payload_json),
        "state": command.state,
        "asked_at": rfc3339(command.asked_at_ms),
        "asked_by": command.asked_by,
        "batch": command.batch,
        "sent_at": maybe_rfc3339(command.sent_at_ms),
        "answered_at": maybe_rfc3339(command.answered_at_ms),
        "result": None if command.result_json is None else loads(command.result_json),
        "problem": command.problem,
        "observed_at": maybe_rfc3339(command.observed_at_ms),
        "observed": told,
        "hint": None if told is None else hint(told),
    }
