"""Checklist 5: configuration keys."""

from __future__ import annotations

import pytest

from tests.spec.central import Central
from tests.spec.station import ENERGY, Station

CORE_WRITABLE = [
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "HeartbeatInterval",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MeterValuesAlignedData",
    "MeterValuesSampledData",
    "MeterValueSampleInterval",
    "ResetRetries",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnSampledData",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
]
CORE_READABLE = ["GetConfigurationMaxKeys", "NumberOfConnectors", "SupportedFeatureProfiles"]
CORE_EITHER = [
    "AuthorizeRemoteTxRequests",
    "StopTransactionOnEVSideDisconnect",
    "UnlockConnectorOnEVSideDisconnect",
]
OPTIONAL = {
    "AllowOfflineTxForUnknownId": False,
    "AuthorizationCacheEnabled": False,
    "MaxEnergyOnInvalidId": False,
    "MinimumStatusDuration": False,
    "StopTransactionMaxMeterValues": True,
    "WebSocketPingInterval": False,
}


def change(central: Central, key: str, value: str) -> str:
    """ChangeConfiguration; its status."""
    return str(central.call("ChangeConfiguration", key=key, value=value)["status"])


def accessibilities(central: Central) -> dict[str, bool]:
    """Each key that we are told of, and whether it is read-only."""
    listed = central.call("GetConfiguration")["configurationKey"]
    return {entry["key"]: entry["readonly"] for entry in listed}


def test_tc_019_getting_keys(point: Station, central: Central) -> None:
    """One, none, an empty list, and as many as allowed; unknown ones are named."""
    point.booted()
    one = central.call("GetConfiguration", key=["SupportedFeatureProfiles"])
    assert one.get("unknownKey", []) == []
    (entry,) = one["configurationKey"]
    assert {"Core", "RemoteTrigger"} <= set(entry["value"].split(","))
    everything = central.call("GetConfiguration")["configurationKey"]
    assert central.call("GetConfiguration", key=[])["configurationKey"] == everything
    most = int(point.value("GetConfigurationMaxKeys") or 0)
    names = [entry["key"] for entry in everything]
    asked = (names + [f"Unknown{number}" for number in range(most)])[:most]
    answer = central.call("GetConfiguration", key=asked)
    got = [entry["key"] for entry in answer["configurationKey"]]
    assert got == [name for name in asked if name in names]
    assert answer.get("unknownKey", []) == [name for name in asked if name not in names]


def test_r_5_1_required_core_keys(point: Station, central: Central) -> None:
    """Every required key of 9.1 is there, writable or not as the standard says."""
    point.booted()
    shown = accessibilities(central)
    assert {name: shown.get(name) for name in CORE_WRITABLE} == dict.fromkeys(CORE_WRITABLE, False)
    assert {name: shown.get(name) for name in CORE_READABLE} == dict.fromkeys(CORE_READABLE, True)
    assert set(CORE_EITHER) <= shown.keys()
    assert point.value("NumberOfConnectors") == "2"


def test_r_5_5_optional_core_keys(point: Station, central: Central) -> None:
    """Those we have are as writable as the standard says."""
    point.booted()
    shown = accessibilities(central)
    assert {name: shown.get(name) for name in OPTIONAL} == OPTIONAL


def test_tc_021_a_key_is_changed(point: Station, central: Central) -> None:
    """Accepted, and read back as text."""
    point.booted()
    assert change(central, "MeterValueSampleInterval", "17") == "Accepted"
    answer = central.call("GetConfiguration", key=["MeterValueSampleInterval"])
    expected = [{"key": "MeterValueSampleInterval", "readonly": False, "value": "17"}]
    assert answer["configurationKey"] == expected


def test_tc_040_1_an_unknown_key(point: Station, central: Central) -> None:
    """A key that we have not got: NotSupported."""
    point.booted()
    assert change(central, "NoSuchKey", "1") == "NotSupported"


def test_tc_040_2_a_value_out_of_range(point: Station, central: Central) -> None:
    """MeterValueSampleInterval -1: Rejected, the old value stays."""
    point.booted()
    before = point.value("MeterValueSampleInterval")
    assert change(central, "MeterValueSampleInterval", "-1") == "Rejected"
    assert point.value("MeterValueSampleInterval") == before


def test_r_5_6_values_that_cannot_be(point: Station, central: Central) -> None:
    """Booleans are true or false, numbers whole, measurands known, separators commas."""
    point.booted()
    wrong = (
        ("LocalPreAuthorize", "maybe"),
        ("LocalPreAuthorize", "1"),
        ("LocalPreAuthorize", ""),
        ("MeterValueSampleInterval", "ten"),
        ("MeterValueSampleInterval", "1.5"),
        ("MeterValueSampleInterval", ""),
        ("HeartbeatInterval", "9" * 30),
        ("MeterValuesSampledData", "Energy.Of.Nothing"),
        ("MeterValuesSampledData", f"{ENERGY};Voltage"),
        ("ConnectorPhaseRotation", "1.XYZ"),
    )
    for key, value in wrong:
        before = point.value(key)
        assert change(central, key, value) == "Rejected", (key, value)
        assert point.value(key) == before


def test_r_5_7_keys_compare_without_case(point: Station, central: Central) -> None:
    """A key may be written in any case."""
    point.booted()
    assert change(central, "METERVALUESAMPLEINTERVAL", "23") == "Accepted"
    answer = central.call("GetConfiguration", key=["metervaluesampleinterval"])
    assert [entry["value"] for entry in answer["configurationKey"]] == ["23"]
    assert answer.get("unknownKey", []) == []


@pytest.mark.parametrize("key", CORE_READABLE)
def test_r_5_8_a_read_only_key(point: Station, central: Central, key: str) -> None:
    """Writing it is Rejected, even with the value it has."""
    point.booted()
    value = point.value(key)
    assert change(central, key, value or "") == "Rejected"
    assert point.value(key) == value


def test_r_5_11_keys_survive_a_reboot(point: Station, central: Central) -> None:
    """What was Accepted is there after a power cut."""
    point.booted()
    point.configure("MeterValueSampleInterval", 29)
    point.configure("LocalPreAuthorize", value=True)
    point.sim("power", mode="kill")
    point.await_exit()
    point.restart()
    central.expect("BootNotification")
    assert point.value("MeterValueSampleInterval") == "29"
    assert point.value("LocalPreAuthorize") == "true"


def test_r_5_12_too_many_keys(point: Station, central: Central) -> None:
    """More than GetConfigurationMaxKeys: OccurenceConstraintViolation."""
    point.booted()
    most = int(point.value("GetConfigurationMaxKeys") or 0)
    code = central.refusal_of("GetConfiguration", {"key": ["HeartbeatInterval"] * (most + 1)})
    assert code == "OccurenceConstraintViolation"
