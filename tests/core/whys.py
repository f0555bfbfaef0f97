"""What `why` owes in every state: a name exactly where something stands in the way."""

from __future__ import annotations

from edge.core import levels, why
from edge.core.bay import Phase
from edge.core.state import ChargePoint
from edge.core.vocabulary import ConnectorStatus


def check_why(state: ChargePoint, now: float) -> None:
    """Hold every connector against the gates that the machines themselves use."""
    for connector in state.connectors:
        found = why.causes(state, connector, now)
        goes = _flows if state.bay(connector).transaction is not None else _is_open
        assert bool(found) is not goes(state, connector, now), found
        assert all(one.since is None or one.since <= now for one in found), found
        assert all(one.what and one.remedy for one in found)
        if found:
            _check_first(state, connector, now, found[0].what)


def _is_open(state: ChargePoint, connector: int, now: float) -> bool:
    """Whether somebody could be let in now and begin."""
    station, phase = state.station, state.bay(connector).connector.phase
    free = phase in (Phase.IDLE, Phase.PREPARING, Phase.FINISHING)
    heard = not station.readers_lost or station.registration.online
    reserved = levels.status(state, connector, now) is ConnectorStatus.RESERVED
    begins = levels.may_begin(state, connector, now)
    return begins and free and heard and not reserved and not station.authorisation.asking


def _flows(state: ChargePoint, connector: int, now: float) -> bool:
    """Whether the contactor is closed because it should be, and the car draws."""
    bay = state.bay(connector)
    return (
        levels.wants_energy(state, connector, now)
        and levels.permits_energy(state, connector)
        and bay.seen.contactor_closed
        and not levels.draws_nothing(bay)
    )


def _check_first(state: ChargePoint, connector: int, now: float, what: str) -> None:
    """What weighs most is what the status says, if that says anything."""
    passing = (Phase.STOPPING, Phase.RECOVERING)
    if state.bay(connector).connector.phase in passing:
        return
    if levels.status(state, connector, now) is ConnectorStatus.FAULTED:
        assert what == levels.error(state, connector, now)[1]
