"""What ends is told in time: log line, alert, metric, doctor."""

from __future__ import annotations

import random
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from csms_lite.certificates import vigil
from csms_lite.certificates.local import Wanted, initialise
from csms_lite.certificates.vigil import Vigil
from csms_lite.chance import Chance
from csms_lite.clock import SystemClock
from csms_lite.ending import OVER, days_left, stage
from csms_lite.errors import StoreFailed
from csms_lite.settings import Settings
from csms_lite.tls import OWN, with_own
from tests.certificates import authority, signed_by
from tests.csms_lite.central import running
from tests.csms_lite.inline import ManualClock

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("days", "due"),
    [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0.1, 7), (0, OVER), (-9, OVER)],
)
def test_a_warning_is_due_at_60_30_and_7_days(days: float, due: int | None) -> None:
    """Complaint 32: the last day is none to find out on."""
    assert stage(int(days * DAY_MS), 0) == due


def test_whole_days_are_counted_down() -> None:
    """Less than a day is none."""
    assert [days_left(int(days * DAY_MS), 0) for days in (1.5, 1, 0.5, -0.5)] == [1, 1, 0, -1]


class Told:
    """What was noted and logged; the disk may refuse."""

    def __init__(self) -> None:
        self.noted: list[dict[str, Any]] = []
        self.logged: list[tuple[str, str]] = []
        self.refuses = False

    async def note(self, kind: str, details: dict[str, Any]) -> None:
        if self.refuses:
            raise StoreFailed("the disk takes nothing")
        assert kind == "alert"
        self.noted.append(details)

    def log(self, level: str) -> Any:
        return lambda event, **_: self.logged.append((level, event))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    made = Told()
    for level in ("warning", "error", "info"):
        monkeypatch.setattr(vigil.log, level, made.log(level))
    return made


async def test_each_warning_is_told_once(tmp_path: Path, told: Told) -> None:
    """And one that the disk did not take is told again."""
    wanted = Wanted(names=("a.example",), days=61, authority_days=3650)
    initialise(tmp_path / OWN, wanted, SystemClock(), Chance(random.Random(1)))
    clock = ManualClock(SystemClock().now_ms())
    watch = Vigil(with_own(Settings(state_dir=tmp_path)), clock, told.note, ())
    days: list[int] = []
    for step in (0, 2, 1, 28, 0, 25, 10):
        clock.at_ms += step * DAY_MS
        told.refuses = step == 2
        await watch.look()
        days = [one["days_left"] for one in told.noted]
    assert days == [57, 29, 4, -6]
    assert {one["certificate"] for one in told.noted} == {"tls_certificate"}
    assert told.logged.count(("error", "certificate_ends")) == 1
    assert ("warning", "alert_not_kept") in told.logged


async def test_every_certificate_of_ours_is_watched(tmp_path: Path, told: Told) -> None:
    """Server, roots for chargers, the authority that signs for them; one that is none is said."""
    root = authority(days=(-1, 5))
    certificate, key = signed_by(root, "csms", hosts=("127.0.0.1",), days=(-1, 20)).save(
        tmp_path, "server"
    )
    signer = tmp_path / "signer.pem"
    signer.write_text("nothing")
    settings = Settings(
        state_dir=tmp_path,
        tls_certificate=certificate,
        tls_key=key,
        client_ca=root.save(tmp_path, "root")[0],
        station_ca_cert=signer,
    )
    watch = Vigil(settings, SystemClock(), told.note, ())
    await watch.look()
    assert [(one["certificate"], one["days_left"]) for one in told.noted] == [
        ("tls_certificate", 19),
        ("client_ca", 4),
    ]
    assert ("warning", "certificate_unreadable") in told.logged


async def test_a_certificate_of_a_strange_version_ends_no_watch(tmp_path: Path, told: Told) -> None:
    """The library has an error of its own for it, and the watch is part of all that runs."""
    root = authority()
    usual, strange = bytes.fromhex("a003020102"), bytes.fromhex("a003020107")  # RFC 5280 4.1.2.1
    der = root.certificate.public_bytes(serialization.Encoding.DER).replace(usual, strange, 1)
    signer = tmp_path / "signer.pem"
    signer.write_text(ssl.DER_cert_to_PEM_cert(der))
    settings = Settings(state_dir=tmp_path, station_ca_cert=signer)
    await Vigil(settings, SystemClock(), told.note, ()).look()
    assert told.logged == [("warning", "certificate_unreadable")]


async def test_a_running_system_tells_of_its_own_and_of_its_chargers(tmp_path: Path) -> None:
    """As an alert to who follows, as a number for Prometheus, and by the charger's alert."""
    root = authority()
    certificate, key = signed_by(root, "csms", hosts=("127.0.0.1",), days=(-1, 20)).save(
        tmp_path, "server"
    )
    ca = root.save(tmp_path, "root")[0]
    shown = signed_by(root, "CP-1", days=(-1, 6)).save(tmp_path, "shown")
    names = {"tls_certificate": certificate, "tls_key": key, "client_ca": ca}
    async with running(tmp_path / "state", **names) as central:
        trusting = ssl.create_default_context(cafile=str(ca))
        trusting.load_cert_chain(*shown)
        async with central.station("CP-1", ssl=trusting) as there:
            await there.boot()

            async def alerted() -> bool:
                found = await central.get("/api/alerts?open=true")
                return [one["kind"] for one in found] == ["certificate"]

            while not await alerted():
                pass
            page = (await central.http.get("/metrics")).text
    lines = [line for line in page.splitlines() if "certificate_not_after_seconds" in line]
    named = [line.split("{")[1].split("}")[0] for line in lines if "{certificate=" in line]
    assert named == ['certificate="tls_certificate"', 'certificate="client_ca"']
    assert any(line.startswith("tapwatt_station_certificate_not_after_seconds ") for line in lines)
