"""A recording stepped again: the same decisions, or the first that is another.

Decisions are compared as they are written, so that an effect which this version does not know any
more is a difference like any other. What this version cannot read is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from edge.core.events import Event
from edge.core.state import ChargePoint
from edge.core.step import step
from edge.errors import RecordingUnreadable
from edge.recording.codec import Codec
from edge.recording.lines import FORMAT, fields, plain, told, told_error

EVENTS: Final[Mapping[str, type]] = {kind.__name__: kind for kind in get_args(Event)}
HEAD_WORDS: Final = 4  # "event", number, class, fields

BUGS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a step raises when the core is wrong: a decision to compare, like any other."""

Step = Callable[[ChargePoint, Event], tuple[ChargePoint, tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Event *number* of a recording, and the lines of what was decided.

    *frames* are the lines of what passed the line before it.
    """

    number: int
    kind: str
    said: str
    frames: Sequence[str] = ()
    decided: Sequence[str] = ()

    def with_decisions(self, decided: Sequence[str]) -> Recorded:
        """The same event, and what was made of it today."""
        return replace(self, decided=tuple(decided))

    def text(self) -> str:
        """The lines as they are in the file."""
        head = f"event {self.number} {self.kind} {self.said}"
        return "\n".join((*self.frames, head, *(f"  {line}" for line in self.decided), ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A recording that is being read: by which version, the state as it is written, and the rest.

    *first* is the number of the first event.
    """

    version: str
    first: str
    state: str
    events: Iterator[Recorded]

    def head(self) -> str:
        """The lines before the first event, as they are in the file."""
        return f"{FORMAT}\nversion {self.version}\nstate {self.first} {self.state}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """Where this version decides otherwise; *expected* or *got* is empty where one has no more."""

    number: int
    kind: str
    expected: str
    got: str


def read(lines: Iterable[str]) -> Script:
    """Read a recording; raises `RecordingUnreadable`, for later lines when they are come to."""
    source = (line.rstrip("\n") for line in lines)
    first = next(source, "")
    if first != FORMAT:
        raise RecordingUnreadable(f'this is no recording: it begins with "{first[:40]}"')
    version = _after(source, "version")
    number, _, state = _after(source, "state").partition(" ")
    return Script(version=version, first=number, state=state, events=_events(source))


def _after(source: Iterator[str], word: str) -> str:
    head, _, rest = next(source, "").partition(" ")
    if head != word:
        raise RecordingUnreadable(f'the line "{word} …" is missing')
    return rest


def _events(source: Iterator[str]) -> Iterator[Recorded]:
    event: Recorded | None = None
    decided: list[str] = []
    frames: list[str] = []
    for line in source:
        if line.startswith("  "):
            decided.append(line[2:])
        elif line.startswith("frame "):
            frames.append(line)
        else:
            if event is not None:
                yield replace(event, decided=tuple(decided))
            event = _event(line, tuple(frames))
            decided, frames = [], []
    if event is not None:
        yield replace(event, decided=tuple(decided))


def _event(line: str, frames: tuple[str, ...]) -> Recorded:
    words = line.split(" ", HEAD_WORDS - 1)
    if len(words) != HEAD_WORDS or words[0] != "event" or not words[1].isdecimal():
        raise RecordingUnreadable(f"this line is of no recording: {line[:60]}")
    return Recorded(number=int(words[1]), kind=words[2], said=words[3], frames=frames)


def play(script: Script, decide: Step = step) -> Iterator[tuple[Recorded, tuple[str, ...]]]:
    """Each event, and the lines of what *decide* makes of it; raises `RecordingUnreadable`."""
    codec = Codec()
    state: ChargePoint = codec.decode(ChargePoint, fields(script.state))
    for recorded in script.events:
        event = _decoded(codec, recorded, script.version)
        try:
            state, effects = decide(state, event)
        except BUGS as error:
            yield recorded, (told_error(error),)
        else:
            yield recorded, tuple(told(codec, effect) for effect in effects)


def _decoded(codec: Codec, recorded: Recorded, version: str) -> Event:
    where = f"event {recorded.number} of a recording of version {version}"
    kind = EVENTS.get(recorded.kind)
    if kind is None:
        raise RecordingUnreadable(f"{where}: this version knows no {recorded.kind}")
    try:
        event: Event = codec.decode(kind, fields(recorded.said))
    except RecordingUnreadable as problem:
        raise RecordingUnreadable(f"{where}: {problem}") from problem
    return event


def divergence(recorded: Recorded, decided: Sequence[str]) -> Divergence | None:
    """The first decision that is not the one recorded, if there is one."""
    for number in range(max(len(recorded.decided), len(decided))):
        expected, got = (
            lines[number] if number < len(lines) else "" for lines in (recorded.decided, decided)
        )
        if plain(expected) != plain(got):
            return Divergence(
                number=recorded.number, kind=recorded.kind, expected=expected, got=got
            )
    return None
