"""Unknown cards are noted, and become cards with one call or one tap."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.enrolment import service
from csms_lite.enrolment.rules import MOST_UNKNOWN, state_of
from csms_lite.errors import Refused
from csms_lite.people.rules import Card
from csms_lite.people.service import card_history, find_card
from csms_lite.stations.service import connected
from tests.csms_lite.central import Central, Station
from tests.csms_lite.inline import empty_database

CARD = Card(tag="", status="Accepted", parent=None, expires_at_ms=None)


async def status(station: Station, tag: str) -> str:
    answer = await station.call("Authorize", {"idTag": tag})
    return str(answer["idTagInfo"]["status"])


async def test_an_unknown_card_is_noted_and_accepted_with_one_call(central: Central) -> None:
    """Where, how often, first and last; known cards are never noted."""
    await central.http.put("/api/cards/KNOWN")
    async with central.station() as one, central.station("CP-2") as other:
        await one.boot()
        await other.boot()
        assert await status(one, "KNOWN") == "Accepted"
        assert await status(one, "new1") == "Invalid"
        assert await status(one, "LATER") == "Invalid"
        await central.http.put("/api/cards/later")  # a card by another way is unknown no more
        begun = await other.start(tag="NEW1", at="2024-05-01T10:00:00Z", connector=2)
        assert begun["idTagInfo"] == {"status": "Invalid"}
        assert await status(one, "NEW2") == "Invalid"
        listed = await central.get("/api/unknown-cards")
        assert [(card["tag"], card["charger"], card["connector"]) for card in listed] == [
            ("NEW2", "CP-1", None),
            ("NEW1", "CP-2", 2),
        ]
        assert [card["count"] for card in listed] == [1, 2]
        assert listed[1]["first_at"] <= listed[1]["last_at"]
        body = {"label": "Ann", "user_id": await central.account()}
        accepted = await central.http.post("/api/unknown-cards/nEW1/accept", json=body)
        assert accepted.status_code == 201
        assert accepted.json() | body | {"tag": "NEW1", "status": "Accepted"} == accepted.json()
        assert await status(one, "new1") == "Accepted"
    assert [card["tag"] for card in await central.get("/api/unknown-cards")] == ["NEW2"]
    assert (await central.http.post("/api/unknown-cards/NEW1/accept")).status_code == 404
    assert (await central.http.delete("/api/unknown-cards/NEW2")).status_code == 204
    assert await central.get("/api/unknown-cards") == []
    assert (await central.http.delete("/api/unknown-cards/NEW2")).status_code == 404


async def test_a_tap_enrols_the_next_unknown_card(central: Central) -> None:
    """One window, one card, and what was said of it; the tap is answered Accepted at once."""
    await central.http.put("/api/cards/KNOWN")
    async with central.station() as station, central.station("CP-2") as other:
        await station.boot()
        await other.boot()
        ann = await central.account()
        body = {"seconds": 30, "user_id": ann, "label": "Ann's", "parent": "FAMILY"}
        opened = await central.http.post("/api/chargers/CP-1/enrol", json=body)
        assert (opened.status_code, opened.json()["state"]) == (201, "open")
        again = await central.http.post("/api/chargers/CP-1/enrol")
        assert again.status_code == 409
        assert await status(other, "ELSEWHERE") == "Invalid"
        assert await status(station, "KNOWN") == "Accepted"
        begun = await station.start(tag="STARTED", at="2024-05-01T10:00:00Z")
        assert begun["idTagInfo"]["status"] == "Invalid"
        answer = await station.call("Authorize", {"idTag": "04aa"})
        assert answer["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FAMILY"}
        assert await status(station, "NEXT") == "Invalid"
    ended = await central.get("/api/chargers/CP-1/enrol")
    assert (ended["state"], ended["tag"]) == ("done", "04aa")
    card = await central.get("/api/cards/04AA")
    assert (card["user_id"], card["label"], card["kind"]) == (ann, "Ann's", "rfid")
    [made] = await central.get("/api/cards/04AA/history")
    assert made["who"].endswith("by a tap")
    unknown = {one["tag"] for one in await central.get("/api/unknown-cards")}
    assert unknown == {"ELSEWHERE", "STARTED", "NEXT"}


async def test_a_window_is_cancelled(central: Central) -> None:
    """Then a tap is a stranger's again, and another window may be opened."""
    assert (await central.http.post("/api/chargers/CP-1/enrol")).status_code == 404
    async with central.station() as station:
        await station.boot()
        assert (await central.http.get("/api/chargers/CP-1/enrol")).status_code == 404
        assert (await central.http.delete("/api/chargers/CP-1/enrol")).status_code == 404
        await central.http.post("/api/chargers/CP-1/enrol")
        assert (await central.http.delete("/api/chargers/CP-1/enrol")).status_code == 204
        assert (await central.get("/api/chargers/CP-1/enrol"))["state"] == "cancelled"
        assert await status(station, "NEW") == "Invalid"
        assert (await central.http.post("/api/chargers/CP-1/enrol")).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"seconds": 4},
        {"seconds": 601},
        {"kind": "virtual"},
        {"kind": "guest"},
        {"parent": "é"},
        {"expiry": "9999-12-31T23:59:59-12:00"},
    ],
)
async def test_a_window_for_a_card_that_cannot_be_is_refused(
    central: Central, body: dict[str, Any]
) -> None:
    """When it is opened, not when somebody stands there and taps."""
    await central.http.put("/api/chargers/CP-1")
    assert (await central.http.post("/api/chargers/CP-1/enrol", json=body)).status_code == 422


def test_a_window_lapses_by_itself() -> None:
    """A window that was forgotten takes no stranger's card."""
    with empty_database() as db:
        station = connected(db, "CP-1", accept_unknown=True, make_code=lambda: "CODE", now_ms=1000)
        window = service.open_window(db, "CP-1", CARD, until_ms=2000, now_ms=1000, who="op")
        assert [state_of(window, now_ms) for now_ms in (1999, 2000)] == ["open", "lapsed"]
        with pytest.raises(Refused):
            service.open_window(db, "CP-1", CARD, until_ms=3000, now_ms=1999, who="op")
        service.authorized(db, station.station_id, "NEW", 2000)
        assert find_card(db, "NEW") is None
        service.open_window(db, "CP-1", CARD, until_ms=3000, now_ms=2000, who="op")
        service.authorized(db, station.station_id, "Né", 2001)  # noted, and the window waits on
        service.authorized(db, station.station_id, "NEW", 2999)
        assert find_card(db, "NEW") is not None
        assert [one.who for one in card_history(db, "NEW", 9)] == ["op, by a tap"]
        assert [one.tag for one in service.list_unknown(db, 9)] == ["Né"]


def test_only_the_newest_unknown_tags_are_kept() -> None:
    """A station that makes tags up cannot fill the disk, nor push out what came after."""
    with empty_database() as db:
        station = connected(db, "CP-1", accept_unknown=True, make_code=lambda: "CODE", now_ms=1)
        for number in range(MOST_UNKNOWN + 5):
            service.authorized(db, station.station_id, f"T{number}", 10 + number)
        service.authorized(db, station.station_id, "T7", 9_999)
        kept = service.list_unknown(db, 2 * MOST_UNKNOWN)
        assert len(kept) == MOST_UNKNOWN
        assert [kept[0].tag, kept[1].tag, kept[-1].tag] == ["T7", f"T{MOST_UNKNOWN + 4}", "T5"]
