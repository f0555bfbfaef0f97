"""Cards and groups over HTTP: whole, blocked with a reason, with a history; a driver's own."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from csms_lite.accounts import service as accounts
from csms_lite.accounts.office import open_office
from csms_lite.accounts.passwords import password_thread
from csms_lite.accounts.rules import Person
from csms_lite.chance import CROCKFORD, Chance
from csms_lite.clock import SystemClock
from csms_lite.errors import Refused
from csms_lite.gate import Gate, Principal, Role
from csms_lite.house import furnish
from csms_lite.http import http_app
from csms_lite.people import service
from csms_lite.people.rules import Budget, Card
from csms_lite.settings import Settings
from csms_lite.stations.sheet import Sheet
from csms_lite.store.thread import open_database, raw_of
from csms_lite.store.writer import open_store
from tests.csms_lite.central import Central
from tests.csms_lite.inline import empty_database, lay_empty_database
from tests.csms_lite.shapes import add_accounts

FULL = {
    "kind": "guest",
    "label": "Visitor",
    "user_id": 1,
    "status": "Blocked",
    "reason": "lost",
    "parent": "Family",
    "valid_from": "2026-01-01T00:00:00.000Z",
    "expiry": "2027-01-01T00:00:00.000Z",
    "chargers": ["CP-1", "CP-2"],
    "budgets": {
        "day": {"energy_wh": 10000, "sessions": None},
        "month": {"energy_wh": None, "sessions": 20},
    },
}


async def test_all_that_can_be_said_of_a_card_is_read_back(central: Central) -> None:
    """Put, read, put again: the same; what is left out is gone."""
    assert await central.account() == FULL["user_id"]
    for charger in ("CP-1", "CP-2"):
        await central.http.put(f"/api/chargers/{charger}")
    for _ in range(2):
        put = await central.http.put("/api/cards/A1", json=FULL)
        assert put.json() == {"tag": "A1", **FULL}
        assert await central.get("/api/cards/a1") == put.json()
    assert len(await central.get("/api/cards/A1/history")) == 1
    bare = (await central.http.put("/api/cards/A1")).json()
    assert (bare["chargers"], bare["budgets"], bare["user_id"]) == (None, {}, None)
    assert await central.get("/api/cards/A1") == bare


async def test_a_card_is_blocked_with_a_reason_and_its_history_kept(central: Central) -> None:
    """Who changed what from what to what; it outlives the card."""
    await central.http.put("/api/cards/A1", json={"label": "Ann"})
    blocked = await central.http.post("/api/cards/a1/block", json={"reason": "stolen"})
    odd = await central.http.post("/api/cards/a1/block", json={"reason": "a\nb"})
    assert odd.status_code == 422
    assert (blocked.json()["status"], blocked.json()["reason"]) == ("Blocked", "stolen")
    freed = await central.http.post("/api/cards/A1/unblock")
    assert (freed.json()["status"], freed.json()["reason"]) == ("Accepted", None)
    await central.http.delete("/api/cards/A1")
    history = await central.get("/api/cards/A1/history")
    assert [one["changes"].get("status") for one in history] == [
        ["Accepted", None],
        ["Blocked", "Accepted"],
        ["Accepted", "Blocked"],
        [None, "Accepted"],
    ]
    assert {one["who"] for one in history} == {"the token of the state directory"}
    for path in ("block", "unblock"):
        gone = await central.http.post(f"/api/cards/A1/{path}", json={"reason": "x"})
        assert gone.status_code == 404


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"kind": "guest"}, "expiry"),
        ({"reason": "lost"}, "Blocked"),
        ({"chargers": ["NONE"]}, "NONE"),
        ({"budgets": {"day": {}}}, "energy_wh"),
        ({"budgets": {"year": {"sessions": 1}}}, "budgets"),
        ({"budgets": {"day": {"sessions": -1}}}, "sessions"),
        ({"parent": "Ä"}, "ASCII"),
        (
            {"valid_from": "2027-01-01T00:00:00Z", "expiry": "2027-01-01T00:00:00Z"},
            "valid_from",
        ),
        ({"valid_from": "0001-01-01T00:00:00+12:00"}, "valid_from"),
    ],
)
async def test_a_card_that_cannot_be_is_refused(
    central: Central, body: dict[str, Any], word: str
) -> None:
    """The refusal says what to mend, and nothing is stored."""
    response = await central.http.put("/api/cards/A1", json=body)
    assert response.status_code == 422
    assert word in response.json()["detail"]
    assert await central.get("/api/cards") == []


async def test_a_virtual_card_is_not_made_by_hand(central: Central) -> None:
    """Its tag must be beyond guessing."""
    response = await central.http.put("/api/cards/EASY", json={"kind": "virtual", "user_id": 1})
    assert response.status_code == 409


async def test_a_group_is_put_listed_and_removed_when_empty(central: Central) -> None:
    """Its limits are not lifted by removing it under its cards."""
    body = {"label": "The Family", "budgets": {"week": {"energy_wh": 1, "sessions": 2}}}
    put = (await central.http.put("/api/card-groups/family", json=body)).json()
    assert put | body == put
    assert await central.get("/api/card-groups/FAMILY") == put
    assert await central.get("/api/card-groups") == [put]
    await central.http.put("/api/cards/A1", json={"parent": "Family"})
    assert (await central.http.delete("/api/card-groups/FAMILY")).status_code == 409
    await central.http.delete("/api/cards/A1")
    assert (await central.http.delete("/api/card-groups/FAMILY")).status_code == 204
    assert (await central.http.delete("/api/card-groups/FAMILY")).status_code == 404
    assert (await central.http.get("/api/card-groups/FAMILY")).status_code == 404
    assert len(await central.get("/api/card-groups/FAMILY/history")) == 2


def test_a_virtual_card_is_made_once_per_account() -> None:
    """Stable per account, 20 letters of Crockford's base32, and another after it was removed."""
    chance = Chance(random.Random(1))
    with empty_database() as db:
        add_accounts(db, 2)

        def mine(user_id: int) -> Card:
            return service.virtual_card(db, user_id, chance.virtual_tag, 1, who="x")

        first = mine(1)
        assert mine(1) == first
        assert mine(2).tag != first.tag
        assert (first.kind, first.user_id, len(first.tag)) == ("virtual", 1, 20)
        assert set(first.tag) <= set(CROCKFORD)
        with pytest.raises(Refused):
            service.put_card(db, first._replace(user_id=2), 1, who="x")
        with pytest.raises(Refused):
            service.put_card(db, first._replace(kind="rfid"), 1, who="x")
        service.block_card(db, first.tag, "lost phone", 1, who="x")
        assert mine(1).status == "Blocked"
        service.remove_card(db, first.tag, 1, who="x")
        assert mine(1).tag != first.tag


def test_a_virtual_tag_that_is_taken_is_not_taken_over() -> None:
    """A tag that another card has already is drawn again."""
    with empty_database() as db:
        add_accounts(db, 1)
        plain = Card(tag="TAKEN", status="Accepted", parent=None, expires_at_ms=None)
        service.put_card(db, plain, 1, who="x")
        tags = iter(["taken", "FREE"])
        assert service.virtual_card(db, 1, lambda: next(tags), 1, who="x").tag == "FREE"


def test_a_card_that_is_removed_leaves_no_limits_behind() -> None:
    """A card made anew under the same tag begins without the old one's budget."""
    with empty_database() as db:
        card = Card(
            tag="A",
            status="Accepted",
            parent=None,
            expires_at_ms=None,
            budgets=(Budget("day", 1, None),),
        )
        service.put_card(db, card, 1, who="x")
        service.remove_card(db, "A", 1, who="x")
        assert raw_of(db).execute("SELECT count(*) FROM budgets").fetchone() == (0,)
        service.put_card(db, card._replace(budgets=()), 1, who="x")
        service.put_card(db, card, 1, who="x")
        assert service.find_card(db, "A") == card


@pytest_asyncio.fixture
async def http(tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The HTTP side with an operator, a viewer, and drivers 1 and 2, by these tokens."""
    people = {
        str(number): Principal(role=Role.USER, name=f"user {number}", user_id=number)
        for number in (1, 2)
    }
    people |= {str(role): Principal(role=role, name=role) for role in (Role.OPERATOR, Role.VIEWER)}

    async def who(token: str) -> Principal | None:
        return people.get(token)

    clock, chance = SystemClock(), Chance(random.Random(1))
    settings = Settings(state_dir=tmp_path)
    lay_empty_database(tmp_path / "c.db")
    with password_thread() as passwords:
        async with open_store(tmp_path / "c.db", clock=clock, open_database=open_database) as store:
            house = await furnish(settings, store, clock, chance)
            office = await open_office(settings, store, clock, chance, passwords)
            sheet = Sheet(url="ws://here/ocpp", heartbeat_s=60)
            for name in ("ann", "bob"):
                person = Person(f"{name}@example.org", name, "X")
                options: dict[str, Any] = {
                    "role": Role.USER,
                    "is_verified": True,
                    "who": None,
                    "now_ms": 1,
                }
                await store.do(accounts.add, person, None, **options)
            yield http_app(house, office, Gate([who]), sheet)


async def test_a_driver_sees_his_own_cards_and_no_virtual_tag(http: FastAPI) -> None:
    """The query is given who asks; the tag of a virtual card is shown to operators alone."""
    transport = httpx.ASGITransport(http)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:

        async def ask(token: str, path: str, method: str = "GET", **more: Any) -> Any:
            headers = {"Authorization": f"Bearer {token}"}
            return await client.request(method, f"/api{path}", headers=headers, **more)

        for number, tag in ((1, "A1"), (2, "B2")):
            body = {"user_id": number}
            assert (await ask("OPERATOR", f"/cards/{tag}", "PUT", json=body)).status_code == 200
        for token, tag in (("1", "A1"), ("2", "B2")):
            for _ in range(2):
                cards = (await ask(token, "/users/me/cards")).json()
                assert sorted((one["kind"], one["tag"]) for one in cards) == [
                    ("rfid", tag),
                    ("virtual", None),
                ]
        listed = (await ask("OPERATOR", "/cards")).json()
        assert sum(one["kind"] == "virtual" for one in listed) == 2
        assert {one["tag"] for one in (await ask("VIEWER", "/cards")).json()} == {"A1", "B2"}
        sheet = (await ask("VIEWER", "/cards.csv")).text
        assert not [
            one["tag"] for one in listed if one["kind"] == "virtual" and one["tag"] in sheet
        ]
        assert (await ask("VIEWER", "/users/me/cards")).status_code == 404
