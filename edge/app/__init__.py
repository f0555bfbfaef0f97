"""The composition root: configuration to drivers to journal to loop, and the end of it all.

Everything is made here, once, in the order that keeps a cable safe: a lock against a second daemon,
outputs off, journal, state, and only then drivers at work.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import structlog

from edge.app.daemon import Daemon, Ending
from edge.app.hardware import Tables, open_hardware
from edge.app.leaving import leave
from edge.app.logs import log_to_stderr
from edge.app.possession import possessed
from edge.app.station import Place, Station, open_station
from edge.config.settings import Connector, Settings
from edge.control.server import listen
from edge.drivers.diagnostics import LogRing
from edge.drivers.journal import OpenDatabase, open_database_with
from edge.drivers.registry import open_rig
from edge.drivers.system_clock import SystemClock, kernel_boot_id, new_nonce
from edge.errors import ConfigError
from edge.notifier import Notifier

if TYPE_CHECKING:
    from edge.drivers.page import Page
    from edge.sim.wires import BayWanted

LEAVE_S: Final = 1.5  # people and systemd wait for 2 s; what has not ended by then is left behind
READABLE: Final = ("status", "why", "readings")
"""What members of the daemon's own group may ask, where they may enter the state directory."""

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
    log_to_stderr(ring)
    daemon = Daemon(options.state_dir)
    try:
        asyncio.run(_serve(options, daemon, ring))
    except BaseExceptionGroup as failures:
        if daemon.ending is None:
            daemon.keep_recording()
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
        tables = await stack.enter_async_context(open_tables(options, daemon))
        rig = await stack.enter_async_context(
            open_rig(tables.buses, clock=clock, random=random, pin_factory=tables.pin_factory)
        )
        page = await _open_page(stack, options.settings, clock)
        station = await stack.enter_async_context(
            open_station(
                Place(
                    settings=options.settings,
                    state_dir=options.state_dir,
                    clock=clock,
                    random=random,
                    nonce=nonce,
                    veil_key=new_nonce().encode(),
                    kernel_boot=daemon.kernel_boot(kernel_boot_id()),
                    hardware=await open_hardware(stack, rig, tables),
                    ring=ring,
                    notifier=Notifier(os.environ),
                    open_database=options.open_database or _opener(daemon),
                    page=page,
                ),
                daemon,
            )
        )
        await _until_called(options, daemon, station, page)


async def _open_page(stack: AsyncExitStack, settings: Settings, clock: SystemClock) -> Page | None:
    """The page that we serve ourselves, if one is wanted."""
    if settings.page is None:
        return None
    from edge.drivers.page import open_page, read_settings

    wanted = read_settings(settings.page)
    if wanted is None:
        return None
    return await stack.enter_async_context(
        open_page(wanted, station=settings.station.id, clock=clock)
    )


async def _until_called(
    options: Options, daemon: Daemon, station: Station, page: Page | None
) -> None:
    """Let the station work, say when it does, and end it when the end is called."""
    control = options.state_dir / "control.sock"
    async with (
        listen(control, daemon.verbs(options.settings.station.id), readable=READABLE),
        asyncio.TaskGroup() as group,
    ):
        tasks = station.start(group)
        await station.loop.come_round()
        station.notifier.say("READY=1")
        _tell_ready(options, control, None if page is None else page.url)
        await daemon.called.wait()
        station.notifier.say("STOPPING=1")
        await _end(daemon, station.cut)
        for task in tasks:
            task.cancel()


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


def _tell_ready(options: Options, control: Path, page: str | None) -> None:
    if options.ready_fd is None:
        return
    told = {
        "ready": True,
        "station": options.settings.station.id,
        "control": str(control),
        "page": page,
    }
    with suppress(OSError):
        os.write(options.ready_fd, json.dumps(told).encode() + b"\n")
        os.close(options.ready_fd)


@asynccontextmanager
async def open_tables(options: Options, daemon: Daemon) -> AsyncIterator[Tables]:
    """The hardware's tables; those of the simulated bay come from the bay itself."""
    settings = options.settings
    if settings.hardware == "real":
        if not settings.installation.production:
            log.warning("not_in_production", do="confirm the protection under [installation]")
        if options.sim_socket is not None:
            raise ConfigError('--sim-socket needs hardware = "simulated" in the configuration')
        yield Tables(
            readers=settings.readers,
            buses=settings.buses,
            connectors=settings.connectors,
            power_good=settings.power_good,
        )
        return
    from edge.sim.disk import Disk
    from edge.sim.wires import attach

    socket = options.sim_socket or options.state_dir / "sim.sock"
    wanted = bay_wanted(settings)
    for note in wanted.notes:
        log.warning("stood_in_for", what=note)
    daemon.disk = Disk()
    async with attach(socket, daemon.hooks(), wanted) as attached:
        daemon.changed = attached.changed
        tables = attached.tables
        yield Tables(
            readers={int(number): table for number, table in tables["readers"].items()},
            buses={
                name: {"probe_s": settings.simulated.probe_s, **table}
                for name, table in tables["buses"].items()
            },
            connectors={
                int(number): Connector(
                    evse=table["evse"],
                    meter=table.get("meter"),
                    temperature=table.get("temperature"),
                )
                for number, table in tables["connectors"].items()
            },
            power_good=tables["power_good"],
            pin_factory=attached.pin_factory,
        )


def _opener(daemon: Daemon) -> OpenDatabase | None:
    """With the simulated bay the disk may fail, too."""
    return None if daemon.disk is None else open_database_with(daemon.disk.connection())


def bay_wanted(settings: Settings) -> BayWanted:
    """The bay to attach to: one of its own kind, or in the place of the hardware configured."""
    from edge.sim.stand_in import stand_in
    from edge.sim.wires import BayWanted

    simulated = settings.simulated
    wanted = BayWanted(
        connectors=simulated.connectors,
        meter_bus=simulated.meter_bus,
        meter_model=simulated.meter_model,
        evse=simulated.evse,
        draw_w=simulated.draw_w,
    )
    if settings.hardware != "stand_in":
        return wanted
    stood = stand_in(
        readers=settings.readers,
        buses=settings.buses,
        connectors={n: (each.evse, each.meter) for n, each in settings.connectors.items()},
        power_good=settings.power_good,
    )
    return replace(wanted, tables=stood.tables, notes=stood.notes)
