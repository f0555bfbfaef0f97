"""The central system's commands about certificates, as typed values (see `commands`).

Source: security whitepaper ed. 3, chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.vocabulary import CertificateUse
from edge.core.x509 import CertificateHashData


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallCertificate:
    """Trust this root from now on (5.11)."""

    certificate_type: CertificateUse
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallCertificateConf:
    """*status* is Accepted, Failed or Rejected."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCertificate:
    """And no longer (5.3)."""

    certificate_hash_data: CertificateHashData


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCertificateConf:
    """*status* is Accepted, Failed or NotFound."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetInstalledCertificateIds:
    """Which roots are installed for this use (5.7)."""

    certificate_type: CertificateUse


@dataclass(frozen=True, slots=True, kw_only=True)
class GetInstalledCertificateIdsConf:
    """*status* is Accepted or NotFound."""

    status: str
    certificate_hash_data: tuple[CertificateHashData, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSigned:
    """The answer to SignCertificate: the station's certificate, then those above it (5.1)."""

    certificate_chain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSignedConf:
    """*status* is Accepted or Rejected."""

    status: str


CertificateCommand = (
    InstallCertificate | DeleteCertificate | GetInstalledCertificateIds | CertificateSigned
)

CertificateCommandAnswer = (
    InstallCertificateConf
    | DeleteCertificateConf
    | GetInstalledCertificateIdsConf
    | CertificateSignedConf
)
