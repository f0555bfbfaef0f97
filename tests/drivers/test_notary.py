"""Questions about certificates go to a process of their own: bounded, and gone when answered."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from edge.core.vocabulary import CertificateUse, HashAlgorithm
from edge.core.x509 import (
    MOST_ROOTS,
    ChainFound,
    CheckChain,
    InspectRoot,
    KeyMade,
    MakeSigningRequest,
    NotDone,
    Root,
    Unfit,
)
from edge.drivers import child
from edge.drivers.notary import WHY_MAX, ChildNotary
from tests.certificates import Signed, authority, signed_by
from tests.waiting import until

NOW = datetime.now(UTC)
CSMS, MAKER = CertificateUse.CENTRAL_SYSTEM_ROOT, CertificateUse.MANUFACTURER_ROOT


def inspect(pem: str, use: CertificateUse = CSMS) -> InspectRoot:
    return InspectRoot(ticket=1, use=use, pem=pem, at=NOW)


def check(chain: str, *roots: Signed, use: CertificateUse = CSMS, at: datetime = NOW) -> CheckChain:
    pems = tuple(root.pem for root in roots)
    return CheckChain(ticket=1, use=use, chain=chain, roots=pems, at=at)


def framed(text: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


async def test_a_root_comes_back_as_a_value() -> None:
    """Port `Notary`: for the use it was asked for, named by each algorithm in its order."""
    root = authority()
    found = await ChildNotary().answer(inspect(root.pem, MAKER))
    assert isinstance(found, Root)
    assert (found.use, found.pem) == (MAKER, root.pem)
    assert [one.hash_algorithm for one in found.hashes] == list(HashAlgorithm)
    assert found.not_after == root.certificate.not_valid_after_utc


async def test_a_request_and_its_certificate_belong_together() -> None:
    """TC_074, from the new key to the chain that answers it."""
    root = authority()
    asked = MakeSigningRequest(ticket=1, common_name="TW-0001", organisation="Cpo")
    made = await ChildNotary().answer(asked)
    assert isinstance(made, KeyMade)
    assert "PRIVATE KEY" in made.key
    leaf = signed_by(root, "TW-0001", organisation="Cpo")
    found = await ChildNotary().answer(check(leaf.pem, root))
    assert isinstance(found, ChainFound)
    assert (found.common_name, found.organisation, found.chain) == ("TW-0001", "Cpo", leaf.pem)
    assert found.key_id != made.key_id


async def test_the_installers_roots_count_for_the_central_system_only(tmp_path: Path) -> None:
    """[csms] ca_file says nothing about who signs firmware."""
    root = authority()
    leaf = signed_by(root, "TW-0001")
    notary = ChildNotary(str(root.save(tmp_path, "root")[0]))
    assert isinstance(await notary.answer(check(leaf.pem)), ChainFound)
    assert isinstance(await notary.answer(check(leaf.pem, use=MAKER)), Unfit)


@pytest.mark.parametrize(
    ("use", "purpose", "other"),
    [
        (CSMS, ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.CODE_SIGNING),
        (MAKER, ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.CLIENT_AUTH),
    ],
)
async def test_each_use_has_its_purpose(
    use: CertificateUse, purpose: ObjectIdentifier, other: ObjectIdentifier
) -> None:
    """A station shows its certificate in a handshake; a maker signs firmware with it."""
    root = authority()
    fit, unfit = (signed_by(root, "TW-0001", purposes=(one,)) for one in (purpose, other))
    assert isinstance(await ChildNotary().answer(check(fit.pem, root, use=use)), ChainFound)
    assert isinstance(await ChildNotary().answer(check(unfit.pem, root, use=use)), Unfit)


async def test_the_time_is_the_cores() -> None:
    """The child has no clock of its own: the station's may be better than the computer's."""
    root = authority(days=(-30, 30))
    leaf = signed_by(root, "TW-0001")
    later = NOW + timedelta(days=29.5)
    assert isinstance(await ChildNotary().answer(check(leaf.pem, root, at=later)), ChainFound)
    later = NOW + timedelta(days=31)
    assert isinstance(await ChildNotary().answer(check(leaf.pem, root, at=later)), Unfit)


async def test_a_full_store_fits_into_one_question() -> None:
    """32 roots of 5,500 characters and a chain of 10,000."""
    root, other = authority(), authority("Other")
    padded = other.pem + "x" * (5500 - len(other.pem))
    leaf = signed_by(root, "TW-0001")
    question = CheckChain(
        ticket=1,
        use=CSMS,
        chain=leaf.pem + "x" * (10_000 - len(leaf.pem)),
        roots=(*(padded for _ in range(MOST_ROOTS - 1)), root.pem),
        at=NOW,
    )
    assert isinstance(await ChildNotary().answer(question), ChainFound)


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "\0" * 5500,
        "-----BEGIN CERTIFICATE-----\n" * 300,
        framed("A" * 5000),
        "\ud800",
        "é\x1b[2J" * 900,
    ],
)
async def test_hostile_text_is_unfit_and_told_in_one_line(pem: str) -> None:
    """TC_078: garbage harms neither us nor the log."""
    said = await ChildNotary().answer(inspect(pem))
    assert isinstance(said, Unfit | NotDone)
    assert said.why.isprintable()
    assert len(said.why) <= WHY_MAX


async def test_a_name_of_a_stranger_stays_in_one_short_line() -> None:
    """What a certificate calls itself does not reach the security log as it is."""
    root = authority()
    leaf = signed_by(root, "evil\n\x1b[2J" * 6, organisation="long" * 99, days=(-3, -2))
    said = await ChildNotary().answer(check(leaf.pem, root))
    assert isinstance(said, Unfit)
    assert said.why.isprintable()
    assert len(said.why) == WHY_MAX


async def test_a_megabyte_is_not_read() -> None:
    """No schema lets it in; the child does not rely on that."""
    said = await ChildNotary().answer(inspect(framed("A" * 2**20)))
    assert isinstance(said, NotDone)


async def test_a_child_that_takes_too_long_is_ended() -> None:
    """Limits: no question lasts."""
    said = await ChildNotary(within_s=0.001).answer(inspect(framed("AAAA")))
    assert isinstance(said, NotDone)
    assert "0.001 s" in said.why


@pytest.mark.parametrize("pem", ["", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"])
async def test_what_is_no_pem_is_not_worth_a_child(pem: str) -> None:
    """A flood of it would otherwise start a process each; no child answers in so short a time."""
    hasty = ChildNotary(within_s=0.001)
    assert isinstance(await hasty.answer(inspect(pem)), Unfit)
    assert isinstance(await hasty.answer(check(pem)), Unfit)


async def test_a_ca_file_that_is_gone_is_no_bad_certificate(tmp_path: Path) -> None:
    """The installer's fault is not the stranger's."""
    notary = ChildNotary(str(tmp_path / "nothing.pem"))
    assert isinstance(await notary.answer(check(signed_by(authority(), "x").pem)), NotDone)


async def test_a_child_ends_with_its_parent() -> None:
    """Standard input is its life line; cancelled means gone."""
    async with child.started("edge.drivers.x509", {"op": "request"}) as process:
        assert process.stdin is not None
        process.stdin.close()
        await until(lambda: process.returncode is not None)
    task = asyncio.ensure_future(ChildNotary().answer(inspect(framed("AAAA"))))
    await until(_children)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _children()


def _children() -> list[str]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"edge.drivers.x509" in words:
                found.append(pid)
    return found


async def test_the_daemon_itself_never_loads_the_library() -> None:
    """RSS: what reads X.509 is in the child only."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys, edge.app; assert not [m for m in sys.modules if 'cryptography' in m]",
        cwd=Path(__file__).parents[2],
    )
    assert await process.wait() == 0


async def test_half_a_line_is_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A child that was killed while it spoke."""
    (tmp_path / "half.py").write_text("print('{\"found\": {', end='')")
    monkeypatch.chdir(tmp_path)
    async with child.started("half", {}) as process:
        with pytest.raises(OSError, match="no line of ours"):
            await child.next_line(process)


async def test_when_the_installers_certificates_end(tmp_path: Path) -> None:
    """Roots serve as long as one does, a chain until its first ends; the unreadable is left out."""
    root, old = authority(days=(-1, 90)), authority("Old", days=(-90, -1))
    both = tmp_path / "both.pem"
    both.write_text(old.pem + root.pem)
    own = signed_by(root, "station", days=(-1, 20)).save(tmp_path, "own")[0]
    own.write_text(own.read_text() + root.pem)
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    files = {"roots": both, "own": own, "broken": broken, "absent": tmp_path / "absent.pem"}
    found = await ChildNotary().ends({what: str(path) for what, path in files.items()})
    days = {what: round((ends - NOW) / timedelta(days=1)) for what, ends in found.items()}
    assert days == {"roots": 90, "own": 20}
    assert await ChildNotary().ends({}) == {}
    assert await ChildNotary(within_s=0.0).ends({"roots": str(both)}) == {}
