"""What the central system asks, as typed commands or as answers that are fixed (ruling 8)."""

from __future__ import annotations

from typing import Any

import pytest

from edge.core import commands, messages
from edge.core.messages import CallError
from edge.core.vocabulary import AvailabilityType, CallErrorCode, ResetType
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
        "CancelReservation",
        "ClearChargingProfile",
        "SetChargingProfile",
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
