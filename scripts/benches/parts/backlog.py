"""A week without a line: sessions that waited, as the journal keeps them and as they must arrive.

Sessions as in life: StartTransaction, a MeterValues each minute, StopTransaction, side by side on
two connectors. The journal's own code writes them: the daemon finds what an outage leaves.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from edge.core.instant import Instant
from edge.core.key_table import TABLE
from edge.core.measurands import sampled
from edge.core.messages import MeterValues, StartTransaction, StopTransaction, TransactionMessage
from edge.core.quantities import Reading
from edge.core.records import (
    Metered,
    Queued,
    Record,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.vocabulary import ReadingContext, StopReason
from edge.drivers import ocpp_codec
from edge.drivers.journal import open_journal

CARDS: Final = tuple(f"04A2B1C3D4E5{n:02X}" for n in range(8))
CONNECTORS: Final = 2
FEWEST, MOST = 10, 240  # samples of a session: ten minutes to four hours
SAMPLE_S: Final = 60.0
PAUSE_S: Final = 300.0
ROWS_TOGETHER: Final = 500  # of a commit: the journal is made beforehand
MEASURANDS: Final = next(
    key.default.split(",") for key in TABLE if key.name == "MeterValuesSampledData"
)

Fact = tuple[object, ...]
"""One message's effect at the central system: what kind, of which session, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One that is over; *readings* are its samples."""

    ref: int
    connector: int
    id_tag: str
    began: Instant
    begin_wh: int
    readings: tuple[Reading, ...]
    ended: Instant
    end_wh: int

    @property
    def messages(self) -> Iterator[tuple[Instant, TransactionMessage]]:
        """What the central system must hear of it, and when it came to pass."""
        yield (
            self.began,
            StartTransaction(
                connector_id=self.connector,
                id_tag=self.id_tag,
                meter_start=self.begin_wh,
                timestamp=self.began,
            ),
        )
        for reading in self.readings:
            value = sampled(reading, ReadingContext.SAMPLE_PERIODIC, MEASURANDS)
            assert value is not None
            yield reading.at, MeterValues(connector_id=self.connector, meter_value=(value,))
        yield (
            self.ended,
            StopTransaction(
                transaction_id=None,
                meter_stop=self.end_wh,
                timestamp=self.ended,
                reason=StopReason.EV_DISCONNECTED,
                id_tag=self.id_tag,
            ),
        )

    @property
    def facts(self) -> Iterator[Fact]:
        """What the central system must hold of it, once each."""
        name = (self.connector, self.id_tag, _ms(self.began), self.begin_wh)
        yield ("start", *name)
        for reading in self.readings:
            yield ("sample", *name, _ms(reading.at), reading.energy_wh)
        yield ("stop", *name, _ms(self.ended), self.end_wh, StopReason.EV_DISCONNECTED.value)


def sessions(messages: int, random: Random) -> list[Session]:
    """As many sessions as make *messages*, the last of them an hour ago."""
    made: list[Session] = []
    for number, samples in enumerate(_lengths(messages, random)):
        before = made[-CONNECTORS] if number >= CONNECTORS else None
        made.append(_session(number, samples, before, random))
    latest_s = max(one.ended.monotonic for one in made)
    zero = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1, seconds=latest_s)
    return [_dated(one, zero) for one in made]


def _lengths(messages: int, random: Random) -> Iterator[int]:
    """Samples of each session; two more messages each frame them."""
    left = messages
    while left:
        length = random.randint(FEWEST, MOST) + 2
        if left - length < FEWEST + 2:
            length = left
        left -= length
        yield length - 2


def _session(number: int, samples: int, before: Session | None, random: Random) -> Session:
    """The next of its connector: time and register go on from the one *before*."""
    power_w = random.choice((3680.0, 7360.0, 11_040.0, 22_080.0))
    began_s = PAUSE_S + (before.ended.monotonic if before else 0.0)
    begin_wh = before.end_wh if before else 1_000_000
    lasted_s = SAMPLE_S * (samples + 0.5)
    return Session(
        ref=number + 1,
        connector=number % CONNECTORS + 1,
        id_tag=random.choice(CARDS),
        began=_moment(began_s),
        begin_wh=begin_wh,
        readings=tuple(
            Reading(
                at=_moment(began_s + SAMPLE_S * n),
                energy_wh=begin_wh + round(power_w * SAMPLE_S * n / 3600),
                power_w=power_w,
            )
            for n in range(1, samples + 1)
        ),
        ended=_moment(began_s + lasted_s),
        end_wh=begin_wh + round(power_w * lasted_s / 3600),
    )


def _moment(second: float) -> Instant:
    return Instant(wall=datetime.min.replace(tzinfo=UTC), monotonic=second)


def _dated(session: Session, zero: datetime) -> Session:
    def dated(at: Instant) -> Instant:
        return replace(at, wall=zero + timedelta(seconds=at.monotonic))

    return replace(
        session,
        began=dated(session.began),
        ended=dated(session.ended),
        readings=tuple(replace(one, at=dated(one.at)) for one in session.readings),
    )


def _ms(at: Instant) -> int:
    return round(at.wall.timestamp() * 1000)


def _in_order(
    waiting: Sequence[Session],
) -> Iterator[tuple[Session, Instant, TransactionMessage]]:
    """All messages as they came to pass: the connectors' sessions lie side by side."""
    each = ((session, at, message) for session in waiting for at, message in session.messages)
    return iter(sorted(each, key=lambda one: one[1].monotonic))


async def write_journal(path: Path, waiting: Sequence[Session]) -> None:
    """Make the journal at *path* that an outage over all of *waiting* leaves."""
    rows: list[Record] = []
    for seq, (session, at, message) in enumerate(_in_order(waiting), start=1):
        queued = Queued(
            seq=seq, ref=session.ref, message_id=f"bench-{seq:x}", message=message, at=at
        )
        rows += _records(session, queued)
    async with open_journal(path) as journal:
        for first in range(0, len(rows), ROWS_TOGETHER):
            await journal.commit(rows[first : first + ROWS_TOGETHER])


def _records(session: Session, queued: Queued) -> tuple[Record, ...]:
    """The rows that the core writes with *queued*."""
    ref, at = session.ref, queued.at
    match queued.message:
        case StartTransaction():
            opened = TransactionOpened(
                ref=ref,
                connector=session.connector,
                id_tag=session.id_tag,
                begin_wh=session.begin_wh,
                at=at,
            )
            return opened, queued
        case StopTransaction(reason=reason, meter_stop=end_wh):
            stopping = TransactionStopping(ref=ref, reason=reason, at=at, id_tag=None)
            return stopping, TransactionStopped(ref=ref, end_wh=end_wh, at=at), queued
        case MeterValues(meter_value=(value,)):
            energy_wh = int(value.sampled_value[0].value)
            return queued, Metered(ref=ref, energy_wh=energy_wh, at=at)
    raise AssertionError(queued)


def write_stock_queue(path: Path, waiting: Sequence[Session]) -> None:
    """Make the queue of the stock client: one row per message, its payload as it goes out.

    Where a transaction's number belongs stands our own: the client puts the number it was told.
    """
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE queue (seq INTEGER PRIMARY KEY, ref INTEGER, action TEXT, payload TEXT)"
        )
        database.executemany(
            "INSERT INTO queue (ref, action, payload) VALUES (?, ?, ?)",
            (
                (session.ref, type(message).__name__, _payload(message, session.ref))
                for session, _, message in _in_order(waiting)
            ),
        )
        database.commit()


def _payload(message: TransactionMessage, ref: int) -> str:
    if not isinstance(message, StartTransaction):
        message = replace(message, transaction_id=ref)
    return msgspec.json.encode(ocpp_codec.encode(message)).decode()


def held(path: Path, charger: str) -> Counter[Fact]:
    """What the central system's database at *path* says of *charger*, conflicts included."""
    found: Counter[Fact] = Counter()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        names: dict[Any, Fact] = {}
        for number, *name, stopped_ms, stop_wh, reason in database.execute(
            "SELECT transaction_id, connector, id_tag, started_at_ms, meter_start_wh,"
            " stopped_at_ms, meter_stop_wh, stop_reason FROM sessions JOIN stations"
            " USING (station_id) WHERE identity = ?",
            (charger,),
        ):
            names[number] = tuple(name)
            found["start", *name] += 1
            if stopped_ms is not None:
                found["stop", *name, stopped_ms, stop_wh, reason] += 1
        for number, at_ms, energy_wh in database.execute(
            "SELECT transaction_id, at_ms, energy_wh FROM samples JOIN stations"
            " USING (station_id) WHERE identity = ?",
            (charger,),
        ):
            found["sample", *names.get(number, ("nobody's",)), at_ms, energy_wh] += 1
        for kind, number in database.execute(
            "SELECT kind, count(*) FROM events JOIN stations USING (station_id) WHERE identity = ?"
            " AND (kind LIKE 'conflict%' OR kind IN ('message_id_reused', 'failed_message'))"
            " GROUP BY kind",
            (charger,),
        ):
            found["event", kind] += number
    return found
