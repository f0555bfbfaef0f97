"""A session that nobody ends: without load for too long, or simply too long (ruling 3).

Where neither plug nor car can be seen, the next driver would charge on this one's account.
"""

from __future__ import annotations

from collections.abc import Iterator

from edge.core.bay import Bay, Concern, Phase, Verdict
from edge.core.draft import Draft
from edge.core.facts import MustStop
from edge.core.setup import EvseTraits, Policy
from edge.core.vocabulary import StopReason


def on_tick(draft: Draft) -> None:
    """End what has drawn nothing, or lasted, for too long."""
    for connector in draft.state.connectors:
        bay, traits = draft.bay(connector), draft.state.setup.traits[connector - 1]
        idles = bay.verdicts.get(Concern.NO_LOAD, Verdict()).holds and _applies(
            bay, traits, draft.policy
        )
        lasts = any(draft.now >= due for due in deadlines(bay, traits, draft.policy))
        if idles or lasts:
            draft.tell(MustStop(connector=connector, reason=StopReason.OTHER))


def _applies(bay: Bay, traits: EvseTraits, policy: Policy) -> bool:
    wanted = not traits.has_plug_sense or policy.ends_idle_sessions
    return wanted and bay.connector.phase is Phase.CHARGING


def deadlines(bay: Bay, traits: EvseTraits, policy: Policy) -> Iterator[float]:
    """When a running session has lasted as long as one may."""
    if bay.connector.started_at is not None and _applies(bay, traits, policy):
        yield bay.connector.started_at + policy.max_duration_s
