"""The words of `reasons`: who decides, what mends a fault, what ended a session, what limits one.

Words are those of StatusNotification.info, 50 letters at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.core import faults, limits
from edge.core.records import Latch
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason


class Owner(StrEnum):
    """Who decides, and so can change it."""

    DRIVER = "driver"
    CAR = "car"
    CENTRAL_SYSTEM = "central system"
    STATION = "station"
    SITE = "site"  # whoever is there, its mains, its energy manager
    SERVICE = "service"  # whoever mends the station


RESERVED: Final = "reserved for somebody else's card"
NOT_ASKING: Final = "the car asks for no energy"

BY_STATUS: Final = {
    ConnectorStatus.RESERVED: RESERVED,
    ConnectorStatus.SUSPENDED_EV: NOT_ASKING,
}
"""What a status says by itself, without info."""

MEND: Final = {
    ErrorCode.GROUND_FAILURE: "Have the wiring and the car checked, then switch the device on.",
    ErrorCode.POWER_SWITCH_FAILURE: "Have the contactor and its feedback checked.",
    ErrorCode.OVER_CURRENT_FAILURE: "Unplug the car; if it happens again, have it checked.",
    ErrorCode.HIGH_TEMPERATURE: "Let it cool, and find out what heats it.",
    ErrorCode.CONNECTOR_LOCK_FAILURE: "Pull the plug and push it in again.",
    ErrorCode.OVER_VOLTAGE: "Wait for the mains, or have them checked.",
    ErrorCode.UNDER_VOLTAGE: "Wait for the mains, or have them checked.",
    ErrorCode.POWER_METER_FAILURE: "Check the meter's wires, its address and its supply.",
    ErrorCode.INTERNAL_ERROR: "See `tapwatt edge status` and the log for what does not answer.",
}
MEND_ELSE: Final = "Remove what the words name, and have the station looked at if it stays."

MEND_WORDS: Final = {
    faults.LATCHED[Latch.RCD_TEST].info: (
        "Have the device and the wire of its test coil checked, then say `tapwatt edge release`."
    ),
}

HELD: Final = {"emergency stop": "Make sure that all is safe, then release the emergency stop."}

ENDED: Final = {
    StopReason.EMERGENCY_STOP: ("the emergency stop was pressed", Owner.SITE),
    StopReason.EV_DISCONNECTED: ("the car was unplugged", Owner.DRIVER),
    StopReason.HARD_RESET: ("a hard reset was asked for", Owner.CENTRAL_SYSTEM),
    StopReason.LOCAL: ("a card or the button ended it", Owner.DRIVER),
    StopReason.OTHER: ("a fault ended it", Owner.STATION),
    StopReason.POWER_LOSS: ("the power was cut", Owner.SITE),
    StopReason.REBOOT: ("the controller was restarted", Owner.STATION),
    StopReason.REMOTE: ("a remote stop was asked for", Owner.CENTRAL_SYSTEM),
    StopReason.SOFT_RESET: ("a soft reset was asked for", Owner.CENTRAL_SYSTEM),
    StopReason.UNLOCK_COMMAND: ("unlocking was asked for", Owner.CENTRAL_SYSTEM),
    StopReason.DE_AUTHORIZED: ("the card was not accepted", Owner.CENTRAL_SYSTEM),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What limits, whose it is, and what mends it."""

    what: str
    owner: Owner
    remedy: str


LIMITS: Final = {
    limits.Owner.RATING: Words(
        what="rated for too little", owner=Owner.SERVICE, remedy="Correct rated_a."
    ),
    limits.Owner.PROFILES: Words(
        what="limited by charging profiles",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="The central system must change or clear its charging profile.",
    ),
    limits.Owner.PHASES: Words(
        what="one phase allowed, the session keeps three",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="End the session and begin another, or wait until three phases are allowed.",
    ),
    limits.Owner.TEMPERATURE: Words(
        what="limited by temperature", owner=Owner.STATION, remedy=MEND[ErrorCode.HIGH_TEMPERATURE]
    ),
    limits.Owner.SENSOR: Words(
        what="limited: no temperature is read",
        owner=Owner.SERVICE,
        remedy="Check the temperature sensor.",
    ),
    limits.Owner.SETPOINT: Words(
        what="limited by the energy manager",
        owner=Owner.SITE,
        remedy="The local energy manager must allow more, or be heard again.",
    ),
}
