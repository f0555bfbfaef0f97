"""The script of `tapwatt sim chaos`: what happens when, drawn from a seed or read from a file.

A line is a verb of the bay with its arguments and its moment, as JSON. Whatever else stands in the
file is passed over, so that the output of a run is the script of its repetition.

One thing is kept apart on purpose: no session ends while its meter is silent, lies or stands still.
What a meter shows to nobody, nobody can bill, and the comparison at the end would blame it on us.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from edge.errors import ConfigError

LEAST_S: Final = 30.0
MOST_S: Final = 3600.0
MOST_ACTS: Final = 20_000
SETTLED_S: Final = 3.0  # before and after the end of a session its meter is left in peace
RESTARTED_S: Final = 8.0  # the meter is read by a controller that has come up again
FIRST_S: Final = 1.0
LAST_S: Final = 3.0  # before the end nothing new begins

PLAYED: Final = frozenset(
    {
        "plug",
        "unplug",
        "ev",
        "card",
        "fault",
        "clear",
        "lock",
        "button",
        "meter.fail",
        "bus",
        "reader.fail",
        "net",
        "clock",
        "disk",
        "process",
        "power",
    }
)
"""Verbs that a script may use: those that a bay gets over."""

DEADLY: Final = (("process", "kill"), ("power", "kill"), ("power", "off"))
"""After these the controller must be started again."""

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One verb at one moment, in seconds from the begin."""

    at_s: float
    op: str
    arguments: Arguments = field(default_factory=dict)

    @property
    def is_deadly(self) -> bool:
        """Whether the controller's process ends with it."""
        return (self.op, self.arguments.get("mode")) in DEADLY

    def __str__(self) -> str:
        return json.dumps({"at_s": self.at_s, "op": self.op, **self.arguments})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A charging point of the configuration: who charges there, and at which reader he taps."""

    connector: int
    reader: int | None
    card: str


def read(file: Path) -> tuple[Act, ...]:
    """The acts in *file*, in their order; raises `ConfigError`."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read ({error}): check --script") from error
    acts = [_act(f"{file}:{n}", line) for n, line in enumerate(lines, 1) if line.startswith("{")]
    if not acts:
        raise ConfigError(f'{file} holds no line such as {{"at_s": 1.0, "op": "plug", …}}')
    if len(acts) > MOST_ACTS:
        raise ConfigError(f"{file} has {len(acts)} lines, {MOST_ACTS} are played at most")
    return tuple(sorted(acts, key=lambda act: act.at_s))


def _act(place: str, line: str) -> Act:
    try:
        said = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{place} is no JSON: {error}") from error
    at_s, op = said.pop("at_s", None), said.pop("op", None)
    if isinstance(at_s, bool) or not isinstance(at_s, int | float) or not 0 <= at_s <= MOST_S:
        raise ConfigError(f"{place}: at_s must be a number of seconds from 0 to {MOST_S:.0f}")
    if not isinstance(op, str) or op not in PLAYED:
        raise ConfigError(f"{place}: op must be one of {', '.join(sorted(PLAYED))}")
    return Act(at_s=float(at_s), op=op, arguments=said)


def draw(seed: int, for_s: float, places: Sequence[Place], buses: Sequence[str]) -> tuple[Act, ...]:
    """A script of *for_s* seconds: drivers who come and go at *places*, and faults all the time.

    *buses* are the serial lines that can be held. The same arguments give the same script.
    """
    random = Random(seed)  # noqa: S311  a script to repeat, no secret
    drawn = _Drawing(random, for_s)
    for place in places:
        drawn.visits(place)
    drawn.deaths()
    drawn.troubles(places, buses)
    return tuple(sorted(drawn.acts, key=lambda act: act.at_s))


class _Drawing:
    """A script while it is drawn: its acts, and when no meter may be disturbed."""

    def __init__(self, random: Random, for_s: float) -> None:
        self.acts: list[Act] = []
        self._random = random
        self._until_s = for_s - LAST_S
        self._endings: list[tuple[float, float]] = []
        self._ill_until: dict[str, float] = {}

    def visits(self, place: Place) -> None:
        """Cars and cards at one charging point, one after the other."""
        at_s = FIRST_S + self._random.uniform(0.0, 2.0)
        while at_s < self._until_s - LAST_S:
            at_s = self._visit(place, at_s)

    def _visit(self, place: Place, at_s: float) -> float:
        connector = place.connector
        self._act(at_s, "plug", connector=connector, bounces=self._random.choice((0, 0, 0, 3, 7)))
        at_s = self._tap(place, at_s + self._random.uniform(0.8, 1.5))
        leaves_s = at_s + self._random.uniform(8.0, 22.0)
        if self._random.random() < 0.2:  # noqa: PLR2004  every fifth car takes a rest
            self._act(at_s + 4.0, "ev", connector=connector, state="B")
            self._act(at_s + 6.0, "ev", connector=connector, state="C")
        if leaves_s >= self._until_s:
            return leaves_s
        self._endings.append((leaves_s - SETTLED_S, leaves_s + SETTLED_S))
        if self._random.random() < 0.6:  # noqa: PLR2004  the others just pull the plug
            leaves_s = self._tap(place, leaves_s) + self._random.uniform(0.8, 1.5)
        self._act(leaves_s, "unplug", connector=connector)
        return leaves_s + self._random.uniform(1.5, 5.0)

    def _tap(self, place: Place, at_s: float) -> float:
        if place.reader is not None:
            self._act(at_s, "card", uid=place.card, reader=place.reader)
        return at_s

    def deaths(self) -> None:
        """The process is killed and the power goes, by turns."""
        kinds = ["process", "power"]
        for op, at_s in zip(self._shuffled(kinds) * 100, self._moments(20.0, 40.0), strict=False):
            self._act(at_s, op, mode="kill")
            self._endings.append((at_s - SETTLED_S, at_s + RESTARTED_S))

    def troubles(self, places: Sequence[Place], buses: Sequence[str]) -> None:
        """All else, each kind as often as the others, none for long."""
        kinds = [self._line, self._line, self._half, self._clock, self._disk]
        kinds += [lambda at_s: self._meter(at_s, places)] * 3 if places else []
        kinds += [lambda at_s: self._held(at_s, buses)] if buses else []
        kinds += [lambda at_s: self._reader(at_s, places)]
        order = self._shuffled(kinds)
        for turn, at_s in enumerate(self._moments(1.5, 4.5)):
            order[turn % len(order)](at_s)

    def _line(self, at_s: float) -> None:
        mode = self._random.choice(("down", "refuse", "blackhole"))
        self._act(at_s, "net", mode=mode, for_s=round(self._random.uniform(1.0, 7.0), 1))

    def _half(self, at_s: float) -> None:
        self._act(at_s, "net", mode="half", after_bytes=self._random.randint(1, 120))

    def _clock(self, at_s: float) -> None:
        self._act(at_s, "clock", offset_s=float(self._random.randint(-5000, 5000)))

    def _disk(self, at_s: float) -> None:
        mode = self._random.choice(("full", "read_only", "broken", "ok"))
        delay_s = 0.2 if mode == "ok" else 0.0
        until_s = at_s + self._random.uniform(1.0, 5.0)
        if self._begins("disk", at_s, until_s):
            self._act(at_s, "disk", mode=mode, delay_s=delay_s)
            self._act(until_s, "disk", mode="ok")

    def _meter(self, at_s: float, places: Sequence[Place]) -> None:
        connector = self._random.choice(places).connector
        modes = ("timeout", "late", "crc", "stuck", "stuck", "wrong_unit", "short", "busy")
        mode, until_s = self._random.choice(modes), at_s + self._random.uniform(0.5, 2.5)
        if self._is_calm(at_s, until_s) and self._begins(f"meter {connector}", at_s, until_s):
            self._act(at_s, "meter.fail", connector=connector, mode=mode)
            self._act(until_s, "meter.fail", connector=connector, mode="none")

    def _held(self, at_s: float, buses: Sequence[str]) -> None:
        name, until_s = self._random.choice(buses), at_s + self._random.uniform(0.5, 2.0)
        if self._is_calm(at_s, until_s) and self._begins(f"bus {name}", at_s, until_s):
            self._act(at_s, "bus", name=name, fault="held")
            self._act(until_s, "bus", name=name, fault="none")

    def _reader(self, at_s: float, places: Sequence[Place]) -> None:
        readers = sorted({place.reader for place in places if place.reader is not None})
        mode = self._random.choice(("silent", "garbled", "late", "duplicate"))
        until_s = at_s + self._random.uniform(1.0, 3.0)
        reader = self._random.choice(readers) if readers else None
        if reader is not None and self._begins(f"reader {reader}", at_s, until_s):
            self._act(at_s, "reader.fail", reader=reader, on=True, mode=mode)
            self._act(until_s, "reader.fail", reader=reader, on=False)

    def _begins(self, what: str, at_s: float, until_s: float) -> bool:
        """Whether *what* is well at *at_s*; then it is not until *until_s*."""
        is_well = at_s > self._ill_until.get(what, 0.0)
        if is_well:
            self._ill_until[what] = until_s
        return is_well

    def _is_calm(self, begin_s: float, end_s: float) -> bool:
        """Whether no session ends, as far as planned, while a meter is not to be trusted."""
        return all(end_s < first or begin_s > last for first, last in self._endings)

    def _moments(self, least_s: float, most_s: float) -> Iterator[float]:
        """Moments with random pauses between them, until the script ends."""
        at_s = FIRST_S + self._random.uniform(least_s, most_s)
        while at_s < self._until_s:
            yield at_s
            at_s += self._random.uniform(least_s, most_s)

    def _shuffled(self, items: list[Any]) -> list[Any]:
        return self._random.sample(items, len(items))

    def _act(self, at_s: float, op: str, **arguments: Any) -> None:
        self.acts.append(Act(at_s=round(at_s, 1), op=op, arguments=arguments))
