"""csms_lite and the edge: a card that is made here charges there, with the line down as well."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.together.edge_bench import CARD, Bench, bench, end, ready_process
from tests.waiting import WITHIN_S

pytestmark = pytest.mark.together
OTHER = "04BBBBBBBBBB80"


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    async with bench(directory) as made:
        yield made


@pytest.fixture
def csms(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """The central system as a process, with its addresses; a test may end it."""
    words = ["csms", "run", "--accept-unknown", "--state-dir", str(directory / "c")]
    process, addresses = ready_process([*words, "--ocpp-port", "0", "--http-port", "0"])
    yield process, addresses
    if process.poll() is None:
        end(process)


async def test_a_card_made_here_charges_there_when_the_line_is_down(
    bay: Bench, directory: Path, csms: tuple[subprocess.Popen[bytes], dict[str, Any]]
) -> None:
    """The list reaches the charge point by itself: listed charges offline, blocked does not."""
    process, addresses = csms
    token = (directory / "c" / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=addresses["http"], headers=headers) as http:
        bay.start(f"csms.url={addresses['ocpp']}")
        await bay.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
        [charger] = (await http.get("/api/chargers")).json()

        async def is_in_step(version: int) -> bool:
            seen = (await http.get(f"/api/chargers/{charger['id']}/local-list")).json()
            return bool(seen["state"] == "in_step" and seen["version"] >= version)

        async def in_step(version: int) -> None:
            async with asyncio.timeout(20):
                while not await is_in_step(version):
                    await asyncio.to_thread(process.poll)

        await in_step(0)
        for version, body in ((1, {}), (2, {"status": "Blocked"}), (3, {})):
            await http.put(f"/api/cards/{CARD}", json=body)
            await in_step(version)
        await http.put(f"/api/cards/{OTHER}", json={"status": "Blocked"})
        await in_step(4)
    end(process)
    await bay.sim("wait", condition={"online": False}, timeout_s=WITHIN_S)
    await bay.sim("plug", connector=1)
    await bay.sim("card", uid=OTHER, for_s=0.5)
    await bay.sim("card", uid=CARD, for_s=0.5)
    await bay.wait(contactor_closed=True)
    held = [await asyncio.to_thread(bay.control, "held", uid=uid) for uid in (CARD, OTHER)]
    assert [len(one["sessions"]) for one in held] == [1, 0]
