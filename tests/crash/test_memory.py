"""The journal in memory that the sweep crashes means what the journal on the disk means."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.core.instant import Instant
from edge.core.records import (
    BackOffKept,
    ContactorWorn,
    FallbackKept,
    FaultLatched,
    FaultReleased,
    Latch,
    RcdTested,
    Record,
)
from edge.core.security_log import (
    SecurityEventForgotten,
    SecurityEventLogged,
    SecurityEventTold,
)
from edge.core.vocabulary import CertificateUse, ErrorCode, LogType, SecurityEvent
from edge.core.work import JobEnded, JobKind, JobMoved, JobOrdered, Seal, Stage
from edge.core.x509 import (
    Credential,
    CredentialsKept,
    KeyRequest,
    Root,
    RootDeleted,
    RootInstalled,
)
from edge.drivers.journal import open_journal
from tests.core.bench import at
from tests.crash.histories import STORIES, Fall, play, play_seed
from tests.crash.memory import MemoryJournal, fold
from tests.crash.world import World

Batch = Sequence[Record]
SEAL = Seal(signing_certificate="-----BEGIN", signature="c2ln")


class Copying(World):
    """Keeps every commit of the history."""

    batches: list[Batch]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        batches: list[Batch] = []

        class Keeping(MemoryJournal):
            async def commit(self, records: Batch) -> None:
                await super().commit(records)
                batches.append(tuple(records))

        self.journal = Keeping(self.journal.latency_s)
        type(self).batches = batches


@pytest.mark.parametrize("name", STORIES)
def test_both_journals_restore_the_same_after_every_commit(name: str, tmp_path: Path) -> None:
    """`load` of SQLite equals `fold` of the records, with a death in the middle of the story."""
    play(STORIES[name], fall=Fall(point=25), make=Copying)
    asyncio.run(_compare(Copying.batches, tmp_path / "journal.db"))


@pytest.mark.parametrize("seed", range(12))
def test_both_journals_restore_the_same_in_seeded_histories(seed: int, tmp_path: Path) -> None:
    """The same over random histories."""
    play_seed(seed, make=Copying)
    asyncio.run(_compare(Copying.batches, tmp_path / "journal.db"))


def test_both_journals_keep_the_way_back(tmp_path: Path) -> None:
    """No story changes keys: the record is held to its meaning here."""
    batches: list[Batch] = [
        [FallbackKept(profile=1, key="k" * 16)],
        [FallbackKept(profile=None, key=None)],
    ]
    asyncio.run(_compare(batches, tmp_path / "journal.db"))


def test_both_journals_keep_the_security_log(tmp_path: Path) -> None:
    """What is not critical, refused or rolled away is in no story."""
    at = Instant(wall=datetime(2026, 3, 1, tzinfo=UTC), monotonic=1.0)
    lines = [
        SecurityEventLogged(seq=seq, event=event, at=at, info=info, untold=untold)
        for seq, event, info, untold in (
            (1, SecurityEvent.STARTUP_OF_THE_DEVICE, "firmware 1.0", True),
            (2, SecurityEvent.INVALID_MESSAGES, None, False),
            (3, SecurityEvent.RESET_OR_REBOOT, None, True),
        )
    ]
    batches: list[Batch] = [
        lines[:2],
        lines[2:],
        [SecurityEventTold(seq=1)],
        [SecurityEventForgotten(seq=1), SecurityEventForgotten(seq=2)],
    ]
    asyncio.run(_compare(batches, tmp_path / "journal.db"))


def test_both_journals_keep_the_patience(tmp_path: Path) -> None:
    """How often dialling failed in a row, the last word counting."""
    batches: list[Batch] = [[BackOffKept(failures=number)] for number in (2, 3, 0)]
    asyncio.run(_compare(batches, tmp_path / "journal.db"))


def test_both_journals_keep_latches_and_wear(tmp_path: Path) -> None:
    """No story welds a contactor or resets a residual current device by hand."""
    code = ErrorCode.POWER_SWITCH_FAILURE
    batches: list[Batch] = [
        [FaultLatched(connector=1, code=code, info="x", latch=latch) for latch in Latch],
        [ContactorWorn(connector=1, closings=1, hot_opens=0)],
        [FaultReleased(connector=1, latch=Latch.RCD)],
        [ContactorWorn(connector=1, closings=2, hot_opens=1), FaultReleased(connector=1)],
    ]
    asyncio.run(_compare(batches, tmp_path / "journal.db"))


def test_both_journals_keep_the_self_tests(tmp_path: Path) -> None:
    """The last word on each device: begun, passed, begun anew."""
    batches: list[Batch] = [
        [RcdTested(connector=2, passed_at=None, tries=1)],
        [RcdTested(connector=2, passed_at=at(7), tries=0)],
        [RcdTested(connector=1, passed_at=None, tries=3)],
        [RcdTested(connector=2, passed_at=at(7), tries=1)],
    ]
    asyncio.run(_compare(batches, tmp_path / "journal.db"))


async def _compare(batches: list[Batch], path: Path) -> None:
    written: list[Record] = []
    async with open_journal(path) as journal:
        for batch in batches:
            await journal.commit(batch)
            written += batch
            assert await journal.load() == fold(written)
    async with open_journal(path) as journal:
        assert await journal.load() == fold(written)


def test_both_journals_restore_the_same_jobs(tmp_path: Path) -> None:
    """Updates and uploads: a newer order replaces the older one, an ended one is gone."""
    at = Instant(wall=datetime(2026, 3, 1, tzinfo=UTC), monotonic=1.0)
    common: dict[str, Any] = {
        "location": "ftps://u:p@h/x",
        "at": at,
        "retries": 2,
        "retry_interval_s": 30,
    }
    update = JobOrdered(
        kind=JobKind.FIRMWARE, retrieve_date=at.wall, firmware_version="1.0", **common
    )
    log = JobOrdered(
        kind=JobKind.LOG,
        file_name="l",
        log_type=LogType.SECURITY,
        request_id=7,
        oldest=at.wall,
        **common,
    )
    batches: list[Batch] = [
        [update],
        [JobMoved(kind=JobKind.FIRMWARE, stage=Stage.READY, status="Downloaded", attempts=1)],
        [log, JobMoved(kind=JobKind.LOG, stage=Stage.MOVING, status="Uploading", attempts=0)],
        [replace(update, request_id=8, install_date=at.wall, seal=SEAL)],
        [JobEnded(kind=JobKind.LOG)],
        [JobMoved(kind=JobKind.FIRMWARE, stage=Stage.WAITING, status=None, attempts=0)],
    ]
    asyncio.run(_compare(batches, tmp_path / "journal.db"))


def test_both_journals_restore_the_same_certificates(tmp_path: Path) -> None:
    """Roots in the order of installation; the station's own, the one before and the next."""
    day = datetime(2026, 3, 1, tzinfo=UTC)
    csms, maker = CertificateUse.CENTRAL_SYSTEM_ROOT, CertificateUse.MANUFACTURER_ROOT
    first, second = (
        Root(use=csms, pem=name, fingerprint=name, hashes=(), not_after=day) for name in "ba"
    )
    same = Root(use=maker, pem="b", fingerprint="b", hashes=(), not_after=day)
    own = Credential(chain="c", key="k", not_before=day, not_after=day)
    request = KeyRequest(
        key="k", key_id="i", csr="r", common_name="n", organisation="o", asked_at=day, asked=2
    )
    batches: list[Batch] = [
        [RootInstalled(root=first), RootInstalled(root=same)],
        [RootInstalled(root=second), CredentialsKept(request=request)],
        [CredentialsKept(own=own, old=own)],
        [RootDeleted(use=csms, fingerprint="b")],
        [RootInstalled(root=first), CredentialsKept(own=own)],
    ]
    asyncio.run(_compare(batches, tmp_path / "journal.db"))
    assert fold([one for batch in batches for one in batch]).roots == (same, second, first)
