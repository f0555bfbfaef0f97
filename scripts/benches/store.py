"""How many durable verbs per second csms_lite stores, against one commit per message.

Every station sends StartTransaction, then MeterValues with two values, each only after the answer
to the one before, as OCPP wants. Three ways take turns on the same disk:

* *together*: the store as it is; verbs that wait share a hop and a COMMIT;
* *alone*: the same store and verbs, but each with a hop and a COMMIT of its own;
* *usual*: one async SQLAlchemy transaction per message over aiosqlite, statement by statement,
  with the same statements, pragmas and tables: how an application is usually written.

The bar is on *usual*: at 100 stations `together` is at least ten times faster. The figure against
*alone* depends on what a sync costs: the slower the disk, the larger it is.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sqlite3
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from csms_lite.access.rules import AccessRules
from csms_lite.clock import SystemClock, rfc3339
from csms_lite.jsontext import canonical, digest, dumps, fingerprint
from csms_lite.ocpp import sql as answers_sql
from csms_lite.ocpp.messages import Samples
from csms_lite.ocpp.routes import ROUTES, Route
from csms_lite.ocpp.service import handle, handle_together
from csms_lite.ocpp.verbs import Origin
from csms_lite.people import sql as people_sql
from csms_lite.sessions import sampling_sql
from csms_lite.sessions import sql as sessions_sql
from csms_lite.sessions.rules import Start
from csms_lite.sessions.sampling import Name
from csms_lite.sessions.wishes import CAUSED_WITHIN_MS, CLOCKS_DIFFER_MS, MOST_ASKED
from csms_lite.stations import sql as stations_sql
from csms_lite.stations.service import connected
from csms_lite.store.prepared import Prepared
from csms_lite.store.thread import WRITER_PRAGMAS, open_database
from csms_lite.store.writer import MAX_VERBS_PER_COMMIT, open_store
from csms_lite.tariffs import sql as tariffs_sql

SIZES: Final = (1, 100, 500)
BAR_AT: Final = 100
BAR: Final = 10.0
ROUNDS: Final = 3
MESSAGES: Final = {"together": 6000, "alone": 2000, "usual": 600}
"""Messages per round; fewer where it is slower, so that each takes about as long."""
BEGAN_MS: Final = 1_700_000_000_000

Told = Start | Samples
Send = Callable[[str, Origin, Any], Awaitable[int]]
"""Stores one message and gives the transaction's number, 0 for samples."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a station, read and ready to be stored."""

    action: str
    origin: Origin
    told: Any


def main(argv: Sequence[str]) -> int:
    """Print one line per number of stations; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench store")
    parser.add_argument("--dir", help="directory on the disk to be measured")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(argv)
    missed = False
    for size in SIZES:
        rates = asyncio.run(_interleaved(size, options.rounds, options.dir))
        ratio = rates["together"] / rates["usual"]
        line = (
            f"store stations={size} verbs_per_s={rates['together']:.0f}"
            f" usual_per_s={rates['usual']:.0f} ratio={ratio:.1f}"
            f" alone_per_s={rates['alone']:.0f}"
            f" ratio_alone={rates['together'] / rates['alone']:.1f}"
        )
        if size == BAR_AT:
            met = ratio >= BAR
            missed = missed or not met
            line += f" bar={BAR:g} {'met' if met else 'MISSED'}"
        print(line, flush=True)
    return 1 if missed else 0


async def _interleaved(size: int, rounds: int, folder: str | None) -> dict[str, float]:
    """Measure all three ways by turns; gives the median messages per second of each."""
    ways: dict[str, Callable[[Path, int, int], Awaitable[float]]] = {
        "together": _together,
        "alone": _alone,
        "usual": _usual,
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                path = Path(scratch) / "csms.db"
                rates[name].append(await way(path, size, MESSAGES[name]))
                _check(path, size, MESSAGES[name] // size)
    return {name: statistics.median(found) for name, found in rates.items()}


def _check(path: Path, size: int, samples: int) -> None:
    """Make sure that what was measured was done: every message stored, in its own session."""
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT count(*), max(register_wh), (SELECT count(*) FROM samples) FROM sessions"
        found = db.execute(query).fetchone()
    expected = (size, 123 * (samples - 1), size * samples)
    assert found == expected, f"stored {found}, expected {expected}"


async def _together(path: Path, size: int, messages: int) -> float:
    return await _in_store(path, size, messages, MAX_VERBS_PER_COMMIT)


async def _alone(path: Path, size: int, messages: int) -> float:
    return await _in_store(path, size, messages, 1)


async def _in_store(path: Path, size: int, messages: int, max_verbs: int) -> float:
    async with open_store(
        path, clock=SystemClock(), open_database=open_database, max_verbs=max_verbs
    ) as store:
        for number in range(size):
            await store.do(_connect, number)

        async def send(action: str, origin: Origin, _told: Any) -> int:
            route = ROUTES[action]
            if isinstance(route, Route):
                answer = await store.do(handle, origin, action, route)
            else:
                answer = await store.do_together(handle_together, origin, action, route)
            return int(answer.get("transactionId", 0))

        return await _drive(send, size, messages)


async def _usual(path: Path, size: int, messages: int) -> float:
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        for number in range(size):
            await store.do(_connect, number)
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", poolclass=StaticPool)
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    turn = asyncio.Lock()  # SQLite has one writer; waiting here is cheaper than in `busy_timeout`

    async def send(action: str, origin: Origin, told: Any) -> int:
        async with turn:
            return await _as_usual(engine, action, origin, told)

    try:
        return await _drive(send, size, messages)
    finally:
        await engine.dispose()


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in WRITER_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


async def _as_usual(engine: AsyncEngine, action: str, origin: Origin, told: Told) -> int:
    """Do what the verbs of StartTransaction and MeterValues do, statement by statement."""
    async with engine.begin() as db:
        if not isinstance(told, Start):
            await _sample_as_usual(db, origin, told)
            return 0
        name = digest((action, origin.payload))
        key = {"station_id": origin.station_id, "message_id": origin.message_id}
        await _all(db, answers_sql.find, **key)
        number = await _start_as_usual(db, origin, told)
        await _run(
            db,
            answers_sql.keep,
            digest=name,
            connection=origin.connection,
            at_ms=origin.now_ms,
            answer_json=dumps({"transactionId": number}),
            **key,
        )
    return number


async def _start_as_usual(db: AsyncConnection, origin: Origin, told: Start) -> int:
    content = {
        "station_id": origin.station_id,
        "connector": told.connector,
        "started_at_ms": told.started_at_ms,
        "meter_start_wh": told.meter_start_wh,
        "id_tag": told.id_tag,
    }
    await _all(db, sessions_sql.same_start, **content)
    await _all(
        db,
        sessions_sql.starts_asked,
        of_station=origin.station_id,
        since_ms=told.started_at_ms - CAUSED_WITHIN_MS,
        until_ms=told.started_at_ms + CLOCKS_DIFFER_MS,
        count=MOST_ASKED,
    )
    await _all(db, people_sql.find, tag_key=told.id_tag)
    await _all(db, tariffs_sql.current)
    [row] = await _all(
        db,
        sessions_sql.start,
        verdict="Invalid",
        message_id=origin.message_id,
        reservation_id=None,
        received_at_ms=origin.now_ms,
        currency=None,
        per_kwh_minor=None,
        start_command_id=None,
        owner_id=None,
        **content,
    )
    await _run(
        db,
        stations_sql.seen,
        station_id=origin.station_id,
        connector=told.connector,
        at_ms=origin.now_ms,
    )
    return int(row[0])


async def _sample_as_usual(db: AsyncConnection, origin: Origin, told: Samples) -> None:
    for sample in told.taken:
        text = canonical(sample.values)
        measured = {
            "at_ms": sample.at_ms,
            "energy_wh": sample.energy_wh,
            "power_w": sample.power_w,
            "power_derived": int(sample.power_derived),
            "soc_percent": sample.soc_percent,
        }
        place = (origin.station_id, told.connector, told.transaction_id)
        name = Name(*place, sample.at_ms, fingerprint(text))
        await _all(db, sampling_sql.known, rows=dumps([name]))
        await _run(db, sampling_sql.keep, values_json=text, **(measured | name._asdict()))
        await _run(
            db,
            sampling_sql.measured,
            of_transaction=told.transaction_id,
            of_station=origin.station_id,
            **measured,
        )


async def _run(db: AsyncConnection, prepared: Prepared, **values: object) -> None:
    await db.execute(prepared.statement, values)


async def _all(db: AsyncConnection, prepared: Prepared, **values: object) -> Sequence[Any]:
    found: Sequence[Any] = (await db.execute(prepared.statement, values)).all()
    return found


async def _drive(send: Send, size: int, messages: int) -> float:
    """Let all stations send at once; gives messages per second, reading not counted."""
    clock = SystemClock()
    ready = [list(_messages(number + 1, messages // size)) for number in range(size)]
    began = clock.monotonic()
    await asyncio.gather(*(_station(send, own) for own in ready))
    took_s = clock.monotonic() - began
    return sum(map(len, ready)) / took_s


async def _station(send: Send, own: list[Message]) -> None:
    for message in own:
        await send(message.action, message.origin, message.told)


def _messages(station_id: int, count: int) -> list[Message]:
    """Make one StartTransaction and *count* MeterValues; stations start in order of number."""
    ids = itertools.count()
    start: dict[str, Any] = {
        "connectorId": 1,
        "idTag": f"CARD{station_id}",
        "meterStart": 0,
        "timestamp": rfc3339(BEGAN_MS),
    }
    made = [_message("StartTransaction", station_id, start, next(ids))]
    for number in range(count):
        at = rfc3339(BEGAN_MS + 60_000 * number)
        sampled = [
            {"value": str(123 * number), "measurand": "Energy.Active.Import.Register"},
            {"value": "7400", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        values = {
            "connectorId": 1,
            "transactionId": station_id,
            "meterValue": [{"timestamp": at, "sampledValue": sampled}],
        }
        made.append(_message("MeterValues", station_id, values, next(ids)))
    return made


def _message(action: str, station_id: int, payload: dict[str, Any], number: int) -> Message:
    origin = Origin(
        station_id=station_id,
        connection=1,
        message_id=digest((station_id, number)),  # as far apart in the index as UUIDs are
        payload=payload,
        now_ms=BEGAN_MS,
        access=AccessRules(),
        heartbeat_s=60,
    )
    return Message(action, origin, ROUTES[action].read(payload, BEGAN_MS))


def _connect(db: Any, number: int) -> None:
    connected(
        db,
        f"CP-{number}",
        accept_unknown=True,
        make_code=lambda: f"CODE{number}",
        now_ms=BEGAN_MS,
    )
