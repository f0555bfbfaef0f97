"""Hours on rotten wires, by seeded chance: real library and driver, simulated chip, virtual time.

The reader is run again after each silence, as the supervisor does. Fair stretches, rotten ones and
dead ones take turns, and cards come all the time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import pytest

from tests.drivers.pn532_far_end import Bench, I2cFarEnd, Rot, virtual

HOURS: Final = 3
STRETCH_S: Final = 60.0
HEALS_S: Final = 35.0  # the longest wait of the supervisor, and what the driver itself needs
ECHO_S: Final = 2.5  # so late a doubled or late frame may still tell of a card that has left
FIRST_WAIT_S: Final = 1.0
MOST_WAIT_S: Final = 30.0
MOST_CALLS_PER_S: Final = 400
MANY: Final = 20  # cards, of which something is said at all


@dataclass(slots=True, kw_only=True)
class Laying:
    """A card that lay on the reader."""

    uid: bytes
    begins: float
    ends: float
    counted: int = 0


@dataclass(slots=True, kw_only=True)
class Story:
    """What happened."""

    layings: list[Laying] = field(default_factory=list)
    bad: list[tuple[float, float]] = field(default_factory=list)
    rotten: list[tuple[float, float]] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)
    phantoms: list[tuple[float, str]] = field(default_factory=list)

    def is_fair(self, laying: Laying) -> bool:
        """Whether the wire was well all the while, and long enough before to have healed."""
        return not any(
            laying.begins - HEALS_S < ends and begins < laying.ends for begins, ends in self.bad
        )

    def is_rotten_only(self, laying: Laying) -> bool:
        """Whether it lay in a rotten stretch through which the reader stayed alive."""
        inside = any(
            begins <= laying.begins and laying.ends <= ends for begins, ends in self.rotten
        )
        silent = any(
            laying.begins - HEALS_S < silence < laying.ends + ECHO_S for silence in self.silences
        )
        return inside and not silent


def rot_of(chance: Random) -> Rot:
    """A wire that errs in every way there is, at one frame in a hundred to one in ten."""
    odds = chance.uniform(0.003, 0.03)
    return Rot(
        chance=chance,
        garbled=odds,
        cut=odds / 2,
        lost=odds,
        doubled=odds / 2,
        late=odds / 2,
        refused=odds / 4,
    )


def plan(bench: Bench, story: Story, chance: Random) -> None:
    """Write the hours into the bench's time: stretches of the wire, and cards."""
    now = bench.time.now_s
    ends = now + HOURS * 3600
    while now < ends:
        kind = chance.choice(("fair", "fair", "rotten", "rotten", "dead", "held"))
        lasts = STRETCH_S * chance.uniform(0.5, 3.0)
        _stretch(bench, story, kind, rot_of(chance), (now, now + lasts))
        now += lasts
    when = bench.time.now_s + 5
    while when < ends:
        uid = chance.randbytes(chance.choice((4, 7, 10)))
        lasts = chance.choice((0.6, 1.0, 5.0, 10.0))
        story.layings.append(Laying(uid=uid, begins=when, ends=when + lasts))
        bench.tap(uid.hex(), when - bench.time.now_s, for_s=lasts)
        when += lasts + chance.uniform(1.0, 20.0)


def _stretch(bench: Bench, story: Story, kind: str, rotten: Rot, span: tuple[float, float]) -> None:
    rot = {"rotten": rotten, "dead": Rot(is_dead=True)}.get(kind, Rot())

    def begin() -> None:
        bench.far.rot = rot
        if isinstance(bench.far, I2cFarEnd):
            bench.far.held_clocks = 9000 if kind == "held" else 0
        elif kind == "held":
            bench.far.chip.forget()

    bench.time.at(span[0], begin)
    if kind != "fair":
        story.bad.append(span)
    if kind == "rotten":
        story.rotten.append(span)


def live(bench: Bench, story: Story) -> None:
    """Run the reader through its hours, again after each silence."""
    ends = bench.time.now_s + HOURS * 3600
    wait_s = FIRST_WAIT_S
    while bench.time.now_s < ends:
        began = bench.time.now_s
        if bench.run(ends - began) is None:
            break
        story.silences.append(bench.time.now_s)
        worked = bench.time.now_s - began > 5  # the supervisor takes it for found by then
        wait_s = FIRST_WAIT_S if worked else min(wait_s * 2, MOST_WAIT_S)
        bench.time.let_pass(wait_s)


def assign(bench: Bench, story: Story) -> None:
    """Give each card that counted to the laying it tells of."""
    for at, uid in bench.counted:
        for laying in story.layings:
            if laying.uid == uid and laying.begins <= at <= laying.ends + ECHO_S:
                laying.counted += 1
                break
        else:
            story.phantoms.append((at, uid.hex()))


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("interface", ["uart", "i2c", "spi"])
def test_hours_on_a_rotten_wire(
    interface: Any, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 5.12: no crash, no phantom, no card twice, none missed on a fair wire, no spin."""
    chance = Random(seed)
    story = Story()
    with virtual(Bench(interface)) as bench:
        plan(bench, story, chance)
        live(bench, story)
    assign(bench, story)
    fair = [laying for laying in story.layings if story.is_fair(laying)]
    rotten = [
        laying
        for laying in story.layings
        if laying.ends - laying.begins >= 5 and story.is_rotten_only(laying)
    ]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{interface} seed {seed}: {HOURS} h, {bench.far.calls} wire calls, "
            f"{len(story.layings)} cards, {len(bench.counted)} counted, "
            f"{len(fair)} on a fair wire, {len(rotten)} long on a rotten one, "
            f"{len(story.silences)} silences, {len(story.phantoms)} phantoms\n"
        )
    assert story.phantoms == []
    assert [laying for laying in story.layings if laying.counted > 1] == []
    assert len(fair) > MANY
    assert len(rotten) > MANY
    assert [laying for laying in fair if laying.counted != 1] == []
    assert [laying for laying in rotten if laying.counted != 1] == []
    assert bench.far.calls < HOURS * 3600 * MOST_CALLS_PER_S
