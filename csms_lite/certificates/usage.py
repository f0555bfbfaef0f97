"""What a key may be used for, as an extension of its certificate (RFC 5280 4.2.1.3)."""

from __future__ import annotations

from typing import Final

from cryptography import x509

USAGES: Final = (
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


def usage(*meant: str) -> x509.KeyUsage:
    """Give the extension that allows what is *meant* of `USAGES`, and nothing else."""
    return x509.KeyUsage(**{name: name in meant for name in USAGES})
