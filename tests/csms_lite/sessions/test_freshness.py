"""While somebody watches, old readings are asked for: not too often, not where it is no use."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import Connection

from csms_lite.chance import Chance
from csms_lite.commands import service as commands
from csms_lite.sessions.freshness import MOST_WATCHED, Freshness
from csms_lite.sessions.measures import read_sample
from csms_lite.sessions.rules import Start, Stop
from csms_lite.sessions.sampling import Measured, sampled
from csms_lite.sessions.service import session, start, stop
from csms_lite.stations.presence import Presence
from csms_lite.stations.service import connected
from csms_lite.store.thread import open_database, raw_of
from csms_lite.store.writer import Store, open_store
from tests.csms_lite.central import Central, running
from tests.csms_lite.inline import lay_empty_database

T0 = "2024-05-01T10:00:00.000Z"
NOW_MS = 1_714_557_600_000


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.s = 0.0

    def now_ms(self) -> int:
        return NOW_MS + round(self.s * 1000)

    def monotonic(self) -> float:
        return self.s


@dataclass(kw_only=True)
class Watched:
    """A session at a charger, and what is asked of it."""

    store: Store
    clock: Hand
    presence: Presence
    freshness: Freshness
    number: int
    rung: list[int] = field(default_factory=list)
    streamed: list[int] = field(default_factory=list)

    async def look(self) -> None:
        self.freshness.look(await self.store.read(session, self.number))

    async def measure(self) -> None:
        """Let the charger tell a reading of now."""
        sample = read_sample(self.clock.now_ms(), [{"value": "1"}])
        told = Measured(1, 1, self.number, [sample], self.clock.now_ms())
        await self.store.do(sampled, [told])

    async def pass_time(self, seconds: int, *, looking: bool = True) -> int:
        """Let time go by, two seconds at once; gives how many commands were asked for in it."""
        before = len(await self.asked())
        for _ in range(seconds // 2):
            self.clock.s += 2
            if looking:
                await self.look()
            await self.freshness.refresh()
        return len(await self.asked()) - before

    async def asked(self) -> list[Any]:
        return [
            (one.action, one.payload_json)
            for one in await self.store.read(commands.list_commands, "CP-1", 1000)
        ]

    async def answer(self, status: str) -> None:
        """Let the charger answer what was asked of it last."""
        taken = (await self.store.do(commands.take_next, 1, self.clock.now_ms())).command
        assert taken is not None
        await self.store.do(
            commands.answered, taken.command_id, {"status": status}, self.clock.now_ms()
        )


@pytest_asyncio.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    clock, presence = Hand(), Presence()
    rung: list[int] = []
    streamed: list[int] = []
    lay_empty_database(tmp_path / "c.db")
    async with open_store(tmp_path / "c.db", clock=clock, open_database=open_database) as store:
        await store.do(connected, "CP-1", accept_unknown=True, make_code=lambda: "C", now_ms=0)
        presence.arrived(1, 1, 0)
        begun = Start(
            connector=1, id_tag="A", meter_start_wh=0, started_at_ms=NOW_MS, reservation_id=None
        )
        number, _ = await store.do(
            start, 1, begun, verdict="Accepted", message_id="m", now_ms=NOW_MS
        )
        freshness = Freshness(
            store,
            clock,
            Chance(random.Random(1)),
            presence,
            ring=rung.append,
            streamed=lambda: streamed,
        )
        found = Watched(
            store=store,
            clock=clock,
            presence=presence,
            freshness=freshness,
            number=number,
            rung=rung,
            streamed=streamed,
        )
        await found.measure()
        yield found


async def test_what_nobody_watches_is_left_alone(watched: Watched) -> None:
    """Each message may cost somebody money (complaint 27)."""
    assert await watched.pass_time(300, looking=False) == 0


async def test_an_old_reading_is_asked_for_every_twenty_seconds(watched: Watched) -> None:
    """Decision 20: not before it is old, then at most every 20 s, the connector named."""
    assert await watched.pass_time(20) == 0
    assert await watched.pass_time(2) == 1
    assert await watched.asked() == [
        ("TriggerMessage", '{"requestedMessage":"MeterValues","connectorId":1}')
    ]
    assert watched.rung == [1]
    await watched.answer("Accepted")
    assert await watched.pass_time(18) == 0
    assert await watched.pass_time(2) == 1


async def test_a_charger_that_tells_often_is_not_asked(watched: Watched) -> None:
    """Its own samples are fresh enough."""
    for _ in range(10):
        assert await watched.pass_time(18) == 0
        await watched.measure()


async def test_it_ends_when_nobody_looks_any_more(watched: Watched) -> None:
    """Half a minute after the last look."""
    assert await watched.pass_time(22) == 1
    await watched.answer("Accepted")
    assert await watched.pass_time(30, looking=False) == 1
    await watched.answer("Accepted")
    assert await watched.pass_time(300, looking=False) == 0


async def test_an_open_page_is_a_look(watched: Watched) -> None:
    """Who streams the station's status watches all its sessions."""
    watched.streamed.append(1)
    assert await watched.pass_time(22, looking=False) == 1


async def test_what_is_not_answered_is_not_asked_again(watched: Watched) -> None:
    """A command that is under way may be slow; a second one would queue behind it."""
    assert await watched.pass_time(22) == 1
    taken = (await watched.store.do(commands.take_next, 1, watched.clock.now_ms())).command
    assert taken is not None
    assert await watched.pass_time(36) == 0
    await watched.store.do(commands.failed, taken.command_id, "no answer", watched.clock.now_ms())
    assert await watched.pass_time(2) == 1


async def test_a_charger_that_refuses_is_asked_again_only_when_it_comes_back(
    watched: Watched,
) -> None:
    """NotImplemented stays so until its next connection, perhaps with another firmware."""
    assert await watched.pass_time(22) == 1
    await watched.answer("NotImplemented")
    assert await watched.pass_time(200) == 0
    watched.presence.arrived(1, 2, 0)
    assert await watched.pass_time(60) >= 1


async def test_a_charger_that_is_away_is_not_asked(watched: Watched) -> None:
    """Its commands would only expire."""
    watched.presence.left(1, 1)
    assert await watched.pass_time(60) == 0


async def test_an_ended_session_is_not_asked_for(watched: Watched) -> None:
    """Nothing changes there any more."""
    ended = Stop(
        transaction_id=watched.number,
        meter_stop_wh=5,
        stopped_at_ms=NOW_MS,
        reason="Local",
        id_tag=None,
        samples=(),
    )
    await watched.look()
    await watched.store.do(stop, 1, ended, payload={}, now_ms=NOW_MS)
    assert await watched.pass_time(60) == 0


async def test_what_is_watched_has_a_bound(watched: Watched) -> None:
    """Who asks for one session after the other does not fill the memory."""
    known = await watched.store.read(session, watched.number)
    for connector in range(MOST_WATCHED + 10):
        watched.freshness.look(known._replace(connector=connector))
    assert len(watched.freshness._watched) == MOST_WATCHED


@asynccontextmanager
async def seen_by_charger(tmp_path: Path, **settings: Any) -> AsyncIterator[tuple[Central, Any]]:
    """A running session whose only reading is years old, and whose live state somebody read."""
    async with running(tmp_path, **settings) as central, central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        await station.meter(number, energy=1, power=1, at=T0)
        await central.get(f"/api/sessions/{number}/live")
        yield central, station


async def test_who_reads_the_live_state_makes_it_fresh(tmp_path: Path) -> None:
    """The whole way, from the page to the wire."""
    async with seen_by_charger(tmp_path) as (_central, station):
        frame = await station.receive()
    assert frame[2:] == ["TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}]


async def test_metered_links_are_spared_by_a_setting(tmp_path: Path) -> None:
    """Off is off."""
    async with seen_by_charger(tmp_path, trigger_when_watched=False) as (central, _station):
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert "tidy" in names
        assert "freshness" not in names
        assert await central.get("/api/chargers/CP-1/commands") == []


async def test_a_charger_that_was_thrown_out_costs_the_others_nothing(watched: Watched) -> None:
    """It may be sent nothing; the one behind it is watched, and asked."""
    store = watched.store
    second = await store.do(connected, "CP-2", accept_unknown=True, make_code=lambda: "D", now_ms=0)
    watched.presence.arrived(second.station_id, second.connection, 0)
    begun = Start(connector=1, id_tag="A", meter_start_wh=0, started_at_ms=0, reservation_id=None)
    await store.do(
        start, second.station_id, begun, verdict="Accepted", message_id="m2", now_ms=NOW_MS
    )
    watched.streamed += [1, second.station_id]

    def throw_out(db: Connection) -> None:
        raw_of(db).execute("UPDATE stations SET registration = 'Rejected' WHERE station_id = 1")

    await store.do(throw_out)
    watched.clock.s += 60
    await watched.freshness.refresh()
    assert await watched.asked() == []
    assert len(await store.read(commands.list_commands, "CP-2", 10)) == 1
