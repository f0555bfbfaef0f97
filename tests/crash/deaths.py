"""How a process dies in a history: at one crash point, or by chance."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.crash.life import Death
from tests.crash.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """Where the process dies: at crash point number *point*, *with_power* or without."""

    point: int
    with_power: bool = True
    again_after_s: float = 3.0


class Counter:
    """Counts crash points, and is the death at one of them."""

    def __init__(self, fall: Fall | None) -> None:
        self.fall = fall
        self.points = 0
        self.deaths = 0
        self.world: World | None = None

    def __call__(self, _point: str) -> None:
        self.points += 1
        if self.fall is not None and self.points == self.fall.point:
            self.die(with_power=self.fall.with_power)

    def die(self, *, with_power: bool) -> None:
        """End this life here and now."""
        self.deaths += 1
        assert self.world is not None
        if with_power:
            self.world.lose_power()
        raise Death

    @property
    def again_after_s(self) -> float:
        """How long the process is away."""
        return 3.0 if self.fall is None else self.fall.again_after_s


class Dice(Counter):
    """Dies by chance, until the night comes."""

    def __init__(self, chance: random.Random, share: float) -> None:
        super().__init__(None)
        self.chance = chance
        self.share = share

    def __call__(self, _point: str) -> None:
        self.points += 1
        if self.share and self.chance.random() < self.share:
            self.die(with_power=self.chance.random() < 0.6)

    @property
    def again_after_s(self) -> float:
        return self.chance.choice((0.5, 3.0, 90.0))
