"""When the certificates in a file end: the first of them counts."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from csms_lite.certificates.authority import UNREADABLE
from csms_lite.clock import to_ms
from csms_lite.errors import SettingsError


def first_end_ms(path: Path) -> int:
    """Read a file of certificates (PEM); raises `SettingsError` when it holds none."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
        return min(to_ms(one.not_valid_after_utc) for one in found)
    except (OSError, OverflowError, *UNREADABLE) as failure:
        raise SettingsError(f"{path} holds no certificate: {failure}") from failure
