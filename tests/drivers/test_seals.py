"""Firmware and the signature on it: what its maker made is taken, everything else is not."""

from __future__ import annotations

import base64
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.drivers.x509.reading import Unfit
from edge.drivers.x509.seals import check_seal, check_signer
from tests.certificates import Key, Signed, authority, signed_by
from tests.seals import rsa_key, seal

NOW = dt.datetime.now(dt.UTC)
CONTENT = bytes(range(256)) * 5000


@pytest.fixture(scope="module")
def root() -> Signed:
    """The manufacturer's root."""
    return authority("Maker root")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    made = tmp_path / "image"
    made.write_bytes(CONTENT)
    return made


def check(image: Path, root: Signed, signer: Signed, signature: str) -> None:
    key = check_signer(signer.pem, [root.certificate], NOW)
    check_seal(image, signature, key)


# ── what is taken ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "key",
    [
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda: ec.generate_private_key(ec.SECP384R1()),
        rsa_key,
        lambda: rsa_key(4096),
    ],
)
def test_what_its_maker_signed_is_taken(key: Callable[[], Key], root: Signed, image: Path) -> None:
    """L01.FR.04: RSA-PSS and ECDSA with SHA-256, as long as 6.9 has room for."""
    signer = signed_by(root, "firmware", key=key())
    signature = seal(signer.key, CONTENT)
    assert len(signature) <= 800
    check(image, root, signer, signature)


@pytest.mark.parametrize("salt", [0, 20, 32, 222])
def test_a_salt_may_have_any_length(salt: int, root: Signed, image: Path) -> None:
    """The paper names none: OpenSSL's own is the longest that fits, others take the digest's."""
    signer = signed_by(root, "firmware", key=rsa_key())
    check(image, root, signer, seal(signer.key, CONTENT, salt=salt))


def test_line_ends_in_base64_are_read_over(root: Signed, image: Path) -> None:
    """`openssl base64` breaks its lines."""
    signer = signed_by(root, "firmware", key=rsa_key())
    whole = seal(signer.key, CONTENT)
    broken = "\r\n".join(whole[at : at + 64] for at in range(0, len(whole), 64)) + "\n"
    check(image, root, signer, broken)


# ── what is not ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changed",
    [CONTENT + b"\0", CONTENT[:-1], CONTENT[1:], b"", b"\x01" + CONTENT[1:]],
    ids=["longer", "torn", "shifted", "empty", "one bit"],
)
def test_another_file_is_refused(changed: bytes, root: Signed, image: Path) -> None:
    """TC_081: the signature is over all of it."""
    signer = signed_by(root, "firmware")
    image.write_bytes(changed)
    with pytest.raises(Unfit, match="did not sign"):
        check(image, root, signer, seal(signer.key, CONTENT))


@pytest.mark.parametrize("make", [lambda: ec.generate_private_key(ec.SECP256R1()), rsa_key])
def test_another_key_s_signature_is_refused(
    make: Callable[[], Key], root: Signed, image: Path
) -> None:
    """L01.FR.12: the certificate in the call is the one that the signature is checked by."""
    signer = signed_by(root, "firmware", key=make())
    with pytest.raises(Unfit, match="did not sign"):
        check(image, root, signer, seal(make(), CONTENT))


def test_old_padding_is_refused(root: Signed, image: Path) -> None:
    """L01.FR.04 knows no PKCS#1 v1.5."""
    signer = signed_by(root, "firmware", key=rsa_key())
    signature = seal(signer.key, CONTENT, old_padding=True)
    with pytest.raises(Unfit, match="did not sign"):
        check(image, root, signer, signature)


@pytest.mark.parametrize("make", [lambda: ec.generate_private_key(ec.SECP256R1()), rsa_key])
@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA512()])
def test_another_digest_is_refused(
    make: Callable[[], Key], digest: hashes.HashAlgorithm, root: Signed, image: Path
) -> None:
    """L01.FR.04: SHA-256."""
    signer = signed_by(root, "firmware", key=make())
    with pytest.raises(Unfit, match="did not sign"):
        check(image, root, signer, seal(signer.key, CONTENT, digest=digest))


@pytest.mark.parametrize(
    "garble",
    [
        lambda good: good[:-8],
        lambda good: good[: len(good) // 2 // 4 * 4],
        lambda _: "",
        lambda _: " \n",
        lambda _: "====",
        lambda good: good[:-1] + "!",
        lambda good: good + "A" * 800,
        lambda _: "A" * 10_000_000,
        lambda good: good.replace("A", "é") + "é",
        lambda _: base64.b64encode(b"\x30\x80\x02\x00").decode(),
        lambda _: base64.b64encode(b"\0" * 256).decode(),
    ],
    ids=[
        "truncated",
        "half",
        "empty",
        "blank",
        "padding only",
        "not base64",
        "too long",
        "huge",
        "not ASCII",
        "broken DER",
        "zeroes",
    ],
)
@pytest.mark.parametrize("make", [lambda: ec.generate_private_key(ec.SECP256R1()), rsa_key])
def test_a_garbled_signature_is_refused(
    make: Callable[[], Key], garble: Callable[[str], str], root: Signed, image: Path
) -> None:
    """Whatever it is, it is no proof and no crash."""
    signer = signed_by(root, "firmware", key=make())
    with pytest.raises(Unfit):
        check(image, root, signer, garble(seal(signer.key, CONTENT)))


@pytest.mark.parametrize("days", [(-30.0, -1.0), (1.0, 30.0)], ids=["expired", "not yet"])
def test_a_signer_out_of_its_time_is_refused(
    days: tuple[float, float], root: Signed, image: Path
) -> None:
    """RFC 5280: its validity."""
    signer = signed_by(root, "firmware", days=days)
    with pytest.raises(Unfit, match="root"):
        check(image, root, signer, seal(signer.key, CONTENT))


def test_a_signer_of_another_root_is_refused(root: Signed, image: Path) -> None:
    """The central system's root, or anybody's, vouches for no firmware; nor does its namesake."""
    for stranger in (authority("Operator root"), authority("Maker root")):
        signer = signed_by(stranger, "firmware")
        with pytest.raises(Unfit, match="root"):
            check(image, root, signer, seal(signer.key, CONTENT))


def test_without_a_root_nobody_is_believed(root: Signed, image: Path) -> None:
    """M04: every manufacturer's root was deleted."""
    signer = signed_by(root, "firmware")
    with pytest.raises(Unfit, match="no root"):
        check_signer(signer.pem, [], NOW)


def test_a_station_s_certificate_signs_no_firmware(root: Signed) -> None:
    """A00.FR.804: the maker's root vouches for stations too; who owns one has its key."""
    station = signed_by(root, "TW-0001", purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    with pytest.raises(Unfit, match="another purpose"):
        check_signer(station.pem, [root.certificate], NOW)


def test_a_root_does_not_sign_files(root: Signed, image: Path) -> None:
    """Its keyUsage lets it sign certificates only."""
    with pytest.raises(Unfit):
        check(image, root, root, seal(root.key, CONTENT))


# ── the child ────────────────────────────────────────────────────────────────────────────────────


def asked(**question: Any) -> tuple[int, Any]:
    """The child's exit status, and what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "edge.drivers.x509"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps({"op": "seal", "at": NOW.isoformat(), **question}).encode())
        child.stdin.write(b"\n")
        child.stdin.flush()
        said = child.stdout.readline()
        return child.wait(60), json.loads(said) if said else None


def test_the_child_finds_a_seal_good_or_says_why_not(root: Signed, image: Path) -> None:
    """The operation as the daemon asks it."""
    signer = signed_by(root, "firmware")
    question = {"file": str(image), "signer": signer.pem, "roots": [root.pem]}
    assert asked(signature=seal(signer.key, CONTENT), **question) == (0, {"found": {}})
    status, said = asked(signature=seal(signer.key, b"else"), **question)
    assert status == 0
    assert "did not sign" in said["unfit"]


def test_a_file_that_is_gone_is_not_found_good(root: Signed, tmp_path: Path) -> None:
    """No answer is no proof."""
    signer = signed_by(root, "firmware")
    question = {"file": str(tmp_path / "gone"), "signer": signer.pem, "roots": [root.pem]}
    status, said = asked(signature=seal(signer.key, CONTENT), **question)
    assert status != 0
    assert said is None


def test_an_image_larger_than_the_child_s_memory_is_read_in_pieces(
    root: Signed, tmp_path: Path
) -> None:
    """600 MB, in a file full of holes: more than the child may have."""
    image = tmp_path / "large"
    with image.open("wb") as file:
        file.truncate(600 * 2**20)
    signer = signed_by(root, "firmware")
    question = {"file": str(image), "signer": signer.pem, "roots": [root.pem]}
    status, said = asked(signature=seal(signer.key, b"else"), **question)
    assert status == 0
    assert "did not sign" in said["unfit"]
