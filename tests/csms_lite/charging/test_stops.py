"""A driver's stop over the wire, and starts that come to nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from csms_lite.charging import service
from csms_lite.clock import SystemClock, rfc3339
from csms_lite.commands import service as commands
from csms_lite.sessions import wishes
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store
from tests.csms_lite.central import WITHIN_S, Central, running
from tests.csms_lite.charging.driver import (
    command_is,
    gone,
    now,
    pending,
    ready,
    reply,
    start,
    stop,
)

MOST_S = 30  # as long as anybody may wait


async def test_a_stop_is_sent_once_and_ends_by_the_chargers_word(central: Central) -> None:
    """B47: Accepted is no end yet; StopTransaction is. Asked again meanwhile it is one command."""
    async with ready(central) as (station, _code):
        number = (await station.start(at=now()))["transactionId"]
        first = asyncio.ensure_future(stop(central, number, wait=5))
        frame = await station.receive()
        second = await stop(central, number)
        assert frame[2:] == ["RemoteStopTransaction", {"transactionId": number}]
        await station.send(3, frame[1], {"status": "Accepted"})
        answer = (await first).json()
        assert second.json()["command"]["id"] == answer["command"]["id"]
        assert (answer["state"], answer["stop_asked"]) == ("running", True)
        await station.stop(number, meter=2000, at=now(), reason="Remote")
        assert station.asked == []
        after = await stop(central, number)
        assert (after.status_code, after.json()["state"]) == (200, "closed")
        assert after.json()["command"] is None
        await station.call("Heartbeat")
        assert station.asked == []


async def test_a_stop_that_the_charger_refused_may_be_asked_again(central: Central) -> None:
    """The driver presses again: that is a new command."""
    async with ready(central) as (station, _code):
        number = (await station.start(at=now()))["transactionId"]
        for status in ("Rejected", "Accepted"):
            asking = asyncio.ensure_future(stop(central, number, wait=5))
            await reply(station, "RemoteStopTransaction", status)
            assert (await asking).json()["state"] == "running"


async def test_a_stop_at_a_charger_that_is_away_is_refused(central: Central) -> None:
    """Nothing is promised that cannot be sent."""
    async with ready(central) as (station, _code):
        number = (await station.start(at=now()))["transactionId"]
    await gone(central)
    answer = await stop(central, number)
    assert answer.status_code == 409
    assert "no connection" in answer.json()["detail"]


async def test_a_stop_while_the_start_is_on_its_way_ends_it_as_it_begins(central: Central) -> None:
    """The command cannot be called back; the session is ended in the moment it begins."""
    async with ready(central) as (station, code):
        asked = (await start(central, code)).json()
        frame = await station.receive()
        number = asked["transaction_id"]
        taken = (await stop(central, number)).json()
        assert (taken["state"], taken["stop_asked"], taken["command"]) == ("pending", True, None)
        await station.send(3, frame[1], {"status": "Accepted"})
        await command_is(central, "answered")
        await station.call("Heartbeat")  # the sender has found nothing more to send by now
        at = now()
        assert (await station.start(at=at, message_id="s"))["transactionId"] == number
        assert await reply(station, "RemoteStopTransaction") == {"transactionId": number}
        assert (await station.start(at=at, message_id="s"))["transactionId"] == number
        await station.call("Heartbeat")
        assert station.asked == []


async def test_what_was_asked_and_came_to_nothing_is_failed_in_words(tmp_path: Path) -> None:
    """Accepted, but no cable: after the time of the setting it is failed, and free again."""
    clock = SystemClock()
    async with running(tmp_path) as central, ready(central) as (station, code):
        asking = asyncio.ensure_future(start(central, code, wait=5))
        await reply(station, "RemoteStartTransaction")
        number = (await asking).json()["transaction_id"]
    async with open_store(tmp_path / "csms.db", clock=clock, open_database=open_database) as store:
        asked_at_ms = clock.now_ms()
        assert await store.do(service.settle, asked_at_ms + 100_000, 300_000) == []
        [failed] = await store.do(service.settle, asked_at_ms + 300_000, 300_000)
        assert (failed.transaction_id, failed.state) == (number, "failed")
        assert failed.problem == wishes.CAME_TO_NOTHING.format(300)
        assert await store.do(service.settle, asked_at_ms + 300_000, 300_000) == []


async def test_a_start_that_was_never_sent_fails_with_its_command(tmp_path: Path) -> None:
    """The line went before the frame: expired, and never sent later (half a minute)."""
    async with running(tmp_path) as central, ready(central) as (station, code):
        other = {"action": "ClearCache", "payload": {}}
        await central.http.post("/api/chargers/CP-1/commands", json=other)
        await station.receive()  # unanswered: the start waits behind it
        number = (await start(central, code)).json()["transaction_id"]
    async with open_store(
        tmp_path / "csms.db", clock=SystemClock(), open_database=open_database
    ) as store:
        later_ms = SystemClock().now_ms() + 31_000
        await store.do(commands.expire, later_ms)
        [failed] = await store.do(service.settle, later_ms, 300_000)
        assert (failed.transaction_id, failed.state) == (number, "failed")
        assert "not connected" in (failed.problem or "")
    async with running(tmp_path) as central, central.station() as station:
        begun = await station.start(at=rfc3339(later_ms))
        assert begun["transactionId"] != number


async def test_a_start_that_waits_in_the_queue_is_taken_back_unsent(central: Central) -> None:
    """Stop before the frame leaves: it never does, and the connector is free again."""
    async with ready(central) as (station, code):
        other = {"action": "ClearCache", "payload": {}}
        await central.http.post("/api/chargers/CP-1/commands", json=other)
        frame = await station.receive()
        asking = asyncio.ensure_future(start(central, code, wait=MOST_S))
        number = await pending(central)
        taken = (await stop(central, number)).json()
        assert (taken["state"], taken["problem"]) == ("failed", service.TAKEN_BACK)
        async with asyncio.timeout(WITHIN_S):
            told = (await asking).json()
        assert (told["state"], told["command"]["state"]) == ("failed", "expired")
        await station.send(3, frame[1], {"status": "Accepted"})
        await station.call("Heartbeat")
        assert station.asked == []
        assert (await start(central, code)).status_code == 202


async def test_a_card_that_is_quicker_than_the_command_takes_its_place(central: Central) -> None:
    """The driver taps while the RemoteStart still waits: one session, and no second start."""
    async with ready(central) as (station, code):
        other = {"action": "ClearCache", "payload": {}}
        await central.http.post("/api/chargers/CP-1/commands", json=other)
        frame = await station.receive()
        asking = asyncio.ensure_future(start(central, code, wait=MOST_S))
        number = await pending(central)
        assert (await station.start(at=now()))["transactionId"] == number
        async with asyncio.timeout(WITHIN_S):
            told = (await asking).json()  # whoever waits is told while the other still hangs
        assert (told["state"], told["command"]["state"]) == ("running", "expired")
        await station.send(3, frame[1], {"status": "Accepted"})
        await command_is(central, "expired")
        await station.call("Heartbeat")
        assert station.asked == []
    assert (await central.get(f"/api/sessions/{number}"))["state"] == "running"


async def test_two_stops_while_pending_stay_one(central: Central) -> None:
    """Pressed twice, then begun: one RemoteStop."""
    async with ready(central) as (station, code):
        number = (await start(central, code)).json()["transaction_id"]
        await reply(station, "RemoteStartTransaction")
        await asyncio.gather(stop(central, number), stop(central, number))
        await station.start(at=now())
        await reply(station, "RemoteStopTransaction")
        await station.call("Heartbeat")
        assert station.asked == []
