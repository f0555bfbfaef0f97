"""Opens the drivers that edge.toml or the simulated bay names, charging points first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import structlog

from edge.config.settings import Connector, Supervision, Table
from edge.core.events import Event, Port, TagPresented
from edge.core.setup import EvseTraits
from edge.drivers.registry import Rig, choose
from edge.notifier import Notifier, feed_watchdog
from edge.ports import CardReader, Clock, EnergyMeter, Evse, Post, Supply, Thermometer
from edge.runtime.liveness import prove_alive
from edge.runtime.supervise import Backoff, Worker, supervise

EVSE_RETRY_MOST_S: Final = 2.0  # a controller out of reach goes on with its last order till then

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The opened drivers, by connector or reader, and which connectors each reader serves."""

    evses: Mapping[int, Evse]
    meters: Mapping[int, EnergyMeter]
    readers: Mapping[int, CardReader]
    reader_connectors: tuple[tuple[int, ...], ...]
    thermometers: Mapping[int, Thermometer] = field(default_factory=dict)
    supply: Supply | None = None

    def traits(self) -> tuple[EvseTraits, ...]:
        """What each charging point, its meter and thermometer can do, from connector 1 on."""
        return tuple(self._traits(number) for number in sorted(self.evses))

    def _traits(self, number: int) -> EvseTraits:
        traits, meter = self.evses[number].traits, self.meters.get(number)
        return replace(
            traits,
            meter_refresh_s=traits.meter_refresh_s if meter is None else meter.refresh_s,
            has_temperature=traits.has_temperature or number in self.thermometers,
        )

    def without_meter(self) -> tuple[int, ...]:
        """The connectors that can sell nothing."""
        return tuple(number for number in sorted(self.evses) if number not in self.meters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The raw tables of the hardware, from edge.toml or from the simulated bay."""

    readers: Mapping[int, Table]
    buses: Mapping[str, Table]
    connectors: Mapping[int, Connector]
    power_good: Table | None = None
    pin_factory: object | None = None


async def open_hardware(stack: AsyncExitStack, rig: Rig, tables: Tables) -> Hardware:
    """Open all drivers, the charging points first: their outputs go off before all else."""
    evses: dict[int, Evse] = {}
    for number, connector in sorted(tables.connectors.items()):
        chosen = choose("evse", connector.evse, f"connectors.{number}.evse")
        evses[number] = await stack.enter_async_context(chosen.open(rig, number))
    meters: dict[int, EnergyMeter] = {}
    for number, connector in sorted(tables.connectors.items()):
        if connector.meter is None:
            log.warning("meter_missing", connector=number, do=f"add [connectors.{number}.meter]")
            continue
        chosen = choose("meter", connector.meter, f"connectors.{number}.meter")
        meters[number] = await stack.enter_async_context(chosen.open(rig, number))
    thermometers: dict[int, Thermometer] = {}
    for number, connector in sorted(tables.connectors.items()):
        if connector.temperature is not None:
            where = f"connectors.{number}.temperature"
            chosen = choose("temperature", connector.temperature, where)
            thermometers[number] = await stack.enter_async_context(chosen.open(rig, number))
    readers: dict[int, CardReader] = {}
    for number, table in sorted(tables.readers.items()):
        chosen = choose("reader", table, f"readers.{number}")
        readers[number] = await stack.enter_async_context(chosen.open(rig, number))
    supply = None
    if tables.power_good is not None:
        chosen = choose("power_good", tables.power_good, "power_good")
        supply = await stack.enter_async_context(chosen.open(rig, 0))
    return Hardware(
        evses=evses,
        meters=meters,
        readers=readers,
        reader_connectors=tuple(
            tuple(table.get("connectors", ())) for _, table in sorted(tables.readers.items())
        ),
        thermometers=thermometers,
        supply=supply,
    )


def at_work(
    hardware: Hardware,
    waits: Supervision,
    clock: Clock,
    post: Post,
    name: Callable[[str], str],
) -> dict[str, Coroutine[None, None, None]]:
    """Each driver of the hardware at work, by its name; a pin that is only read cannot fail.

    What the readers say of cards reaches *post* with the *name* that each has inside.
    """
    works: dict[str, Coroutine[None, None, None]] = {
        worker.name: supervise(worker, post, clock=clock, backoff=backoff_of(worker.port, waits))
        for worker in _workers(hardware, name)
    }
    if hardware.supply is not None:
        works["supply"] = hardware.supply.run(post)
    return works


def backoff_of(port: Port, waits: Supervision) -> Backoff:
    """How long to wait before a driver that was lost is tried again."""
    most_s = waits.retry_most_s
    if port is Port.EVSE:
        most_s = min(most_s, EVSE_RETRY_MOST_S)
    return Backoff(first_s=min(waits.retry_first_s, most_s), most_s=most_s)


def proofs(
    hardware: Hardware, notifier: Notifier, come_round: Callable[[], Awaitable[None]]
) -> dict[str, Coroutine[None, None, None]]:
    """The proof of life that charging points and the service manager want, by name (safety 2)."""
    return {
        "watchdog": feed_watchdog(notifier, come_round),
        **{
            f"proof-{number}": prove_alive(evse.prove_alive, every_s, come_round)
            for number, evse in hardware.evses.items()
            if (every_s := evse.proof_s) is not None
        },
    }


def _workers(hardware: Hardware, name: Callable[[str], str]) -> Iterator[Worker]:
    """Every driver that can fail and be tried again."""
    for number, evse in hardware.evses.items():
        yield Worker(port=Port.EVSE, connector=number, run=evse.run)
    for number, meter in hardware.meters.items():
        yield Worker(port=Port.METER, connector=number, run=meter.run)
    for number, thermometer in hardware.thermometers.items():
        yield Worker(port=Port.SENSOR, connector=number, run=thermometer.run)
    for number, reader in hardware.readers.items():
        yield Worker(
            port=Port.READER, connector=0, reader=number, run=partial(_named, reader, name)
        )


async def _named(reader: CardReader, name: Callable[[str], str], post: Post) -> None:
    """Let *reader* work, and nobody hear a UID in clear where cards have aliases."""

    def renamed(event: Event) -> None:
        if isinstance(event, TagPresented):
            event = replace(event, id_tag=name(event.id_tag))
        post(event)

    await reader.run(renamed)
