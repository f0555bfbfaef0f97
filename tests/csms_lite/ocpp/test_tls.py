"""TLS of both ports, with real handshakes (TC_083, TC_086, TC_087)."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from csms_lite.errors import SettingsError
from csms_lite.listening import check_exposure, is_loopback
from csms_lite.settings import Settings
from csms_lite.tls import SUITES
from tests.certificates import Signed, authority, signed_by
from tests.csms_lite.central import Central, Station, running
from tests.csms_lite.doors import basic, new_key, put

OCPP16 = [Subprotocol("ocpp1.6")]
FAILURES = (ssl.SSLError, ConnectionError, EOFError, InvalidMessage)


@dataclass(kw_only=True)
class Secured:
    """A central system with TLS, and the authority that signs chargers' certificates."""

    central: Central
    root: Signed
    chargers: Signed
    directory: Path

    def context(self, shown: Signed | None = None, **limits: Any) -> ssl.SSLContext:
        """What a charger dials with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.root.pem)
        for name, value in limits.items():
            setattr(context, name, value)
        if shown is not None:
            context.load_cert_chain(*shown.save(self.directory, "shown"))
        return context

    def station(self, name: str, shown: Signed | None = None, **options: Any) -> Station:
        return self.central.station(name, ssl=self.context(shown), **options)

    async def refused(self, name: str, shown: Signed | None = None, **options: Any) -> int:
        """The HTTP status with which a charger is refused; 0 when the handshake fails before."""
        url = f"{self.central.addresses.ocpp}/{name}"
        try:
            async with connect(
                url, subprotocols=OCPP16, ssl=self.context(shown), **options
            ) as socket:
                await socket.recv()
        except InvalidStatus as refused:
            return refused.response.status_code
        except FAILURES:
            return 0
        raise AssertionError("it was let in")


@pytest_asyncio.fixture(params=["ec", "rsa"])
async def secured(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Secured]:
    """On loopback with a certificate of either kind, and nobody unknown let in."""
    root, chargers = authority("Server root"), authority("Charger root")
    key = rsa.generate_private_key(65537, 2048) if request.param == "rsa" else None
    certificate, secret = signed_by(root, "csms", key=key, hosts=("127.0.0.1",)).save(
        tmp_path, "server"
    )
    ca = tmp_path / "ca.pem"
    ca.write_text(chargers.pem)
    async with running(
        tmp_path / "state",
        accept_unknown=False,
        tls_certificate=certificate,
        tls_key=secret,
        client_ca=ca,
        ocpp_plain_port=0,
    ) as central:
        yield Secured(central=central, root=root, chargers=chargers, directory=tmp_path)


async def test_both_ports_speak_tls(secured: Secured) -> None:
    """Wss for chargers, https for people, who show no certificate."""
    central = secured.central
    assert central.addresses.ocpp.startswith("wss://")
    assert central.addresses.http.startswith("https://")
    await put(central, profile=2)
    key = (await new_key(central))["key"]
    async with secured.station("CP-1", additional_headers=basic("CP-1", key)) as charger:
        assert (await charger.boot())["status"] == "Accepted"
        line = charger.socket.transport.get_extra_info("ssl_object")
        assert line.version() in {"TLSv1.2", "TLSv1.3"}
    async with httpx.AsyncClient(verify=secured.context()) as http:
        answer = await http.get(central.addresses.http + "/api/public/stations")
        assert answer.status_code == 200


async def test_the_suites_of_the_whitepaper_are_offered_and_old_tls_is_not(
    secured: Secured,
) -> None:
    """TC_086: each of the suites alone is enough, as far as the key of the certificate fits."""
    url = secured.central.addresses.ocpp + "/NEW"
    agreed = set()
    for suite in SUITES.split(":"):
        context = secured.context(maximum_version=ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(suite)
        try:
            async with connect(url, subprotocols=OCPP16, ssl=context) as socket:
                agreed.add(socket.transport.get_extra_info("cipher")[0])
        except FAILURES:
            continue
    is_rsa = "AES128-GCM-SHA256" in agreed
    expected = {one for one in SUITES.split(":") if ("ECDSA" in one) != is_rsa}
    assert agreed == expected
    context = secured.context(
        minimum_version=ssl.TLSVersion.TLSv1_1, maximum_version=ssl.TLSVersion.TLSv1_1
    )
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises(FAILURES):
        await connect(url, subprotocols=OCPP16, ssl=context)
    context = secured.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    with pytest.raises(FAILURES):
        await connect(url, subprotocols=OCPP16, ssl=context)


async def test_a_certificate_is_required_and_bound_to_the_id(secured: Secured) -> None:
    """TC_087: ours and of its own name, or not at all; no key will do."""
    await put(secured.central, profile=3)
    key = (await new_key(secured.central))["key"]
    own = signed_by(secured.chargers, "CP-1")
    async with secured.station("CP-1", own) as charger:
        assert (await charger.boot())["status"] == "Accepted"
    assert await secured.refused("CP-1") == 401
    assert await secured.refused("CP-1", additional_headers=basic("CP-1", key)) == 401
    assert await secured.refused("CP-1", signed_by(secured.chargers, "CP-2")) == 401
    assert await secured.refused("CP-1", signed_by(secured.root, "CP-1")) == 0
    assert await secured.refused("CP-1", signed_by(authority("Own root"), "CP-1")) == 0
    expired = signed_by(secured.chargers, "CP-1", days=(-30, -1))
    assert await secured.refused("CP-1", expired) == 0
    weak = signed_by(secured.chargers, "CP-1", key=rsa.generate_private_key(65537, 1024))
    with pytest.raises(ssl.SSLError):  # our own OpenSSL refuses to show it
        secured.context(weak)


async def test_after_tls_the_plain_port_is_closed_to_it(secured: Secured) -> None:
    """TC_083, 1 to 2: both are open while it moves, then never again without TLS."""
    central, plain = secured.central, secured.central.addresses.ocpp_plain
    assert plain is not None
    await put(central, profile=1)
    headers = basic("CP-1", (await new_key(central))["key"])
    async with Station(plain + "/CP-1", additional_headers=headers) as charger:
        assert (await charger.boot())["status"] == "Accepted"
    async with secured.station("CP-1", additional_headers=headers) as charger:
        await charger.boot()
    with pytest.raises(InvalidStatus) as refused:
        await connect(plain + "/CP-1", subprotocols=OCPP16, additional_headers=headers)
    assert refused.value.response.status_code == 401
    assert (await central.get("/api/chargers/CP-1"))["came_on_profile"] == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "csms.example.org"])
def test_it_does_not_listen_in_the_open(tmp_path: Path, host: str) -> None:
    """Beyond the loopback only with TLS, or by explicit wish."""
    with pytest.raises(SettingsError, match="set tls_certificate"):
        check_exposure(Settings(host=host))
    assert check_exposure(Settings(host=host, insecure=True, accept_unknown=True)) is None
    pair = signed_by(authority(), "csms").save(tmp_path, "server")
    files: dict[str, Any] = {"tls_certificate": pair[0], "tls_key": pair[1]}
    assert check_exposure(Settings(host=host, **files)) is not None
    with pytest.raises(SettingsError, match="neither ocpp_plain_port"):
        check_exposure(Settings(host=host, ocpp_plain_port=0, **files))
    with pytest.raises(SettingsError, match="inbox"):
        check_exposure(Settings(host=host, accept_unknown=True, **files))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_this_machine_it_needs_nothing(host: str) -> None:
    """A demonstration needs no certificate."""
    assert is_loopback(host)
    assert check_exposure(Settings(host=host)) is None


def test_a_certificate_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """The installer learns which file."""
    certificate, key = signed_by(authority(), "csms").save(tmp_path, "server")
    with pytest.raises(SettingsError, match="go together"):
        check_exposure(Settings(tls_certificate=certificate))
    with pytest.raises(SettingsError, match="client_ca needs"):
        check_exposure(Settings(client_ca=certificate))
    with pytest.raises(SettingsError, match=r"absent\.pem"):
        check_exposure(Settings(tls_certificate=tmp_path / "absent.pem", tls_key=key))
    with pytest.raises(SettingsError, match="client_ca"):
        check_exposure(
            Settings(tls_certificate=certificate, tls_key=key, client_ca=tmp_path / "absent.pem")
        )
