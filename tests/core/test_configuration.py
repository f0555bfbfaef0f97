"""GetConfiguration and ChangeConfiguration."""

from __future__ import annotations

import pytest

from edge.core import keys
from edge.core.commands import ChangeConfiguration, GetConfiguration
from edge.core.messages import CallError
from edge.core.records import ConfigurationChanged
from edge.core.restore import restore
from edge.core.saved import Saved
from edge.core.vocabulary import CallErrorCode
from tests.core.bench import at, setup
from tests.core.build import Rig

REQUIRED = {
    "AuthorizeRemoteTxRequests": False,
    "ClockAlignedDataInterval": False,
    "ConnectionTimeOut": False,
    "ConnectorPhaseRotation": False,
    "GetConfigurationMaxKeys": True,
    "HeartbeatInterval": False,
    "LocalAuthListEnabled": False,
    "LocalAuthListMaxLength": True,
    "LocalAuthorizeOffline": False,
    "LocalPreAuthorize": False,
    "MeterValuesAlignedData": False,
    "MeterValuesSampledData": False,
    "MeterValueSampleInterval": False,
    "NumberOfConnectors": True,
    "ResetRetries": False,
    "SendLocalListMaxLength": True,
    "StopTransactionOnInvalidId": False,
    "StopTxnAlignedData": False,
    "StopTxnSampledData": False,
    "SupportedFeatureProfiles": True,
    "TransactionMessageAttempts": False,
    "TransactionMessageRetryInterval": False,
}


def value(rig: Rig, key: str) -> str | None:
    shown = rig.call(GetConfiguration(key=(key,)))
    found: str | None = shown.configuration_key[0].value
    return found


def change(rig: Rig, key: str, wanted: str) -> str:
    status: str = rig.call(ChangeConfiguration(key=key, value=wanted)).status
    return status


def test_one_key_is_shown_with_its_value() -> None:
    """TC_019 (a)."""
    shown = Rig().online().call(GetConfiguration(key=("SupportedFeatureProfiles",)))
    assert shown.configuration_key[0].value == (
        "Core,FirmwareManagement,LocalAuthListManagement,RemoteTrigger,Reservation,SmartCharging"
    )
    assert shown.unknown_key == ()


def test_no_key_shows_all_required_ones_with_their_access() -> None:
    """TC_019 (b): absent and empty list mean all."""
    shown = Rig().online().call(GetConfiguration())
    access = {one.key: one.readonly for one in shown.configuration_key}
    assert {key: access.get(key) for key in REQUIRED} == REQUIRED
    assert {"StopTransactionOnEVSideDisconnect", "UnlockConnectorOnEVSideDisconnect"} <= set(access)


def test_as_many_keys_as_allowed_are_answered_in_order_and_unknown_ones_named() -> None:
    """TC_019 (d)."""
    most = keys.MOST_KEYS_ASKED
    nobody = tuple(f"Nobody{n}" for n in range(most - 2))
    names = (*nobody, "MeterValueSampleInterval", "ResetRetries")
    shown = Rig().online().call(GetConfiguration(key=names))
    assert [one.key for one in shown.configuration_key] == list(names[-2:])
    assert shown.unknown_key == names[:-2]


def test_more_keys_than_allowed_are_an_occurrence_error() -> None:
    """Ruling 8."""
    names = tuple(f"K{n}" for n in range(keys.MOST_KEYS_ASKED + 1))
    answer = Rig().online().call(GetConfiguration(key=names))
    assert isinstance(answer, CallError)
    assert answer.code is CallErrorCode.OCCURENCE_CONSTRAINT_VIOLATION


def test_a_changed_key_is_readable_as_text_whatever_its_case() -> None:
    """TC_021; keys are CiStrings."""
    rig = Rig().online()
    assert change(rig, "METERvaluesampleINTERVAL", "17") == "Accepted"
    assert value(rig, "metervaluesampleinterval") == "17"
    assert rig.written(ConfigurationChanged) == [
        ConfigurationChanged(key="MeterValueSampleInterval", value="17")
    ]


def test_an_accepted_key_survives_a_restart() -> None:
    """Checklist 5; the journal outranks the file, `-o` outranks both."""
    rows = (ConfigurationChanged(key="ResetRetries", value="7"),)
    made = setup(keys={"ResetRetries": "5"})
    assert keys.text(restore(Saved(), made, at(0)), "ResetRetries") == "5"
    assert keys.text(restore(Saved(configuration=rows), made, at(0)), "ResetRetries") == "7"


def test_an_unknown_key_is_not_supported() -> None:
    """TC_040_1."""
    assert change(Rig().online(), "Nobody", "1") == "NotSupported"


def test_a_read_only_key_is_rejected() -> None:
    """5.3."""
    assert change(Rig().online(), "NumberOfConnectors", "9") == "Rejected"


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("MeterValueSampleInterval", "-1"),
        ("MeterValueSampleInterval", "ten"),
        ("MeterValueSampleInterval", "1.5"),
        ("MeterValueSampleInterval", ""),
        ("MeterValueSampleInterval", "99999999999"),
        ("MeterValueSampleInterval", "\u0663"),
        ("ConnectionTimeOut", "0"),
        ("LocalPreAuthorize", "yes"),
        ("MeterValuesSampledData", "Energy.Active.Import.Register;Voltage"),
        ("MeterValuesSampledData", "Nonsense"),
        ("ConnectorPhaseRotation", "1.XYZ"),
    ],
)
def test_a_value_that_does_not_fit_is_rejected_and_changes_nothing(key: str, wanted: str) -> None:
    """TC_040_2."""
    rig = Rig().online()
    before = value(rig, key)
    assert change(rig, key, wanted) == "Rejected"
    assert value(rig, key) == before
    assert not rig.written(ConfigurationChanged)


@pytest.mark.parametrize(
    ("key", "wanted", "kept"),
    [
        ("LocalPreAuthorize", "TRUE", "true"),
        ("MeterValueSampleInterval", "007", "7"),
        ("MeterValuesSampledData", "Voltage, SoC,Voltage", "Voltage,SoC"),
        ("StopTxnSampledData", "", ""),
        ("ConnectorPhaseRotation", "0.Unknown,1.RST", "0.Unknown,1.RST"),
    ],
)
def test_a_value_is_kept_in_its_plain_form(key: str, wanted: str, kept: str) -> None:
    """Ruling 35: white space tolerated, duplicates collapse."""
    rig = Rig().online()
    assert change(rig, key, wanted) == "Accepted"
    assert value(rig, key) == kept


def test_number_of_connectors_is_what_is_installed() -> None:
    """9.1.17."""
    assert value(Rig(setup(connectors=2)).online(), "NumberOfConnectors") == "2"


def test_text_keys_take_any_text() -> None:
    """Names of people are not ours to judge."""
    rig = Rig().online()
    assert change(rig, "CpoName", "Öko Strom") == "Accepted"
    assert value(rig, "CpoName") == "Öko Strom"


@pytest.mark.parametrize(("lock", "pilot"), [(False, True), (True, False), (True, True)])
def test_unlock_on_ev_side_disconnect_is_writable_only_with_lock_and_pilot(
    lock: bool, pilot: bool
) -> None:
    """Rulings 3, 37: without a lock, or where no car is seen, it reads false and is read-only."""
    rig = Rig(setup(lock=lock, pilot=pilot)).online()
    shown = rig.call(GetConfiguration(key=("UnlockConnectorOnEVSideDisconnect",)))
    one = shown.configuration_key[0]
    assert (one.value, one.readonly) == (("true", False) if lock and pilot else ("false", True))
    wanted = "Accepted" if lock and pilot else "Rejected"
    assert change(rig, "UnlockConnectorOnEVSideDisconnect", "false") == wanted


def test_a_value_that_the_codec_could_not_read_is_rejected() -> None:
    """R-13-6: DefaultPrice is JSON, which is read at the edge."""
    rig = Rig().online()
    told = ChangeConfiguration(key="DefaultPrice", value="cheap", is_readable=False)
    assert rig.call(told).status == "Rejected"
    assert keys.text(rig.state, "DefaultPrice") == ""
