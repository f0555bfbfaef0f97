"""What the running daemon can be asked: by its control socket, and by the simulated bay's hooks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from edge.app import wishes
from edge.app.card_desk import CardDesk
from edge.app.errands import recorded
from edge.app.letters import Resender, export, listed
from edge.app.works import Works
from edge.core.effects import HandBack
from edge.core.events import PowerFailing, SecurityEventReported
from edge.core.keys import text
from edge.core.records import Delivered
from edge.core.vocabulary import SecurityEvent
from edge.core.wishes import DamageAcknowledged
from edge.drivers.ocpp_costs import read_default_price
from edge.drivers.recordings import Recordings
from edge.drivers.system_clock import up_s
from edge.errors import SimulationError
from edge.runtime.data_transfer import DataTransfers
from edge.runtime.snapshot import decided, line, power_cut, snapshot

if TYPE_CHECKING:
    from edge.sim.disk import Disk
    from edge.sim.wires import Hooks

SETPOINT_S: Final = 80.0  # as openWB has it: an energy manager speaks every ten seconds or so
LAST_WORDS_S: Final = 3.0  # a back-up supply lasts this long at least
OWED_WITHIN_S: Final = 0.5  # of what is left at the end; a disk that stalls has longer ones
LOOK_S: Final = 0.02
POWER_CUT: Final = 137  # as if killed

log = structlog.get_logger()


class Ending(Enum):
    """Why the daemon ends."""

    STOPPED = "stopped"
    RESTART = "restart"


class Daemon:
    """The running daemon as others see it; `called` is set when it shall end."""

    def __init__(self, state_dir: Path) -> None:
        self.called = asyncio.Event()
        self.ending: Ending | None = None
        self.restart_retries = 0
        self.changed: Callable[[], None] = _unheard
        self._recordings = Recordings(state_dir / "recordings")
        self._backup = state_dir / "backup.sqlite3"
        self.disk: Disk | None = None
        self._power_cuts = state_dir / "simulated-power-cuts"
        self._keep: Sequence[str] | None = None
        self._works: Works | None = None
        self._transfers = DataTransfers()
        self._resender = Resender()

    def begin(self, works: Works) -> None:
        """From now on there is something to ask."""
        self._works = works

    def end(self, ending: Ending) -> None:
        """Call the end; the first call says how."""
        if self.ending is None:
            self.ending = ending
        self.called.set()

    def restart(self, retries: int) -> None:
        """Call for a restart, tried again up to *retries* times if it fails (ResetRetries)."""
        self.restart_retries = retries
        self.end(Ending.RESTART)

    async def finish(self) -> None:
        """Do what had to wait: write what is owed, and forget what `reset_state` named."""
        with suppress(TimeoutError):
            async with asyncio.timeout(OWED_WITHIN_S):
                await self._running().recorder.caught_up()
        if self._keep is not None:
            await self._running().journal.forget(self._keep)

    def kernel_boot(self, boot_id: str) -> str:
        """Return *boot_id*, made another by each simulated power cut, as a real one would."""
        cuts = len(self._cuts())
        return f"{boot_id}+{cuts}" if cuts else boot_id

    def booted_s(self) -> float:
        """When the computer came up, in the kernel's seconds: at the last simulated power cut."""
        return max((cut for cut in self._cuts() if cut <= up_s()), default=0.0)

    def verbs(self, station: str) -> Mapping[str, Callable[..., Any]]:
        """The verbs of the control socket."""

        def status() -> dict[str, Any]:
            return {"station": station, **self.status()}

        def stop() -> dict[str, Any]:
            self.end(Ending.STOPPED)
            return {"ok": True}

        return {
            "status": status,
            "journal": self.list_journal,
            "export": self.export_letters,
            "resend": self.resend_letters,
            "readings": self.list_readings,
            "accept": self.accept_damage,
            "transfer": self.transfer,
            "why": self.why,
            "recording": self.export_recording,
            "backup": self.back_up,
            "release": self.release,
            "limit": self.limit,
            **CardDesk(self._running).verbs(),
            "stop": stop,
        }

    def hooks(self) -> Hooks:
        """What the simulated bay may do to the daemon itself."""
        from edge.sim.wires import Hooks

        return Hooks(
            net=self.impair,
            clock=self.shift_clock,
            power=self.lose_power,
            reset_state=self.reset_state,
            fail_firmware=self.fail_firmware,
            fail_locallist=self.fail_locallist,
            disk=self.fault_disk,
            datatransfer=self.transfer,
            security_event=self.report,
            snapshot=self.snapshot,
        )

    def snapshot(self) -> dict[str, Any]:
        """Boot status, connectors, outbox, lamps."""
        works = self._running()
        state = works.loop.state
        default_price = read_default_price(text(state, "DefaultPrice"))
        return snapshot(state, works.clock.now(), default_price)

    def status(self) -> dict[str, Any]:
        """The snapshot, and what grows by itself: the disk's wear, what a power cut would cost."""
        works = self._running()
        return {
            **self.snapshot(),
            "disk": works.wear.report(),
            "journal_check": works.upkeep.report(),
            "certificates": works.expiry.report(),
            "crash_recordings": [str(path) for path in self._recordings.crashes()],
            "power_cut": power_cut(
                works.loop.state, works.clock.now(), has_power_good=works.has_power_good
            ),
        }

    def list_readings(self, connector: int | None = None) -> dict[str, Any]:
        """The meters' last quarter of an hour."""
        return {"readings": self._running().readings.rows(connector)}

    def why(self, connector: int | None = None) -> dict[str, Any]:
        """Who or what decides now, at one connector or at all."""
        works = self._running()
        state = works.loop.state
        if connector is not None and connector not in state.connectors:
            raise SimulationError(f"there is no connector {connector}")
        wanted = state.connectors if connector is None else (connector,)
        now = works.clock.now()
        connectors = {str(number): decided(state, number, now) for number in wanted}
        return {
            "connectors": connectors,
            "line": line(state, now),
            "certificates": [one for one in works.expiry.report() if one["warning"] is not None],
        }

    async def export_recording(self) -> dict[str, Any]:
        """Write what the flight recorder holds; whoever asked takes the file away."""
        path = await self._recordings.export(recorded(self._running().flight))
        return {"path": str(path)}

    async def back_up(self) -> dict[str, Any]:
        """Copy the journal; whoever asked takes the copy away."""
        return {"path": str(await self._running().journal.copy_to(self._backup))}

    def keep_recording(self) -> None:
        """The process ends by a bug: keep what led to it, if the disk lets us."""
        works = self._works
        if works is None:
            return
        try:
            path = self._recordings.keep(recorded(works.flight), works.clock.now())
        except OSError as error:
            log.critical("recording_lost", why=str(error))
        else:
            log.critical("recording_kept", path=str(path))

    async def list_journal(self) -> dict[str, Any]:
        """Messages that wait, those that were parked, sessions at a time nobody knew for sure."""
        works = self._running()
        delivered = {row.seq for row in works.recorder.owed if isinstance(row, Delivered)}
        return await listed(works.journal, works.loop.state, delivered)

    async def export_letters(self, after: int = 0) -> dict[str, Any]:
        """Dead letters whole, a page of them."""
        works = self._running()
        return await export(works.journal, works.loop.state.station.clock, after)

    async def resend_letters(self, seqs: list[int] | None = None) -> dict[str, Any]:
        """Have dead letters told again, with all of their sessions."""
        works = self._running()
        now = works.clock.now()
        return await self._resender.resend(works.journal, works.loop, works.recorder, now, seqs)

    async def accept_damage(self) -> dict[str, Any]:
        """Somebody knows that the journal before this one was damaged."""
        works = self._running()
        was_damaged = works.loop.state.station.damage is not None
        works.loop.post(DamageAcknowledged(at=works.clock.now()))
        await works.loop.come_round()
        return {"accepted": was_damaged}

    async def release(self, connector: int) -> dict[str, Any]:
        """Somebody has looked at what keeps *connector* Faulted."""
        works = self._running()
        event, answer = wishes.release(works.loop.state, works.clock.now(), connector)
        works.loop.post(event)
        await works.loop.come_round()
        return answer

    async def limit(
        self, connector: int, limit_a: float | None = None, for_s: float = SETPOINT_S
    ) -> dict[str, Any]:
        """A local energy manager's word, which it must repeat; `None` takes it back."""
        works = self._running()
        event, answer = wishes.limit(works.loop.state, works.clock.now(), connector, limit_a, for_s)
        works.loop.post(event)
        await works.loop.come_round()
        return answer

    async def transfer(
        self, vendor: str, message: str | None = None, data: str | None = None
    ) -> dict[str, Any]:
        """Send a DataTransfer of our own and return its answer (4.3)."""
        works = self._running()
        answer = await self._transfers.ask(
            works.loop.post, works.clock.now(), vendor, message, data
        )
        return {"status": answer.status, "data": answer.data}

    def hand_back(self, effect: HandBack) -> None:
        """Give whoever asked for a transfer its answer."""
        self._transfers.hand_back(effect)

    def impair(self, mode: str, for_s: float | None, after_bytes: int) -> None:
        """Hook `net`: take our own OCPP line away, or give it back."""
        match mode:
            case "half":
                if not self._running().link.break_after(after_bytes):
                    raise SimulationError("there is no line that could break")
            case "up" | "down" | "refuse" | "blackhole":
                self._running().link.impair(mode, for_s)
            case _:
                raise SimulationError(f"net knows no mode {mode}")

    def shift_clock(self, offset_s: float | None, freeze: bool | None) -> None:
        """Hook `clock`: the wall clock that this daemon sees."""
        clock = self._running().clock
        if offset_s is not None:
            clock.shift(offset_s)
        if freeze is not None:
            clock.freeze(freeze)

    def lose_power(self, mode: str) -> Awaitable[None] | None:
        """Hook `power`: `kill` is dark at once, `off` has a back-up supply for last words."""
        with self._power_cuts.open("a", encoding="ascii") as cuts:
            cuts.write(f"{up_s()}\n")
        if mode == "kill":
            os._exit(POWER_CUT)
        return self._last_words()

    async def _last_words(self) -> None:
        works = self._running()
        works.loop.post(PowerFailing(at=works.clock.now()))
        await works.loop.come_round()
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._until_told(works)
        except TimeoutError:
            log.warning("last_words_unsaid", waiting=works.loop.state.station.outbox.count)
        self.end(Ending.STOPPED)

    async def _until_told(self, works: Works) -> None:
        """Return when no transaction is open and every message is answered and written."""
        while True:
            await works.recorder.caught_up()
            state = works.loop.state
            is_open = any(bay.transaction is not None for bay in state.bays)
            if not is_open and not state.station.outbox.count:
                return
            await asyncio.sleep(LOOK_S)

    def reset_state(self, keep: Sequence[str]) -> None:
        """Hook `reset_state`: forget all but *keep*, by a restart on a journal without it."""
        self._keep = tuple(keep)
        self.end(Ending.RESTART)

    def fail_firmware(self, which: str) -> None:
        """Hook `fail.firmware`: let the next download or installation fail."""
        self._running().errands.fail_next = None if which == "ok" else which

    async def fail_locallist(self, on: bool) -> None:
        """Hook `fail.locallist`: the disk takes no local list."""
        await self._running().journal.refuse_lists(refuse=on)

    def fault_disk(self, mode: str, delay_s: float) -> None:
        """Hook `disk`: what the next commits meet."""
        if self.disk is None:
            raise SimulationError("this daemon's disk is a real one: nothing here can make it fail")
        self.disk.set(mode, delay_s)

    def report(self, event: str, info: str | None) -> None:
        """Hook `ocpp.security_event`: a sensor reports what chapter 8 calls *event*."""
        works = self._running()
        try:
            noticed = SecurityEvent(event)
        except ValueError:
            known = ", ".join(SecurityEvent)
            raise SimulationError(f"{event} is none of {known}") from None
        works.loop.post(SecurityEventReported(at=works.clock.now(), event=noticed, info=info))

    def _running(self) -> Works:
        if self._works is None:
            raise SimulationError("the daemon is still starting: ask again in a moment")
        return self._works

    def _cuts(self) -> list[float]:
        """When the simulated power cuts of this state directory were, in the kernel's seconds."""
        try:
            return [float(word) for word in self._power_cuts.read_text(encoding="ascii").split()]
        except FileNotFoundError:
            return []


def _unheard() -> None:
    """Nobody watches: there is no simulated bay."""
