"""Checklist 12: security profiles and the key."""

from __future__ import annotations

import base64

from tests.spec.central import Central, now
from tests.spec.station import NAME, Station

OLD = "00112233445566778899aabbccddeeff"
NEW = "ffeeddccbbaa99887766554433221100aabbccdd"
PLAIN = "correct horse ba"
BASIC = {"SecurityProfile": 1, "AuthorizationKey": OLD}


def change(central: Central, key: str, value: str) -> str:
    """ChangeConfiguration; its status."""
    return str(central.call("ChangeConfiguration", key=key, value=value)["status"])


def basic(password: bytes) -> str:
    """The header that carries *password*."""
    return "Basic " + base64.b64encode(NAME.encode() + b":" + password).decode()


def test_tc_085_basic_authentication(point: Station, central: Central) -> None:
    """Basic: the station's name and the bytes its key stands for."""
    central.password = bytes.fromhex(OLD)
    point.booted(ocpp=BASIC)
    assert central.authorisations[0] == basic(bytes.fromhex(OLD))
    assert central.path.rpartition("/")[2] == NAME


def test_tc_073_the_key_is_changed(point: Station, central: Central) -> None:
    """Accepted, a new line with it, never readable; refused by the central system: the old one."""
    central.password = bytes.fromhex(OLD)
    point.booted(ocpp=BASIC)
    for new, password in ((NEW, bytes.fromhex(NEW)), (PLAIN, PLAIN.encode())):
        lines = central.lines
        central.password = password
        assert change(central, "AuthorizationKey", new) == "Accepted"
        central.await_line(lines + 1)
        point.await_online()
        answer = central.call("GetConfiguration", key=["AuthorizationKey"])
        assert not any("value" in each for each in answer.get("configurationKey", []))
    lines = central.lines
    assert change(central, "AuthorizationKey", OLD) == "Accepted"
    central.await_line(lines + 1)
    point.await_online()
    tried, admitted = central.authorisations[-2:]
    assert tried == basic(bytes.fromhex(OLD))
    assert admitted == basic(PLAIN.encode())
    for bad in ("short", "0" * 41, "A" * 15):
        assert change(central, "AuthorizationKey", bad) == "Rejected"
    central.never("BootNotification", for_s=0.1)


def test_r_1_7_the_key_is_changed_while_pending(point: Station, central: Central) -> None:
    """Pending, a new key: Accepted, a new line with it, boot goes on, Accepted."""
    central.password = bytes.fromhex(OLD)
    pending = {"status": "Pending", "currentTime": now(), "interval": 0}
    central.answers["BootNotification"] = pending
    point.start(ocpp=BASIC)
    central.expect("BootNotification")
    central.password = bytes.fromhex(NEW)
    assert change(central, "AuthorizationKey", NEW) == "Accepted"
    central.await_line(2)
    central.answers.pop("BootNotification")
    accepted = central.expect("BootNotification")
    while accepted.line < 2:
        accepted = central.expect("BootNotification")
    central.expect_status(1, "Available")


def test_tc_084_the_profile_only_goes_up(point: Station, central: Central) -> None:
    """Lower, equal, or without what it needs: Rejected."""
    central.password = bytes.fromhex(OLD)
    point.booted(ocpp=BASIC)
    for value in ("0", "1", "2", "3", "4", "-1", "two"):
        assert change(central, "SecurityProfile", value) == "Rejected", value
    assert point.value("SecurityProfile") == "1"
    assert central.lines == 1
