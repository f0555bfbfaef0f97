"""What ends is told in time: log line, alert, metric, doctor."""

from __future__ import annotations

import json
import random
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection

from csms_lite.alerts.service import acknowledge, list_alerts
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
from tests.csms_lite.inline import Inline, ManualClock, empty_database

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


class Desk:
    """The database that alerts are in, and the log; the disk may refuse."""

    def __init__(self, db: Connection) -> None:
        self.store: Any = Inline(db)
        self.logged: list[tuple[str, str]] = []

    async def refuse(self, *_: object, **__: object) -> None:
        raise StoreFailed("the disk takes nothing")

    def log(self, level: str) -> Any:
        return lambda event, **_: self.logged.append((level, event))

    async def alerts(self, *, only_open: bool = True) -> list[tuple[str | None, int]]:
        """What they are about and which warning they are, the oldest first."""
        found = await self.store.read(list_alerts, 100, only_open=only_open)
        assert {(one.charger, one.connector, one.kind) for one in found} <= {
            (None, 0, "certificate")
        }
        return [
            (one.subject, json.loads(one.details_json)["within_days"]) for one in reversed(found)
        ]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with empty_database() as db:
        made = Desk(db)
        for level in ("warning", "error", "info"):
            monkeypatch.setattr(vigil.log, level, made.log(level))
        yield made


def own(tmp_path: Path, days: int) -> Settings:
    """A system with certificates of its own making."""
    wanted = Wanted(names=("a.example",), days=days, authority_days=3650)
    initialise(tmp_path / OWN, wanted, SystemClock(), Chance(random.Random(1)))
    return with_own(Settings(state_dir=tmp_path))


async def test_each_warning_is_an_alert_anew(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that the disk did not take is told again."""
    clock = ManualClock(SystemClock().now_ms())
    watch = Vigil(own(tmp_path, 61), desk.store, clock, ())
    stood = []
    for step in (0, 2, 1, 28, 0, 25, 10):
        clock.at_ms += step * DAY_MS
        with monkeypatch.context() as patched:
            if step == 2:
                patched.setattr(desk.store, "do", desk.refuse)
            await watch.look()
        stood.append(await desk.alerts())
    due = [[("tls_certificate", days)] for days in (60, 30, 30, 7, OVER)]
    assert stood == [[], [], *due]
    assert await desk.alerts(only_open=False) == [
        ("tls_certificate", days) for days in (60, 30, 7, OVER)
    ]
    assert desk.logged.count(("error", "certificate_ends")) == 1
    assert ("warning", "alert_not_kept") in desk.logged


async def test_who_has_seen_it_is_asked_no_second_time_and_a_renewal_ends_it(
    tmp_path: Path, desk: Desk
) -> None:
    """Also when both came about while nobody watched: another process left the alert."""
    settings, clock = own(tmp_path, 20), SystemClock()
    await Vigil(settings, desk.store, clock, ()).look()
    [alert] = await desk.store.read(list_alerts, 9)
    seen = await desk.store.do(acknowledge, alert.alert_id, "A. Smith", 5)
    await Vigil(settings, desk.store, clock, ()).look()
    assert await desk.store.read(list_alerts, 9) == [seen]
    assert settings.tls_certificate is not None
    renewed = signed_by(authority(), "csms", hosts=("a.example",), days=(-1, 90)).save(
        tmp_path, "new"
    )[0]
    settings.tls_certificate.write_bytes(renewed.read_bytes())
    await Vigil(settings, desk.store, clock, ()).look()
    assert await desk.alerts() == []


async def test_a_certificate_that_is_used_no_more_is_warned_of_no_more(
    tmp_path: Path, desk: Desk
) -> None:
    """One that cannot be read now is another matter: nothing is known of it."""
    ending = signed_by(authority(), "csms", days=(-1, 5)).save(tmp_path, "ending")[0]
    settings = Settings(state_dir=tmp_path, client_ca=ending, station_ca_cert=ending)
    await Vigil(settings, desk.store, SystemClock(), ()).look()
    assert await desk.alerts() == [("client_ca", 7), ("station_ca_cert", 7)]
    ending.write_text("half a file")
    left = settings.model_copy(update={"client_ca": None})
    watch = Vigil(left, desk.store, SystemClock(), ())
    await watch.look()
    assert await desk.alerts() == [("station_ca_cert", 7)]
    renewed = signed_by(authority(), "csms", days=(-1, 90)).save(tmp_path, "renewed")[0]
    ending.write_bytes(renewed.read_bytes())
    await watch.look()
    assert await desk.alerts() == []


async def test_every_certificate_of_ours_is_watched(tmp_path: Path, desk: Desk) -> None:
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
    watch = Vigil(settings, desk.store, SystemClock(), ())
    await watch.look()
    assert await desk.alerts() == [("tls_certificate", 30), ("client_ca", 7)]
    assert ("warning", "certificate_unreadable") in desk.logged


async def test_a_certificate_of_a_strange_version_ends_no_watch(tmp_path: Path, desk: Desk) -> None:
    """The library has an error of its own for it, and the watch is part of all that runs."""
    root = authority()
    usual, strange = bytes.fromhex("a003020102"), bytes.fromhex("a003020107")  # RFC 5280 4.1.2.1
    der = root.certificate.public_bytes(serialization.Encoding.DER).replace(usual, strange, 1)
    signer = tmp_path / "signer.pem"
    signer.write_text(ssl.DER_cert_to_PEM_cert(der))
    settings = Settings(state_dir=tmp_path, station_ca_cert=signer)
    await Vigil(settings, desk.store, SystemClock(), ()).look()
    assert desk.logged == [("warning", "certificate_unreadable")]


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

            async def alerted() -> set[tuple[str | None, str | None, str]]:
                found = await central.get("/api/alerts?open=true")
                return {(one["charger"], one["subject"], one["kind"]) for one in found}

            ours, theirs = (None, "tls_certificate", "certificate"), ("CP-1", None, "certificate")
            while not {ours, theirs} <= await alerted():
                pass
            assert await central.get("/api/alerts?charger=CP-2") == []
            [alert] = await central.get("/api/alerts?charger=CP-1")
            assert alert["subject"] is None
            page = (await central.http.get("/metrics")).text
    lines = [line for line in page.splitlines() if "certificate_not_after_seconds" in line]
    named = [line.split("{")[1].split("}")[0] for line in lines if "{certificate=" in line]
    assert named == ['certificate="tls_certificate"', 'certificate="client_ca"']
    assert any(line.startswith("tapwatt_station_certificate_not_after_seconds ") for line in lines)
