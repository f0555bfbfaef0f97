"""What happens in a history: drawn from a seed, or read back from a file that a failure left.

An act is a moment, a word and its arguments; `World` knows the words. Everything else that is left
to chance (latencies, ids, jitter) follows from the seed, so a scenario is a history.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.world.bay import DAY_S
from tests.world.net import FAULTS
from tests.world.nodes import BLOCKED, FOREIGN, OTHER, TAG

Act = tuple[float, str, tuple[Any, ...]]

FAULTS_PER_DAY: Final = {
    "none": 0,
    "light": 3,
    "medium": 20,
    "heavy": 120,
    "offline": 8,
    "long": 40,
}
WEIGHTS: Final = {"light": 20, "medium": 5, "heavy": 1, "offline": 1, "long": 1}
DAYS: Final = {"none": 2, "light": 8, "medium": 3, "heavy": 1, "offline": 1, "long": 1}
VISITS_PER_DAY: Final = {"none": 3, "light": 1, "medium": 3, "heavy": 12, "offline": 4, "long": 6}
CHARGE_S: Final = {
    "none": 3000.0,
    "light": 1800.0,
    "medium": 1500.0,
    "heavy": 700.0,
    "offline": 9000.0,
    "long": 9000.0,
}
SAMPLES_S: Final = {"light": (300, 900), "offline": (60,)}
DRAWS_W: Final = (3700.0, 7360.0, 7360.0)
SWARM: Final = (0, 1, 1, 6)
"""Each seed has faults that it knows not, and some that it loves: what all have at once hides."""

LOVE: Final = 60
REAL_EVERY: Final = 20

COMMANDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("RemoteStartTransaction", {"idTag": TAG}),
    ("RemoteStartTransaction", {"idTag": OTHER, "connectorId": 2}),
    ("RemoteStopTransaction", {}),
    ("RemoteStopTransaction", {}),
    ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}),
    ("ChangeAvailability", {"connectorId": 1, "type": "Operative"}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
    ("Reset", {"type": "Soft"}),
    ("Reset", {"type": "Hard"}),
    ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}),
    ("TriggerMessage", {"requestedMessage": "StatusNotification"}),
    ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "120"}),
    ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "300"}),
    ("ClearCache", {}),
    ("GetConfiguration", {}),
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One history before it happens; times in seconds from midnight of its first day."""

    seed: int
    density: str
    days: int
    is_kept: bool
    sample_s: int
    heartbeat_s: int
    line_s: float
    edge_disk_s: float
    central_disk_s: float
    pre_authorize: bool
    real_sockets: bool
    acts: tuple[Act, ...]

    def write(self, path: Path) -> None:
        """Keep it as a file that `read` reads."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read(path: Path) -> Scenario:
    """Read what `Scenario.write` wrote."""
    told = json.loads(path.read_text())
    acts = tuple((at, word, tuple(arguments)) for at, word, arguments in told.pop("acts"))
    return Scenario(acts=acts, **told)


def draw(
    seed: int,
    *,
    density: str | None = None,
    loves: str | None = None,
    real_sockets: bool = False,
) -> Scenario:
    """The scenario of *seed*; the density of its faults is part of it, unless it is given.

    *loves* is a fault that comes much more often than others.
    """
    chance = Random(seed)
    drawn = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    density = density or drawn
    days = DAYS[density]
    acts = sorted(
        (*_people(chance, density, days), *_faults(chance, density, days, loves)),
        key=lambda act: act[0],
    )
    return Scenario(
        seed=seed,
        density=density,
        days=days,
        is_kept=chance.random() < 0.6,
        sample_s=chance.choice(SAMPLES_S.get(density, (60, 300, 900))),
        heartbeat_s=chance.choice((3600, 14_400)),
        line_s=chance.choice((0.02, 0.1, 0.5)),
        edge_disk_s=chance.choice((0.0, 0.02, 0.5, 3.0)),
        central_disk_s=chance.choice((0.0, 0.02, 1.0)),
        pre_authorize=chance.random() < 0.5,
        real_sockets=real_sockets,
        acts=tuple((round(at, 3), word, arguments) for at, word, arguments in acts),
    )


def of_years(seed: int) -> Scenario:
    """The scenario of *seed* among years of them: one in twenty speaks real WebSockets."""
    return draw(seed, real_sockets=seed % REAL_EVERY == 0)


# ── people ───────────────────────────────────────────────────────────────────────────────────────


def _people(chance: Random, density: str, days: int) -> Iterator[Act]:
    for connector in (1, 2):
        for day in range(days):
            visits = VISITS_PER_DAY[density]
            for slot in range(visits):
                if chance.random() < 0.85:
                    room_s = DAY_S / visits
                    began = day * DAY_S + slot * room_s + chance.random() * room_s * 0.3
                    charge_s = CHARGE_S[density] * chance.uniform(0.3, 1.7)
                    yield from _visit(chance, connector, began, min(charge_s, room_s * 0.5))


def _visit(chance: Random, connector: int, at: float, charge_s: float) -> Iterator[Act]:
    """A car comes, charges in one of many ways, and leaves."""
    tag = TAG if connector == 1 else OTHER
    draw_w = chance.choice(DRAWS_W)
    kind = chance.random()
    plug: Act = (at, "plug", (connector, draw_w))
    begun = at + chance.uniform(2.0, 30.0)
    end = begun + charge_s
    if kind < 0.12:
        yield (at, "tap", (tag,))
        yield (begun, "plug", (connector, draw_w))
    elif kind < 0.24:
        yield plug
        started = {"idTag": tag, "connectorId": connector}
        yield (begun, "ask", ("RemoteStartTransaction", started))
    elif kind < 0.34:
        yield plug
        yield (begun, "tap", (chance.choice((FOREIGN, BLOCKED)),))
        yield (begun + 20.0, "tap", (tag,))
    elif kind < 0.42:
        yield plug
        yield (begun, "tap", (tag,))
        yield (begun + chance.choice((0.2, 3.0, 12.0)), "tap", (tag,))
    elif kind < 0.46:
        yield plug  # and nobody ever taps
    else:
        yield plug
        yield (begun, "tap", (tag,))
    yield from _departure(chance, connector, tag, end)


def _departure(chance: Random, connector: int, tag: str, end: float) -> Iterator[Act]:
    kind = chance.random()
    away = end + chance.uniform(5.0, 300.0)
    if kind < 0.4:
        yield (end, "tap", (tag,))
    elif kind < 0.55:
        yield (end, "full", (connector,))
        if chance.random() < 0.5:
            yield (end + 60.0, "hungry", (connector,))
    elif kind < 0.65:
        yield (end, "ask", ("RemoteStopTransaction", {}))
    elif kind < 0.7:
        yield (end, "press", (connector,))
        yield (end + chance.uniform(1.0, 60.0), "release", (connector,))
    yield (away, "unplug", (connector,))


# ── faults ───────────────────────────────────────────────────────────────────────────────────────


def _faults(chance: Random, density: str, days: int, loves: str | None) -> Iterator[Act]:
    if density == "offline":  # long enough for more messages than the station keeps at hand
        for day in range(days):
            yield (day * DAY_S + 5000.0, "outage", (chance.uniform(4.0, 10.0) * 3600,))
    weights = [
        weight * (LOVE if name == loves else chance.choice(SWARM))
        for name, (weight, _) in _FAULTS.items()
    ]
    drawn = [fault for _, fault in _FAULTS.values()]
    for _ in range(FAULTS_PER_DAY[density] * days):
        at = chance.random() * days * DAY_S
        word, arguments = chance.choices(drawn, weights)[0](chance)
        yield (at, word, arguments)


def _duration_s(chance: Random) -> float:
    """Seconds to hours."""
    return round(float(10 ** chance.uniform(0.3, 4.0)), 1)


def _downtime_s(chance: Random) -> float:
    return chance.choice((0.5, 3.0, 20.0, 90.0, 1200.0))


Draw = Callable[[Random], tuple[str, tuple[Any, ...]]]

_ACTIONS: Final = ("", "", "StartTransaction", "StopTransaction", "MeterValues", "BootNotification")
_FAULTS: Final[dict[str, tuple[float, Draw]]] = {
    "strike": (40, lambda c: ("strike", (c.choice(FAULTS), c.choice(_ACTIONS)))),
    "cut": (6, lambda _: ("cut", ())),
    "outage": (8, lambda c: ("outage", (_duration_s(c),))),
    "swallow": (3, lambda c: ("swallow", (_duration_s(c),))),
    "kill_edge": (6, lambda c: ("kill_edge", (_downtime_s(c),))),
    "fall_edge": (8, lambda c: ("fall_edge", (_downtime_s(c),))),
    "lose_power": (8, lambda c: ("lose_power", (_downtime_s(c),))),
    "kill_central": (4, lambda c: ("kill_central", (_downtime_s(c),))),
    "fall_central": (6, lambda c: ("fall_central", (_downtime_s(c),))),
    "disk_edge": (3, lambda c: ("disk_edge", (c.choice((2.0, 60.0, 600.0)),))),
    "disk_central": (3, lambda c: ("disk_central", (c.choice((2.0, 60.0, 600.0)),))),
    "silent": (3, lambda c: ("meter", (_connector(c), "silent", c.choice((5.0, 60.0, 900.0))))),
    "frozen": (2, lambda c: ("meter", (_connector(c), "frozen", c.choice((30.0, 900.0))))),
    "glitch": (3, lambda c: ("glitch", (_connector(c),))),
    "replace_meter": (1, lambda c: ("replace_meter", (_connector(c),))),
    "jump": (3, lambda c: ("jump", (c.choice((-86_400.0, -600.0, -1.0, 1.0, 600.0, 86_400.0)),))),
    "tap": (6, lambda c: ("tap", (c.choice((TAG, TAG, OTHER, FOREIGN, BLOCKED)),))),
    "unplug": (3, lambda c: ("unplug", (_connector(c),))),
    "leave_unseen": (3, lambda c: ("leave_unseen", (_connector(c), c.choice((3.0, 20.0, 40.0))))),
    "ask": (12, lambda c: ("ask", c.choice(COMMANDS))),
}


def _connector(chance: Random) -> int:
    return chance.choice((1, 2))
