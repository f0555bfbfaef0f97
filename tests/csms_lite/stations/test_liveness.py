"""What follows from silence and statuses, as tables (requirements 1.6 row 1, D14)."""

from __future__ import annotations

import pytest

from csms_lite.stations.liveness import (
    Line,
    Patience,
    State,
    derived_status,
    line_state,
    station_state,
)

MINUTE = Patience(beat_s=60)
SEED = Patience(beat_s=300)


def test_the_defaults_are_those_decided() -> None:
    """STALE 90 s past the beat, closed at 5 min, Broken at 3 beats, alert at 15 min."""
    assert (MINUTE.stale_after_s, MINUTE.close_after_s) == (150, 300)
    assert (MINUTE.broken_after_s, MINUTE.alert_after_s) == (180, 900)
    assert (SEED.stale_after_s, SEED.close_after_s, SEED.broken_after_s) == (390, 410, 900)
    assert Patience(beat_s=10, late_s=0, ping_every_s=60).stale_after_s == 120


@pytest.mark.parametrize(
    ("has_socket", "silent_s", "line"),
    [
        (True, 0, Line.CONNECTED),
        (True, 150, Line.CONNECTED),
        (True, 150.1, Line.STALE),
        (True, None, Line.CONNECTED),
        (False, 0, Line.DISCONNECTED),
        (False, 1000, Line.DISCONNECTED),
    ],
)
def test_the_line_is_connected_stale_or_disconnected(
    has_socket: bool, silent_s: float | None, line: Line
) -> None:
    """B40."""
    assert line_state(has_socket=has_socket, silent_s=silent_s, patience=MINUTE) is line


@pytest.mark.parametrize(
    ("statuses", "more", "state"),
    [
        (["Available"], {}, State.FREE),
        (["Unknown"], {}, State.FREE),
        ([], {}, State.FREE),
        (["Charging", "Available"], {"is_charging": True}, State.FREE),
        (["Faulted", "Available"], {}, State.FREE),
        (["Preparing"], {}, State.USED),
        (["Charging"], {"is_charging": True}, State.USED),
        (["SuspendedEV"], {}, State.USED),
        (["SuspendedEVSE", "Reserved"], {}, State.USED),
        (["Finishing"], {}, State.USED),
        (["Faulted"], {"is_charging": True}, State.USED),
        (["Reserved"], {}, State.RESERVED),
        (["Reserved", "Faulted"], {}, State.RESERVED),
        (["Reserved", "Available"], {}, State.FREE),
        (["Faulted", "Unavailable"], {}, State.BROKEN),
        (["Available"], {"silent_s": 180}, State.FREE),
        (["Available"], {"silent_s": 180.1}, State.BROKEN),
        (["Charging"], {"silent_s": 181, "is_charging": True}, State.BROKEN),
        (["Available"], {"silent_s": None}, State.UNDEFINED),
        (["Available"], {"is_dismissed": True}, State.DISMISSED),
        (["Available"], {"is_dismissed": True, "silent_s": None}, State.DISMISSED),
    ],
)
def test_a_station_is_in_one_of_six_states(
    statuses: list[str], more: dict[str, object], state: State
) -> None:
    """D14: Free, Reserved, Used, Dismissed, Broken, Undefined."""
    known = {"is_dismissed": False, "silent_s": 0.0, "is_charging": False, **more}
    assert station_state(statuses=statuses, patience=MINUTE, **known) is state  # type: ignore[arg-type]  # a table of arguments


def test_after_five_minutes_a_connector_cannot_be_used_whatever_it_reported() -> None:
    """C3; what it reported stays beside it."""
    assert derived_status("Available", 300, MINUTE) == "Available"
    assert derived_status("Available", 300.1, MINUTE) == "Unavailable"
    assert derived_status("Charging", None, MINUTE) == "Unavailable"
