"""X.509: what a station's request must be, and a small authority that signs it.

Source: security whitepaper, 2.5, A02 and A00.FR.5xx on keys; the name is the station's id, so
that the certificate opens its own address only.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from csms_lite.certificates.usage import usage
from csms_lite.clock import EPOCH, MILLISECOND
from csms_lite.errors import SettingsError, Unacceptable

RSA_BITS_LEAST: Final = 2048
EC_BITS_LEAST: Final = 224
UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
EARLIER: Final = timedelta(hours=1)  # stations' clocks are late before they boot


class Authority:
    """Signs requests with the key of *certificate*, for *days*."""

    def __init__(
        self,
        certificate: x509.Certificate,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
        days: int,
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._days = days

    @classmethod
    def load(cls, certificate: Path, key: Path, days: int) -> Self:
        """Read both files, PEM without a password; raises `SettingsError`."""
        try:
            signer = x509.load_pem_x509_certificate(certificate.read_bytes())
            private = serialization.load_pem_private_key(key.read_bytes(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as failure:
            raise SettingsError(
                f"the authority in {certificate} and {key} cannot be read: {failure}"
            ) from failure
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise SettingsError(f"the key in {key} is neither RSA nor EC")
        if private.public_key() != signer.public_key():
            raise SettingsError(f"the key in {key} is not that of {certificate}")
        return cls(signer, private, days)

    def sign(self, csr: str, identity: str, *, serial: int, now_ms: int) -> str:
        """Sign a station's request; gives the chain in PEM, without a root.

        Raises `Unacceptable` for one with a fault: it may have come before there was an authority.
        """
        fault = fault_of_request(csr, identity)
        if fault is not None:
            raise Unacceptable(fault)
        request = x509.load_pem_x509_csr(csr.encode())
        now = EPOCH + now_ms * MILLISECOND
        ends = min(now + timedelta(days=self._days), self._certificate.not_valid_after_utc)
        if ends <= now:
            raise Unacceptable("the authority's own certificate has expired: give it a new one")
        signed = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(self._certificate.subject)
            .public_key(request.public_key())
            .serial_number(serial)
            .not_valid_before(now - EARLIER)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage("digital_signature"), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        chain = [signed]
        if self._certificate.issuer != self._certificate.subject:
            chain.append(self._certificate)
        return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in chain)


def fault_of_request(csr: str, identity: str) -> str | None:
    """Say what is wrong with a station's request; `None` when it may be signed."""
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        if not request.is_signature_valid:
            return "the request is not signed by its own key"
        return _fault_of_name(request.subject, identity) or _fault_of_key(request.public_key())
    except UNREADABLE as failure:
        return f"the request cannot be read: {failure}"


def fault_of_chain(chain: str, csr: str, identity: str) -> str | None:
    """Say why a chain is no answer to a request; `None` when its first certificate is one."""
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
        request = x509.load_pem_x509_csr(csr.encode())
        if certificates[0].public_key() != request.public_key():
            return "the first certificate of the chain is not for the key of the request"
        return _fault_of_name(certificates[0].subject, identity)
    except UNREADABLE as failure:
        return f"the chain or the request cannot be read: {failure}"


def _fault_of_name(subject: x509.Name, identity: str) -> str | None:
    names = [one.value for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [identity]:
        return f"the common name must be the charger's id, {identity}"
    return None


def _fault_of_key(key: CertificatePublicKeyTypes) -> str | None:
    match key:
        case rsa.RSAPublicKey() if key.key_size >= RSA_BITS_LEAST:
            return None
        case ec.EllipticCurvePublicKey() if key.curve.key_size >= EC_BITS_LEAST:
            return None
    return f"the key must be RSA of {RSA_BITS_LEAST} bits or EC of {EC_BITS_LEAST}, or more"
