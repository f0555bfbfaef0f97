"""The whole daemon on an ext4 that loses its power: what the world drew is what is billed.

The computer stops at one moment: the daemon is frozen, its file system shut down, and then it is
killed. Central system and simulated bay live on elsewhere. Each time the file that is left is
looked at before the next daemon has it.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from edge.cli.installation import CARDS, STATION, Installation, open_installation
from edge.cli.reckoning import CONFLICT, STEP_WH, told_from
from scripts.benches.parts.loop_disk import Disk
from tests.waiting import until_now

pytestmark = [pytest.mark.root, pytest.mark.together, pytest.mark.slow]

CUTS = 8
CONNECTORS = (1, 2)
WITHIN_S = 15.0
OPTIONS = (
    "ocpp.MeterValueSampleInterval=1",
    "csms.backoff_first_s=0.2",
    "policy.start_stop_dead_time_s=0",
    "policy.stop_start_dead_time_s=0",
)


class Row(NamedTuple):
    """A transaction as the file, or the central system, has it."""

    connector: int
    begin_wh: int
    end_wh: int | None


def silent(_word: str) -> None:
    """Nobody listens to the installation."""


class Evening:
    """Drivers come, the power goes; *scratch* is for copies of what it left."""

    def __init__(self, running: Installation, disk: Disk, scratch: Path) -> None:
        self._all = running
        self._disk = disk
        self._scratch = scratch
        self._random = Random(7)

    def spend(self) -> None:
        """From free connectors to free connectors, with a cut at a moment of no meaning."""
        before, known = self._outlets(), len(self.rows())
        self._drivers_come()
        moment = time.monotonic() + self._random.uniform(0, 2.0)
        until_now(lambda: time.monotonic() >= moment)
        self._cut_the_power()
        opened = self._opened_since(before, known)
        self._all.restart_edge()
        for number in CONNECTORS:
            self._all.bay("unplug", connector=number)
            self._at(number, session=None, status="Available")
        self._all.until(WITHIN_S, outbox=0)
        closed = self.rows()[known:]
        assert {row.connector for row in closed} == opened, "no dark driver"
        for row in closed:
            drawn_wh = self._outlets()[row.connector]["drawn_wh"]
            drawn_wh -= before[row.connector]["drawn_wh"]
            assert row.end_wh is not None
            assert abs(row.end_wh - row.begin_wh - drawn_wh) <= STEP_WH, (row, drawn_wh)

    def _drivers_come(self) -> None:
        """One or two of them, who wait for the energy, or do not, or leave again."""
        for number in CONNECTORS[: self._random.choice((1, 2))]:
            card = CARDS[number - 1]
            self._all.bay("plug", connector=number)
            self._at(number, status="Preparing")
            self._all.bay("card", uid=card)
            stays = self._random.random()
            if stays > 0.3:
                self._at(number, status="Charging")
            if stays > 0.8:
                self._at(number, session__energy_wh={"gte": 2})
                self._all.bay("card", uid=card)

    def _cut_the_power(self) -> None:
        edge = self._all.edge
        # Frozen first: nothing that it says can rest on an fsync that raced the cut.
        signal.pidfd_send_signal(edge.ended, signal.SIGSTOP)
        self._disk.cut()
        signal.pidfd_send_signal(edge.ended, signal.SIGKILL)
        edge.gone()
        self._all.until(attached=False)
        self._disk.come_back()

    def _opened_since(self, before: dict[int, Any], known: int) -> set[int]:
        """Connectors with a new transaction in the file; energy and words rest on nothing else."""
        rows = self.rows()
        opened = [row.connector for row in rows[known:]]
        assert len(opened) == len(set(opened))
        for number, outlet in self._outlets().items():
            was_closed = outlet["drawn_wh"] > before[number]["drawn_wh"]
            assert number in opened or not was_closed, "closed without a durable transaction"
        begun = Counter((row.connector, row.begin_wh) for row in rows)
        told = Counter((one["connector"], one["meter_start_wh"]) for one in self.sessions())
        assert told <= begun, "told without a durable transaction"
        return set(opened)

    def rows(self) -> list[Row]:
        """The transactions in the daemon's file, oldest first; asked of a copy."""
        for suffix in ("", "-wal"):
            name = f"journal.sqlite3{suffix}"
            shutil.copy(self._disk.place / name, self._scratch / name)
        with closing(sqlite3.connect(self._scratch / "journal.sqlite3")) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            sql = "SELECT connector, begin_wh, end_wh FROM transactions ORDER BY ref"
            return [Row(*row) for row in copy.execute(sql)]

    def sessions(self) -> list[dict[str, Any]]:
        """What the central system has."""
        sessions: list[dict[str, Any]] = self._all.central.ask("GET", "/api/sessions")
        return sessions

    def _outlets(self) -> dict[int, Any]:
        outlets = self._all.bay("world")["connectors"]
        return {int(number): outlet for number, outlet in outlets.items()}

    def _at(self, connector: int, **condition: Any) -> None:
        wanted = {f"connectors__{connector}__{name}": value for name, value in condition.items()}
        self._all.until(WITHIN_S, **wanted)


def test_what_was_drawn_is_billed_whenever_the_power_goes(
    disk: Disk,
    directory: Path,
    tmp_path: Path,
    record_figure: Callable[[str, int], None],
) -> None:
    """Energy to a register step, each session once, energy and words only on durable rows."""
    with open_installation(directory, silent, options=OPTIONS) as running:
        evening = Evening(running, disk, tmp_path)
        for _ in range(CUTS):
            evening.spend()
        rows = evening.rows()
        told = [told_from(session) for session in evening.sessions()]
        assert {one.state for one in told} == {"closed"}
        billed = Counter(Row(one.connector, one.start_wh, one.stop_wh) for one in told)
        assert billed == Counter(rows), "nothing lost, nothing twice"
        drawn_wh = sum(o["drawn_wh"] for o in running.bay("world")["connectors"].values())
        billed_wh = sum((one.stop_wh or 0) - one.start_wh for one in told)
        assert drawn_wh > CUTS
        assert abs(billed_wh - drawn_wh) <= STEP_WH * len(rows)
        assert running.bay("state")["dead_letters"] == 0
        events = running.central.ask("GET", f"/api/chargers/{STATION}/events")
        assert not [one for one in events if one["kind"].startswith(CONFLICT)]
    record_figure("power cuts under the whole daemon", CUTS)
    record_figure("sessions in them", len(rows))
