"""A root certificate that somebody wants installed: may it be, and what it is called.

Source: security whitepaper ed. 3, M05, 2.6.1, 6.1; RFC 6960 4.1.1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from edge.drivers.x509.reading import HASHES, Unfit, check_properties, read_certificates, to_pem

CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
"""What the chain check takes of an authority: another root could be installed, but never used."""


def inspect_root(pem: str, at: datetime) -> dict[str, Any]:
    """Say what the one root in *pem* is; raises `Unfit` unless it can be trusted at *at*."""
    found = read_certificates(pem)
    if len(found) != 1:
        raise Unfit(f"{len(found)} certificates where one root is expected")
    root = found[0]
    check_properties(root)
    key = root.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, CURVES):
        raise Unfit(f"an authority on the curve {key.curve.name}")
    _check_is_root(root)
    if not root.not_valid_before_utc <= at <= root.not_valid_after_utc:
        raise Unfit(
            f"valid from {root.not_valid_before_utc} to {root.not_valid_after_utc}, not now"
        )
    return {
        "pem": to_pem(found),
        "fingerprint": root.fingerprint(hashes.SHA256()).hex(),
        "not_after": root.not_valid_after_utc.isoformat(),
        "hashes": [_hash_data(root, kind()) for kind in HASHES],
    }


def _check_is_root(root: x509.Certificate) -> None:
    try:
        root.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Unfit("not a root: it has not signed itself") from error
    try:
        extensions = {one.oid: one.value for one in root.extensions}
    except (ValueError, x509.DuplicateExtension) as error:
        raise Unfit(f"its extensions cannot be read: {error}") from error
    constraints = extensions.get(x509.BasicConstraints.oid)
    if not isinstance(constraints, x509.BasicConstraints) or not constraints.ca:
        raise Unfit("not an authority: basicConstraints does not say so")
    usage = extensions.get(x509.KeyUsage.oid)
    if isinstance(usage, x509.KeyUsage) and not usage.key_cert_sign:
        raise Unfit("not an authority: keyUsage does not let it sign certificates")


def _hash_data(root: x509.Certificate, kind: hashes.HashAlgorithm) -> dict[str, str]:
    """Name the root as an OCSP request would; a root is its own issuer."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(root, root, kind).build()
    return {
        "hash_algorithm": kind.name.upper(),
        "issuer_name_hash": asked.issuer_name_hash.hex(),
        "issuer_key_hash": asked.issuer_key_hash.hex(),
        "serial_number": f"{asked.serial_number:x}",
    }
