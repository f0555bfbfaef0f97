"""The click test: each contactor closed once, and what feedback and meters saw of it.

The charging point's own driver switches the coil, so its reflex stays at work: emergency stop and
residual current open it as ever. Its feedback is taken out of the driver's table and watched here,
for longer than the driver's patience, so that slow, stuck, welded and inverted can be told apart.
Without a load the pilot is taken out as well: the driver closes for no car otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Final

from edge.doctor.click import SWITCHED_S, Bench, Click, Feedback, metered
from edge.doctor.finding import Fact, Finding, Level, fault, ok, unknown
from edge.doctor.pins import place
from edge.doctor.site import Site
from edge.drivers.gpio_evse import CLOSE_WITHIN_S
from edge.drivers.registry import Rig, choose
from edge.errors import DriverError
from edge.ports import Evse

PILOT_KEYS: Final = ("pilot_pwm", "vehicle", "ready", "ventilation", "pilot_fault")

OBEYS = ok(
    "contactor.obeys", "[{where}] the contactor closes in {closes_ms} ms, opens in {opens_ms} ms"
)
BY_METER = ok(
    "contactor.obeys_by_meter",
    "[{where}] the contactor has no feedback; the meter saw {drawn_w} W while it was closed",
)
WELDED = fault(
    "contactor.welded",
    "[{where}] the feedback says closed, whatever the coil does",
    "measure across the contactor without power: if it conducts, replace it, else its feedback wire"
    " is shorted",
)
INVERTED = fault(
    "feedback.inverted",
    "[{where}] the feedback says closed while the coil is off, and open while it is on",
    'use the normally open mirror contact, or write active_low = ["feedback"]',
)
STUCK = fault(
    "contactor.stuck",
    "[{where}] the contactor closed and did not open again within {within_ms} ms",
    "take the power away and replace it",
)
SLOW = fault(
    "contactor.slow",
    "[{where}] the contactor takes {closes_ms} ms to close, and may take {allowed_ms}",
    "measure the coil's voltage while it pulls; if that is right, replace the contactor",
)
NO_ANSWER = fault(
    "contactor.no_answer",
    "[{where}] the coil was switched on and no feedback came",
    "listen: if it clicks, the feedback wire is broken, else the coil's; with a load plugged in"
    " (--load {connector}) the meter tells which",
)
NOT_CLOSED = fault(
    "contactor.coil",
    "[{where}] the coil was switched on, and neither feedback nor meter saw the contactor close",
    "check the wire from the coil pin, the coil driver and the coil's own supply",
)
FEEDBACK_BROKEN = fault(
    "feedback.broken",
    "[{where}] the meter saw {drawn_w} W through the contactor, and no feedback came",
    "mend the wire of the mirror contact",
)
CROSSED = fault(
    "meter.crossed",
    "[{where}] its load is counted by the meter of connector {counted_by}",
    "swap the meters' unit ids in edge.toml, or their wires",
)
UNCOUNTED = fault(
    "meter.uncounted",
    "[{where}] the contactor was closed with a load behind it, and its meter counted nothing",
    "check that the meter lies between contactor and socket, and that the load is on",
)
NOT_ASKING = fault(
    "load.not_asking",
    "[{where}] the load does not ask for energy at an offer of 6 A (state {pilot})",
    "set the load to charge; if it does, check the pilot's wave and the wire of the ready input",
)
NOT_LOADED = unknown(
    "contactor.not_loaded",
    "[{where}] was clicked without a load: which meter counts it is not known",
    "plug a test load in and say --load {connector}",
)
UNHEARD = unknown(
    "contactor.unheard",
    "[{where}] was clicked, and without feedback and load nothing here can tell whether it closed",
    "listen for two clicks, or plug a test load in and say --load {connector}",
)
LEFT_OUT = unknown("contactor.left_out", "[{where}] was not clicked: {why}", "{remedy}")


async def examine(site: Site, rig: Rig, before: Sequence[Finding]) -> list[Finding]:
    """Click each contactor that may be; not one whose pins are at fault *before*."""
    unfit = {found.where: found.what for found in before if found.level is Level.FAULT}
    found: list[Finding] = []
    for connector, tables in sorted(site.tables.connectors.items()):
        where = place(connector)
        if tables.evse["kind"] != "gpio":
            why = "its controller owns the contactor"
            remedy = "use the controller's own test"
        elif where in unfit:
            why, remedy = unfit[where], "mend that first"
        elif connector not in site.consent.clicks:
            why, remedy = "nobody said that it may be", "answer yes, or say --yes"
        else:
            click = await _click(site, rig, connector)
            if isinstance(click, Click) and (click.closes_s or 0) > CLOSE_WITHIN_S:
                click = await _click(site, rig, connector)  # this computer may have been slow
            found += [click] if isinstance(click, Finding) else list(judge(click))
            continue
        found.append(LEFT_OUT.at(where, why=why, remedy=remedy))
    return found


async def _click(site: Site, rig: Rig, connector: int) -> Click | Finding:
    """Close and open the contactor of *connector* once; a finding if that was not to be had."""
    table = dict(site.tables.connectors[connector].evse)
    is_loaded = connector in site.consent.loads
    for name in () if is_loaded else PILOT_KEYS:
        table.pop(name, None)
    feedback = table.pop("feedback", None)
    evse_settings = choose("evse", table, place(connector))
    try:
        async with AsyncExitStack() as stack:
            evse: Evse = await stack.enter_async_context(evse_settings.open(rig, connector))
            bench = Bench(
                evse=evse,
                feedback=None if feedback is None else Feedback(stack, rig, table, feedback),
                meters=await stack.enter_async_context(metered(site, rig)) if is_loaded else None,
                clock=rig.clock,
            )
            return await bench.click(connector)
    except DriverError as error:
        why = str(error)
        return LEFT_OUT.at(place(connector), why=why, remedy="mend that and try again")


def judge(click: Click) -> Iterator[Finding]:
    """What *click* amounts to."""
    found = _contactor(click)
    yield found
    if not click.is_loaded:
        yield NOT_LOADED.at(place(click.connector), connector=click.connector)
    elif found.level is Level.OK:
        yield from _counting(click)


def _contactor(click: Click) -> Finding:
    where, facts = place(click.connector), _measured(click)
    if click.is_loaded and not click.is_asking:
        return NOT_ASKING.at(where, pilot=click.pilot.value)
    match click.before, click.during, click.after:
        case None, _, _:
            return _by_meter(click)
        case True, True, True:
            return WELDED.at(where, **facts)
        case True, False, _:
            return INVERTED.at(where, **facts)
        case _, True, True:
            return STUCK.at(where, within_ms=_ms(SWITCHED_S), **facts)
        case _, False, _:
            return _unseen(click)
    assert click.closes_s is not None  # it was seen closed
    if click.closes_s > CLOSE_WITHIN_S:
        return SLOW.at(where, allowed_ms=_ms(CLOSE_WITHIN_S), **facts)
    return OBEYS.at(where, **facts)


def _by_meter(click: Click) -> Finding:
    """Without feedback the load tells; without a load nothing does."""
    where = place(click.connector)
    if not click.is_loaded:
        return UNHEARD.at(where, connector=click.connector)
    if not click.counted_by:
        return NOT_CLOSED.at(where)
    return BY_METER.at(where, drawn_w=round(max(click.drawn_w.values())))


def _unseen(click: Click) -> Finding:
    """No feedback came: whether the contactor closed is told by a meter, if one was asked."""
    where = place(click.connector)
    if click.counted_by:
        return FEEDBACK_BROKEN.at(where, drawn_w=round(max(click.drawn_w.values())))
    if click.connector in click.drawn_w:
        return NOT_CLOSED.at(where)
    return NO_ANSWER.at(where, connector=click.connector)


def _counting(click: Click) -> Iterator[Finding]:
    """Whether the load was counted where it belongs; a meter that is silent is another's matter."""
    where = place(click.connector)
    if click.connector in click.counted_by or click.connector not in click.drawn_w:
        return
    if click.counted_by:
        yield CROSSED.at(where, counted_by=click.counted_by[0])
    else:
        yield UNCOUNTED.at(where)


def _measured(click: Click) -> dict[str, Fact]:
    return {
        "closes_ms": _ms(click.closes_s),
        "opens_ms": _ms(click.opens_s),
        "drawn_w": tuple(f"{n}: {round(drawn)}" for n, drawn in click.drawn_w.items()),
    }


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
