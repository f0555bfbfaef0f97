"""Each way to be kept out has one cause, and no sentence shows a secret."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest

from edge.core.messages import BootNotificationConf
from edge.core.vocabulary import RegistrationStatus
from edge.doctor.finding import Fact
from edge.doctor.line_causes import Known, Ladder, judge
from edge.errors import LinkRefused, Rung

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FACTS: dict[str, Fact] = {
    "host": "csms.example",
    "port": 443,
    "path": "/ocpp/YARD-7",
    "station": "YARD-7",
    "vendor": "V",
    "model": "M",
    "profile": 2,
    "now": "2026-03-01T00:00:00Z",
}


def known(*, password: bool = True, secure: bool = True, clock: bool = True) -> Known:
    return Known(facts=FACTS, has_password=password, is_secure=secure, clock_is_kept=clock)


def code_of(error: OSError, what: Known | None = None) -> str:
    (found,) = judge(Ladder(refused=error), what or known(), is_old=False)
    assert found.remedy
    return found.code


def http(status: int) -> LinkRefused:
    return LinkRefused("refused", rung=Rung.HTTP, status=status)


def certificate(verify_code: int) -> LinkRefused:
    cause = ssl.SSLCertVerificationError("no")
    cause.verify_code, cause.verify_message = verify_code, "no"
    refused = LinkRefused("no", rung=Rung.CERTIFICATE)
    refused.__cause__ = cause
    return refused


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (socket.gaierror(-2, "unknown"), "line.name"),
        (TimeoutError(), "line.tcp_silent"),
        (ConnectionRefusedError(111, "refused"), "line.tcp_refused"),
        (OSError(101, "unreachable"), "line.unreachable"),
        (http(401), "line.password_refused"),
        (http(403), "line.forbidden"),
        (http(404), "line.not_found"),
        (http(426), "line.upgrade"),
        (http(307), "line.moved"),
        (http(400), "line.bad_request"),
        (http(503), "line.broken"),
        (certificate(20), "line.certificate_untrusted"),
        (certificate(62), "line.certificate_name"),
        (certificate(10), "line.certificate_expired"),
        (LinkRefused("no", rung=Rung.SUBPROTOCOL), "line.subprotocol"),
        (LinkRefused("no", rung=Rung.WEBSOCKET), "line.websocket"),
        (LinkRefused("no", rung=Rung.TLS), "line.tls"),
        (LinkRefused("no", rung=Rung.SETTINGS), "line.settings"),
        (LinkRefused("no"), "line.tls"),
    ],
)
def test_every_refusal_has_a_cause(error: OSError, code: str) -> None:
    """Complaint 10: 401, 404 and a typo must not all look like "not working"."""
    assert code_of(error) == code


def test_a_password_that_is_missing_is_not_a_wrong_one() -> None:
    """401 means either; which, we know ourselves."""
    assert code_of(http(401), known(password=False)) == "line.password_wanted"


@pytest.mark.parametrize("verify_code", [9, 10])
def test_a_certificate_out_of_its_time_blames_a_clock_that_nobody_keeps(verify_code: int) -> None:
    """Complaint 33: TLS that fails by a wrong clock is not the central system's fault."""
    assert code_of(certificate(verify_code), known(clock=False)) == "line.certificate_clock"


def test_a_handshake_without_an_answer_is_no_tls_matter_on_a_plain_line() -> None:
    """TCP came about: what listens there says nothing."""
    assert code_of(LinkRefused("no"), known(secure=False)) == "line.silent"


def booted(status: RegistrationStatus, apart_s: float = 0) -> Ladder:
    at = NOW + timedelta(seconds=apart_s)
    return Ladder(
        boot=BootNotificationConf(status=status, current_time=at, interval=60), asked_at=NOW
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("Accepted", "line.accepted"),
        ("Pending", "line.boot_pending"),
        ("Rejected", "line.boot_rejected"),
    ],
)
def test_the_top_rung_is_the_registration(status: str, code: str) -> None:
    """An open line is not yet a station that may charge."""
    (found,) = judge(booted(RegistrationStatus(status)), known(), is_old=False)
    assert found.code == code


def test_clocks_that_differ_and_an_old_way_in_are_noticed() -> None:
    """Both will bite later."""
    found = list(judge(booted(RegistrationStatus.ACCEPTED, 61), known(), is_old=True))
    assert [each.code for each in found] == ["line.accepted", "line.old_way", "line.clocks_apart"]


def test_a_boot_without_answer_says_why() -> None:
    """The line is open, so it is no matter of the network."""
    (found,) = judge(Ladder(boot="InternalError: x", asked_at=NOW), known(), is_old=False)
    assert found.code == "line.boot_unanswered"
    assert "InternalError" in found.what
