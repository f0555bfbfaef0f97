"""What the control socket may ask about cards."""

from __future__ import annotations

import pytest

from edge.app.card_desk import CardDesk
from edge.app.works import Works
from edge.errors import SimulationError


def never() -> Works:
    raise AssertionError("asked before it is known of whom")


@pytest.mark.parametrize("verb", ["held", "erase"])
async def test_a_question_about_no_card_is_refused(verb: str) -> None:
    """Erased sessions have an empty name: nobody may ask for all of them at once."""
    with pytest.raises(SimulationError, match="name a card"):
        await CardDesk(never).verbs()[verb](alias="")
