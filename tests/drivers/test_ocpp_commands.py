"""What the central system asks, as typed commands."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core import certificate_commands, commands, messages
from edge.core.file_commands import Firmware, SignedUpdateFirmware
from edge.core.messages import CallError
from edge.core.profiles import Period, Profile, Schedule
from edge.core.vocabulary import (
    AuthorizationStatus,
    AvailabilityType,
    CallErrorCode,
    CertificateUse,
    HashAlgorithm,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    RecurrencyKind,
    ResetType,
    UpdateType,
)
from edge.core.x509 import CertificateHashData
from edge.drivers import ocpp_codec
from edge.ocppj import schemas

PROFILE_WIRE: dict[str, Any] = {
    "chargingProfileId": 100,
    "transactionId": 4711,
    "stackLevel": 2,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": "2026-03-01T00:00:00Z",
    "validTo": "2026-03-02T01:00:00+01:00",
    "chargingSchedule": {
        "duration": 86400,
        "startSchedule": "2013-01-01T00:00:00Z",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 11000, "numberPhases": 3},
            {"startPeriod": 28800, "limit": 6000.1},
        ],
        "minChargingRate": 1380.5,
    },
}
PROFILE = Profile(
    charging_profile_id=100,
    transaction_id=4711,
    stack_level=2,
    charging_profile_purpose=ProfilePurpose.TX,
    charging_profile_kind=ProfileKind.RECURRING,
    recurrency_kind=RecurrencyKind.DAILY,
    valid_from=datetime(2026, 3, 1, tzinfo=UTC),
    valid_to=datetime(2026, 3, 2, tzinfo=UTC),
    charging_schedule=Schedule(
        duration=86400,
        start_schedule=datetime(2013, 1, 1, tzinfo=UTC),
        charging_rate_unit=RateUnit.W,
        charging_schedule_period=(
            Period(start_period=0, limit=11000.0, number_phases=3),
            Period(start_period=28800, limit=6000.1),
        ),
        min_charging_rate=1380.5,
    ),
)
COMMANDS: tuple[tuple[str, dict[str, Any], commands.Command], ...] = (
    (
        "RemoteStartTransaction",
        {"idTag": "A", "connectorId": 2},
        commands.RemoteStartTransaction(id_tag="A", connector_id=2),
    ),
    (
        "RemoteStartTransaction",
        {"idTag": "A", "chargingProfile": PROFILE_WIRE},
        commands.RemoteStartTransaction(id_tag="A", charging_profile=PROFILE),
    ),
    (
        "SetChargingProfile",
        {"connectorId": 1, "csChargingProfiles": PROFILE_WIRE},
        commands.SetChargingProfile(connector_id=1, cs_charging_profiles=PROFILE),
    ),
    (
        "SignedUpdateFirmware",
        {
            "requestId": 7,
            "retries": 2,
            "firmware": {
                "location": "https://example.org/f",
                "retrieveDateTime": "2026-03-01T00:00:00Z",
                "installDateTime": "2026-03-02T00:00:00Z",
                "signingCertificate": "-----BEGIN CERTIFICATE-----",
                "signature": "c2ln",
            },
        },
        SignedUpdateFirmware(
            request_id=7,
            retries=2,
            firmware=Firmware(
                location="https://example.org/f",
                retrieve_date_time=datetime(2026, 3, 1, tzinfo=UTC),
                install_date_time=datetime(2026, 3, 2, tzinfo=UTC),
                signing_certificate="-----BEGIN CERTIFICATE-----",
                signature="c2ln",
            ),
        ),
    ),
    ("ClearChargingProfile", {}, commands.ClearChargingProfile()),
    (
        "ClearChargingProfile",
        {
            "id": 100,
            "connectorId": 0,
            "chargingProfilePurpose": "ChargePointMaxProfile",
            "stackLevel": 1,
        },
        commands.ClearChargingProfile(
            id=100,
            connector_id=0,
            charging_profile_purpose=ProfilePurpose.CHARGE_POINT_MAX,
            stack_level=1,
        ),
    ),
    (
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 300, "chargingRateUnit": "A"},
        commands.GetCompositeSchedule(connector_id=1, duration=300, charging_rate_unit=RateUnit.A),
    ),
    (
        "GetCompositeSchedule",
        {"connectorId": 0, "duration": 300},
        commands.GetCompositeSchedule(connector_id=0, duration=300),
    ),
    (
        "RemoteStopTransaction",
        {"transactionId": 4711},
        commands.RemoteStopTransaction(transaction_id=4711),
    ),
    (
        "ChangeAvailability",
        {"connectorId": 0, "type": "Inoperative"},
        commands.ChangeAvailability(connector_id=0, type=AvailabilityType.INOPERATIVE),
    ),
    ("Reset", {"type": "Hard"}, commands.Reset(type=ResetType.HARD)),
    ("GetConfiguration", {}, commands.GetConfiguration()),
    ("GetConfiguration", {"key": ["a", "b"]}, commands.GetConfiguration(key=("a", "b"))),
    (
        "ChangeConfiguration",
        {"key": "k", "value": "v"},
        commands.ChangeConfiguration(key="k", value="v"),
    ),
    ("UnlockConnector", {"connectorId": 1}, commands.UnlockConnector(connector_id=1)),
    ("ClearCache", {}, commands.ClearCache()),
    (
        "TriggerMessage",
        {"requestedMessage": "Heartbeat"},
        commands.TriggerMessage(requested_message="Heartbeat"),
    ),
    (
        "ExtendedTriggerMessage",
        {"requestedMessage": "LogStatusNotification", "connectorId": 2},
        commands.ExtendedTriggerMessage(requested_message="LogStatusNotification", connector_id=2),
    ),
    (
        "SendLocalList",
        {
            "listVersion": 3,
            "updateType": "Differential",
            "localAuthorizationList": [
                {"idTag": "A", "idTagInfo": {"status": "Blocked", "parentIdTag": "P"}},
                {"idTag": "B"},
            ],
        },
        commands.SendLocalList(
            list_version=3,
            update_type=UpdateType.DIFFERENTIAL,
            local_authorization_list=(
                commands.AuthorizationData(
                    id_tag="A",
                    id_tag_info=messages.IdTagInfo(
                        status=AuthorizationStatus.BLOCKED, parent_id_tag="P"
                    ),
                ),
                commands.AuthorizationData(id_tag="B"),
            ),
        ),
    ),
    (
        "SendLocalList",
        {"listVersion": 1, "updateType": "Full"},
        commands.SendLocalList(list_version=1, update_type=UpdateType.FULL),
    ),
    ("GetLocalListVersion", {}, commands.GetLocalListVersion()),
    (
        "ReserveNow",
        {
            "connectorId": 0,
            "expiryDate": "2026-03-01T15:30:00+05:30",
            "idTag": "A",
            "parentIdTag": "P",
            "reservationId": 7,
        },
        commands.ReserveNow(
            connector_id=0,
            expiry_date=datetime(2026, 3, 1, 10, tzinfo=UTC),
            id_tag="A",
            parent_id_tag="P",
            reservation_id=7,
        ),
    ),
    ("CancelReservation", {"reservationId": 7}, commands.CancelReservation(reservation_id=7)),
    (
        "InstallCertificate",
        {"certificateType": "ManufacturerRootCertificate", "certificate": "pem"},
        certificate_commands.InstallCertificate(
            certificate_type=CertificateUse.MANUFACTURER_ROOT, certificate="pem"
        ),
    ),
    (
        "DeleteCertificate",
        {
            "certificateHashData": {
                "hashAlgorithm": "SHA384",
                "issuerNameHash": "A0",
                "issuerKeyHash": "b1",
                "serialNumber": "FFF",
            }
        },
        certificate_commands.DeleteCertificate(
            certificate_hash_data=CertificateHashData(
                hash_algorithm=HashAlgorithm.SHA384,
                issuer_name_hash="A0",
                issuer_key_hash="b1",
                serial_number="FFF",
            )
        ),
    ),
    (
        "GetInstalledCertificateIds",
        {"certificateType": "CentralSystemRootCertificate"},
        certificate_commands.GetInstalledCertificateIds(
            certificate_type=CertificateUse.CENTRAL_SYSTEM_ROOT
        ),
    ),
    (
        "CertificateSigned",
        {"certificateChain": "pem"},
        certificate_commands.CertificateSigned(certificate_chain="pem"),
    ),
    (
        "DataTransfer",
        {"vendorId": "x", "messageId": "m"},
        commands.IncomingTransfer(vendor_id="x", message_id="m"),
    ),
)


@pytest.mark.parametrize(("action", "wire", "command"), COMMANDS)
def test_commands_are_read(action: str, wire: dict[str, Any], command: commands.Command) -> None:
    """Lawful on the wire, typed inside."""
    assert ocpp_codec.decode_command(action, schemas.check_call(action, wire)) == command


def test_what_only_stations_ask_is_not_supported() -> None:
    """Ruling 8, J table 7: recognised, but not supported by the receiver."""
    answer = ocpp_codec.decode_command("Authorize", {})
    assert isinstance(answer, CallError)
    assert answer.code is CallErrorCode.NOT_SUPPORTED


@pytest.mark.parametrize("limit", [True, "16", None, [16]])
def test_a_limit_that_is_no_number_is_not_read(limit: Any) -> None:
    """The schema keeps it out; the codec does not rely on that."""
    wire: dict[str, Any] = {"connectorId": 1, "csChargingProfiles": deepcopy(PROFILE_WIRE)}
    schedule = wire["csChargingProfiles"]["chargingSchedule"]
    schedule["chargingSchedulePeriod"][0]["limit"] = limit
    with pytest.raises(ocpp_codec.Unreadable):
        ocpp_codec.decode_command("SetChargingProfile", wire)


@given(st.integers(0, 100_000))
def test_every_tenth_passes_the_schema_in_and_out(tenths: int) -> None:
    """MultipleOf 0.1 in binary floats: 8.1 is lawful, on both ways."""
    limit = tenths / 10
    wire: dict[str, Any] = {"connectorId": 1, "csChargingProfiles": deepcopy(PROFILE_WIRE)}
    schedule = wire["csChargingProfiles"]["chargingSchedule"]
    schedule["chargingSchedulePeriod"][0]["limit"] = limit
    command = ocpp_codec.decode_command(
        "SetChargingProfile", schemas.check_call("SetChargingProfile", wire)
    )
    assert isinstance(command, commands.SetChargingProfile)
    read = command.cs_charging_profiles.charging_schedule
    assert read.charging_schedule_period[0].limit == limit
    answer = commands.GetCompositeScheduleConf(status="Accepted", charging_schedule=read)
    assert schemas.accepts_answer("GetCompositeSchedule", ocpp_codec.encode(answer))


def test_answers_within_answers_reach_the_wire_whole() -> None:
    """Tuples of values become lists of objects, absent values stay absent."""
    wire = {"configurationKey": [{"key": "k", "readonly": True}], "unknownKey": ["u"]}
    answer = commands.GetConfigurationConf(
        configuration_key=(commands.KeyValue(key="k", readonly=True),), unknown_key=("u",)
    )
    assert ocpp_codec.encode(answer) == wire
