"""What a power cut would cost where no meter can be read afterwards.

With the meters readable it costs nothing: their registers are read before anything else is done
(ruling 4). Without, the last register on the disk is billed, and what went through since is lost,
never billed twice. Source: firsts 19, durability 1.3.
"""

from __future__ import annotations

from typing import Final

from edge.core import keys
from edge.core.metering import NOTE_EVERY_S
from edge.core.state import ChargePoint

HOUR_S: Final = 3600.0


def at_most_wh(state: ChargePoint) -> float | None:
    """At the worst moment: every connector at full power, just before its next sample.

    `None` while the disk takes nothing: then there is no bound.
    """
    if state.station.journal_lost is not None:
        return None
    interval_s = keys.number(state, "MeterValueSampleInterval") or NOTE_EVERY_S
    apart_s = min(interval_s, NOTE_EVERY_S)
    return sum(_most_wh(state, connector, apart_s) for connector in state.connectors)


def now_at_most_wh(state: ChargePoint, now: float) -> float | None:
    """At this moment: what can have gone through since the registers that are on the disk."""
    if state.station.journal_lost is not None:
        return None
    ages = {connector: register_age_s(state, connector, now) for connector in state.connectors}
    return sum(
        _most_wh(state, connector, age_s) for connector, age_s in ages.items() if age_s is not None
    )


def flushed_at_most_wh(state: ChargePoint, now: float) -> float | None:
    """At this moment, where an input tells that the mains are going: `supply` cuts and writes.

    What it writes is the newest reading, a second old or so.
    """
    if state.station.journal_lost is not None:
        return None
    ages = {
        connector: now - bay.metering.good_at
        for connector, bay in zip(state.connectors, state.bays, strict=True)
        if bay.transaction is not None and bay.metering.good_at is not None
    }
    return sum(_most_wh(state, connector, age_s) for connector, age_s in ages.items())


def register_age_s(state: ChargePoint, connector: int, now: float) -> float | None:
    """How long ago the register was taken that is on the disk; `None` without a transaction."""
    bay = state.bay(connector)
    if bay.transaction is None or bay.metering.noted_at is None:
        return None
    good_at = bay.metering.good_at
    return now - (bay.metering.noted_at if good_at is None else min(bay.metering.noted_at, good_at))


def _most_wh(state: ChargePoint, connector: int, seconds: float) -> float:
    """What the connector can pass in *seconds*, and in the time that its meter is behind."""
    traits = state.setup.traits[connector - 1]
    power_w = traits.rated_a * traits.nominal_v * traits.phases
    return power_w * (seconds + traits.meter_refresh_s) / HOUR_S
