"""The demo's reckoning: what is lost, doubled, wrong or impossible is found and said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.cli.demo import conclude
from edge.cli.reckoning import Flow, Played, Told, cover, reckon, told_from

PLAYED = (
    Played(connector=1, begin_wh=0.0, end_wh=20.4),
    Played(connector=2, begin_wh=0.0, end_wh=12.9),
    Played(connector=1, begin_wh=20.4, end_wh=31.2),
)
FIRST = Told(transaction_id=1, connector=1, start_wh=0, stop_wh=20, state="closed")
SECOND = Told(transaction_id=2, connector=2, start_wh=0, stop_wh=12, state="closed")
THIRD = Told(transaction_id=3, connector=1, start_wh=20, stop_wh=31, state="closed")
TOLD = (FIRST, SECOND, THIRD)
DRAWN_WH = 44.1


def test_records_that_fit_are_counted_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Each session once, the energy of each within one step of the register."""
    reckoning = reckon(PLAYED, TOLD, drawn_wh=DRAWN_WH, events=["firmware_status"])
    assert reckoning.differences == ()
    assert conclude(reckoning) == 0
    said = capsys.readouterr().out
    assert said == "sessions=3 energy_world_wh=44 energy_csms_wh=43 lost=0 twice=0\n"


@pytest.mark.parametrize(
    ("told", "last_line", "sentence"),
    [
        (
            (FIRST, THIRD),
            "sessions=2 energy_world_wh=44 energy_csms_wh=31 lost=1 twice=0",
            "has 0 records instead of 1",
        ),
        (
            (*TOLD, replace(SECOND, transaction_id=4)),
            "sessions=4 energy_world_wh=44 energy_csms_wh=55 lost=0 twice=1",
            "has 2 records instead of 1",
        ),
        (
            (FIRST, SECOND, replace(THIRD, stop_wh=None, state="open")),
            "sessions=3 energy_world_wh=44 energy_csms_wh=32 lost=1 twice=0",
            "was never closed",
        ),
        (
            (*TOLD, Told(transaction_id=9, connector=2, start_wh=500, stop_wh=500, state="closed")),
            "sessions=4 energy_world_wh=44 energy_csms_wh=43 lost=0 twice=1",
            "transaction 9 (closed, connector 2, 500 Wh on) fits no session",
        ),
        (
            (replace(FIRST, stop_wh=22), SECOND, THIRD),
            "sessions=3 energy_world_wh=44 energy_csms_wh=45 lost=0 twice=0",
            "took 20.4 Wh, transaction 1 says 22 Wh",
        ),
        (
            (replace(FIRST, stop_wh=21), SECOND, THIRD),
            "sessions=3 energy_world_wh=44 energy_csms_wh=44 lost=0 twice=0",
            "transaction 3 begins at 20 Wh, before transaction 1 ends at 21 Wh",
        ),
    ],
    ids=["lost", "twice", "open", "strange", "too-much", "backwards"],
)
def test_a_doctored_list_is_found_out(
    capsys: pytest.CaptureFixture[str], told: tuple[Told, ...], last_line: str, sentence: str
) -> None:
    """A reckoning that cannot fail proves nothing."""
    assert conclude(reckon(PLAYED, told, drawn_wh=DRAWN_WH)) == 1
    *differences, last = capsys.readouterr().out.splitlines()
    assert last == last_line
    assert any(sentence in difference for difference in differences), differences


def test_energy_that_no_session_accounts_for_is_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The world counts all that flowed, also between sessions."""
    assert conclude(reckon(PLAYED, TOLD, drawn_wh=DRAWN_WH + 10)) == 1
    assert "the world drew 54.1 Wh" in capsys.readouterr().out


def test_conflicts_and_dead_letters_are_differences() -> None:
    """A second, different end of a session is told apart from none."""
    reckoning = reckon(
        PLAYED, TOLD, drawn_wh=DRAWN_WH, events=["conflict_stop_differs"], dead_letters=1
    )
    assert len(reckoning.differences) == 2


def test_a_session_is_read_from_the_central_system_s_words() -> None:
    """GET /api/sessions says more than is needed."""
    words = {
        "transaction_id": 2,
        "charger": "TAPWATT-1",
        "connector": 2,
        "meter_start_wh": 0,
        "meter_stop_wh": 12,
        "state": "closed",
        "energy_wh": 12,
    }
    assert told_from(words) == SECOND


FLOWS = (
    Flow(connector=1, begin_wh=0.0, end_wh=9.7),
    Flow(connector=1, begin_wh=9.7, end_wh=20.4),  # the car took a rest
    Flow(connector=2, begin_wh=0.0, end_wh=12.9),
    Flow(connector=1, begin_wh=20.4, end_wh=31.2),
)
FINE = {1: 1.0, 2: 1.0}


def test_every_flow_is_billed_by_one_record_to_a_step_of_its_register() -> None:
    """One record may bill several flows; a coarse register may show a whole step less."""
    assert cover(FLOWS, TOLD, drawn_wh=DRAWN_WH, steps_wh=FINE).differences == ()
    coarse = (replace(FIRST, stop_wh=0), SECOND, replace(THIRD, start_wh=0, stop_wh=0))
    found = cover(FLOWS, coarse, drawn_wh=DRAWN_WH, steps_wh={1: 100.0, 2: 1.0})
    assert (found.lost, found.twice, found.differences) == (0, 0, ())


@pytest.mark.parametrize(
    ("told", "lost", "twice", "sentence"),
    [
        ((FIRST, THIRD), 1, 0, "connector 2 let through from 0.0 to 12.9 Wh is billed by 0.0 Wh"),
        ((replace(FIRST, stop_wh=15), SECOND, THIRD), 1, 0, "is billed by 5.7 Wh"),
        ((*TOLD, replace(SECOND, transaction_id=4)), 0, 1, "is billed by 24.0 Wh"),
        ((FIRST, SECOND, replace(THIRD, stop_wh=40)), 0, 1, "bills 8.8 Wh that connector 1 never"),
        ((FIRST, SECOND, replace(THIRD, stop_wh=None, state="open")), 1, 0, "was never closed"),
        ((FIRST, replace(SECOND, state="open"), THIRD), 0, 0, "it is open"),
        ((), 4, 0, "the world drew 44.1 Wh, the central system was told of 0 Wh"),
    ],
)
def test_what_flowed_and_was_not_billed_once_is_found(
    told: tuple[Told, ...], lost: int, twice: int, sentence: str
) -> None:
    """Too little, doubled, invented, open, and the sum of all."""
    found = cover(FLOWS, told, drawn_wh=DRAWN_WH, steps_wh=FINE)
    assert (found.lost, found.twice) == (lost, twice)
    assert any(sentence in difference for difference in found.differences), found.differences


def test_a_run_without_energy_a_refusal_or_a_conflict_is_no_success() -> None:
    """Nothing compared is nothing proved."""
    nothing = cover((), (), drawn_wh=0.0, steps_wh=FINE)
    assert nothing.differences == ("no energy flowed: nothing was compared",)
    noted = cover(
        FLOWS, TOLD, drawn_wh=DRAWN_WH, steps_wh=FINE, events=["conflict_stop"], dead_letters=2
    )
    assert noted.differences == (
        "the central system noted conflict_stop",
        "2 messages were refused for good",
    )
