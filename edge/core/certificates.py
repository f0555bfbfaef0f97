"""Machine `certificates`: the roots that the central system installs, lists and deletes.

A root is trusted besides what the installer gave, never instead of it: a slip of the central
system's locks nobody out. What the text of a certificate means is found out elsewhere.
Source: security whitepaper ed. 3, M03-M05, chapter 7.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edge.core.certificate_commands import (
    DeleteCertificate,
    DeleteCertificateConf,
    GetInstalledCertificateIds,
    GetInstalledCertificateIdsConf,
    InstallCertificate,
    InstallCertificateConf,
)
from edge.core.draft import Draft
from edge.core.effects import Reply, UseRoots
from edge.core.events import LinkDown, LinkUp, X509Answered
from edge.core.facts import SecurityNoticed
from edge.core.state import ChargePoint
from edge.core.vocabulary import CertificateUse, SecurityEvent
from edge.core.waiting import ToInstall
from edge.core.x509 import (
    MOST_ROOTS,
    CertificateHashData,
    InspectRoot,
    Root,
    RootDeleted,
    RootInstalled,
    Unfit,
)

WITHIN_S: Final = 20.0  # the link waits for a reply for 25 s

CSMS: Final = CertificateUse.CENTRAL_SYSTEM_ROOT


def trusted(state: ChargePoint) -> tuple[str, ...]:
    """The installed roots, PEM, that the central system's hierarchy is checked by."""
    return tuple(root.pem for root in state.station.certificates.of(CSMS))


# ── installing ───────────────────────────────────────────────────────────────────────────────────


def on_install(draft: Draft, call_id: int, command: InstallCertificate) -> None:
    """Have it looked at; the answer comes when that is done."""
    if not draft.has_room:
        _answer_install(draft, call_id, "Failed")
        return
    ticket = draft.ticket(ToInstall(call_id=call_id, use=command.certificate_type), WITHIN_S)
    draft.do(
        InspectRoot(
            ticket=ticket,
            use=command.certificate_type,
            pem=command.certificate,
            at=draft.at.wall,
        )
    )


def on_inspected(draft: Draft, purpose: ToInstall, answered: X509Answered | None) -> None:
    """Install what is a root and finds room (M05.FR.02-06); the same again is no second one."""
    found = None if answered is None else answered.answer
    match found:
        case Root():
            status = _install(draft, found)
        case Unfit():
            status = "Rejected"
            if purpose.use is CSMS:
                event = SecurityEvent.INVALID_CENTRAL_SYSTEM_CERTIFICATE
                draft.tell(SecurityNoticed(event=event, info=found.why))
        case _:
            status = "Failed"
    _answer_install(draft, purpose.call_id, status)


def _install(draft: Draft, root: Root) -> str:
    certificates = draft.station.certificates
    if any(_is_same(one, root) for one in certificates.roots):
        return "Accepted"
    if len(certificates.roots) >= MOST_ROOTS:
        return "Rejected"
    draft.put_station(
        certificates=replace(certificates, roots=(*certificates.roots, root)),
    )
    draft.write(RootInstalled(root=root))
    _tell_change(draft, root, "installed")
    return "Accepted"


def _is_same(one: Root, other: Root) -> bool:
    return (one.use, one.fingerprint) == (other.use, other.fingerprint)


def _answer_install(draft: Draft, call_id: int, status: str) -> None:
    draft.do(Reply(call_id=call_id, answer=InstallCertificateConf(status=status)))


def _tell_change(draft: Draft, root: Root, what: str) -> None:
    draft.tell(
        SecurityNoticed(
            event=SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS,
            info=f"{root.use} {root.fingerprint} {what}",
        )
    )
    draft.do(UseRoots(roots=trusted(draft.state)))


# ── listing and deleting ─────────────────────────────────────────────────────────────────────────


def on_list(draft: Draft, call_id: int, command: GetInstalledCertificateIds) -> None:
    """Their names, by SHA-256 (M03.FR.02-04)."""
    found = draft.station.certificates.of(command.certificate_type)
    answer = GetInstalledCertificateIdsConf(
        status="Accepted" if found else "NotFound",
        certificate_hash_data=tuple(root.hashes[0] for root in found),
    )
    draft.do(Reply(call_id=call_id, answer=answer))


def on_delete(draft: Draft, call_id: int, command: DeleteCertificate) -> None:
    """Delete it for each use it has, unless the line rests on it (M04.FR.02-06)."""
    certificates = draft.station.certificates
    wanted = _folded(command.certificate_hash_data)
    found = tuple(
        root for root in certificates.roots if wanted in (_folded(one) for one in root.hashes)
    )
    if not found:
        status = "NotFound"
    elif any(_is_in_use(draft.state, root) for root in found):
        status = "Failed"
    else:
        status = "Accepted"
        left = tuple(root for root in certificates.roots if root not in found)
        draft.put_station(certificates=replace(certificates, roots=left))
        for root in found:
            draft.write(RootDeleted(use=root.use, fingerprint=root.fingerprint))
            _tell_change(draft, root, "deleted")
    draft.do(Reply(call_id=call_id, answer=DeleteCertificateConf(status=status)))


def _folded(named: CertificateHashData) -> CertificateHashData:
    """*named* as it compares: the digits without case, the number without zeroes in front."""
    return replace(
        named,
        issuer_name_hash=named.issuer_name_hash.lower(),
        issuer_key_hash=named.issuer_key_hash.lower(),
        serial_number=named.serial_number.lower().lstrip("0"),
    )


def _is_in_use(state: ChargePoint, root: Root) -> bool:
    return root.use is CSMS and root.fingerprint == state.station.certificates.line_root


# ── the line ─────────────────────────────────────────────────────────────────────────────────────


def on_link_up(draft: Draft, event: LinkUp) -> None:
    """The line rests on this root."""
    certificates = replace(draft.station.certificates, line_root=event.root)
    draft.put_station(certificates=certificates)


def on_link_down(draft: Draft, _: LinkDown) -> None:
    """And on none."""
    certificates = replace(draft.station.certificates, line_root=None)
    draft.put_station(certificates=certificates)
