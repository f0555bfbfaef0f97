"""The whole world of one history: both nodes, what lies between and below, and what happens."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final

from edge.core.events import Pilot
from tests.world.bay import Outlet
from tests.world.clocks import Computer
from tests.world.disk import Disk
from tests.world.net import Network
from tests.world.nodes import CentralNode, EdgeNode
from tests.world.scenario import Scenario
from tests.world.tcp import TcpNetwork

CONNECTORS: Final = (1, 2)


class World:
    """Made inside its loop, of a scenario; *directory* takes both databases.

    `digest` is of every message that arrived, every commit and every physical event.
    """

    def __init__(self, scenario: Scenario, directory: Path) -> None:
        self.scenario = scenario
        self.breaches: list[str] = []
        self.power_lost_at: list[float] = []
        self.counts: Counter[str] = Counter()
        self._host = asyncio.get_running_loop()
        self._digest = hashlib.sha256()
        self.computer = Computer(is_kept=scenario.is_kept)
        network = TcpNetwork if scenario.real_sockets else Network
        self.network = network(
            chance=self._chance("line"), latency_s=scenario.line_s, note=self.note
        )
        self.outlets = {
            number: Outlet(
                number=number, log=self.note, durable=self._durable, breaches=self.breaches
            )
            for number in CONNECTORS
        }
        self.edge = self._make_edge(directory / "edge")
        self.central = self._make_central(directory / "central")

    def _chance(self, name: str) -> Random:
        return Random(f"{self.scenario.seed} {name}")

    def _make_edge(self, directory: Path) -> EdgeNode:
        scenario = self.scenario
        return EdgeNode(
            directory=directory,
            ocpp={
                "MeterValueSampleInterval": str(scenario.sample_s),
                "WebSocketPingInterval": "3600",
                "LocalPreAuthorize": str(scenario.pre_authorize).lower(),
                "AllowOfflineTxForUnknownId": "true",
            },
            chance=self._chance("edge"),
            computer=self.computer,
            disk=Disk(
                chance=self._chance("edge disk"), latency_s=scenario.edge_disk_s, wrote=self._wrote
            ),
            network=self.network,
            outlets=self.outlets,
        )

    def _make_central(self, directory: Path) -> CentralNode:
        directory.mkdir(parents=True)
        return CentralNode(
            directory=directory,
            chance=self._chance("central"),
            disk=Disk(
                chance=self._chance("central disk"),
                latency_s=self.scenario.central_disk_s,
                wrote=self._wrote,
                may_fall=self.network.may_break,
            ),
            network=self.network,
            heartbeat_s=self.scenario.heartbeat_s,
        )

    # ── what is written down ─────────────────────────────────────────────────────────────────────

    @property
    def digest(self) -> str:
        """The history so far, as one number."""
        return self._digest.hexdigest()

    def note(self, what: str) -> None:
        """Something happened."""
        self._digest.update(f"{self._host.time():.6f} {what}\n".encode())
        self.counts["events"] += 1

    def _wrote(self, who: str, rows: int) -> None:
        self.note(f"{who} wrote {rows}")

    def _durable(self, connector: int) -> int | None:
        return self.edge.durable(connector)

    def fell_over(self, what: str) -> None:
        """A process ended by itself: a bug, unless its disk did not let it begin."""
        if not (self.edge.disk.fails or self.central.disk.fails):
            self.breaches.append(what)

    # ── what happens ─────────────────────────────────────────────────────────────────────────────

    def slipped(self, _host: object, context: dict[str, Any]) -> None:
        """A callback raised: somebody's bug, ours or the product's."""
        if "handle" in context:
            self.breaches.append(f"a callback failed: {context.get('exception')!r}")

    def happen(self) -> None:
        """Let every act of the scenario come at its moment."""
        for at, word, arguments in self.scenario.acts:
            self._host.call_at(at, self._act, word, arguments)

    def _act(self, word: str, arguments: tuple[Any, ...]) -> None:
        self.note(f"act {word} {arguments}")
        self.counts[word] += 1
        getattr(self, word)(*arguments)

    def plug(self, number: int, draw_w: float) -> None:
        """A car is connected."""
        outlet = self.outlets[number]
        outlet.integrate()
        outlet.car += 1
        outlet.plugged, outlet.wants, outlet.draw_w = True, True, draw_w
        outlet.set_pilot(Pilot.B)
        self._look(number)

    def unplug(self, number: int) -> None:
        """It is pulled, whatever is going on."""
        outlet = self.outlets[number]
        outlet.plugged = False
        outlet.set_pilot(Pilot.A)
        self._look(number)

    def full(self, number: int) -> None:
        """The car has had enough."""
        self.outlets[number].wants = False
        self._look(number)

    def hungry(self, number: int) -> None:
        """It wants more."""
        self.outlets[number].wants = True
        self._look(number)

    def press(self, number: int) -> None:
        """The emergency stop: the reflex opens first."""
        outlet = self.outlets[number]
        outlet.stopped = outlet.latched = True
        outlet.set_coil(False)
        self._look(number)

    def release(self, number: int) -> None:
        """It is pulled out again."""
        self.outlets[number].stopped = False

    def _look(self, number: int) -> None:
        if self.edge.evses is not None:
            self.edge.evses[number].tell()
            self.edge.evses[number].follow()

    def tap(self, id_tag: str) -> None:
        """A card at the only reader."""
        if self.edge.reader is not None:
            self.edge.reader.tap(id_tag)

    def ask(self, action: str, payload: dict[str, Any]) -> None:
        """An operator asks for something."""
        self.central.ask(action, payload)

    def strike(self, fault: str, action: str) -> None:
        """Let a fault wait on the line."""
        self.network.arm(fault, action)

    def cut(self) -> None:
        """The line breaks."""
        self.network.cut()

    def outage(self, for_s: float) -> None:
        """The network is gone."""
        self.network.go_down()
        self._host.call_later(for_s, self.network.mend)

    def swallow(self, for_s: float) -> None:
        """The network takes everything and gives nothing."""
        if self.network.may_break():
            self.network.swallow()
            self._host.call_later(for_s, self.network.mend)

    def kill_edge(self, down_s: float) -> None:
        """SIGKILL; the pins stay as they are."""
        if self._is_alive(self.edge):
            self.edge.again_after_s = down_s
            self._die(self.edge)

    def leave_unseen(self, number: int, down_s: float) -> None:
        """The station's process is killed, and a car leaves before the next one looks."""
        self.kill_edge(down_s)
        self._host.call_later(down_s / 2, self.unplug, number)

    def fall_edge(self, down_s: float) -> None:
        """SIGKILL right after the next commit."""
        if self._is_alive(self.edge):
            self.edge.again_after_s = down_s
            self.edge.disk.falls = True

    def lose_power(self, down_s: float) -> None:
        """The mains are gone: the coils fall, the next kernel is another one."""
        if self._is_alive(self.edge):
            self.edge.again_after_s = down_s
            self.edge.is_dark = True
            self.power_lost_at.append(self._host.time())
            self._die(self.edge)
            for outlet in self.outlets.values():
                outlet.set_coil(False)

    def kill_central(self, down_s: float) -> None:
        """SIGKILL of the central system."""
        if self._is_alive(self.central) and self.network.may_break():
            self.central.again_after_s = down_s
            self._die(self.central)

    def fall_central(self, down_s: float) -> None:
        """SIGKILL right after its next commit, before the answer."""
        if self._is_alive(self.central):
            self.central.again_after_s = down_s
            self.central.disk.falls = True

    def _is_alive(self, node: EdgeNode | CentralNode) -> bool:
        return node.life is not None and node.life.is_alive

    def _die(self, node: EdgeNode | CentralNode) -> None:
        assert node.life is not None
        self.counts["killed"] += 1
        node.life.die()

    def disk_edge(self, for_s: float) -> None:
        """The station's disk takes no writes."""
        self._fail(self.edge.disk, for_s)

    def disk_central(self, for_s: float) -> None:
        """The central system's disk takes no writes."""
        self._fail(self.central.disk, for_s)

    def _fail(self, disk: Disk, for_s: float) -> None:
        disk.fails = True
        self._host.call_later(for_s, setattr, disk, "fails", False)

    def meter(self, number: int, how: str, for_s: float) -> None:
        """The meter is `silent`, or its register `frozen`."""
        outlet = self.outlets[number]
        if outlet.meter == "good":
            outlet.break_meter(how)
            self._host.call_later(for_s, outlet.break_meter, "good")

    def glitch(self, number: int) -> None:
        """One reading under load is zero."""
        if self.edge.meters is not None:
            self.edge.meters[number].glitches = True

    def replace_meter(self, number: int) -> None:
        """The meter begins at zero again."""
        self.outlets[number].replace_meter()

    def jump(self, by_s: float) -> None:
        """The station's wall clock is set."""
        self.computer.jump(by_s)

    def heal(self) -> None:
        """Evening: no more faults, the cars leave, everything works."""
        self.network.armed.clear()
        self.network.mend()
        for disk in (self.edge.disk, self.central.disk):
            disk.fails = disk.falls = False
        for number, outlet in self.outlets.items():
            outlet.break_meter("good")
            self.release(number)
            self.unplug(number)
