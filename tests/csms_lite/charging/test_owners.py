"""Whose session it is: a driver starts with his own tag, and sees and ends his own alone."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import Connection

from csms_lite.access.rules import AccessRules
from csms_lite.chance import Chance
from csms_lite.charging.api import Counter, charging_routes
from csms_lite.charging.tags import own_tags
from csms_lite.clock import SystemClock, rfc3339
from csms_lite.commands.service import take_next
from csms_lite.errors import Forbidden, Unacceptable
from csms_lite.gate import Gate, Principal, Role
from csms_lite.ocpp.routes import ROUTES, Route
from csms_lite.ocpp.service import handle
from csms_lite.ocpp.verbs import Origin
from csms_lite.people.rules import Card
from csms_lite.people.service import put_card
from csms_lite.sessions.rules import Session
from csms_lite.stations.presence import Presence
from csms_lite.stations.rules import Station
from csms_lite.stations.service import connected
from csms_lite.store.thread import open_database, raw_of
from csms_lite.store.writer import Store, open_store
from csms_lite.web import add_problems
from tests.csms_lite.inline import lay_empty_database
from tests.csms_lite.shapes import add_accounts

AT = "2024-05-01T10:00:00Z"
WHO = {
    "alice": Principal(role=Role.USER, name="alice", user_id=5),
    "bob": Principal(role=Role.USER, name="bob", user_id=6),
    "key": Principal(role=Role.USER, name="a key of nobody"),
    "viewer": Principal(role=Role.VIEWER, name="viewer", user_id=8),
    "operator": Principal(role=Role.OPERATOR, name="operator", user_id=9),
}


async def by_name(token: str) -> Principal | None:
    return WHO.get(token)


def own_tag(_db: Connection, who: Principal, tag: str | None) -> str:
    """Each has one tag, named after him."""
    if tag is not None and tag != who.name and not who.may(Role.OPERATOR):
        raise Forbidden("this tag is not yours")
    return tag or who.name


class Bells:
    """A sender that only counts how often it was rung."""

    def __init__(self) -> None:
        self.rung: list[int] = []

    def ring(self, station_id: int) -> None:
        self.rung.append(station_id)

    def settled(self, command_id: int) -> None:
        """Nobody waits."""

    async def wait(
        self, command_id: int, at_most_s: float, is_over: Callable[[], Awaitable[bool]]
    ) -> None:
        raise AssertionError("nobody asked to wait")


@dataclass(kw_only=True)
class House:
    """The drivers' door on a store, with one charger before it."""

    http: httpx.AsyncClient
    store: Store
    station: Station
    clock: SystemClock = field(default_factory=SystemClock)
    bells: Bells = field(default_factory=Bells)
    looked: list[int] = field(default_factory=list)
    messages: int = 0

    async def post(self, who: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {who}"}
        return await self.http.post(f"/api/charging/{path}", json=body, headers=headers)

    async def get(self, who: str, path: str) -> httpx.Response:
        return await self.http.get(
            f"/api/charging/{path}", headers={"Authorization": f"Bearer {who}"}
        )

    async def start(self, who: str, **body: Any) -> int:
        """Start at the charger; gives the session's number."""
        answer = await self.post(who, "start", station=self.station.code, **body)
        assert answer.status_code == 202, answer.text
        number: int = answer.json()["transaction_id"]
        return number

    async def tell(self, action: str, **payload: Any) -> Any:
        """Let the charger tell something."""
        self.messages += 1
        origin = Origin(
            station_id=self.station.station_id,
            connection=1,
            message_id=str(self.messages),
            payload=payload,
            now_ms=self.clock.now_ms(),
            access=AccessRules(),
            heartbeat_s=60,
        )
        route = ROUTES[action]
        assert isinstance(route, Route)
        return await self.store.do(handle, origin, action, route)

    async def status(self, connector: int, status: str) -> None:
        await self.tell(
            "StatusNotification", connectorId=connector, status=status, errorCode="NoError"
        )


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock, chance, presence = SystemClock(), Chance(random.Random(3)), Presence()
    lay_empty_database(tmp_path / "c.db")
    async with open_store(tmp_path / "c.db", clock=clock, open_database=open_database) as store:
        station = await store.do(
            connected, "CP-1", accept_unknown=True, make_code=lambda: "CODE", now_ms=0
        )
        presence.arrived(station.station_id, station.connection, 0)
        await store.do(add_accounts, 9)
        for name in ("alice", "bob", "operator"):
            await store.do(put_card, Card(name, "Accepted", None, None), 0, who="test")
        app = FastAPI()
        app.state.gate = Gate([by_name])
        add_problems(app)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://here"
        ) as http:
            found = House(http=http, store=store, station=station, clock=clock)

            def look(session: Session) -> None:
                found.looked.append(session.transaction_id)

            app.include_router(
                charging_routes(
                    Counter(
                        store=store,
                        clock=clock,
                        chance=chance,
                        presence=presence,
                        sender=found.bells,
                        access=AccessRules(),
                        tag_of=own_tag,
                        look=look,
                    )
                )
            )
            for connector in (1, 2):
                await found.status(connector, "Available")
            yield found


async def test_a_start_is_its_drivers_own(house: House) -> None:
    """It is listed to him and shown to him; the sender is rung after the commit."""
    number = await house.start("alice", goal_wh=5000)
    assert house.bells.rung == [house.station.station_id]
    [listed] = (await house.get("alice", "sessions")).json()
    shown = (await house.get("alice", f"sessions/{number}")).json()
    assert listed["transaction_id"] == shown["transaction_id"] == number
    assert shown["goal_wh"] == 5000
    assert "id_tag" not in shown
    assert house.looked == [number]


@pytest.mark.parametrize("who", ["bob", "key", "viewer", "operator"])
async def test_nobody_sees_a_session_of_another(house: House, who: str) -> None:
    """404, as if it were not there; staff have routes of their own."""
    number = await house.start("alice")
    answer = await house.get(who, f"sessions/{number}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"there is no session {number} of yours"
    assert (await house.get(who, "sessions")).json() == []
    assert house.looked == []


@pytest.mark.parametrize("who", ["bob", "key", "viewer"])
async def test_nobody_but_an_operator_ends_a_session_of_another(house: House, who: str) -> None:
    """Pending or running, by its number or by where it is: nothing happens."""
    number = await house.start("alice")
    for body in ({"transaction_id": number}, {"station": "CODE"}, {}):
        answer = await house.post(who, "stop", **body)
        assert answer.status_code == 404, body
    shown = (await house.get("alice", f"sessions/{number}")).json()
    assert (shown["state"], shown["stop_asked"]) == ("pending", False)
    answer = await house.post("operator", "stop", transaction_id=number)
    assert (answer.status_code, answer.json()["state"]) == (200, "failed")


async def test_a_session_of_nobody_is_nobodys(house: House) -> None:
    """A card's session has no account here: an account without number is not its owner."""
    begun = await house.tell(
        "StartTransaction", connectorId=1, idTag="alice", meterStart=0, timestamp=AT
    )
    number = begun["transactionId"]
    for who in ("key", "alice", "bob"):
        assert (await house.post(who, "stop", transaction_id=number)).status_code == 404
        assert (await house.get(who, f"sessions/{number}")).status_code == 404
    assert (await house.post("operator", "stop", transaction_id=number)).status_code == 202


async def test_what_nobody_wants_any_more_is_kept_when_it_begins_all_the_same(
    house: House,
) -> None:
    """The charger was thrown out meanwhile and may be asked nothing: its session is a fact."""
    number = await house.start("alice")
    station_id = house.station.station_id
    await house.store.do(take_next, station_id, house.clock.now_ms())
    assert (await house.post("alice", "stop", transaction_id=number)).json()["stop_asked"]

    def throw_out(db: Connection) -> None:
        raw_of(db).execute("UPDATE stations SET registration = 'Rejected'")

    await house.store.do(throw_out)
    begun = await house.tell(
        "StartTransaction",
        connectorId=1,
        idTag="alice",
        meterStart=0,
        timestamp=rfc3339(house.clock.now_ms()),
    )
    assert begun["transactionId"] == number
    shown = (await house.get("alice", f"sessions/{number}")).json()
    assert (shown["state"], shown["stop_asked"]) == ("running", True)


async def test_the_only_session_needs_no_number(house: House) -> None:
    """D49: the code that started it stops it; two of them must be named."""
    one = await house.start("alice", connector=1)
    answer = await house.post("alice", "stop", station="CODE")
    assert answer.json()["transaction_id"] == one
    two = await house.start("alice", connector=1)
    three = await house.start("alice", connector=2)
    answer = await house.post("alice", "stop")
    assert answer.status_code == 409
    assert f"{three}, {two}" in answer.json()["detail"]
    assert (await house.post("bob", "stop")).status_code == 404


async def test_a_tag_of_another_starts_nothing(house: House) -> None:
    """Refused before anything is looked at."""
    answer = await house.post("alice", "start", station="CODE", tag="bob")
    assert answer.status_code == 403
    assert house.bells.rung == []


async def test_a_reference_of_another_is_not_shown(house: House) -> None:
    """Guessing names shows nothing and starts nothing."""
    await house.start("alice", reference="R", connector=1)
    answer = await house.post("bob", "start", station="CODE", reference="R", connector=2)
    assert answer.status_code == 409
    assert "belongs to another start" in answer.json()["detail"]
    assert "alice" not in answer.text
    helper = await house.post("operator", "start", station="CODE", reference="R", tag="alice")
    assert helper.status_code == 409  # with her own card, and yet not she
    again = await house.post("alice", "start", station="CODE", reference="R", connector=2)
    assert again.status_code == 409  # the same name for another connector is another start


async def test_a_driver_names_his_own_cards_or_none(house: House) -> None:
    """B64: without a name it is his virtual card; of others' cards no driver may speak."""
    tag_of = own_tags(house.clock, Chance(random.Random(3)))
    for who in ("alice", "key", "viewer"):
        with pytest.raises(Forbidden):
            await house.store.do(tag_of, WHO[who], "bob")
    own = await house.store.do(tag_of, WHO["alice"], None)
    assert len(own) == 20
    assert await house.store.do(tag_of, WHO["alice"], None) == own, "the same ever after"
    assert await house.store.do(tag_of, WHO["alice"], own.lower()) == own
    assert await house.store.do(tag_of, WHO["bob"], None) != own
    with pytest.raises(Forbidden):
        await house.store.do(tag_of, WHO["bob"], own)
    assert await house.store.do(tag_of, WHO["operator"], "alice") == "alice"
    with pytest.raises(Unacceptable):
        await house.store.do(tag_of, WHO["key"], None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"station": "CODE", "connector": 0},
        {"station": "CODE", "connector": 2**70},
        {"station": "CODE", "tag": "x" * 21},
        {"station": "CODE", "reference": "x" * 65},
        {"station": "CODE", "goal_wh": 0},
        {"station": "CODE", "goal_soc_percent": 101},
        {"station": "CODE", "more": 1},
    ],
)
async def test_a_body_that_says_nonsense_is_refused(house: House, body: dict[str, Any]) -> None:
    """422 that names the field."""
    assert (await house.post("alice", "start", **body)).status_code == 422
