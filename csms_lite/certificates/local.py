"""A local authority and the server's certificate, for sites that have no other.

*folder*/ca.key     the authority's key; it signs, and nobody else needs it
*folder*/ca.pem     its certificate: what chargers trust
*folder*/server.pem what `csms run` shows: key, certificate and the authority's in one file, so that
                    a renewal is one rename and never half of one

Nothing that is there is written over but by `renew`, which keeps the authority's key: chargers that
trust its older certificate go on trusting.
Source: RFC 5280 4.2; security whitepaper ed. 3, A00.FR.5xx on keys.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from csms_lite.certificates.authority import EARLIER, UNREADABLE
from csms_lite.certificates.usage import usage
from csms_lite.chance import Chance
from csms_lite.clock import EPOCH, MILLISECOND, Clock, rfc3339, to_ms
from csms_lite.errors import SettingsError
from csms_lite.tls import OWN_AUTHORITY, OWN_CERTIFICATE
from edge.wholefile import write_new, write_whole

KEY: Final = "ca.key"
PUBLIC: Final = 0o644
NAMES_MOST: Final = 50
NAME_MOST: Final = 64  # characters of a common name (RFC 5280, ub-common-name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What is in the folder, and whether this call *made* any of it."""

    authority: Path
    certificate: Path
    fingerprint: str
    """SHA-256 of the authority's certificate, by which a charger knows it."""
    names: tuple[str, ...]
    not_after_ms: int
    authority_not_after_ms: int
    made: bool

    def told(self) -> dict[str, object]:
        """For programs."""
        return {
            "authority": str(self.authority),
            "certificate": str(self.certificate),
            "fingerprint": self.fingerprint,
            "names": list(self.names),
            "not_after": rfc3339(self.not_after_ms),
            "authority_not_after": rfc3339(self.authority_not_after_ms),
            "made": self.made,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be made: the server's *names* and addresses, and for how many days."""

    names: Sequence[str]
    days: int
    authority_days: int


def initialise(folder: Path, wanted: Wanted, clock: Clock, chance: Chance) -> Made:
    """Make what is missing in *folder*; raises `SettingsError` for names or files of no use."""
    try:
        for place in (folder.parent, folder):  # mkdir gives its mode to the last one only
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        key, made = _key(folder / KEY)
        authority = folder / OWN_AUTHORITY
        if not authority.exists():
            pem = _pem(_authority(key, wanted.authority_days, clock, chance))
            write_new(authority, pem, mode=PUBLIC)
            made = True
        signer = _signer(folder, key)
        server = folder / OWN_CERTIFICATE
        if not server.exists():
            write_new(server, _server(key, signer, wanted, clock, chance))
            made = True
    except OSError as failure:
        raise SettingsError(f"{folder} cannot be used: {failure}") from failure
    return _described(folder, made=made)


def renew(
    folder: Path, wanted: Wanted, clock: Clock, chance: Chance, *, with_authority: bool
) -> Made:
    """Make the server's certificate anew, for the old names where none are *wanted*.

    *with_authority*: the authority's, too. Raises `SettingsError` when there is none yet.
    """
    if not (folder / KEY).exists():
        raise SettingsError(f"there is no authority in {folder}: `tapwatt csms tls init` makes it")
    names = wanted.names or _described(folder, made=False).names
    wanted = Wanted(names=names, days=wanted.days, authority_days=wanted.authority_days)
    try:
        key, _ = _key(folder / KEY)
        if with_authority:
            made = _authority(key, wanted.authority_days, clock, chance)
            write_whole(folder / OWN_AUTHORITY, _pem(made), mode=PUBLIC)
        signer = _signer(folder, key)
        write_whole(folder / OWN_CERTIFICATE, _server(key, signer, wanted, clock, chance))
    except OSError as failure:
        raise SettingsError(f"{folder} cannot be used: {failure}") from failure
    return _described(folder, made=True)


def fingerprint_of(path: Path) -> str:
    """SHA-256 of the certificate at *path*; raises `SettingsError`."""
    return _read(path)[0].fingerprint(hashes.SHA256()).hex()


def names_of(path: Path) -> tuple[str, ...]:
    """The names and addresses that the certificate at *path* is good for."""
    try:
        found = _read(path)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(one.value) for one in found.value)


def _described(folder: Path, *, made: bool) -> Made:
    server, authority = _read(folder / OWN_CERTIFICATE)[0], _read(folder / OWN_AUTHORITY)[0]
    return Made(
        authority=folder / OWN_AUTHORITY,
        certificate=folder / OWN_CERTIFICATE,
        fingerprint=authority.fingerprint(hashes.SHA256()).hex(),
        names=names_of(folder / OWN_CERTIFICATE),
        not_after_ms=to_ms(server.not_valid_after_utc),
        authority_not_after_ms=to_ms(authority.not_valid_after_utc),
        made=made,
    )


def _read(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, *UNREADABLE) as failure:
        raise SettingsError(f"{path} holds no certificate: {failure}") from failure


def _key(path: Path) -> tuple[ec.EllipticCurvePrivateKey, bool]:
    """The authority's key, and whether it had to be made."""
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        write_new(path, _key_pem(key))
        return key, True
    try:
        found = serialization.load_pem_private_key(path.read_bytes(), None)
    except UNREADABLE as failure:
        raise SettingsError(f"{path} holds no key: {failure}") from failure
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise SettingsError(f"the key in {path} is none that `tapwatt csms tls init` made")
    return found, False


def _signer(folder: Path, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    path = folder / OWN_AUTHORITY
    signer = _read(path)[0]
    if signer.public_key() != key.public_key():
        raise SettingsError(f"{path} is not of {folder / KEY}: bring back the two that belong")
    return signer


def _authority(
    key: ec.EllipticCurvePrivateKey, days: int, clock: Clock, chance: Chance
) -> x509.Certificate:
    """A root that signs servers and nothing below; its name says whose it is."""
    now = _now(clock)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tapwatt"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Tapwatt site {own.digest.hex()[:12]}"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(chance.serial())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(own, critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    signer: x509.Certificate,
    wanted: Wanted,
    clock: Clock,
    chance: Chance,
) -> bytes:
    """A new key, its certificate, and the authority's behind it."""
    own, now = ec.generate_private_key(ec.SECP256R1()), _now(clock)
    ends = min(now + timedelta(days=wanted.days), signer.not_valid_after_utc)
    if ends <= now:
        raise SettingsError("the authority has expired: `tapwatt csms tls renew --authority`")
    names = [_general_name(name) for name in _checked(wanted.names)]
    common = x509.NameAttribute(NameOID.COMMON_NAME, wanted.names[0][:NAME_MOST])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([common]))
        .issuer_name(signer.subject)
        .public_key(own.public_key())
        .serial_number(chance.serial())
        .not_valid_before(now - EARLIER)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return _key_pem(own) + _pem(certificate) + _pem(signer)


def _checked(names: Sequence[str]) -> Sequence[str]:
    if not 0 < len(names) <= NAMES_MOST:
        raise SettingsError(f"name the server with --name, once to {NAMES_MOST} times")
    return names


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    labels = name.split(".")
    fits = all(0 < len(one) <= NAME_MOST - 1 and one.isascii() for one in labels)
    if not fits or not name.replace(".", "").replace("-", "").isalnum():
        raise SettingsError(
            f"{name!r} is no host name and no address: write it as chargers dial it"
        )
    return x509.DNSName(name)


def _now(clock: Clock) -> datetime:
    return EPOCH + clock.now_ms() * MILLISECOND


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
