"""A source that drips and a database that refuses one place: neither stops the bridge."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from edge.bridge.source import open_source, trusted
from edge.errors import FeedLost
from tests.bridge.conftest import Bridging
from tests.bridge.sources import Talking, Teller
from tests.bridge.test_mirror import OTHER, STATUS, stands
from tests.rtdb.double import Double
from tests.waiting import until


async def test_a_database_that_refuses_is_tried_on(
    source: Talking, double: Double, teller: Teller, bridging: Bridging, capsys: Any
) -> None:
    """Rules that are not deployed yet: said once, with the remedy, and healed by itself."""
    double.refuses = lambda _: True
    source.say(teller.document())
    async with bridging():
        await until(lambda: len(double.asked) > 4)
        double.refuses = lambda _: False
        await until(lambda: stands(double) == 101)
    said = capsys.readouterr().out
    assert "deploy hmi/database.rules.json" in said


def is_tried_again(double: Double, tried: int) -> bool:
    """Whether the place that refuses was written to after so many times."""
    return len(double.writes(STATUS)) > tried


async def test_one_station_that_is_refused_does_not_fill_the_log(
    source: Talking, double: Double, teller: Teller, bridging: Bridging, capsys: Any
) -> None:
    """The others are written all the while, which is no news of that one."""
    double.refuses = lambda path: path == STATUS
    other = Teller(OTHER)
    source.say(teller.document())
    source.say(other.document())
    async with bridging(teller.code, OTHER):
        for sequence in range(102, 110):
            await until(lambda: stands(double, OTHER) == other.sequence)
            tried = len(double.writes(STATUS))
            await until(partial(is_tried_again, double, tried))
            source.say(other.document())
            assert other.sequence == sequence
    said = [line for line in capsys.readouterr().out.splitlines() if "the database refuses" in line]
    assert len(said) == 1


async def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, the whole never: who is in service is asked again."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            while not reader.at_eof():
                writer.write(b" ")
                await writer.drain()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await reader.read(1)
        writer.close()

    monkeypatch.setattr("edge.bridge.source.WHOLE_S", 0.2)
    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_source(url, token="t", trust=trusted(None)) as opened, asyncio.timeout(20):
            with pytest.raises(FeedLost, match="cannot be asked"):
                await opened.stations()
