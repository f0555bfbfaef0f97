"""A station asks for a certificate and gets one: from the authority here, or from an operator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from csms_lite.certificates.authority import fault_of_chain, fault_of_request
from csms_lite.certificates.rules import SIGNED_A_DAY
from csms_lite.errors import SettingsError
from tests import certificates
from tests.certificates import Key, Signed, answer_to, authority, pem_of
from tests.csms_lite.central import Central, Station, running


def request(name: str = "CP-1", key: Key | None = None) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(certificates.subject(name))
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


async def asks(station: Station, csr: str) -> Any:
    return (await station.call("SignCertificate", {"csr": csr}))["status"]


async def sent(station: Station) -> str:
    """The chain that the central system sends, accepted."""
    frame = station.asked.pop(0) if station.asked else await station.receive()
    assert frame[2] == "CertificateSigned"
    await station.send(3, frame[1], {"status": "Accepted"})
    chain: str = frame[3]["certificateChain"]
    return chain


async def requests(central: Central) -> Any:
    return await central.get("/api/signing-requests?charger=CP-1")


def with_authority(tmp_path: Path, signer: Signed) -> dict[str, Any]:
    certificate, key = signer.save(tmp_path, "ca")
    return {"station_ca_cert": certificate, "station_ca_key": key}


@pytest.mark.parametrize("under_root", [False, True])
async def test_the_authority_signs_what_a_station_asks_for(
    tmp_path: Path, under_root: bool
) -> None:
    """TC_074: Accepted, then CertificateSigned with a chain that the root answers for."""
    root = authority()
    signer = authority("Stations", root) if under_root else root
    csr = request()
    settings = with_authority(tmp_path, signer)
    async with running(tmp_path / "state", **settings) as central, central.station() as station:
        await station.boot()
        assert await asks(station, csr) == "Accepted"
        chain = x509.load_pem_x509_certificates((await sent(station)).encode())
        [known] = await requests(central)
        command = await central.get(f"/api/commands/{known['command']}")
    assert (known["state"], command["action"]) == ("signed", "CertificateSigned")
    assert len(chain) == (2 if under_root else 1)
    for below, above in pairwise([*chain, root.certificate]):
        below.verify_directly_issued_by(above)
    assert chain[0].subject == certificates.subject("CP-1")
    assert fault_of_chain(pem_of(chain[0]), csr, "CP-1") is None


FAULTY: dict[str, tuple[Callable[[], str], str]] = {
    "another's name": (lambda: request("CP-2"), "common name"),
    "short key": (lambda: request(key=rsa.generate_private_key(65537, 1024)), "2048"),
    "rubbish": (lambda: "-----BEGIN", "cannot be read"),
    "torn": (lambda: _torn(request()), "request"),
}


def _torn(csr: str) -> str:
    middle = len(csr) * 3 // 4
    return csr[:middle] + ("A" if csr[middle] != "A" else "B") + csr[middle + 1 :]


@pytest.mark.parametrize("name", FAULTY)
async def test_a_faulty_request_is_rejected_with_the_reason(tmp_path: Path, name: str) -> None:
    """The name is the id: no station gets the certificate of another."""
    make, reason = FAULTY[name]
    settings = with_authority(tmp_path, authority())
    async with running(tmp_path / "state", **settings) as central, central.station() as station:
        await station.boot()
        assert await asks(station, make()) == "Rejected"
        [known] = await requests(central)
        assert (await station.call("Heartbeat"))["currentTime"]
        assert station.asked == []
    assert known["state"] == "refused"
    assert reason in known["problem"]


async def test_without_an_authority_a_request_is_rejected_and_kept(central: Central) -> None:
    """An operator may have it signed elsewhere and give the chain all the same."""
    csr, root = request(), authority()
    async with central.station() as station:
        await station.boot()
        assert await asks(station, csr) == "Rejected"
        [known] = await requests(central)
        assert (known["state"], known["csr"]) == ("waiting", csr)
        path = f"/api/signing-requests/{known['id']}/chain"
        foreign = pem_of(answer_to(request(), root))
        refused = await central.http.post(path, json={"chain": foreign})
        assert refused.status_code == 422
        assert "not for the key" in refused.json()["detail"]
        right = pem_of(answer_to(csr, root))
        assert (await central.http.post(path, json={"chain": right})).status_code == 202
        assert await sent(station) == right
        assert (await central.http.post(path, json={"chain": right})).status_code == 409
        again = await central.http.post(f"/api/signing-requests/{known['id']}/send")
        assert again.status_code == 202
        assert await sent(station) == right


async def test_by_hand_a_station_is_told_to_wait(tmp_path: Path) -> None:
    """And only its last request counts."""
    async with running(tmp_path, sign_by_hand=True) as central, central.station() as station:
        await station.boot()
        assert await asks(station, request()) == "Accepted"
        last = request()
        assert await asks(station, last) == "Accepted"
        assert [one["csr"] for one in await requests(central)] == [last]


async def test_what_waited_is_looked_at_before_it_is_signed(tmp_path: Path) -> None:
    """A request from before there was an authority: the good is signed, the bad refused."""
    async with running(tmp_path / "state", sign_by_hand=True) as central:
        for charger, name in (("CP-1", "CP-1"), ("CP-2", "CP-1")):
            async with central.station(charger) as station:
                await station.boot()
                assert await asks(station, request(name)) == "Accepted"
    settings = with_authority(tmp_path, authority())
    async with running(tmp_path / "state", **settings) as central:
        async with asyncio.timeout(5):
            while any(
                one["state"] == "waiting" for one in await central.get("/api/signing-requests")
            ):
                pass
        found = await central.get("/api/signing-requests")
    assert {one["charger"]: one["state"] for one in found} == {"CP-1": "signed", "CP-2": "refused"}


async def test_an_authority_that_has_expired_signs_nothing_and_stops_nothing(
    tmp_path: Path,
) -> None:
    """The request is refused with the reason; who charges hears nothing of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = certificates.subject("Old")
    old = certificates.sign(name, key.public_key(), None, key, is_ca=True, days=(-30, -1))
    settings = with_authority(tmp_path, Signed(old, key))
    async with running(tmp_path / "state", **settings) as central, central.station() as station:
        await station.boot()
        assert await asks(station, request()) == "Accepted"
        async with asyncio.timeout(5):
            while (await requests(central))[0]["state"] == "waiting":
                pass
        assert "has expired" in (await requests(central))[0]["problem"]


async def test_a_station_in_a_loop_is_not_signed_for_ever(tmp_path: Path) -> None:
    """Five a day; the rest is Rejected."""
    settings = with_authority(tmp_path, authority())
    async with running(tmp_path / "state", **settings) as central, central.station() as station:
        await station.boot()
        for _ in range(SIGNED_A_DAY):
            assert await asks(station, request()) == "Accepted"
            await sent(station)
        assert await asks(station, request()) == "Rejected"
        assert "within a day" in (await requests(central))[0]["problem"]


async def test_files_of_no_use_stop_the_start(tmp_path: Path) -> None:
    """One without the other, a key of another, no PEM at all."""
    settings = with_authority(tmp_path, authority())
    other = authority().save(tmp_path, "other")[1]
    for wrong in (
        {"station_ca_cert": settings["station_ca_cert"]},
        {**settings, "station_ca_key": other},
        {**settings, "station_ca_key": tmp_path / "nothing"},
    ):
        with pytest.raises(ExceptionGroup) as stopped:
            async with running(tmp_path / "state", **wrong):
                pass
        assert stopped.group_contains(SettingsError)


def test_a_request_of_the_right_kind_has_no_fault() -> None:
    """RSA of 2048 bits, EC of 256."""
    assert fault_of_request(request(), "CP-1") is None
    assert fault_of_request(request(key=rsa.generate_private_key(65537, 2048)), "CP-1") is None
