"""Health and metrics of a running central system."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from csms_lite import oversight
from csms_lite.errors import StoreFailed
from csms_lite.messages import keeper
from tests.csms_lite.central import Central, running

T0 = "2024-05-01T10:00:00Z"


class Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int = 1
    used: int = 1
    free: int = 1


async def test_health_is_public_and_metrics_are_not(central: Central) -> None:
    """Who watches the process has no account; who counts our sessions has one."""
    async with httpx.AsyncClient(base_url=central.addresses.http) as anyone:
        assert (await anyone.get("/health/live")).json() == {"status": "live"}
        ready = await anyone.get("/health/ready")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "not_well": []})
        assert (await anyone.get("/metrics")).status_code == 401


async def test_the_metrics_tell_what_goes_on(central: Central) -> None:
    """Sockets, sessions, frames by action, commits of both files."""
    async with central.station() as station:
        await station.boot()
        await station.start(at=T0)
        async with asyncio.timeout(5):
            while 'action="StartTransaction"' not in (page := await metrics(central)):
                pass
    assert "tapwatt_sockets 1\n" in page
    assert 'tapwatt_sessions{state="running"} 1\n' in page
    frame = 'tapwatt_frames_total{direction="SENT",type="CALLRESULT",action="BootNotification"}'
    assert f"{frame} 1" in page
    assert "tapwatt_log_lost_total 0\n" in page
    assert 'tapwatt_failed_commits_total{store="money"} 0\n' in page
    for store in ("money", "log"):
        [count] = [
            line for line in page.splitlines()
            if line.startswith(f'tapwatt_commit_seconds_count{{store="{store}"}}')
        ]  # fmt: skip
        assert int(count.split()[-1]) > 0


async def metrics(central: Central) -> str:
    answer = await central.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


async def test_a_failed_commit_is_counted(central: Central) -> None:
    """What the log says once, the metric keeps saying."""
    async with central.station() as station:
        await station.boot()
        await central.disk.writer.break_now()
        await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 45})
        await central.disk.writer.mend()
    assert 'tapwatt_failed_commits_total{store="money"} 0' not in await metrics(central)


async def test_a_disk_without_room_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before commits fail; the log stops first, so that money has what is left."""
    monkeypatch.setattr(keeper, "EVERY_S", 0.01)
    async with running(tmp_path) as central, central.station() as station:
        monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage())
        ready = await central.http.get("/health/ready")
        assert (ready.status_code, ready.json()["not_well"]) == (503, ["disk"])
        assert (await central.http.get("/health/live")).status_code == 200
        assert (await station.boot())["status"] == "Accepted"


async def test_a_database_that_does_not_answer_is_not_ready(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A green light over requests that hang is worse than none: the query has a bound."""
    monkeypatch.setattr(oversight, "READY_WITHIN_S", 0.05)
    never = asyncio.Event()

    async def hangs(*_: object) -> None:
        await never.wait()
        raise StoreFailed("it came to nothing")

    monkeypatch.setattr("csms_lite.store.writer.Store.read", hangs)
    try:
        ready = await central.http.get("/health/ready")
    finally:
        never.set()
    assert (ready.status_code, ready.json()["not_well"]) == (503, ["database"])
