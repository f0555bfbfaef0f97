"""One process in the crash world, and its end."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from edge.core.deadlines import next_deadline
from edge.core.effects import Ask, Send
from edge.core.levels import permits_energy, permitted_a
from edge.core.messages import BootNotification
from edge.core.setup import EvseTraits, Setup
from edge.core.step import step
from edge.runtime.loop import Loop, Rules
from edge.runtime.recorder import Recorder

RULES = Rules(
    step=step, next_deadline=next_deadline, permits_energy=permits_energy, permitted_a=permitted_a
)


KEYS = {
    "LocalPreAuthorize": "true",
    "AllowOfflineTxForUnknownId": "true",
    "TransactionMessageAttempts": "2",
    "TransactionMessageRetryInterval": "1",
}


def setup_of(number: int, *, kernel: int, connectors: int) -> Setup:
    """The station as process *number* finds it."""
    return Setup(
        identity=BootNotification(charge_point_vendor="T", charge_point_model="B"),
        traits=(EvseTraits(has_pilot=True),) * connectors,
        nonce=f"{number:024x}",
        kernel_boot=str(kernel),
        overrides=KEYS,
    )


class Death(Exception):
    """The process is no more."""


@dataclass
class Life:
    """One process: from a start to its death."""

    number: int
    loop: Loop[Any]
    recorder: Recorder
    linked: bool = False
    queue: deque[Ask | Send] = field(default_factory=deque)
    flying: Ask | Send | None = None
    calls: int = 0
