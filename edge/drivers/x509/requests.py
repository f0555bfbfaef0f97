"""A new key pair, and the request to sign it.

Source: RFC 2986; security whitepaper ed. 3, A02.FR.02, A02.FR.03, A02.FR.13.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from edge.core.x509 import MOST_NAME
from edge.drivers.x509.reading import Unfit, key_id


def make_request(common_name: str, organisation: str) -> dict[str, Any]:
    """Make the key on P-256 and the request; raises `Unfit` for names that X.520 cannot hold."""
    if not 0 < len(common_name) <= MOST_NAME or not 0 < len(organisation) <= MOST_NAME:
        raise Unfit(f"no name for a certificate: it takes 1 to {MOST_NAME} characters")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    )
    return {
        "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "key_id": key_id(key.public_key()),
        "csr": request.public_bytes(Encoding.PEM).decode(),
    }
