"""The last hours in memory: every event, what was decided about it, what passed the line.

Nothing is written to disk here. Lines are compressed as they come, in chapters; each remembers the
charge point at its beginning, a value that costs nothing to keep, and the oldest chapter goes when
there is no room. What is veiled is veiled before it gets in.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from edge.core.effects import Effect
from edge.core.events import Event
from edge.core.state import ChargePoint
from edge.recording.codec import Codec
from edge.recording.lines import FORMAT, told, told_error
from edge.recording.veil import Veil

MOST_BYTES: Final = 2 << 20  # compressed; hours of charging, and no more than log lines take
CHAPTERS: Final = 8
"""How many, when full: a hostile peer may make each beginning hold a local list of its own."""

LEVEL: Final = 1  # of zlib: a third larger than the best, at a fifth of its time
WINDOW_BITS: Final = 14
MEMORY_LEVEL: Final = 7


class _Chapter:
    """Lines after *state*, of which *first* is the number of the first event."""

    def __init__(self, state: ChargePoint, first: int) -> None:
        self.state = state
        self.first = first
        self.text_bytes = 0
        self._packed = bytearray()
        self._packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -WINDOW_BITS, MEMORY_LEVEL)

    def __len__(self) -> int:
        return len(self._packed)

    def add(self, lines: bytes) -> None:
        self.text_bytes += len(lines)
        self._packed += self._packer.compress(lines)

    def packed(self) -> bytes:
        """All lines so far, closed; more may follow."""
        return bytes(self._packed) + self._packer.copy().flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was recorded until a moment; `lines` may take long, in whichever thread."""

    version: str
    state: ChargePoint
    first: int
    packed: Sequence[bytes]
    codec: Codec

    def text(self) -> Iterator[bytes]:
        """The whole text, in parts."""
        state = msgspec.json.encode(self.codec.encode(self.state))
        yield f"{FORMAT}\nversion {self.version}\nstate {self.first} ".encode() + state + b"\n"
        for packed in self.packed:
            yield zlib.decompress(packed, -WINDOW_BITS)


class FlightRecorder:
    """Keeps at most *most_bytes*, told by *version* of the program."""

    def __init__(self, *, veil: Veil, version: str, most_bytes: int = MOST_BYTES) -> None:
        self._veil = veil
        self._codec = Codec(veil)
        self._version = version
        self._most_bytes = most_bytes
        self._chapters: deque[_Chapter] = deque()
        self._count = 0

    def stepped(self, before: ChargePoint, event: Event, effects: Sequence[Effect]) -> None:
        """*event* made *effects* of the charge point as it was *before*."""
        self._event(before, event, [f"  {told(self._codec, effect)}" for effect in effects])

    def raised(self, before: ChargePoint, event: Event, error: BaseException) -> None:
        """*event* was too much for the core: the last line there is."""
        self._event(before, event, [f"  {told_error(error)}"])

    def frame(self, direction: str, frame: str | bytes) -> None:
        """A *frame* passed the line, *direction* `in` or `out`; let go where there is no room.

        Only an event can begin a chapter.
        """
        if self._chapters and self.size <= self._most_bytes:
            self._chapters[-1].add(f"frame {direction} {self._veil.frame(frame)}\n".encode())

    def recording(self, most_text: int | None = None) -> Recording | None:
        """What there is, the newest chapters that make *most_text* bytes of text, one at least."""
        chosen: list[_Chapter] = []
        size = 0
        for chapter in reversed(self._chapters):
            size += chapter.text_bytes
            if chosen and most_text is not None and size > most_text:
                break
            chosen.insert(0, chapter)
        if not chosen:
            return None
        return Recording(
            version=self._version,
            state=chosen[0].state,
            first=chosen[0].first,
            packed=[chapter.packed() for chapter in chosen],
            codec=Codec(self._veil),
        )

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(map(len, self._chapters))

    def _event(self, before: ChargePoint, event: Event, after: list[str]) -> None:
        self._count += 1
        if not self._chapters or len(self._chapters[-1]) >= self._most_bytes // CHAPTERS:
            self._chapters.append(_Chapter(before, self._count))
        head = f"event {self._count} {told(self._codec, event)}"
        self._chapters[-1].add(self._veil.swept("\n".join((head, *after, ""))).encode())
        while self.size > self._most_bytes and len(self._chapters) > 1:
            self._chapters.popleft()
