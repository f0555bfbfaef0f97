"""`tapwatt csms tls`: a local authority, what it signs, nothing lost by asking again."""

from __future__ import annotations

import json
import random
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from csms_lite.certificates import local
from csms_lite.certificates.local import Made, Wanted, initialise, renew
from csms_lite.chance import Chance
from csms_lite.clock import EPOCH, MILLISECOND, SystemClock
from csms_lite.errors import SettingsError
from csms_lite.settings import Settings
from csms_lite.tls import OWN, with_own
from edge.cli import main
from tests.csms_lite.central import running
from tests.csms_lite.inline import ManualClock
from tests.waiting import until

WANTED = Wanted(names=("127.0.0.1", "csms.example"), days=90, authority_days=3650)
OCPP16 = [Subprotocol("ocpp1.6")]


def made_in(folder: Path, wanted: Wanted = WANTED) -> Made:
    return initialise(folder, wanted, SystemClock(), Chance(random.Random(1)))


def renewed_in(folder: Path, wanted: Wanted = WANTED, *, with_authority: bool = False) -> Made:
    chance = Chance(random.Random(2))
    return renew(folder, wanted, SystemClock(), chance, with_authority=with_authority)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_only_the_owner_reads_the_keys(tmp_path: Path) -> None:
    """Whoever has the authority's key can be the central system for every charger."""
    made_in(tmp_path / "state" / OWN)
    modes = {one.name: one.stat().st_mode & 0o777 for one in (tmp_path / "state" / OWN).iterdir()}
    assert modes == {"ca.key": 0o600, "ca.pem": 0o644, "server.pem": 0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_asking_again_changes_nothing(tmp_path: Path) -> None:
    """Idempotent: an installer may say it twice, with other names even."""
    first = made_in(tmp_path)
    before = contents(tmp_path)
    again = made_in(tmp_path, Wanted(names=("other.example",), days=1, authority_days=1))
    assert (first.made, again.made) == (True, False)
    assert contents(tmp_path) == before
    assert again.names == first.names == WANTED.names


@pytest.mark.parametrize("lost", ["server.pem", "ca.pem"])
def test_a_part_that_is_missing_is_made_of_what_is_there(tmp_path: Path, lost: str) -> None:
    """A power cut in the middle of the first time."""
    made_in(tmp_path)
    before = contents(tmp_path)
    (tmp_path / lost).unlink()
    assert made_in(tmp_path).made
    assert (tmp_path / "ca.key").read_bytes() == before["ca.key"]
    kept = {"server.pem": "ca.pem", "ca.pem": "server.pem"}[lost]
    assert (tmp_path / kept).read_bytes() == before[kept]


def test_an_authority_of_another_key_is_refused(tmp_path: Path) -> None:
    """Nobody would trust what it signed."""
    made_in(tmp_path / "one")
    made_in(tmp_path / "two")
    (tmp_path / "one" / "server.pem").unlink()
    (tmp_path / "one" / "ca.pem").write_bytes((tmp_path / "two" / "ca.pem").read_bytes())
    with pytest.raises(SettingsError, match="not of"):
        made_in(tmp_path / "one")


@pytest.mark.parametrize("names", [(), ("no spaces",), ("",), ("a..b",), ("-?",), ("x" * 64,)])
def test_a_name_that_nobody_can_dial_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Before a certificate is made out to it."""
    with pytest.raises(SettingsError, match="name"):
        made_in(tmp_path, Wanted(names=names, days=1, authority_days=1))


def test_a_renewed_authority_is_trusted_by_who_has_the_old_one(tmp_path: Path) -> None:
    """Complaint 32: an authority that ends must not turn a fleet away."""
    made_in(tmp_path)
    old = (tmp_path / "ca.pem").read_bytes()
    assert renewed_in(tmp_path, with_authority=True).fingerprint
    assert (tmp_path / "ca.pem").read_bytes() != old
    leaf = x509.load_pem_x509_certificates((tmp_path / "server.pem").read_bytes())[0]
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(old))


def test_no_certificate_outlives_its_authority(tmp_path: Path) -> None:
    """And of one that is over nothing is made."""
    made = made_in(tmp_path, Wanted(names=("a.example",), days=100, authority_days=10))
    assert made.not_after_ms == made.authority_not_after_ms
    late = ManualClock()
    ends = EPOCH + made.authority_not_after_ms * MILLISECOND + timedelta(days=1)
    late.at_ms = int((ends - EPOCH) / MILLISECOND)
    with pytest.raises(SettingsError, match="--authority"):
        renew(tmp_path, WANTED, late, Chance(random.Random(3)), with_authority=False)


def test_there_is_nothing_to_renew_before_there_is_something(tmp_path: Path) -> None:
    """It says which verb comes first."""
    with pytest.raises(SettingsError, match="tls init"):
        renewed_in(tmp_path)


def context_for(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / "ca.pem")
    return context


async def test_the_running_system_uses_it_and_takes_up_a_renewal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself, without a restart; a charger that is there stays there."""
    monkeypatch.setattr("csms_lite.certificates.vigil.EVERY_S", 0.02)
    made_in(tmp_path / OWN)
    trusting = context_for(tmp_path / OWN)
    async with running(tmp_path) as central:
        assert central.addresses.ocpp.startswith("wss://127.0.0.1")
        assert central.addresses.http.startswith("https://")

        async def serial() -> str:
            url = f"{central.addresses.ocpp}/CP-2"
            async with connect(url, subprotocols=OCPP16, ssl=trusting) as socket:
                shown = socket.transport.get_extra_info("peercert")
            return str(shown["serialNumber"])

        async with central.station("CP-1", ssl=trusting) as there:
            await there.boot()
            before = await serial()
            renewed_in(tmp_path / OWN)
            while await serial() == before:
                pass
            assert await there.call("Heartbeat")


async def test_a_broken_renewal_leaves_the_old_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-copied file turns no charger away."""
    monkeypatch.setattr("csms_lite.certificates.vigil.EVERY_S", 0.02)
    made_in(tmp_path / OWN)
    trusting = context_for(tmp_path / OWN)
    looks: list[str] = []
    monkeypatch.setattr(
        "csms_lite.certificates.vigil.log.warning", lambda event, **_: looks.append(event)
    )
    async with running(tmp_path) as central:
        (tmp_path / OWN / "server.pem").write_text("-----BEGIN CERTIFICATE-----\nhalf\n")
        await until(lambda: "certificate_not_taken_up" in looks)
        async with central.station("CP-1", ssl=trusting) as there:
            await there.boot()


def test_a_certificate_that_is_named_wins(tmp_path: Path) -> None:
    """Who brings one of his own has said so."""
    made_in(tmp_path / OWN)
    named = Settings(state_dir=tmp_path, tls_certificate=tmp_path / "x", tls_key=tmp_path / "y")
    assert with_own(named) == named
    assert with_own(Settings(state_dir=tmp_path)).tls_certificate == tmp_path / OWN / "server.pem"
    assert with_own(Settings(state_dir=tmp_path / "none")).tls_certificate is None


def test_the_verbs_say_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As text for people, as JSON for programs; a mistake is one sentence."""
    where = ["--state-dir", str(tmp_path)]
    assert main(["csms", "tls", "renew", *where]) == 2
    assert "tls init" in capsys.readouterr().err
    assert main(["csms", "tls", "init", "--name", "csms.example", *where]) == 0
    told = capsys.readouterr().out
    assert "for csms.example" in told
    assert main(["csms", "tls", "init", "--json", *where]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["made"] is False
    assert found["fingerprint"] in told
    assert main(["csms", "tls", "renew", "--days", "0", *where]) == 2
    assert "tls_days" in capsys.readouterr().err
    assert main(["csms", "tls", "renew", "--authority", "--json", *where]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["names"] == found["names"]
    assert again["fingerprint"] != found["fingerprint"]


def test_the_names_without_any_said_are_those_of_this_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What works at once: by its own name, and on itself."""
    assert main(["csms", "tls", "init", "--json", "--state-dir", str(tmp_path)]) == 0
    names = json.loads(capsys.readouterr().out)["names"]
    assert {"localhost", "127.0.0.1", "::1"} < set(names)
    assert local.names_of(tmp_path / OWN / "server.pem") == tuple(names)
