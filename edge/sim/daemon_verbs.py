"""Verbs that ask the attached daemon: its line, clock, supply, memory, and its own state."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from edge.errors import SimulationError
from edge.sim.bay import Bay, Daemon
from edge.sim.checks import choice, number, switch, whole
from edge.sim.disk import MODES, MOST_DELAY_S
from edge.sim.snapshot import condition_of, matches, merged

Answer = dict[str, Any]

HOOK_S: Final = 5.0
TRANSFER_S: Final = 660.0  # MessageTimeout may be 600
KILL_S: Final = 1.0
HALF_BYTES: Final = 10  # of an answer: its number and a piece of its id
MOST_HALF_BYTES: Final = 1 << 20
LOOK_AGAIN_S: Final = 0.25  # energy grows without news: conditions on it are looked at this often


class DaemonVerbs:
    """What only the daemon can do or say: its line, clock, supply, memory, and its own state."""

    def __init__(self, bay: Bay) -> None:
        self._bay = bay

    async def net(
        self, mode: str, for_s: float | None = None, after_bytes: int = HALF_BYTES
    ) -> Answer:
        """`half`: the line breaks once *after_bytes* more of an answer have come."""
        choice("mode", mode, ("up", "down", "refuse", "blackhole", "half"))
        whole("after_bytes", after_bytes, 1, MOST_HALF_BYTES)
        if for_s is not None:
            number("for_s", for_s, least=0.0)
        return await self._ask("net", mode=mode, for_s=for_s, after_bytes=after_bytes)

    async def disk(self, mode: str = "ok", delay_s: float = 0.0) -> Answer:
        """What the journal's commits meet, and how long each takes to be synced."""
        choice("mode", mode, tuple(MODES))
        number("delay_s", delay_s, least=0.0, most=MOST_DELAY_S)
        return await self._ask("disk", mode=mode, delay_s=delay_s)

    async def process(self, mode: str) -> Answer:
        """`kill`: the daemon's process dies at once, its outputs stay as it left them."""
        choice("mode", mode, ("kill",))
        daemon = self._bay.daemon
        if daemon is None:
            raise SimulationError("process needs a daemon, and none is attached to this bay")
        daemon.line.send({"ask": next(daemon.numbers), "op": "die"})
        return await _death_of(daemon)

    async def clock(
        self, offset_s: float | None = None, freeze: bool | str | None = None
    ) -> Answer:
        if offset_s is not None:
            number("offset_s", offset_s)
        freezing = None if freeze is None else switch("freeze", freeze)
        return await self._ask("clock", offset_s=offset_s, freeze=freezing)

    async def reset_state(self, keep: list[str] | None = None) -> Answer:
        return await self._ask("reset_state", keep=keep or [])

    async def fail_firmware(self, next: str) -> Answer:  # noqa: A002  the contract's own word
        """Let the next update go well, or fail to be downloaded or installed."""
        choice("next", next, ("ok", "download", "install"))
        return await self._ask("fail.firmware", next=next)

    async def fail_locallist(self, on: bool | str) -> Answer:
        """Let the disk refuse every local list, or take them again."""
        return await self._ask("fail.locallist", on=switch("on", on))

    async def datatransfer(
        self,
        vendorId: str,  # noqa: N803  the contract's own words
        messageId: str | None = None,  # noqa: N803  the contract's own words
        data: str | None = None,
    ) -> Answer:
        """A DataTransfer that the charge point starts; its status and data."""
        said = {"vendorId": vendorId, "messageId": messageId, "data": data}
        return await self._ask("ocpp.datatransfer", within_s=TRANSFER_S, **said)

    async def security_event(self, type: str, info: str | None = None) -> Answer:  # noqa: A002  the contract's own word
        """A security event of the whitepaper's chapter 8, as a sensor would report it."""
        return await self._ask("ocpp.security_event", type=type, info=info)

    async def power(self, mode: str) -> Answer:
        """`off`: back-up supply, the daemon ends its work; `kill`: everything is dark at once.

        `fail`: the grid goes and the back-up lasts, seen by the power-good input, until `back`.
        """
        choice("mode", mode, ("off", "kill", "fail", "back"))
        if mode in ("fail", "back"):
            with self._bay.touch() as world:
                (world.fail_grid if mode == "fail" else world.restore_mains)()
            return {"ok": True, "seen": await self._bay.accepted()}
        daemon = self._bay.daemon
        if mode == "off":
            answer = await self._ask("power", mode="off")
            if daemon is not None:
                daemon.leaves_dark = True
            return answer | {"daemon": "leaving"}
        if daemon is not None:
            daemon.muted = True
            daemon.line.send({"ask": next(daemon.numbers), "op": "power", "mode": "kill"})
        with self._bay.touch() as world:
            world.cut_mains()
        if daemon is None:
            return {"ok": True, "daemon": "none was attached"}
        return await _death_of(daemon)

    async def state(self) -> Answer:
        return await merged(self._bay)

    async def wait(self, condition: dict[str, Any], timeout_s: float = 10.0) -> Answer:
        """Block until the snapshot matches *condition*; refused with what differs after a while."""
        wanted = condition_of(condition)
        loop = asyncio.get_running_loop()
        until = loop.time() + number("timeout_s", timeout_s, least=0.0)
        while True:
            state = await merged(self._bay)
            if not (differing := matches(state, wanted)):
                return {"ok": True, "state": state}
            left_s = until - loop.time()
            if left_s <= 0:
                raise SimulationError(f"waited {timeout_s} s in vain: {'; '.join(differing)}")
            await self._bay.news(min(left_s, LOOK_AGAIN_S))

    async def _ask(self, op: str, *, within_s: float = HOOK_S, **arguments: Any) -> Answer:
        if self._bay.daemon is None:
            raise SimulationError(f"{op} needs a daemon, and none is attached to this bay")
        try:
            answer = await self._bay.daemon.ask(op, within_s, **arguments)
        except TimeoutError as problem:
            raise SimulationError(f"the daemon did not answer {op} in {within_s} s") from problem
        return {name: value for name, value in answer.items() if name != "answer"} | {"ok": True}


async def _death_of(daemon: Daemon) -> Answer:
    try:
        async with asyncio.timeout(KILL_S):
            await daemon.left.wait()
    except TimeoutError:
        return {"ok": True, "daemon": "did not die"}
    return {"ok": True, "daemon": "died"}
