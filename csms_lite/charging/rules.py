"""Whether a driver may start here now, and why not. Pure.

An operator's RemoteStart goes out as asked (`csms_lite.commands`); this is the other door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from csms_lite.clock import read_time
from csms_lite.errors import Refused
from csms_lite.people.rules import is_same_tag
from csms_lite.sessions.rules import Session, State
from csms_lite.stations.rules import Connector, Station

FREE: Final = frozenset({"Available", "Preparing"})  # a car that is plugged in is Preparing
WHOLE: Final = 0  # the connector that is the station itself

BUSY: Final[Mapping[str, str]] = {
    "Charging": "a car is charging there",
    "SuspendedEV": "a car is connected there and takes a pause",
    "SuspendedEVSE": "a car is connected there and waits for power",
    "Finishing": "the last car is still plugged in: wait until its cable is out",
    "Reserved": "it is reserved for somebody else",
    "Unavailable": "it is out of service",
    "Faulted": "it has a fault",
    "Unknown": "the charger has not told its state yet: try again in a minute",
}
NOT_GOOD: Final[Mapping[str, str]] = {
    "Blocked": "this card is blocked",
    "Expired": "this card has expired",
    "Invalid": "this card is not known here",
    "ConcurrentTx": "this card is charging elsewhere already",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is known of a station when a driver stands before it."""

    station: Station
    is_online: bool
    connectors: Sequence[Connector]
    occupying: Sequence[Session]
    """Sessions that run here or are about to begin."""
    commanded: Mapping[int, str]
    """Availability last commanded, by connector; 0 stands for those not named."""
    reservation: Mapping[str, Any] | None = None
    """The last ReserveNow that the station accepted."""


def choose_connector(place: Place, connector: int | None, tag: str, now_ms: int) -> int:
    """Give the connector to start on: the one that is wanted, or the first free one.

    Raises `Refused` with the reason, in words for a driver.
    """
    _check_station(place)
    by_number = {one.connector: one for one in place.connectors if one.connector != WHOLE}
    if connector is not None:
        wanted = by_number.get(connector)
        if wanted is None:
            known = ", ".join(str(number) for number in by_number) or "none yet"
            raise Refused(f"there is no connector {connector} here: those known are {known}")
        why = _why_not(place, wanted, tag, now_ms)
        if why is not None:
            raise Refused(f"connector {connector} cannot be used: {why}")
        return connector
    whys = {number: _why_not(place, one, tag, now_ms) for number, one in by_number.items()}
    for number, why in whys.items():
        if why is None:
            return number
    if not whys:
        raise Refused(BUSY["Unknown"])
    told = "; ".join(f"connector {number}: {why}" for number, why in whys.items())
    raise Refused(f"no connector is free: {told}")


def refuse_verdict(status: str, why: str | None = None) -> None:
    """Refuse a tag that may not charge; raises `Refused` with the reason."""
    if status == "Invalid":
        why = None  # what it says is for operators
    if status != "Accepted":
        raise Refused(why or NOT_GOOD.get(status, f"this card may not charge here: {status}"))


def is_reserved_for(
    reservation: Mapping[str, Any] | None, connector: int, tag: str, now_ms: int
) -> bool:
    """Say whether a connector that tells Reserved is so for *tag*, as far as we asked for it."""
    if reservation is None or reservation.get("connectorId") not in (WHOLE, connector):
        return False
    expires_at_ms = read_time(str(reservation.get("expiryDate")))  # a forced one may have none
    if expires_at_ms is None or expires_at_ms <= now_ms:
        return False
    return is_same_tag(reservation.get("idTag"), tag)


def _check_station(place: Place) -> None:
    station = place.station
    if station.registration != "Accepted" or station.dismissed_at_ms is not None:
        raise Refused("this charger is not in service")
    if not place.is_online:
        raise Refused("this charger has no connection now: use a card at the charger")
    for one in place.connectors:
        if one.connector == WHOLE and one.status in ("Unavailable", "Faulted"):
            raise Refused(f"this charger cannot be used: {BUSY[one.status]}")


def _why_not(place: Place, connector: Connector, tag: str, now_ms: int) -> str | None:
    number = connector.connector
    for session in place.occupying:
        if session.connector == number:
            if session.state == State.PENDING:
                return "somebody is starting there just now"
            return BUSY["Charging"]
    if place.commanded.get(number, place.commanded.get(WHOLE)) == "Inoperative":
        return BUSY["Unavailable"]
    if connector.status in FREE:
        return None
    if connector.status == "Reserved" and is_reserved_for(place.reservation, number, tag, now_ms):
        return None
    return BUSY.get(connector.status, f"it is {connector.status}")
