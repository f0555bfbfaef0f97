"""What a stranger may hand us as a root or as a chain, and what comes of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from edge.drivers.x509.chains import check_chain
from edge.drivers.x509.reading import MOST_CERTIFICATES, Unfit
from edge.drivers.x509.requests import make_request
from edge.drivers.x509.roots import inspect_root
from tests.certificates import Signed, authority, signed_by, subject

NOW = dt.datetime.now(dt.UTC)
PAST, FUTURE = (-30.0, -1.0), (1.0, 30.0)


def bare(
    name: str,
    signer: Signed | None = None,
    *,
    key: Any = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    digest: Any = None,
    serial: int | None = None,
    **how: Any,
) -> Signed:
    """A certificate with these extensions and no other, as a CPO's own tools make them."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(name, "Cpo"))
        .issuer_name(signer.certificate.subject if signer else subject(name, "Cpo"))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=30))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else digest or hashes.SHA256()
    return Signed(builder.sign(signer.key if signer else key, digest, **how), key)


CA = (x509.BasicConstraints(ca=True, path_length=None), False)
"""basicConstraints as a CPO's own root has it: not critical, and nothing beside it."""


def usage(word: str) -> tuple[x509.KeyUsage, bool]:
    words = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{one: one == word for one in words}), True


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


# ── roots ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "made",
    [
        authority,
        lambda: bare("spare", extensions=(CA,)),
        lambda: bare("rsa", key=rsa_key(2048), extensions=(CA,)),
        lambda: bare("p384", key=ec.generate_private_key(ec.SECP384R1()), extensions=(CA,)),
        lambda: bare("sha512", digest=hashes.SHA512(), extensions=(CA,)),
    ],
)
def test_a_root_says_who_it_is(made: Callable[[], Signed]) -> None:
    """M05, with what a charge point operator's own tools make."""
    root = made()
    found = inspect_root(f"Bag Attributes\n{root.pem}trailing words", NOW)
    assert found["pem"] == root.pem
    assert found["fingerprint"] == root.certificate.fingerprint(hashes.SHA256()).hex()


def test_a_root_is_named_as_ocsp_names_it() -> None:
    """Whitepaper 6.1: the DER of the name, the bare bits of the key, the serial number in hex."""
    root = bare("Root", serial=0x0FFF, extensions=(CA,))
    name = root.certificate.issuer.public_bytes()
    bits = root.key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    assert inspect_root(root.pem, NOW)["hashes"] == [
        {
            "hash_algorithm": algorithm.upper(),
            "issuer_name_hash": hashlib.new(algorithm, name).hexdigest(),
            "issuer_key_hash": hashlib.new(algorithm, bits).hexdigest(),
            "serial_number": "fff",
        }
        for algorithm in ("sha256", "sha384", "sha512")
    ]


def old() -> list[x509.Certificate]:
    """Leaf, authority and root, both above signed with SHA-1: `cryptography` makes none any more.

    By `openssl req -x509 -sha1` and `openssl x509 -req -sha1`, valid for a hundred years.
    """
    text = (Path(__file__).parent / "sha1_chain.pem").read_bytes()
    return x509.load_pem_x509_certificates(text)


def old_root() -> str:
    return old()[-1].public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (lambda: "", "not a certificate"),
        (lambda: "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----", "not a cert"),
        (lambda: "\0" * 5500, "not a certificate"),
        (lambda: authority().key_pem, "not a certificate"),
        (lambda: authority().pem[:-60], "not a certificate"),
        (lambda: authority().pem + authority().pem, "2 certificates"),
        (lambda: authority().pem * (MOST_CERTIFICATES + 1), "more than 10"),
        (lambda: authority(days=PAST).pem, "not now"),
        (lambda: authority(days=FUTURE).pem, "not now"),
        (lambda: authority(above=authority()).pem, "not a root"),
        (lambda: bare("leaf").pem, "not an authority"),
        (
            lambda: bare("no", extensions=((x509.BasicConstraints(False, None), True),)).pem,
            "not an authority",
        ),
        (lambda: bare("no", extensions=(CA, usage("digital_signature"))).pem, "keyUsage"),
        (lambda: bare("weak", key=rsa_key(1024), extensions=(CA,)).pem, "2048"),
        (
            lambda: bare("weak", key=ec.generate_private_key(ec.SECP192R1()), extensions=(CA,)).pem,
            "224",
        ),
        (
            lambda: (
                bare("odd", key=ec.generate_private_key(ec.BrainpoolP256R1()), extensions=(CA,)).pem
            ),
            "brainpoolP256r1",
        ),
        (
            lambda: bare("ed", key=ed25519.Ed25519PrivateKey.generate(), extensions=(CA,)).pem,
            "neither RSA",
        ),
        (lambda: bare("sha224", digest=hashes.SHA224(), extensions=(CA,)).pem, "digest"),
        (old_root, "digest"),
    ],
)
def test_a_root_that_cannot_be_trusted_is_refused(pem: Callable[[], str], why: str) -> None:
    """M05.FR.06, A00.FR.501-508."""
    with pytest.raises(Unfit, match=why):
        inspect_root(pem(), NOW)


# ── chains ───────────────────────────────────────────────────────────────────────────────────────


STATION, FIRMWARE = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.CODE_SIGNING


def check(chain: str, *roots: Signed, purpose: ObjectIdentifier = STATION, **how: Any) -> Any:
    return check_chain(chain, [root.certificate for root in roots], NOW, purpose=purpose, **how)


def test_a_chain_leads_to_one_of_the_roots() -> None:
    """A02.FR.06: whatever the order of those between, and the root along with them."""
    root = authority()
    middle = authority("Middle", root)
    low = authority("Low", middle)
    leaf = signed_by(low, "TW-0001", organisation="Cpo")
    found = check(leaf.pem + root.pem + middle.pem + low.pem, authority(), root)
    assert found.pem == leaf.pem + low.pem + middle.pem
    assert (found.common_name, found.organisation) == ("TW-0001", "Cpo")
    assert found.not_after == leaf.certificate.not_valid_after_utc


def test_a_spare_hierarchy_is_enough() -> None:
    """No key usage, no identifiers, nothing critical, RSA-PSS: OCPP does not ask for the web's."""
    root = bare("Root", key=rsa_key(2048), extensions=(CA,))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256().digest_size)
    assert check(bare("TW-0001", root, rsa_padding=pss).pem, root).common_name == "TW-0001"


ROOT = bare("Root", extensions=(CA,))
ITSELF = bare("itself")


def between(*extensions: tuple[x509.ExtensionType, bool]) -> str:
    """A leaf below an authority with these extensions."""
    middle = bare("Middle", ROOT, extensions=extensions)
    return bare("leaf", middle).pem + middle.pem


def too_long() -> str:
    first = bare("First", ROOT, extensions=((x509.BasicConstraints(True, 0), True),))
    second = bare("Second", first, extensions=(CA,))
    return bare("leaf", second).pem + second.pem + first.pem


def critical() -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (lambda: "nothing", "not a certificate"),
        (lambda: bare("leaf", bare("Root", extensions=(CA,))).pem, "no path"),
        (lambda: signed_by(ROOT, "leaf", days=PAST).pem, "not valid"),
        (lambda: signed_by(ROOT, "leaf", days=FUTURE).pem, "not valid"),
        (lambda: bare("leaf", ROOT, key=rsa_key(1024)).pem, "2048"),
        (lambda: bare("leaf", ROOT, digest=hashes.SHA224()).pem, "digest"),
        (between, "no path"),
        (lambda: between(CA, usage("crl_sign")), "keyUsage"),
        (lambda: between(CA, critical()), "critical"),
        (lambda: bare("leaf", ROOT, extensions=(critical(),)).pem, "critical"),
        (lambda: bare("leaf", ROOT, extensions=(usage("key_agreement"),)).pem, "keyUsage"),
        (too_long, "path length"),
        (lambda: bare("ca", ROOT, extensions=(CA,)).pem, "authority cannot stand"),
        (lambda: ROOT.pem, "authority cannot stand"),
        (lambda: ITSELF.pem, "a root itself"),
        (lambda: bare("leaf", ROOT).pem * (MOST_CERTIFICATES + 1), "more than 10"),
    ],
)
def test_a_chain_that_proves_nothing_is_refused(chain: Callable[[], str], why: str) -> None:
    """A02.FR.06, A02.FR.07."""
    with pytest.raises(Unfit, match=why):
        check(chain(), ROOT, ITSELF)


def meant_for(*purposes: ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage(purposes), False


@pytest.mark.parametrize("purpose", [STATION, FIRMWARE])
def test_a_certificate_may_be_for_this_or_for_anything(purpose: ObjectIdentifier) -> None:
    """RFC 5280 4.2.1.12: one of several will do, and so will an authority's that says the same."""
    anything = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
    for said in (meant_for(anything), meant_for(ExtendedKeyUsageOID.SERVER_AUTH, purpose)):
        middle = bare("Middle", ROOT, extensions=(CA, said))
        leaf = bare("leaf", middle, extensions=(said,))
        assert check(leaf.pem + middle.pem, ROOT, purpose=purpose).common_name == "leaf"


@pytest.mark.parametrize(("purpose", "other"), [(STATION, FIRMWARE), (FIRMWARE, STATION)])
def test_a_certificate_for_another_purpose_is_refused(
    purpose: ObjectIdentifier, other: ObjectIdentifier
) -> None:
    """A00.FR.804: the maker's root may have signed stations too, whose keys anybody can buy."""
    middle = bare("Middle", ROOT, extensions=(CA, meant_for(other)))
    chains = (
        bare("leaf", ROOT, extensions=(meant_for(other),)).pem,
        bare("leaf", middle).pem + middle.pem,
    )
    for chain in chains:
        with pytest.raises(Unfit, match="another purpose"):
            check(chain, ROOT, purpose=purpose)


def test_a_chain_needs_a_root_that_is_still_valid() -> None:
    """None installed, or one that has expired."""
    expired = authority(days=PAST)
    for roots in ((), (expired,)):
        with pytest.raises(Unfit):
            check(signed_by(expired, "leaf").pem, *roots)


def test_an_authority_of_old_is_not_believed() -> None:
    """A00.FR.506: SHA-1 anywhere on the path."""
    leaf, middle, root = old()
    pem = leaf.public_bytes(serialization.Encoding.PEM) + middle.public_bytes(
        serialization.Encoding.PEM
    )
    later = leaf.not_valid_before_utc + dt.timedelta(days=2)
    with pytest.raises(Unfit, match="signature algorithm"):
        check_chain(pem.decode(), [root], later, purpose=STATION)


def test_a_certificate_may_begin_a_little_ahead() -> None:
    """A02.FR.08: it is taken up when its time has come; a hurried authority is no fault."""
    leaf = signed_by(ROOT, "leaf", days=(0.5, 30))
    assert check(leaf.pem, ROOT, ahead_s=86_400).not_before > NOW
    with pytest.raises(Unfit, match="not valid"):
        check(leaf.pem, ROOT, ahead_s=3_600)


@pytest.mark.parametrize("name", ["TW-0001\0.evil", "TW-0001\n", "Tw\x1b[2J"])
def test_a_name_is_told_as_it_is(name: str) -> None:
    """A NUL does not end it: it is not the name it pretends to be."""
    assert check(bare(name, ROOT).pem, ROOT).common_name == name


def test_two_names_are_no_name() -> None:
    """Nobody shall choose which of two common names is meant."""
    leaf = bare("one", ROOT)
    twice = x509.Name([*leaf.certificate.subject, x509.NameAttribute(NameOID.COMMON_NAME, "two")])
    made = (
        x509.CertificateBuilder()
        .subject_name(twice)
        .issuer_name(ROOT.certificate.subject)
        .public_key(leaf.key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=1))
        .sign(ROOT.key, hashes.SHA256())
    )
    assert check(Signed(made, leaf.key).pem, ROOT).common_name is None


# ── requests ─────────────────────────────────────────────────────────────────────────────────────


def test_a_request_names_the_station_and_its_operator() -> None:
    """A02.FR.02, FR.03, FR.13: a new key each time, its public half signed by itself."""
    made = make_request("TW-0001", "Grünstrom & Söhne")
    request = x509.load_pem_x509_csr(made["csr"].encode())
    assert request.is_signature_valid
    assert request.subject == subject("TW-0001", "Grünstrom & Söhne")
    key = serialization.load_pem_private_key(made["key"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == request.public_key()
    assert make_request("TW-0001", "Cpo")["key_id"] != made["key_id"]


def test_the_key_is_known_again_in_its_certificate() -> None:
    """Of request and certificate the same public key has the same id."""
    made = make_request("TW-0001", "Cpo")
    key = serialization.load_pem_private_key(made["key"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert check(signed_by(ROOT, "TW-0001", key=key).pem, ROOT).key_id == made["key_id"]


@pytest.mark.parametrize("names", [("", "Cpo"), ("TW-0001", ""), ("TW-0001", "C" * 65)])
def test_a_name_that_no_certificate_holds_is_refused(names: tuple[str, str]) -> None:
    """X.520: 1 to 64 characters."""
    with pytest.raises(Unfit, match="no name"):
        make_request(*names)


# ── the process ──────────────────────────────────────────────────────────────────────────────────


def test_a_question_too_long_ends_the_child_without_an_answer() -> None:
    """A megabyte is cut before anything looks at it."""
    question = json.dumps({"op": "root", "pem": "A" * 2**20, "at": NOW.isoformat()})
    done = subprocess.run(
        [sys.executable, "-m", "edge.drivers.x509"],
        input=question.encode() + b"\n",
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert done.returncode != 0
    assert done.stdout == b""
