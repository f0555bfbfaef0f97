"""What whoever is in charge on the spot may want: checked before the core hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from edge.app.wishes import limit, release
from edge.core.records import FaultLatched, Latch
from edge.core.saved import Saved
from edge.core.vocabulary import ErrorCode
from edge.core.wishes import ReleaseAsked, SetpointGiven
from edge.errors import ConfigError
from tests.core.bench import setup
from tests.core.build import Rig


def test_safety_09_a_release_answers_with_what_was_latched() -> None:
    """Safety 9, 12."""
    latched = FaultLatched(connector=2, code=ErrorCode.GROUND_FAILURE, info="x", latch=Latch.RCD)
    rig = Rig(setup(connectors=2), saved=Saved(faults=(latched,)))
    event, answer = release(rig.state, rig.instant, 2)
    assert event == ReleaseAsked(at=rig.instant, connector=2)
    assert answer == {"released": ["rcd"]}
    assert release(rig.state, rig.instant, 1)[1] == {"released": []}


@pytest.mark.parametrize("limit_a", [0, 16, 9.5, None])
def test_safety_16_a_limit_is_a_setpoint_for_a_while(limit_a: float | None) -> None:
    """Safety 16."""
    rig = Rig()
    event, answer = limit(rig.state, rig.instant, 1, limit_a, 80)
    assert event == SetpointGiven(at=rig.instant, connector=1, limit_a=limit_a, for_s=80.0)
    assert answer == {"limit_a": limit_a}


@pytest.mark.parametrize("connector", [0, 2, -1, True, "1", None])
def test_a_connector_that_is_not_there_is_refused(connector: Any) -> None:
    """Whoever speaks to the socket may say anything."""
    rig = Rig()
    with pytest.raises(ConfigError, match="there is no connector"):
        release(rig.state, rig.instant, connector)
    with pytest.raises(ConfigError, match="there is no connector"):
        limit(rig.state, rig.instant, connector, 10.0, 80.0)


@pytest.mark.parametrize(
    ("limit_a", "for_s"),
    [(-1, 80), (float("nan"), 80), (True, 80), ("10", 80), (10, -1), (10, 1e9), (10, None)],
)
def test_a_limit_that_means_nothing_is_refused(limit_a: Any, for_s: Any) -> None:
    """No number, no end."""
    rig = Rig()
    with pytest.raises(ConfigError, match="give a number"):
        limit(rig.state, rig.instant, 1, limit_a, for_s)
