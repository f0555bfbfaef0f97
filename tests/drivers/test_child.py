"""What a process of ours says is a line of JSON; anything else is a failure of its own work."""

from __future__ import annotations

import pytest

from edge.drivers.child import next_line, started


async def test_a_line_that_is_too_long_is_a_failure_like_any_other() -> None:
    """It may repeat what a far server said, and must not end whoever reads it."""
    async with started("tests.drivers.garrulous", {}) as process:
        with pytest.raises(ChildProcessError, match="no line of ours"):
            await next_line(process)
