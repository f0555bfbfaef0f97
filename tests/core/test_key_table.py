"""The table of keys against the standard's, and each key against what it says of itself."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core import key_kinds, keys
from edge.core.commands import ChangeConfiguration, GetConfiguration
from edge.core.key_kinds import Accessibility, Key, Kind
from edge.core.key_table import TABLE
from tests.core.bench import setup
from tests.core.build import Rig

EDGE = Path(__file__).parents[2] / "edge"

# name, required or optional, accessibility, type: OCPP 1.6 ed. 2 chapter 9, errata, whitepaper 7,
# and the application note on costs.
# "R/RW" leaves the choice to us.
STANDARD = """
AllowOfflineTxForUnknownId O RW boolean
AuthorizationCacheEnabled O RW boolean
AuthorizeRemoteTxRequests M R/RW boolean
BlinkRepeat O RW integer
ClockAlignedDataInterval M RW integer
ConnectionTimeOut M RW integer
ConnectorPhaseRotation M RW CSL
ConnectorPhaseRotationMaxLength O R integer
GetConfigurationMaxKeys M R integer
HeartbeatInterval M RW integer
LightIntensity O RW integer
LocalAuthorizeOffline M RW boolean
LocalPreAuthorize M RW boolean
MaxEnergyOnInvalidId O RW integer
MessageTimeout O RW integer
MeterValuesAlignedData M RW CSL
MeterValuesAlignedDataMaxLength O R integer
MeterValuesSampledData M RW CSL
MeterValuesSampledDataMaxLength O R integer
MeterValueSampleInterval M RW integer
MinimumStatusDuration O RW integer
NumberOfConnectors M R integer
ResetRetries M RW integer
StopTransactionMaxMeterValues O R integer
StopTransactionOnEVSideDisconnect O R/RW boolean
StopTransactionOnInvalidId M RW boolean
StopTxnAlignedData M RW CSL
StopTxnAlignedDataMaxLength O R integer
StopTxnSampledData M RW CSL
StopTxnSampledDataMaxLength O R integer
SupportedFeatureProfiles M R CSL
SupportedFeatureProfilesMaxLength O R integer
TransactionMessageAttempts M RW integer
TransactionMessageRetryInterval M RW integer
UnlockConnectorOnEVSideDisconnect M R/RW boolean
WebSocketPingInterval O RW integer
LocalAuthListEnabled M RW boolean
LocalAuthListMaxLength M R integer
SendLocalListMaxLength M R integer
ReserveConnectorZeroSupported O R boolean
ChargeProfileMaxStackLevel M R integer
ChargingScheduleAllowedChargingRateUnit M R CSL
ChargingScheduleMaxPeriods M R integer
ConnectorSwitch3to1PhaseSupported O R boolean
MaxChargingProfilesInstalled M R integer
SupportedFileTransferProtocols O R CSL
AdditionalRootCertificateCheck O R boolean
AuthorizationKey O W String
CertificateSignedMaxChainSize O R integer
CertificateStoreMaxLength O R integer
CpoName O RW String
SecurityProfile O RW integer
CustomDisplayCostAndPrice O R/RW boolean
DefaultPrice O RW String
NumberOfDecimalsForCostValues O RW integer
"""
LEFT_OUT = {"BlinkRepeat", "LightIntensity"}  # our lamps neither blink a count nor are dimmed

KINDS = {
    "boolean": {Kind.FLAG},
    "integer": {Kind.NUMBER},
    "CSL": {Kind.MEASURANDS, Kind.ROTATION, Kind.LIST},
    "String": {Kind.TEXT, Kind.SECRET},
}
ACCESSES = {
    "RW": {Accessibility.WRITE},
    "W": {Accessibility.SECRET},
    "R": {Accessibility.OURS, Accessibility.FACT},
    "R/RW": {Accessibility.WRITE, Accessibility.OURS},
}
TOLD_ONLY = {"ConnectorPhaseRotation"}  # it describes the wiring to who balances phases from afar

WRITTEN = [key for key in TABLE if key.access.is_written]
NUMBERS = [key for key in WRITTEN if key.kind is Kind.NUMBER and key.name != "SecurityProfile"]


def change(rig: Rig, name: str, value: str) -> str:
    status: str = rig.call(ChangeConfiguration(key=name, value=value)).status
    return status


def test_the_table_is_the_standard_s() -> None:
    """Every required key and every optional one that means something here, as 9, E and W say."""
    told = {name: words for name, *words in map(str.split, STANDARD.strip().splitlines())}
    table = {key.name: key for key in TABLE}
    assert told.keys() - table.keys() == LEFT_OUT
    assert table.keys() <= told.keys()
    for name, key in table.items():
        _, access, kind = told[name]
        assert key.access in ACCESSES[access], name
        assert key.kind in KINDS[kind], name
    assert all(told[name][0] == "O" for name in LEFT_OUT)


def test_every_key_that_can_be_written_is_read_by_somebody() -> None:
    """A key that changes nothing is a lie."""
    written = {key.name for key in WRITTEN}
    read = {
        node.value
        for file in EDGE.rglob("*.py")
        if file.name not in ("key_table.py", "keys.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert written - read == TOLD_ONLY


@pytest.mark.parametrize("key", TABLE, ids=lambda key: key.name)
def test_a_default_can_be_what_it_is(key: Key) -> None:
    """A default that validation refuses could not be set back."""
    known = key.default or key.kind in (Kind.TEXT, Kind.MEASURANDS)
    assert not known or keys.normal(key, key.default) == key.default
    assert known or key.kind is Kind.SECRET or key.name in keys.BY_STATION


def test_every_value_that_is_told_can_be_told() -> None:
    """GetConfiguration.conf: CiString50 and CiString500; AuthorizationKey has no value."""
    shown = Rig(setup(connectors=9)).online().call(GetConfiguration()).configuration_key
    assert len(shown) == len(TABLE)
    for one in shown:
        assert len(one.key) <= 50
        assert (one.value is None) == (one.key == "AuthorizationKey")
        assert one.value is None or len(one.value) <= 500


@pytest.mark.parametrize("key", NUMBERS, ids=lambda key: key.name)
def test_a_number_is_taken_within_its_bounds_only(key: Key) -> None:
    """No wait and no count that the central system sets is without end."""
    rig = Rig().online()
    assert change(rig, key.name, str(key.most)) == "Accepted"
    assert change(rig, key.name, str(key.most + 1)) == "Rejected"
    assert change(rig, key.name, str(key.least)) == "Accepted"
    assert change(rig, key.name, str(key.least - 1)) == "Rejected"
    if key.unit == "s":
        assert key.most <= key_kinds.MOST_SILENCE_S


@pytest.mark.parametrize("key", TABLE, ids=lambda key: key.name)
def test_only_written_keys_are_written(key: Key) -> None:
    """9: R is R."""
    if not key.access.is_written:
        assert change(Rig().online(), key.name, key.default or "1") == "Rejected"


@pytest.mark.parametrize(
    "name",
    [
        "MeterValuesAlignedData",
        "MeterValuesSampledData",
        "StopTxnAlignedData",
        "StopTxnSampledData",
    ],
)
def test_a_list_of_measurands_is_as_long_as_it_says(name: str) -> None:
    """…MaxLength is the longest list that is taken, not a number beside it (ruling 35)."""
    rig = Rig(setup(phases=3)).online()
    longest = ",".join(key_kinds.LISTABLE)
    assert change(rig, name, longest) == "Accepted"
    assert keys.number(rig.state, f"{name}MaxLength") == len(key_kinds.LISTABLE)
    assert change(rig, name, f"{longest},RPM") == "Rejected"
    assert change(rig, name, f"{longest},SoC") == "Accepted"  # repeats collapse


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("Voltage.L1", "Accepted"),
        ("Voltage.L3", "Rejected"),
        ("Voltage.L4", "Rejected"),
        ("SoC.L1", "Rejected"),
    ],
)
def test_a_phase_that_is_not_there_cannot_be_sampled(wanted: str, status: str) -> None:
    """Errata 3.14.4: a list with one unsupported measurand is Rejected."""
    assert change(Rig(setup(phases=1)).online(), "StopTxnSampledData", wanted) == status


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("0.RST, 1.RTS,2.SRT", "Accepted"),
        ("2.NotApplicable", "Accepted"),
        ("3.RST", "Rejected"),
        ("1.RST,1.STR", "Rejected"),
        ("1,RST", "Rejected"),
        ("\u0661.RST", "Rejected"),
        (f"{'9' * 400}.RST", "Rejected"),
    ],
)
def test_a_rotation_is_that_of_a_connector_we_have(wanted: str, status: str) -> None:
    """9.1.7: one item per connector, and 0 for the main meter."""
    rig = Rig(setup(connectors=2)).online()
    assert change(rig, "ConnectorPhaseRotation", wanted) == status
    assert keys.number(rig.state, "ConnectorPhaseRotationMaxLength") == 3


@pytest.mark.parametrize(("phases", "order"), [(1, "NotApplicable"), (3, "Unknown")])
def test_a_rotation_nobody_set_follows_from_the_wiring(phases: int, order: str) -> None:
    """9.1.7: NotApplicable is for one phase."""
    state = Rig(setup(connectors=2, phases=phases)).state
    assert keys.text(state, "ConnectorPhaseRotation") == f"1.{order},2.{order}"


def test_no_value_is_longer_than_a_message_can_carry() -> None:
    """CiString500, for edge.toml too."""
    free = Key(name="Free", kind=Kind.TEXT, default="", meaning="", source="")
    assert keys.normal(free, "x" * 500) == "x" * 500
    assert keys.normal(free, "x" * 501) is None
    assert keys.normal(replace(free, most=64), "x" * 65) is None


def test_what_the_station_is_nobody_sets() -> None:
    """A file that raises GetConfigurationMaxKeys would raise nothing but the word."""
    rig = Rig(setup(keys={"GetConfigurationMaxKeys": "1000"})).online()
    shown = rig.call(GetConfiguration(key=("GetConfigurationMaxKeys",))).configuration_key
    assert shown[0].value == str(key_kinds.MOST_KEYS_ASKED)
