"""Security profile and AuthorizationKey: how they change, and the way back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.core import keys
from edge.core.access import Access
from edge.core.commands import ChangeConfiguration, GetConfiguration
from edge.core.effects import Reply, UseAccess, Write
from edge.core.events import DialRefused, FramesRefused, LinkUp
from edge.core.records import ConfigurationChanged, FallbackKept
from edge.core.restore import restore
from edge.core.saved import Saved
from edge.core.security import attempts
from edge.core.security_log import SecurityEventLogged
from edge.core.vocabulary import SecurityEvent
from tests.core.bench import at, of, setup
from tests.core.build import Rig

HEX = "00112233445566778899aabbccddeeff00112233"
OLD = "0f" * 16


def station(*, root: bool = True, certificate: bool = True, **given: str) -> Rig:
    made = replace(setup(keys=given), has_root=root, has_certificate=certificate)
    rig = Rig(made).online()
    rig.step(LinkUp(at=rig.instant, access=attempts(rig.state)[0]))
    return rig


def change(rig: Rig, key: str, value: str) -> str:
    status: str = rig.call(ChangeConfiguration(key=key, value=value)).status
    return status


def last_use(rig: Rig) -> UseAccess:
    return of(UseAccess, rig.log)[-1]


def records(rig: Rig, kind: type) -> list[object]:
    return [one.record for one in of(Write, rig.log) if isinstance(one.record, kind)]


def let_in(rig: Rig, access: Access) -> None:
    rig.step(LinkUp(at=rig.instant, access=access))


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (HEX, "Accepted"),
        ("0A" * 16, "Accepted"),
        ("0a" * 15, "Accepted"),  # thirty characters, taken as they are
        ("correct horse 16", "Accepted"),
        ("x" * 40, "Accepted"),
        ("too short a key", "Rejected"),
        ("x" * 41, "Rejected"),
        ("line\nfeed-and-more", "Rejected"),
        ("pässwörter-sind-gut", "Rejected"),
        ("", "Rejected"),
    ],
)
def test_keys_are_taken_as_hexadecimal_or_as_text(value: str, status: str) -> None:
    """TC_073, ruling 38."""
    assert change(station(SecurityProfile="1"), "AuthorizationKey", value) == status


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HEX, bytes.fromhex(HEX)),
        ("0A" * 16, b"\n" * 16),
        ("0a" * 15, None),
        ("0" * 33, None),
        ("g" * 32, None),
        ("0a" * 21, None),
    ],
)
def test_only_32_to_40_digits_stand_for_bytes(value: str, expected: bytes | None) -> None:
    """Ruling 38: all else is literal."""
    assert keys.password_bytes(value) == expected


def test_the_key_is_never_shown() -> None:
    """W 7.2: write-only, by name and in the list of all."""
    rig = station(SecurityProfile="1", AuthorizationKey=HEX)
    for asked in ((), ("authorizationkey",)):
        answer = rig.call(GetConfiguration(key=asked))
        (shown,) = [one for one in answer.configuration_key if one.key == "AuthorizationKey"]
        assert (shown.value, shown.readonly) == (None, False)
        assert HEX not in repr(answer)


def test_nothing_that_is_printed_holds_the_key() -> None:
    """A01.FR.12: no state, record, effect or fact tells it."""
    rig = station(SecurityProfile="1", AuthorizationKey=OLD)
    change(rig, "AuthorizationKey", HEX)
    printed = repr((rig.state, [one for one in rig.log if not isinstance(one, Reply)]))
    assert HEX not in printed
    assert OLD not in printed


def test_a_new_key_is_used_after_the_answer_and_the_old_one_is_kept() -> None:
    """TC_073: Accepted, then reconnect; both are tried in turn."""
    rig = station(SecurityProfile="1", AuthorizationKey=OLD)
    assert change(rig, "AuthorizationKey", HEX) == "Accepted"
    new, old = Access(profile=1, key=HEX), Access(profile=1, key=OLD)
    assert last_use(rig) == UseAccess(attempts=(new, old), reconnect=True)
    told = [type(one) for one in rig.last if isinstance(one, Reply | UseAccess)]
    assert told == [Reply, UseAccess]
    assert records(rig, FallbackKept) == [FallbackKept(profile=None, key=OLD)]


def test_the_old_key_is_forgotten_once_the_new_one_has_worked() -> None:
    """A01.FR.03: from the first success on there is one key."""
    rig = station(SecurityProfile="1", AuthorizationKey=OLD)
    change(rig, "AuthorizationKey", HEX)
    let_in(rig, Access(profile=1, key=OLD))
    assert len(attempts(rig.state)) == 2  # not yet: the central system may still be changing over
    let_in(rig, Access(profile=1, key=HEX))
    assert last_use(rig) == UseAccess(attempts=(Access(profile=1, key=HEX),), reconnect=False)
    assert records(rig, FallbackKept)[-1] == FallbackKept(profile=None, key=None)


def test_the_key_that_worked_is_the_way_back_whatever_was_tried_since() -> None:
    """Two changes before the first reconnect: the one in between never worked."""
    rig = station(SecurityProfile="1", AuthorizationKey=OLD)
    change(rig, "AuthorizationKey", "never-seen-by-anybody")
    change(rig, "AuthorizationKey", HEX)
    assert [one.key for one in last_use(rig).attempts] == [HEX, OLD]


def test_before_any_connection_the_key_before_is_the_way_back() -> None:
    """The process began with it; nobody has refused it yet."""
    rig = Rig(setup(keys={"SecurityProfile": "1", "AuthorizationKey": OLD})).online()
    change(rig, "AuthorizationKey", HEX)
    assert [one.key for one in last_use(rig).attempts] == [HEX, OLD]


@pytest.mark.parametrize("profile", ["0", "3"])
def test_a_key_that_is_not_in_use_changes_without_reconnect(profile: str) -> None:
    """It is there for the day on which the profile needs it."""
    rig = station(SecurityProfile=profile)
    assert change(rig, "AuthorizationKey", HEX) == "Accepted"
    assert of(UseAccess, rig.log) == []
    assert records(rig, ConfigurationChanged) == [
        ConfigurationChanged(key="AuthorizationKey", value=HEX)
    ]


@pytest.mark.parametrize(
    ("now", "wanted", "root", "certificate", "key", "status"),
    [
        ("0", "1", False, False, HEX, "Accepted"),
        ("0", "1", False, False, "", "Rejected"),  # A05.FR.02
        ("1", "2", True, False, HEX, "Accepted"),
        ("1", "2", False, False, HEX, "Rejected"),  # A05.FR.03
        ("2", "3", True, True, "", "Accepted"),
        ("2", "3", False, True, "", "Rejected"),  # A05.FR.03
        ("2", "3", True, False, "", "Rejected"),  # A05.FR.04
        ("1", "1", True, True, HEX, "Rejected"),  # A05.FR.01, ruling 38
        ("2", "1", True, True, HEX, "Rejected"),  # TC_084
        ("3", "4", True, True, HEX, "Rejected"),
        ("1", "two", True, True, HEX, "Rejected"),
    ],
)
def test_the_profile_only_goes_up_and_only_with_what_it_needs(  # noqa: PLR0917  a table's columns
    now: str, wanted: str, root: bool, certificate: bool, key: str, status: str
) -> None:
    """TC_083, TC_084; A05.FR.01-05."""
    given = {"AuthorizationKey": key} if key else {}
    rig = station(root=root, certificate=certificate, SecurityProfile=now, **given)
    assert change(rig, "SecurityProfile", wanted) == status
    assert bool(of(UseAccess, rig.log)) == (status == "Accepted")
    shown = rig.call(GetConfiguration(key=("SecurityProfile",))).configuration_key[0].value
    assert shown == (wanted if status == "Accepted" else now)


def test_a_raised_profile_has_two_chances_before_the_old_one() -> None:
    """A05.FR.06-08."""
    rig = station(SecurityProfile="1", AuthorizationKey=HEX)
    change(rig, "SecurityProfile", "2")
    assert [one.profile for one in last_use(rig).attempts] == [2, 2, 1]
    assert last_use(rig).reconnect
    let_in(rig, Access(profile=2, key=HEX))
    assert last_use(rig) == UseAccess(attempts=(Access(profile=2, key=HEX),), reconnect=False)


def test_a_profile_that_leads_nowhere_is_given_up() -> None:
    """TC_083, A05.FR.08: back to the old profile, and to the old value."""
    rig = station(SecurityProfile="1", AuthorizationKey=HEX)
    change(rig, "SecurityProfile", "2")
    let_in(rig, Access(profile=1, key=HEX))
    assert keys.text(rig.state, "SecurityProfile") == "1"
    assert records(rig, ConfigurationChanged)[-1] == ConfigurationChanged(
        key="SecurityProfile", value="1"
    )
    assert attempts(rig.state) == (Access(profile=1, key=HEX),)


def test_a_certificate_profile_is_tried_without_keys() -> None:
    """Profile 3 has no password, its way back may have two."""
    rig = station(SecurityProfile="2", AuthorizationKey=OLD)
    change(rig, "AuthorizationKey", HEX)
    change(rig, "SecurityProfile", "3")
    assert last_use(rig).attempts == (
        Access(profile=3),
        Access(profile=3),
        Access(profile=2, key=HEX),
        Access(profile=2, key=OLD),
    )


def test_the_way_back_outlives_a_power_cut() -> None:
    """The change was written with its fallback: a restart tries both."""
    saved = Saved(
        configuration=(ConfigurationChanged(key="AuthorizationKey", value=HEX),),
        fallback=FallbackKept(profile=None, key=OLD),
    )
    state = restore(saved, setup(keys={"SecurityProfile": "1"}), at(0))
    assert [one.key for one in attempts(state)] == [HEX, OLD]


def test_an_unknown_way_in_changes_nothing() -> None:
    """A line that does not say how it was opened."""
    rig = station(SecurityProfile="1", AuthorizationKey=OLD)
    change(rig, "AuthorizationKey", HEX)
    before = rig.state.station.security
    rig.step(LinkUp(at=rig.instant))
    assert rig.state.station.security == before


# ── what the security log hears ──────────────────────────────────────────────────────────────────


def lines(rig: Rig) -> list[tuple[str, str | None]]:
    """The security log of this process, without times."""
    return [(str(one.event), one.info) for one in rig.written(SecurityEventLogged)]


@pytest.mark.parametrize("profile", ["0", "1"])
def test_a_new_key_is_logged_without_its_value(profile: str) -> None:
    """A01.FR.11: that it was changed, whether or not the profile uses it."""
    rig = station(SecurityProfile=profile, AuthorizationKey=OLD)
    change(rig, "AuthorizationKey", HEX)
    change(rig, "HeartbeatInterval", "77")
    assert lines(rig) == [
        ("ReconfigurationOfSecurityParameters", "AuthorizationKey was changed"),
    ]


def test_a_profile_is_logged_on_its_way_there_and_back() -> None:
    """Whitepaper 8: the security profile used was changed, twice."""
    rig = station(SecurityProfile="1", AuthorizationKey=HEX)
    change(rig, "SecurityProfile", "2")
    let_in(rig, Access(profile=1, key=HEX))
    assert (
        lines(rig)
        == [
            ("ReconfigurationOfSecurityParameters", "SecurityProfile was changed"),
        ]
        * 2
    )


def test_a_refused_change_is_no_change() -> None:
    """Nothing was reconfigured."""
    rig = station(SecurityProfile="1", AuthorizationKey=HEX)
    change(rig, "SecurityProfile", "0")
    change(rig, "AuthorizationKey", "short")
    assert lines(rig) == []


def test_each_suspicion_is_logged_once_until_we_are_let_in() -> None:
    """A00.FR.309, A00.FR.315, A00.FR.322: an event; a line dialled every minute is not a log."""
    rig = station(SecurityProfile="2", AuthorizationKey=HEX)
    rig.link_down()
    refused, untrusted = (
        SecurityEvent.FAILED_TO_AUTHENTICATE,
        SecurityEvent.INVALID_CENTRAL_SYSTEM_CERTIFICATE,
    )
    for suspicion in (refused, untrusted, refused, untrusted):
        rig.step(DialRefused(at=rig.instant, suspicion=suspicion, why=f"{suspicion.name} at x"))
    once = [
        ("FailedToAuthenticateAtCentralSystem", "FAILED_TO_AUTHENTICATE at x"),
        ("InvalidCentralSystemCertificate", "INVALID_CENTRAL_SYSTEM_CERTIFICATE at x"),
    ]
    assert lines(rig) == once
    let_in(rig, attempts(rig.state)[0])
    rig.step(DialRefused(at=rig.instant, suspicion=refused, why="FAILED_TO_AUTHENTICATE at x"))
    assert lines(rig) == [*once, once[0]]


def test_suspicious_frames_are_logged_with_their_number() -> None:
    """Whitepaper 8: InvalidMessages, AttemptedReplayAttacks."""
    rig = station()
    replays = SecurityEvent.ATTEMPTED_REPLAY_ATTACKS
    rig.step(FramesRefused(at=rig.instant, suspicion=replays, count=7))
    assert lines(rig) == [("AttemptedReplayAttacks", "7 messages")]
