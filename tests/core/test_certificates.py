"""Roots that the central system installs, lists and deletes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.core.certificate_commands import (
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
)
from edge.core.certificates import WITHIN_S
from edge.core.commands import ChangeConfiguration
from edge.core.effects import Reply, UseRoots, Write
from edge.core.events import LinkDown, LinkUp
from edge.core.vocabulary import CertificateUse, HashAlgorithm, SecurityEvent
from edge.core.waiting import MOST_WAITING, ToMention, Waiting
from edge.core.x509 import (
    MOST_ROOTS,
    CertificateHashData,
    InspectRoot,
    NotDone,
    RootDeleted,
    RootInstalled,
    Unfit,
)
from tests.core.bench import of
from tests.core.build import Rig
from tests.core.certifying import (
    CSMS,
    MAKER,
    answer,
    install,
    named,
    noticed,
    question,
    root,
    station,
    written,
)


def listed(rig: Rig, use: CertificateUse = CSMS) -> tuple[str, tuple[CertificateHashData, ...]]:
    reply = rig.call(GetInstalledCertificateIds(certificate_type=use))
    return reply.status, reply.certificate_hash_data


def delete(rig: Rig, name: CertificateHashData) -> str:
    return str(rig.call(DeleteCertificate(certificate_hash_data=name)).status)


def roots_in_use(rig: Rig) -> tuple[str, ...]:
    return of(UseRoots, rig.log)[-1].roots


def test_a_root_is_looked_at_before_anything_is_said() -> None:
    """M05.FR.01: the notary gets the text, and what it shall be good for, and when."""
    rig = station()
    assert rig.call(InstallCertificate(certificate_type=MAKER, certificate="pem")) is None
    asked = question(rig, InspectRoot)
    assert (asked.use, asked.pem, asked.at) == (MAKER, "pem", rig.instant.wall)
    assert written(rig) == []


def test_an_installed_root_is_written_then_used_and_told() -> None:
    """TC_075_2; RECORD before TELL; the next dial trusts it."""
    rig = station()
    assert install(rig, root("a")) == "Accepted"
    kinds = [type(one) for one in rig.last if isinstance(one, Write | UseRoots | Reply)]
    assert kinds[0] is Write
    assert set(kinds[-2:]) == {UseRoots, Reply}
    assert written(rig) == [RootInstalled(root=root("a"))]
    assert roots_in_use(rig) == ("pem of a",)
    assert listed(rig) == ("Accepted", (named("a"),))
    assert noticed(rig) == [SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS]


def test_the_manufacturers_roots_stand_apart() -> None:
    """TC_075_1: they say nothing about the central system."""
    rig = station()
    assert install(rig, root("m", MAKER), MAKER) == "Accepted"
    assert roots_in_use(rig) == ()
    assert listed(rig, MAKER) == ("Accepted", (named("m"),))
    assert listed(rig) == ("NotFound", ())


def test_the_same_root_again_is_no_second_one() -> None:
    """Idempotent; for another use it is another root."""
    rig = station()
    assert install(rig, root("a")) == install(rig, root("a")) == "Accepted"
    assert install(rig, root("a", MAKER), MAKER) == "Accepted"
    assert len(written(rig)) == len(rig.state.station.certificates.roots) == 2


@pytest.mark.parametrize(
    ("use", "events"), [(CSMS, [SecurityEvent.INVALID_CENTRAL_SYSTEM_CERTIFICATE]), (MAKER, [])]
)
def test_an_unfit_root_is_rejected(use: CertificateUse, events: list[SecurityEvent]) -> None:
    """TC_078, M05.FR.06: the paper has an event for the central system's only."""
    rig = station()
    assert install(rig, Unfit(why="expired"), use) == "Rejected"
    assert written(rig) == []
    assert noticed(rig) == events


def test_a_root_that_nobody_could_look_at_failed() -> None:
    """M05.FR.04: another reason than the certificate."""
    rig = station()
    assert install(rig, NotDone(why="no memory")) == "Failed"
    rig.call(InstallCertificate(certificate_type=CSMS, certificate="pem"))
    rig.wait(WITHIN_S)
    assert [one.status for one in rig.replies(rig.calls)] == ["Failed"]
    answer(rig, question(rig, InspectRoot), root("late"))
    assert rig.state.station.certificates.roots == ()
    assert noticed(rig) == []


def test_a_central_system_that_asks_too_much_at_once_is_told_so() -> None:
    """Limits: what waits for the notary is bounded."""
    rig = station()
    crowd = {n: Waiting(purpose=ToMention()) for n in range(1000, 1000 + MOST_WAITING // 2)}
    rig.state = replace(rig.state, waiting=crowd)
    answered = rig.call(InstallCertificate(certificate_type=CSMS, certificate="pem"))
    assert answered.status == "Failed"
    assert of(InspectRoot, rig.log) == []


def test_the_store_has_a_bottom() -> None:
    """M05.FR.03: CertificateStoreMaxLength, of both uses together; the same again still fits."""
    rig = station()
    for number in range(MOST_ROOTS):
        use = (CSMS, MAKER)[number % 2]
        assert install(rig, root(str(number), use), use) == "Accepted"
    assert install(rig, root("one more")) == "Rejected"
    assert install(rig, root("0")) == "Accepted"
    assert len(rig.state.station.certificates.roots) == MOST_ROOTS


@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_a_root_is_deleted_by_any_of_its_names(algorithm: HashAlgorithm) -> None:
    """TC_076, M04: whatever digest and case the central system prefers; then it is not found."""
    rig = station()
    install(rig, root("a"))
    install(rig, root("b"))
    name = named("a", algorithm)
    other = replace(
        name,
        issuer_name_hash=name.issuer_name_hash.upper(),
        issuer_key_hash=name.issuer_key_hash.upper(),
        serial_number="0A0F",
    )
    assert delete(rig, other) == "Accepted"
    assert written(rig)[-1] == RootDeleted(use=CSMS, fingerprint=root("a").fingerprint)
    assert roots_in_use(rig) == ("pem of b",)
    assert listed(rig) == ("Accepted", (named("b"),))
    assert delete(rig, name) == "NotFound"


def test_a_root_of_both_uses_leaves_both() -> None:
    """The name does not say for what; one commit."""
    rig = station()
    install(rig, root("a"))
    install(rig, root("a", MAKER), MAKER)
    assert delete(rig, named("a")) == "Accepted"
    assert [one.record.use for one in of(Write, rig.last) if hasattr(one.record, "use")] == [
        CSMS,
        MAKER,
    ]
    assert rig.state.station.certificates.roots == ()


def test_the_root_that_the_line_rests_on_stays() -> None:
    """M04.FR.06; a manufacturer's root holds no line, whatever the installer's file says."""
    rig = station()
    install(rig, root("a"))
    install(rig, root("m", MAKER), MAKER)
    rig.step(LinkUp(at=rig.instant, root=root("m").fingerprint))
    assert delete(rig, named("m")) == "Accepted"
    rig.step(LinkUp(at=rig.instant, root=root("a").fingerprint))
    assert delete(rig, named("a")) == "Failed"
    assert listed(rig) == ("Accepted", (named("a"),))
    rig.step(LinkDown(at=rig.instant, why="cut"))
    rig.step(LinkUp(at=rig.instant, root="of the installer's file"))
    assert delete(rig, named("a")) == "Accepted"


def test_no_line_no_root_in_use() -> None:
    """What held the last line holds none now."""
    rig = station()
    install(rig, root("a"))
    rig.step(LinkUp(at=rig.instant, root=root("a").fingerprint))
    rig.step(LinkDown(at=rig.instant, why="cut"))
    assert rig.state.station.certificates.line_root is None


@pytest.mark.parametrize(
    ("installed", "status"),
    [
        ([root("a")], "Accepted"),
        ([root("old", days=-1)], "Rejected"),
        ([root("m", MAKER)], "Rejected"),
        ([], "Rejected"),
    ],
)
def test_profile_2_needs_a_root_that_is_valid(installed: list, status: str) -> None:
    """A05.FR.03: of the central system's, installed over OCPP or by the installer."""
    rig = station(SecurityProfile="1", AuthorizationKey="0f" * 16)
    for one in installed:
        install(rig, one, one.use)
    assert rig.call(ChangeConfiguration(key="SecurityProfile", value="2")).status == status
