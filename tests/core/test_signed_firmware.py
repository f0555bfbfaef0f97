"""SignedUpdateFirmware: who signed it, its two dates, its proof, and what is told of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.core.effects import Abandon, Fetch, Install, Reply, Restart, Send, VerifyImage
from edge.core.events import Failure
from edge.core.saved import Saved
from edge.core.security_log import SecurityEventLogged
from edge.core.signed_firmware import VERIFY_WITHIN_S, VET_WITHIN_S
from edge.core.vocabulary import CertificateUse, ConnectorStatus, SecurityEvent
from edge.core.work import JobEnded, Stage
from edge.core.x509 import CheckChain, NotDone, Unfit
from tests.core.bench import ALICE, of
from tests.core.build import Rig
from tests.core.updating import (
    LOCATION,
    SEAL,
    ask,
    finish,
    ordered,
    saved_as,
    shown,
    told,
    told_signed,
    trusting,
    vet,
    waking,
)

VOUCHES = (f"a {CertificateUse.MANUFACTURER_ROOT}",)
FETCHED = ["Downloading", "Downloaded"]
VERIFIED = [*FETCHED, "SignatureVerified"]


def noticed(rig: Rig) -> list[SecurityEvent]:
    """What the security log got."""
    return [one.event for one in rig.written(SecurityEventLogged)]


# ── from the call to the new version ─────────────────────────────────────────────────────────────


def test_a_signed_update_runs_from_its_call_to_the_restart() -> None:
    """TC_080: each stage is told with the requestId, and nobody but its maker is believed."""
    rig = trusting()
    assert ordered(rig) == "Accepted"
    assert of(Fetch, rig.log)[0].location == LOCATION
    finish(rig)
    (proof,) = of(VerifyImage, rig.log)
    assert (proof.seal, proof.roots) == (SEAL, VOUCHES)
    assert not of(Install, rig.log)
    finish(rig, VerifyImage)
    (install,) = of(Install, rig.log)
    assert (install.seal, install.roots) == (SEAL, VOUCHES)
    finish(rig, Install)
    assert told_signed(rig) == [*VERIFIED, "Installing", "InstallRebooting"]
    assert of(Restart, rig.log) == [Restart(hard=False)]
    assert not told(rig)
    assert not noticed(rig)


def test_installed_is_told_by_the_next_process() -> None:
    """TC_080: after the boot, with the requestId; then it is forgotten."""
    rig = waking(saved_as(Stage.REBOOTING, "InstallRebooting", seal=SEAL))
    assert told_signed(rig) == ["Installed"]
    assert rig.written(JobEnded)
    assert not rig.state.station.jobs


def test_the_signer_is_verified_before_anything_begins() -> None:
    """L01.FR.23: until then neither answer nor download, and only the right roots vouch."""
    rig = trusting()
    number = ask(rig)
    (check,) = of(CheckChain, rig.log)
    assert (check.chain, check.roots) == (SEAL.signing_certificate, VOUCHES)
    assert (check.use, check.at) == (CertificateUse.MANUFACTURER_ROOT, rig.instant.wall)
    rig.wait(VET_WITHIN_S - 1)
    assert not rig.replies(number)
    assert not rig.state.station.jobs
    vet(rig)
    kinds = [type(one) for one in rig.last if isinstance(one, Reply | Send | Fetch)]
    assert kinds == [Reply, Fetch, Send]


@pytest.mark.parametrize("found", [Unfit(why="expired"), NotDone(why="no process"), None])
def test_a_signer_who_cannot_be_verified_is_an_invalid_one(found: Unfit | NotDone | None) -> None:
    """L01.FR.24, FR.02: also where our own proof fails or never ends; nothing begins."""
    rig = trusting()
    number = ask(rig)
    if found is None:
        rig.wait(VET_WITHIN_S)
    else:
        vet(rig, found)
    assert rig.replies(number)[0].status == "InvalidCertificate"
    assert noticed(rig) == [SecurityEvent.INVALID_FIRMWARE_SIGNING_CERTIFICATE]
    assert not rig.state.station.jobs
    assert not told_signed(rig)


def test_one_signer_is_verified_at_a_time() -> None:
    """Limits: a call may be repeated on a new line while the proof runs."""
    rig = trusting()
    first = ask(rig)
    second = ask(rig)
    assert rig.replies(second)[0].status == "Rejected"
    vet(rig)
    assert rig.replies(first)[0].status == "Accepted"
    assert len(of(CheckChain, rig.log)) == 1


def test_failed_downloads_are_tried_again_as_often_as_asked() -> None:
    """R-12-1: two retries are three rounds; no proof, no installation, and silence."""
    rig = trusting()
    ordered(rig)
    for _ in range(3):
        finish(rig, failure=Failure.OTHER)
        rig.wait(30)
    rig.wait(300)
    assert told_signed(rig) == ["Downloading", "DownloadFailed"] * 3
    assert not of(VerifyImage, rig.log)


# ── the proof ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("failure", [Failure.UNTRUSTED, Failure.OTHER])
def test_what_its_maker_did_not_sign_is_not_installed(failure: Failure) -> None:
    """TC_081, L01.FR.03: InvalidSignature, the security event, and life goes on."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    finish(rig, VerifyImage, failure)
    assert told_signed(rig) == [*FETCHED, "InvalidSignature"]
    assert noticed(rig) == [SecurityEvent.INVALID_FIRMWARE_SIGNATURE]
    assert not of(Install, rig.log)
    assert shown(rig) is ConnectorStatus.AVAILABLE


def test_a_proof_that_never_ends_is_none() -> None:
    """Limits: nothing waits for ever, and nothing is installed for want of an answer."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    rig.wait(VERIFY_WITHIN_S)
    assert of(Abandon, rig.log) == [Abandon(ticket=of(VerifyImage, rig.log)[0].ticket)]
    assert told_signed(rig)[-1] == "InvalidSignature"
    assert not of(Install, rig.log)


def test_an_image_that_changed_since_it_was_verified_is_not_installed() -> None:
    """6.8: InstallVerificationFailed, a final failure state."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    finish(rig, VerifyImage)
    finish(rig, Install, Failure.UNTRUSTED)
    assert told_signed(rig) == [*VERIFIED, "Installing", "InstallVerificationFailed"]
    assert noticed(rig) == [SecurityEvent.INVALID_FIRMWARE_SIGNATURE]
    assert not of(Restart, rig.log)


def test_an_installation_may_fail_for_other_reasons() -> None:
    """6.8: InstallationFailed is no matter of trust."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    finish(rig, VerifyImage)
    finish(rig, Install, Failure.OTHER)
    assert told_signed(rig)[-1] == "InstallationFailed"
    assert not noticed(rig)


def test_a_root_that_is_deleted_meanwhile_vouches_for_nothing() -> None:
    """M04: without a manufacturer's root no signed firmware is installed."""
    rig = waking(Saved(jobs=saved_as(Stage.READY, "SignatureVerified", seal=SEAL).jobs))
    assert of(Install, rig.log)[0].roots == ()


# ── two dates, and the sessions ──────────────────────────────────────────────────────────────────


def test_the_date_of_the_download_is_told_and_kept() -> None:
    """L01.FR.13: DownloadScheduled, then Downloading."""
    rig = trusting()
    ordered(rig, in_s=90)
    assert told_signed(rig) == ["DownloadScheduled"]
    rig.wait(89)
    assert not of(Fetch, rig.log)
    rig.wait(2)
    assert told_signed(rig) == ["DownloadScheduled", "Downloading"]


def test_the_date_of_the_installation_is_told_and_kept() -> None:
    """L01.FR.16, FR.17: InstallScheduled; until then everybody charges."""
    rig = trusting()
    ordered(rig, install_in_s=600)
    finish(rig)
    finish(rig, VerifyImage)
    assert told_signed(rig) == [*VERIFIED, "InstallScheduled"]
    rig.wait(500)
    assert shown(rig) is ConnectorStatus.AVAILABLE
    assert not of(Install, rig.log)
    rig.wait(100)
    assert told_signed(rig)[-1] == "Installing"
    assert len(of(Install, rig.log)) == 1


def test_an_installation_date_that_is_past_is_no_date() -> None:
    """L01.FR.16 speaks of a future date only."""
    rig = trusting()
    ordered(rig, install_in_s=-600)
    finish(rig)
    finish(rig, VerifyImage)
    assert told_signed(rig) == [*VERIFIED, "Installing"]


def test_a_clock_that_was_wrong_moves_the_installation() -> None:
    """The date is the wall's, the deadline is not: a learnt time moves it."""
    rig = trusting()
    ordered(rig, install_in_s=3600)
    finish(rig)
    finish(rig, VerifyImage)
    rig.wall += timedelta(seconds=3500)
    rig.meter()
    rig.wait(90)
    assert not of(Install, rig.log)
    rig.wait(11)
    assert len(of(Install, rig.log)) == 1


@pytest.mark.parametrize("install_in_s", [None, 60.0])
def test_sessions_are_waited_for_with_free_connectors_unavailable(
    install_in_s: float | None,
) -> None:
    """L01.FR.06, 07, 18, 19: also those that become free meanwhile."""
    rig = trusting(connectors=2).charging(1)
    ordered(rig, install_in_s=install_in_s)
    finish(rig)
    assert shown(rig, 2) is ConnectorStatus.AVAILABLE
    finish(rig, VerifyImage)
    rig.wait(install_in_s or 0)
    assert shown(rig, 2) is ConnectorStatus.UNAVAILABLE
    assert not of(Install, rig.log)
    rig.wait(10)
    rig.tap(ALICE)
    rig.meter(1, current_a=0.0)
    assert told_signed(rig)[-1] == "Installing"
    rig.unplug(1)
    assert shown(rig) is ConnectorStatus.UNAVAILABLE
