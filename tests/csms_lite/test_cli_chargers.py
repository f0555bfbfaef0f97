"""`tapwatt csms charger`: on the state directory, beside a central system that runs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.csms_lite.central import running
from tests.csms_lite.doors import refusal, station
from tests.csms_lite.test_cli import ROOT, command


class Shell:
    """Runs `tapwatt csms charger WORDS` on a state directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """The status, what was printed, and what was complained of."""
        process = await asyncio.create_subprocess_exec(
            *command("charger", *words, "--state-dir", str(self._directory)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            said, complained = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode(), complained.decode()


@pytest.fixture
def charger(tmp_path: Path) -> Shell:
    """The command line."""
    assert sys.executable
    return Shell(tmp_path)


async def test_a_charger_is_added_and_given_a_key_while_the_system_runs(
    tmp_path: Path, charger: Shell
) -> None:
    """The key is printed once; the running system takes it at the next connection."""
    async with running(tmp_path, accept_unknown=False) as central:
        await central.http.post("/api/sites", json={"name": "Court"})
        words = ("add", "CP-1", "--name", "Mill", "--site", "Court", "--profile", "1")
        assert (await charger(*words))[0] == 0
        status, key, _ = await charger("key", "CP-1")
        assert (status, len(bytes.fromhex(key.strip()))) == (0, 20)
        async with station(central, key.strip()) as there:
            await there.boot()
        assert (await refusal(central, "CP-1")).status_code == 401
        revoked = (await charger("key", "CP-1", "--revoke"))[1].strip()
        async with station(central, revoked) as there:
            await there.boot()
        async with central.station("WAITS"):
            pass
        status, listed, _ = await charger("list")
        assert status == 0
        assert listed.splitlines() == [
            "CP-1\tAccepted\t1\tCourt\tMill",
            "WAITS\tin the inbox\t-\t127.0.0.1\t-",
        ]


async def test_many_chargers_are_imported_or_none(tmp_path: Path, charger: Shell) -> None:
    """What is wrong is one sentence that names the rows."""
    table = tmp_path / "chargers.csv"
    table.write_text("id,name,profile\nA-1,One,1\nA 2,Two,7\n")
    status, _, complaint = await charger("list")
    assert (status, "csms run" in complaint) == (2, True)
    async with running(tmp_path) as central:
        status, _, complaint = await charger("import", str(table))
        assert (status, "row 2 (A 2)" in complaint) == (2, True)
        assert await central.get("/api/chargers") == []
        table.write_text("id,name,profile\nA-1,One,1\nA-2,Two,0\n")
        status, keys, told = await charger("import", str(table), "--keys")
        assert (status, told.strip()) == (0, "added 2, changed 0, unchanged 0")
        name, key = keys.strip().split("\t")
        assert (name, len(key)) == ("A-1", 40)
        again = await charger("import", str(table), "--keys")
        assert again == (0, "", "added 0, changed 0, unchanged 2\n")
    status, _, complaint = await charger("import", str(tmp_path / "absent.csv"))
    assert (status, "absent.csv cannot be read" in complaint) == (2, True)
    status, _, complaint = await charger("add", "no spaces please")
    assert (status, complaint.count("\n")) == (2, 1)
