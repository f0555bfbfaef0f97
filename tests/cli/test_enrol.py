"""After an enrolment its key opens the line, and no other; cut short, it has changed nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from edge.app.possession import possessed
from edge.cli import enrol, main
from edge.config.enrolment import Enrolment, read_line
from edge.config.loading import load
from edge.core.access import Access
from edge.core.records import BackOffKept, ConfigurationChanged, FallbackKept, Record
from edge.doctor.ways import ways_in
from edge.drivers.journal import open_journal
from edge.drivers.journal.access import ways_ended
from edge.drivers.system_clock import SystemClock
from edge.errors import ConfigError

PEMS = {"a" * 64: "the first authority\n", "b" * 64: "the second authority\n"}


def line(fingerprint: str) -> Enrolment:
    url = f"wss://{fingerprint[0]}.example/ocpp"
    return Enrolment(station="CP-1", url=url, key="k" * 20, fingerprint=fingerprint)


@pytest.mark.parametrize("left", range(3))
def test_address_and_authority_change_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """Whichever file is the last to be written: old address and old authority, both as they were.

    What the file before names is there, too: going back to it needs nothing else.
    """
    monkeypatch.setattr(
        "edge.drivers.pinned_root.fetch_root", lambda _host, _port, known, _within: PEMS[known]
    )
    file = tmp_path / "edge.toml"
    file.write_text('[station]\nid = "CP-1"\n[csms]\nurl = "wss://old.example/ocpp"\n')
    enrol._write([file], line("a" * 64), {})
    whole, real = file.read_text(), os.replace
    written: list[str] = []

    def cut(draft: str, path: Path) -> None:
        if len(written) == left:
            raise KeyboardInterrupt
        written.append(draft)
        real(draft, path)

    with monkeypatch.context() as power:
        power.setattr(os, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            enrol._write([file], line("b" * 64), {})
    assert file.read_text() == whole
    assert Path(load([file]).csms["ca_file"]).read_text() == PEMS["a" * 64]
    enrol._write([file], line("b" * 64), {})
    assert Path(load([file]).csms["ca_file"]).read_text() == PEMS["b" * 64]
    before = load([file.with_name("edge.toml.before")])
    assert Path(before.csms["ca_file"]).read_text() == PEMS["a" * 64]


LINE = f"tapwatt:enrol?id=CP-1&url=ws://127.0.0.1:9000/ocpp&key={'n' * 20}"
FIRST = """[station]
id = "CP-1"
[csms]
url = "ws://127.0.0.1:9001/ocpp"
password = "the installer's first"
"""
NEW_WAY = (Access(profile=1),)
"""By the password of edge.toml."""


class Station:
    """A configuration, and a journal beside it in which a central system set what it liked."""

    def __init__(self, folder: Path, first: str = FIRST) -> None:
        self.file, self.state = folder / "edge.toml", folder / "state"
        self.journal = self.state / "journal.sqlite3"
        self.file.write_text(first)

    async def keep(self, *records: Record) -> None:
        async with open_journal(self.journal) as journal:
            await journal.commit(records)

    def enrol(self, *words: str) -> int:
        where = ("--config", str(self.file), "--state-dir", str(self.state), "--no-check")
        return main(["edge", "enrol", LINE, *where, *words])

    async def ways(self, file: Path | None = None, state: Path | None = None) -> tuple[Access, ...]:
        """How the controller would be let in, in the order in which it tries."""
        ways, _ = await ways_in(load([file or self.file]), state or self.state, SystemClock())
        return tuple(ways)


def key_set(key: str) -> Record:
    return ConfigurationChanged(key="AuthorizationKey", value=key)


def profile_set(profile: int) -> Record:
    return ConfigurationChanged(key="SecurityProfile", value=str(profile))


async def test_the_new_key_comes_first_whatever_a_central_system_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its key, its profile, what worked before them, and how seldom it was dialled: all gone."""
    station = Station(tmp_path)
    other = ConfigurationChanged(key="MeterValueSampleInterval", value="7")
    await station.keep(
        *(key_set("o" * 20), profile_set(2), other),
        *(FallbackKept(profile=1, key="w" * 20), BackOffKept(failures=9)),
    )
    assert (await station.ways())[0] == Access(profile=2, key="o" * 20)
    assert await asyncio.to_thread(station.enrol) == 0
    assert await station.ways() == NEW_WAY
    assert load([station.file]).csms["password"] == "n" * 20
    async with open_journal(station.journal) as journal:
        saved = await journal.load()
    assert saved.configuration == (other,)
    assert (saved.fallback, saved.dial_failures) == (None, 0)
    told = capsys.readouterr().out
    assert "let go, and in the file before: AuthorizationKey, SecurityProfile" in told
    assert "o" * 20 not in told


async def test_the_file_before_is_the_way_back(tmp_path: Path) -> None:
    """It says what the journal said, so that going back needs nothing else; of two what worked."""
    station = Station(tmp_path)
    await station.keep(key_set("o" * 20))
    await asyncio.to_thread(station.enrol)
    before = tmp_path / "edge.toml.before"
    assert await station.ways(before) == (Access(profile=1, key="o" * 20),)
    assert before.stat().st_mode & 0o007 == 0
    again = Station(tmp_path)
    await again.keep(key_set("later" * 4), FallbackKept(profile=None, key="w" * 20))
    await asyncio.to_thread(again.enrol)
    assert await again.ways(before) == (Access(profile=1, key="w" * 20),)
    before.rename(again.file)
    await asyncio.to_thread(again.enrol)
    assert await again.ways() == NEW_WAY, "what was written there does not outrank the line either"


async def test_a_key_in_the_configuration_does_not_outrank_the_line(tmp_path: Path) -> None:
    """Under [ocpp] of the file that is written it goes; in another one its author removes it."""
    station = Station(tmp_path, FIRST + '[ocpp]\nAuthorizationKey = "' + "o" * 20 + '"\n')
    await asyncio.to_thread(station.enrol)
    assert await station.ways(state=tmp_path / "fresh") == NEW_WAY
    assert load([station.file]).ocpp == {}
    other = tmp_path / "site.toml"
    other.write_text('[ocpp]\nSecurityProfile = "0"\n')
    whole = station.file.read_text()
    with pytest.raises(ConfigError, match=r"site\.toml sets \[ocpp\] SecurityProfile"):
        enrol._write([other, station.file], read_line(LINE), {})
    assert station.file.read_text() == whole


async def test_a_cut_before_the_end_leaves_the_journal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old key goes last: until then it is nowhere else."""
    station = Station(tmp_path)
    await station.keep(key_set("o" * 20))

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as power:
        power.setattr(os, "replace", cut)
        assert await asyncio.to_thread(station.enrol) == 130
    assert await station.ways() == (Access(profile=1, key="o" * 20),)
    assert station.file.read_text() == FIRST


async def test_a_running_controller_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has the journal open, and would dial on with what it knows."""
    station = Station(tmp_path)
    await station.keep(key_set("o" * 20))
    with possessed(station.state):
        assert await asyncio.to_thread(station.enrol) == 2
    assert "is in use by another daemon" in capsys.readouterr().err
    assert station.file.read_text() == FIRST
    assert await station.ways() == (Access(profile=1, key="o" * 20),)


async def test_a_fresh_station_gets_no_journal_by_it(tmp_path: Path) -> None:
    """It would be root's, and the controller is somebody else."""
    station = Station(tmp_path)
    assert await asyncio.to_thread(station.enrol) == 0
    assert not station.journal.exists()


async def test_a_journal_that_cannot_be_read_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mending it is the controller's; until then nobody knows which key is in it."""
    station = Station(tmp_path)
    station.state.mkdir()
    station.journal.write_bytes(b"no database at all" * 400)
    assert await asyncio.to_thread(station.enrol) == 2
    assert "start the controller, which mends it" in capsys.readouterr().err
    assert station.file.read_text() == FIRST


@pytest.mark.root
async def test_what_root_does_stays_the_controllers(tmp_path: Path) -> None:
    """`sudo tapwatt edge enrol`: neither the journal nor what lies beside it becomes root's."""
    if os.geteuid() != 0:
        pytest.skip("only root can act for another user")
    station = Station(tmp_path)
    await station.keep(key_set("o" * 20))
    for path in (station.state, station.journal):
        os.chown(path, 1234, 2345)
    with ways_ended(station.state):
        pass
    left = {path.name: path.stat().st_uid for path in station.state.iterdir()}
    assert left == dict.fromkeys(left, 1234), left
