"""All 39 messages of OCPP 1.6 and its security whitepaper are accounted for in the codec."""

from __future__ import annotations

from edge.drivers import ocpp_codec
from edge.ocppj import schemas
from tests.ocppj.oracle import FOR_CENTRALS, FOR_STATIONS

OURS = FOR_CENTRALS | {"DataTransfer"}  # a charge point says them; DataTransfer goes both ways
THEIRS = FOR_STATIONS


def test_there_are_39() -> None:
    """28 of 1.6, of which DataTransfer goes both ways, and 11 of the whitepaper."""
    assert len(OURS | THEIRS) == 39
    assert OURS | THEIRS == schemas.ACTIONS


def test_everything_a_charge_point_says_can_be_said() -> None:
    """A row of `CONFIRMATIONS` each."""
    said = {kind.__name__ for kind in ocpp_codec.CONFIRMATIONS}
    assert said == OURS


def test_everything_a_central_system_says_is_decided_by_the_core() -> None:
    """A row of `COMMANDS` each; no answer is fixed."""
    assert ocpp_codec.COMMANDS.keys() == THEIRS
