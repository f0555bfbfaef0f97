"""The public status and its stream: valid documents, the first at once, then as things change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from csms_lite.errors import Refused
from csms_lite.live import feed as feed_module
from csms_lite.live.rules import document
from edge.hmi.watcher import Watcher
from tests.csms_lite.central import Central, running

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "hmi" / "status.schema.json").read_text(encoding="utf-8")
)
T0, T1, T2 = "2024-05-01T10:00:00Z", "2024-05-01T10:01:00Z", "2024-05-01T11:00:00Z"


class Stream:
    """Server-sent events, read by hand."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """Give the next document, checked."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(5):
            async for line in self._lines:
                if not line and fields:
                    break
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
        assert fields["event"] == "status"
        document: dict[str, Any] = json.loads(fields["data"])
        jsonschema.validate(document, SCHEMA, format_checker=jsonschema.FormatChecker())
        assert int(fields["id"]) == document["sequence"]
        return document

    async def until(self, fact: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Give the next document of which *fact* holds: others come when anything is looked at."""
        async with asyncio.timeout(5):
            while not fact(seen := await self.next()):
                pass
        return seen

    async def until_end(self) -> None:
        """Read what is left."""
        async with asyncio.timeout(5):
            async for _ in self._lines:
                pass


@asynccontextmanager
async def watching(central: Central, code: str) -> AsyncIterator[Stream]:
    async with httpx.AsyncClient(base_url=central.addresses.http) as anyone:
        url = f"/api/public/stations/{code}/events"
        async with anyone.stream("GET", url) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Stream(response)


def first_of(document: dict[str, Any]) -> dict[str, Any]:
    """Give the first connector of a document."""
    connector: dict[str, Any] = document["connectors"][0]
    return connector


async def code_of(central: Central) -> str:
    charger = await central.get("/api/chargers/CP-1")
    code: str = charger["code"]
    assert len(code) == 8
    assert code != "CP-1"
    return code


async def test_a_session_is_seen_live(central: Central) -> None:
    """Plug, charge, stop, unplug: each change reaches the page, masked and priced."""
    await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 45})
    async with central.station() as station:
        await station.boot()
        async with watching(central, await code_of(central)) as stream:
            first = await stream.next()
            assert first["connectors"] == []
            assert first["station"]["online"] is True
            await station.status(1, "Preparing")
            [preparing] = (await stream.until(lambda seen: seen["connectors"]))["connectors"]
            assert preparing["status"] == "Preparing"
            number = (await station.start(tag="04A2B1C3D4E580", at=T0))["transactionId"]
            await station.status(1, "Charging")
            await station.meter(number, energy=1500, power=7400, at=T1)
            [charging] = (await stream.until(lambda seen: first_of(seen)["power_w"]))["connectors"]
            assert charging["status"] == "Charging"
            assert charging["power_w"] == 7400
            assert charging["session"]["tag"] == "…E580"
            assert charging["session"]["energy_wh"] == 500
            assert charging["session"]["cost_minor"] == 23
            await station.stop(number, meter=3000, at=T2)
            await station.status(1, "Finishing")
            told = await stream.until(lambda seen: first_of(seen)["status"] == "Finishing")
            [ended] = told["connectors"]
            assert (ended["session"]["energy_wh"], ended["session"]["cost_final"]) == (2000, True)
            await station.status(1, "Available")
            told = await stream.until(lambda seen: first_of(seen)["status"] == "Available")
            assert first_of(told)["session"] is None


async def test_a_stream_tells_at_most_once_a_second_and_the_latest(central: Central) -> None:
    """Fifty changes in an instant are at most two documents; the last state arrives."""
    loop = asyncio.get_running_loop()
    async with central.station() as station:
        await station.boot()
        async with watching(central, await code_of(central)) as stream:
            await stream.next()
            began = loop.time()
            for number in range(50):
                await station.status(1, "Available", info=str(number))
            seen = [await stream.next()]
            while [one["info"] for one in seen[-1]["connectors"]] != ["49"]:
                seen.append(await stream.next())
            took_s = loop.time() - began
    assert len(seen) <= 1 + took_s / feed_module.BETWEEN_S + 1
    sequences = [one["sequence"] for one in seen]
    assert sequences == sorted(set(sequences))


async def test_sequences_rise_over_a_restart(tmp_path: Path) -> None:
    """A page that outlives a restart never takes the new documents for old ones."""
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        code = await code_of(central)
        before = [await central.get(f"/api/public/stations/{code}/status") for _ in range(3)]
    async with running(tmp_path) as central:
        after = await central.get(f"/api/public/stations/{code}/status")
    numbers = [one["sequence"] for one in (*before, after)]
    assert numbers == sorted(set(numbers))
    assert after["station"]["online"] is False
    assert after["station"]["heard_at"] is not None


async def test_a_station_that_goes_is_told_at_once(central: Central) -> None:
    """The page says offline when the socket ends, not when something else happens."""
    async with central.station() as station:
        await station.boot()
        code = await code_of(central)
        async with watching(central, code) as stream:
            assert (await stream.next())["station"]["online"] is True
            await station.socket.close()
            while (await stream.next())["station"]["online"]:
                pass


async def test_a_stream_ends_with_the_central_system(tmp_path: Path) -> None:
    """An open page must not hold up the end."""
    loop = asyncio.get_running_loop()
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        async with watching(central, await code_of(central)) as stream:
            await stream.next()
            began = loop.time()
            central.stopping.set()
            await stream.until_end()
    assert loop.time() - began < 2


async def test_the_front_leads_to_the_only_station(central: Central) -> None:
    """One station: its page; several: a list, its names harmless."""
    async with central.station() as station:
        await station.boot()
    response = await central.http.get("/")
    assert response.status_code == 307
    assert response.headers["location"] == f"/c/{await code_of(central)}"
    await central.http.put("/api/chargers/CP-2", json={"name": "<script>alert(1)</script>"})
    response = await central.http.get("/")
    assert response.status_code == 200
    assert "<script>" not in response.text
    assert "&lt;script&gt;" in response.text


async def test_the_page_is_served_for_known_codes_only(central: Central) -> None:
    """A mistyped code gets a sentence, not an empty page."""
    await central.http.put("/api/chargers/CP-1", json={"code": "DEMO"})
    page = await central.http.get("/c/DEMO")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert (await central.http.get("/c/OTHER")).status_code == 404
    assert (await central.http.get("/api/public/stations/OTHER/events")).status_code == 404
    assert (await central.http.get("/hmi/conformance.json")).json()["profiles"]["Core"]
    script = await central.http.get("/hmi/app.js")
    assert script.status_code == 200
    assert "javascript" in script.headers["content-type"]


async def test_a_site_on_another_host_may_show_what_is_public(central: Central) -> None:
    """`tapwatt page deploy --csms`: the status, with its clock, and nothing that needs a token."""
    await central.http.put("/api/chargers/CP-1", json={"code": "DEMO"})
    for path in ("DEMO/status", "OTHER/events"):
        named = (await central.http.get(f"/api/public/stations/{path}")).headers
        assert named["access-control-allow-origin"] == "*"
        assert named["access-control-expose-headers"] == "date"
    for path in ("/api/chargers", "/c/DEMO", "/hmi/app.js"):
        assert "access-control-allow-origin" not in (await central.http.get(path)).headers


async def test_only_the_pages_files_are_served(central: Central) -> None:
    """What only developers need, and what lies outside, is not there."""
    for path in ("node_modules/typescript/package.json", "package.json", "%2e%2e/LICENSE", "no.js"):
        assert (await central.http.get(f"/hmi/{path}")).status_code == 404, path


async def test_a_watcher_keeps_only_the_newest() -> None:
    """A slow reader skips what is stale, and learns of the end."""
    watcher = Watcher[dict[str, int]]()
    assert await watcher.take(0.001) is None
    watcher.offer({"sequence": 1})
    watcher.offer({"sequence": 2})
    assert await watcher.take(1) == {"sequence": 2}
    watcher.end()
    assert await watcher.take(1) is None
    assert watcher.is_over


async def test_a_document_that_cannot_be_made_ends_nothing(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug that meets one document costs that telling; the process and its stations go on."""
    async with central.station() as station:
        await station.boot()
        async with watching(central, await code_of(central)) as stream:
            await stream.next()
            real = document
            failures: list[int] = []

            def fails_once(*rest: Any, **more: Any) -> dict[str, Any]:
                if not failures:
                    failures.append(1)
                    raise KeyError("a bug")
                return real(*rest, **more)

            monkeypatch.setattr(feed_module, "document", fails_once)
            await station.status(1, "Preparing")
            async with asyncio.timeout(5):
                while not failures:
                    await station.call("Heartbeat")
            await station.status(1, "Charging")
            await stream.until(lambda seen: first_of(seen)["status"] == "Charging")


async def test_a_code_may_be_had_once(central: Central) -> None:
    """Two stations under one sticker would mix up drivers."""
    await central.http.put("/api/chargers/A", json={"code": "DEMO"})
    response = await central.http.put("/api/chargers/B", json={"code": "DEMO"})
    assert response.status_code == Refused.status
    assert "another" in response.json()["detail"]


async def test_no_time_that_a_station_tells_ends_the_publishing(central: Central) -> None:
    """A moment that UTC has no date for is taken as now; it would end the whole process."""
    async with central.station() as station:
        await station.boot()
        await station.status(1, "Available")
        [charger] = await central.get("/api/chargers")
        async with watching(central, charger["code"]) as stream:
            await stream.next()
            await station.status(1, "Charging", timestamp="0001-01-01T00:00:00+14:00")
            while (shown := await stream.next())["connectors"][0]["status"] != "Charging":
                pass
            begun = await station.start(at="9999-12-31T23:59:59-12:00")
            assert await station.stop(begun["transactionId"], meter=2000, at=T2) == {}
    assert shown["connectors"][0]["since"] > T0
    assert len(await central.get("/api/sessions")) == 1
