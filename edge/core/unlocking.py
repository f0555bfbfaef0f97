"""Machine `unlocking`: UnlockConnector, answered from the lock's own feedback (ruling 14).

Source: OCPP 1.6 5.18.
"""

from __future__ import annotations

from typing import Final

from edge.core import levels
from edge.core.bay import Unlocking
from edge.core.commands import UnlockConnector, UnlockConnectorConf
from edge.core.draft import Draft
from edge.core.effects import Reply, SetLock
from edge.core.facts import Cancelled, MustStop
from edge.core.vocabulary import StopReason

WITHIN_S: Final = 10.0  # six to let the load go, two for the lock, two for the meter


def on_unlock(draft: Draft, call_id: int, command: UnlockConnector) -> None:
    """Stop what runs, then let go; a station without lock keeps the transaction (TC_018)."""
    connector = command.connector_id
    known = connector in draft.state.connectors
    if not known or not draft.state.setup.traits[connector - 1].has_lock:
        _reply(draft, call_id, "NotSupported")
        return
    waiting = draft.bay(connector).unlocking
    if waiting is not None:
        _reply(draft, waiting.call_id, "UnlockFailed")
    if not levels.locks(draft.state, connector):
        draft.do(SetLock(connector=connector, locked=False))  # it may have jammed: try again
    draft.put(connector, unlocking=Unlocking(call_id=call_id, until=draft.now + WITHIN_S))
    draft.tell(
        MustStop(connector=connector, reason=StopReason.UNLOCK_COMMAND),
        Cancelled(connector=connector),
    )


def settle(draft: Draft) -> None:
    """Answer as soon as the lock shows, or when patience ends. Runs after each step's facts."""
    for connector in draft.state.connectors:
        bay = draft.bay(connector)
        if bay.unlocking is None:
            continue
        free = bay.seen.locked is False and not levels.locks(draft.state, connector)
        if free or draft.now >= bay.unlocking.until:
            _reply(draft, bay.unlocking.call_id, "Unlocked" if free else "UnlockFailed")
            draft.put(connector, unlocking=None)


def _reply(draft: Draft, call_id: int, status: str) -> None:
    draft.do(Reply(call_id=call_id, answer=UnlockConnectorConf(status=status)))
