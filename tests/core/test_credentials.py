"""The station's own certificate: asked for in its name, checked, and taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge.core.access import Access
from edge.core.certificate_commands import CertificateSigned
from edge.core.certificates import WITHIN_S
from edge.core.commands import ChangeConfiguration
from edge.core.credentials import AHEAD_S
from edge.core.effects import Reply, Send, UseAccess, Write
from edge.core.messages import (
    CallError,
    NoAnswer,
    SignCertificate,
    SignCertificateConf,
)
from edge.core.vocabulary import SecurityEvent
from edge.core.x509 import (
    CheckChain,
    CredentialsKept,
    MakeSigningRequest,
    NotDone,
    Unfit,
    X509Answer,
)
from tests.core.bench import of
from tests.core.certifying import (
    ASKED,
    CPO,
    CSMS,
    MAKER,
    NEW,
    OLD,
    REJECTED,
    SERIAL,
    answer,
    crowd,
    found,
    install,
    is_making,
    kept,
    made,
    noticed,
    pending,
    question,
    request,
    root,
    signed,
    station,
    trigger,
    written,
)

# ── asking ───────────────────────────────────────────────────────────────────────────────────────


def test_a_new_key_is_made_in_the_name_of_station_and_operator() -> None:
    """TC_074, A02.FR.02, FR.13: a new one each time; the key is written before it is named."""
    rig = station()
    assert trigger(rig) == "Accepted"
    assert isinstance(rig.last[-1], Reply)
    asked = question(rig, MakeSigningRequest)
    assert (asked.common_name, asked.organisation) == (SERIAL, CPO)
    answer(rig, asked, made())
    assert [type(one) for one in rig.last if isinstance(one, Write | Send)] == [Write, Send]
    assert written(rig) == [CredentialsKept(request=replace(pending(), asked_at=rig.instant.wall))]
    assert rig.waiting(SignCertificate).message == SignCertificate(csr="csr new")


def test_other_triggers_ask_for_nothing() -> None:
    """Each machine takes its own."""
    rig = station()
    trigger(rig, "Heartbeat")
    assert not is_making(rig)


def test_one_request_at_a_time() -> None:
    """A flood of triggers makes one key: until it is made, and until its request is answered."""
    rig = station()
    trigger(rig)
    trigger(rig)
    answer(rig, question(rig, MakeSigningRequest), made())
    trigger(rig)
    assert len(of(MakeSigningRequest, rig.log)) == 1
    rig.answer(SignCertificate)
    trigger(rig)
    assert len(of(MakeSigningRequest, rig.log)) == 2


def test_a_newer_key_takes_the_place_of_one_that_waits() -> None:
    """The certificate for the older one would be for another key."""
    rig = station(kept=ASKED)
    trigger(rig)
    answer(rig, question(rig, MakeSigningRequest), made("newer"))
    assert request(rig).csr == "csr newer"
    assert signed(rig, found("new")) == "Rejected"


@pytest.mark.parametrize("said", [Unfit(why="no such name"), NotDone(why="died"), None])
def test_a_key_that_cannot_be_made_asks_for_nothing(said: X509Answer | None) -> None:
    """And the next trigger tries anew."""
    rig = station()
    trigger(rig)
    if said is None:
        rig.wait(WITHIN_S)
    else:
        answer(rig, question(rig, MakeSigningRequest), said)
    assert not rig.is_waiting(SignCertificate)
    assert written(rig) == []
    trigger(rig)
    assert len(of(MakeSigningRequest, rig.log)) == 2


def test_a_request_that_the_line_took_away_is_sent_again() -> None:
    """The same key: nobody has seen it."""
    rig = station()
    trigger(rig)
    answer(rig, question(rig, MakeSigningRequest), made())
    rig.link_down()
    rig.link_up()
    rig.answer_all()
    sent = [one.message for one in of(Send, rig.log) if isinstance(one.message, SignCertificate)]
    assert sent == [SignCertificate(csr="csr new")] * 2


@pytest.mark.parametrize(
    "said",
    [
        SignCertificateConf(status="Accepted"),
        SignCertificateConf(status="Rejected"),
        CallError(code="NotSupported"),
        NoAnswer(timed_out=True),
    ],
)
def test_a_request_that_was_heard_is_not_sent_again(said: Any) -> None:
    """A02 7: an operator has to look at it; no storm."""
    rig = station()
    trigger(rig)
    answer(rig, question(rig, MakeSigningRequest), made())
    rig.answer(SignCertificate, said)
    rig.link_down()
    rig.link_up()
    rig.answer_all()
    rig.wait(3600)
    sent = [one for one in of(Send, rig.log) if isinstance(one.message, SignCertificate)]
    assert len(sent) == 1


def test_without_an_operator_there_is_nothing_to_ask_for() -> None:
    """A02, prerequisite: CpoName must be set."""
    rig = station(CpoName="")
    assert trigger(rig) == "Rejected"
    assert not is_making(rig)
    assert trigger(station()) == "Accepted"


@pytest.mark.parametrize(("name", "status"), [("x" * 64, "Accepted"), ("x" * 65, "Rejected")])
def test_the_operators_name_fits_a_certificate(name: str, status: str) -> None:
    """X.520 has room for 64 characters."""
    rig = station()
    assert rig.call(ChangeConfiguration(key="CpoName", value=name)).status == status


# ── being answered ───────────────────────────────────────────────────────────────────────────────


def test_the_chain_is_led_to_the_installed_roots() -> None:
    """A02.FR.06: the operator's hierarchy, never the manufacturer's."""
    rig = station(kept=ASKED)
    install(rig, root("a"))
    install(rig, root("m", MAKER), MAKER)
    rig.call(CertificateSigned(certificate_chain="pem"))
    asked = question(rig, CheckChain)
    assert (asked.use, asked.chain, asked.roots) == (CSMS, "pem", ("pem of a",))
    assert (asked.at, asked.ahead_s) == (rig.instant.wall, AHEAD_S)


def test_a_good_certificate_is_one_commit_then_told_then_used() -> None:
    """TC_074: stored with its key beside the old one, answered, and the line made anew."""
    rig = station(kept=ASKED, SecurityProfile="3")
    assert signed(rig, found()) == "Accepted"
    assert written(rig) == [CredentialsKept(own=NEW, old=OLD)]
    told = [one for one in rig.last if isinstance(one, Write | Reply | UseAccess)]
    assert [type(one) for one in told][-2:] == [Reply, UseAccess]
    assert told[-1] == UseAccess(
        attempts=(Access(profile=3, credential=NEW), Access(profile=3, credential=OLD)),
        reconnect=True,
    )
    assert noticed(rig) == [SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS]


def test_a_line_that_shows_no_certificate_goes_on() -> None:
    """Profile 2: the certificate is there for when the profile is raised."""
    rig = station(kept=ASKED, SecurityProfile="2", AuthorizationKey="0f" * 16)
    assert signed(rig, found()) == "Accepted"
    assert not of(UseAccess, rig.last)[-1].reconnect


@pytest.mark.parametrize(
    "said",
    [
        Unfit(why="no path to a root"),
        found("another"),
        found(common_name="TW-0002"),
        found(common_name=None),
        found(organisation="Mallory"),
        found(organisation=None),
    ],
)
def test_a_certificate_that_is_not_ours_is_rejected(said: X509Answer) -> None:
    """TC_077, A02.FR.06, FR.07: discarded, with the event; what was asked for is still awaited."""
    rig = station(kept=ASKED, SecurityProfile="3")
    assert signed(rig, said) == "Rejected"
    assert noticed(rig) == [REJECTED]
    assert written(rig) == []
    assert signed(rig, found()) == "Accepted"


def test_what_was_not_asked_for_is_rejected() -> None:
    """Before, and again after it was taken; also the second of two that came at once."""
    rig = station()
    assert rig.call(CertificateSigned(certificate_chain="pem")).status == "Rejected"
    assert of(CheckChain, rig.log) == []
    rig = station(kept=ASKED)
    rig.call(CertificateSigned(certificate_chain="pem"))
    first = question(rig, CheckChain)
    assert rig.call(CertificateSigned(certificate_chain="pem")) is None
    second = question(rig, CheckChain)
    answer(rig, first, found())
    answer(rig, second, found())
    assert [rig.replies(number)[0].status for number in (1, 2)] == ["Accepted", "Rejected"]
    assert noticed(rig)[-1] is REJECTED


def test_a_chain_that_nobody_could_check_is_no_bad_certificate() -> None:
    """Rejected is the only other word there is; the security log tells nothing untrue."""
    rig = station(kept=ASKED)
    assert signed(rig, NotDone(why="no memory")) == "Rejected"
    rig.call(CertificateSigned(certificate_chain="pem"))
    rig.wait(WITHIN_S)
    assert [one.status for one in rig.replies(rig.calls)] == ["Rejected"]
    crowd(rig)
    assert rig.call(CertificateSigned(certificate_chain="pem")).status == "Rejected"
    assert noticed(rig) == []
    assert kept(rig) == ASKED


def test_nothing_that_is_printed_holds_a_key() -> None:
    """A02.FR.05: no state, record, effect, purpose or event tells it."""
    rig = station(kept=ASKED, SecurityProfile="3")
    trigger(rig)
    answer(rig, question(rig, MakeSigningRequest), made("newer"))
    signed(rig, found("newer"))
    printed = repr((rig.state, rig.log))
    assert "csr newer" in printed
    assert "key newer" not in printed
    assert "key old" not in printed
