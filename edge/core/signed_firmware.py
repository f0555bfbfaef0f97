"""Machine `signed_firmware`: what only a signed update has: its call, its proof, its second date.

    call ─► signer verified ─► answer, order ─► … ─► VERIFYING ─► SCHEDULED ─► READY ─► …

The rest of its life is machine `firmware`'s. The signer is verified before anything is fetched,
with the signature once the file is here, and so again right before the installation: meanwhile a
certificate may run out, a root be deleted, a file be swapped. No revocation list reaches this
station, so that no certificate is found revoked (L01.FR.25).
Source: security whitepaper L01, 5.19-5.22, 6.8, 6.9, 6.18.
"""

from __future__ import annotations

from typing import Final

from edge.core import jobs, levels
from edge.core.draft import Draft
from edge.core.effects import Reply, VerifyImage
from edge.core.events import JobFinished, X509Answered
from edge.core.facts import SecurityNoticed
from edge.core.file_commands import SignedUpdateFirmware, SignedUpdateFirmwareConf
from edge.core.state import ChargePoint
from edge.core.vocabulary import CertificateUse, SecurityEvent
from edge.core.waiting import ToFinish, ToVet
from edge.core.work import Job, JobKind, JobOrdered, Seal, Stage
from edge.core.x509 import CheckChain, NotDone, Unfit

VET_WITHIN_S: Final = 20.0  # the link waits for a reply for 25 s
VERIFY_WITHIN_S: Final = 600.0  # 512 MB from a slow card, twice over

MAKER: Final = CertificateUse.MANUFACTURER_ROOT

_KIND: Final = JobKind.FIRMWARE


def roots(state: ChargePoint) -> tuple[str, ...]:
    """Whom firmware is trusted to come from, in PEM: the installer's word stands alone."""
    installed = tuple(root.pem for root in state.station.certificates.of(MAKER))
    return state.setup.maker_roots or installed


# ── the call ─────────────────────────────────────────────────────────────────────────────────────


def on_update(draft: Draft, call_id: int, command: SignedUpdateFirmware) -> None:
    """Have the signer verified first (L01.FR.23); one call at a time."""
    is_vetting = any(isinstance(one.purpose, ToVet) for one in draft.state.waiting.values())
    if is_vetting or levels.is_installing(draft.state) or not draft.has_room:
        _reply(draft, call_id, "Rejected")
        return
    purpose = ToVet(call_id=call_id, order=_ordered(draft, command))
    draft.do(
        CheckChain(
            ticket=draft.ticket(purpose, VET_WITHIN_S),
            use=MAKER,
            chain=command.firmware.signing_certificate,
            roots=roots(draft.state),
            at=draft.at.wall,
        )
    )


def _ordered(draft: Draft, command: SignedUpdateFirmware) -> JobOrdered:
    firmware = command.firmware
    return JobOrdered(
        kind=_KIND,
        location=firmware.location,
        at=draft.at,
        request_id=command.request_id,
        retrieve_date=firmware.retrieve_date_time,
        install_date=firmware.install_date_time,
        seal=Seal(signing_certificate=firmware.signing_certificate, signature=firmware.signature),
        firmware_version=draft.state.setup.identity.firmware_version,
        retries=jobs.retries(command.retries),
        retry_interval_s=jobs.pause_s(draft, command.retry_interval),
    )


def on_vetted(draft: Draft, purpose: ToVet, event: X509Answered | None) -> None:
    """Take the order on, if its signer is known; one that could not be verified is not."""
    order = purpose.order
    found = NotDone(why="not verified in time") if event is None else event.answer
    if isinstance(found, Unfit | NotDone):
        _notice(draft, SecurityEvent.INVALID_FIRMWARE_SIGNING_CERTIFICATE, order, found.why)
        _reply(draft, purpose.call_id, "InvalidCertificate")
    elif levels.is_installing(draft.state):
        _reply(draft, purpose.call_id, "Rejected")
    else:
        cancels = jobs.order(draft, order)
        _reply(draft, purpose.call_id, "AcceptedCanceled" if cancels else "Accepted")
        if order.retrieve_date is not None and order.retrieve_date > draft.at.wall:
            jobs.move(draft, _KIND, Stage.WAITING, "DownloadScheduled")


def _reply(draft: Draft, call_id: int, status: str) -> None:
    draft.do(Reply(call_id=call_id, answer=SignedUpdateFirmwareConf(status=status)))


# ── the proof and the second date ────────────────────────────────────────────────────────────────


def on_tick(draft: Draft) -> None:
    """Verify what was downloaded, by this process or the last; wait for the installation's date."""
    job = jobs.find(draft, _KIND)
    if job is None:
        return
    if job.stage is Stage.VERIFYING and job.ticket is None:
        _verify(draft, job)
    elif job.stage is Stage.SCHEDULED:
        date = job.order.install_date
        if date is None or jobs.has_come(draft, _KIND, date):
            jobs.move(draft, _KIND, Stage.READY, None)


def _verify(draft: Draft, job: Job) -> None:
    assert job.order.seal is not None  # nothing else is verified
    ticket = jobs.begin(draft, _KIND, Stage.VERIFYING, None, VERIFY_WITHIN_S)
    draft.do(VerifyImage(ticket=ticket, seal=job.order.seal, roots=roots(draft.state)))


def on_finished(draft: Draft, purpose: ToFinish, event: JobFinished | None) -> None:
    """The image is proven, or not; `None`: it took too long."""
    if purpose.stage is not Stage.VERIFYING:
        return
    if event is None:
        jobs.give_up(draft, _KIND)
    if event is None or event.failure is not None:
        distrust(draft, purpose.order, "InvalidSignature")
        return
    jobs.move(draft, _KIND, Stage.SCHEDULED, "SignatureVerified")
    date = purpose.order.install_date
    if date is not None and date > draft.at.wall:
        jobs.move(draft, _KIND, Stage.SCHEDULED, "InstallScheduled")


def distrust(draft: Draft, order: JobOrdered, status: str) -> None:
    """End the update: nobody whom we trust has signed this file."""
    jobs.move(draft, _KIND, Stage.DONE, status)
    _notice(draft, SecurityEvent.INVALID_FIRMWARE_SIGNATURE, order, status)


def _notice(draft: Draft, event: SecurityEvent, order: JobOrdered, why: str) -> None:
    draft.tell(SecurityNoticed(event=event, info=f"requestId {order.request_id}: {why}"))
