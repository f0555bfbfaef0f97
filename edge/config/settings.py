"""What edge.toml may say, as types; the tables of drivers stay raw, theirs to check."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from edge.config.production import Installation
from edge.core.card_roles import Role
from edge.core.setup import Bounds, Keeping, Policy, UnsignedFirmware

Table = dict[str, Any]

CiString20 = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
CiString25 = Annotated[str, msgspec.Meta(min_length=1, max_length=25)]
CiString50 = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """Who we are: the last part of the address we dial, and the words of BootNotification.

    *serial* is the charge point's, *box_serial* that of the box around it where it has its own.
    *iccid* and *imsi* are the modem's SIM card, *meter_type* and *meter_serial* the main meter.
    """

    id: str = "TAPWATT-1"
    vendor: CiString20 = "Tapwatt"
    model: CiString20 = "Bay"
    serial: CiString25 | None = None
    box_serial: CiString25 | None = None
    firmware: CiString50 | None = None
    iccid: CiString20 | None = None
    imsi: CiString20 | None = None
    meter_type: CiString25 | None = None
    meter_serial: CiString25 | None = None


class Supervision(msgspec.Struct, frozen=True, kw_only=True):
    """Waits before a failed driver is tried again, doubling from the first to the longest."""

    retry_first_s: float = 1.0
    retry_most_s: float = 30.0


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """The simulated bay to attach to, used with `hardware = "simulated"` only."""

    connectors: int = 2
    meter_bus: Literal["rtu", "tcp"] = "rtu"
    meter_model: str = "sdm120"
    evse: Literal["gpio", "modbus"] = "gpio"
    draw_w: float = 0.0
    probe_s: float = 30.0  # how often the bus asks a dead meter again, as `[buses.X] probe_s`


class Firmware(msgspec.Struct, frozen=True, kw_only=True):
    """Updates: *install* is the command, word by word, that is given the image's path as its last.

    *unsigned*: whether UpdateFirmware, which nothing signs, is obeyed: auto, allow or refuse.
    *ca_file*: the maker's roots, PEM; with it no root that the central system installs counts.
    """

    unsigned: UnsignedFirmware = UnsignedFirmware.AUTO
    install: tuple[str, ...] = ()
    ca_file: str | None = None


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """Whether cards are known by their UIDs, or by keyed hashes of them."""

    mode: Literal["off", "hashed"] = "off"


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """One charging point: the raw tables of its EVSE, its meter and its thermometer."""

    evse: Table
    meter: Table | None = None
    temperature: Table | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of edge.toml. *overrides* are the OCPP keys given by `-o`, which are never persisted.

    `hardware = "stand_in"` is what is described as real, on the simulated bay's wires.
    """

    hardware: Literal["real", "simulated", "stand_in"] = "simulated"
    station: Station = Station()
    csms: Table = {}
    ocpp: dict[str, str] = {}
    overrides: dict[str, str] = {}
    policy: Policy = Policy()
    bounds: Bounds = Bounds()
    journal: Keeping = Keeping()
    supervision: Supervision = Supervision()
    privacy: Privacy = Privacy()
    cards: dict[CiString20, Role] = {}
    firmware: Firmware = Firmware()
    transfer: Table = {}
    page: Table | None = None
    readers: dict[int, Table] = {}
    buses: dict[str, Table] = {}
    connectors: dict[int, Connector] = {}
    power_good: Table | None = None
    simulated: Simulated = Simulated()
    installation: Installation = Installation()


def members(place: object) -> dict[str, object]:
    """What *place*, a table of the settings, holds by name; nothing if it is a leaf."""
    if isinstance(place, Mapping):
        return {str(key): value for key, value in place.items()}
    if isinstance(place, msgspec.Struct):
        return {name: getattr(place, name) for name in place.__struct_fields__}
    if dataclasses.is_dataclass(place):
        return {each.name: getattr(place, each.name) for each in dataclasses.fields(place)}
    return {}
