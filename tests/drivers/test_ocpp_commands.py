"""What the central system asks, as typed commands or as answers that are fixed (ruling 8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from edge.core import commands, messages
from edge.core.messages import CallError
from edge.core.vocabulary import (
    AuthorizationStatus,
    AvailabilityType,
    CallErrorCode,
    ResetType,
    UpdateType,
)
from edge.drivers import ocpp_codec
from edge.ocppj import schemas

COMMANDS: tuple[tuple[str, dict[str, Any], commands.Command], ...] = (
    (
        "RemoteStartTransaction",
        {"idTag": "A", "connectorId": 2},
        commands.RemoteStartTransaction(id_tag="A", connector_id=2),
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
        "DataTransfer",
        {"vendorId": "x", "messageId": "m"},
        messages.DataTransfer(vendor_id="x", message_id="m"),
    ),
)


@pytest.mark.parametrize(("action", "wire", "command"), COMMANDS)
def test_commands_are_read(action: str, wire: dict[str, Any], command: commands.Command) -> None:
    """Lawful on the wire, typed inside."""
    assert ocpp_codec.decode_command(action, schemas.check_call(action, wire)) == command


def test_a_charging_profile_is_kept_as_it_came() -> None:
    """Smart charging reads it, the codec does not."""
    profile = {"chargingProfileId": 1}
    command = ocpp_codec.decode_command(
        "RemoteStartTransaction", {"idTag": "A", "chargingProfile": profile}
    )
    assert isinstance(command, commands.RemoteStartTransaction)
    assert command.charging_profile == profile


@pytest.mark.parametrize("action", sorted(ocpp_codec.SETTLED_HERE))
def test_what_is_off_is_said_in_the_answer_s_own_words(action: str) -> None:
    """Ruling 8: where the .conf has a status for it, it is a CALLRESULT."""
    answer = ocpp_codec.decode_command(action, {})
    assert isinstance(answer, dict)
    assert schemas.accepts_answer(action, answer)


@pytest.mark.parametrize(
    "action",
    [
        "ClearChargingProfile",
        "SetChargingProfile",
        "UpdateFirmware",
        "Authorize",
    ],
)
def test_what_is_off_and_has_no_word_for_it_is_not_supported(action: str) -> None:
    """Ruling 8, J table 7: recognised, but not supported by the receiver."""
    answer = ocpp_codec.decode_command(action, {})
    assert isinstance(answer, CallError)
    assert answer.code is CallErrorCode.NOT_SUPPORTED


def test_every_known_action_is_a_command_settled_or_not_supported() -> None:
    """No action of 1.6 falls between the tables."""
    assert not set(ocpp_codec.COMMANDS) & set(ocpp_codec.SETTLED_HERE)
    assert set(ocpp_codec.COMMANDS) | set(ocpp_codec.SETTLED_HERE) <= schemas.ACTIONS


def test_answers_within_answers_reach_the_wire_whole() -> None:
    """Tuples of values become lists of objects, absent values stay absent."""
    wire = {"configurationKey": [{"key": "k", "readonly": True}], "unknownKey": ["u"]}
    answer = commands.GetConfigurationConf(
        configuration_key=(commands.KeyValue(key="k", readonly=True),), unknown_key=("u",)
    )
    assert ocpp_codec.encode(answer) == wire
