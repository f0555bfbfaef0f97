"""Security profiles 1 to 3 against a real central system on real TLS."""

from __future__ import annotations

import base64
import http
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response
from websockets.typing import Subprotocol

from edge.core import commands
from edge.core.access import Access
from edge.core.events import CallReceived, LinkDown, LinkUp
from edge.drivers.ocpp_link import Settings, open_link
from edge.drivers.ocpp_tls import SUITES
from edge.errors import ConfigError
from tests.certificates import Signed, authority, signed_by
from tests.drivers.ocpp_bench import LoopClock, Server, running, served
from tests.drivers.tls_bench import ca_file, secured

HEX = "00112233445566778899aabbccddeeff00112233"
PLAIN = "correct horse battery"


def basic(password: bytes) -> str:
    return "Basic " + base64.b64encode(b"TAPWATT 1:" + password).decode()


@pytest.fixture(scope="module")
def root() -> Signed:
    return authority()


@pytest.mark.parametrize(
    ("key", "mode", "expected"),
    [
        (HEX, "decoded", bytes.fromhex(HEX)),
        (HEX, "literal", HEX.encode()),
        (PLAIN, "decoded", PLAIN.encode()),
    ],
)
async def test_the_key_is_the_password(key: str, mode: str, expected: bytes) -> None:
    """TC_085; J 6.2.2: the bytes that the digits stand for (ruling 38)."""
    ways = (Access(profile=1, key=key),)
    async with served() as server, running(server, attempts=ways, basic_auth=mode) as bench:
        up = await bench.next(LinkUp)
        assert server.headers["Authorization"] == basic(expected)
        assert up.access == ways[0]


async def test_profile_0_and_3_send_no_password() -> None:
    """TC_087: no Basic beside a client certificate; profile 0 has no secret to tell."""
    ways = (Access(profile=0, key=HEX),)
    async with served() as server, running(server, attempts=ways, password="x") as bench:
        await bench.next(LinkUp)
        assert "Authorization" not in server.headers


async def test_profile_2_is_tls_with_basic(root: Signed, tmp_path: Path) -> None:
    """A00.FR.301-311: the chain and the name are checked, the password is sent."""
    ways = (Access(profile=2, key=HEX),)
    async with (
        secured(root, tmp_path) as server,
        running(server, attempts=ways, ca_file=ca_file(root, tmp_path)) as bench,
    ):
        await bench.next(LinkUp)
        line = await server.line()
        assert line.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        assert server.headers["Authorization"] == basic(bytes.fromhex(HEX))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"hosts": ("elsewhere.example",)}, "does not hold"),
        ({"days": (-30, -1)}, "does not hold"),
        ({"hosts": ()}, "does not hold"),
    ],
)
async def test_a_false_certificate_is_not_talked_to(
    root: Signed, tmp_path: Path, fault: dict[str, Any], said: str
) -> None:
    """A00.FR.307-310: wrong name, expired, no name at all."""
    ways = (Access(profile=2, key=HEX),)
    async with (
        secured(root, tmp_path, **fault) as server,
        running(server, attempts=ways, ca_file=ca_file(root, tmp_path)) as bench,
    ):
        entry = await bench.entry("central_system_unreachable")
        assert said in entry["why"]
        assert entry["suspicion"] == "InvalidCentralSystemCertificate"
        assert server.headers == {}


async def test_a_strange_authority_is_not_trusted(root: Signed, tmp_path: Path) -> None:
    """A man in the middle has a certificate too, but not of our root."""
    async with (
        secured(authority("Mallory"), tmp_path) as server,
        running(
            server, attempts=(Access(profile=2, key=HEX),), ca_file=ca_file(root, tmp_path)
        ) as bench,
    ):
        assert "does not hold" in await bench.refusal()
        assert server.headers == {}


@contextmanager
def unfit(root: Signed, folder: Path, *, suite: str, newest: ssl.TLSVersion) -> Iterator[str]:
    """A TLS server that we have nothing in common with; unlike asyncio's it says so by an alert."""
    certificate, key = signed_by(root, "central", hosts=("127.0.0.1",)).save(folder, "central")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = newest
    context.set_ciphers(suite)
    context.load_cert_chain(certificate, key)

    def work() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            with near, suppress(OSError):
                context.wrap_socket(near, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=work)
        thread.start()
        yield f"wss://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("suite", "newest", "suspicion"),
    [
        ("ALL:@SECLEVEL=0", ssl.TLSVersion.TLSv1_1, "InvalidTLSVersion"),
        ("ECDHE-ECDSA-AES128-SHA256", ssl.TLSVersion.TLSv1_2, "InvalidTLSCipherSuite"),
    ],
)
async def test_old_tls_and_weak_suites_are_refused(
    root: Signed, tmp_path: Path, suite: str, newest: ssl.TLSVersion, suspicion: str
) -> None:
    """A00.FR.312-315, 319."""
    with unfit(root, tmp_path, suite=suite, newest=newest) as url:
        async with running(
            Server(url=url),
            attempts=(Access(profile=2, key=HEX),),
            ca_file=ca_file(root, tmp_path),
        ) as bench:
            entry = await bench.entry("central_system_unreachable")
            assert entry["suspicion"] == suspicion, entry


@pytest.mark.parametrize(
    "suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"]
)
async def test_the_whitepapers_suites_work(root: Signed, tmp_path: Path, suite: str) -> None:
    """TC_086; A00.FR.318, with TLS 1.2."""
    async with (
        secured(root, tmp_path, ciphers=suite, newest=ssl.TLSVersion.TLSv1_2) as server,
        running(
            server, attempts=(Access(profile=2, key=HEX),), ca_file=ca_file(root, tmp_path)
        ) as bench,
    ):
        await bench.next(LinkUp)
        line = await server.line()
        assert line.transport.get_extra_info("cipher")[0] == suite
    assert suite in SUITES


async def test_profile_3_shows_the_stations_certificate(root: Signed, tmp_path: Path) -> None:
    """TC_087; A00.FR.401-411: mutual TLS, and no password beside it."""
    certificate, key = signed_by(root, "SN-1", organisation="Cpo").save(tmp_path, "station")
    async with (
        secured(root, tmp_path, wants_certificate=True) as server,
        running(
            server,
            attempts=(Access(profile=3),),
            ca_file=ca_file(root, tmp_path),
            certificate=str(certificate),
            certificate_key=str(key),
            password="unused",
        ) as bench,
    ):
        await bench.next(LinkUp)
        line = await server.line()
        shown = line.transport.get_extra_info("peercert")["subject"]
        assert ("commonName", "SN-1") in [part for (part,) in shown]
        assert "Authorization" not in server.headers


async def test_profile_3_without_a_certificate_says_so(root: Signed, tmp_path: Path) -> None:
    """What the installer has to do, in one sentence."""
    async with secured(root, tmp_path) as server:
        async with running(server, attempts=(Access(profile=3),)) as bench:
            assert "needs a certificate" in await bench.refusal()
        missing = str(tmp_path / "nothing.pem")
        async with running(server, attempts=(Access(profile=2),), ca_file=missing) as bench:
            assert "nothing.pem cannot be used" in await bench.refusal()


async def test_a_server_without_tls_is_named(tmp_path: Path) -> None:
    """`wss` at a plain port."""
    async with served() as server:
        server.url = server.url.replace("ws:", "wss:")
        async with running(server) as bench:
            assert "cannot reach wss:" in await bench.refusal()


async def test_a_new_key_is_tried_in_turn_with_the_old() -> None:
    """Ruling 38: the central system may still have the old one, or have the new one already."""
    new, old = Access(profile=1, key=HEX), Access(profile=1, key=PLAIN)

    async with served() as server:

        async def admit(line: ServerConnection, request: HttpRequest) -> Response | None:
            server.headers = dict(request.headers.raw_items())
            good = server.headers["Authorization"] == basic(PLAIN.encode())
            return None if good else line.respond(http.HTTPStatus.UNAUTHORIZED, "")

        server.admit = admit  # type: ignore[method-assign]  # this one looks at the password
        async with running_with(server, attempts=(new, old)) as bench:
            entry = await bench.entry("central_system_unreachable")
            assert entry["suspicion"] == "FailedToAuthenticateAtCentralSystem"
            assert (await bench.next(LinkUp)).access == old


@asynccontextmanager
async def running_with(server: Server, **options: Any) -> AsyncIterator[Any]:
    """As `running`, on a server that serves with its newest `admit`."""
    async with serve(
        server.work,
        "127.0.0.1",
        0,
        process_request=server.admit,
        subprotocols=[Subprotocol("ocpp1.6")],
    ) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/"
        async with running(server, **options) as bench:
            yield bench


async def test_the_answer_is_out_before_the_line_is_renewed() -> None:
    """A05.FR.05-07: Accepted, then the connection closes in good order, then the new one."""
    first, second = Access(profile=0), Access(profile=1, key=HEX)
    async with served() as server, running(server, attempts=(first,)) as bench:
        line = await server.line()
        assert (await bench.next(LinkUp)).access == first
        payload = {"key": "SecurityProfile", "value": "1"}
        await line.send(json.dumps([2, "c1", "ChangeConfiguration", payload]))
        call = await bench.next(CallReceived)
        answer = commands.ChangeConfigurationConf(status="Accepted")
        bench.link.reply(call.call_id, answer)
        bench.link.use_access((second,), reconnect=True)
        assert await server.hear() == [3, "c1", {"status": "Accepted"}]
        await bench.next(LinkDown)
        assert line.close_code == 1000
        assert (await bench.next(LinkUp)).access == second
        assert server.headers["Authorization"] == basic(bytes.fromhex(HEX))


async def test_a_change_without_need_keeps_the_line() -> None:
    """What is only forgotten interrupts nothing; the next dial knows it."""
    async with served() as server, running(server, attempts=(Access(profile=0),)) as bench:
        await bench.next(LinkUp)
        first = await server.line()
        bench.link.use_access((Access(profile=1, key=PLAIN),), reconnect=False)
        await first.close()
        assert (await bench.next(LinkUp)).access == Access(profile=1, key=PLAIN)


def opened(*attempts: Access, **settings: Any) -> None:
    open_link(
        Settings(**settings),
        station="S",
        clock=LoopClock(),
        random=Random(1),
        attempts=attempts,
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "sim.localhost"])
def test_plain_ws_is_free_on_loopback(host: str) -> None:
    """The demo needs no setting."""
    opened(url=f"ws://{host}:9000/ocpp")


@pytest.mark.parametrize("host", ["192.168.1.2", "central.example", "127.0.0.1.example"])
def test_plain_ws_beyond_loopback_is_refused(host: str) -> None:
    """Secure by default: somebody must have said that it may be read on the way."""
    with pytest.raises(ConfigError, match="insecure = true"):
        opened(url=f"ws://{host}/ocpp", password="p")
    opened(url=f"wss://{host}/ocpp")


def test_a_plain_way_back_beyond_loopback_is_refused() -> None:
    """A profile that awaits its proof has the one before it to fall back to: that counts too."""
    ways = Access(profile=2, key=PLAIN), Access(profile=1, key=PLAIN)
    with pytest.raises(ConfigError, match="insecure = true"):
        opened(*ways, url="ws://central.example/ocpp", secure_url="wss://central.example/ocpp")
    opened(*ways, url="ws://127.0.0.1:9/ocpp", secure_url="wss://central.example/ocpp")


def test_an_allowed_plain_line_is_told_at_every_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not once in an installer's life, but whenever the daemon starts."""
    for _ in range(2):
        opened(url="ws://central.example/ocpp", insecure=True)
        assert "line_is_not_encrypted" in capsys.readouterr().out


def test_a_way_in_never_shows_its_key() -> None:
    """Whatever prints it: a log, a traceback, a failed assertion."""
    assert HEX not in repr(Access(profile=1, key=HEX))
