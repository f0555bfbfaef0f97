"""Signatures on firmware, as a manufacturer's tools make them."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.certificates import Key


def seal(
    key: Key,
    content: bytes,
    *,
    digest: Any = None,
    salt: int = 32,
    old_padding: bool = False,
) -> str:
    """Sign *content* as the whitepaper wants it (L01.FR.04), or nearly so; in base64."""
    digest = digest or hashes.SHA256()
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
        raw = key.sign(content, padding.PKCS1v15() if old_padding else pss, digest)
    else:
        raw = key.sign(content, ec.ECDSA(digest))
    return base64.b64encode(raw).decode()


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key on RSA, where `tests.certificates` makes them on an elliptic curve."""
    return rsa.generate_private_key(65537, bits)
