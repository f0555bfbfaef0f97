"""A signature on a file: whether somebody whom a root vouches for has put it there.

RSA-PSS or ECDSA, with SHA-256, over the whole file. The whitepaper names ECSchnorr beside RSA-PSS,
for which no library and no manufacturer's tool is known; ECDSA is what its 2.6.1 recommends.
Source: security whitepaper ed. 3, L01.FR.04, FR.09, FR.12, 6.9.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.drivers.x509.chains import check_chain
from edge.drivers.x509.reading import Unfit

MOST_SIGNATURE: Final = 800  # characters (6.9); an RSA key of 4096 bits needs 684

_SHA256: Final = Prehashed(hashes.SHA256())
_PSS: Final = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)


def check_signer(
    pem: str, roots: Sequence[x509.Certificate], at: datetime
) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    """Return the key of the certificate in *pem*; raises `Unfit` if no root vouches for it."""
    chain = check_chain(pem, roots, at, purpose=ExtendedKeyUsageOID.CODE_SIGNING)
    key = chain.certificates[0].public_key()
    assert isinstance(
        key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    )  # as the chain's check says
    return key


def check_seal(
    file: Path, signature: str, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> None:
    """Raise `Unfit` unless *signature*, base64, was made over *file* with the other half of *key*.

    The file is read piece by piece: it may be larger than the memory.
    """
    raw = _decoded(signature)
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").digest()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(raw, digest, _PSS, _SHA256)
        else:
            key.verify(raw, digest, ec.ECDSA(_SHA256))
    except InvalidSignature:
        raise Unfit("its signer did not sign this file, or not so") from None


def _decoded(signature: str) -> bytes:
    """Line ends in it are the tools' habit; anything else that is not base64 is none."""
    if len(signature) > MOST_SIGNATURE:
        raise Unfit(f"a signature of more than {MOST_SIGNATURE} characters")
    try:
        raw = base64.b64decode("".join(signature.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unfit(f"a signature that is not base64: {error}") from None
    if not raw:
        raise Unfit("no signature")
    return raw
