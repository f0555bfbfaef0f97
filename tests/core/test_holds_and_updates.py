"""Reservations while new firmware waits to be installed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.core.commands import ReserveNow
from edge.core.vocabulary import ConnectorStatus
from tests.core.bench import ALICE, NOON, setup
from tests.core.build import Rig
from tests.core.updating import finish, update


@pytest.mark.parametrize("connector", [0, 2])
def test_nothing_is_reserved_while_the_update_waits_for_a_session(connector: int) -> None:
    """5.13, ruling 16: the free connector is Unavailable, and a promise would not be kept."""
    rig = Rig(setup(connectors=2), serve=True).online().charging(1)
    update(rig)
    finish(rig)
    wish = ReserveNow(
        connector_id=connector,
        expiry_date=NOON + timedelta(hours=1),
        id_tag=ALICE,
        reservation_id=1,
    )
    assert rig.call(wish).status != "Accepted"
    assert rig.told(2)[-1] is ConnectorStatus.UNAVAILABLE
