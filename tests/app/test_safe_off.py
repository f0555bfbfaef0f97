"""Switching off without a daemon, as far as one charging point must not keep another."""

from __future__ import annotations

from edge.app.safe_off import each_of


async def test_safety_02_one_that_breaks_does_not_keep_the_others_on() -> None:
    """Whatever is raised, each is tried, and named if it was not seen open (safety 2)."""
    tried: list[int] = []

    async def breaks() -> str | None:
        tried.append(1)
        raise ExceptionGroup("the driver", [OSError("gone")])

    async def works() -> str | None:
        tried.append(2)
        return None

    (why,) = await each_of({1: breaks(), 2: works()})
    assert tried == [1, 2]
    assert why.startswith("connector 1 is not seen open: ")
