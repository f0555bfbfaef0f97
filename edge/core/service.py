"""Machine `service`: in and out of service by ChangeAvailability, at once or when the car is gone.

Source: OCPP 1.6 5.2, 4.9; ruling 16. Survives a reboot.
"""

from __future__ import annotations

from dataclasses import replace

from edge.core import levels
from edge.core.bay import Phase, Service
from edge.core.commands import ChangeAvailability, ChangeAvailabilityConf
from edge.core.draft import Draft
from edge.core.effects import Reply
from edge.core.records import AvailabilityChanged
from edge.core.vocabulary import AvailabilityType, ConnectorStatus


def on_change(draft: Draft, call_id: int, command: ChangeAvailability) -> None:
    """Accepted at once, Scheduled behind a car, Rejected for a connector we have not got."""
    if command.connector_id == 0:
        status = _change_all(draft, command.type)
    elif command.connector_id in draft.state.connectors:
        status = _change(draft, command.connector_id, command.type)
    else:
        status = "Rejected"
    draft.do(Reply(call_id=call_id, answer=ChangeAvailabilityConf(status=status)))


def _change_all(draft: Draft, wanted: AvailabilityType) -> str:
    """Connector 0 is the station and every connector on it."""
    if draft.station.service is not wanted:
        draft.put_station(service=wanted)
        draft.write(AvailabilityChanged(connector=0, availability=wanted))
    answers = [_change(draft, connector, wanted) for connector in draft.state.connectors]
    return "Scheduled" if "Scheduled" in answers else "Accepted"


def _change(draft: Draft, connector: int, wanted: AvailabilityType) -> str:
    """A wish that is scheduled is written at once: a reboot carries it out."""
    service = draft.bay(connector).service
    if (service.scheduled or service.availability) is not wanted:
        draft.write(AvailabilityChanged(connector=connector, availability=wanted))
    if service.availability is wanted:
        _put(draft, connector, replace(service, scheduled=None))
        return "Accepted"
    if wanted is AvailabilityType.INOPERATIVE and _is_busy(draft, connector):
        _put(draft, connector, replace(service, scheduled=wanted))
        return "Scheduled"
    _put(draft, connector, Service(availability=wanted))
    return "Accepted"


def _is_busy(draft: Draft, connector: int) -> bool:
    """A car or a driver is here; faulted or reserved without a session waits for nobody."""
    bay = draft.bay(connector)
    free = (ConnectorStatus.FAULTED, ConnectorStatus.RESERVED)
    unused = bay.connector.phase is Phase.IDLE
    unused = unused or levels.status(draft.state, connector, draft.now) in free
    return bay.transaction is not None or not unused


def _put(draft: Draft, connector: int, service: Service) -> None:
    draft.put(connector, service=service)


def settle(draft: Draft) -> None:
    """What was scheduled happens when the connector is free. Runs after each step's facts."""
    for connector in draft.state.connectors:
        bay = draft.bay(connector)
        if bay.service.scheduled is not None and bay.connector.phase is Phase.IDLE:
            _put(draft, connector, Service(availability=bay.service.scheduled))
