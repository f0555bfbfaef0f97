"""What a driver sees of his session: energy, money, time, and how old all that is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from csms_lite.sessions.rules import Session, State, duration_s, energy_wh
from csms_lite.tariffs.rules import cost_minor

FRESH_S: Final = 20  # decision 20: older is marked with its age, and asked for while watched
TOO_OLD_S: Final = 300  # nothing is reckoned from a reading older than this
FULL_PERCENT: Final = 100
CHARGE_OVER_MS: Final = 900_000  # how far back the rise of the state of charge is looked at
LONGEST_S: Final = 7 * 86_400  # a trickle would take for ever, and nobody believes it


class Charge(NamedTuple):
    """A state of charge, and when it was."""

    at_ms: int
    percent: int


class Remaining(NamedTuple):
    """How long it will still take, or in a word why that cannot be said."""

    seconds: int | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A session as it is now; *age_s* is how old its newest reading is."""

    energy_wh: int
    power_w: int | None
    power_derived: bool
    soc_percent: int | None
    duration_s: int
    cost_minor: int | None
    remaining: Remaining
    age_s: int | None
    is_fresh: bool


def progress(session: Session, earlier: Charge | None, now_ms: int) -> Progress:
    """Reckon how a session stands; *earlier* is its state of charge some minutes ago."""
    energy, price = energy_wh(session), session.per_kwh_minor
    measured_at_ms = session.measured_at_ms
    age_s = None if measured_at_ms is None else max(0, now_ms - measured_at_ms) // 1000
    return Progress(
        energy_wh=energy,
        power_w=session.power_w,
        power_derived=bool(session.power_derived),
        soc_percent=session.soc_percent,
        duration_s=duration_s(session, now_ms),
        cost_minor=None if price is None else cost_minor(energy, price),
        remaining=remaining(session, earlier, age_s),
        age_s=age_s,
        is_fresh=session.state != State.RUNNING or (age_s is not None and age_s <= FRESH_S),
    )


def remaining(session: Session, earlier: Charge | None, age_s: int | None) -> Remaining:
    """Estimate what is left until the goal, or until full; the sooner of both counts.

    By energy: what is missing over the power of now. By state of charge: what is missing over its
    rise in the last minutes. Cars slow down at the end, so it is an estimate.
    """
    if session.state != State.RUNNING:
        return Remaining(None, "it does not run")
    if age_s is None:
        return Remaining(None, "nothing was measured yet")
    if age_s > TOO_OLD_S:
        return Remaining(None, "the last reading is too old")
    if session.goal_wh is None and session.soc_percent is None:
        is_goal = session.goal_soc_percent is not None
        what = "the car tells no state of charge"
        return Remaining(None, what if is_goal else f"there is no goal, and {what}")
    found = [one for one in (_by_energy(session), _by_charge(session, earlier)) if one is not None]
    known = [one.seconds for one in found if one.seconds is not None]
    if not known:
        return found[0]
    soonest = min(known)
    if soonest > LONGEST_S:
        return Remaining(None, "more than a week at the power of now")
    return Remaining(soonest, None)


def _by_energy(session: Session) -> Remaining | None:
    if session.goal_wh is None:
        return None
    missing = session.goal_wh - energy_wh(session)
    if missing <= 0:
        return Remaining(0, None)
    if not session.power_w or session.power_w < 0:
        return Remaining(None, "no power flows now")
    return Remaining(round(missing * 3600 / session.power_w), None)


def _by_charge(session: Session, earlier: Charge | None) -> Remaining | None:
    percent = session.soc_percent
    if percent is None or session.measured_at_ms is None:
        return None
    goal = FULL_PERCENT if session.goal_soc_percent is None else session.goal_soc_percent
    if percent >= goal:
        return Remaining(0, None)
    if earlier is None or percent <= earlier.percent:
        return Remaining(None, "the state of charge has not risen yet")
    took_ms = session.measured_at_ms - earlier.at_ms
    return Remaining(round((goal - percent) * took_ms / (percent - earlier.percent) / 1000), None)
