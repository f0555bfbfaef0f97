"""Charging profiles as a central system writes them, and composite schedules as it reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.spec.central import Central

CLOCKS_APART = timedelta(seconds=1.1)  # ours and the charge point's, which counts whole seconds
TOLERANCE_S = 1
Limits = Sequence[tuple[int, float]]


def schedule(
    *periods: tuple[int, float],
    unit: str = "A",
    duration: int | None = None,
    phases: int | None = None,
) -> dict[str, Any]:
    """A chargingSchedule of (startPeriod, limit)."""
    listed = [{"startPeriod": start, "limit": limit} for start, limit in periods]
    if phases is not None:
        listed = [{**period, "numberPhases": phases} for period in listed]
    made: dict[str, Any] = {"chargingRateUnit": unit, "chargingSchedulePeriod": listed}
    return made if duration is None else {**made, "duration": duration}


def profile(
    number: int,
    purpose: str,
    plan: dict[str, Any],
    *,
    kind: str = "Absolute",
    level: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """A chargingProfile; an Absolute one began just now, unless *plan* says when."""
    if kind == "Absolute" and "startSchedule" not in plan:
        begun = datetime.now(UTC) - CLOCKS_APART
        stamp = begun.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        plan = {**plan, "startSchedule": stamp}
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": plan,
        **more,
    }


def put(central: Central, connector: int, wanted: dict[str, Any]) -> str:
    """SetChargingProfile; its status."""
    asked = {"connectorId": connector, "csChargingProfiles": wanted}
    return str(central.call("SetChargingProfile", asked)["status"])


def composite(central: Central, connector: int, duration: int, unit: str = "A") -> dict[str, Any]:
    """The chargingSchedule that GetCompositeSchedule answers."""
    asked = {"connectorId": connector, "duration": duration, "chargingRateUnit": unit}
    answer = central.call("GetCompositeSchedule", asked)
    assert answer["status"] == "Accepted", answer
    shown: dict[str, Any] = answer["chargingSchedule"]
    return shown


def limits(shown: dict[str, Any]) -> list[tuple[int, float]]:
    """The (startPeriod, limit) of a schedule, without a first second that is over already."""
    periods = shown["chargingSchedulePeriod"]
    listed = [(period["startPeriod"], period["limit"]) for period in periods]
    if len(listed) > 1 and listed[1][0] <= TOLERANCE_S:
        return [(0, listed[1][1]), *listed[2:]]
    return listed


def is_near(found: Limits, expected: Limits, within_s: int = 2) -> bool:
    """Whether the limits are the same and begin within *within_s* of each other."""
    same = [limit for _, limit in found] == [limit for _, limit in expected]
    pairs = zip(found, expected, strict=False)
    return same and all(abs(one - other) <= within_s for (one, _), (other, _) in pairs)
