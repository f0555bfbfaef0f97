"""The doctor: each thing that is wrong is one sentence and one remedy."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from csms_lite.clock import SystemClock
from csms_lite.settings import Settings
from csms_lite.upkeep import doctor
from csms_lite.upkeep.doctor import Finding, examine
from tests.csms_lite.central import running
from tests.csms_lite.upkeep.test_upkeep import command, damage


class Clock:
    """Shows what a test wants."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return 0.0


def graves(settings: Settings, at_ms: int | None = None) -> list[Finding]:
    clock = SystemClock() if at_ms is None else Clock(at_ms)
    return [one for one in examine(settings, clock) if one.grade != doctor.OK]


@contextmanager
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


async def installed(folder: Path, **more: Any) -> Settings:
    """Start a system once in *folder*."""
    async with running(folder):
        pass
    return Settings(state_dir=folder, ocpp_port=0, http_port=0, **more)


async def test_a_sound_installation_lacks_only_an_admin(tmp_path: Path) -> None:
    """Everything is looked at, and what is well is said too."""
    settings = await installed(tmp_path / "state")
    found = examine(settings, SystemClock())
    assert [one.what for one in found if one.grade != doctor.OK] == ["nobody may sign in as ADMIN"]
    assert len(found) >= 8
    assert all(one.remedy for one in found if one.grade != doctor.OK)


async def test_it_looks_while_the_system_runs(tmp_path: Path) -> None:
    """A port that the system itself has is no trouble."""
    async with running(tmp_path / "state") as central:
        ports = [int(one.rsplit(":", 1)[1].split("/")[0]) for one in (
            central.addresses.ocpp, central.addresses.http)]  # fmt: skip
        settings = Settings(state_dir=tmp_path / "state", ocpp_port=ports[0], http_port=ports[1])
        found = await in_thread(settings)
    assert sum("the system runs" in one.what for one in found) == 2
    assert {one.grade for one in found} <= {doctor.OK, doctor.WARNING}


async def in_thread(settings: Settings) -> list[Finding]:
    import asyncio

    return await asyncio.get_running_loop().run_in_executor(None, examine, settings, SystemClock())


async def test_what_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights, a port, the clock, the disk: each by its own sentence."""
    settings = await installed(tmp_path / "state", webhook_http=True)
    (tmp_path / "state").chmod(0o755)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with taken() as port:
        crowded = settings.model_copy(update={"http_port": port})
        found = {one.what.split(" ")[0]: one for one in graves(crowded, 1_500_000_000_000)}
    told = "\n".join(one.what for one in found.values())
    for part in ("others may look into", "1 MB are free", "the clock shows 2017", f"port {port}"):
        assert part in told
    assert "webhooks may go to" in told


async def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    """Before it is found by a driver; the log's damage is only a warning."""
    settings = await installed(tmp_path / "state")
    for name in ("csms.db", "messages.db"):
        damage(tmp_path / "state" / name)
    found = [one for one in graves(settings) if "damaged" in one.what or "malformed" in one.what]
    assert found[0].grade == doctor.WRONG


async def test_a_database_of_another_version_is_told(tmp_path: Path) -> None:
    """It is the start that brings it up to date."""
    settings = await installed(tmp_path / "state")
    with closing(sqlite3.connect(tmp_path / "state" / "csms.db")) as db:
        db.execute("UPDATE alembic_version SET version_num = '0001'")
        db.commit()
    assert any("another version" in one.what for one in graves(settings))


def test_nothing_installed_is_said_so(tmp_path: Path) -> None:
    """And what to do first."""
    found = graves(Settings(state_dir=tmp_path / "none", ocpp_port=0, http_port=0))
    assert found[0] == Finding(
        doctor.WRONG,
        f"there is no {tmp_path / 'none'}",
        "run `tapwatt csms run` once, or give --state-dir",
    )


@pytest.mark.parametrize(
    ("days", "grade"),
    [
        (61, doctor.OK),
        (59, doctor.WARNING),
        (10, doctor.WARNING),
        (6, doctor.WRONG),
        (-1, doctor.WRONG),
    ],
)
def test_a_certificate_that_ends_is_told_before(tmp_path: Path, days: int, grade: str) -> None:
    """Two months before; within a week it is wrong, as when it is too late."""
    path = tmp_path / "cert.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    end = datetime.now(UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(end - timedelta(days=100))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    settings = Settings(tls_certificate=path)
    [found] = doctor._certificates(settings, SystemClock())
    assert found.grade == grade
    path.write_text("none")
    [found] = doctor._certificates(settings, SystemClock())
    assert found.grade == doctor.WRONG


async def test_the_verb_ends_by_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 when it runs, warnings or not; 1 when something is wrong."""
    await installed(tmp_path / "state")
    where = ("doctor", "--state-dir", str(tmp_path / "state"))
    code = command(*where)
    said = capsys.readouterr().out
    assert code == int("wrong " in said)
    (tmp_path / "state").chmod(0o755)
    assert command(*where) == 1
    assert "others may look into" in capsys.readouterr().out
