"""The simulated bay in the place of the hardware: its tables and pins, without a daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edge.app import bay_wanted
from edge.app.hardware import Tables
from edge.config.settings import Connector, Settings
from edge.errors import SimulationError
from edge.sim.wires import BayWanted, Hooks, attach


@asynccontextmanager
async def hardware(settings: Settings, socket: Path) -> AsyncIterator[Tables]:
    """The hardware that *settings* describe, real or simulated."""
    if settings.hardware == "real":
        yield Tables(
            readers=settings.readers,
            buses=settings.buses,
            connectors=settings.connectors,
            power_good=settings.power_good,
        )
        return
    async with attached(socket, bay_wanted(settings)) as tables:
        yield tables


@asynccontextmanager
async def attached(socket: Path, wanted: BayWanted) -> AsyncIterator[Tables]:
    """The hardware of the bay at *socket*, or of one that is started and ends with the block."""
    async with attach(socket, _no_daemon(), wanted) as bay:
        yield tables_of(bay.tables, bay.pin_factory)


def tables_of(tables: dict[str, Any], pin_factory: object) -> Tables:
    """The tables that a bay tells, typed."""
    return Tables(
        readers={int(number): table for number, table in tables["readers"].items()},
        buses=tables["buses"],
        connectors={
            int(number): Connector(evse=table["evse"], meter=table.get("meter"))
            for number, table in tables["connectors"].items()
        },
        power_good=tables["power_good"],
        pin_factory=pin_factory,
    )


def _no_daemon() -> Hooks:
    """Nothing can be asked of a doctor."""

    def refuse(*_: object) -> None:
        raise SimulationError("the doctor is attached to this bay, and no daemon")

    return Hooks(
        net=refuse,
        clock=refuse,
        disk=refuse,
        power=refuse,
        reset_state=refuse,
        snapshot=dict,
        fail_firmware=refuse,
        fail_locallist=refuse,
        datatransfer=refuse,
        security_event=refuse,
    )
