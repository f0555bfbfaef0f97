"""The simulated bay as a process: bay, verbs and control socket put together."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path

from edge.control.server import listen
from edge.sim.bay import BaySetup, open_bay
from edge.sim.verbs import streams, verbs


async def serve(path: Path, args: argparse.Namespace) -> None:
    """Run the bay at *path* until SIGTERM, SIGINT, or the end of `--until-closed-fd`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if args.until_closed_fd is not None:
        loop.add_reader(args.until_closed_fd, stop.set)
    async with open_bay(_setup(args)) as bay, listen(path, verbs(bay), streams(bay)):
        ready = {"socket": str(path), "tables": bay.tables()}
        if args.ready_fd is None:
            print(f"simulated bay at {path}", flush=True)
        else:
            os.write(args.ready_fd, json.dumps(ready).encode() + b"\n")
            os.close(args.ready_fd)
        await stop.wait()


def _setup(args: argparse.Namespace) -> BaySetup:
    return BaySetup(
        connectors=args.connectors,
        meter_bus=args.meter_bus,
        meter_model=args.meter_model,
        evse=args.evse,
        draw_w=args.draw_w,
        ev_delay_s=args.ev_delay_s,
        phases=args.phases,
        phase_relay=args.phase_relay,
        baud_timing=args.baud_timing,
        meter_refresh=not args.no_meter_refresh,
        tables=args.tables,
    )
