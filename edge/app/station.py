"""A station above its hardware: journal, state, link, loop and recorder, put together and at work.

Whoever gives it a place to run, the daemon or a simulated world, runs the same wiring.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from edge.app.board import showing
from edge.app.daemon import Daemon
from edge.app.errands import make_errands, protocols
from edge.app.hardware import Hardware, at_work, proofs
from edge.app.privacy import Names, names
from edge.app.works import Works
from edge.config.loading import identity
from edge.config.settings import Settings
from edge.core import keys
from edge.core.certificates import trusted
from edge.core.deadlines import next_deadline
from edge.core.effects import Effect
from edge.core.events import DriverLost, Event, MeterRead, Port, Started
from edge.core.levels import permits_energy, permitted_a
from edge.core.restore import restore
from edge.core.security import attempts
from edge.core.setup import Setup
from edge.core.state import ChargePoint, tag_key
from edge.core.step import step
from edge.drivers.diagnostics import LogRing
from edge.drivers.disk_use import written_bytes
from edge.drivers.journal import OpenDatabase, SqliteJournal, files, open_journal
from edge.drivers.notary import ChildNotary
from edge.drivers.ocpp_costs import check_default_price
from edge.drivers.ocpp_line import Dial
from edge.drivers.ocpp_link import OcppLink, open_link, profile_of
from edge.drivers.ocpp_link import Settings as LinkSettings
from edge.drivers.registry import decode
from edge.drivers.system_clock import SystemClock
from edge.drivers.verifier import read_roots
from edge.errors import ConfigError
from edge.notifier import Notifier
from edge.ports import Post
from edge.recording.flight import FlightRecorder
from edge.recording.veil import Veil
from edge.runtime.beats import Outfit, perform
from edge.runtime.errands import Errands
from edge.runtime.expiry import Expiry
from edge.runtime.inquiries import Inquiries
from edge.runtime.lookup import Lookup
from edge.runtime.loop import Loop, Rules
from edge.runtime.readings import Readings
from edge.runtime.recorder import Recorder
from edge.runtime.space import watch_space
from edge.runtime.supervise import Backoff, cut_all, endured, guarded, spared
from edge.runtime.upkeep import Upkeep, keep_purged
from edge.runtime.wear import Wear

if TYPE_CHECKING:
    from edge.drivers.page import Page

Work = Coroutine[None, None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the process and its computer give a station.

    *kernel_boot* and *nonce* are those of `Setup`, *veil_key* that of its recordings, which nobody
    else may know. *open_database* and *dial* are the seams of the
    journal and the link, `None` for the real disk and network. *page* `None`: none is wanted.
    """

    settings: Settings
    state_dir: Path
    clock: SystemClock
    random: Random
    nonce: str
    veil_key: bytes
    kernel_boot: str
    hardware: Hardware
    ring: LogRing
    notifier: Notifier
    open_database: OpenDatabase | None = None
    dial: Dial | None = None
    page: Page | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A station that is put together: its loop, who works beside it, and how to take all power."""

    loop: Loop[ChargePoint]
    notifier: Notifier
    works: Mapping[str, Work]
    cut: Callable[[], None]

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Put everybody to work in *group*; whatever fails opens every contactor first."""
        return [
            group.create_task(guarded(name, work, cut_all=self.cut), name=name)
            for name, work in self.works.items()
        ]


@asynccontextmanager
async def open_station(place: Place, daemon: Daemon) -> AsyncIterator[Station]:
    """Open the journal, restore what it knows, and connect everything; raises `ConfigError`."""
    settings, clock = place.settings, place.clock
    path = place.state_dir / files.NAME
    async with open_journal(path, open_database=place.open_database) as journal:
        check_default_price(settings.ocpp, settings.overrides)
        called = names(settings.privacy.mode, place.state_dir)
        csms = decode(LinkSettings, settings.csms, "csms")
        try:
            state = restore(await journal.load(), _setup(place, csms, called), clock.now())
        except ValueError as mismatch:
            raise ConfigError(str(mismatch)) from mismatch
        flight = FlightRecorder(veil=Veil(place.veil_key), version=version("tapwatt"))
        link = open_link(
            csms,
            station=settings.station.id,
            clock=clock,
            random=place.random,
            attempts=attempts(state),
            failures=state.station.dial_failures,
            ping_interval_s=keys.number(state, "WebSocketPingInterval"),
            roots=trusted(state),
            dial=place.dial,
            hear=spared("flight", flight.frame),
        )
        notary = ChildNotary(csms.ca_file)
        parts = _Parts(
            journal=journal, link=link, notary=notary, state=state, flight=flight, names=called
        )
        yield _connected(place, daemon, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What `_connected` connects."""

    journal: SqliteJournal
    link: OcppLink
    notary: ChildNotary
    state: ChargePoint
    flight: FlightRecorder
    names: Names
    readings: Readings = field(default_factory=Readings)


def _connected(place: Place, daemon: Daemon, parts: _Parts) -> Station:
    """Connect loop, recorder and drivers."""
    clock, hardware, journal, link = place.clock, place.hardware, parts.journal, parts.link
    lookup = Lookup(journal=journal, clock=clock)
    errands = _make_errands(place, daemon, parts)
    inquiries = Inquiries(notary=parts.notary, clock=clock)
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
    wear = Wear(written=written_bytes, clock=clock)
    loop = _make_loop(place, daemon, parts, act, recorder)
    upkeep = Upkeep(check=journal.check, is_idle=partial(_is_idle, loop), clock=clock)
    expiry = _make_expiry(place, parts, loop)
    parts_at_work = Works(
        loop=loop,
        recorder=recorder,
        journal=journal,
        link=link,
        clock=clock,
        errands=errands,
        wear=wear,
        upkeep=upkeep,
        expiry=expiry,
        names=parts.names,
        readings=parts.readings,
        flight=parts.flight,
        has_power_good=hardware.supply is not None,
    )
    daemon.begin(parts_at_work)
    works = {
        "loop": loop.run(),
        "recorder": recorder.run(loop.post, loop.permits),
        "lookup": lookup.run(loop.post),
        "errands": errands.run(loop.post),
        "inquiries": inquiries.run(loop.post),
        "link": link.run(loop.post),
        "wear": wear.run(),
        "upkeep": upkeep.run(),
        "expiry": expiry.run(),
        **_kept_small(journal, loop, clock),
        **_board(place, loop),
        **proofs(hardware, place.notifier, loop.come_round),
        **at_work(hardware, place.settings.supervision, clock, loop.post, parts.names.of),
    }
    _post_first(loop.post, clock, hardware)
    cut = partial(_cut, loop, hardware)
    return Station(loop=loop, notifier=place.notifier, works=works, cut=cut)


def certificate_files(settings: Settings) -> dict[str, str]:
    """The files of certificates that *settings* name, by what they are."""
    csms = decode(LinkSettings, settings.csms, "csms")
    named = {
        "[csms] ca_file": csms.ca_file,
        "[csms] certificate": csms.certificate,
        "[firmware] ca_file": settings.firmware.ca_file,
    }
    return {what: file for what, file in named.items() if file is not None}


class _Spared:
    """The flight recorder as the loop's witness: its own bugs end nothing but the recording."""

    def __init__(self, flight: FlightRecorder) -> None:
        self.stepped = spared("flight", flight.stepped)
        self.raised = spared("flight", flight.raised)


def _cut(loop: Loop[ChargePoint], hardware: Hardware) -> None:
    """No contactor is closed from now on, and none stays so."""
    loop.stand_down()
    cut_all(hardware.evses.values())


def _is_idle(loop: Loop[ChargePoint]) -> bool:
    """Whether no session runs."""
    return all(bay.transaction is None for bay in loop.state.bays)


def _make_errands(place: Place, daemon: Daemon, parts: _Parts) -> Errands:
    return make_errands(
        place.settings,
        parts.state.setup,
        ring=place.ring,
        journal=parts.journal,
        clock=place.clock,
        status=daemon.status,
        readings=parts.readings,
        flight=parts.flight,
        spool=place.state_dir / "spool",
    )


def _make_expiry(place: Place, parts: _Parts, loop: Loop[ChargePoint]) -> Expiry:
    read = partial(parts.notary.ends, certificate_files(place.settings))
    return Expiry(read=read, state=lambda: loop.state, clock=place.clock)


def _kept_small(
    journal: SqliteJournal, loop: Loop[ChargePoint], clock: SystemClock
) -> dict[str, Work]:
    """What clears the journal, and what watches the room that is left on its disk."""
    return {
        "purge": keep_purged(journal.purge, partial(_is_idle, loop)),
        "space": watch_space(journal, clock, loop.post),
    }


def _board(place: Place, loop: Loop[ChargePoint]) -> dict[str, Work]:
    """The page at work, by name: whatever befalls it, nobody's charging ends by it."""
    if place.page is None:
        return {}
    shown = showing(place.page, lambda: loop.state, place.clock, place.state_dir)
    waits = place.settings.supervision
    backoff = Backoff(first_s=waits.retry_first_s, most_s=waits.retry_most_s)
    return {
        name: endured(name, run, backoff=backoff)
        for name, run in (("page", place.page.run), ("board", shown.run))
    }


def _post_first(post: Post, clock: SystemClock, hardware: Hardware) -> None:
    """What is known before any driver speaks."""
    post(Started(at=clock.now()))
    for number in hardware.without_meter():
        why = f"connector {number} has no meter: add [connectors.{number}.meter]"
        post(DriverLost(at=clock.now(), port=Port.METER, connector=number, why=why))


def _make_loop(
    place: Place,
    daemon: Daemon,
    parts: _Parts,
    act: Callable[[Effect], None],
    recorder: Recorder,
) -> Loop[ChargePoint]:
    def stepped(state: ChargePoint, event: Event) -> tuple[ChargePoint, tuple[Effect, ...]]:
        after = step(state, event)
        if isinstance(event, MeterRead):
            parts.readings.take(event.connector, event.reading)
        daemon.changed()
        return after

    rules = Rules(
        step=stepped,
        next_deadline=next_deadline,
        permits_energy=permits_energy,
        permitted_a=permitted_a,
    )
    return Loop(
        parts.state,
        rules=rules,
        clock=place.clock,
        perform=act,
        append=recorder.append,
        witness=_Spared(parts.flight),
    )


def _setup(place: Place, csms: LinkSettings, called: Names) -> Setup:
    settings = place.settings
    return Setup(
        identity=identity(settings.station, version("tapwatt")),
        traits=place.hardware.traits(),
        nonce=place.nonce,
        kernel_boot=place.kernel_boot,
        readers=place.hardware.reader_connectors,
        transfer_protocols=protocols(settings),
        defaults={"SecurityProfile": str(profile_of(csms)), **settings.ocpp},
        overrides=settings.overrides,
        has_root=csms.ca_file is not None,
        has_certificate=csms.certificate is not None,
        common_name=settings.station.serial or settings.station.id,
        policy=settings.policy,
        bounds=settings.bounds,
        keeping=settings.journal,
        unsigned_firmware=settings.firmware.unsigned,
        maker_roots=read_roots(settings.firmware.ca_file),
        card_roles={tag_key(called.of_word(one)): role for one, role in settings.cards.items()},
    )
