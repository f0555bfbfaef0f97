"""What the tests of firmware updates share: orders, errands that end, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from edge.core import levels
from edge.core.effects import Fetch
from edge.core.events import Failure, JobFinished, X509Answered
from edge.core.file_commands import Firmware, SignedUpdateFirmware, UpdateFirmware
from edge.core.messages import FirmwareStatusNotification, SignedFirmwareStatusNotification
from edge.core.saved import Saved
from edge.core.setup import Setup
from edge.core.vocabulary import CertificateUse, ConnectorStatus
from edge.core.work import Job, JobKind, JobOrdered, SavedJob, Seal, Stage
from edge.core.x509 import ChainFound, CheckChain, Root, X509Answer
from tests.core.bench import IDENTITY, NOON, at, of, setup
from tests.core.build import Rig

LOCATION = "https://example.org/firmware.bin"
SEAL = Seal(signing_certificate="the signer", signature="c2VhbA==")
REQUEST_ID = 123
GOOD_SIGNER = ChainFound(
    chain=SEAL.signing_certificate,
    common_name="firmware",
    organisation="Maker",
    key_id="00",
    not_before=NOON,
    not_after=NOON,
)


def update(rig: Rig, in_s: float = 0.0, **changes: Any) -> Any:
    """UpdateFirmware, and its answer."""
    wish: dict[str, Any] = {"location": LOCATION, "retries": 2, "retry_interval": 30, **changes}
    retrieve_date = rig.instant.wall + timedelta(seconds=in_s)
    return rig.call(UpdateFirmware(retrieve_date=retrieve_date, **wish))


def ask(rig: Rig, in_s: float = 0.0, install_in_s: float | None = None, **changes: Any) -> int:
    """SignedUpdateFirmware; the number of the call, whose answer may still be owed."""
    now = rig.instant.wall
    firmware = Firmware(
        location=LOCATION,
        retrieve_date_time=now + timedelta(seconds=in_s),
        install_date_time=None if install_in_s is None else now + timedelta(seconds=install_in_s),
        signing_certificate=SEAL.signing_certificate,
        signature=SEAL.signature,
    )
    wish: dict[str, Any] = {"retries": 2, "retry_interval": 30, "request_id": REQUEST_ID}
    rig.call(SignedUpdateFirmware(firmware=firmware, **{**wish, **changes}))
    return rig.calls


def ordered(rig: Rig, in_s: float = 0.0, install_in_s: float | None = None, **changes: Any) -> str:
    """SignedUpdateFirmware by a signer who is in order; the status that answers it."""
    number = ask(rig, in_s, install_in_s, **changes)
    vet(rig)
    status: str = rig.replies(number)[0].status
    return status


def vet(rig: Rig, found: X509Answer = GOOD_SIGNER) -> None:
    """The newest check of a certificate is over."""
    ticket = of(CheckChain, rig.log)[-1].ticket
    rig.step(X509Answered(at=rig.instant, ticket=ticket, answer=found))


def finish(rig: Rig, kind: type = Fetch, failure: Failure | None = None) -> None:
    """The newest errand of *kind* is over."""
    ticket: int = of(kind, rig.log)[-1].ticket
    rig.step(JobFinished(at=rig.instant, ticket=ticket, failure=failure))


def told(rig: Rig) -> list[str]:
    """What was told of an unsigned update."""
    return [one.status for one in rig.messages(FirmwareStatusNotification)]


def told_signed(rig: Rig) -> list[str]:
    """What was told of signed updates, whose requestId each of them carries (L01.FR.10)."""
    heard = rig.messages(SignedFirmwareStatusNotification)
    assert {one.request_id for one in heard} <= {REQUEST_ID}
    return [one.status for one in heard]


def job(rig: Rig) -> Job:
    """The update."""
    return rig.state.station.jobs[JobKind.FIRMWARE]


def saved_as(
    stage: Stage, status: str | None = None, version: str | None = None, **changes: Any
) -> Saved:
    """An update as the journal holds it; with `seal=SEAL` a signed one."""
    ordered = JobOrdered(
        kind=JobKind.FIRMWARE,
        location=LOCATION,
        at=at(1.0),
        retries=2,
        retry_interval_s=30,
        retrieve_date=NOON,
        firmware_version=version,
        request_id=REQUEST_ID,
        **changes,
    )
    return Saved(
        jobs=(SavedJob(ordered=ordered, stage=stage, status=status, attempts=1),),
        roots=(root(),),
    )


def root(use: CertificateUse = CertificateUse.MANUFACTURER_ROOT) -> Root:
    """A certificate that the core takes for an installed root."""
    return Root(use=use, pem=f"a {use}", fingerprint="00", hashes=(), not_after=NOON)


def named(version: str) -> Setup:
    """A station that runs *version*."""
    return replace(setup(), identity=replace(IDENTITY, firmware_version=version))


def trusting(connectors: int = 1) -> Rig:
    """Online, kindly answered, with roots of both uses."""
    return Rig(setup(connectors=connectors), saved=ROOTS, serve=True).online()


def waking(saved: Saved, version: str = "1.0") -> Rig:
    """A new process on what the last one wrote, online."""
    rig = Rig(named(version), saved=saved, serve=True)
    rig.start()
    rig.link_up()
    return rig


def shown(rig: Rig, connector: int = 1) -> ConnectorStatus:
    """The status of *connector*, told lately or not."""
    return levels.status(rig.state, connector, rig.instant.monotonic)


ROOTS = Saved(roots=(root(CertificateUse.CENTRAL_SYSTEM_ROOT), root()))
