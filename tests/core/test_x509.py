"""Certificates as values: what a repr may show, what a restart brings back."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.core import keys
from edge.core.restore import restore
from edge.core.saved import Saved
from edge.core.vocabulary import CertificateUse
from edge.core.x509 import Credential, CredentialsKept, KeyRequest, Root
from tests.core.bench import at, setup

DAY = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "-----BEGIN PRIVATE KEY-----"
KEPT = CredentialsKept(
    own=Credential(chain="c", key=SECRET, not_before=DAY, not_after=DAY),
    request=KeyRequest(
        key=SECRET, key_id="i", csr="r", common_name="n", organisation="o", asked_at=DAY
    ),
)


def root(use: CertificateUse, name: str) -> Root:
    return Root(use=use, pem=name, fingerprint=name, hashes=(), not_after=DAY)


def test_certificates_come_back_with_the_state() -> None:
    """A02.FR.05: the private key stays here, over a restart too, and shows in no repr."""
    roots = (
        root(CertificateUse.MANUFACTURER_ROOT, "a"),
        root(CertificateUse.CENTRAL_SYSTEM_ROOT, "b"),
    )
    state = restore(Saved(roots=roots, credentials=KEPT), setup(), at(0))
    assert state.station.credentials.kept == KEPT
    assert state.station.certificates.of(CertificateUse.CENTRAL_SYSTEM_ROOT) == roots[1:]
    assert state.station.certificates.of(CertificateUse.MANUFACTURER_ROOT) == roots[:1]
    assert SECRET not in repr(state)


def test_the_bounds_are_told_as_they_are() -> None:
    """Whitepaper 7.3, 7.4: one constant each."""
    state = restore(Saved(), setup(), at(0))
    assert keys.number(state, "CertificateStoreMaxLength") == 32
    assert keys.number(state, "CertificateSignedMaxChainSize") == 10_000
