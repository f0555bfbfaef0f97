"""Rows back to values: what a restart, the outbox and the command line read from the journal."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from edge.core.anchors import Anchor
from edge.core.instant import Instant
from edge.core.messages import (
    IdTagInfo,
    MeterValues,
    StartTransaction,
    StopTransaction,
    TransactionMessage,
)
from edge.core.profiles import Installed
from edge.core.records import (
    AvailabilityChanged,
    BootStarted,
    ConfigurationChanged,
    FallbackKept,
    ProfileSet,
    Queued,
    ResetAccepted,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.saved import Damage, Saved, SavedTransaction
from edge.core.security_log import SecurityEventLogged
from edge.core.vocabulary import AvailabilityType, ResetType, SecurityEvent, StopReason
from edge.core.work import JobOrdered, SavedJob, Stage
from edge.core.x509 import CredentialsKept, Root
from edge.drivers.journal import hardware, tags

HEAD: Final = 64
"""How many waiting messages a restart gets at once; the rest stay in the file (architecture 4)."""


UNSETTLED: Final = "stopped_at IS NULL OR ref IN (SELECT ref FROM outbox WHERE ref IS NOT NULL)"
"""Transactions that are open or have a message waiting."""


OF_SESSIONS: Final = (
    "seq IN (SELECT value FROM json_each(?)) OR ref IN (SELECT ref FROM dead_letters"
    " WHERE seq IN (SELECT value FROM json_each(?)))"
)
LATEST: Final = 50
GUESSED: Final = (
    "ref IN (SELECT ref FROM transactions WHERE NOT json_extract(opened_at, '$.trusted')"
    " AND NOT EXISTS (SELECT 1 FROM anchors WHERE certain"
    " AND boot = json_extract(opened_at, '$.boot')) ORDER BY ref DESC LIMIT ?)"
)
"""The latest transactions whose boot has no certain anchor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that the central system refused for good, and why."""

    queued: Queued
    parked_at: Instant
    code: str
    description: str


def load(connection: sqlite3.Connection) -> Saved:
    """All that a restart needs, in one reading."""
    counters = dict(connection.execute("SELECT name, value FROM counters"))
    return Saved(
        transactions=_transactions(connection, UNSETTLED),
        outbox=outbox(connection, 0, HEAD),
        outbox_count=_number(connection, "SELECT count(*) FROM outbox"),
        last_seq=counters["last_seq"],
        last_ref=counters["last_ref"],
        last_boot=_last_boot(connection),
        lives=lives(connection),
        anchors=_anchors(connection),
        last_starts=_last_starts(connection),
        reset=_unseen_reset(connection),
        availability=tuple(
            AvailabilityChanged(connector=connector, availability=AvailabilityType(availability))
            for connector, availability in connection.execute(
                "SELECT connector, availability FROM availability ORDER BY connector"
            )
        ),
        configuration=tuple(
            ConfigurationChanged(key=key, value=value)
            for key, value in connection.execute(
                "SELECT key, value FROM configuration ORDER BY key"
            )
        ),
        fallback=_fallback(connection),
        dial_failures=_number(connection, "SELECT coalesce(max(failures), 0) FROM backoff"),
        cards=tags.cards(connection),
        cache=tags.cache(connection),
        list_version=counters["list_version"],
        local_list=tags.local_list(connection),
        reservations=tags.reservations(connection),
        faults=hardware.faults(connection),
        wear=hardware.wear(connection),
        rcd_tests=hardware.rcd_tests(connection),
        profiles=tuple(
            ProfileSet(installed=msgspec.json.decode(installed, type=Installed))
            for (installed,) in connection.execute("SELECT installed FROM profiles ORDER BY id")
        ),
        dead_letters=_number(connection, "SELECT count(*) FROM dead_letters"),
        jobs=_jobs(connection),
        untold=tuple(one for one in security_log(connection) if one.untold),
        last_security_seq=_number(connection, "SELECT coalesce(max(seq), 0) FROM security_events"),
        roots=tuple(
            msgspec.json.decode(root, type=Root)
            for (root,) in connection.execute("SELECT root FROM roots ORDER BY position")
        ),
        credentials=_credentials(connection),
        damage=_damage(connection),
        thinned=counters["thinned"],
    )


def check(connection: sqlite3.Connection) -> None:
    """Read all that a daemon will; raises what decoding raises for a row that means nothing."""
    load(connection)
    deque(_waiting(connection, 0, -1), maxlen=0)
    deque(_parked(connection, "TRUE", -1), maxlen=0)


def outbox(connection: sqlite3.Connection, after_seq: int, limit: int) -> tuple[Queued, ...]:
    """The oldest *limit* waiting messages after *after_seq*."""
    return tuple(_waiting(connection, after_seq, limit))


def _waiting(connection: sqlite3.Connection, after_seq: int, limit: int) -> Iterator[Queued]:
    sql = (
        "SELECT seq, ref, message_id, kind, payload, at, attempts FROM outbox"
        " WHERE seq > ? ORDER BY seq LIMIT ?"
    )
    for row in connection.execute(sql, (after_seq, limit)):
        yield _queued_from(row)


def waiting_of(connection: sqlite3.Connection, refs: Iterable[int]) -> dict[int, int]:
    """The attempts of each message that waits of the sessions *refs*, by its seq."""
    sql = "SELECT seq, attempts FROM outbox WHERE ref IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(sql, (json.dumps(sorted(refs)),)).fetchall())


def dead_letters(
    connection: sqlite3.Connection, after_seq: int, limit: int
) -> tuple[DeadLetter, ...]:
    """The oldest *limit* parked messages after *after_seq*; -1 means all."""
    return tuple(_parked(connection, "seq > ?", after_seq, limit))


def letters_of_sessions(
    connection: sqlite3.Connection, seqs: Iterable[int], limit: int
) -> tuple[DeadLetter, ...]:
    """The oldest *limit* of the parked messages *seqs* and the others of their sessions."""
    named = json.dumps(sorted(seqs))
    return tuple(_parked(connection, OF_SESSIONS, named, named, limit))


def _parked(
    connection: sqlite3.Connection, which: str, *parameters: str | int
) -> Iterator[DeadLetter]:
    """The parked messages *which*, oldest first; the last of *parameters* is how many at most."""
    columns = "seq, ref, message_id, kind, payload, at, attempts, parked_at, code, description"
    sql = f"SELECT {columns} FROM dead_letters WHERE {which} ORDER BY seq LIMIT ?"  # noqa: S608  our own words
    for row in connection.execute(sql, parameters):
        yield DeadLetter(
            queued=_queued_from(row[:7]),
            parked_at=_instant(row[7]),
            code=row[8],
            description=row[9],
        )


def lives(connection: sqlite3.Connection) -> tuple[Instant, ...]:
    """The last sign of life of each boot, oldest first."""
    return tuple(_instant(at) for (at,) in connection.execute("SELECT at FROM lives ORDER BY boot"))


def sessions(connection: sqlite3.Connection, refs: Iterable[int]) -> tuple[SavedTransaction, ...]:
    """The transactions *refs*, oldest first, as far as they are known."""
    which = "ref IN (SELECT value FROM json_each(?))"
    return _transactions(connection, which, json.dumps(sorted(refs)))


def guessed(connection: sqlite3.Connection) -> tuple[TransactionOpened, ...]:
    """Sessions that began in a boot without a certain anchor, newest first."""
    found = _transactions(connection, GUESSED, LATEST)
    return tuple(one.opened for one in reversed(found))


def security_log(connection: sqlite3.Connection) -> tuple[SecurityEventLogged, ...]:
    """Every line of the security log, oldest first."""
    rows = connection.execute(
        "SELECT seq, type, at, info, untold FROM security_events ORDER BY seq"
    )
    return tuple(
        SecurityEventLogged(
            seq=seq, event=SecurityEvent(kind), at=_instant(at), info=info, untold=bool(untold)
        )
        for seq, kind, at, info, untold in rows
    )


_MESSAGES: Final[dict[str, type[TransactionMessage]]] = {
    kind.__name__: kind for kind in (StartTransaction, StopTransaction, MeterValues)
}

_Row = tuple[Any, ...]


def _instant(text: str) -> Instant:
    return msgspec.json.decode(text, type=Instant)


def _queued_from(row: _Row) -> Queued:
    seq, ref, message_id, kind, payload, at, attempts = row
    return Queued(
        seq=seq,
        ref=ref,
        message_id=message_id,
        message=msgspec.json.decode(payload, type=_MESSAGES[kind]),
        at=_instant(at),
        attempts=attempts,
    )


def _number(connection: sqlite3.Connection, sql: str) -> int:
    number: int = connection.execute(sql).fetchone()[0]
    return number


def _last_boot(connection: sqlite3.Connection) -> BootStarted | None:
    row = connection.execute(
        "SELECT kernel_boot, at, boot FROM boots ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return BootStarted(kernel_boot=row[0], at=_instant(row[1]), boot=row[2]) if row else None


def _anchors(connection: sqlite3.Connection) -> tuple[Anchor, ...]:
    return tuple(
        Anchor(boot=boot, zero=datetime.fromisoformat(zero), certain=bool(certain))
        for boot, zero, certain in connection.execute(
            "SELECT boot, zero, certain FROM anchors ORDER BY boot"
        )
    )


def _last_starts(connection: sqlite3.Connection) -> dict[int, Instant]:
    rows = connection.execute(
        "SELECT max(ref), connector, opened_at FROM transactions GROUP BY connector"
    )
    return {connector: _instant(at) for _, connector, at in rows}


def _unseen_reset(connection: sqlite3.Connection) -> ResetAccepted | None:
    row = connection.execute(
        "SELECT type, at FROM resets WHERE seen_by IS NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return ResetAccepted(type=ResetType(row[0]), at=_instant(row[1])) if row else None


def _fallback(connection: sqlite3.Connection) -> FallbackKept | None:
    row = connection.execute("SELECT profile, key FROM fallback").fetchone()
    return FallbackKept(profile=row[0], key=row[1]) if row else None


def _credentials(connection: sqlite3.Connection) -> CredentialsKept | None:
    row = connection.execute("SELECT kept FROM credentials").fetchone()
    return msgspec.json.decode(row[0], type=CredentialsKept) if row else None


def _damage(connection: sqlite3.Connection) -> Damage | None:
    row = connection.execute(
        "SELECT aside, rows, broken, told FROM damages WHERE NOT accepted ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    broken = tuple(json.loads(row[2]))
    return Damage(aside=row[0], rows=row[1], broken=broken, told=bool(row[3]))


def _jobs(connection: sqlite3.Connection) -> tuple[SavedJob, ...]:
    return tuple(
        SavedJob(
            ordered=msgspec.json.decode(ordered, type=JobOrdered),
            stage=Stage(stage),
            status=status,
            attempts=attempts,
        )
        for ordered, stage, status, attempts in connection.execute(
            "SELECT ordered, stage, status, attempts FROM jobs ORDER BY kind"
        )
    )


def _transactions(
    connection: sqlite3.Connection, which: str, *values: object
) -> tuple[SavedTransaction, ...]:
    sql = f"SELECT * FROM transactions WHERE {which} ORDER BY ref"  # noqa: S608  our own words
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return tuple(_transaction(dict(zip(names, row, strict=True))) for row in cursor)


def _transaction(row: dict[str, Any]) -> SavedTransaction:
    return SavedTransaction(
        opened=TransactionOpened(
            ref=row["ref"],
            connector=row["connector"],
            id_tag=row["id_tag"],
            begin_wh=row["begin_wh"],
            at=_instant(row["opened_at"]),
            parent_id_tag=row["parent_id_tag"],
            reservation_id=row["reservation_id"],
            meter_serial=row["meter_serial"],
        ),
        transaction_id=row["transaction_id"],
        id_tag_info=(
            msgspec.json.decode(row["id_tag_info"], type=IdTagInfo) if row["id_tag_info"] else None
        ),
        deauthorised_wh=row["deauthorised_wh"],
        last_wh=row["last_wh"],
        last_at=_instant(row["last_at"]) if row["last_at"] else None,
        stopping=_stopping_from(row),
        stopped=_stopped_from(row),
    )


def _stopping_from(row: dict[str, Any]) -> TransactionStopping | None:
    if row["stopping_at"] is None:
        return None
    return TransactionStopping(
        ref=row["ref"],
        reason=StopReason(row["stopping_reason"]),
        at=_instant(row["stopping_at"]),
        id_tag=row["stopping_id_tag"],
    )


def _stopped_from(row: dict[str, Any]) -> TransactionStopped | None:
    if row["stopped_at"] is None:
        return None
    return TransactionStopped(
        ref=row["ref"],
        end_wh=row["end_wh"],
        at=_instant(row["stopped_at"]),
        estimated=bool(row["estimated"]),
    )
