"""The peers of `csms`: the least central system with `ocpp`, and a bare echo; neither stores.

`python -m scripts.benches.parts.stock_servers ocpp|echo --ready-fd N` listens on a free port and
writes one JSON line with it, as csms_lite does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from scripts.benches.wire import StockCentral


async def stock(connection: ServerConnection) -> None:
    """Serve one charger."""
    try:
        await StockCentral("STOCK", connection).start()
    except ConnectionClosed:
        return


async def echo(connection: ServerConnection) -> None:
    """Say again what was said."""
    try:
        while True:
            await connection.send(await connection.recv())
    except ConnectionClosed:
        return


SERVERS: Final[dict[str, Callable[[ServerConnection], Awaitable[None]]]] = {
    "ocpp": stock,
    "echo": echo,
}


async def main(name: str, ready_fd: int) -> None:
    """Serve until killed."""
    protocols = [Subprotocol("ocpp1.6")]
    async with serve(
        SERVERS[name], "127.0.0.1", 0, subprotocols=protocols, compression=None
    ) as server:
        port = server.sockets[0].getsockname()[1]
        with os.fdopen(ready_fd, "w") as file:
            file.write(json.dumps({"ocpp": f"ws://127.0.0.1:{port}"}) + "\n")
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[sys.argv.index("--ready-fd") + 1])))
