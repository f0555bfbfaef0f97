"""Alerts: open once however often raised, closed by themselves, seen by somebody."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from csms_lite.alerts import service
from csms_lite.alerts.watch import AT_ONCE, Watch
from csms_lite.chance import Chance
from csms_lite.clock import SystemClock
from csms_lite.house import furnish
from csms_lite.live.rules import change_document
from csms_lite.live.service import begin_epoch, changes_after
from csms_lite.settings import Settings
from csms_lite.stations.liveness import Patience
from csms_lite.stations.presence import Presence
from csms_lite.stations.service import connected, heard, notes_on_station, put_station
from csms_lite.store.thread import open_database
from csms_lite.store.writer import Store, open_store
from tests.csms_lite.central import Central
from tests.csms_lite.inline import lay_empty_database

MINUTE_MS = 60_000
DAY_MS = 86_400_000


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_ms = 1_000_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return self.at_ms / 1000


class Yard:
    """A store with some stations, and who watches them."""

    def __init__(self, store: Store, clock: Hands) -> None:
        self.store = store
        self.clock = clock
        self.touched: list[int] = []
        self.begin()

    def begin(self) -> None:
        """Start the process, which knows nothing of before."""
        self.presence = Presence(self.clock.now_ms())
        self.watch = Watch(self.store, self.clock, self.presence, Patience(), self.touched.append)

    async def station(self, name: str, **words: Any) -> int:
        def make(db: Any) -> int:
            now_ms = self.clock.now_ms()
            put_station(db, name, words, make_code=lambda: name.replace("-", ""), now_ms=now_ms)
            return connected(
                db, name, accept_unknown=False, make_code=lambda: "X", now_ms=now_ms
            ).station_id

        return await self.store.do(make)

    async def after(self, minutes: float) -> list[Any]:
        """Move the clock, look, and give the open alerts."""
        self.clock.at_ms += int(minutes * MINUTE_MS)
        await self.watch.look()
        return await self.store.read(service.list_alerts, 100, only_open=True)

    async def events(self, station_id: int) -> list[tuple[str, Any]]:
        found = await self.store.read(notes_on_station, station_id, 100, with_states=True)
        assert await self.store.read(notes_on_station, station_id, 100) == []
        return [(one.kind, (one.details["from"], one.details["to"])) for one in found[::-1]]


@pytest_asyncio.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    """An empty yard."""
    clock = Hands()
    lay_empty_database(tmp_path / "c.db")
    async with open_store(tmp_path / "c.db", clock=clock, open_database=open_database) as store:
        yield Yard(store, clock)


async def test_a_station_silent_for_a_quarter_of_an_hour_raises_an_alert(yard: Yard) -> None:
    """B99: once, and it closes when the station is heard."""
    station = await yard.station("CP-1")
    assert await yard.after(15) == []
    [alert] = await yard.after(0.1)
    assert (alert.kind, alert.charger, alert.connector) == ("offline", "CP-1", 0)
    assert await yard.after(60) == [alert]
    yard.presence.arrived(station, 2, yard.clock.now_ms())
    assert await yard.after(0) == []
    [closed] = await yard.store.read(service.list_alerts, 100)
    assert closed.alert_id == alert.alert_id
    assert closed.closed_at_ms == yard.clock.now_ms()


async def test_a_stations_certificate_is_told_of_at_60_30_and_7_days(yard: Yard) -> None:
    """Each warning is raised anew, so that it is told again; a later certificate closes it."""
    station = await yard.station("CP-1")
    day = 24 * 60
    ends_ms = yard.clock.now_ms() + 61 * DAY_MS
    yard.presence.showed(station, ends_ms)

    async def told(days: float) -> list[int]:
        found = await yard.after(days * day)
        return [
            json.loads(one.details_json)["days_left"] for one in found if one.kind == "certificate"
        ]

    yard.presence.arrived(station, 2, yard.clock.now_ms())
    assert await told(0) == []
    assert await told(1) == [60]
    assert await told(10) == [60]  # it is told once
    assert await told(20) == [30]
    assert await told(23) == [7]
    assert await told(8) == [-1]
    yard.begin()  # a new process knows it when the station comes, and tells of it no second time
    yard.presence.showed(station, ends_ms)
    assert await told(0) == [-1]
    all_of_them = await yard.store.read(service.list_alerts, 100)
    assert len([one for one in all_of_them if one.kind == "certificate"]) == 4
    yard.presence.showed(station, ends_ms + 365 * DAY_MS)
    assert await told(0) == []


async def test_a_station_that_comes_without_its_certificate_is_warned_of_no_more(
    yard: Yard,
) -> None:
    """Nobody but us can close it: also after a restart, when it was raised by another process."""
    station = await yard.station("CP-1")
    yard.presence.arrived(station, 1, yard.clock.now_ms())
    yard.presence.showed(station, yard.clock.now_ms() + DAY_MS)
    assert [one.kind for one in await yard.after(0)] == ["certificate"]
    yard.begin()
    yard.presence.arrived(station, 2, yard.clock.now_ms())
    assert [one.kind for one in await yard.after(0)] == ["certificate"]
    yard.presence.showed(station, None)
    assert await yard.after(0) == []
    assert yard.presence.first_end_ms() == ()


async def test_who_is_not_in_service_raises_none(yard: Yard) -> None:
    """Dismissed, not accepted, never seen."""
    await yard.station("CP-1", dismissed=True)
    await yard.station("CP-2", registration="Pending")
    assert await yard.after(60) == []


async def test_our_own_absence_is_nobodys_silence(yard: Yard) -> None:
    """After a restart stations have the same quarter of an hour to come back."""
    await yard.station("CP-1")
    yard.clock.at_ms += 600 * MINUTE_MS
    yard.begin()
    assert await yard.after(14) == []
    assert len(await yard.after(2)) == 1


async def test_changes_of_line_and_state_are_told_to_who_follows(yard: Yard) -> None:
    """B96: that a station has fallen silent no frame tells, nor a socket that closes."""
    await yard.store.do(begin_epoch, yard.clock.now_ms())
    station = await yard.station("CP-1")
    yard.presence.arrived(station, 1, yard.clock.now_ms())
    for minutes in (0, 1, 1, 1, 1):
        await yard.after(minutes)
    told = [
        (one["charger"], one["kind"], one["details"]["line"], one["details"]["state"])
        for one in map(change_document, await yard.store.read(changes_after, 0, None, 100))
        if "line" in one["details"]
    ]
    assert told == [
        ("CP-1", "station", "CONNECTED", "Free"),
        ("CP-1", "station", "STALE", "Free"),
        ("CP-1", "station", "STALE", "Broken"),
    ]


@pytest.mark.parametrize(
    ("action", "failed", "goes_on"),
    [
        ("FirmwareStatusNotification", "DownloadFailed", "Downloading"),
        ("FirmwareStatusNotification", "InstallationFailed", "Installed"),
        ("SignedFirmwareStatusNotification", "InvalidSignature", "DownloadScheduled"),
    ],
)
async def test_an_update_that_failed_is_alerted_of_until_it_goes_on(
    central: Central, action: str, failed: str, goes_on: str
) -> None:
    """B37: once, however often it is told; Idle, which comes after it, is no news."""
    async with central.station() as station:
        await station.boot()
        for status in ("Downloading", failed, failed, "Idle"):
            assert await station.call(action, {"status": status}) == {}
        [alert] = await central.get("/api/alerts?open=true")
        assert (alert["kind"], alert["connector"], alert["details"]["status"]) == (
            "update_failed",
            0,
            failed,
        )
        assert await station.call(action, {"status": goes_on}) == {}
        assert await central.get("/api/alerts?open=true") == []


@pytest.mark.parametrize(
    ("versions", "is_closed"),
    [
        (("1.0",), False),  # it goes on as it was
        (("2.0",), True),  # somebody stood before it
        (("1.0", "2.0"), True),
        (("0.9",), False),  # it fell back to what it had before
        (("",), False),  # it does not say
    ],
)
async def test_firmware_that_it_never_had_ends_the_alert_of_an_update(
    central: Central, versions: tuple[str, ...], is_closed: bool
) -> None:
    """However it came there; a charger that booted into its old version was not updated."""
    async with central.station() as station:
        for version in ("0.9", "1.0"):
            await station.boot(firmwareVersion=version)
        await station.call("FirmwareStatusNotification", {"status": "InstallationFailed"})
        for version in versions:
            await station.boot(**({"firmwareVersion": version} if version else {}))
        found = await central.get("/api/alerts?charger=CP-1")
        assert [one["kind"] for one in found] == ["update_failed"]
        assert (found[0]["closed_at"] is not None) is is_closed


async def test_a_charger_of_which_no_version_is_known_is_not_thought_updated(
    central: Central,
) -> None:
    """It did not say, or we did not listen yet: what it says next may be its old version."""
    async with central.station() as station:
        await station.boot()
        await station.call("FirmwareStatusNotification", {"status": "InstallationFailed"})
        await station.boot(firmwareVersion="1.0")
        assert len(await central.get("/api/alerts?open=true")) == 1
        await station.boot(firmwareVersion="2.0")
        assert await central.get("/api/alerts?open=true") == []


async def test_changes_of_line_and_state_become_events_once(yard: Yard) -> None:
    """CONNECTED, STALE, DISCONNECTED; Free, Broken: told when they change, and only then."""
    station = await yard.station("CP-1")
    yard.presence.arrived(station, 1, yard.clock.now_ms())
    for minutes in (0, 1, 1, 1, 1):  # silent 0, 1, 2, 3, 4 minutes; stale after 2.5
        await yard.after(minutes)
    yard.presence.left(station, 1)
    await yard.after(0)
    assert await yard.events(station) == [
        ("connection_state", ("CONNECTED", "STALE")),
        ("station_state", ("Free", "Broken")),
        ("connection_state", ("STALE", "DISCONNECTED")),
    ]
    assert yard.touched == [station] * 4
    yard.begin()
    await yard.after(0)
    await yard.store.do(heard, station, yard.clock.now_ms())
    await yard.after(0)
    assert (await yard.events(station))[3:] == [("station_state", ("Broken", "Free"))]


async def test_a_whole_yard_that_drops_out_is_told_of(yard: Yard) -> None:
    """More stations than fit into one transaction."""
    count = AT_ONCE * 2 + 3
    for number in range(count):
        await yard.station(f"CP-{number}")
    assert len(await yard.after(16)) == count


async def test_an_alert_is_open_once_and_its_details_are_the_newest(yard: Yard) -> None:
    """Whoever samples over-voltage raises it with every sample."""
    station = await yard.station("CP-1")

    def raise_it(db: Any, voltage: int, connector: int = 1) -> bool:
        details = {"voltage_v": voltage}
        return service.raise_alert(
            db, station, "over_voltage", details, connector=connector, now_ms=5
        )

    news = [await yard.store.do(raise_it, voltage) for voltage in (260, 262, 261)]
    assert news == [True, False, False]
    assert await yard.store.do(raise_it, 270, 2)
    first, second = sorted(
        await yard.store.read(service.list_alerts, 9), key=lambda one: one.connector
    )
    assert (first.details_json, second.details_json) == ('{"voltage_v":261}', '{"voltage_v":270}')
    gone = [
        await yard.store.do(service.close, station, "over_voltage", connector=1, now_ms=9)
        for _ in range(2)
    ]
    assert gone == [True, False]
    assert await yard.store.do(raise_it, 280)
    assert len(await yard.store.read(service.list_alerts, 9)) == 3
    assert len(await yard.store.read(service.list_alerts, 9, charger="CP-1", only_open=True)) == 2
    assert await yard.store.read(service.list_alerts, 9, charger="CP-2") == []


async def test_what_is_wrong_with_ourselves_is_told_without_a_charger(yard: Yard) -> None:
    """Once while it is the same, anew when it is worse; what is unknown now is let be."""
    await yard.store.do(begin_epoch, yard.clock.now_ms())
    station = await yard.station("CP-1")
    await yard.store.do(service.raise_alert, station, "certificate", {}, now_ms=1)

    async def keep(wrong: dict[str, int], *unknown: str) -> list[tuple[str | None, str]]:
        details = {subject: {"within_days": days} for subject, days in wrong.items()}
        await yard.store.do(service.keep_own, "certificate", details, unknown, now_ms=5)
        found = await yard.store.read(service.list_alerts, 9, only_open=True)
        assert ("CP-1", None) in [(one.charger, one.subject) for one in found]
        return sorted((one.subject, one.details_json) for one in found if one.charger is None)

    a60, a30, b60 = ('{"within_days":60}', '{"within_days":30}', '{"within_days":60}')
    assert await keep({"a": 60, "b": 60}) == [("a", a60), ("b", b60)]
    assert await keep({"a": 60, "b": 60}) == [("a", a60), ("b", b60)]
    assert await keep({"a": 30, "b": 60}) == [("a", a30), ("b", b60)]
    assert await keep({"a": 30}, "b") == [("a", a30), ("b", b60)]
    assert await keep({"a": 30}) == [("a", a30)]
    assert await keep({}) == []
    changes = map(change_document, await yard.store.read(changes_after, 0, None, 100))
    told = [
        (one["details"]["subject"], one["details"]["closed_at_ms"])
        for one in changes
        if one["kind"] == "alert" and one["charger"] is None
    ]
    assert told == [("a", None), ("b", None), ("a", 5), ("a", None), ("b", 5), ("a", 5)]
    assert await yard.store.read(service.stations_with, "certificate") == {station}


async def test_a_fault_is_an_alert_with_its_code_until_all_is_well(central: Central) -> None:
    """B50, TC_024: raised by the status, acknowledged by somebody, closed by the station."""
    async with central.station() as station:
        await station.boot()
        fault = {"errorCode": "GroundFailure", "info": "left", "vendorErrorCode": "E7"}
        await station.status(1, "Faulted", **fault)
        await station.status(1, "Faulted", **fault)
        [alert] = await central.get("/api/alerts?open=true&charger=CP-1")
        assert (alert["kind"], alert["connector"]) == ("fault", 1)
        assert alert["details"]["error_code"] == "GroundFailure"
        assert alert["details"]["vendor_error_code"] == "E7"
        seen = await central.http.post(f"/api/alerts/{alert['id']}/acknowledge")
        assert seen.json()["acknowledged_by"] == "the token of the state directory"
        again = await central.http.post(f"/api/alerts/{alert['id']}/acknowledge")
        assert again.json() == seen.json()
        await station.status(2, "Available")
        assert len(await central.get("/api/alerts?open=true")) == 1
        await station.status(1, "Available", errorCode="WeakSignal")
        [weak] = await central.get("/api/alerts?open=true")
        assert (weak["id"], weak["details"]["error_code"]) == (alert["id"], "WeakSignal")
        await station.status(1, "Available")
        assert await central.get("/api/alerts?open=true") == []
        [closed] = await central.get("/api/alerts")
        assert closed["closed_at"] is not None
    assert (await central.http.post("/api/alerts/99/acknowledge")).status_code == 404


async def test_the_running_system_watches_by_itself(tmp_path: Path) -> None:
    """Nobody has to ask."""
    clock, settings = SystemClock(), Settings(state_dir=tmp_path, alert_offline_after_s=0.01)
    async with open_store(tmp_path / "c.db", clock=clock, open_database=open_database) as store:
        house = await furnish(settings, store, clock, Chance(random.Random(1)))
        await store.do(
            connected,
            "CP-1",
            accept_unknown=True,
            make_code=lambda: "CODE",
            now_ms=clock.now_ms(),
        )
        stopping = asyncio.Event()
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(house.tidy_on(stopping, every_s=0.005))
            while not (found := await store.read(service.list_alerts, 9)):
                pass
            stopping.set()
    assert [one.kind for one in found] == ["offline"]
