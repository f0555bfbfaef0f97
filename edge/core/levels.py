"""What the outputs and the status should be, as pure functions of the state.

The loop compares before and after; nothing here is stored. Source of the status table: ruling 13;
of the gate to energy: safety 3, ruling 3.
"""

from __future__ import annotations

from typing import Final

from edge.core import holds, keys, limits
from edge.core.bay import Bay, Phase
from edge.core.effects import Lamp
from edge.core.events import Pilot
from edge.core.faults import fault, unrecorded, warning
from edge.core.records import Latch
from edge.core.state import ChargePoint
from edge.core.vocabulary import AvailabilityType, ConnectorStatus, ErrorCode
from edge.core.waiting import Purpose, ToStart, ToStop
from edge.core.work import JobKind, Stage

GONE: Final = "EV side disconnected"  # the standard's words for info
IDLE_AFTER_S: Final = 60.0
IDLE_POWER_W: Final = 100.0  # below it a car without pilot is taken not to draw (ruling 3)


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


def is_kept(state: ChargePoint, connector: int, now: float) -> bool:
    """Whether *connector*, where nobody was let in, waits for the one it is reserved for."""
    found = state.bay(connector).connector
    waits = found.phase in (Phase.IDLE, Phase.PREPARING) and found.permit is None
    return waits and connector in kept(state, now)


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
        and state.bay(connector).rcd_test.running is None
    )


def withholds(state: ChargePoint, connector: int, now: float) -> bool:
    """The station keeps energy from an open transaction (SuspendedEVSE)."""
    return (
        is_barred(state, connector, now)
        or limits.allowed_a(state, connector, now) == 0
        or is_switching(state, connector)
    )


def is_switching(state: ChargePoint, connector: int) -> bool:
    """A phase relay is about to move, or rests after it did (safety 23)."""
    return state.bay(connector).phases.since is not None


def is_barred(state: ChargePoint, connector: int, now: float) -> bool:
    """No energy whatever the limit: no session, a fault, or an invalid tag without grace."""
    bay = state.bay(connector)
    transaction = bay.transaction
    if transaction is None:
        return True
    if fault(state, connector, now) is not None:
        return True
    return is_unwelcome(state, connector)


def is_unwelcome(state: ChargePoint, connector: int) -> bool:
    """The central system does not accept the tag of the open transaction, and no grace is left."""
    bay = state.bay(connector)
    deauthorised = bay.transaction is not None and bay.transaction.deauthorised
    return deauthorised and not has_grace(state, bay)


def has_grace(state: ChargePoint, bay: Bay) -> bool:
    """Whether an invalid tag may still draw some energy (MaxEnergyOnInvalidId, 9.1.16)."""
    transaction = bay.transaction
    if transaction is None or bay.metering.last is None or transaction.deauthorised_wh is None:
        return False
    drawn_wh = bay.metering.last.energy_wh - transaction.deauthorised_wh
    return drawn_wh < keys.number(state, "MaxEnergyOnInvalidId")


def waits_to_reclose(state: ChargePoint, connector: int, now: float) -> bool:
    """The contactor opened a moment ago and rests before it closes again (safety 6)."""
    due = recloses_at(state, connector)
    return due is not None and now < due


def recloses_at(state: ChargePoint, connector: int) -> float | None:
    """When an open contactor has rested; `None` where it is ordered, or never opened."""
    contactor = state.bay(connector).contactor
    if contactor.opened_at is None or contactor.ordered:
        return None
    return contactor.opened_at + state.setup.policy.reclose_delay_s


def is_closed(bay: Bay) -> bool:
    """Whether the contactor is closed as ordered."""
    return bay.contactor.ordered and bay.seen.contactor_closed


def is_asking(purpose: Purpose) -> bool:
    """Whether the central system is asked about a card at the reader."""
    return isinstance(purpose, ToStart | ToStop)


def is_cut_off(state: ChargePoint) -> bool:
    """Nobody can be let in: neither is a card read, nor could a remote start come."""
    station = state.station
    lost = len(station.readers_lost) >= max(1, len(state.setup.readers))
    return lost and not station.registration.online


def limit_a(state: ChargePoint, connector: int, now: float) -> float:
    """Current to signal to the car, 0 = none."""
    bay = state.bay(connector)
    if bay.connector.phase is not Phase.CHARGING or withholds(state, connector, now):
        return 0.0
    return limits.allowed_a(state, connector, now)


def asks(state: ChargePoint, connector: int) -> bool:
    """Whether the car wants energy, as far as this charging point can know."""
    bay = state.bay(connector)
    if state.setup.traits[connector - 1].has_pilot:
        return bay.seen.pilot in (Pilot.C, Pilot.D)
    return is_plugged(state, connector)


def is_plugged(state: ChargePoint, connector: int) -> bool:
    """Whether a plug is in; where nobody can see, whoever was let in has one (ruling 3)."""
    seen = state.bay(connector).seen
    return seen.plugged or not state.setup.traits[connector - 1].has_plug_sense


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
    welded = bay.seen.welded or Latch.FLOWS_WHILE_OPEN in bay.latches
    live = welded or bay.seen.contactor_closed
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
    if is_kept(state, connector, now):
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
    if not state.setup.traits[connector - 1].has_pilot and draws_nothing(bay):
        return ConnectorStatus.SUSPENDED_EV
    return ConnectorStatus.CHARGING


def _as_before(bay: Bay, otherwise: ConnectorStatus) -> ConnectorStatus:
    """The status stays as it was, but a fault or reservation that is over is not told again."""
    before = bay.notice.candidate
    if before is None or before[0] in (ConnectorStatus.FAULTED, ConnectorStatus.RESERVED):
        return otherwise
    return before[0]


def draws_nothing(bay: Bay) -> bool:
    """Whether the car has drawn next to nothing for a minute, as far as the meter tells."""
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
    if connector in state.station.refusals:
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
        if state.station.readers_lost:
            return ErrorCode.READER_FAILURE, _readers_lost(state)
        return ErrorCode.NO_ERROR, None
    bay = state.bay(connector)
    found = fault(state, connector, now)
    if found is None and bay.transaction is None:
        found = unrecorded(state)
    if found is None:
        found = warning(state, connector, now)
    if found is not None:
        return found.code, found.info
    gone = bay.connector.phase is Phase.CHARGING and bay.seen.pilot is Pilot.A
    return ErrorCode.NO_ERROR, GONE if gone else None


def _readers_lost(state: ChargePoint) -> str:
    """The first that is away: info has room for 50 letters."""
    if len(state.setup.readers) <= 1:
        return "card reader does not answer"
    return f"card reader {min(state.station.readers_lost)} does not answer"
