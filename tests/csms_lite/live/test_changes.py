"""What changed, numbered and followed: in order, gaps replayed, and each sees what it may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from csms_lite.clock import SystemClock
from csms_lite.errors import StoreFailed
from csms_lite.gate import Principal, Role
from csms_lite.live import changes as changes_module
from csms_lite.live import service
from csms_lite.live.changes import Changes, Follower, Told, Wanted
from csms_lite.live.changes_api import NOBODY, account_of
from csms_lite.live.rules import Change
from csms_lite.live.triggers import WATCHED
from csms_lite.stations.presence import Presence
from csms_lite.store.thread import open_database, raw_of
from csms_lite.store.writer import Store, open_store
from tests.csms_lite.central import Central, running
from tests.csms_lite.inline import lay_empty_database
from tests.csms_lite.live.following import following

T0, T1, T2 = "2024-05-01T10:00:00Z", "2024-05-01T10:01:00Z", "2024-05-01T11:00:00Z"


@asynccontextmanager
async def a_store(folder: Path) -> AsyncIterator[Store]:
    clock = SystemClock()
    path = folder / "csms.db"
    lay_empty_database(path)
    async with open_store(path, clock=clock, open_database=open_database) as store:
        await store.do(service.begin_epoch, clock.now_ms())
        yield store


async def note(store: Store, count: int) -> None:
    for number in range(count):
        await store.do(service.note_change, "station", None, {"n": number}, 1)


async def test_an_alert_is_told_when_it_opens_is_seen_and_ends(central: Central) -> None:
    """Not at each word more about it."""
    async with following(central) as events, central.station() as station:
        assert (await events.next())[0] == "hello"
        await station.boot()
        for info in ("one", "two"):
            await station.status(1, "Faulted", errorCode="GroundFailure", info=info)
        [alert] = await central.get("/api/alerts")
        number = alert["id"]
        await central.http.post(f"/api/alerts/{number}/acknowledge")
        await station.status(1, "Available")
        seen = await events.until(lambda one: (one["details"].get("closed_at_ms") or 0) > 0)
    told = [one for one in seen if one["kind"] == "alert"]
    assert {(one["charger"], one["connector"]) for one in told} == {("CP-1", 1)}
    details = [one["details"] for one in told]
    assert [(one["alert_id"], one["kind"]) for one in details] == [(number, "fault")] * 3
    assert [
        (one["acknowledged_at_ms"] is None, one["closed_at_ms"] is None) for one in details
    ] == [(True, True), (False, True), (False, False)]


def status(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda change: change.get("details", {}).get("status") == name


async def test_everything_that_changes_is_told_once_in_order(central: Central) -> None:
    """Station, connector, session and command, numbered as they were committed."""
    async with following(central) as events:
        assert (await events.next())[0] == "hello"
        async with central.station() as station:
            await station.boot()
            await station.status(1, "Preparing", info="it's \x1f here")
            begun = await station.start(at=T0)
            await station.meter(begun["transactionId"], energy=1500, power=7400, at=T1)
            await station.stop(begun["transactionId"], meter=2000, at=T2)
            body = {"action": "Reset", "payload": {"type": "Soft"}}
            await central.http.post("/api/chargers/CP-1/commands", json=body)
            await station.status(1, "Finishing")
        seen = await events.until(lambda one: one["details"].get("online") is False)
    numbers = [one["number"] for one in seen]
    assert numbers == sorted(set(numbers))
    assert {one["charger"] for one in seen} == {"CP-1"}
    told = [(one["kind"], one["details"]) for one in seen]
    assert {kind for kind, _ in told} == {"station", "connector", "session", "command"}
    states = [details["state"] for kind, details in told if kind == "session"]
    assert states == ["running", "running", "closed"]
    assert [one["connector"] for one in seen if one["kind"] == "connector"] == [1, 1]
    preparing = next(details for kind, details in told if kind == "connector")
    assert (preparing["info"], preparing["vendor_error_code"]) == ("it's  here", None)
    commands = [details["state"] for kind, details in told if kind == "command"]
    assert commands[:2] == ["asked", "sent"]
    sessions = [details for kind, details in told if kind == "session"]
    assert [(one["meter_stop_wh"], one["power_w"]) for one in sessions] == [
        (None, None),
        (None, 7400),
        (2000, 0),
    ]


async def test_what_is_told_again_is_no_change(central: Central) -> None:
    """A status repeated every minute must not wake every page."""
    async with central.station() as station:
        await station.boot()
        await station.status(1, "Available")
        async with following(central) as events:
            await events.next()
            for _ in range(3):
                await station.status(1, "Available")
            await station.status(1, "Preparing")
            seen = await events.until(status("Preparing"))
    assert [one["kind"] for one in seen].count("connector") == 1


async def test_who_wants_some_changes_is_told_those(central: Central) -> None:
    """By charger and by kind, live and replayed; an unknown kind is said."""
    async with (
        central.station() as one,
        central.station("CP-2") as other,
        following(central, kind=["connector", "alert"], charger=["CP-1"]) as events,
        following(central, charger="CP-2") as of_other,
    ):
        _, hello = await events.next()
        await of_other.next()
        for station in (other, one):
            await station.boot()
            await station.status(1, "Preparing")
        assert {one["charger"] for one in await of_other.until(status("Preparing"))} == {"CP-2"}
        live = await events.until(status("Preparing"))
        async with following(central, hello["number"], kind="connector", charger="CP-1") as again:
            assert await again.until(status("Preparing")) == live
    assert [(one["charger"], one["kind"]) for one in live] == [("CP-1", "connector")]
    for query, said in (("kind=meeting", "no kind"), ("charger=A&" * 51, "at most 50")):
        refused = await central.http.get(f"/api/events?{query}")
        assert refused.status_code == 422
        assert said in refused.json()["detail"]


async def test_who_is_told_little_goes_on_from_where_the_rest_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quiet client that comes again after days would else be told of a gap."""
    monkeypatch.setattr(changes_module, "QUIET_S", 0.05)
    async with a_store(tmp_path) as store:
        changes = Changes(store, SystemClock(), Presence())
        stream = changes.follow(None, None, Wanted(kinds=frozenset({"alert"})))
        first = (await anext(stream)).number
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(changes.tell_on())
            await note(store, 5)
            async with asyncio.timeout(5):
                while (told := await anext(stream)).number < first + 5:
                    assert told.kind == "quiet"
            changes.close()
            await stream.aclose()
    assert told == Told("quiet", first + 5, {"number": first + 5})


async def test_a_gap_is_replayed_from_the_table(tmp_path: Path) -> None:
    """Also over a restart, each change once."""
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        async with following(central) as events:
            _, hello = await events.next()
            await station.status(1, "Available")
            last = (await events.until(status("Available")))[-1]["number"]
        await station.status(1, "Preparing")
    async with running(tmp_path) as central, central.station() as station:
        await station.status(1, "Charging")
        async with following(central, last) as events:
            seen = await events.until(status("Charging"))
            await station.status(1, "Finishing")
            seen += await events.until(status("Finishing"))
    numbers = [one["number"] for one in seen]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == last + 1 > hello["number"]
    shown = [one["details"]["status"] for one in seen if one["kind"] == "connector"]
    assert shown == ["Preparing", "Charging", "Finishing"]
    assert [one for one in seen if one["kind"] == "system"]


async def test_a_gap_too_old_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was away too long learns that the rest is to be read anew; so does the future."""
    monkeypatch.setattr(service, "CHANGES_KEPT", 5)
    async with a_store(tmp_path) as store:
        await note(store, 20)
        assert await store.do(service.forget_changes) > 0
        assert await store.do(service.forget_changes) == 0
        changes = Changes(store, SystemClock(), Presence())
        for after, first in ((1, ["gap", "station"]), (99, ["gap"]), (16, ["station"])):
            stream = changes.follow(None, after)
            assert [(await anext(stream)).kind for _ in first] == first
            await stream.aclose()
        stream = changes.follow(None, 1)
        assert await anext(stream) == Told("gap", 16, {"asked_after": 1, "number": 16})
        assert [(await anext(stream)).number for _ in range(5)] == [17, 18, 19, 20, 21]
        await stream.aclose()
        assert changes.followers == 0


async def test_of_two_who_come_first_neither_misses_what_the_other_read_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ask where the changes stand; the one who hears it later may have heard of more."""
    async with a_store(tmp_path) as store:
        changes = Changes(store, SystemClock(), Presence())
        read, is_late = store.read, asyncio.Event()
        asked: list[int] = []

        async def late_for_the_second(query: Any, *rest: Any) -> Any:
            if query is service.ends:
                asked.append(1)
                if len(asked) == 2:
                    await is_late.wait()
            return await read(query, *rest)

        monkeypatch.setattr(store, "read", late_for_the_second)
        first, second = changes.follow(None, None), changes.follow(None, None)
        hello = asyncio.ensure_future(anext(first))
        late = asyncio.ensure_future(anext(second))
        number = (await hello).number
        waiting = asyncio.ensure_future(anext(first))
        await note(store, 1)
        is_late.set()
        assert (await late).number == number + 1
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(changes.tell_on())
            await note(store, 1)
            async with asyncio.timeout(5):
                told = [await waiting, await anext(first), await anext(second)]
            changes.close()
            for stream in (first, second):
                await stream.aclose()
    assert [one.number for one in told] == [number + 1, number + 2, number + 2]


async def test_a_slow_follower_is_cut_off_and_holds_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one client does not read must not fill the memory; it goes on from its number."""
    monkeypatch.setattr(changes_module, "QUEUE_MAX", 3)
    follower = Follower(None)
    for number in range(10):
        follower.offer(Change(number, 0, "station", None, None, None, None, "{}"))
    assert follower.is_cut
    assert await follower.take(0.001) is None


async def test_nobody_sees_what_is_anothers(tmp_path: Path) -> None:
    """An account is told its own, live and replayed; a USER without one is told nothing."""

    def of_account(db: Connection, account_id: int | None) -> None:
        raw_of(db).execute(
            "INSERT INTO changes (at_ms, kind, user_id, details) VALUES (1, 'session', ?, '{}')",
            (account_id,),
        )

    async with a_store(tmp_path) as store:
        changes = Changes(store, SystemClock(), Presence())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(changes.tell_on())
            first = (await store.read(service.ends))[1]
            for account in (7, 8, None):
                await store.do(of_account, account)
            streams = {who: changes.follow(who, first) for who in (7, NOBODY, None)}
            seen: dict[int | None, list[int]] = {7: [(await anext(streams[7])).number]}
            seen[None] = [(await anext(streams[None])).number for _ in range(3)]
            waiting = asyncio.ensure_future(anext(streams[NOBODY], None))
            for account in (8, 7):
                await store.do(of_account, account)
            seen[7].append((await anext(streams[7])).number)
            seen[None] += [(await anext(streams[None])).number for _ in range(2)]
            assert not waiting.done()
            changes.close()
            assert await waiting is None
    assert seen == {
        7: [first + 1, first + 5],
        None: [first + 1, first + 2, first + 3, first + 4, first + 5],
    }


def test_who_sees_what() -> None:
    """Staff see all, a driver the own account, and one without an account nothing."""
    sight = {
        role: account_of(Principal(role=role, name="x", user_id=None if role == Role.USER else 3))
        for role in Role
    }
    assert sight == {Role.ADMIN: None, Role.OPERATOR: None, Role.VIEWER: None, Role.USER: NOBODY}
    assert account_of(Principal(role=Role.USER, name="x", user_id=3)) == 3


async def test_a_bug_in_telling_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One failure is one failure: the next look goes on where the last one stood."""
    async with a_store(tmp_path) as store:
        changes = Changes(store, SystemClock(), Presence())
        real = service.changes_after
        failures: list[int] = []

        def fails_once(db: Connection, *rest: Any) -> list[Change]:
            if not failures:
                failures.append(1)
                raise KeyError("a bug")
            return real(db, *rest)

        stream = changes.follow(None, None)
        await anext(stream)
        monkeypatch.setattr(changes_module, "changes_after", fails_once)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(changes.tell_on())
            async with asyncio.timeout(5):
                while not failures:
                    await note(store, 1)
            await note(store, 1)
            first = await anext(stream)
            second = await anext(stream)
            changes.close()
            await stream.aclose()
    assert second.number == first.number + 1


async def test_a_station_that_came_is_told_when_the_disk_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row tells that a socket is there, so it is tried until it is kept."""
    monkeypatch.setattr(changes_module, "RETRY_S", 0.01)
    async with a_store(tmp_path) as store:
        presence = Presence()
        changes = Changes(store, SystemClock(), presence)
        presence.arrived(5, 1, 0)
        do = store.do
        refusals: list[int] = []

        async def refuses_twice(verb: Any, *rest: Any) -> Any:
            if len(refusals) < 2:
                refusals.append(1)
                raise StoreFailed("full")
            return await do(verb, *rest)

        monkeypatch.setattr(store, "do", refuses_twice)
        stream = changes.follow(None, None)
        await anext(stream)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(changes.tell_on())
            changes.touch(5)
            changes.touch(5)
            told = await anext(stream)
            changes.close()
            await stream.aclose()
    assert told.document["details"] == {"online": True}
    assert len(refusals) == 2


async def test_triggers_survive_a_second_start_and_match_their_tables(tmp_path: Path) -> None:
    """A trigger lost by a migration would be silence; two of one would tell twice."""

    def names(db: Connection) -> list[str]:
        found = raw_of(db).execute("SELECT name FROM sqlite_master WHERE type='trigger'")
        return sorted(str(name) for (name,) in found)

    for _ in range(2):
        async with a_store(tmp_path) as store:
            assert await store.read(names) == sorted(
                f"changes_{how}_{watched.table.name}"
                for watched in WATCHED
                for how in ("new", "of")
            )
