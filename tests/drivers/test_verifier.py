"""Firmware is proven by the real child: with what its maker made, with lies, and with no answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from edge.core.work import Seal
from edge.drivers.verifier import ChildVerifier, read_roots
from edge.errors import ConfigError, ImageUntrusted, VerifierFailed
from tests.certificates import Signed, authority, signed_by
from tests.seals import seal

CONTENT = b"firmware" * 4096

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    made = tmp_path / "image"
    made.write_bytes(CONTENT)
    return made


@pytest.fixture(scope="module")
def root() -> Signed:
    """The manufacturer's root."""
    return authority("Maker root")


def sealed(root: Signed, content: bytes = CONTENT) -> Seal:
    signer = signed_by(root, "firmware")
    return Seal(signing_certificate=signer.pem, signature=seal(signer.key, content))


async def test_what_its_maker_signed_is_proven(root: Signed, image: Path) -> None:
    """Port `Verifier`: no word is a good one."""
    other = authority("Another root")
    await ChildVerifier().verify(image, sealed(root), (other.pem, root.pem), NOW)


async def test_another_image_is_told_as_untrusted(root: Signed, image: Path) -> None:
    """TC_081, with the reason for the log."""
    with pytest.raises(ImageUntrusted, match="did not sign"):
        await ChildVerifier().verify(image, sealed(root, b"else"), (root.pem,), NOW)


async def test_the_moment_counts(root: Signed, image: Path) -> None:
    """A signer who was in order at the download may be out of its time at the installation."""
    later = NOW + dt.timedelta(days=60)
    with pytest.raises(ImageUntrusted, match="root"):
        await ChildVerifier().verify(image, sealed(root), (root.pem,), later)


async def test_the_largest_call_passes_the_wire_to_the_child(root: Signed, image: Path) -> None:
    """Limits: 32 roots, a certificate and a signature as long as they may be."""
    roots = (root.pem + "\n" * (5500 - len(root.pem)),) * 32
    good = sealed(root)
    long = Seal(
        signing_certificate=good.signing_certificate.ljust(5500, "\n"),
        signature=good.signature.ljust(800, "\n"),
    )
    await ChildVerifier().verify(image, long, roots, NOW)


async def test_an_image_that_is_gone_is_not_proven(root: Signed, tmp_path: Path) -> None:
    """Nobody could find out: no word of trust, none of distrust."""
    with pytest.raises(VerifierFailed, match="died"):
        await ChildVerifier().verify(tmp_path / "gone", sealed(root), (root.pem,), NOW)


async def test_the_roots_that_the_installer_names_vouch(
    root: Signed, image: Path, tmp_path: Path
) -> None:
    """[firmware] ca_file: several in one file, words between them; each counts."""
    other = authority("somebody else")
    file = tmp_path / "maker.pem"
    file.write_text(f"two makers\n{other.pem}\n\nand\n{root.pem}", encoding="ascii")
    roots = read_roots(str(file))
    assert len(roots) == 2
    await ChildVerifier().verify(image, sealed(root), roots, NOW)


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----", b"\xff"])
def test_a_file_without_roots_is_told(tmp_path: Path, content: bytes | None) -> None:
    """A typing error must not mean that nobody, or anybody, is trusted."""
    file = tmp_path / "maker.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"\[firmware\] ca_file"):
        read_roots(str(file))


async def test_a_proof_has_its_time(root: Signed, image: Path) -> None:
    """Limits: a child that hangs is ended."""
    with pytest.raises(VerifierFailed, match=r"not verified in 0\.01 s"):
        await ChildVerifier(within_s=0.01).verify(image, sealed(root), (root.pem,), NOW)
