"""Each effect and the driver call that carries it out: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from edge.core.effects import (
    Abandon,
    Ask,
    Cut,
    Effect,
    Energise,
    Fetch,
    FireTestCoil,
    HandBack,
    Install,
    LearnTime,
    Raise,
    ReadMeter,
    ReadOutbox,
    Rearm,
    Reconnect,
    Reduce,
    Refuse,
    Reply,
    ResetBackOff,
    Restart,
    Send,
    SetLock,
    Show,
    SwitchPhases,
    Upload,
    UseAccess,
    UsePings,
    UseRoots,
    VerifyImage,
)
from edge.core.events import MeterFailed
from edge.core.instant import Instant
from edge.core.x509 import CheckChain, InspectRoot, MakeSigningRequest, X509Question
from edge.errors import DriverError
from edge.ports import CentralSystem, Clock, EnergyMeter, Evse, Post

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """The drivers that effects reach, by connector."""

    clock: Clock
    evses: Mapping[int, Evse]
    meters: Mapping[int, EnergyMeter]
    central: CentralSystem
    post: Post
    look_up: Callable[[ReadOutbox], None]
    restart: Callable[[Restart], None]
    errand: Callable[[Fetch | Upload | VerifyImage | Install | Abandon], None]
    inquire: Callable[[X509Question], None]
    hand_back: Callable[[HandBack], None]


def perform(outfit: Outfit, effect: Effect) -> None:
    """Carry out *effect*; returns at once.

    A device that refuses is logged and no more: what it did or did not do comes back as an event,
    from its feedback contact or its latch.
    """
    try:
        DEEDS[type(effect)](outfit, effect)
    except DriverError as refusal:
        log.warning("effect_failed", effect=type(effect).__name__, why=str(refusal))


def _read_meter(outfit: Outfit, effect: ReadMeter) -> None:
    meter = outfit.meters.get(effect.connector)
    if meter is not None:
        meter.request(effect.ticket)
        return
    why = f"connector {effect.connector} has no meter: add [connectors.{effect.connector}.meter]"
    outfit.post(
        MeterFailed(
            at=outfit.clock.now(), connector=effect.connector, why=why, ticket=effect.ticket
        )
    )


def _learn(outfit: Outfit, effect: LearnTime) -> None:
    outfit.clock.learn(Instant(wall=effect.wall, monotonic=effect.monotonic))


def _ask(outfit: Outfit, effect: Ask) -> None:
    outfit.central.send(effect.ticket, effect.message_id, effect.message, effect.within_s)


def _send(outfit: Outfit, effect: Send) -> None:
    outfit.central.send(
        effect.ticket, effect.message_id, effect.message, effect.within_s, effect.behind
    )


def _reply(outfit: Outfit, effect: Reply | Refuse) -> None:
    outfit.central.reply(effect.call_id, effect.answer)


DEEDS: Final[dict[type, Callable[[Outfit, Any], None]]] = {
    Cut: lambda outfit, effect: outfit.evses[effect.connector].cut(),
    Reduce: lambda outfit, effect: outfit.evses[effect.connector].offer(effect.limit_a),
    SwitchPhases: lambda outfit, effect: outfit.evses[effect.connector].switch_phases(
        effect.phases
    ),
    Show: lambda outfit, effect: outfit.evses[effect.connector].show(effect.lamp),
    FireTestCoil: lambda outfit, effect: outfit.evses[effect.connector].fire_test_coil(),
    ReadMeter: _read_meter,
    LearnTime: _learn,
    Ask: _ask,
    ReadOutbox: lambda outfit, effect: outfit.look_up(effect),
    Reconnect: lambda outfit, _: outfit.central.reconnect(),
    Raise: lambda outfit, effect: outfit.evses[effect.connector].offer(effect.limit_a),
    Energise: lambda outfit, effect: outfit.evses[effect.connector].energise(),
    Rearm: lambda outfit, effect: outfit.evses[effect.connector].rearm(),
    Send: _send,
    Reply: _reply,
    Refuse: _reply,
    HandBack: lambda outfit, effect: outfit.hand_back(effect),
    SetLock: lambda outfit, effect: outfit.evses[effect.connector].set_lock(effect.locked),
    UseAccess: lambda outfit, effect: outfit.central.use_access(
        effect.attempts, reconnect=effect.reconnect
    ),
    UsePings: lambda outfit, effect: outfit.central.use_pings(effect.interval_s),
    ResetBackOff: lambda outfit, _: outfit.central.reset_back_off(),
    UseRoots: lambda outfit, effect: outfit.central.use_roots(effect.roots),
    InspectRoot: lambda outfit, effect: outfit.inquire(effect),
    CheckChain: lambda outfit, effect: outfit.inquire(effect),
    MakeSigningRequest: lambda outfit, effect: outfit.inquire(effect),
    Restart: lambda outfit, effect: outfit.restart(effect),
    Fetch: lambda outfit, effect: outfit.errand(effect),
    Upload: lambda outfit, effect: outfit.errand(effect),
    VerifyImage: lambda outfit, effect: outfit.errand(effect),
    Install: lambda outfit, effect: outfit.errand(effect),
    Abandon: lambda outfit, effect: outfit.errand(effect),
}
"""All effects but those of the recorder, `Write` and `Store`; a test holds the table complete."""
