"""The composition root: configuration to drivers to journal to loop, and the end of it all.

Everything is made here, once, in the order that keeps a cable safe: a lock against a second daemon,
outputs off, journal, state, and only then drivers at work.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Final

import structlog

from edge.app.daemon import Daemon, Ending, Works
from edge.app.errands import make_errands, protocols
from edge.app.hardware import Hardware, Tables, open_hardware, workers
from edge.app.leaving import leave
from edge.app.letters import JOURNAL
from edge.app.possession import possessed
from edge.config import Connector, Settings, identity
from edge.control.server import listen
from edge.core import keys
from edge.core.certificates import trusted
from edge.core.deadlines import next_deadline
from edge.core.effects import Effect
from edge.core.events import DriverLost, Event, Port, Started
from edge.core.levels import permits_energy, permitted_a
from edge.core.restore import restore
from edge.core.security import attempts
from edge.core.setup import Setup
from edge.core.state import ChargePoint
from edge.core.step import step
from edge.drivers.diagnostics import LogRing
from edge.drivers.journal import OpenDatabase, SqliteJournal, open_journal
from edge.drivers.notary import ChildNotary
from edge.drivers.ocpp_costs import check_default_price
from edge.drivers.ocpp_link import OcppLink, open_link, profile_of
from edge.drivers.ocpp_link import Settings as LinkSettings
from edge.drivers.registry import decode, open_rig
from edge.drivers.system_clock import SystemClock, kernel_boot_id, new_nonce
from edge.errors import ConfigError
from edge.ports import Post
from edge.runtime.beats import Outfit, perform
from edge.runtime.errands import Errands
from edge.runtime.inquiries import Inquiries
from edge.runtime.liveness import Notifier, feed_watchdog
from edge.runtime.lookup import Lookup
from edge.runtime.loop import Loop, Rules
from edge.runtime.recorder import Recorder
from edge.runtime.space import watch_space
from edge.runtime.supervise import Backoff, cut_all, guarded, supervise

LEAVE_S: Final = 1.5  # people and systemd wait for 2 s; what has not ended by then is left behind
FLUSH_S: Final = 0.1  # an accepted Reset's answer is on the wire by then, if the line lives

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    settings: Settings
    state_dir: Path
    sim_socket: Path | None = None
    ready_fd: int | None = None
    open_database: OpenDatabase | None = None  # the journal's seam, for disks that are slow


def run(options: Options) -> int:
    """Run the daemon until it is told to stop; a restart replaces the process. The exit status."""
    ring = LogRing()
    _log_to_stderr(ring)
    daemon = Daemon(options.state_dir)
    try:
        asyncio.run(_serve(options, daemon, ring))
    except BaseExceptionGroup as failures:
        if daemon.ending is None:
            raise
        log.critical("end_was_untidy", why=str(failures.exceptions))
    leave(daemon.ending or Ending.STOPPED, daemon.restart_retries)
    return 0


async def _serve(options: Options, daemon: Daemon, ring: LogRing) -> None:
    """Build everything, work until the end is called, take everything down."""
    clock = SystemClock(booted_s=daemon.booted_s())
    nonce = new_nonce()
    random = Random(nonce)  # noqa: S311  jitter needs no secrecy
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.end, Ending.STOPPED)
    async with AsyncExitStack() as stack:
        stack.enter_context(possessed(options.state_dir))
        tables = await stack.enter_async_context(_tables(options, daemon))
        rig = await stack.enter_async_context(
            open_rig(tables.buses, clock=clock, random=random, pin_factory=tables.pin_factory)
        )
        hardware = await open_hardware(stack, rig, tables)
        journal = await stack.enter_async_context(
            open_journal(options.state_dir / JOURNAL, open_database=options.open_database)
        )
        check_default_price(options.settings.ocpp, options.settings.overrides)
        csms = decode(LinkSettings, options.settings.csms, "csms")
        kernel_boot = daemon.kernel_boot(kernel_boot_id())
        setup = _setup(options.settings, csms, hardware, nonce, kernel_boot)
        try:
            state = restore(await journal.load(), setup, clock.now())
        except ValueError as mismatch:
            raise ConfigError(str(mismatch)) from mismatch
        link = open_link(
            csms,
            station=options.settings.station.id,
            clock=clock,
            random=random,
            attempts=attempts(state),
            failures=state.station.dial_failures,
            ping_interval_s=keys.number(state, "WebSocketPingInterval"),
            roots=trusted(state),
        )
        await _work(options, daemon, _Parts(clock, hardware, journal, link, state, ring, csms))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What `_work` connects."""

    clock: SystemClock
    hardware: Hardware
    journal: SqliteJournal
    link: OcppLink
    state: ChargePoint
    ring: LogRing
    csms: LinkSettings


async def _work(options: Options, daemon: Daemon, parts: _Parts) -> None:
    """Connect loop, recorder and drivers, run them until the end is called."""
    clock, hardware, journal, link = parts.clock, parts.hardware, parts.journal, parts.link
    lookup = Lookup(journal=journal, clock=clock)
    errands = _make_errands(options, daemon, parts)
    inquiries = Inquiries(notary=ChildNotary(parts.csms.ca_file), clock=clock)
    outfit = Outfit(
        clock=clock,
        evses=hardware.evses,
        meters=hardware.meters,
        central=link,
        post=lambda event: loop.post(event),  # noqa: PLW0108  the loop is made below
        look_up=lookup.ask,
        restart=lambda _effect: daemon.restart(keys.number(loop.state, "ResetRetries")),
        errand=errands.take,
        inquire=inquiries.take,
        hand_back=daemon.hand_back,
    )
    act = partial(perform, outfit)
    recorder = Recorder(journal=journal, perform=act, clock=clock)
    loop = _make_loop(parts, daemon, act, recorder)
    daemon.begin(
        Works(
            loop=loop, recorder=recorder, journal=journal, link=link, clock=clock, errands=errands
        )
    )
    cut = partial(cut_all, hardware.evses.values())
    notifier = Notifier(os.environ)
    works = {
        "loop": loop.run(),
        "recorder": recorder.run(loop.post, loop.permits),
        "lookup": lookup.run(loop.post),
        "errands": errands.run(loop.post),
        "inquiries": inquiries.run(loop.post),
        "link": link.run(loop.post),
        "space": watch_space(journal, clock, loop.post),
        "watchdog": feed_watchdog(notifier, loop.come_round),
        **_supervised(options.settings, parts, loop.post),
    }
    _post_first(loop.post, clock, hardware)
    await _until_called(options, daemon, works, loop=loop, cut=cut, notifier=notifier)


async def _until_called(
    options: Options,
    daemon: Daemon,
    works: Mapping[str, Coroutine[None, None, None]],
    *,
    loop: Loop[ChargePoint],
    cut: Callable[[], None],
    notifier: Notifier,
) -> None:
    """Run *works* side by side, say when they do, and end them all when the end is called."""
    control = options.state_dir / "control.sock"
    async with (
        listen(control, daemon.verbs(options.settings.station.id)),
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(guarded(name, work, cut_all=cut), name=name)
            for name, work in works.items()
        ]
        await loop.come_round()
        notifier.say("READY=1")
        _tell_ready(options, control)
        await daemon.called.wait()
        notifier.say("STOPPING=1")
        await _end(daemon, cut)
        for task in tasks:
            task.cancel()


def _supervised(
    settings: Settings, parts: _Parts, post: Post
) -> dict[str, Coroutine[None, None, None]]:
    """Each driver of the hardware at work, by its name."""
    waits = settings.supervision
    backoff = Backoff(first_s=waits.retry_first_s, most_s=waits.retry_most_s)
    return {
        f"{worker.port}-{worker.connector}": supervise(
            worker, post, clock=parts.clock, backoff=backoff
        )
        for worker in workers(parts.hardware)
    }


def _post_first(post: Post, clock: SystemClock, hardware: Hardware) -> None:
    """What is known before any driver speaks."""
    post(Started(at=clock.now()))
    for number in hardware.without_meter():
        why = f"connector {number} has no meter: add [connectors.{number}.meter]"
        post(DriverLost(at=clock.now(), port=Port.METER, connector=number, why=why))


def _make_errands(options: Options, daemon: Daemon, parts: _Parts) -> Errands:
    return make_errands(
        options.settings,
        parts.state.setup,
        ring=parts.ring,
        journal=parts.journal,
        clock=parts.clock,
        snapshot=daemon.snapshot,
        spool=options.state_dir / "spool",
    )


def _make_loop(
    parts: _Parts, daemon: Daemon, act: Callable[[Effect], None], recorder: Recorder
) -> Loop[ChargePoint]:
    def stepped(state: ChargePoint, event: Event) -> tuple[ChargePoint, tuple[Effect, ...]]:
        after = step(state, event)
        daemon.changed()
        return after

    rules = Rules(
        step=stepped,
        next_deadline=next_deadline,
        permits_energy=permits_energy,
        permitted_a=permitted_a,
    )
    return Loop(parts.state, rules=rules, clock=parts.clock, perform=act, append=recorder.append)


async def _end(daemon: Daemon, cut: Callable[[], None]) -> None:
    """Outputs off; from here on the process has `LEAVE_S` left, whatever hangs."""
    signal.signal(
        signal.SIGALRM, lambda *_: leave(daemon.ending or Ending.STOPPED, daemon.restart_retries)
    )
    signal.setitimer(signal.ITIMER_REAL, LEAVE_S)
    cut()
    log.info("daemon_ending", how=daemon.ending.value if daemon.ending else "")
    if daemon.ending is Ending.RESTART:
        await asyncio.sleep(FLUSH_S)
    await daemon.finish()


def _tell_ready(options: Options, control: Path) -> None:
    if options.ready_fd is None:
        return
    told = {"ready": True, "station": options.settings.station.id, "control": str(control)}
    with suppress(OSError):
        os.write(options.ready_fd, json.dumps(told).encode() + b"\n")
        os.close(options.ready_fd)


@asynccontextmanager
async def _tables(options: Options, daemon: Daemon) -> AsyncIterator[Tables]:
    """The hardware's tables; those of the simulated bay come from the bay itself."""
    settings = options.settings
    if settings.hardware == "real":
        if options.sim_socket is not None:
            raise ConfigError('--sim-socket needs hardware = "simulated" in the configuration')
        yield Tables(readers=settings.readers, buses=settings.buses, connectors=settings.connectors)
        return
    from edge.sim.wires import BayWanted, attach

    wanted = BayWanted(
        connectors=settings.simulated.connectors,
        meter_bus=settings.simulated.meter_bus,
        meter_model=settings.simulated.meter_model,
        draw_w=settings.simulated.draw_w,
    )
    socket = options.sim_socket or options.state_dir / "sim.sock"
    async with attach(socket, daemon.hooks(), wanted) as attached:
        daemon.changed = attached.changed
        tables = attached.tables
        yield Tables(
            readers={int(number): table for number, table in tables["readers"].items()},
            buses={
                name: {**table, "probe_s": settings.simulated.probe_s}
                for name, table in tables["buses"].items()
            },
            connectors={
                int(number): Connector(evse=table["evse"], meter=table.get("meter"))
                for number, table in tables["connectors"].items()
            },
            pin_factory=attached.pin_factory,
        )


def _setup(
    settings: Settings, csms: LinkSettings, hardware: Hardware, nonce: str, kernel_boot: str
) -> Setup:
    return Setup(
        identity=identity(settings.station, version("tapwatt")),
        traits=hardware.traits(),
        nonce=nonce,
        kernel_boot=kernel_boot,
        readers=hardware.reader_connectors,
        transfer_protocols=protocols(settings),
        defaults={"SecurityProfile": str(profile_of(csms)), **settings.ocpp},
        overrides=settings.overrides,
        has_root=csms.ca_file is not None,
        has_certificate=csms.certificate is not None,
        common_name=settings.station.serial or settings.station.id,
        policy=settings.policy,
        keeping=settings.journal,
        unsigned_firmware=settings.firmware.unsigned,
    )


def _log_to_stderr(ring: LogRing) -> None:
    # The bus says in one sentence what pymodbus tells in pieces.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
            ring,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
