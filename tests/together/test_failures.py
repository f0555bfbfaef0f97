"""A message on which the central system always fails: the real queue goes on behind it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.cli import WRONG_USE, main
from tests.together.edge_bench import CARD, Bench, bench, end, ready_process
from tests.waiting import WITHIN_S, until

pytestmark = [pytest.mark.together, pytest.mark.slow]

OTHER = "04FFEEDDCCBB80"
OPTIONS = (
    "policy.stop_start_dead_time_s=0",
    "policy.start_stop_dead_time_s=0",
    "policy.reclose_delay_s=0.3",
    "ocpp.TransactionMessageAttempts=3",
    "ocpp.TransactionMessageRetryInterval=1",
)
POISON = f"""
INSERT INTO cards (tag_key, tag, status, changed_at_ms)
VALUES ('{CARD}', '{CARD}', 'Accepted', 0), ('{OTHER}', '{OTHER}', 'Accepted', 0);
CREATE TRIGGER poison BEFORE INSERT ON sessions WHEN new.id_tag = '{CARD}'
BEGIN SELECT raise(ABORT, 'no such thing'); END;
"""


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


async def test_the_session_after_a_poisoned_one_is_billed(bay: Bench, directory: Path) -> None:
    """Three sockets and three attempts later the head is a dead letter, and the rest is told."""
    words = ["csms", "run", "--accept-unknown", "--state-dir", str(directory / "c")]
    csms, addresses = ready_process([*words, "--ocpp-port", "0", "--http-port", "0"])
    try:
        with closing(sqlite3.connect(directory / "c" / "csms.db")) as file:
            file.executescript(POISON)
            bay.start(*OPTIONS, f"csms.url={addresses['ocpp']}")
            await bay.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
            for card in (CARD, OTHER):
                await charge(bay, card)

            def rows(question: str) -> list[Any]:
                return file.execute(question).fetchall()

            await until(
                lambda: rows("SELECT id_tag FROM sessions WHERE state = 'closed'") == [(OTHER,)],
                within_s=30,
            )
            kinds = rows(
                "SELECT kind FROM events WHERE kind IN ('failed_message', 'refused_frame')"
            )
            assert kinds == [("failed_message",)]
            assert (await bay.sim("state"))["dead_letters"] == 2  # Start and Stop
            at = ["--state-dir", str(directory / "d")]
            letters = await exported(directory / "by-daemon", at)
            assert [letter["kind"] for letter in letters] == ["StartTransaction", "StopTransaction"]
            assert bay.daemon is not None
            end(bay.daemon)
            assert await exported(directory / "by-hand", at) == letters
            billed = letters[0]["session"]
            assert billed["id_tag"] == CARD
            assert billed["energy_wh"] == billed["end_wh"] - letters[0]["payload"]["meterStart"]

            file.executescript("DROP TRIGGER poison")
            bay.start(*OPTIONS, f"csms.url={addresses['ocpp']}")
            await bay.sim("wait", condition={"online": True}, timeout_s=WITHIN_S)
            start, stop = (str(letter["seq"]) for letter in letters)
            assert await tapwatt("resend", stop, *at) == 0
            wh = "SELECT id_tag, meter_stop_wh - meter_start_wh FROM sessions"
            await until(lambda: (CARD, billed["energy_wh"]) in rows(wh))
            assert len(rows("SELECT 1 FROM sessions")) == 2
            assert await tapwatt("resend", start, *at) == WRONG_USE
            assert await exported(directory / "none", at) == []
    finally:
        assert end(csms) == 0


async def tapwatt(*words: str) -> int:
    """`tapwatt edge journal …`; its status."""
    return await asyncio.to_thread(main, ["edge", "journal", *words])


async def exported(file: Path, at: list[str]) -> list[dict[str, Any]]:
    """What `export` writes, for its owner's eyes only."""
    assert await tapwatt("export", "--to", str(file), *at) == 0
    return letters_of(file)


def letters_of(file: Path) -> list[dict[str, Any]]:
    assert file.stat().st_mode & 0o777 == 0o600
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


async def charge(bay: Bench, card: str) -> None:
    """Plug, tap, charge, tap, and leave."""
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.sim("card", uid=card)
    await bay.wait(status="Charging", contactor_closed=True)
    await bay.sim("card", uid=card)
    await bay.wait(status="Finishing")
    await bay.sim("unplug", connector=1)
    await bay.wait(status="Available")
