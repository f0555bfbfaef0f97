"""The two nodes: the real station above its hardware, and the real csms_lite below HTTP.

Each runs life after life. Everything that is the process's own is made anew for each; the bay, the
computer, the disks and the network stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote

import aiosqlite

from csms_lite.chance import Chance
from csms_lite.commands import service as commands
from csms_lite.errors import CsmsError
from csms_lite.house import furnish
from csms_lite.ocpp.session import Desk
from csms_lite.people import service as people
from csms_lite.people.rules import Card
from csms_lite.sessions import service as sessions
from csms_lite.settings import Settings as CentralSettings
from csms_lite.store.thread import SqliteThread, wrapped
from csms_lite.store.writer import open_store
from edge.app.daemon import Daemon
from edge.app.hardware import Hardware
from edge.app.station import Place, open_station
from edge.config.settings import Settings, Station
from edge.drivers.diagnostics import LogRing
from edge.notifier import Notifier
from tests.world.bay import BayEvse, BayMeter, BayReader, Outlet
from tests.world.clocks import CentralClock, Computer
from tests.world.disk import Disk
from tests.world.life import Life
from tests.world.loop import elapse
from tests.world.net import Network
from tests.world.tcp import TcpNetwork

STATION: Final = "WORLD"
TAG, OTHER, BLOCKED, FOREIGN = "CARD-1", "CARD-2", "CARD-BLOCKED", "CARD-FOREIGN"
WATCHDOG: Final = {"WATCHDOG_USEC": str(6 * 3600 * 10**6)}  # nobody watches: seldom is enough
TIDY_S: Final = 7200.0
FLUSH_S: Final = 0.1
RESTART_S: Final = 1.0
AFTER_FAILURE_S: Final = 10.0  # whoever watches over a process that cannot start is patient


@dataclass(kw_only=True)
class EdgeNode:
    """The charging point's process."""

    directory: Path
    ocpp: dict[str, str]
    chance: Random
    computer: Computer
    disk: Disk
    network: Network | TcpNetwork
    outlets: dict[int, Outlet]
    lives: int = 0
    again_after_s: float = RESTART_S
    is_dark: bool = False
    database: aiosqlite.Connection | None = None
    life: Life | None = None
    evses: dict[int, BayEvse] | None = None
    meters: dict[int, BayMeter] | None = None
    reader: BayReader | None = None

    def prepare(self) -> Life:
        """Make the next life."""
        self.lives += 1
        if self.is_dark:
            self.computer.boot()
            self.is_dark = False
        self.again_after_s = RESTART_S
        return Life(f"edge-{self.lives}")

    async def run(self, life: Life) -> None:
        """One process, until it is told to start anew."""
        clock = self.computer.clock()
        nonce = f"{self.chance.getrandbits(96):024x}"
        self.evses = {
            number: BayEvse(outlet, life, clock) for number, outlet in self.outlets.items()
        }
        self.meters = {
            number: BayMeter(outlet, life, clock, self.chance)
            for number, outlet in self.outlets.items()
        }
        self.reader = BayReader(life, clock)

        async def open_database(path: Path) -> aiosqlite.Connection:
            self.database = self.disk.attach(path, life)
            return self.database

        place = Place(
            settings=Settings(
                hardware="real",
                station=Station(id=STATION),
                csms={"url": "ws://127.0.0.1/ocpp"},
                ocpp=self.ocpp,
            ),
            state_dir=self.directory,
            clock=clock,
            random=Random(nonce),
            nonce=nonce,
            veil_key=nonce.encode(),
            kernel_boot=self.computer.kernel_boot,
            hardware=Hardware(
                evses=self.evses,
                meters=self.meters,
                readers={0: self.reader},
                reader_connectors=(tuple(self.outlets),),
            ),
            ring=LogRing(),
            notifier=Notifier(WATCHDOG),
            open_database=open_database,
            dial=self.network.dial_of(life),
        )
        daemon = Daemon(self.directory)
        async with open_station(place, daemon) as station, asyncio.TaskGroup() as group:
            station.start(group)
            await daemon.called.wait()
            station.cut()
            await elapse(FLUSH_S)
            life.die()  # the process is replaced

    def is_at_rest(self) -> bool:
        """Nothing waits to be told, no transaction is open."""
        if self.life is None or not self.life.is_alive or self.database is None:
            return False
        raw = self.database._conn
        assert raw is not None
        (left,) = raw.execute(
            "SELECT (SELECT count(*) FROM outbox)"
            " + (SELECT count(*) FROM transactions WHERE end_wh IS NULL)"
        ).fetchone()
        return not left

    def durable(self, connector: int) -> int | None:
        """The transaction that is open on *connector* as far as the disk knows."""
        if self.database is None:
            return None
        raw = self.database._conn
        assert raw is not None
        row = raw.execute(
            "SELECT ref FROM transactions WHERE connector = ? AND end_wh IS NULL"
            " AND stopping_at IS NULL",
            (connector,),
        ).fetchone()
        return None if row is None else int(row[0])


@dataclass(kw_only=True)
class CentralNode:
    """The central system's process."""

    directory: Path
    chance: Random
    disk: Disk
    network: Network | TcpNetwork
    heartbeat_s: int
    lives: int = 0
    again_after_s: float = RESTART_S
    life: Life | None = None
    desk: Desk | None = None

    def prepare(self) -> Life:
        """Make the next life."""
        self.lives += 1
        self.again_after_s = RESTART_S
        return Life(f"central-{self.lives}")

    async def run(self, life: Life) -> None:
        """One process, for ever."""

        async def open_database(path: Path, *, read_only: bool) -> SqliteThread:
            mode = "ro" if read_only else "rwc"
            address = f"file:{quote(str(path))}?mode={mode}"
            connection = self.disk.attach(address, life, uri=True)
            thread = await wrapped(connection, read_only=read_only)
            life.at_death(thread._unwrap)
            return thread

        clock, chance = CentralClock(), Chance(self.chance)
        settings = CentralSettings(
            state_dir=self.directory, heartbeat_s=self.heartbeat_s, accept_unknown=True
        )
        async with open_store(
            self.directory / "csms.db", clock=clock, open_database=open_database
        ) as store:
            if self.lives == 1:
                for tag in (TAG, OTHER, BLOCKED):
                    status = "Blocked" if tag is BLOCKED else "Accepted"
                    card = Card(tag=tag, status=status, parent=None, expires_at_ms=None)
                    await store.do(people.put_card, card, clock.now_ms(), who="the world")
            house = await furnish(settings, store, clock, chance)
            self.desk = house.desk
            await self.network.listen(life, house.endpoint)
            async with asyncio.TaskGroup() as group:
                group.create_task(house.feed.publish_on())
                group.create_task(house.tidy_on(asyncio.Event(), every_s=TIDY_S))

    def ask(self, action: str, payload: dict[str, Any]) -> None:
        """An operator asks the station for something."""
        life, desk = self.life, self.desk
        if life is not None and life.is_alive and desk is not None:
            life.spawn(_ask(desk, action, payload))


async def _ask(desk: Desk, action: str, payload: dict[str, Any]) -> None:
    with suppress(CsmsError):
        if action == "RemoteStopTransaction":
            found = await desk.store.read(sessions.list_sessions, {"charger": STATION}, 2**62, 20)
            running = [one.transaction_id for one in found if one.state == "running"]
            if not running:
                return
            payload = {"transactionId": running[0]}
        await desk.store.do(
            commands.ask,
            STATION,
            action,
            payload,
            message_id=desk.chance.message_id(),
            now_ms=desk.clock.now_ms(),
        )
        known = await desk.store.read(_station_id)
        desk.outgoing.ring(known)


def _station_id(db: Any) -> int:
    from csms_lite.stations.service import station

    return station(db, STATION).station_id


async def live(node: EdgeNode | CentralNode, report: Callable[[str], None]) -> None:
    """Let *node* live one life after the other, for ever; *report* hears of one that failed."""
    while True:
        life = node.prepare()
        node.life = life
        life.start(node.run(life))
        await life.died
        await life.bury()
        if life.failure is not None:
            report(f"{life.name} fell over {life.failure!r}")
            node.again_after_s = AFTER_FAILURE_S
        await elapse(node.again_after_s)
