"""Copies and exports made beside a running system."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from csms_lite.cli import verbs
from csms_lite.errors import SettingsError
from csms_lite.upkeep.backup import back_up
from csms_lite.upkeep.export import export
from tests.csms_lite.central import Central, running

T0, T1 = "2024-05-01T10:00:00Z", "2024-05-01T11:00:00Z"


def command(*words: str) -> int:
    """Run one verb as the command line does."""
    parser = argparse.ArgumentParser()
    verbs(parser)
    arguments = parser.parse_args(words)
    code: int = arguments.func(arguments)
    return code


def counted(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def charge(central: Central, count: int) -> None:
    async with central.station() as station:
        await station.boot()
        for number in range(count):
            at = f"2024-05-01T10:{number:02}:00Z"
            begun = await station.start(at=at, meter=number)
            await station.stop(begun["transactionId"], meter=5000, at=T1)


async def test_a_backup_of_a_running_system_is_whole_and_can_be_started(tmp_path: Path) -> None:
    """What was committed before is in it, for its owner alone; what came later is not."""
    state, target = tmp_path / "state", tmp_path / "backups" / "one"
    async with running(state) as central:
        await charge(central, 3)
        copies = back_up(state, target, with_log=True)
        await charge(central, 2)
    assert [one.name for one in copies] == ["csms.db", "messages.db"]
    assert counted(copies[0], "sessions") == 3
    assert modes(target) == {0o600}
    assert sorted(path.name for path in target.iterdir()) == ["csms.db", "messages.db"]
    async with running(target) as again:
        assert len(await again.get("/api/sessions")) == 3


async def test_the_authority_of_a_closed_site_is_in_the_backup(tmp_path: Path) -> None:
    """A system that is started from it is the one that chargers trust."""
    state, target = tmp_path / "state", tmp_path / "backup"
    async with running(state):
        pass
    assert command("tls", "init", "--state-dir", str(state), "--name", "localhost") == 0
    made = {path.name: path.read_bytes() for path in (state / "tls").iterdir()}
    copies = back_up(state, target, with_log=False)
    assert {path.name: path.read_bytes() for path in copies[1:]} == made
    assert modes(target / "tls") == {0o600}


async def test_a_damaged_file_makes_no_backup(tmp_path: Path) -> None:
    """A copy that cannot be trusted does not get the name of one that can."""
    state = tmp_path / "state"
    async with running(state) as central:
        await charge(central, 20)
    damage(state / "csms.db")
    with pytest.raises(SettingsError):
        back_up(state, tmp_path / "backup", with_log=True)
    assert not (tmp_path / "backup" / "csms.db").exists()


def damage(path: Path) -> None:
    """Overwrite pages in the middle."""
    data = bytearray(path.read_bytes())
    for page in range(5, len(data) // 4096, 2):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(data)


def test_a_backup_overwrites_none(tmp_path: Path) -> None:
    """Yesterday's is worth more than a mistyped name."""
    with pytest.raises(SettingsError, match="overwrites none"):
        back_up(tmp_path, tmp_path, with_log=True)
    with pytest.raises(SettingsError, match="there is no"):
        back_up(tmp_path / "nowhere", tmp_path / "new", with_log=True)


async def test_exports_hold_every_row_in_both_forms(tmp_path: Path) -> None:
    """While the system runs; times in UTC, formulas as text, secrets not at all."""
    async with running(tmp_path) as central:
        await central.http.put("/api/chargers/CP-1", json={"name": "=1+1"})
        await central.http.put("/api/cards/CARD1")
        await charge(central, 3)
        pages = {
            (what, form): "".join(export(tmp_path, what, form))
            for what in ("cards", "sessions", "stations")
            for form in ("csv", "json")
        }
    sessions = json.loads(pages["sessions", "json"])
    assert sessions[0]["started_at_utc"] == "2024-05-01T10:00:00.000Z"
    lines = list(csv.DictReader(io.StringIO(pages["sessions", "csv"].removeprefix("\ufeff"))))
    assert [int(one["transaction_id"]) for one in lines] == [
        one["transaction_id"] for one in sessions
    ]
    [station] = csv.DictReader(io.StringIO(pages["stations", "csv"].removeprefix("\ufeff")))
    assert station["name"] == "'=1+1"
    assert json.loads(pages["stations", "json"])[0]["name"] == "=1+1"
    assert json.loads(pages["cards", "json"])[0]["tag"] == "CARD1"
    assert not any("hash" in page or "secret" in page for page in pages.values())


async def test_the_verbs_say_what_they_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 when done, 2 and one sentence when not."""
    state = tmp_path / "state"
    async with running(state):
        pass
    capsys.readouterr()
    where = ("--state-dir", str(state))
    assert command("backup", *where, "--without-log", str(tmp_path / "b")) == 0
    copy = Path(capsys.readouterr().out.strip())
    assert (copy.name, counted(copy, "sessions")) == ("csms.db", 0)
    assert command("export", *where, "--format", "json", "cards") == 0
    assert capsys.readouterr().out == "[]\n"
    out = tmp_path / "cards.csv"
    assert command("export", *where, "--out", str(out), "cards") == 0
    assert out.read_text(encoding="utf-8").startswith("\ufefftag_key,tag,")
    assert command("export", *where, "--out", str(out), "cards") == 2
    assert "cannot be written" in capsys.readouterr().err
    assert command("export", "--state-dir", str(tmp_path / "nowhere"), "cards") == 2
    assert "there is no" in capsys.readouterr().err
