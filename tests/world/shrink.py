"""Makes a failing scenario small: whatever can be left out, is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.world.scenario import Scenario


def shrunk(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """The *scenario* without each act, or run of acts, that it fails without, too.

    Halves first, single acts last: some dozen histories for a scenario of a hundred acts.
    """
    size = len(scenario.acts) // 2
    while size:
        at = 0
        while at < len(scenario.acts):
            fewer = scenario.acts[:at] + scenario.acts[at + size :]
            candidate = replace(scenario, acts=fewer)
            if fails(candidate):
                scenario = candidate
            else:
                at += size
        size //= 2
    return scenario
