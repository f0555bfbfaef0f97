"""Core values to the wire and back; every encoding stands before the OCPP schemas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from edge.core import certificate_commands, commands, file_commands, messages, vocabulary
from edge.core.messages import CallError, IdTagInfo, MeterValue, Request, SampledValue
from edge.core.profiles import Period, Schedule
from edge.core.vocabulary import (
    AuthorizationStatus,
    CallErrorCode,
    ConnectorStatus,
    ErrorCode,
    ReadingContext,
    RegistrationStatus,
    SecurityEvent,
    StopReason,
)
from edge.core.x509 import CertificateHashData
from edge.drivers import ocpp_codec
from edge.ocppj import schemas

AT = datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)
SAMPLE = MeterValue(
    timestamp=AT,
    sampled_value=(
        SampledValue(
            value="1200",
            context=ReadingContext.SAMPLE_PERIODIC,
            measurand="Energy.Active.Import.Register",
            location="Outlet",
            unit="Wh",
        ),
        SampledValue(value="230.1", measurand="Voltage", phase="L1-N", unit="V"),
    ),
)
REQUESTS: tuple[Request, ...] = (
    messages.BootNotification(charge_point_vendor="Tapwatt", charge_point_model="Bay"),
    messages.BootNotification(
        charge_point_vendor="Tapwatt",
        charge_point_model="Bay",
        charge_point_serial_number="1",
        charge_box_serial_number="2",
        firmware_version="3",
        iccid="4",
        imsi="5",
        meter_type="6",
        meter_serial_number="7",
    ),
    messages.Heartbeat(),
    messages.Authorize(id_tag="04A2B1C3D4E580"),
    messages.StatusNotification(
        connector_id=1,
        status=ConnectorStatus.FAULTED,
        error_code=ErrorCode.POWER_METER_FAILURE,
        timestamp=AT,
        info="x" * 60,
        vendor_id="tapwatt",
        vendor_error_code="E1",
    ),
    messages.StartTransaction(
        connector_id=1, id_tag="A", meter_start=1000, timestamp=AT, reservation_id=3
    ),
    messages.StopTransaction(
        transaction_id=4711,
        meter_stop=1420,
        timestamp=AT,
        reason=StopReason.POWER_LOSS,
        id_tag="A",
        transaction_data=(SAMPLE,),
    ),
    messages.MeterValues(connector_id=1, meter_value=(SAMPLE,), transaction_id=4711),
    messages.MeterValues(connector_id=0, meter_value=(SAMPLE,)),
    messages.DataTransfer(vendor_id="org.example", message_id="m", data="{}"),
    messages.FirmwareStatusNotification(status="Idle"),
    messages.DiagnosticsStatusNotification(status="Idle"),
    messages.LogStatusNotification(status="UploadFailure", request_id=7),
    messages.SignedFirmwareStatusNotification(status="InstallVerificationFailed", request_id=7),
    messages.SignedFirmwareStatusNotification(status="Idle"),
    messages.SecurityEventNotification(
        type=SecurityEvent.SETTING_SYSTEM_TIME, timestamp=AT, tech_info="x" * 255
    ),
    messages.SignCertificate(csr="-----BEGIN CERTIFICATE REQUEST-----"),
)
ANSWERS: tuple[commands.CommandAnswer, ...] = (
    commands.RemoteStartTransactionConf(status="Accepted"),
    commands.RemoteStopTransactionConf(status="Rejected"),
    commands.ChangeAvailabilityConf(status="Scheduled"),
    commands.ResetConf(status="Accepted"),
    commands.GetConfigurationConf(
        configuration_key=(
            commands.KeyValue(key="HeartbeatInterval", readonly=False, value="60"),
            commands.KeyValue(key="AuthorizationKey", readonly=False),
        ),
        unknown_key=("Nonsense",),
    ),
    commands.GetConfigurationConf(),
    commands.ChangeConfigurationConf(status="RebootRequired"),
    commands.UnlockConnectorConf(status="Unlocked"),
    commands.ClearCacheConf(status="Accepted"),
    commands.TriggerMessageConf(status="NotImplemented"),
    commands.ExtendedTriggerMessageConf(status="Rejected"),
    file_commands.UpdateFirmwareConf(),
    file_commands.GetDiagnosticsConf(file_name="diagnostics.tar.gz"),
    file_commands.GetLogConf(status="AcceptedCanceled", filename="security.log"),
    file_commands.SignedUpdateFirmwareConf(status="InvalidCertificate"),
    commands.SendLocalListConf(status="VersionMismatch"),
    commands.GetLocalListVersionConf(list_version=-1),
    commands.ReserveNowConf(status="Occupied"),
    commands.CancelReservationConf(status="Rejected"),
    messages.DataTransferConf(status="Accepted", data="x"),
    certificate_commands.InstallCertificateConf(status="Failed"),
    certificate_commands.DeleteCertificateConf(status="NotFound"),
    certificate_commands.GetInstalledCertificateIdsConf(status="NotFound"),
    certificate_commands.GetInstalledCertificateIdsConf(
        status="Accepted",
        certificate_hash_data=(
            CertificateHashData(
                hash_algorithm=vocabulary.HashAlgorithm.SHA512,
                issuer_name_hash="0" * 128,
                issuer_key_hash="f" * 128,
                serial_number="fff",
            ),
        ),
    ),
    certificate_commands.CertificateSignedConf(status="Rejected"),
    commands.SetChargingProfileConf(status="Accepted"),
    commands.ClearChargingProfileConf(status="Unknown"),
    commands.GetCompositeScheduleConf(status="Rejected"),
    commands.GetCompositeScheduleConf(
        status="Accepted",
        connector_id=1,
        schedule_start=AT,
        charging_schedule=Schedule(
            duration=300,
            charging_rate_unit=vocabulary.RateUnit.A,
            charging_schedule_period=(
                Period(start_period=0, limit=8.1, number_phases=1),
                Period(start_period=60, limit=32.0),
            ),
        ),
    ),
)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: type(each).__name__)
def test_every_request_is_lawful_on_the_wire(request_: Request) -> None:
    """Every encoding is checked against the OCPP schemas."""
    action = type(request_).__name__
    wire = ocpp_codec.encode(request_)
    assert schemas.check_call(action, wire) == wire


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda each: type(each).__name__)
def test_every_answer_is_lawful_on_the_wire(answer: commands.CommandAnswer) -> None:
    """Every encoding is checked against the OCPP schemas."""
    action = type(answer).__name__.removesuffix("Conf")
    assert schemas.accepts_answer(action, ocpp_codec.encode(answer))


def test_the_samples_cover_the_tables() -> None:
    """A row without a sample would be an encoding nobody checked."""
    assert {type(each) for each in REQUESTS} == set(ocpp_codec.CONFIRMATIONS)
    assert {type(each).__name__.removesuffix("Conf") for each in ANSWERS} == set(
        ocpp_codec.COMMANDS
    )


def test_a_composite_schedule_is_written_out() -> None:
    """6.22: relative to scheduleStart, no startSchedule within (errata 3.57)."""
    assert ocpp_codec.encode(ANSWERS[-1]) == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2026-03-01T10:00:00.123Z",
        "chargingSchedule": {
            "duration": 300,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 8.1, "numberPhases": 1},
                {"startPeriod": 60, "limit": 32.0},
            ],
        },
    }


def test_times_words_and_names_are_ocpp_s() -> None:
    """RFC 3339 with milliseconds and Z, words not names of enums, camelCase, nothing empty."""
    assert ocpp_codec.encode(REQUESTS[6]) == {
        "transactionId": 4711,
        "meterStop": 1420,
        "timestamp": "2026-03-01T10:00:00.123Z",
        "reason": "PowerLoss",
        "idTag": "A",
        "transactionData": [
            {
                "timestamp": "2026-03-01T10:00:00.123Z",
                "sampledValue": [
                    {
                        "value": "1200",
                        "context": "Sample.Periodic",
                        "measurand": "Energy.Active.Import.Register",
                        "location": "Outlet",
                        "unit": "Wh",
                    },
                    {"value": "230.1", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
                ],
            }
        ],
    }
    assert ocpp_codec.encode(commands.GetConfigurationConf()) == {}


def test_a_transaction_message_without_its_number_is_our_bug() -> None:
    """The outbox fills it in from the local reference, or -1 (errata 3.18)."""
    with pytest.raises(ValueError, match="transaction_id"):
        ocpp_codec.encode(
            messages.StopTransaction(
                transaction_id=None, meter_stop=1, timestamp=AT, reason=StopReason.LOCAL
            )
        )


LAWFUL_ANSWERS: tuple[tuple[Request, dict[str, Any], Any], ...] = (
    (
        REQUESTS[0],
        {"status": "Accepted", "currentTime": "2026-03-01T10:00:00Z", "interval": 300},
        messages.BootNotificationConf(
            status=RegistrationStatus.ACCEPTED, current_time=AT.replace(microsecond=0), interval=300
        ),
    ),
    (
        messages.Heartbeat(),
        {"currentTime": "2026-03-01T15:30:00.5+05:30"},
        messages.HeartbeatConf(current_time=AT.replace(microsecond=500_000)),
    ),
    (
        messages.Authorize(id_tag="A"),
        {
            "idTagInfo": {
                "status": "Blocked",
                "parentIdTag": "P",
                "expiryDate": "2026-03-01T10:00:00Z",
            }
        },
        messages.AuthorizeConf(
            id_tag_info=IdTagInfo(
                status=AuthorizationStatus.BLOCKED,
                parent_id_tag="P",
                expiry_date=AT.replace(microsecond=0),
            )
        ),
    ),
    (REQUESTS[4], {}, messages.StatusNotificationConf()),
    (
        REQUESTS[5],
        {"transactionId": 4711, "idTagInfo": {"status": "ConcurrentTx"}},
        messages.StartTransactionConf(
            transaction_id=4711,
            id_tag_info=IdTagInfo(status=AuthorizationStatus.CONCURRENT_TX),
        ),
    ),
    (REQUESTS[6], {}, messages.StopTransactionConf()),
    (REQUESTS[7], {}, messages.MeterValuesConf()),
    (REQUESTS[9], {"status": "Rejected"}, messages.DataTransferConf(status="Rejected")),
)


@pytest.mark.parametrize(("asked", "wire", "answer"), LAWFUL_ANSWERS)
def test_lawful_answers_are_read(asked: Request, wire: dict[str, Any], answer: Any) -> None:
    """The samples themselves pass the schema."""
    assert schemas.accepts_answer(type(asked).__name__, wire)
    assert ocpp_codec.decode_confirmation(asked, wire) == answer


SLOPPY: dict[str, tuple[Request, dict[str, Any], Any]] = {
    "Authorize without opinion": (
        messages.Authorize(id_tag="A"),
        {"idTagInfo": {}},
        messages.AuthorizeConf(id_tag_info=None),
    ),
    "Authorize with nothing": (
        messages.Authorize(id_tag="A"),
        {},
        messages.AuthorizeConf(id_tag_info=None),
    ),
    "nulls for absent fields": (
        messages.Authorize(id_tag="A"),
        {"idTagInfo": {"status": "Accepted", "parentIdTag": None, "expiryDate": None}},
        messages.AuthorizeConf(id_tag_info=IdTagInfo(status=AuthorizationStatus.ACCEPTED)),
    ),
    "word in lower case": (
        messages.Authorize(id_tag="A"),
        {"idTagInfo": {"status": "accepted"}},
        messages.AuthorizeConf(id_tag_info=IdTagInfo(status=AuthorizationStatus.ACCEPTED)),
    ),
    "word of OCPP 2.0": (
        messages.Authorize(id_tag="A"),
        {"idTagInfo": {"status": "NoCredit"}},
        messages.AuthorizeConf(id_tag_info=IdTagInfo(status=AuthorizationStatus.INVALID)),
    ),
    "StartTransaction without opinion": (
        REQUESTS[5],
        {"transactionId": 4711},
        messages.StartTransactionConf(
            transaction_id=4711, id_tag_info=IdTagInfo(status=AuthorizationStatus.ACCEPTED)
        ),
    ),
    "number as text": (
        REQUESTS[5],
        {"transactionId": "4711", "idTagInfo": {"status": "Accepted"}},
        messages.StartTransactionConf(
            transaction_id=4711, id_tag_info=IdTagInfo(status=AuthorizationStatus.ACCEPTED)
        ),
    ),
    "time without zone, no interval": (
        REQUESTS[0],
        {"status": "Pending", "currentTime": "2026-03-01 10:00:00"},
        messages.BootNotificationConf(
            status=RegistrationStatus.PENDING, current_time=AT.replace(microsecond=0), interval=0
        ),
    ),
    "extra fields": (
        messages.Heartbeat(),
        {"currentTime": "2026-03-01T10:00:00Z", "vendor": 1},
        messages.HeartbeatConf(current_time=AT.replace(microsecond=0)),
    ),
}


@pytest.mark.parametrize(("asked", "wire", "answer"), SLOPPY.values(), ids=SLOPPY)
def test_sloppy_answers_of_the_field_are_understood(
    asked: Request, wire: dict[str, Any], answer: Any
) -> None:
    """A central system's carelessness must not cost a session."""
    assert ocpp_codec.decode_confirmation(asked, wire) == answer


@pytest.mark.parametrize(
    ("asked", "wire"),
    [
        (REQUESTS[5], {"idTagInfo": {"status": "Accepted"}}),
        (REQUESTS[5], {"transactionId": "x"}),
        (REQUESTS[5], {"transactionId": True}),
        (REQUESTS[5], {"transactionId": 1.5}),
        (REQUESTS[5], {"transactionId": "9" * 30}),
        (REQUESTS[5], {"transactionId": []}),
        (REQUESTS[0], {"status": "Perhaps", "currentTime": "2026-03-01T10:00:00Z"}),
        (messages.Heartbeat(), {"currentTime": "noon"}),
        (messages.Heartbeat(), {"currentTime": "0001-01-01T00:00:00+23:59"}),
        (messages.Heartbeat(), {"currentTime": 5}),
        (REQUESTS[9], {}),
    ],
)
def test_an_answer_that_cannot_be_read_counts_as_a_refusal(
    asked: Request, wire: dict[str, Any]
) -> None:
    """Without a transaction's number nothing can be said of it."""
    answer = ocpp_codec.decode_confirmation(asked, wire)
    assert isinstance(answer, CallError)
    assert answer.code is CallErrorCode.FORMATION_VIOLATION


def test_our_words_are_the_schemas_words() -> None:
    """An enum of ours with a misspelt word would be refused by every central system."""
    document = schemas.document("StatusNotification")["properties"]
    assert {each.value for each in vocabulary.ConnectorStatus} == set(document["status"]["enum"])
    assert {each.value for each in ErrorCode} == set(document["errorCode"]["enum"])
    profile = schemas.document("SetChargingProfile")["properties"]["csChargingProfiles"]
    for name, words in (
        ("chargingProfilePurpose", vocabulary.ProfilePurpose),
        ("chargingProfileKind", vocabulary.ProfileKind),
        ("recurrencyKind", vocabulary.RecurrencyKind),
    ):
        assert {each.value for each in words} == set(profile["properties"][name]["enum"])
    reasons = schemas.document("StopTransaction")["properties"]["reason"]["enum"]
    assert {each.value for each in StopReason} == set(reasons)


def test_local_times_go_out_as_utc() -> None:
    """The wire knows only Z."""
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    wire = ocpp_codec.encode(
        messages.StartTransaction(connector_id=1, id_tag="A", meter_start=0, timestamp=there)
    )
    assert wire["timestamp"] == "2026-03-01T10:00:00.123Z"
