"""Proof of life: as long as the loop comes round, and not a moment longer."""

from __future__ import annotations

import asyncio

from edge.runtime.liveness import prove_alive
from tests.waiting import until


async def test_safety_02_no_proof_goes_out_while_the_loop_does_not_come_round() -> None:
    """It hangs: the event loop lives, the control loop does not."""
    hangs = asyncio.Event()
    rounds = 0

    async def come_round() -> None:
        nonlocal rounds
        rounds += 1
        if rounds > 3:
            await hangs.wait()

    proofs: list[int] = []
    task = asyncio.ensure_future(prove_alive(lambda: proofs.append(rounds), 0.001, come_round))
    await until(lambda: rounds == 4)
    assert proofs == [1, 2, 3]
    hangs.set()
    await until(lambda: len(proofs) > 3)
    task.cancel()
