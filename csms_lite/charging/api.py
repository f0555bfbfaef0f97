"""HTTP routes of a driver: start, stop, and see his own sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from csms_lite.access.rules import AccessRules
from csms_lite.chance import Chance
from csms_lite.charging import service
from csms_lite.charging.service import Done, Door
from csms_lite.clock import Clock
from csms_lite.commands.rules import Command
from csms_lite.commands.service import command as find_command
from csms_lite.gate import Account, Principal, Role
from csms_lite.people.rules import TAG_LENGTH
from csms_lite.sessions.forms import own_form
from csms_lite.sessions.progress import Charge, progress
from csms_lite.sessions.rules import Session, Wish
from csms_lite.sessions.sampling import earlier_charge
from csms_lite.sessions.service import list_sessions, session
from csms_lite.stations.presence import Presence
from csms_lite.stations.service import station_by_code
from csms_lite.store.writer import Store

LONGEST_WAIT_S: Final = 60
NO_LIMIT: Final = 2**62
NOBODY: Final = 0  # no account has this number: a program has no sessions of its own
LARGEST_GOAL_WH: Final = 10_000_000  # beyond any lorry
UNDER_WAY: Final = ("asked", "sent")

Number = Annotated[int, Path(ge=1, le=NO_LIMIT)]
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)]
TagOf = Callable[[Connection, Principal, str | None], str]
"""Gives the tag with which somebody charges: his own, or the one he names if he may."""


class StartBody(BaseModel):
    """Where a driver wants to charge, and with what."""

    model_config = ConfigDict(extra="forbid")

    station: Annotated[str, Field(max_length=48)]
    """Code on the sticker."""
    connector: Annotated[int, Field(ge=1, le=NO_LIMIT)] | None = None
    tag: Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)] | None = None
    reference: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    goal_wh: Annotated[int, Field(ge=1, le=LARGEST_GOAL_WH)] | None = None
    goal_soc_percent: Annotated[int, Field(ge=1, le=100)] | None = None


class StopBody(BaseModel):
    """Which session ends: by its number, or the driver's only one, here or anywhere."""

    model_config = ConfigDict(extra="forbid")

    transaction_id: Annotated[int, Field(ge=1, le=NO_LIMIT)] | None = None
    station: Annotated[str, Field(max_length=48)] | None = None


class Sender(Protocol):
    """Who puts commands on the wire."""

    def ring(self, station_id: int) -> None:
        """Say that a command row waits."""
        ...

    def settled(self, command_id: int) -> None:
        """Say that a command came to its end."""
        ...

    async def wait(
        self, command_id: int, at_most_s: float, is_over: Callable[[], Awaitable[bool]]
    ) -> None:
        """Wait for a command's end, or for the time to run out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What the drivers' routes work with; *look* is told which session somebody watches."""

    store: Store
    clock: Clock
    chance: Chance
    presence: Presence
    sender: Sender
    access: AccessRules
    tag_of: TagOf
    look: Callable[[Session], None]

    def door(self, station_id: int) -> Door:
        """Give what a wish at a station is judged by now."""
        return Door(
            is_online=self.presence.is_online(station_id),
            access=self.access,
            message_id=self.chance.message_id(),
            now_ms=self.clock.now_ms(),
        )

    def form(self, known: Session, charge: Charge | None) -> dict[str, Any]:
        """Write a session for its driver."""
        standing = progress(known, charge, self.clock.now_ms())
        return own_form(known, standing, is_online=self.presence.is_online(known.station_id))

    def hand_on(self, done: Done) -> None:
        """Have sent what was asked, and tell whoever waits for what is not sent any more."""
        if done.withdrawn is not None:
            self.sender.settled(done.withdrawn)
        if done.command is not None:
            self.sender.ring(done.session.station_id)

    async def end_of(self, command: Command, at_most_s: float) -> Command:
        """Wait for a command's end; gives how it stands then, or when the time runs out."""

        async def is_over() -> bool:
            known = await self.store.read(find_command, command.command_id)
            return known.state not in UNDER_WAY

        if at_most_s:
            await self.sender.wait(command.command_id, at_most_s, is_over)
        return await self.store.read(find_command, command.command_id)

    async def follow(self, done: Done, wait: float, response: Response) -> dict[str, Any]:
        """Hand the command on, and wait for its end as long as the caller wants to."""
        self.hand_on(done)
        if done.command is None:
            return {**self.form(done.session, None), "command": None}
        command = await self.end_of(done.command, wait)
        known = await self.store.read(session, done.session.transaction_id)
        if command.state in UNDER_WAY:
            response.status_code = 202
        written = {"id": command.command_id, "state": command.state, "problem": command.problem}
        return {**self.form(known, None), "command": written}


def charging_routes(counter: Counter) -> APIRouter:
    """Make the routes under /api/charging."""
    router = APIRouter(prefix="/api/charging", tags=["charging"])
    store = counter.store

    @router.post("/start")
    async def start(
        body: StartBody, who: Account, response: Response, wait: Wait = 0
    ) -> dict[str, Any]:
        """Start charging, or hear why not; 202 while the charger has not answered yet."""
        station = await store.read(station_by_code, body.station)
        asked = Wish(
            station_id=station.station_id,
            connector=body.connector or 0,
            id_tag=await store.do(counter.tag_of, who, body.tag),
            user_id=who.user_id,
            reference=body.reference,
            goal_wh=body.goal_wh,
            goal_soc_percent=body.goal_soc_percent,
        )
        door = counter.door(station.station_id)
        done = await store.do(service.start, asked, body.connector, door)
        return await counter.follow(done, wait, response)

    @router.post("/stop")
    async def stop(
        body: StopBody, who: Account, response: Response, wait: Wait = 0
    ) -> dict[str, Any]:
        """End a session of one's own; operators end any."""
        known = await store.read(meant, body.transaction_id, body.station, who)
        done = await store.do(
            service.stop,
            known.transaction_id,
            counter.door(known.station_id),
            user_id=who.user_id,
            is_anybodys=who.may(Role.OPERATOR),
        )
        return await counter.follow(done, wait, response)

    @router.get("/sessions")
    async def list_own(
        who: Account,
        before: Annotated[int, Query(ge=1, le=NO_LIMIT)] = NO_LIMIT,
        count: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> list[dict[str, Any]]:
        """List one's own sessions, newest first; the next page is *before* the last one's."""
        wanted = {"user_id": NOBODY if who.user_id is None else who.user_id}
        found = await store.read(list_sessions, wanted, before, count)
        return [counter.form(one, None) for one in found]

    @router.get("/sessions/{transaction_id}")
    async def get_own(transaction_id: Number, who: Account) -> dict[str, Any]:
        """Give how one's own session stands; asked for again and again, it is kept fresh."""
        known, charge = await store.read(_own, transaction_id, who.user_id)
        counter.look(known)
        return counter.form(known, charge)

    return router


def meant(db: Connection, transaction_id: int | None, code: str | None, who: Principal) -> Session:
    """Find the session that is to end; raises `NotFound`, `Refused`."""
    if transaction_id is None:
        station_id = None if code is None else station_by_code(db, code).station_id
        return service.only_open(db, who.user_id, station_id)
    if who.may(Role.OPERATOR):
        return session(db, transaction_id)
    return service.own_session(db, transaction_id, who.user_id)


def _own(db: Connection, transaction_id: int, user_id: int | None) -> tuple[Session, Charge | None]:
    known = service.own_session(db, transaction_id, user_id)
    return known, earlier_charge(db, known)
