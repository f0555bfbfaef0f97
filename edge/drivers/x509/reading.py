"""Certificates out of text that a stranger wrote: how many, how strong, what they say."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ObjectIdentifier

MOST_CERTIFICATES: Final = 10  # leaf, root and eight between them: more is no hierarchy
LEAST_RSA_BITS: Final = 2048  # A00.FR.502
LEAST_EC_BITS: Final = 224  # A00.FR.503
MOST_SERIAL_BITS: Final = 160  # RFC 5280, 4.1.2.2; forty hexadecimal digits in OCPP
HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class Unfit(ValueError):
    """It cannot be trusted, and why not."""


def read_certificates(pem: str) -> list[x509.Certificate]:
    """Read the certificates in *pem*, in its order, whatever stands between them."""
    if pem.count("-----BEGIN") > MOST_CERTIFICATES:
        raise Unfit(f"more than {MOST_CERTIFICATES} certificates")
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise Unfit(f"not a certificate in PEM: {error}") from error


def check_properties(certificate: x509.Certificate) -> None:
    """Check what the whitepaper demands of each certificate (A00.FR.501-508)."""
    if not 0 < certificate.serial_number.bit_length() <= MOST_SERIAL_BITS:
        raise Unfit("the serial number is not one of 1 to 20 bytes")
    try:
        key = certificate.public_key()
        digest = certificate.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unfit(f"its key or signature is of no known kind: {error}") from error
    if isinstance(key, rsa.RSAPublicKey):
        strong = key.key_size >= LEAST_RSA_BITS
    else:
        strong = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= LEAST_EC_BITS
    if not strong:
        raise Unfit(f"the key is neither RSA of {LEAST_RSA_BITS} nor EC of {LEAST_EC_BITS} bits")
    if not isinstance(digest, HASHES):
        raise Unfit("it is signed with a digest other than SHA-256, 384 or 512")


def key_id(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> str:
    """SHA-256 of the public key as certificates and requests carry it."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def only(name: x509.Name, oid: ObjectIdentifier) -> str | None:
    """Return the one value of *oid* in *name*; none where there is none, or more than one."""
    values = [one.value for one in name.get_attributes_for_oid(oid)]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


def to_pem(certificates: list[x509.Certificate]) -> str:
    """Write *certificates* anew, without anything that stood around them."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)
