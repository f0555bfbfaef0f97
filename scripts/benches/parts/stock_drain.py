"""The peer of `drain`: stock `ocpp` and `websockets` with a queue in SQLite, as one would write it.

`python stock_drain.py URL QUEUE` boots, sends row by row, deletes each after its answer with a
commit of its own that survives a power cut, and prints the seconds that took.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time

import websockets
from ocpp.charge_point import camel_to_snake_case
from ocpp.v16 import ChargePoint, call
from websockets.typing import Subprotocol


async def drain(url: str, queue: str) -> float:
    """Send all rows of *queue*; seconds from the first to the last commit."""
    database = sqlite3.connect(queue)
    database.execute("PRAGMA synchronous = FULL")
    numbers: dict[int, int] = {}
    async with websockets.connect(url, subprotocols=[Subprotocol("ocpp1.6")]) as line:
        station = ChargePoint("STOCK", line)
        reading = asyncio.get_running_loop().create_task(station.start())
        await station.call(
            call.BootNotification(charge_point_model="Stock", charge_point_vendor="Stock")
        )
        began = time.monotonic()
        while row := database.execute("SELECT * FROM queue ORDER BY seq LIMIT 1").fetchone():
            seq, ref, action, text = row
            payload = camel_to_snake_case(json.loads(text))
            if action != "StartTransaction":
                payload["transaction_id"] = numbers[ref]
            answer = await station.call(getattr(call, action)(**payload))
            if action == "StartTransaction":
                numbers[ref] = answer.transaction_id
            database.execute("DELETE FROM queue WHERE seq = ?", (seq,))
            database.commit()
        took_s = time.monotonic() - began
        reading.cancel()
    return took_s


if __name__ == "__main__":
    print(asyncio.run(drain(*sys.argv[1:])))
