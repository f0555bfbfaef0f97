"""The peer of `boot`: the least that connects and boots with stock `ocpp` and `websockets`.

No hardware, no journal, no command line: `python stock.py URL` writes one byte when accepted.
"""

from __future__ import annotations

import asyncio
import os
import sys

import websockets
from ocpp.v16 import ChargePoint, call
from websockets.typing import Subprotocol


async def boot(url: str) -> None:
    """Connect, boot, say so."""
    async with websockets.connect(url, subprotocols=[Subprotocol("ocpp1.6")]) as line:
        station = ChargePoint("STOCK", line)
        reading = asyncio.get_running_loop().create_task(station.start())
        boot_notification = call.BootNotification(
            charge_point_model="Stock", charge_point_vendor="Stock"
        )
        answer = await station.call(boot_notification)
        if answer.status == "Accepted":
            os.write(1, b"A")
        reading.cancel()


if __name__ == "__main__":
    asyncio.run(boot(sys.argv[1]))
