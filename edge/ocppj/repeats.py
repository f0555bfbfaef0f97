"""Calls that come twice: answered once while open, and the same again afterwards (ruling 7)."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from enum import Enum
from typing import Final

import msgspec

from edge.ocppj.guard import Call

REMEMBERED: Final = 64
"""How many answers are kept, in RAM: a central system repeats what it lately asked."""

TRANSACTION_ACTIONS: Final = frozenset({"StartTransaction", "StopTransaction", "MeterValues"})


class Arrival(Enum):
    """What a call is to us when it comes in."""

    NEW = "new"
    ATTACHED = "attached"  # the same call is open: one answer serves both
    CLASHING = "clashing"  # the id belongs to another call


class Repeats:
    """The calls open now, by id, and the last CALLRESULTs sent (*remembered* of them).

    Of the actions that are *absorbed* none is remembered: their owner does them again, and sees by
    their content that nothing is new.
    """

    def __init__(
        self, remembered: int = REMEMBERED, *, absorbed: frozenset[str] = frozenset()
    ) -> None:
        self._remembered = remembered
        self._absorbed = absorbed
        self._open: dict[str, Call] = {}
        self._answers: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def reopen(self) -> None:
        """A new connection begins: what was open on the last one will not be answered there."""
        self._open.clear()

    def arrived(self, call: Call) -> Arrival:
        """Judge *call* as it comes in; `NEW` must be followed by `closed`."""
        known = self._open.get(call.unique_id)
        if known is not None:
            attaches = self._remembered > 0 or call.action in TRANSACTION_ACTIONS
            same = attaches and _fingerprint(known) == _fingerprint(call)
            return Arrival.ATTACHED if same else Arrival.CLASHING
        kept = self._answers.get(call.unique_id)
        if kept is not None and kept[0] != _fingerprint(call):
            return Arrival.CLASHING
        self._open[call.unique_id] = call
        return Arrival.NEW

    def answer_kept(self, unique_id: str) -> str | None:
        """The frame this id was answered with before."""
        kept = self._answers.get(unique_id)
        return kept[1] if kept else None

    def closed(self, unique_id: str, result: str | None) -> None:
        """The open call is over; *result* is its CALLRESULT frame, `None` for any other end."""
        call = self._open.pop(unique_id)
        if result is None or self._remembered == 0 or call.action in self._absorbed:
            return
        self._answers[unique_id] = (_fingerprint(call), result)
        self._answers.move_to_end(unique_id)
        if len(self._answers) > self._remembered:
            self._answers.popitem(last=False)


def _fingerprint(call: Call) -> bytes:
    content = _CANONICAL.encode([call.action, call.payload])
    return hashlib.blake2b(content, digest_size=16).digest()


_CANONICAL: Final = msgspec.json.Encoder(order="deterministic")
