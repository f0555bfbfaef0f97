"""A card's sessions are its owner's, and a card is owned by an account that there is."""

from __future__ import annotations

from tests.csms_lite.central import PASSWORD, Central
from tests.csms_lite.charging.driver import CARD, now, ready, start


async def test_a_session_by_card_is_its_owners(central: Central) -> None:
    """He sees it among his own, and may end it; one by a card of nobody is not his."""
    ann = await central.account()
    async with ready(central, "Available", "Available") as (station, _code):
        await central.http.put(f"/api/cards/{CARD}", json={"user_id": ann})
        number = (await station.start(tag=CARD.lower(), at=now()))["transactionId"]
        await station.start(tag="OTHER", at=now(), connector=2)
        [found] = await central.get(f"/api/sessions?user={ann}")
        assert found["transaction_id"] == number
        body = {"email": "ann@example.org", "password": PASSWORD}
        token = (await central.http.post("/api/auth/login", json=body)).json()["access_token"]
        own = await central.http.get(
            "/api/charging/sessions", headers={"Authorization": f"Bearer {token}"}
        )
        assert [one["transaction_id"] for one in own.json()] == [number]


async def test_a_start_for_somebody_is_his(central: Central) -> None:
    """Who names another's card for him, as operators may, does not pay for it."""
    ann = await central.account()
    async with ready(central) as (_station, code):
        await central.http.put(f"/api/cards/{CARD}", json={"user_id": ann})
        asked = (await start(central, code)).json()
        [found] = await central.get(f"/api/sessions?user={ann}")
        assert found["transaction_id"] == asked["transaction_id"]


async def test_an_owner_that_there_is_not_is_refused(central: Central) -> None:
    """By hand, in a table and before a tap: 422 that says where accounts are listed."""
    await central.http.put("/api/chargers/CP-1")
    for answer in (
        await central.http.put("/api/cards/A1", json={"user_id": 99}),
        await central.http.post("/api/cards.csv", content=b"tag,user_id\r\nA1,99\r\n"),
        await central.http.post("/api/chargers/CP-1/enrol", json={"user_id": 99}),
    ):
        assert answer.status_code == 422
        assert "there is no account 99" in answer.json()["detail"]
    assert await central.get("/api/cards") == []


async def test_a_card_outlives_its_owner(central: Central) -> None:
    """It can still be blocked; a tap for him is answered, and makes no card."""
    ann = await central.account()
    await central.http.put("/api/cards/A1", json={"user_id": ann})
    async with central.station() as station:
        await station.boot()
        await central.http.post("/api/chargers/CP-1/enrol", json={"user_id": ann})
        assert (await central.http.delete(f"/api/users/{ann}")).status_code == 204
        answer = await station.call("Authorize", {"idTag": "NEW"})
        assert answer["idTagInfo"]["status"] == "Invalid"
    blocked = await central.http.post("/api/cards/A1/block", json={"reason": "he left"})
    assert blocked.json()["status"] == "Blocked"
    assert [one["tag"] for one in await central.get("/api/unknown-cards")] == ["NEW"]
