"""Security events as its tests see them: raised, written, told, not heard yet."""

from __future__ import annotations

from edge.core import security_events
from edge.core.draft import Draft
from edge.core.effects import Write
from edge.core.facts import SecurityNoticed
from edge.core.messages import (
    CallError,
    NoAnswer,
    SecurityEventNotification,
)
from edge.core.vocabulary import SecurityEvent
from tests.core.build import Rig

REPLAY = SecurityEvent.ATTEMPTED_REPLAY_ATTACKS
TAMPER = SecurityEvent.TAMPER_DETECTION_ACTIVATED
FOREIGN = SecurityEvent.INVALID_CHARGE_POINT_CERTIFICATE
RESET = SecurityEvent.RESET_OR_REBOOT
STARTUP = SecurityEvent.STARTUP_OF_THE_DEVICE
REFUSED = CallError(code="NotSupported", description="what is that?")
IGNORED = NoAnswer(timed_out=True)
KIND = SecurityEventNotification


def noticed(rig: Rig, *facts: SecurityNoticed) -> list[object]:
    """What the machine writes when it is told *facts*, the rig's state following."""
    draft = Draft(rig.state, rig.instant)
    for fact in facts:
        security_events.on_noticed(draft, fact)
    rig.state = draft.state
    return [effect.record for effect in draft.effects if isinstance(effect, Write)]


def critical(rig: Rig, count: int = 1) -> None:
    """So many critical events happen, and the lane looks at them."""
    noticed(rig, *(SecurityNoticed(event=TAMPER, info=str(number)) for number in range(count)))
    rig.meter()


def infos(rig: Rig) -> list[str | None]:
    """What has been told of, in order."""
    return [one.tech_info for one in rig.messages(KIND)]


def left(rig: Rig) -> list[str | None]:
    """What has not been heard yet, in order."""
    return [line.info for line in rig.state.station.security_events.untold]


def quiet() -> Rig:
    """Online, and everything from the start has been heard."""
    rig = Rig().online()
    assert not left(rig)
    return rig
