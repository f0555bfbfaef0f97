"""What the outputs and the status should be, as pure functions of the state.

The loop compares before and after; nothing here is stored. Source of the status table: ruling 13;
of the gate to energy: safety 3, ruling 3.
"""

from __future__ import annotations

from typing import Final

from edge.core import holds, keys
from edge.core.bay import Bay, Phase
from edge.core.effects import Lamp
from edge.core.events import Pilot, Trip
from edge.core.setup import AfterDamage
from edge.core.state import ChargePoint
from edge.core.vocabulary import AvailabilityType, ConnectorStatus, ErrorCode
from edge.core.work import JobKind, Stage

STALE_METER_S: Final = 10.0  # safety 13: ten readings missed
IDLE_AFTER_S: Final = 60.0
IDLE_POWER_W: Final = 100.0  # below it a car without pilot is taken not to draw (ruling 3)

_TRIPS: Final = (
    (Trip.EMERGENCY_STOP, ErrorCode.OTHER_ERROR, "emergency stop"),
    (Trip.RCD, ErrorCode.GROUND_FAILURE, "residual current device"),
    (Trip.WELDED, ErrorCode.POWER_SWITCH_FAILURE, "contactor does not open"),
    (Trip.NOT_CLOSED, ErrorCode.POWER_SWITCH_FAILURE, "contactor does not close"),
    (Trip.OVER_TEMPERATURE, ErrorCode.HIGH_TEMPERATURE, "too hot"),
    (Trip.PILOT_LOST, ErrorCode.OTHER_ERROR, "control pilot lost"),
    (Trip.DEAD_MAN, ErrorCode.INTERNAL_ERROR, "controller did not answer"),
)
"""A tripped reflex as OCPP names it; the first that applies is told."""

LASTING: Final = frozenset({Trip.EMERGENCY_STOP, Trip.RCD, Trip.WELDED, Trip.NOT_CLOSED})
"""Trips that end a transaction at once; the others are waited out (ruling 17)."""


def fault(state: ChargePoint, connector: int, now: float) -> tuple[ErrorCode, str] | None:
    """Why *connector* is Faulted, or `None`."""
    bay = state.bay(connector)
    if bay.seen.lost is not None:
        return ErrorCode.INTERNAL_ERROR, "charging point does not answer"
    for trip, code, info in _TRIPS:
        if trip in bay.seen.tripped:
            return code, info
    if bay.seen.welded:
        return ErrorCode.POWER_SWITCH_FAILURE, "contactor does not open"
    if bay.seen.lock_failed:
        return ErrorCode.CONNECTOR_LOCK_FAILURE, "cable not locked"
    if bay.seen.pilot in (Pilot.E, Pilot.F):
        return ErrorCode.OTHER_ERROR, "control pilot in state E or F"
    if meter_is_stale(bay, now):
        return ErrorCode.POWER_METER_FAILURE, "no reading from the meter"
    return None


def unrecorded(state: ChargePoint) -> tuple[ErrorCode, str] | None:
    """Why no session may begin: what is billed cannot be kept now. Those that run go on."""
    station = state.station
    if station.journal_lost is not None:
        return ErrorCode.INTERNAL_ERROR, _UNWRITTEN.get(station.journal_lost, "journal: no writing")
    refuses = state.setup.keeping.after_damage is AfterDamage.REFUSE
    if station.damage is not None and refuses:
        return ErrorCode.INTERNAL_ERROR, "journal was damaged, not yet accepted"
    return None


_UNWRITTEN: Final = {
    "full": "journal: disk is full",
    "read_only": "journal: disk is read-only",
    "io": "journal: disk does not work",
    "corrupt": "journal: file is damaged",
}
"""`JournalFailed.kind` in the words of StatusNotification.info, 50 letters at most."""


def is_broken(bay: Bay) -> bool:
    """Whether a fault is there that no transaction waits out."""
    return bay.seen.welded or bool(bay.seen.tripped & LASTING)


def meter_is_stale(bay: Bay, now: float) -> bool:
    """Whether the meter has failed and its last word is too old to sell energy by."""
    metering = bay.metering
    if metering.failed is None:
        return False
    return metering.good_at is None or now >= metering.good_at + STALE_METER_S


def is_operative(state: ChargePoint, connector: int) -> bool:
    """In service, and not about to leave it."""
    service = state.bay(connector).service
    inoperative = AvailabilityType.INOPERATIVE
    return inoperative not in (service.availability, service.scheduled)


def is_updating(state: ChargePoint) -> bool:
    """New firmware waits for the last session, or is being installed: nobody starts any more.

    An unavailability of our own, over with the update and in no journal (ruling 16).
    """
    job = state.station.jobs.get(JobKind.FIRMWARE)
    stages = (Stage.READY, Stage.INSTALLING, Stage.REBOOTING)
    return job is not None and job.stage in stages


def is_installing(state: ChargePoint) -> bool:
    """Firmware is being installed, or waits for its restart: too late for another."""
    job = state.station.jobs.get(JobKind.FIRMWARE)
    return job is not None and job.stage in (Stage.INSTALLING, Stage.REBOOTING)


def able(state: ChargePoint, now: float) -> tuple[int, ...]:
    """The connectors in service and in order, whether they are free or not."""
    if is_updating(state):
        return ()
    return tuple(
        number
        for number in state.connectors
        if is_operative(state, number) and fault(state, number, now) is None
    )


def kept(state: ChargePoint, now: float) -> holds.Kept:
    """The connectors that are reserved now, and for whom."""
    return holds.kept(state, able(state, now)) if state.station.reservations else {}


def admits(state: ChargePoint, connector: int, id_tag: str, parent: str | None, now: float) -> bool:
    """Whether a new session of this tag may be prepared on *connector*."""
    free = may_begin(state, connector, now)
    return free and holds.admits(kept(state, now), connector, id_tag, parent)


def may_begin(state: ChargePoint, connector: int, now: float) -> bool:
    """Whether a new session may be prepared on *connector* at all."""
    return (
        is_operative(state, connector)
        and fault(state, connector, now) is None
        and state.station.restarting is None
        and not is_updating(state)
        and not state.station.supply_lost
        and unrecorded(state) is None
        and state.bay(connector).seen.known
    )


def withholds(state: ChargePoint, connector: int, now: float) -> bool:
    """The station keeps energy from an open transaction (SuspendedEVSE)."""
    return is_barred(state, connector, now) or is_paused(state, connector)


def is_paused(state: ChargePoint, connector: int) -> bool:
    """Charging profiles leave this connector less than it can use."""
    return state.station.charging.limits.get(connector) == 0


def is_barred(state: ChargePoint, connector: int, now: float) -> bool:
    """No energy whatever the limit: no session, a fault, or an invalid tag without grace."""
    bay = state.bay(connector)
    transaction = bay.transaction
    if transaction is None:
        return True
    if fault(state, connector, now) is not None:
        return True
    return transaction.deauthorised and not has_grace(state, bay)


def has_grace(state: ChargePoint, bay: Bay) -> bool:
    """Whether an invalid tag may still draw some energy (MaxEnergyOnInvalidId, 9.1.16)."""
    transaction = bay.transaction
    if transaction is None or bay.metering.last is None or transaction.deauthorised_wh is None:
        return False
    drawn_wh = bay.metering.last.energy_wh - transaction.deauthorised_wh
    return drawn_wh < keys.number(state, "MaxEnergyOnInvalidId")


def waits_to_reclose(state: ChargePoint, connector: int, now: float) -> bool:
    """The contactor opened a moment ago and rests before it closes again (safety 6)."""
    contactor = state.bay(connector).contactor
    if contactor.opened_at is None or contactor.ordered:
        return False
    return now < contactor.opened_at + state.setup.policy.reclose_delay_s


def limit_a(state: ChargePoint, connector: int, now: float) -> float:
    """Current to signal to the car, 0 = none."""
    bay = state.bay(connector)
    if bay.connector.phase is not Phase.CHARGING or withholds(state, connector, now):
        return 0.0
    rated_a = state.setup.traits[connector - 1].rated_a
    return state.station.charging.limits.get(connector, rated_a)


def asks(state: ChargePoint, connector: int) -> bool:
    """Whether the car wants energy, as far as this charging point can know."""
    bay = state.bay(connector)
    if state.setup.traits[connector - 1].has_pilot:
        return bay.seen.pilot in (Pilot.C, Pilot.D)
    return bay.seen.plugged


def wants_energy(state: ChargePoint, connector: int, now: float) -> bool:
    """Whether the contactor should be closed now (safety 3)."""
    return (
        limit_a(state, connector, now) > 0
        and asks(state, connector)
        and not waits_to_reclose(state, connector, now)
    )


def must_cut(state: ChargePoint, connector: int) -> bool:
    """Whether the contactor may not wait for the load to go: danger, or nobody is there."""
    bay = state.bay(connector)
    seen = bay.seen
    if bay.connector.urgent or seen.lost is not None or seen.tripped:
        return True
    if not state.setup.traits[connector - 1].has_pilot:
        return True
    return not seen.plugged or seen.pilot not in (Pilot.C, Pilot.D)


def permits_energy(state: ChargePoint, connector: int) -> bool:
    """Whether the newest state still orders the contactor closed: the gate at the ENERGISE beat."""
    return state.bay(connector).contactor.ordered


def permitted_a(state: ChargePoint, connector: int) -> float:
    """The current the newest state still offers: the gate for `Raise`."""
    return state.bay(connector).contactor.offered_a


def locks(state: ChargePoint, connector: int) -> bool:
    """Whether the cable should be locked (ruling 14)."""
    bay = state.bay(connector)
    locked = (Phase.OPENING, Phase.CHARGING, Phase.STOPPING, Phase.RECOVERING)
    live = bay.seen.welded or bay.seen.contactor_closed
    return bay.connector.phase in locked or bay.connector.keeps_lock or live


def status(state: ChargePoint, connector: int, now: float) -> ConnectorStatus:
    """OCPP status of *connector*; 0 is the station, which knows three of them (4.9)."""
    if connector == 0:
        in_service = state.station.service is AvailabilityType.OPERATIVE
        return ConnectorStatus.AVAILABLE if in_service else ConnectorStatus.UNAVAILABLE
    if fault(state, connector, now) is not None:
        return ConnectorStatus.FAULTED
    bay = state.bay(connector)
    if bay.transaction is not None:
        return _of_the_transaction(state, connector, now)
    if unrecorded(state) is not None:
        return ConnectorStatus.FAULTED
    if bay.service.availability is AvailabilityType.INOPERATIVE:
        return ConnectorStatus.UNAVAILABLE
    waits = bay.connector.phase in (Phase.IDLE, Phase.PREPARING) and bay.connector.permit is None
    if waits and connector in kept(state, now):
        return ConnectorStatus.RESERVED  # a plug alone changes nothing (ruling 23)
    match bay.connector.phase:
        case Phase.FINISHING:
            return ConnectorStatus.FINISHING
        case Phase.PREPARING | Phase.OPENING:
            return ConnectorStatus.PREPARING
        case _ if is_updating(state) or state.station.supply_lost:
            return ConnectorStatus.UNAVAILABLE
        case _:
            return ConnectorStatus.AVAILABLE


def _of_the_transaction(state: ChargePoint, connector: int, now: float) -> ConnectorStatus:
    bay = state.bay(connector)
    if bay.connector.phase in (Phase.STOPPING, Phase.RECOVERING):
        return _as_before(bay, ConnectorStatus.SUSPENDED_EVSE)
    if withholds(state, connector, now):
        return ConnectorStatus.SUSPENDED_EVSE
    if not asks(state, connector):
        return ConnectorStatus.SUSPENDED_EV
    if waits_to_reclose(state, connector, now):
        return ConnectorStatus.SUSPENDED_EVSE
    if not bay.seen.contactor_closed:  # ordered, not yet seen: nothing new to say
        return _as_before(bay, ConnectorStatus.PREPARING)
    if not state.setup.traits[connector - 1].has_pilot and _draws_nothing(bay):
        return ConnectorStatus.SUSPENDED_EV
    return ConnectorStatus.CHARGING


def _as_before(bay: Bay, otherwise: ConnectorStatus) -> ConnectorStatus:
    """The status stays as it was, but a fault or reservation that is over is not told again."""
    before = bay.notice.candidate
    if before is None or before[0] in (ConnectorStatus.FAULTED, ConnectorStatus.RESERVED):
        return otherwise
    return before[0]


def _draws_nothing(bay: Bay) -> bool:
    low_since, last = bay.contactor.low_since, bay.metering.last
    if low_since is None or last is None:
        return False
    return last.at.monotonic - low_since >= IDLE_AFTER_S


_LAMPS: Final = {
    ConnectorStatus.AVAILABLE: Lamp.AVAILABLE,
    ConnectorStatus.PREPARING: Lamp.READY,
    ConnectorStatus.CHARGING: Lamp.CHARGING,
    ConnectorStatus.SUSPENDED_EV: Lamp.SUSPENDED,
    ConnectorStatus.SUSPENDED_EVSE: Lamp.SUSPENDED,
    ConnectorStatus.FINISHING: Lamp.FINISHED,
    ConnectorStatus.RESERVED: Lamp.UNAVAILABLE,
    ConnectorStatus.UNAVAILABLE: Lamp.UNAVAILABLE,
    ConnectorStatus.FAULTED: Lamp.FAULTED,
}


def lamp(state: ChargePoint, connector: int) -> Lamp:
    """What the lamp says: the status, unless a card was just refused or the driver must wait."""
    bay = state.bay(connector)
    if connector in state.station.authorisation.refused_until:
        return Lamp.REFUSED
    if bay.notice.candidate is None:
        return Lamp.OFF
    told = bay.notice.candidate[0]
    is_free = bay.transaction is None and told is not ConnectorStatus.FAULTED
    if is_free and state.station.cards.opened_at is not None:
        return Lamp.SETUP
    busy = bay.connector.phase in (Phase.OPENING, Phase.STOPPING)
    asked_here = told is ConnectorStatus.PREPARING or (
        told is ConnectorStatus.RESERVED and bay.seen.plugged
    )
    asking = state.station.authorisation.asking > 0 and asked_here
    return Lamp.WAITING if busy or asking else _LAMPS[told]


def error(state: ChargePoint, connector: int, now: float) -> tuple[ErrorCode, str | None]:
    """ErrorCode and info that go with the status."""
    if connector == 0:
        if state.station.reader_lost is not None:
            return ErrorCode.READER_FAILURE, "card reader does not answer"
        return ErrorCode.NO_ERROR, None
    bay = state.bay(connector)
    found = fault(state, connector, now)
    if found is None and bay.transaction is None:
        found = unrecorded(state)
    if found is not None:
        return found
    gone = bay.connector.phase is Phase.CHARGING and bay.seen.pilot is Pilot.A
    return ErrorCode.NO_ERROR, "EV side disconnected" if gone else None
