"""Who is let in: passwords, TLS, client certificates, profiles."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from tests.certificates import Signed, authority, signed_by
from tests.spec_csms.bench import Bench, opened

OLD, NEW = "00112233445566778899aabbccddeeff00112233", "ffeeddccbbaa99887766554433221100ffeeddcc"
HOST = "127.0.0.1"


def basic(password: str, name: str = "CP-1") -> dict[str, Any]:
    """The header of HTTP Basic, as an option of a line."""
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"additional_headers": {"Authorization": f"Basic {pair}"}}


async def refused(url: str, **options: Any) -> int:
    """Try to come in, and give the HTTP status that says no."""
    with pytest.raises(InvalidStatus) as no:
        await connect(url, subprotocols=[Subprotocol("ocpp1.6")], **options)
    return no.value.response.status_code


async def key_of(bench: Bench, key: str, charger: str = "CP-1") -> None:
    """Give a charge point a password that it has already."""
    await bench.central.http.put(f"/api/chargers/{charger}")
    answer = await bench.central.http.post(f"/api/chargers/{charger}/key", json={"key": key})
    assert answer.status_code == 200, answer.text


def tls_settings(tmp_path: Path, root: Signed, **options: Any) -> dict[str, Any]:
    """Settings of a central system whose certificate is of this root and machine."""
    server = signed_by(root, HOST, hosts=(HOST,), **options)
    certificate, key = server.save(tmp_path, "server")
    return {"tls_certificate": certificate, "tls_key": key}


def trusting(root: Signed) -> ssl.SSLContext:
    """What a charge point that knows this root opens a line with."""
    return ssl.create_default_context(cadata=root.pem)


async def test_tc_073_a_password_is_changed(bench: Bench) -> None:
    """After Accepted it comes with the new one; the old one is refused."""
    await key_of(bench, OLD)
    url = f"{bench.central.addresses.ocpp}/CP-1"
    async with bench.point(**basic(OLD)) as point:
        await point.boot()
        row = await bench.ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW})
        assert row["result"] == {"status": "Accepted"}
        assert point.asked[-1].payload["value"] == NEW
    async with bench.point(**basic(NEW)) as point:
        assert "currentTime" in await point.call("Heartbeat")
    assert await refused(url, **basic(OLD)) == 401


async def test_tc_083_a_profile_is_raised(tmp_path: Path) -> None:
    """From Basic without TLS to Basic with it; after a reset the old way is closed."""
    root = authority()
    settings = {**tls_settings(tmp_path, root), "ocpp_plain_port": 0, "accept_unknown": False}
    async with opened(tmp_path / "state", **settings) as bench:
        await key_of(bench, OLD)
        plain = f"{bench.central.addresses.ocpp_plain}/CP-1"
        async with connect(plain, subprotocols=[Subprotocol("ocpp1.6")], **basic(OLD)):
            raised = {"key": "SecurityProfile", "value": "2"}
            asked = await bench.ask("ChangeConfiguration", raised, wait=0)
            assert asked["payload"] == raised
        async with bench.point(ssl=trusting(root), **basic(OLD)) as point:
            assert (await point.boot())["status"] == "Accepted"
            assert (await bench.ask("Reset", {"type": "Hard"}))["result"] == {"status": "Accepted"}
        assert await refused(plain, **basic(OLD)) == 401
        async with bench.point(ssl=trusting(root), **basic(OLD)) as point:
            assert "currentTime" in await point.call("Heartbeat")


async def test_tc_085_basic_auth_is_checked(bench: Bench) -> None:
    """No password, a wrong one, another's name: 401 at the upgrade; the right one: 101."""
    await key_of(bench, OLD)
    url = f"{bench.central.addresses.ocpp}/CP-1"
    for wrong in ({}, basic(NEW), basic(OLD, "CP-2")):
        assert await refused(url, **wrong) == 401
    async with bench.point(**basic(OLD)) as point:
        assert (await point.boot())["status"] == "Accepted"


@pytest.mark.parametrize("kind", ["EC", "RSA"])
async def test_tc_086_the_line_is_tls(tmp_path: Path, kind: str) -> None:
    """1.2 or newer, a certificate of this name and with a serial number, the suites asked for."""
    root = authority()
    key = rsa.generate_private_key(65537, 2048) if kind == "RSA" else None
    settings = tls_settings(tmp_path, root, key=key)
    suites = (
        ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"]
        if kind == "EC"
        else ["AES128-GCM-SHA256", "AES256-GCM-SHA384"]
    )
    async with opened(tmp_path / "state", **settings) as bench:
        await key_of(bench, OLD)
        for suite in suites:
            context = trusting(root)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(suite)
            async with bench.point(ssl=context, **basic(OLD)) as point:
                assert (await point.boot())["status"] == "Accepted"
                line = point.socket.transport.get_extra_info("ssl_object")
                assert line.cipher()[0] == suite
                assert line.version() == "TLSv1.2"
                assert int(line.getpeercert()["serialNumber"], 16) > 0
        url = f"{bench.central.addresses.ocpp}/CP-1"
        stranger = trusting(authority("Another"))
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(url, ssl=stranger, subprotocols=[Subprotocol("ocpp1.6")], **basic(OLD))


async def test_tc_087_a_client_certificate_is_the_charge_points_own(tmp_path: Path) -> None:
    """Profile 3: of our authority and of this id; no password, and none will do instead."""
    root, clients = authority(), authority("Stations")
    ca = clients.save(tmp_path, "clients")[0]
    settings = {**tls_settings(tmp_path, root), "client_ca": ca}

    def shown(name: str, signer: Signed = clients) -> dict[str, Any]:
        certificate, key = signed_by(signer, name).save(tmp_path, f"{name}-{id(signer)}")
        context = trusting(root)
        context.load_cert_chain(certificate, key)
        return {"ssl": context}

    async with opened(tmp_path / "state", **settings) as bench:
        put = await bench.central.http.put("/api/chargers/CP-1", json={"profile": 3})
        assert put.status_code == 200
        await key_of(bench, OLD)
        url = f"{bench.central.addresses.ocpp}/CP-1"
        async with bench.point(**shown("CP-1")) as point:
            assert (await point.boot())["status"] == "Accepted"
        assert await refused(url, **shown("CP-2")) == 401
        assert await refused(url, ssl=trusting(root), **basic(OLD)) == 401
        with pytest.raises((ssl.SSLError, ConnectionError, InvalidMessage)):
            await refused(url, **shown("CP-1", authority("Forger")))
