"""GetDiagnostics and GetLog: a file, its name, its attempts, its statuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from edge.core.commands import TriggerMessage
from edge.core.draft import Draft
from edge.core.effects import Abandon, Upload
from edge.core.events import Failure, JobFinished
from edge.core.facts import Triggered
from edge.core.file_commands import GetDiagnostics, GetDiagnosticsConf, GetLog, LogParameters
from edge.core.job_news import on_trigger
from edge.core.messages import DiagnosticsStatusNotification, LogStatusNotification
from edge.core.saved import Saved
from edge.core.vocabulary import LogType
from edge.core.work import JobKind, JobOrdered, SavedJob, Stage
from tests.core.bench import NOON, at, of
from tests.core.build import Rig

PLACE = "ftps://example.org/logs"
HOUR = timedelta(hours=1)


def diagnostics(rig: Rig, **changes: Any) -> Any:
    wish: dict[str, Any] = {"location": PLACE, "retries": 2, "retry_interval": 30, **changes}
    return rig.call(GetDiagnostics(**wish))


def log(rig: Rig, request_id: int = 7, **changes: Any) -> Any:
    wish: dict[str, Any] = {"remote_location": PLACE, **changes}
    command = GetLog(
        log_type=LogType.SECURITY,
        request_id=request_id,
        log=LogParameters(**wish),
        retries=1,
        retry_interval=30,
    )
    return rig.call(command)


def finish(rig: Rig, failure: Failure | None = None) -> None:
    ticket = of(Upload, rig.log)[-1].ticket
    rig.step(JobFinished(at=rig.instant, ticket=ticket, failure=failure))


def told(rig: Rig) -> list[str]:
    return [one.status for one in rig.messages(DiagnosticsStatusNotification)]


def told_of_log(rig: Rig) -> list[tuple[str, int | None]]:
    return [(one.status, one.request_id) for one in rig.messages(LogStatusNotification)]


def test_diagnostics_are_named_and_uploaded() -> None:
    """TC_045_1: conf with the name, Uploading, Uploaded."""
    rig = Rig(serve=True).online()
    assert diagnostics(rig) == GetDiagnosticsConf(file_name="diagnostics-20260301T120140Z.tar.gz")
    upload = of(Upload, rig.log)[0]
    assert (upload.location, upload.log_type) == (PLACE, LogType.DIAGNOSTICS)
    finish(rig)
    assert told(rig) == ["Uploading", "Uploaded"]
    assert not rig.state.station.jobs


def test_failed_uploads_are_tried_again_as_often_as_asked() -> None:
    """TC_045_2, errata 3.50: two retries are three rounds, 30 s apart."""
    rig = Rig(serve=True).online()
    diagnostics(rig)
    for uploads in (1, 2, 3):
        assert len(of(Upload, rig.log)) == uploads
        finish(rig, Failure.DENIED)
        rig.wait(29)
        assert len(of(Upload, rig.log)) == uploads
        rig.wait(1)
    assert told(rig) == ["Uploading", "UploadFailed"] * 3


@pytest.mark.parametrize(
    "span",
    [
        {"start_time": NOON + 2 * HOUR},
        {"start_time": NOON - HOUR, "stop_time": NOON - 2 * HOUR},
    ],
)
def test_a_span_without_anything_has_no_file(span: dict[str, Any]) -> None:
    """5.9: no diagnostics, no file name."""
    rig = Rig(serve=True).online()
    assert diagnostics(rig, **span) == GetDiagnosticsConf()
    assert not of(Upload, rig.log)


def test_a_span_reaches_the_one_who_gathers() -> None:
    """5.9: startTime and stopTime."""
    rig = Rig(serve=True).online()
    diagnostics(rig, start_time=NOON - HOUR, stop_time=NOON)
    upload = of(Upload, rig.log)[0]
    assert (upload.oldest, upload.latest) == (NOON - HOUR, NOON)


def test_a_log_is_uploaded_under_its_request_id() -> None:
    """TC_079, N01.FR.07."""
    rig = Rig(serve=True).online()
    answer = log(rig)
    assert (answer.status, answer.filename) == ("Accepted", "security-20260301T120140Z.log")
    assert of(Upload, rig.log)[0].log_type is LogType.SECURITY
    finish(rig)
    assert told_of_log(rig) == [("Uploading", 7), ("Uploaded", 7)]


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        (Failure.MALFORMED, "BadMessage"),
        (Failure.DENIED, "PermissionDenied"),
        (Failure.UNSUPPORTED, "NotSupportedOperation"),
        (Failure.OTHER, "UploadFailure"),
    ],
)
def test_a_failed_log_upload_says_why(failure: Failure, word: str) -> None:
    """N01.FR.10: as precise as possible, and tried again."""
    rig = Rig(serve=True).online()
    log(rig)
    finish(rig, failure)
    assert told_of_log(rig)[-1] == (word, 7)
    rig.wait(30)
    assert len(of(Upload, rig.log)) == 2


def test_a_new_request_cancels_the_log_on_its_way() -> None:
    """N01.FR.11: AcceptedCanceled."""
    rig = Rig(serve=True).online()
    log(rig)
    assert log(rig, request_id=8).status == "AcceptedCanceled"
    assert of(Abandon, rig.log) == [Abandon(ticket=of(Upload, rig.log)[0].ticket)]
    finish(rig)
    assert told_of_log(rig)[-1] == ("Uploaded", 8)


def test_an_empty_log_is_rejected() -> None:
    """No file, no name."""
    rig = Rig(serve=True).online()
    answer = log(rig, oldest_timestamp=NOON + 2 * HOUR)
    assert (answer.status, answer.filename) == ("Rejected", None)


def test_an_upload_that_never_ends_is_given_up() -> None:
    """Policy `transfer_within_s`."""
    rig = Rig(serve=True).online()
    diagnostics(rig)
    log(rig)
    rig.wait(rig.setup.policy.transfer_within_s)
    assert len(of(Abandon, rig.log)) == 2
    assert told(rig)[1] == "UploadFailed"
    assert told_of_log(rig)[1] == ("UploadFailure", 7)


def test_an_upload_goes_on_after_a_restart() -> None:
    """A pending upload survives."""
    ordered = JobOrdered(
        kind=JobKind.LOG,
        location=PLACE,
        at=at(1.0),
        retries=1,
        retry_interval_s=30,
        file_name="security.log",
        log_type=LogType.SECURITY,
        request_id=9,
    )
    saved = Saved(jobs=(SavedJob(ordered=ordered, stage=Stage.MOVING, status="Uploading"),))
    rig = Rig(saved=saved, serve=True)
    rig.start()
    rig.link_up()
    finish(rig)
    assert told_of_log(rig) == [("Uploading", 9), ("Uploaded", 9)]


def test_a_trigger_tells_the_status_as_it_is() -> None:
    """TC_054: Idle, and the truth while something is on its way."""
    rig = Rig(serve=True).online()
    command = TriggerMessage(requested_message="DiagnosticsStatusNotification")
    rig.call(command)
    diagnostics(rig)
    rig.call(command)
    assert told(rig) == ["Idle", "Uploading", "Uploading"]


def test_a_trigger_of_the_log_status_names_the_request_while_there_is_one() -> None:
    """N01.FR.12: Idle goes without a requestId."""
    rig = Rig().online()
    draft = Draft(rig.state, rig.instant)
    on_trigger(draft, Triggered(message="LogStatusNotification", connector=None))
    log(rig)
    later = Draft(rig.state, rig.instant)
    on_trigger(later, Triggered(message="LogStatusNotification", connector=None))
    sent = [one.message for made in (draft, later) for one in made.effects]  # type: ignore[union-attr]  # sends only
    assert sent == [
        LogStatusNotification(status="Idle"),
        LogStatusNotification(status="Uploading", request_id=7),
    ]
