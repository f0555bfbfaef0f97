"""What a notary would say, made up: the core never looks into a certificate."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from edge.core.access import Access
from edge.core.certificate_commands import CertificateSigned, InstallCertificate
from edge.core.commands import ExtendedTriggerMessage
from edge.core.credentials import TRIGGER
from edge.core.effects import Effect, Write
from edge.core.events import LinkUp, X509Answered
from edge.core.security import attempts
from edge.core.vocabulary import CertificateUse, HashAlgorithm, SecurityEvent
from edge.core.waiting import MOST_WAITING, ToMention, Waiting
from edge.core.x509 import (
    CertificateHashData,
    CertificateRecord,
    ChainFound,
    CheckChain,
    Credential,
    CredentialsKept,
    InspectRoot,
    KeyMade,
    KeyRequest,
    MakeSigningRequest,
    Root,
    X509Answer,
    X509Question,
)
from tests.core.bench import NOON, of, setup
from tests.core.build import Rig

CSMS, MAKER = CertificateUse.CENTRAL_SYSTEM_ROOT, CertificateUse.MANUFACTURER_ROOT
SERIAL, CPO = "TW-0001", "Cpo"


def root(name: str, use: CertificateUse = CSMS, *, days: float = 30) -> Root:
    """What is found when *name* is installed for *use*."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Root(
        use=use,
        pem=f"pem of {name}",
        fingerprint=digest,
        hashes=tuple(named(name, algorithm) for algorithm in HashAlgorithm),
        not_after=NOON + timedelta(days=days),
    )


def named(name: str, algorithm: HashAlgorithm = HashAlgorithm.SHA256) -> CertificateHashData:
    """What OCPP calls the root *name*."""
    digest = hashlib.new(algorithm.lower(), name.encode()).hexdigest()
    return CertificateHashData(
        hash_algorithm=algorithm,
        issuer_name_hash=digest,
        issuer_key_hash=digest,
        serial_number="a0f",
    )


def credential(name: str, *, days: tuple[float, float] = (-1, 365)) -> Credential:
    """A certificate of the station, valid for *days* from noon."""
    begin, end = (NOON + timedelta(days=day) for day in days)
    return Credential(chain=f"chain {name}", key=f"key {name}", not_before=begin, not_after=end)


def pending(name: str = "new", *, asked_at: datetime = NOON, asked: int = 1) -> KeyRequest:
    """A key whose certificate was asked for."""
    return KeyRequest(
        key=f"key {name}",
        key_id=f"id {name}",
        csr=f"csr {name}",
        common_name=SERIAL,
        organisation=CPO,
        asked_at=asked_at,
        asked=asked,
    )


def made(name: str = "new") -> KeyMade:
    """The notary's answer to MakeSigningRequest."""
    return KeyMade(key=f"key {name}", key_id=f"id {name}", csr=f"csr {name}")


def found(name: str = "new", **changes: Any) -> ChainFound:
    """The notary's answer to CheckChain of the certificate for `pending(name)`."""
    own = credential(name)
    plain = ChainFound(
        chain=own.chain,
        common_name=SERIAL,
        organisation=CPO,
        key_id=f"id {name}",
        not_before=own.not_before,
        not_after=own.not_after,
    )
    return replace(plain, **changes)


def station(*, kept: CredentialsKept | None = None, has_file: bool = False, **given: str) -> Rig:
    """Online, with what is *kept*; the way in is the first of its ways."""
    keys = {"CpoName": CPO, **given}
    common = replace(setup(keys=keys), common_name=SERIAL, has_certificate=has_file)
    rig = Rig(common).online()
    if kept is not None:
        hold(rig, kept)
    rig.step(LinkUp(at=rig.instant, access=attempts(rig.state)[0]))
    return rig


def hold(rig: Rig, kept: CredentialsKept) -> Rig:
    """*rig* with what is *kept*, as a restart would find it."""
    station = rig.state.station
    credentials = replace(station.credentials, kept=kept)
    rig.state = replace(rig.state, station=replace(station, credentials=credentials))
    return rig


def question(rig: Rig, kind: type[Any]) -> Any:
    """The last question of *kind* to the notary."""
    return of(kind, rig.log)[-1]


def answer(rig: Rig, asked: X509Question, said: X509Answer) -> list[Effect]:
    """The notary's answer to *asked*."""
    return rig.step(X509Answered(at=rig.instant, ticket=asked.ticket, answer=said))


def install(rig: Rig, said: X509Answer, use: CertificateUse = CSMS) -> str:
    """InstallCertificate of something that the notary calls *said*; the status."""
    assert rig.call(InstallCertificate(certificate_type=use, certificate="pem")) is None
    answer(rig, question(rig, InspectRoot), said)
    (reply,) = rig.replies(rig.calls)
    return str(reply.status)


def is_making(rig: Rig) -> bool:
    """Whether a key was asked for."""
    return bool(of(MakeSigningRequest, rig.log))


def written(rig: Rig) -> list[Any]:
    """The records about certificates, in order."""
    records = [one.record for one in of(Write, rig.log)]
    return [one for one in records if isinstance(one, CertificateRecord)]


def noticed(rig: Rig) -> list[SecurityEvent]:
    """The security log, in order."""
    return [one.record.event for one in of(Write, rig.log) if hasattr(one.record, "event")]


def trigger(rig: Rig, message: str = TRIGGER) -> str:
    """ExtendedTriggerMessage; the status."""
    return str(rig.call(ExtendedTriggerMessage(requested_message=message)).status)


def signed(rig: Rig, said: X509Answer) -> str:
    """CertificateSigned with a chain that the notary calls *said*; the status."""
    assert rig.call(CertificateSigned(certificate_chain="pem")) is None
    answer(rig, question(rig, CheckChain), said)
    (reply,) = rig.replies(rig.calls)
    return str(reply.status)


def ways(rig: Rig) -> list[Credential | None]:
    """The certificates that are shown in turn."""
    return [one.credential for one in attempts(rig.state)]


def kept(rig: Rig) -> CredentialsKept:
    """What the station has of its own."""
    return rig.state.station.credentials.kept


def request(rig: Rig) -> KeyRequest:
    """The key that waits for its certificate."""
    waiting = kept(rig).request
    assert waiting is not None
    return waiting


def let_in(rig: Rig, access: Access) -> None:
    """A line opens by *access*."""
    rig.step(LinkUp(at=rig.instant, access=access))


def crowd(rig: Rig) -> None:
    """So much waits already that nothing that may be left out finds room."""
    waiting = {n: Waiting(purpose=ToMention()) for n in range(1000, 1000 + MOST_WAITING // 2)}
    rig.state = replace(rig.state, waiting=waiting)


REJECTED = SecurityEvent.INVALID_CHARGE_POINT_CERTIFICATE
OLD, NEW = credential("old"), credential("new")
ASKED = CredentialsKept(own=OLD, request=pending())
