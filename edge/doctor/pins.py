"""The pins of each charging point at rest: whether they can be had, and what the inputs say.

The charging point's own driver opens them, with its outputs off; what it says first is judged
against what the installer says is plugged in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.core.events import Event, EvseSeen, Pilot, Trip
from edge.core.setup import EvseTraits
from edge.doctor.finding import Finding, fault, notice, ok, unknown
from edge.doctor.running import running
from edge.doctor.site import Site
from edge.drivers.registry import Rig, choose
from edge.errors import DriverError
from edge.ports import Evse

SEEN_S: Final = 5.0
LEFT_DRIVEN: Final = Path("sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs")

AT_REST = ok("pins.at_rest", "[{where}] its pins can be had, and its inputs are at rest")
TAKEN = fault(
    "pins.taken",
    "[{where}] a pin cannot be had ({why})",
    "end the other program (gpioinfo names it), or turn off the overlay in config.txt",
)
SILENT = fault(
    "pins.silent",
    "[{where}] the charging point does not answer ({why})",
    "check its power, its bus and its address",
)
EMERGENCY_STOP = fault(
    "pins.emergency_stop",
    "[{where}] the emergency stop is pressed, or its loop is broken",
    "release the button; if it is released, mend the loop: an open loop means stop",
)
RCD = fault(
    "pins.rcd",
    "[{where}] the residual current device has tripped",
    "switch it on again; if it is on, check the wire of its auxiliary contact",
)
OVER_TEMPERATURE = fault(
    "pins.over_temperature",
    "[{where}] the temperature switch is open or too hot",
    "let it cool; if it is cold, check its wires",
)
PILOT_FAULT = fault(
    "pins.pilot_fault",
    "[{where}] the control pilot is shorted or has no supply (state {pilot})",
    "look for CP against PE in plug and cable, and check the pilot board's ±12 V",
)
PLUG_UNEXPECTED = fault(
    "pins.plug_unexpected",
    "[{where}] reads a plug in its socket, and by your word there is none",
    "pull it (or say --load {connector}); if the socket is empty, check the wire of the plug input",
)
CAR_UNEXPECTED = fault(
    "pins.car_unexpected",
    "[{where}] reads a car on the pilot, and by your word there is none",
    "unplug it (or say --load {connector}); if nothing is there, check the vehicle input's wire",
)
PLUG_UNSEEN = fault(
    "pins.plug_unseen",
    "[{where}] does not see the plug that is in by your word",
    "push it in as far as it goes, then check the wire of the plug input",
)
PILOT_LOST = fault(
    "pins.pilot_lost",
    "[{where}] does not see the car that is plugged in by your word",
    "check the CP wire from the pilot board to the socket, and PE",
)
LEFT_ON = notice(
    "pins.left_on",
    "this kernel leaves outputs as they are when a program ends, the coil's too",
    "turn that off (dtparam=strict_gpiod in config.txt), or have a dead-man relay drop the coil",
)
NO_FEEDBACK = unknown(
    "pins.no_feedback",
    "[{where}] has no feedback: whether the contactor obeys shows only in the meter",
    "wire its mirror contact (EN 60947-4-1) to an input and name it feedback",
)

TRIPS: Final = {
    Trip.EMERGENCY_STOP: EMERGENCY_STOP,
    Trip.RCD: RCD,
    Trip.OVER_TEMPERATURE: OVER_TEMPERATURE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """What one charging point shows with its outputs off; *is_loaded* by the installer's word."""

    connector: int
    seen: EvseSeen
    traits: EvseTraits
    is_loaded: bool

    @property
    def where(self) -> str:
        """Its table."""
        return place(self.connector)


async def examine(site: Site, rig: Rig, _found: Sequence[Finding]) -> list[Finding]:
    """Open each charging point and look at its inputs."""
    found: list[Finding] = []
    for connector, tables in sorted(site.tables.connectors.items()):
        where = place(connector)
        chosen = choose("evse", tables.evse, where)
        try:
            async with chosen.open(rig, connector) as evse:
                seen = await first_seen(evse)
        except DriverError as error:
            found.append(TAKEN.at(where, connector=connector, why=str(error)))
            continue
        except TimeoutError:
            found.append(SILENT.at(where, connector=connector, why=f"nothing within {SEEN_S:g} s"))
            continue
        is_loaded = connector in site.consent.loads
        rest = AtRest(connector=connector, seen=seen, traits=evse.traits, is_loaded=is_loaded)
        found += judge(rest)
        if tables.evse["kind"] == "gpio" and "feedback" not in tables.evse:
            found.append(NO_FEEDBACK.at(where))
    if _leaves_driven(site.computer.root):
        found.append(LEFT_ON.at("pins"))
    return found


def place(connector: int) -> str:
    """The table of *connector*'s charging point."""
    return f"connectors.{connector}.evse"


async def first_seen(evse: Evse) -> EvseSeen:
    """What *evse* shows when it begins to run; raises `DriverError`, `TimeoutError`."""
    first: asyncio.Future[EvseSeen] = asyncio.get_running_loop().create_future()

    def post(event: Event) -> None:
        if isinstance(event, EvseSeen) and not first.done():
            first.set_result(event)

    async with running(evse, post), asyncio.timeout(SEEN_S):
        return await first


def judge(rest: AtRest) -> Iterator[Finding]:
    """What an input says that cannot be, one finding for each; or that all are at rest."""
    wrong = list(_wrong(rest))
    yield from wrong or [AT_REST.at(rest.where)]


def _wrong(rest: AtRest) -> Iterator[Finding]:
    for trip, kind in TRIPS.items():
        if trip in rest.seen.tripped:
            yield kind.at(rest.where)
    if rest.seen.pilot in (Pilot.E, Pilot.F):
        yield PILOT_FAULT.at(rest.where, pilot=rest.seen.pilot.value)
    elif rest.is_loaded:
        if rest.traits.has_plug_sense and not rest.seen.plugged:
            yield PLUG_UNSEEN.at(rest.where)
        elif rest.seen.pilot is Pilot.A:
            yield PILOT_LOST.at(rest.where)
    elif rest.seen.plugged:
        yield PLUG_UNEXPECTED.at(rest.where, connector=rest.connector)
    elif rest.seen.pilot not in (Pilot.A, Pilot.NONE):
        yield CAR_UNEXPECTED.at(rest.where, connector=rest.connector)


def _leaves_driven(root: Path) -> bool:
    try:
        return (root / LEFT_DRIVEN).read_text(encoding="ascii").strip() in ("Y", "1")
    except OSError:
        return False
