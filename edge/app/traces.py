"""`tapwatt edge privacy export|erase`: what this station holds of one card, and letting go of it.

What is still to be billed stays until it is; what is the central system's stays until it says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from edge.app.letters import written
from edge.core import cards
from edge.core.card_roles import ErasureAsked
from edge.core.instant import Instant
from edge.core.state import ChargePoint
from edge.drivers.journal import SqliteJournal
from edge.runtime.loop import Loop
from edge.runtime.recorder import Recorder

OWED: Final = {
    "open": "run: each is billed first, and its names go then",
    "waiting": "are not told yet: their names go when the central system has them",
    "refused": "were refused by the central system: see `tapwatt edge journal`, then resend",
}
"""Why sessions keep their names, by what `SqliteJournal.unsettled` counts."""


async def erase(
    journal: SqliteJournal,
    loop: Loop[ChargePoint],
    recorder: Recorder,
    at: Instant,
    names: Sequence[str],
) -> dict[str, Any]:
    """Let go of the card *names* as far as may be; what stays, each with its reason."""
    loop.post(ErasureAsked(at=at, id_tags=tuple(names)))
    await written(loop, recorder, "nothing is erased before it does")
    sessions = await journal.mark_erased(names)
    await journal.purge()
    counts = await journal.unsettled(names)
    held = await journal.held(names)
    kept = [f"{counts[name]} sessions {why}" for name, why in OWED.items() if counts[name]]
    return {
        "sessions": sessions,
        "kept": [*kept, *_others(loop.state, names, held), *_asides(journal.path)],
    }


def _others(state: ChargePoint, names: Sequence[str], held: dict[str, Any]) -> Iterator[str]:
    if held["local_list"]:
        yield "the central system's list has it: have it taken out there (SendLocalList)"
    if held["reservations"]:
        yield "a reservation has it: it ends by itself, or by CancelReservation"
    if any(cards.role(state, name) for name in names):
        yield "it has a role: `tapwatt edge cards remove`, or [cards] of the configuration"
    if held["security_log"]:
        yield "the security log has its last four letters"


def _asides(path: Path) -> Iterator[str]:
    for aside in sorted(path.parent.glob(f"{path.name}.damaged-*")):
        yield f"{aside.name} is a damaged journal that nobody has looked through: delete it"
