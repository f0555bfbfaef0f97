"""Roots and certificates that came over OCPP, in real handshakes."""

from __future__ import annotations

import datetime as dt
import hashlib
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from edge.core.access import Access
from edge.core.events import LinkUp
from edge.core.x509 import Credential
from tests.certificates import Signed, authority, signed_by
from tests.drivers.ocpp_bench import running, served
from tests.drivers.tls_bench import ca_file, secured

NOW = dt.datetime.now(dt.UTC)
PROFILE_2 = (Access(profile=2),)


@pytest.fixture(scope="module")
def root() -> Signed:
    return authority()


def fingerprint(signed: Signed) -> str:
    return hashlib.sha256(signed.certificate.public_bytes(Encoding.DER)).hexdigest()


def credential(signed: Signed, *, key: str | None = None) -> Credential:
    return Credential(chain=signed.pem, key=key or signed.key_pem, not_before=NOW, not_after=NOW)


def held() -> list[str]:
    """What this process has open."""
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing itself
            found.append(str(one.readlink()))
    return found


async def test_an_installed_root_is_trusted(root: Signed, tmp_path: Path) -> None:
    """TC_075_2: no file of the installer's knows it; the line says what it rests on."""
    async with (
        secured(root, tmp_path) as server,
        running(server, attempts=PROFILE_2, roots=(root.pem,)) as bench,
    ):
        assert (await bench.next(LinkUp)).root == fingerprint(root)


async def test_a_root_counts_from_the_next_dial_on(root: Signed, tmp_path: Path) -> None:
    """Without a restart, installed and deleted."""
    async with (
        secured(root, tmp_path) as server,
        running(server, attempts=PROFILE_2) as bench,
    ):
        assert "does not hold" in await bench.refusal()
        bench.link.use_roots((root.pem,))
        await bench.next(LinkUp)
        bench.link.use_roots(())
        await (await server.line()).close()
        assert "does not hold" in await bench.refusal()


async def test_the_installers_root_stays_beside_it(root: Signed, tmp_path: Path) -> None:
    """A strange root, or one that OpenSSL cannot read, takes nothing away."""
    roots = (authority("Other").pem, "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----")
    async with (
        secured(root, tmp_path) as server,
        running(server, attempts=PROFILE_2, roots=roots, ca_file=ca_file(root, tmp_path)) as bench,
    ):
        assert (await bench.next(LinkUp)).root == fingerprint(root)


async def test_the_root_is_the_end_of_the_chain(root: Signed, tmp_path: Path) -> None:
    """M04.FR.06: what the line rests on is the root, not who signed the server."""
    middle = authority("Middle", root)
    low = authority("Low", middle)
    async with (
        secured(root, tmp_path, between=(low, middle)) as server,
        running(server, attempts=PROFILE_2, roots=(authority().pem, root.pem)) as bench,
    ):
        assert (await bench.next(LinkUp)).root == fingerprint(root)


async def test_a_plain_line_rests_on_no_root() -> None:
    """Profile 0 or 1."""
    async with served() as server, running(server, attempts=(Access(profile=0),)) as bench:
        assert (await bench.next(LinkUp)).root is None


async def test_the_installed_certificate_is_shown(root: Signed, tmp_path: Path) -> None:
    """TC_087, A02.FR.08: before the installer's files; its key is left in no file."""
    own = signed_by(root, "SN-1", organisation="Cpo")
    files = signed_by(root, "SN-0").save(tmp_path, "station")
    way = Access(profile=3, credential=credential(own))
    async with (
        secured(root, tmp_path, wants_certificate=True) as server,
        running(
            server,
            attempts=(way,),
            roots=(root.pem,),
            certificate=str(files[0]),
            certificate_key=str(files[1]),
        ) as bench,
    ):
        assert (await bench.next(LinkUp)).access == way
        line = await server.line()
        shown = line.transport.get_extra_info("peercert")["subject"]
        assert ("commonName", "SN-1") in [part for (part,) in shown]
        assert not [one for one in held() if "credential" in one]


async def test_a_certificate_with_those_above_it_is_shown_whole(
    root: Signed, tmp_path: Path
) -> None:
    """The central system need not know the authorities between."""
    middle = authority("Middle", root)
    own = signed_by(middle, "SN-1", organisation="Cpo")
    whole = Credential(chain=own.pem + middle.pem, key=own.key_pem, not_before=NOW, not_after=NOW)
    async with (
        secured(root, tmp_path, wants_certificate=True) as server,
        running(
            server, attempts=(Access(profile=3, credential=whole),), roots=(root.pem,)
        ) as bench,
    ):
        await bench.next(LinkUp)


async def test_a_new_certificate_that_is_refused_gives_way_to_the_old(
    root: Signed, tmp_path: Path
) -> None:
    """A02.FR.10: refused by the central system, or by OpenSSL before it leaves."""
    foreign = credential(signed_by(authority("Mallory"), "SN-1"))
    broken = credential(signed_by(root, "SN-1"), key=authority().key_pem)
    old = Access(profile=3, credential=credential(signed_by(root, "SN-1")))
    for new in (foreign, broken):
        async with (
            secured(root, tmp_path, wants_certificate=True) as server,
            running(
                server,
                attempts=(Access(profile=3, credential=new), old),
                roots=(root.pem,),
            ) as bench,
        ):
            refusal = await bench.refusal()
            assert ("the installed certificate cannot be used" in refusal) is (new is broken)
            assert (await bench.next(LinkUp)).access == old
