"""The station's own certificate: asked for, checked, taken, renewed, and never the last way in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from edge.core.access import Access
from edge.core.certificate_commands import CertificateSigned
from edge.core.certificates import WITHIN_S
from edge.core.commands import ChangeConfiguration, ExtendedTriggerMessage
from edge.core.credentials import AHEAD_S, MOST_ASKED, REST_S, TRIGGER
from edge.core.effects import CheckChain, MakeSigningRequest, Reply, Send, UseAccess, Write
from edge.core.events import LinkUp, Ticked
from edge.core.messages import (
    CallError,
    NoAnswer,
    SignCertificate,
    SignCertificateConf,
)
from edge.core.security import attempts
from edge.core.vocabulary import SecurityEvent
from edge.core.waiting import MOST_WAITING, ToMention, Waiting
from edge.core.x509 import CredentialsKept, NotDone, Unfit, X509Answer
from tests.core.bench import NOON, of
from tests.core.build import Rig
from tests.core.certifying import (
    CPO,
    CSMS,
    MAKER,
    SERIAL,
    answer,
    credential,
    found,
    install,
    is_making,
    made,
    noticed,
    pending,
    question,
    root,
    station,
    written,
)

REJECTED = SecurityEvent.INVALID_CHARGE_POINT_CERTIFICATE
OLD, NEW = credential("old"), credential("new")
ASKED = CredentialsKept(own=OLD, request=pending())


def trigger(rig: Rig, message: str = TRIGGER) -> str:
    """ExtendedTriggerMessage; the status."""
    return str(rig.call(ExtendedTriggerMessage(requested_message=message)).status)


def signed(rig: Rig, said: X509Answer) -> str:
    """CertificateSigned with a chain that the notary calls *said*; the status."""
    assert rig.call(CertificateSigned(certificate_chain="pem")) is None
    answer(rig, question(rig, CheckChain), said)
    (reply,) = rig.replies(rig.calls)
    return str(reply.status)


def ways(rig: Rig) -> list[Any]:
    return [one.credential for one in attempts(rig.state)]


def kept(rig: Rig) -> CredentialsKept:
    return rig.state.station.credentials.kept


def let_in(rig: Rig, access: Access) -> None:
    rig.step(LinkUp(at=rig.instant, access=access))


def crowd(rig: Rig) -> None:
    waiting = {n: Waiting(purpose=ToMention()) for n in range(1000, 1000 + MOST_WAITING // 2)}
    rig.state = replace(rig.state, waiting=waiting)


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
    assert kept(rig).request is not None
    assert kept(rig).request.csr == "csr newer"  # type: ignore[union-attr]
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


# ── the way back ─────────────────────────────────────────────────────────────────────────────────


def test_the_old_certificate_is_forgotten_once_the_new_one_has_worked() -> None:
    """A02.FR.10; not by a line that the old one opened, nor by one without."""
    rig = station(kept=CredentialsKept(own=NEW, old=OLD), SecurityProfile="3")
    before = rig.state
    assert ways(rig) == [NEW]
    rig.state = replace(before, station=replace(before.station, credentials=_kept(NEW, OLD)))
    for access in (Access(profile=3, credential=OLD), Access(profile=3), Access(profile=2)):
        let_in(rig, access)
        assert ways(rig) == [NEW, OLD]
    let_in(rig, Access(profile=3, credential=NEW))
    assert ways(rig) == [NEW]
    assert written(rig)[-1] == CredentialsKept(own=NEW)
    assert of(UseAccess, rig.last)[-1].reconnect is False


def _kept(own: Any, old: Any) -> Any:
    made_up = station().state.station.credentials
    return replace(made_up, kept=CredentialsKept(own=own, old=old))


def test_of_three_the_one_that_worked_is_the_way_back() -> None:
    """Two in a row before the first reconnect: the one in between never opened a line."""
    rig = station(SecurityProfile="3", has_file=True)
    state = rig.state
    waits = replace(_kept(credential("between"), OLD).kept, request=pending())
    credentials = replace(state.station.credentials, kept=waits)
    rig.state = replace(state, station=replace(state.station, credentials=credentials))
    assert signed(rig, found()) == "Accepted"
    assert ways(rig) == [NEW, OLD, None]


def test_the_installers_files_come_last() -> None:
    """What is in the journal goes first; without either the line says what is missing."""
    assert ways(station(SecurityProfile="3", has_file=True)) == [None]
    assert ways(station(SecurityProfile="3")) == [None]
    rig = station(kept=CredentialsKept(own=OLD), SecurityProfile="3", has_file=True)
    assert ways(rig) == [OLD, None]


@pytest.mark.parametrize(
    ("days", "status"), [((-1, 1), "Accepted"), ((1, 2), "Rejected"), ((-2, -1), "Rejected")]
)
def test_profile_3_needs_a_certificate_that_is_valid(
    days: tuple[float, float], status: str
) -> None:
    """A05.FR.04."""
    mine = CredentialsKept(own=credential("own", days=days))
    rig = station(kept=mine, SecurityProfile="2", AuthorizationKey="0f" * 16)
    install(rig, root("a"))
    assert rig.call(ChangeConfiguration(key="SecurityProfile", value="3")).status == status


# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_is_taken_up_when_its_time_comes() -> None:
    """A02.FR.08: not before, and then without being asked; once."""
    rig = station(kept=ASKED, SecurityProfile="3")
    begins = rig.instant.wall + timedelta(hours=2)
    assert signed(rig, found(not_before=begins)) == "Accepted"
    assert not of(UseAccess, rig.last)[-1].reconnect
    rig.log.clear()
    rig.wait(7199)
    assert not of(UseAccess, rig.log)
    rig.wait(1.1)
    assert [one.reconnect for one in of(UseAccess, rig.log)] == [True]
    rig.wait(60)
    assert len(of(UseAccess, rig.log)) == 1


def tick(rig: Rig) -> None:
    rig.step(Ticked(at=rig.instant))


def ending(days: tuple[float, float], **given: str) -> Rig:
    own = CredentialsKept(own=credential("own", days=days))
    keys: dict[str, Any] = {"SecurityProfile": "3", **given}
    return station(kept=own, **keys)


@pytest.mark.parametrize(
    ("days", "asks"),
    [
        ((-300, 31), False),
        ((-300, 29), True),
        ((-3, 3), False),  # a week's certificate is not renewed for all of its life
        ((-5, 2), True),
        ((-5, -1), True),  # too late is better than never: another way in may be open
    ],
)
def test_a_certificate_is_renewed_before_it_ends(days: tuple[float, float], *, asks: bool) -> None:
    """A03.FR.02: a month before; a third of its life where that is less."""
    assert is_making(ending(days)) is asks


@pytest.mark.parametrize(
    "given", [{"SecurityProfile": "2", "AuthorizationKey": "0f" * 16}, {"CpoName": ""}]
)
def test_a_certificate_that_is_not_used_is_not_renewed(given: dict[str, str]) -> None:
    """A03: the one in use; and only in somebody's name."""
    assert not is_making(ending((-300, 1), **given))


def test_renewal_waits_for_the_line_and_for_room() -> None:
    """Nothing is made that nobody can be told of."""
    rig = ending((-300, 31))
    rig.link_down()
    rig.wait(2 * 86_400)
    assert not is_making(rig)
    crowd(rig)
    rig.state = replace(
        rig.state,
        station=replace(
            rig.state.station,
            registration=replace(rig.state.station.registration, link_up=True),
        ),
    )
    tick(rig)
    assert not is_making(rig)
    rig.state = replace(rig.state, waiting={})
    tick(rig)
    assert is_making(rig)


def test_the_core_wakes_up_to_renew() -> None:
    """It is called at the moment itself, also when nothing else happens."""
    rig = ending((-300, 30.01))
    assert 0 < rig.state.station.credentials.due_at - rig.now <= 0.01 * 86_400 + 1


def test_a_renewal_that_nobody_answers_is_asked_for_ever_less() -> None:
    """A03 7: days, not minutes, doubled, and five in all; a restart does not begin anew."""
    asked = []
    for days in range(1, 40):
        for number in range(1, MOST_ASKED + 1):
            request = pending(asked_at=NOON, asked=number)
            mine = CredentialsKept(own=credential("own", days=(-300, 25)), request=request)
            rig = station(kept=mine, SecurityProfile="3")
            rig.now = days * 86_400.0
            tick(rig)
            if is_making(rig):
                asked.append((days, number))
    first = {number: min(day for day, n in asked if n == number) for number in range(1, 5)}
    assert first == {1: 1, 2: 2, 3: 4, 4: 8}
    assert all(number < MOST_ASKED for _, number in asked)


def test_each_renewal_in_vain_is_counted() -> None:
    """And a trigger counts from one again."""
    mine = CredentialsKept(own=credential("own", days=(-300, 20)), request=pending(asked=2))
    rig = station(kept=mine, SecurityProfile="3")
    rig.wait(2 * 86_400 - rig.now + 1)
    answer(rig, question(rig, MakeSigningRequest), made("third"))
    assert kept(rig).request.asked == 3  # type: ignore[union-attr]
    rig.answer(SignCertificate)
    trigger(rig)
    answer(rig, question(rig, MakeSigningRequest), made("by hand"))
    assert kept(rig).request.asked == 1  # type: ignore[union-attr]


def test_a_key_that_cannot_be_made_is_tried_again_after_a_rest() -> None:
    """No storm of processes either."""
    rig = ending((-300, 20))
    answer(rig, question(rig, MakeSigningRequest), NotDone(why="no memory"))
    rig.wait(REST_S - 1)
    assert len(of(MakeSigningRequest, rig.log)) == 1
    rig.wait(2)
    assert len(of(MakeSigningRequest, rig.log)) == 2
