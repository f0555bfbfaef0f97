"""Dead letters for people: all that billing by hand needs is there, with what is known of time."""

from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path

import pytest

from edge.app.letters import PAGE, Dates, export, export_offline
from edge.core.anchors import Clock
from edge.core.messages import MeterValues
from edge.core.records import Parked, Queued, TransactionStopped, TransactionStopping
from edge.core.vocabulary import StopReason
from edge.drivers.journal import files, open_journal
from edge.errors import ConfigError
from tests.core.bench import NOON, at
from tests.drivers.test_journal import opened, queued, start_message

CLOCK = Clock(boot=0, zero=NOON, trusted=True)


def letter(seq: int) -> list[Queued | Parked]:
    message = MeterValues(connector_id=1, meter_value=())
    row = Queued(seq=seq, ref=None, message_id=f"m-{seq}", message=message, at=at(seq))
    return [row, Parked(seq=seq, at=at(seq + 1), code="InternalError", description="no")]


async def test_a_dead_start_carries_its_whole_session(tmp_path: Path) -> None:
    """Issue 4: the operator writes the invoice from one line."""
    reason = TransactionStopping(ref=1, reason=StopReason.LOCAL, at=at(90), id_tag="TAG")
    async with open_journal(tmp_path / "j") as journal:
        await journal.commit(
            [
                opened(),
                queued(1, start_message()),
                Parked(seq=1, at=at(50), code="Timeout", description="silent"),
                reason,
                TransactionStopped(ref=1, end_wh=1420, at=at(90), estimated=True),
            ]
        )
        answer = await export(journal, CLOCK, 0)
    (line,) = answer["letters"]
    assert answer["next"] is None
    assert (line["kind"], line["code"], line["description"]) == (
        "StartTransaction",
        "Timeout",
        "silent",
    )
    assert line["payload"]["meterStart"] == start_message().meter_start
    session = line["session"]
    assert session["energy_wh"] == 1420 - opened().begin_wh
    assert (session["reason"], session["estimated"]) == ("Local", True)
    assert session["stopped"]["at"] == "2026-03-01T12:01:30.000Z"
    assert session["stopped"]["not_before"] == session["stopped"]["not_after"]


async def test_a_running_session_is_exported_as_far_as_it_is_known(tmp_path: Path) -> None:
    """Nothing is invented: no register yet, no energy."""
    parked = Parked(seq=1, at=at(50), code="Timeout", description="")
    async with open_journal(tmp_path / "j") as journal:
        await journal.commit([opened(), queued(1, start_message()), parked])
        (line,) = (await export(journal, CLOCK, 0))["letters"]
    session = line["session"]
    assert (session["stopped"], session["reason"], session["energy_wh"]) == (None, None, None)


async def test_many_letters_come_page_by_page_and_each_once(tmp_path: Path) -> None:
    """A station that was refused for weeks must not build one answer of it all."""
    seqs = list(range(1, 2 * PAGE + 1))
    async with open_journal(tmp_path / "j") as journal:
        await journal.commit([row for seq in seqs for row in letter(seq)])
        found: list[int] = []
        after: int | None = 0
        while after is not None:
            page = await export(journal, CLOCK, after)
            assert len(page["letters"]) <= PAGE
            found += [line["seq"] for line in page["letters"]]
            after = page["next"]
    assert found == seqs


def test_the_export_without_a_daemon_changes_nothing(tmp_path: Path) -> None:
    """Durability 1.4: it reads a copy, and the log that a killed daemon left behind."""

    async def killed() -> dict[Path, bytes]:
        async with open_journal(tmp_path / files.NAME) as journal:
            await journal.commit(letter(1))
            return contents(tmp_path)

    before = asyncio.run(killed())
    for path, content in before.items():
        path.write_bytes(content)
    assert [line["seq"] for line in export_offline(tmp_path, 0)] == [1]
    assert {**contents(tmp_path), **before} == contents(tmp_path)


def contents(directory: Path) -> dict[Path, bytes]:
    """Every file and what is in it, the lock aside."""
    return {path: path.read_bytes() for path in directory.glob(f"{files.NAME}*")}


def test_the_export_of_no_journal_is_one_sentence(tmp_path: Path) -> None:
    """And makes no directory."""
    with pytest.raises(ConfigError, match="no journal"):
        list(export_offline(tmp_path / "nowhere", 0))
    assert not (tmp_path / "nowhere").exists()


def test_the_export_leaves_a_starting_daemon_alone(tmp_path: Path) -> None:
    """Its lock is its own."""
    (tmp_path / files.NAME).touch()
    with (tmp_path / "daemon.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="another daemon"):
            list(export_offline(tmp_path, 0))


def test_a_boot_whose_end_nobody_wrote_has_no_upper_bound() -> None:
    """A bound that cannot be known is not made up."""
    dated = Dates(Clock(boot=2, trusted=True), ()).of(at(40, trusted=False))
    assert (dated["not_before"], dated["not_after"]) == ("2026-03-01T12:00:40.000Z", None)
