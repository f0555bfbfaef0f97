"""The bridge on a real csms_lite: documents, who is in service, sessions, a wiped database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.core.tags import masked as masked_there
from edge.hmi.tags import masked
from tests.bridge.conftest import QUICK, Bridging
from tests.csms_lite.central import Central, running
from tests.rtdb.double import Double
from tests.waiting import until

pytestmark = pytest.mark.slow

AT = "2026-01-01T10:00:00Z"
LATER = "2026-01-01T10:10:00Z"


async def code_of(central: Central, charger: str = "CP-1") -> str:
    """The public code that the central system gave it."""
    code: str = (await central.get(f"/api/chargers/{charger}"))["code"]
    return code


def connector(double: Double, code: str) -> dict[str, Any]:
    """The first connector as it stands in the database."""
    status = double.tree.get(f"public/{code}/status") or {}
    found: dict[str, Any] = (status.get("connectors") or [{}])[0]
    return found


def is_told(double: Double, info: str) -> bool:
    """Whether the station's words have come."""
    return connector(double, "STICKER1").get("info") == info


async def test_a_session_is_mirrored_and_the_charger_disappears_when_dismissed(
    double: Double, bridging: Bridging, tmp_path: Path
) -> None:
    """From the charger's frames to the database, by the token that the central system made."""
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        await station.status(1, "Available")
        code = await code_of(central)
        await central.http.put("/api/cards/04A2B1C3D4E580", json={"status": "Accepted"})
        async with bridging(token=central.token, url=central.addresses.http):
            await until(lambda: connector(double, code).get("status") == "Available")
            tag = "04A2B1C3D4E580"
            started = await station.start(tag=tag, meter=1000, at=AT)
            await station.status(1, "Charging")
            await until(lambda: connector(double, code).get("status") == "Charging")
            await until(lambda: connector(double, code).get("session", {}).get("tag") == "…E580")
            await station.stop(started["transactionId"], meter=3500, at=LATER)
            await station.status(1, "Finishing")
            await until(lambda: double.tree.get("sessions"))
            await central.http.delete("/api/chargers/CP-1")
            await until(lambda: double.tree.get(f"public/{code}") is None)
        (kept,) = double.tree.get("sessions").values()
        assert (kept["energy_wh"], kept["tag"], kept["station"]) == (2500, "…E580", code)
        assert "04A2B1C3D4E580" not in str(list(double.asked))


async def test_a_session_that_ended_while_the_bridge_was_away_is_kept_under_the_same_name(
    double: Double, bridging: Bridging, tmp_path: Path
) -> None:
    """What the status told once, and what csms_lite remembers, is one session."""
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        await station.status(1, "Available")
        now = datetime.now(UTC)
        ends = (now - timedelta(minutes=10)).isoformat(), now.isoformat()
        started = await station.start(tag="04A2B1C3D4E580", meter=1000, at=ends[0])
        await station.status(1, "Charging")
        await station.stop(started["transactionId"], meter=3500, at=ends[1])
        await station.status(1, "Finishing")
        token, url = central.token, central.addresses.http
        slow = replace(QUICK, list_s=60, catch_up_s=60)
        async with bridging(pace=slow, token=token, url=url):
            await until(lambda: double.tree.get("sessions"))
        told = double.tree.get("sessions")
        await station.status(1, "Available")  # the cable is out: the status tells nothing of it
        double.tamper("sessions", None)
        async with bridging(token=token, url=url):
            await until(lambda: double.tree.get("sessions"))
        (name,) = double.tree.get("sessions")
        assert list(told) == [name]
        facts = ("station", "connector", "tag", "started_at", "stopped_at", "energy_wh", "source")
        kept = double.tree.get(f"sessions/{name}")
        assert {fact: kept[fact] for fact in facts} == {fact: told[name][fact] for fact in facts}
        assert "04A2B1C3D4E580" not in str(list(double.asked))


@pytest.mark.parametrize("tag", ["", "A", "AB", "ABC", "ABCDEFG", "ABCDEFGH", "04A2B1C3D4E580"])
def test_a_tag_is_masked_as_the_controller_masks_it(tag: str) -> None:
    """One card, one mask."""
    assert masked(tag) == masked_there(tag)


async def test_a_central_system_that_lost_its_database_is_mirrored_on(
    double: Double, bridging: Bridging, tmp_path: Path
) -> None:
    """It counts anew; the sticker's code is set again."""
    sequences = []
    for life in ("first", "second", "third"):
        async with running(tmp_path / life) as central, central.station() as station:
            await station.boot()
            await central.http.put("/api/chargers/CP-1", json={"code": "STICKER1"})
            await station.status(1, "Faulted" if life == "second" else "Available", info=life)
            url = central.addresses.http
            async with bridging(token=central.token, url=url):
                await until(partial(is_told, double, life))
                sequences.append(double.tree.get("public/STICKER1/status/sequence"))
    assert sequences[1] <= sequences[0] + 10
