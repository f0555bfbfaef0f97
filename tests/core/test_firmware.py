"""UpdateFirmware: its date, its attempts, the sessions that come first, the word after the boot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edge.core.commands import RemoteStartTransaction, Reset, TriggerMessage
from edge.core.effects import Abandon, Fetch, Install, Reply, Restart, Send
from edge.core.events import Failure, JobFinished, JobProgressed
from edge.core.file_commands import UpdateFirmware, UpdateFirmwareConf
from edge.core.firmware import LAST_WORDS_S
from edge.core.messages import CallError, FirmwareStatusNotification, NoAnswer, StatusNotification
from edge.core.saved import Saved
from edge.core.setup import UnsignedFirmware
from edge.core.vocabulary import CallErrorCode, CertificateUse, ConnectorStatus, ResetType
from edge.core.work import JobEnded, JobKind, Stage
from edge.core.x509 import CheckChain
from tests.core.bench import ALICE, NOON, of, setup
from tests.core.build import Rig
from tests.core.updating import LOCATION, ask, finish, job, named, root, saved_as, told, update


def test_an_update_runs_from_order_to_restart() -> None:
    """TC_044_1: Downloading, Downloaded, Installing, then the restart."""
    rig = Rig(serve=True).online()
    assert update(rig) == UpdateFirmwareConf()
    assert of(Fetch, rig.log)[0].location == LOCATION
    finish(rig)
    finish(rig, Install)
    assert told(rig) == ["Downloading", "Downloaded", "Installing"]
    assert of(Restart, rig.log) == [Restart(hard=False)]


def test_the_answer_comes_before_the_first_status() -> None:
    """5.19, figure 41: the conf goes out first."""
    rig = Rig(serve=True).online()
    update(rig)
    assert isinstance(of(Reply, rig.last)[0].answer, UpdateFirmwareConf)
    kinds = [type(one) for one in rig.last if isinstance(one, Reply | Send | Fetch)]
    assert kinds[0] is Reply


def test_nothing_is_fetched_before_its_date() -> None:
    """Errata 3.63: the date after which it is allowed."""
    rig = Rig(serve=True).online()
    update(rig, in_s=90)
    rig.wait(89)
    assert not of(Fetch, rig.log)
    assert not told(rig)
    rig.wait(2)
    assert len(of(Fetch, rig.log)) == 1


def test_a_clock_that_was_wrong_moves_the_date() -> None:
    """The date is the wall's, the deadline is not: a learnt time moves it."""
    rig = Rig(serve=True).online()
    update(rig, in_s=3600)
    rig.wall += timedelta(seconds=3590)
    rig.meter()
    rig.wait(11)
    assert len(of(Fetch, rig.log)) == 1


def test_failed_downloads_are_tried_again_as_often_as_asked() -> None:
    """TC_044_2, errata 3.50: two retries are three rounds, 30 s apart, and no installation."""
    rig = Rig(serve=True).online()
    update(rig)
    for fetches in (1, 2, 3):
        assert len(of(Fetch, rig.log)) == fetches
        finish(rig, failure=Failure.OTHER)
        rig.wait(29)
        assert len(of(Fetch, rig.log)) == fetches
        rig.wait(1)
    assert told(rig) == ["Downloading", "DownloadFailed"] * 3
    assert not of(Install, rig.log)
    assert JobKind.FIRMWARE not in rig.state.station.jobs
    assert rig.written(JobEnded) == [JobEnded(kind=JobKind.FIRMWARE)]


def test_a_failed_installation_leaves_the_old_version_at_work() -> None:
    """TC_044_3: InstallationFailed, and the connectors are Available again."""
    rig = Rig(serve=True).online()
    update(rig)
    finish(rig)
    assert rig.told()[-1] is ConnectorStatus.UNAVAILABLE
    finish(rig, Install, Failure.OTHER)
    assert told(rig)[-1] == "InstallationFailed"
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE
    assert not of(Restart, rig.log)


def test_a_running_session_is_waited_for_and_free_connectors_are_unavailable() -> None:
    """Errata 3.49, 5.19: nobody is cut off, nobody new begins."""
    rig = Rig(setup(connectors=2), serve=True).online().charging(1)
    update(rig)
    finish(rig)
    assert told(rig)[-1] == "Downloaded"
    assert rig.told(2)[-1] is ConnectorStatus.UNAVAILABLE
    start = rig.call(RemoteStartTransaction(id_tag="OTHER", connector_id=2))
    assert start.status == "Rejected"
    assert not of(Install, rig.log)
    rig.wait(10)
    rig.tap(ALICE)
    rig.meter(1, current_a=0.0)
    assert told(rig)[-1] == "Installing"
    assert len(of(Install, rig.log)) == 1


def test_a_permitted_driver_is_waited_for() -> None:
    """Somebody was let in and is about to plug: the promise holds until it runs out."""
    rig = Rig(serve=True).online()
    rig.tap(ALICE)
    update(rig)
    finish(rig)
    assert not of(Install, rig.log)
    rig.wait(61)
    assert len(of(Install, rig.log)) == 1


def test_a_car_that_is_merely_plugged_in_delays_nothing() -> None:
    """No session, no wait."""
    rig = Rig(serve=True).online()
    rig.plug()
    update(rig)
    finish(rig)
    assert len(of(Install, rig.log)) == 1


def test_the_restart_waits_until_installing_is_heard() -> None:
    """A status that the restart swallows was never told."""
    rig = Rig().online()
    update(rig)
    finish(rig)
    finish(rig, Install)
    for _ in range(3):
        assert not of(Restart, rig.log)
        rig.answer(FirmwareStatusNotification)
    assert told(rig)[-1] == "Installing"
    assert len(of(Restart, rig.log)) == 1


def test_a_mute_central_system_does_not_hold_the_restart() -> None:
    """Ten seconds are enough."""
    rig = Rig().online()
    update(rig)
    finish(rig)
    finish(rig, Install)
    rig.wait(LAST_WORDS_S + 1)
    assert len(of(Restart, rig.log)) == 1
    rig.meter()
    assert len(of(Restart, rig.log)) == 1


def test_installed_is_told_by_the_next_process_after_its_connectors() -> None:
    """TC_044_1: Boot, StatusNotification, Installed; then it is forgotten."""
    rig = Rig(saved=saved_as(Stage.REBOOTING, "Installing"), serve=True)
    rig.start()
    rig.link_up()
    messages = [one.message for one in of(Send, rig.log)]
    kinds = [type(one) for one in messages]
    assert told(rig) == ["Installed"]
    assert kinds.index(StatusNotification) < kinds.index(FirmwareStatusNotification)
    assert rig.written(JobEnded)
    assert not rig.state.station.jobs


def test_a_new_version_that_wakes_up_is_installed() -> None:
    """The installer may restart us before it answers."""
    rig = Rig(named("2.0"), saved=saved_as(Stage.INSTALLING, version="1.0"), serve=True)
    rig.start()
    rig.link_up()
    assert told(rig) == ["Installed"]
    assert not of(Install, rig.log)


def test_an_installation_that_went_on_without_us_is_waited_for() -> None:
    """It outlives the process; until its end nobody starts, and what came of it counts."""
    rig = Rig(named("1.0"), saved=saved_as(Stage.INSTALLING, "Installing", "1.0"), serve=True)
    rig.start()
    rig.link_up()
    assert rig.told()[-1] is ConnectorStatus.UNAVAILABLE
    assert not told(rig)
    assert isinstance(update(rig), CallError)
    finish(rig, Install)
    assert of(Restart, rig.log) == [Restart(hard=False)]
    assert job(rig).stage is Stage.REBOOTING


def test_an_installation_that_the_power_cut_off_has_failed() -> None:
    """Nobody knows how far it came; the old version woke up."""
    rig = Rig(named("1.0"), saved=saved_as(Stage.INSTALLING, "Installing", "1.0"), serve=True)
    rig.start()
    rig.link_up()
    finish(rig, Install, Failure.OTHER)
    assert told(rig) == ["InstallationFailed"]
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE


def test_a_download_cut_off_by_a_restart_goes_on() -> None:
    """A pending update survives: the attempt it had spent is remembered."""
    rig = Rig(saved=saved_as(Stage.MOVING, "Downloading"), serve=True)
    rig.start()
    assert len(of(Fetch, rig.log)) == 1
    assert job(rig).attempts == 1


def test_a_download_that_waited_for_sessions_is_installed_after_a_restart() -> None:
    """READY is kept: nothing is fetched twice."""
    rig = Rig(saved=saved_as(Stage.READY, "Downloaded"), serve=True)
    rig.start()
    assert not of(Fetch, rig.log)
    assert len(of(Install, rig.log)) == 1


def test_a_last_word_that_was_never_heard_is_told_after_a_restart() -> None:
    """DONE stays in the journal until it is heard."""
    rig = Rig(saved=saved_as(Stage.DONE, "DownloadFailed"), serve=True)
    rig.start()
    rig.link_up()
    assert told(rig) == ["DownloadFailed"]
    assert not rig.state.station.jobs


def test_statuses_of_an_outage_are_told_in_order_when_the_line_is_back() -> None:
    """5.19: MUST send to keep the central system updated."""
    rig = Rig().online()
    rig.link_down()
    rig.link_up()
    rig.answer_all()
    update(rig)
    rig.link_down()
    finish(rig)
    assert told(rig) == ["Downloading"]
    rig.link_up()
    rig.answer_all()
    assert told(rig) == ["Downloading", "Downloading", "Downloaded", "Installing"]


def test_a_status_that_nobody_answers_is_not_repeated() -> None:
    """A peer that hangs on one message gets the next one instead."""
    rig = Rig().online()
    update(rig)
    rig.answer(FirmwareStatusNotification, NoAnswer(timed_out=True))
    finish(rig, failure=Failure.OTHER)
    assert told(rig) == ["Downloading", "DownloadFailed"]


def test_a_download_that_never_ends_is_given_up() -> None:
    """Policy `transfer_within_s`: nothing waits for ever."""
    rig = Rig(serve=True).online()
    update(rig)
    rig.wait(rig.setup.policy.transfer_within_s)
    assert of(Abandon, rig.log) == [Abandon(ticket=of(Fetch, rig.log)[0].ticket)]
    assert told(rig) == ["Downloading", "DownloadFailed"]


def test_a_newer_order_takes_the_place_of_the_older_one() -> None:
    """The last word counts; its predecessor's transfer is stopped and told no more."""
    rig = Rig().online()
    update(rig)
    first = of(Fetch, rig.log)[0].ticket
    update(rig, location="https://example.org/other.bin")
    assert of(Abandon, rig.log) == [Abandon(ticket=first)]
    rig.answer(FirmwareStatusNotification)
    rig.step(JobFinished(at=rig.instant, ticket=first))
    assert job(rig).stage is Stage.MOVING
    assert rig.state.late_answers == 1
    assert told(rig) == ["Downloading", "Downloading"]


def test_an_order_amid_an_installation_is_refused() -> None:
    """UpdateFirmware.conf has no word for no (ruling 8)."""
    rig = Rig(serve=True).online()
    update(rig)
    finish(rig)
    answer = update(rig)
    assert isinstance(answer, CallError)
    assert answer.code is CallErrorCode.GENERIC_ERROR


@pytest.mark.parametrize(
    ("mode", "profile", "obeys"),
    [
        (UnsignedFirmware.AUTO, None, True),
        (UnsignedFirmware.AUTO, "0", True),
        (UnsignedFirmware.AUTO, "2", False),
        (UnsignedFirmware.ALLOW, "2", True),
        (UnsignedFirmware.REFUSE, None, False),
    ],
)
def test_unsigned_firmware_is_obeyed_as_configured(
    mode: UnsignedFirmware, profile: str | None, obeys: bool
) -> None:
    """Ruling 18, L01.FR.20: NotSupported, and nothing begins."""
    keys = {} if profile is None else {"SecurityProfile": profile}
    rig = Rig(replace(setup(keys=keys), unsigned_firmware=mode), serve=True).online()
    answer = update(rig)
    if obeys:
        assert answer == UpdateFirmwareConf()
    else:
        assert answer.code is CallErrorCode.NOT_SUPPORTED
        assert not rig.state.station.jobs


@pytest.mark.parametrize(
    ("mode", "use", "obeys"),
    [
        (UnsignedFirmware.AUTO, CertificateUse.MANUFACTURER_ROOT, False),
        (UnsignedFirmware.AUTO, CertificateUse.CENTRAL_SYSTEM_ROOT, True),
        (UnsignedFirmware.ALLOW, CertificateUse.MANUFACTURER_ROOT, True),
    ],
)
def test_a_manufacturer_s_root_puts_an_end_to_unsigned_firmware(
    mode: UnsignedFirmware, use: CertificateUse, obeys: bool
) -> None:
    """L01.FR.20, ruling 18: secure update is in force then, unless the owner says otherwise."""
    here = replace(setup(), unsigned_firmware=mode)
    rig = Rig(here, saved=Saved(roots=(root(use),)), serve=True).online()
    answer = update(rig)
    assert (answer == UpdateFirmwareConf()) is obeys
    assert bool(rig.state.station.jobs) is obeys


def test_the_maker_whom_the_installer_names_is_the_only_one() -> None:
    """[firmware] ca_file: a root that the central system installs neither counts nor matters."""
    here = replace(setup(), maker_roots=("the maker",))
    rig = Rig(here, saved=Saved(roots=(root(CertificateUse.MANUFACTURER_ROOT),)), serve=True)
    rig.online()
    assert update(rig).code is CallErrorCode.NOT_SUPPORTED
    ask(rig)
    assert [check.roots for check in of(CheckChain, rig.log)] == [("the maker",)]


def test_a_trigger_tells_the_status_as_it_is() -> None:
    """5.17: Idle, Downloading, Downloading again while it waits to try again."""
    rig = Rig(serve=True).online()
    command = TriggerMessage(requested_message="FirmwareStatusNotification")
    rig.call(command)
    update(rig, in_s=60)
    rig.call(command)
    rig.wait(60)
    rig.call(command)
    finish(rig, failure=Failure.OTHER)
    rig.call(command)
    assert told(rig) == [
        "Idle",
        "Idle",
        "Downloading",
        "Downloading",
        "DownloadFailed",
        "DownloadFailed",
    ]


def test_a_soft_reset_amid_a_download_is_rejected_a_hard_one_is_not() -> None:
    """Ruling 39."""
    rig = Rig(serve=True).online()
    update(rig)
    assert rig.call(Reset(type=ResetType.SOFT)).status == "Rejected"
    assert rig.call(Reset(type=ResetType.HARD)).status == "Accepted"


def test_progress_is_kept_for_those_who_look() -> None:
    """A transfer that is stuck shows."""
    rig = Rig(serve=True).online()
    rig.call(UpdateFirmware(location=LOCATION, retrieve_date=NOON))
    ticket = of(Fetch, rig.log)[0].ticket
    rig.step(JobProgressed(at=rig.instant, ticket=ticket + 1, done_bytes=7))
    assert job(rig).done_bytes == 0
    rig.step(JobProgressed(at=rig.instant, ticket=ticket, done_bytes=4096))
    assert job(rig).done_bytes == 4096


def test_wishes_beyond_our_bounds_are_cut() -> None:
    """Limits: an order cannot keep us busy for ever; none named is ours to choose."""
    rig = Rig(serve=True).online()
    update(rig, retries=10**9, retry_interval=10**9)
    assert (job(rig).order.retries, job(rig).order.retry_interval_s) == (100, 86_400)
    update(rig, retries=-1, retry_interval=-1)
    assert (job(rig).order.retries, job(rig).order.retry_interval_s) == (0, 0)
    update(rig, retries=None, retry_interval=None)
    assert (job(rig).order.retries, job(rig).order.retry_interval_s) == (3, 60)


def test_an_outage_with_many_retries_keeps_the_newest_words() -> None:
    """Limits: what waits to be told is bounded."""
    rig = Rig().online()
    rig.link_down()
    update(rig, retries=100, retry_interval=1)
    for _ in range(20):
        finish(rig, failure=Failure.OTHER)
        rig.wait(1)
    assert len(job(rig).untold) == 16
