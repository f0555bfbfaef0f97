"""Reservations of connector 0: one connector remains available for each (5.13)."""

from __future__ import annotations

from tests.core.bench import ALICE, BOB
from tests.core.reserving import (
    CAROL,
    RESERVED,
    bench,
    ended,
    reserve,
    start,
    started,
)


def test_any_connector_of_one_is_that_one() -> None:
    """TC_049: Accepted, SN(Reserved) of the last free connector, the start carries the id."""
    rig = bench()
    assert reserve(rig, 0) == "Accepted"
    assert rig.told() == [RESERVED]
    assert rig.told(0) == []
    rig.tap(BOB)
    rig.plug()
    rig.tap(BOB)
    assert rig.told() == [RESERVED]
    rig.tap(ALICE)
    assert started(rig) == [(1, ALICE, 5)]
    assert ended(rig) == [5]


def test_while_enough_are_free_none_is_reserved() -> None:
    """5.13: no specific connector; one remains available for the tag."""
    rig = bench(2)
    assert reserve(rig, 0) == "Accepted"
    assert rig.told(1) == rig.told(2) == []
    rig.plug(1)
    assert rig.told(2) == [RESERVED]
    rig.tap(BOB)
    assert started(rig) == [(1, BOB, None)]
    rig.plug(2)
    rig.wait(20)
    rig.tap(CAROL)
    assert rig.told(2) == [RESERVED]
    rig.tap(ALICE)
    assert started(rig)[1:] == [(2, ALICE, 5)]


def test_two_reservations_of_any_keep_two() -> None:
    """TC_050_2: what is promised is not promised again."""
    rig = bench(2)
    assert reserve(rig, 0) == "Accepted"
    assert reserve(rig, 0, number=6, tag=BOB) == "Accepted"
    assert rig.told(1) == rig.told(2) == [RESERVED]
    assert reserve(rig, 0, number=7, tag=CAROL) == "Occupied"
    assert reserve(rig, 1, number=7, tag=CAROL) == "Occupied"
    assert reserve(rig, 0, number=6, tag=CAROL) == "Accepted"
    assert start(rig, BOB) == "Rejected"


def test_a_driver_who_was_let_in_counts_as_a_place_taken() -> None:
    """Ruling 11(6): he has no connector yet, but will have one."""
    rig = bench(2)
    rig.tap(BOB)
    assert reserve(rig, 1) == "Accepted"
    rig = bench(2)
    rig.tap(BOB)
    assert reserve(rig, 0) == "Accepted"
    assert reserve(rig, 1, number=6, tag=CAROL) == "Occupied"
    rig.plug(2)
    assert started(rig) == [(2, BOB, None)]


def test_a_driver_who_was_let_in_does_not_get_a_place_reserved_since() -> None:
    """5.13 SHALL: refused on the reserved connector, served on the other."""
    rig = bench(2)
    rig.tap(BOB)
    reserve(rig, 1)
    rig.plug(1)
    assert started(rig) == []
    rig.plug(2)
    assert started(rig) == [(2, BOB, None)]
