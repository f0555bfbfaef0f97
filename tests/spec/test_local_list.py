"""Checklist 8: the local authorisation list."""

from __future__ import annotations

from typing import Any

from tests.spec.central import Central
from tests.spec.station import CARD, OTHER, Station

ACCEPTED = {"status": "Accepted"}
GOOD = {"status": "Accepted"}


def entry(tag: str, status: str | None = "Accepted") -> dict[str, Any]:
    """One entry of a list; without *status* one that deletes."""
    return {"idTag": tag} if status is None else {"idTag": tag, "idTagInfo": {"status": status}}


def send(central: Central, kind: str, version: int, *entries: dict[str, Any]) -> str:
    """SendLocalList; its status."""
    asked: dict[str, Any] = {"listVersion": version, "updateType": kind}
    if entries:
        asked["localAuthorizationList"] = list(entries)
    return str(central.call("SendLocalList", asked)["status"])


def version(central: Central) -> int:
    """GetLocalListVersion."""
    return int(central.call("GetLocalListVersion")["listVersion"])


def listed(point: Station, central: Central, tag: str = CARD) -> None:
    """Boot with a list of one tag, LocalPreAuthorize on, no cache."""
    point.booted()
    point.configure("LocalAuthListEnabled", value=True)
    point.configure("LocalPreAuthorize", value=True)
    point.configure("AuthorizationCacheEnabled", value=False)
    assert send(central, "Full", 1, entry(tag)) == "Accepted"


def test_r_5_2_keys_of_the_list(point: Station, central: Central) -> None:
    """LocalAuthListEnabled is writable, the two lengths are not."""
    point.booted()
    told = central.call("GetConfiguration")["configurationKey"]
    shown = {each["key"]: each["readonly"] for each in told}
    assert shown["LocalAuthListEnabled"] is False
    assert shown["LocalAuthListMaxLength"] is True
    assert shown["SendLocalListMaxLength"] is True
    assert "LocalAuthListManagement" in (point.value("SupportedFeatureProfiles") or "").split(",")


def test_tc_042_1_the_list_is_off(point: Station, central: Central) -> None:
    """LocalAuthListEnabled=false: version -1."""
    point.booted()
    point.configure("LocalAuthListEnabled", value=False)
    assert version(central) == -1


def test_tc_042_2_an_empty_list(point: Station, central: Central) -> None:
    """Full without entries: Accepted, the version reads 0."""
    point.booted()
    point.configure("LocalAuthListEnabled", value=True)
    assert send(central, "Full", 1) == "Accepted"
    assert version(central) == 0


def test_tc_043_full_and_differential(point: Station, central: Central) -> None:
    """A Differential on an empty list, a Full, a Differential that adds one and deletes one."""
    listed(point, central)
    assert send(central, "Full", 2) == "Accepted"
    assert send(central, "Differential", 3, entry(OTHER)) == "Accepted"
    assert version(central) == 3
    assert send(central, "Full", 4, entry(OTHER)) == "Accepted"
    assert send(central, "Differential", 5, entry(CARD), entry(OTHER, None)) == "Accepted"
    assert version(central) == 5
    point.plug()
    central.expect_status(1, "Preparing")
    central.answers["Authorize"] = {"idTagInfo": {"status": "Invalid"}}
    point.tap(OTHER)
    central.expect("Authorize", idTag=OTHER)
    point.tap(CARD)
    central.expect("StartTransaction", idTag=CARD)


def test_tc_043_1_the_list_is_off(point: Station, central: Central) -> None:
    """SendLocalList: NotSupported."""
    point.booted()
    point.configure("LocalAuthListEnabled", value=False)
    assert send(central, "Full", 1, entry(CARD)) == "NotSupported"


def test_tc_043_2_an_old_version(point: Station, central: Central) -> None:
    """Full 2, Full 5, Differential 4: VersionMismatch, 5 stays."""
    listed(point, central)
    assert send(central, "Full", 2, entry(CARD)) == "Accepted"
    assert version(central) == 2
    assert send(central, "Full", 5, entry(CARD)) == "Accepted"
    assert version(central) == 5
    assert send(central, "Differential", 4, entry(CARD, None)) == "VersionMismatch"
    assert version(central) == 5
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("StartTransaction", idTag=CARD)
    central.never("Authorize", for_s=0.1)


def test_tc_043_3_the_list_cannot_be_stored(point: Station, central: Central) -> None:
    """Failed, at once and for good: the old list is in force, also after the disk has healed."""
    listed(point, central)
    point.sim("fail.locallist", on=True)
    assert send(central, "Full", 2, entry(OTHER)) == "Failed"
    assert send(central, "Differential", 3, entry(OTHER)) == "Failed"
    assert send(central, "Full", 4) == "Failed"
    assert version(central) == 1
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("StartTransaction", idTag=CARD)  # rows beside the list are written
    central.never("Authorize", for_s=0.1)
    point.sim("fail.locallist", on=False)
    assert version(central) == 1
    point.end()
    point.restart()
    central.expect("BootNotification")
    point.await_online()
    assert version(central) == 1
    assert send(central, "Differential", 2, entry(OTHER)) == "Accepted"
    assert version(central) == 2


def test_tc_008_1_a_listed_card_starts_at_once(point: Station, central: Central) -> None:
    """Listed, LocalPreAuthorize, no cache: no Authorize."""
    listed(point, central)
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("StartTransaction", idTag=CARD)
    central.expect_status(1, "Charging")
    central.never("Authorize", for_s=0.1)


def test_tc_008_2_a_listed_tag_starts_from_afar(point: Station, central: Central) -> None:
    """The same by RemoteStart with AuthorizeRemoteTxRequests."""
    listed(point, central)
    point.configure("AuthorizeRemoteTxRequests", value=True)
    point.plug()
    central.expect_status(1, "Preparing")
    asked = {"connectorId": 1, "idTag": CARD}
    assert central.call("RemoteStartTransaction", asked) == ACCEPTED
    central.expect("StartTransaction", idTag=CARD)
    central.never("Authorize", for_s=0.1)


def test_r_8_1_the_central_system_contradicts_the_list(point: Station, central: Central) -> None:
    """Start.conf Invalid for a listed tag: stopped, and LocalListConflict on 0."""
    central.answers["StartTransaction"] = {"idTagInfo": {"status": "Invalid"}, "transactionId": 7}
    listed(point, central)
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    stop = central.expect("StopTransaction", transactionId=7)
    assert stop["reason"] == "DeAuthorized"
    central.expect("StatusNotification", connectorId=0, errorCode="LocalListConflict")


def test_r_8_2_a_tag_too_long(point: Station, central: Central) -> None:
    """21 characters: TypeConstraintViolation, the list stays."""
    listed(point, central)
    asked = {
        "listVersion": 2,
        "updateType": "Full",
        "localAuthorizationList": [entry("A" * 21)],
    }
    assert central.refusal_of("SendLocalList", asked) == "TypeConstraintViolation"
    assert version(central) == 1


def test_r_8_3_the_list_survives_a_reboot(point: Station, central: Central) -> None:
    """Version and entries are there after a power cut."""
    listed(point, central)
    point.sim("power", mode="kill")
    point.await_exit()
    point.restart()
    boot = central.expect("BootNotification")
    central.expect_status(1, "Available", after=boot)
    assert version(central) == 1
    point.plug()
    central.expect_status(1, "Preparing", after=boot)
    point.tap()
    central.expect("StartTransaction", idTag=CARD)
    central.never("Authorize", for_s=0.1)


def test_r_8_4_a_list_too_long(point: Station, central: Central) -> None:
    """One entry more than SendLocalListMaxLength: refused, the list stays."""
    listed(point, central)
    most = int(point.value("SendLocalListMaxLength") or 0)
    entries = [entry(f"T{number}") for number in range(most + 1)]
    asked = {"listVersion": 2, "updateType": "Full", "localAuthorizationList": entries}
    assert central.refusal_of("SendLocalList", asked) == "OccurenceConstraintViolation"
    assert version(central) == 1


def test_r_8_5_the_list_beats_the_cache(point: Station, central: Central) -> None:
    """Cached as good, listed as blocked: not admitted without asking, and not offline."""
    point.booted()
    point.configure("LocalPreAuthorize", value=True)
    point.cached()
    point.configure("LocalAuthListEnabled", value=True)
    assert send(central, "Full", 1, entry(CARD, "Blocked")) == "Accepted"
    central.answers["Authorize"] = {"idTagInfo": {"status": "Blocked"}}
    point.plug()
    central.expect_status(1, "Preparing")
    point.tap()
    central.expect("Authorize", idTag=CARD)
    assert point.value("LocalAuthListEnabled") == "true"  # asked later, so the answer before is in
    point.cut_off()
    point.tap()
    point.reconnect()
    central.never("StartTransaction", for_s=0.3)
    assert not point.is_closed()
