"""A driver's start over the wire: checked, linked, and nothing stuck whatever is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.csms_lite.central import Central, running
from tests.csms_lite.charging.driver import CARD, command_is, gone, now, ready, reply, start, until


async def test_a_start_becomes_the_session_that_the_charger_tells_of(central: Central) -> None:
    """Pending, then running under the same number, at the price of the moment he asked (B46)."""
    await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 45})
    async with ready(central) as (station, code):
        asking = asyncio.ensure_future(start(central, code, wait=5))
        assert await reply(station, "RemoteStartTransaction") == {"connectorId": 1, "idTag": CARD}
        answer = await asking
        assert answer.status_code == 200, answer.text
        asked = answer.json()
        assert (asked["state"], asked["command"]["state"]) == ("pending", "answered")
        assert (asked["started_at"], asked["live"]["energy_wh"]) == (None, 0)
        await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 99})
        begun = await station.start(at=now(), tag=CARD.lower())
        assert begun["transactionId"] == asked["transaction_id"]
        session = await central.get(f"/api/sessions/{asked['transaction_id']}")
        assert (session["state"], session["meter_start_wh"]) == ("running", 1000)
        assert session["start_command"] == asked["command"]["id"]
        await station.stop(asked["transaction_id"], meter=3000, at=now())
    session = await central.get(f"/api/sessions/{asked['transaction_id']}")
    assert (session["state"], session["cost_minor"]) == ("closed", 90)
    assert len(await central.get("/api/sessions")) == 1


async def test_what_has_not_begun_is_not_on_the_page(central: Central) -> None:
    """The driver's page shows sessions, not wishes, and the one before until its cable is out."""
    async with ready(central, "Finishing") as (station, code):
        number = (await station.start(at=now()))["transactionId"]
        await station.stop(number, meter=3000, at=now())
        await station.status(1, "Preparing")
        await start(central, code)
        for status in ("Preparing", "Faulted", "Preparing"):
            await station.status(1, status)
            [shown] = (await central.get(f"/api/public/stations/{code}/status"))["connectors"]
            assert shown["session"] is None
        await reply(station, "RemoteStartTransaction")
        await station.start(at=now(), meter=3000)
        [shown] = (await central.get(f"/api/public/stations/{code}/status"))["connectors"]
        assert shown["session"]["cost_final"] is False


async def test_a_charger_that_says_no_rejects_the_session(central: Central) -> None:
    """The reason is kept in words, and the connector is free for the next wish."""
    async with ready(central) as (station, code):
        asking = asyncio.ensure_future(start(central, code, wait=5))
        await reply(station, "RemoteStartTransaction", "Rejected")
        asked = (await asking).json()
        assert (asked["state"], asked["problem"]) == ("rejected", "the charger refused to start")
        again = await start(central, code)
        assert again.status_code == 202
        assert again.json()["transaction_id"] != asked["transaction_id"]


async def test_a_card_after_a_refusal_is_another_session(central: Central) -> None:
    """What the charger refused has caused nothing: the driver tapped his card."""
    async with ready(central) as (station, code):
        asking = asyncio.ensure_future(start(central, code, wait=5))
        await reply(station, "RemoteStartTransaction", "Rejected")
        asked = (await asking).json()
        begun = await station.start(at=now())
        assert begun["transactionId"] != asked["transaction_id"]
        assert (await central.get(f"/api/sessions/{begun['transactionId']}"))[
            "start_command"
        ] is None


async def test_a_callerror_fails_the_session(central: Central) -> None:
    """With the charger's words."""
    async with ready(central) as (station, code):
        asking = asyncio.ensure_future(start(central, code, wait=5))
        frame = await station.receive()
        await station.send(4, frame[1], "InternalError", "no relay", {})
        asked = (await asking).json()
    assert asked["state"] == "failed"
    assert "no relay" in asked["problem"]


async def test_of_two_starts_at_once_one_is_sent(central: Central) -> None:
    """Two drivers, one connector: the second is told why, and one frame leaves."""
    async with ready(central) as (station, code):
        answers = await asyncio.gather(start(central, code), start(central, code))
        assert sorted(answer.status_code for answer in answers) == [202, 409]
        [refused] = [answer.json() for answer in answers if answer.status_code == 409]
        assert "somebody is starting there just now" in refused["detail"]
        await reply(station, "RemoteStartTransaction")
        await station.call("Heartbeat")
        assert station.asked == []
    assert len(await central.get("/api/sessions")) == 1


async def test_two_starts_at_once_take_two_connectors(central: Central) -> None:
    """Without a wish each gets the first that is free for him."""
    async with ready(central, "Available", "Available") as (_station, code):
        answers = await asyncio.gather(start(central, code), start(central, code))
        assert sorted(answer.json()["connector"] for answer in answers) == [1, 2]


@pytest.mark.parametrize("limited", ["card", "group"])
async def test_two_starts_at_once_do_not_pass_a_budget_of_one(
    central: Central, limited: str
) -> None:
    """What is wished for counts until it comes to nothing; what began of it is no second one."""
    one = {"budgets": {"month": {"sessions": 1}}}
    async with ready(central, "Available", "Available") as (station, code):
        await central.http.put("/api/card-groups/FLEET", json=one if limited == "group" else {})
        card = {"parent": "FLEET"} if limited == "group" else one
        await central.http.put(f"/api/cards/{CARD}", json=card)
        answers = await asyncio.gather(start(central, code), start(central, code))
        assert sorted(answer.status_code for answer in answers) == [202, 409]
        [refused] = [answer.json() for answer in answers if answer.status_code == 409]
        assert "used up its 1 sessions" in refused["detail"]
        await reply(station, "RemoteStartTransaction", "Rejected")
        await command_is(central, "answered")
        asked = await start(central, code)
        assert asked.status_code == 202, asked.text
        await reply(station, "RemoteStartTransaction")
        begun = await station.start(at=now())
        assert begun["transactionId"] == asked.json()["transaction_id"]
        assert begun["idTagInfo"]["status"] == "Accepted"
        assert (await start(central, code)).status_code == 409


async def test_the_same_reference_starts_nothing_twice(central: Central) -> None:
    """1.7 row 27: a lost answer is asked again, at once and later, by the caller's own name."""
    async with ready(central) as (station, code):
        together = await asyncio.gather(
            start(central, code, reference="ABC123"), start(central, code, reference="ABC123")
        )
        [number] = {answer.json()["transaction_id"] for answer in together}
        await reply(station, "RemoteStartTransaction")
        await station.start(at=now())
        later = await start(central, code, reference="ABC123", wait=5)
        assert (later.status_code, later.json()["transaction_id"]) == (200, number)
        assert (later.json()["state"], later.json()["command"]) == ("running", None)
        await central.http.put("/api/cards/CARD2")
        other = await start(central, code, reference="ABC123", tag="CARD2")
        assert other.status_code == 409
        assert str(number) not in other.text
        await station.call("Heartbeat")
        assert station.asked == []
    assert len(await central.get("/api/sessions")) == 1


async def test_a_reference_is_a_chargers_own(central: Central) -> None:
    """Two chargers may see the same name."""
    async with ready(central) as (_station, code), central.station("CP-2") as second:
        await second.boot()
        await second.status(1, "Available")
        other = (await central.get("/api/chargers/CP-2"))["code"]
        one = await start(central, code, reference="R")
        two = await start(central, other, reference="R")
        assert one.json()["transaction_id"] != two.json()["transaction_id"]


@pytest.mark.parametrize(
    ("tag", "body", "why"),
    [
        ("STRANGER", None, "not known here"),
        ("BLOCKED", {"status": "Blocked"}, "blocked"),
        ("OLD", {"expiry": "2001-01-01T00:00:00Z"}, "expired"),
    ],
)
async def test_a_card_that_is_not_good_starts_nothing(
    central: Central, tag: str, body: dict[str, Any] | None, why: str
) -> None:
    """Checked before anything is sent; nothing is stored (B46)."""
    if body is not None:
        await central.http.put(f"/api/cards/{tag}", json=body)
    async with ready(central) as (station, code):
        answer = await start(central, code, tag=tag)
        assert answer.status_code == 409
        assert why in answer.json()["detail"]
        await station.call("Heartbeat")
        assert station.asked == []
    assert await central.get("/api/sessions") == []
    assert await central.get("/api/chargers/CP-1/commands") == []


async def test_a_charger_that_is_away_is_refused_at_once(central: Central) -> None:
    """B38: 409 with the reason, no command that waits."""
    async with ready(central) as (_station, code):
        pass
    await gone(central)
    answer = await start(central, code)
    assert answer.status_code == 409
    assert "no connection" in answer.json()["detail"]


async def test_who_may_not_start_hears_of_unknown_codes_only_that(central: Central) -> None:
    """404 with a hint to the sticker."""
    answer = await start(central, "NOPE")
    assert (answer.status_code, "sticker" in answer.json()["detail"]) == (404, True)


async def test_a_lost_line_fails_the_session_and_a_late_start_runs_it(central: Central) -> None:
    """The answer is lost, the car charges: failed becomes running, under the same number."""
    async with ready(central) as (station, code):
        asked = (await start(central, code)).json()
        await station.receive()
        station.socket.transport.abort()
    number = asked["transaction_id"]
    failed = await until(central, number, "failed")
    assert "outcome is unknown" in failed["problem"]
    async with central.station() as station:
        assert (await station.start(at=now()))["transactionId"] == number
    session = await central.get(f"/api/sessions/{number}")
    assert (session["state"], session["problem"]) == ("running", None)


async def test_a_restart_between_command_and_start_loses_nothing(tmp_path: Path) -> None:
    """The process ends while the charger thinks; the session fails, then runs after all."""
    async with running(tmp_path) as central, ready(central) as (station, code):
        asked = (await start(central, code)).json()
        await station.receive()
        number = asked["transaction_id"]
    async with running(tmp_path) as central:
        await until(central, number, "failed")
        async with central.station() as station:
            assert (await station.start(at=now()))["transactionId"] == number
            assert (await station.start(at=now()))["transactionId"] != number
        assert (await central.get(f"/api/sessions/{number}"))["state"] == "running"


async def test_a_restart_after_accepted_leaves_the_session_pending(tmp_path: Path) -> None:
    """The charger waits for the cable; so do we."""
    async with running(tmp_path) as central, ready(central) as (station, code):
        asking = asyncio.ensure_future(start(central, code, wait=5))
        await reply(station, "RemoteStartTransaction")
        number = (await asking).json()["transaction_id"]
    async with running(tmp_path) as central, central.station() as station:
        assert (await central.get(f"/api/sessions/{number}"))["state"] == "pending"
        assert (await station.start(at=now()))["transactionId"] == number


async def test_a_start_told_again_is_the_same_session(central: Central) -> None:
    """The answer to StartTransaction is lost; it comes again with a new id (ruling 7 d)."""
    async with ready(central) as (station, code):
        asked = (await start(central, code)).json()
        await reply(station, "RemoteStartTransaction")
        at = now()
        for message_id in ("a", "a", "b"):
            begun = await station.start(at=at, message_id=message_id)
            assert begun["transactionId"] == asked["transaction_id"]
    assert len(await central.get("/api/sessions")) == 1


async def test_another_card_or_connector_is_not_what_was_asked(central: Central) -> None:
    """Only tag and connector together link; the wish waits on."""
    await central.http.put("/api/cards/CARD2")
    async with ready(central, "Available", "Available") as (station, code):
        asked = (await start(central, code, connector=1)).json()
        await reply(station, "RemoteStartTransaction")
        other_card = await station.start(at=now(), tag="CARD2", connector=1)
        other_place = await station.start(at=now(), connector=2)
        numbers = {other_card["transactionId"], other_place["transactionId"]}
        assert asked["transaction_id"] not in numbers
        assert (await central.get(f"/api/sessions/{asked['transaction_id']}"))["state"] == "pending"


async def test_a_session_of_yesterday_is_not_what_was_asked(central: Central) -> None:
    """A charger that was offline tells its old sessions while a wish waits."""
    async with ready(central) as (station, code):
        asked = (await start(central, code)).json()
        await reply(station, "RemoteStartTransaction")
        old = await station.start(at=now(-86_400))
        assert old["transactionId"] != asked["transaction_id"]
        assert (await station.start(at=now()))["transactionId"] == asked["transaction_id"]


async def test_an_operators_start_is_linked_to_its_session(central: Central) -> None:
    """Complaint 2: RemoteStart tells which session it caused, with and without connector."""
    async with ready(central) as (station, _code):
        for payload in ({"idTag": CARD}, {"idTag": CARD, "connectorId": 1}):
            body = {"action": "RemoteStartTransaction", "payload": payload}
            asking = asyncio.ensure_future(
                central.http.post("/api/chargers/CP-1/commands?wait=5", json=body)
            )
            await reply(station, "RemoteStartTransaction")
            command = (await asking).json()
            number = (await station.start(at=now()))["transactionId"]
            session = await central.get(f"/api/sessions/{number}")
            assert session["start_command"] == command["id"]
            found = await central.get(f"/api/sessions?command={command['id']}")
            assert [one["transaction_id"] for one in found] == [number]
            await station.stop(number, meter=2000, at=now())
        body = {"action": "RemoteStartTransaction", "payload": {"idTag": CARD}}
        asking = asyncio.ensure_future(
            central.http.post("/api/chargers/CP-1/commands?wait=5", json=body)
        )
        await reply(station, "RemoteStartTransaction", "Rejected")
        await asking
        alone = (await station.start(at=now()))["transactionId"]
        assert (await central.get(f"/api/sessions/{alone}"))["start_command"] is None
