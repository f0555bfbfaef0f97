"""Machine `restarting`: Reset.

Every transaction is stopped and its StopTransaction written before the process ends; a soft reset
also waits a little for its delivery. Source: OCPP 1.6 5.14, errata 3.36; ruling 39.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edge.core import jobs
from edge.core.commands import Reset, ResetConf
from edge.core.draft import Draft
from edge.core.effects import Reply, Restart
from edge.core.facts import MustStop, SecurityNoticed
from edge.core.records import ResetAccepted
from edge.core.state import Restarting
from edge.core.vocabulary import ResetType, SecurityEvent, StopReason

HARD_WITHIN_S: Final = 10.0  # the ramp, the contactor and the end register; then it restarts anyway

_REASONS: Final = {ResetType.HARD: StopReason.HARD_RESET, ResetType.SOFT: StopReason.SOFT_RESET}


def on_reset(draft: Draft, call_id: int, command: Reset) -> None:
    """Accepted once, a soft one not amid a transfer; all is written before anything ends."""
    transferring = command.type is ResetType.SOFT and jobs.is_at_work(draft.station.jobs)
    if draft.station.restarting is not None or transferring:
        draft.do(Reply(call_id=call_id, answer=ResetConf(status="Rejected")))
        return
    draft.write(ResetAccepted(type=command.type, at=draft.at))
    draft.do(Reply(call_id=call_id, answer=ResetConf(status="Accepted")))
    soft = command.type is ResetType.SOFT
    delivery_s = draft.policy.soft_reset_within_s if soft else 0.0
    until = draft.now + HARD_WITHIN_S + delivery_s
    draft.put_station(restarting=Restarting(type=command.type, since=draft.now, until=until))
    info = f"{command.type} reset, asked for by the central system"
    draft.tell(SecurityNoticed(event=SecurityEvent.RESET_OR_REBOOT, info=info))
    reason = _REASONS[command.type]
    draft.tell(*(MustStop(connector=number, reason=reason) for number in draft.state.connectors))


def settle(draft: Draft) -> None:
    """End the process when nothing is left to do, or time is up. Runs after each step's facts."""
    restarting = draft.station.restarting
    if restarting is None or restarting.done:
        return
    idle = all(bay.transaction is None for bay in draft.state.bays)
    hard = restarting.type is ResetType.HARD
    delivered = hard or draft.station.outbox.count == 0
    if (idle and delivered) or draft.now >= restarting.until:
        draft.put_station(restarting=replace(restarting, done=True))
        draft.do(Restart(hard=hard))
