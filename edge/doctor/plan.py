"""What cannot work in a planned configuration, although each of its tables is sound. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from edge.config.settings import Settings
from edge.core.access import WITH_CERTIFICATE, WITH_TLS
from edge.doctor.finding import Finding, fault, notice
from edge.drivers.gpio_pins import GpioSettings, check_pins, pins_of
from edge.drivers.meter_model import blocks, load
from edge.drivers.modbus import BITS, RtuSettings
from edge.drivers.modbus_meter import MeterSettings
from edge.drivers.ocpp_line import is_plain_beyond_loopback, public_address
from edge.drivers.ocpp_settings import Settings as LinkSettings
from edge.drivers.ocpp_settings import profile_of
from edge.drivers.registry import decode
from edge.errors import ConfigError

FRAME_BYTES: Final = 8 + 5  # of a request, and of a reply without its registers
TURN_S: Final = 0.02  # until a meter begins to answer
PROFILE: Final = "SecurityProfile"

NO_METER = fault(
    "plan.no_meter",
    "[{where}] has no meter, so nobody can start a session there",
    "add [{where}.meter]",
)
NO_BUS = fault(
    "plan.no_bus",
    '[{where}] is on the bus "{bus}", which there is not',
    "add [buses.{bus}], or write one of: {buses}",
)
SHARED_METER = fault(
    "plan.shared_meter",
    "[{where}] is connector {other}'s meter too: one register would bill two sessions",
    "give each connector a meter of its own",
)
SHARED_PIN = fault(
    "plan.shared_pin", "[{where}] {name} is on pin {pin}, as is {other}", "use another pin for one"
)
PINS = fault("plan.pins", "[{where}] {why}", "mend it in edge.toml")
NO_CONNECTOR = fault(
    "plan.no_connector",
    "[{where}] serves connector {connector}, which there is not",
    "write connectors = {connectors}",
)
SMALL_METER = fault(
    "plan.small_meter",
    "[{where}] the meter measures up to {most_a:g} A, and the charging point gives {rated_a:g} A",
    "write rated_a = {most_a:g}, or take a larger meter",
)
SMALL_RATING = fault(
    "plan.small_rating",
    "[{where}] rated_w is {rated_w:g}, and {rated_a:g} A on {phases} phases are {full_w:.0f} W",
    "write rated_w = {full_w:.0f}",
)
SLOW_BUS = fault(
    "plan.slow_bus",
    "[{where}] one round of its {meters} meters takes {round_s:.1f} s at {baudrate} baud, and is"
    " wanted every {poll_s:g} s",
    "raise the baud rate, poll_s, or the number of buses",
)
NO_SENSE = notice(
    "plan.no_sense",
    "[{where}] sees neither plug nor car: it must not be used in public (ruling 3)",
    "wire a plug input, or a pilot (pilot_pwm, vehicle, ready)",
)
PLAIN = fault(
    "plan.plain",
    "{address} is not encrypted, anybody on the way can read and steer this station",
    "use wss://, or write insecure = true under [csms]",
)
NO_CERTIFICATE = fault(
    "plan.no_certificate",
    "security profile 3 is asked for, and there is no certificate to show",
    "name certificate and certificate_key under [csms], or begin with profile 2",
)
PUBLIC_ROOTS = notice(
    "plan.public_roots",
    "the central system's certificate is checked by the roots of this computer",
    "name ca_file under [csms] where its operator has an authority of his own",
)


def judge(settings: Settings) -> Iterator[Finding]:
    """Every impossible combination in *settings*, whose tables their drivers have taken."""
    yield from _readers(settings)
    yield from _meters(settings)
    yield from _pins(settings)
    yield from _pace(settings)
    yield from _line(settings)


def _readers(settings: Settings) -> Iterator[Finding]:
    for number, table in settings.readers.items():
        for connector in table.get("connectors", ()):
            if connector not in settings.connectors:
                known = list(settings.connectors)
                yield NO_CONNECTOR.at(
                    f"readers.{number}", connector=connector, connectors=str(known)
                )


def _meters(settings: Settings) -> Iterator[Finding]:
    owners: dict[tuple[str, int], int] = {}
    for connector, tables in settings.connectors.items():
        if tables.meter is None:
            yield NO_METER.at(f"connectors.{connector}")
            continue
        if tables.meter["kind"] != "modbus":
            continue
        where = f"connectors.{connector}.meter"
        meter = _decoded(MeterSettings, tables.meter, where)
        if meter.bus not in settings.buses:
            yield NO_BUS.at(where, bus=meter.bus, buses=", ".join(settings.buses) or "none")
        other = owners.setdefault((meter.bus, meter.unit), connector)
        if other != connector:
            yield SHARED_METER.at(where, other=other)
        if tables.evse["kind"] == "gpio":
            evse = _decoded(GpioSettings, tables.evse, f"connectors.{connector}.evse")
            yield from _ratings(where, meter, evse)


def _ratings(where: str, meter: MeterSettings, evse: GpioSettings) -> Iterator[Finding]:
    most_a = load(meter.model).plausible.get("current_a", (0.0, math.inf))[1]
    if evse.rated_a > most_a:
        yield SMALL_METER.at(where, most_a=most_a, rated_a=evse.rated_a)
    full_w = evse.rated_a * evse.phases * evse.nominal_v
    if meter.rated_w < full_w:
        yield SMALL_RATING.at(
            where,
            rated_w=meter.rated_w,
            rated_a=evse.rated_a,
            phases=evse.phases,
            full_w=full_w,
        )


def _pins(settings: Settings) -> Iterator[Finding]:
    """Pins that two tables want; within one table its own driver says so."""
    used: dict[int, str] = {}
    if settings.power_good is not None and settings.power_good["kind"] == "gpio":
        used[settings.power_good["pin"]] = "power_good"
    for connector, tables in settings.connectors.items():
        if tables.evse["kind"] != "gpio":
            continue
        where = f"connectors.{connector}.evse"
        evse = _decoded(GpioSettings, tables.evse, where)
        try:
            check_pins(evse, connector)
        except ConfigError as error:
            yield PINS.at(where, why=str(error))
            continue
        for name, pin in pins_of(evse).items():
            if pin in used:
                yield SHARED_PIN.at(where, name=name, pin=pin, other=used[pin])
            used.setdefault(pin, f"connector {connector}'s {name}")
        if evse.plug is None and evse.pilot_pwm is None:
            yield NO_SENSE.at(where)


def _pace(settings: Settings) -> Iterator[Finding]:
    """Whether a serial bus carries a round of its meters in the time that they are polled in."""
    on: dict[str, list[MeterSettings]] = defaultdict(list)
    for connector, tables in settings.connectors.items():
        if tables.meter is not None and tables.meter["kind"] == "modbus":
            meter = _decoded(MeterSettings, tables.meter, f"connectors.{connector}.meter")
            on[meter.bus].append(meter)
    for name, table in settings.buses.items():
        if table["kind"] != "rtu" or not on[name]:
            continue
        bus = _decoded(RtuSettings, table, f"buses.{name}")
        round_s = sum(_poll_s(meter, bus) for meter in on[name])
        poll_s = min(meter.poll_s for meter in on[name])
        if round_s > poll_s:
            yield SLOW_BUS.at(
                f"buses.{name}",
                meters=len(on[name]),
                round_s=round_s,
                baudrate=bus.baudrate,
                poll_s=poll_s,
            )


def _poll_s(meter: MeterSettings, bus: RtuSettings) -> float:
    """What one poll of *meter* takes on *bus*."""
    return sum(
        (FRAME_BYTES + 2 * block.count) * BITS / bus.baudrate + TURN_S + bus.pause_s
        for block in blocks(load(meter.model))
    )


def _line(settings: Settings) -> Iterator[Finding]:
    csms = _decoded(LinkSettings, settings.csms, "csms")
    keys = {**settings.ocpp, **settings.overrides}
    profile = int(keys.get(PROFILE, profile_of(csms)))
    if profile == WITH_CERTIFICATE and csms.certificate is None:
        yield NO_CERTIFICATE.at("csms")
    if profile in WITH_TLS:
        if csms.ca_file is None:
            yield PUBLIC_ROOTS.at("csms")
    elif is_plain_beyond_loopback(csms.url) and not csms.insecure:
        yield PLAIN.at("csms", address=public_address(csms.url))


def _decoded(kind: type[Any], table: Mapping[str, Any], where: str) -> Any:
    plain = {key: value for key, value in table.items() if key != "kind" or where == "csms"}
    return decode(kind, plain, where)
