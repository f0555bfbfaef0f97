"""What the central system is told of an update when it asks."""

from __future__ import annotations

from edge.core.commands import ExtendedTriggerMessage, TriggerMessage
from edge.core.effects import Install, Send, VerifyImage
from edge.core.events import Failure
from edge.core.messages import (
    FirmwareStatusNotification,
    Request,
    SignedFirmwareStatusNotification,
)
from edge.core.work import Stage
from tests.core.bench import of
from tests.core.build import Rig
from tests.core.updating import (
    REQUEST_ID,
    ROOTS,
    SEAL,
    finish,
    job,
    ordered,
    saved_as,
    told_signed,
    trusting,
    update,
    waking,
)


def triggered(rig: Rig, kind: type[TriggerMessage] = ExtendedTriggerMessage) -> Request:
    """What the central system is told that asks how the firmware is."""
    answer = rig.call(kind(requested_message="FirmwareStatusNotification"))
    assert answer.status == "Accepted"
    return of(Send, rig.last)[0].message


def signed(status: str, request_id: int | None = REQUEST_ID) -> Request:
    return SignedFirmwareStatusNotification(status=status, request_id=request_id)


def test_a_failure_is_told_to_who_asks_later_over_a_restart_too() -> None:
    """L01.FR.29: the last status, unless it was Installed; it is not told again unasked."""
    rig = trusting()
    ordered(rig)
    finish(rig)
    finish(rig, VerifyImage, Failure.UNTRUSTED)
    assert triggered(rig) == signed("InvalidSignature")
    assert job(rig).stage is Stage.TOLD
    later = waking(saved_as(Stage.TOLD, "InvalidSignature", seal=SEAL))
    assert not told_signed(later)
    assert triggered(later) == signed("InvalidSignature")
    assert ordered(later) == "Accepted"


def test_the_last_status_that_was_sent_is_told_not_one_that_still_waits() -> None:
    """L01.FR.29."""
    rig = Rig(saved=ROOTS).online()
    ordered(rig)
    finish(rig)
    assert job(rig).status == "Downloaded"
    assert triggered(rig) == signed("Downloading")


def test_idle_has_no_request_id() -> None:
    """L01.FR.21, FR.28: nothing on its way, nothing but an unsigned update, or Installed."""
    idle = signed("Idle", None)
    assert triggered(trusting()) == idle
    open_to_all = Rig(serve=True).online()
    update(open_to_all)
    assert triggered(open_to_all) == idle
    awake = Rig(saved=saved_as(Stage.REBOOTING, seal=SEAL)).start()
    awake.link_up()
    while not awake.is_waiting(SignedFirmwareStatusNotification):
        awake.answer(type(awake.sent[0].message))
    assert triggered(awake) == idle


def test_a_plain_trigger_tells_of_a_signed_update_in_its_own_words() -> None:
    """7.25: FirmwareStatusNotification knows fewer, and Idle means that nothing is going on."""
    rig = trusting()
    words = []

    def asked() -> None:
        told = triggered(rig, TriggerMessage)
        assert isinstance(told, FirmwareStatusNotification)
        words.append(told.status)

    ordered(rig, in_s=60, install_in_s=600)
    asked()
    rig.wait(60)
    asked()
    finish(rig)
    finish(rig, VerifyImage)
    asked()
    rig.wait(600)
    asked()
    finish(rig, Install)
    asked()
    assert words == ["Idle", "Downloading", "Downloaded", "Installing", "Installing"]
    failed = waking(saved_as(Stage.TOLD, "InvalidSignature", seal=SEAL))
    assert triggered(failed, TriggerMessage) == FirmwareStatusNotification(status="Idle")
