"""One signed update after the other, and over a restart: which goes on, and from where."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge.core.commands import Reset
from edge.core.effects import Fetch, Install, Restart, VerifyImage
from edge.core.events import Failure
from edge.core.saved import Saved
from edge.core.setup import UnsignedFirmware
from edge.core.vocabulary import ConnectorStatus, ResetType
from edge.core.work import JobKind, Stage
from edge.core.x509 import CheckChain
from tests.core.bench import NOON, of, setup
from tests.core.build import Rig
from tests.core.updating import (
    REQUEST_ID,
    ROOTS,
    SEAL,
    ask,
    finish,
    job,
    ordered,
    saved_as,
    shown,
    told,
    told_signed,
    trusting,
    update,
    vet,
    waking,
)


@pytest.mark.parametrize("stage", ["waiting", "fetching", "verifying", "scheduled", "unsigned"])
def test_a_newer_update_takes_the_place_of_one_that_can_be_given_up(stage: str) -> None:
    """L01.FR.26: AcceptedCanceled; of the older one nothing more is done or told."""
    rig = trusting()
    if stage == "unsigned":
        rig = Rig(setup(), saved=Saved(), serve=True).online()
        update(rig, in_s=60)
    else:
        ordered(rig, in_s=60 if stage == "waiting" else 0, install_in_s=600)
    if stage in ("verifying", "scheduled"):
        finish(rig)
    if stage == "scheduled":
        finish(rig, VerifyImage)
    assert job(rig).stage is not Stage.DONE
    rig.log.clear()
    assert ordered(rig, request_id=REQUEST_ID) == "AcceptedCanceled"
    assert told_signed(rig) == ["Downloading"]
    assert job(rig).order.install_date is None


def test_an_update_after_one_that_is_over_cancels_nothing() -> None:
    """6.18: what has failed is not ongoing."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    finish(rig, VerifyImage, Failure.UNTRUSTED)
    assert ordered(rig) == "Accepted"


def test_an_installation_cannot_be_given_up() -> None:
    """L01.FR.27: Rejected, before its signer is looked at."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    finish(rig, VerifyImage)
    number = ask(rig)
    assert rig.replies(number)[0].status == "Rejected"
    assert len(of(CheckChain, rig.log)) == 1


def test_an_installation_that_began_while_a_signer_was_verified_is_kept() -> None:
    """L01.FR.27 holds at the moment of the answer."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    number = ask(rig)
    finish(rig, VerifyImage)
    vet(rig)
    assert rig.replies(number)[0].status == "Rejected"
    assert job(rig).stage is Stage.INSTALLING


# ── over a restart ───────────────────────────────────────────────────────────────────────────────


def test_a_proof_that_was_cut_off_begins_again() -> None:
    """A restart goes on where it was: nothing is fetched twice, nothing goes unverified."""
    rig = waking(saved_as(Stage.VERIFYING, "Downloaded", seal=SEAL))
    assert not of(Fetch, rig.log)
    assert not of(Install, rig.log)
    finish(rig, VerifyImage)
    assert told_signed(rig) == ["SignatureVerified", "Installing"]


def test_a_scheduled_installation_keeps_its_date() -> None:
    """The same; until its date everybody charges."""
    date = NOON + timedelta(hours=1)
    saved = saved_as(Stage.SCHEDULED, "InstallScheduled", seal=SEAL, install_date=date)
    rig = waking(saved)
    assert shown(rig) is ConnectorStatus.AVAILABLE
    rig.tick_to((date - rig.wall).total_seconds() - 1)
    assert not of(Install, rig.log)
    rig.wait(1)
    assert of(Install, rig.log)[0].seal == SEAL


def test_what_waits_for_sessions_is_verified_again_before_it_is_installed() -> None:
    """The file may have been swapped while the power was off."""
    rig = waking(saved_as(Stage.READY, "SignatureVerified", seal=SEAL))
    assert of(Install, rig.log)[0].seal == SEAL


def test_an_installation_that_went_on_without_us_is_told_as_signed() -> None:
    """It outlives the process; what came of it has the requestId."""
    rig = waking(saved_as(Stage.INSTALLING, "Installing", "1.0", seal=SEAL))
    finish(rig, Install)
    assert told_signed(rig) == ["InstallRebooting"]
    assert of(Restart, rig.log)


def test_a_soft_reset_amid_a_proof_is_rejected() -> None:
    """Ruling 39: as amid a download."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    assert rig.call(Reset(type=ResetType.SOFT)).status == "Rejected"


def test_an_unsigned_update_that_the_owner_allows_takes_the_place_of_a_signed_one() -> None:
    """One update at a time, whoever orders it; each is told in its own message."""
    here = replace(setup(), unsigned_firmware=UnsignedFirmware.ALLOW)
    rig = Rig(here, saved=ROOTS, serve=True).online()
    ordered(rig)
    update(rig)
    finish(rig)
    assert told(rig) == ["Downloading", "Downloaded", "Installing"]
    assert of(Install, rig.log)[0].seal is None
    assert rig.state.station.jobs[JobKind.FIRMWARE].order.seal is None
