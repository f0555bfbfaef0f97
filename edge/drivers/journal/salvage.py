"""What can still be read of a damaged journal: table by table, row by row, around bad pages.

Only rows that SQLite finds in their table, and that mean what a row of it must mean, come over:
scanning loose pages would bring back what was delivered long ago. The numbers that name things for
ever go on far beyond the last that was read.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import structlog

from edge.core.card_roles import Role
from edge.core.instant import Instant
from edge.core.messages import IdTagInfo, MeterValues, StartTransaction, StopTransaction
from edge.core.profiles import Installed
from edge.core.records import Latch
from edge.core.saved import Damage
from edge.core.vocabulary import AvailabilityType, ErrorCode, ResetType, SecurityEvent, StopReason
from edge.core.work import JobKind, JobOrdered, Stage
from edge.core.x509 import CredentialsKept, Root
from edge.errors import ConfigError

JUMP: Final = 1_000_000  # refs and seqs that may have been given and not read: years of them
LARGEST: Final = 1 << 52  # no station counts so far
PROBES: Final = 4_000  # attempts to get around bad pages, per table: a second or two
STRETCH: Final = 500  # rows read at a time
BEYOND: Final = 1 << 62  # no rowid of ours is as high
CHUNK: Final = 4096  # bytes that a card reads at once, or not
HEADER: Final = 100  # bytes of page 1 that describe the file
PAGE_SIZE, CHANGES, SIZE, VALID_FOR = slice(16, 18), slice(24, 28), slice(28, 32), slice(92, 96)

UNREADABLE: Final = (sqlite3.Error, ValueError)  # SQLite's own words may be spoilt text, too

log = structlog.get_logger()

_Row = tuple[Any, ...]


def _json(kind: type) -> Callable[[Any], object]:
    return lambda text: msgspec.json.decode(text, type=kind)


MEANINGS: Final[dict[str, Callable[[Any], object]]] = {
    **dict.fromkeys(
        ("at", "opened_at", "last_at", "stopping_at", "stopped_at", "parked_at"), _json(Instant)
    ),
    "zero": datetime.fromisoformat,
    "expiry_date": datetime.fromisoformat,
    "id_tag_info": _json(IdTagInfo),
    "stopping_reason": StopReason,
    "availability": AvailabilityType,
    "resets.type": ResetType,
    "security_events.type": SecurityEvent,
    "cache.info": _json(IdTagInfo),
    "cards.role": Role,
    "local_list.info": _json(IdTagInfo),
    "faults.code": ErrorCode,
    "faults.latch": Latch,
    "jobs.kind": JobKind,
    "ordered": _json(JobOrdered),
    "stage": Stage,
    "installed": _json(Installed),
    "root": _json(Root),
    "kept": _json(CredentialsKept),
}
"""How a column is read back, by its name or, where one name means two things, with its table."""

MESSAGES: Final = {
    kind.__name__: _json(kind) for kind in (StartTransaction, StopTransaction, MeterValues)
}

WHOLE_OR_NOT: Final = ("local_list",)
"""Half a list is worse than none: version 0 has the central system send it anew (5.15)."""


def salvage(new: sqlite3.Connection, damaged: Path, aside: str) -> Damage:
    """Bring what can be read of *damaged* into *new*, which is empty; what came of it.

    The damaged file is read from a copy and stays as it is.
    """
    tables = [
        name
        for (name,) in new.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if name not in ("counters", "damages")
    ]
    tables.sort(key=lambda name: (name != "transactions", name))  # others refer to them
    new.execute("BEGIN IMMEDIATE")
    brought = dict.fromkeys(tables, (0, False))
    with _readable(damaged, new.serialize()) as source:
        if source is not None:
            brought = {table: _bring(source, new, table) for table in tables}
            _go_on_counting(source, new)
    counts = {table: count for table, (count, _) in brought.items()}
    counts["outbox"] -= _only_once(new)
    broken = tuple(table for table, (_, is_whole) in brought.items() if not is_whole)
    if "local_list" in broken:
        new.execute("UPDATE counters SET value = 0 WHERE name = 'list_version'")
    _leap(new)
    _stand_in(new)
    _name_the_last_boot(new)
    damage = Damage(aside=aside, rows=sum(counts.values()), broken=broken)
    new.execute(
        "INSERT INTO damages (aside, rows, broken) VALUES (?, ?, ?)",
        (damage.aside, damage.rows, msgspec.json.encode(broken).decode()),
    )
    new.execute("COMMIT")
    log.warning("journal_salvaged", rows=damage.rows, broken=" ".join(broken), **counts)
    return damage


@contextmanager
def _readable(damaged: Path, template: bytes) -> Iterator[sqlite3.Connection | None]:
    """The file as far as SQLite opens it: as it is, with a new header, with a new first page.

    A journal of the same version has the same roots in the same places. `None`: nothing helps.
    Raises `ConfigError` where there is no room for a copy: what could be read must not be given up.
    """
    try:
        content, wal = _content(damaged), _content(damaged.with_name(f"{damaged.name}-wal"))
    except OSError as error:
        log.warning("journal_unread", why=str(error))
        yield None
        return
    with TemporaryDirectory(prefix="tapwatt-") as place, ExitStack() as stack:
        for number, head in enumerate((b"", template[:HEADER], template[: _page_size(template)])):
            copy = Path(place) / str(number)
            _write(copy, _with_head(content, head), wal)
            source = stack.enter_context(closing(sqlite3.connect(copy, isolation_level=None)))
            if _knows_its_tables(source):
                yield source
                return
        yield None


def _with_head(content: bytes, head: bytes) -> bytes:
    """*content* with *head* in the place of its beginning."""
    changed = bytearray(content)
    if head:
        changed[: len(head)] = head
        changed[SIZE] = (len(changed) // _page_size(changed)).to_bytes(4, "big")
        changed[VALID_FOR] = changed[CHANGES]
    return bytes(changed)


def _write(copy: Path, content: bytes, wal: bytes) -> None:
    try:
        copy.write_bytes(content)
        copy.with_name(f"{copy.name}-wal").write_bytes(wal)
    except OSError as error:
        raise ConfigError(
            f"the damaged journal stays as it is, as no copy can be made in {copy.parent}"
            f" ({error}): make room and start again"
        ) from error


def _page_size(content: bytes | bytearray) -> int:
    return int.from_bytes(content[PAGE_SIZE], "big")


def _content(path: Path) -> bytes:
    """What is in the file; nothing where the card gives nothing, or where there is no file."""
    if not path.exists():
        return b""
    content = bytearray()
    with path.open("rb", buffering=0) as file:
        for place in range(0, path.stat().st_size, CHUNK):
            try:
                content += os.pread(file.fileno(), CHUNK, place)
            except OSError:
                content += bytes(CHUNK)
    return bytes(content)


def _knows_its_tables(source: sqlite3.Connection) -> bool:
    try:
        source.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
        source.execute("PRAGMA cell_size_check=ON").fetchall()
        found = source.execute("SELECT name FROM sqlite_schema").fetchall()
    except UNREADABLE:
        return False
    return ("transactions",) in found


def _bring(source: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """Bring the rows of *table* over; how many, and whether those are all."""
    try:
        known = {row[1] for row in source.execute(f"PRAGMA table_info({table})")}
    except UNREADABLE:
        return 0, False
    infos = new.execute(f"PRAGMA table_info({table})").fetchall()
    columns = [info[1] for info in infos if info[1] in known]
    if not columns:
        return 0, False
    reading = _Reading(source, table, columns, _key(new, table, infos))
    marks = ", ".join("?" * len(columns))
    put = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  our own names
    count, is_whole = 0, True
    for _, *row in reading.rows():
        try:
            _understand(table, dict(zip(columns, row, strict=True)))
            new.execute(put, row)
        except (*UNREADABLE, TypeError, msgspec.MsgspecError):
            is_whole = False
        else:
            count += 1
    is_whole = is_whole and not reading.met_damage and _is_sound(source, table)
    if table in WHOLE_OR_NOT and not is_whole:
        new.execute(f"DELETE FROM {table}")  # noqa: S608  our own names
        return 0, False
    return count, is_whole


def _is_sound(source: sqlite3.Connection, table: str) -> bool:
    """Whether SQLite finds nothing wrong with *table*, of which every row could be read."""
    try:
        return bool(source.execute(f"PRAGMA quick_check({table})").fetchall() == [("ok",)])
    except UNREADABLE:
        return False


def _key(new: sqlite3.Connection, table: str, infos: list[_Row]) -> str | None:
    """What orders the rows of *table*; `None` for one without rowids."""
    try:
        new.execute(f"SELECT rowid FROM {table} LIMIT 0")  # noqa: S608  our own names
    except UNREADABLE:
        return None
    return next((info[1] for info in infos if info[5] and info[2] == "INTEGER"), "rowid")


def _understand(table: str, row: dict[str, Any]) -> None:
    """Raise `ValueError` if *row* could not be read back."""
    for column in ("ref", "seq"):
        if not 0 < (row.get(column) or 1) < LARGEST:
            raise ValueError(column)
    for column, value in row.items():
        meaning = MEANINGS.get(f"{table}.{column}") or MEANINGS.get(column)
        if meaning is not None and value is not None:
            meaning(value)
    if "payload" in row:
        kind = MESSAGES.get(row["kind"])
        if kind is None:
            raise ValueError(row["kind"])
        kind(row["payload"])


class _Reading:
    """The rows of one table, from both ends of every stretch that can be read."""

    def __init__(
        self, source: sqlite3.Connection, table: str, columns: list[str], key: str | None
    ) -> None:
        self._source = source
        self._key = key
        self._sql = f"SELECT {key or 1}, {', '.join(columns)} FROM {table}"  # noqa: S608  our own names
        self.met_damage = False

    def rows(self) -> Iterator[_Row]:
        """Each readable row once, the key in front."""
        if self._key is None:
            yield from self._read(self._sql)[0]
            return
        gaps = deque([(-1, BEYOND)])  # of keys, both ends excluded
        for _ in range(PROBES):
            if not gaps:
                return
            low, high = gaps.popleft()
            found, is_sound = self._between(low, high, "ASC")
            yield from found
            low = found[-1][0] if found else low
            if is_sound:
                gaps += [(low, high)] if len(found) == STRETCH else []
                continue
            found, _ = self._between(low, high, "DESC")
            yield from found
            high = found[-1][0] if found else high
            middle = (low + high) // 2
            gaps += [(low, middle + 1), (middle, high)] if low + 1 < high - 1 else []

    def _between(self, low: int, high: int, order: str) -> tuple[list[_Row], bool]:
        sql = f"{self._sql} WHERE {self._key} > ? AND {self._key} < ? ORDER BY {self._key} {order}"
        found, is_sound = self._read(f"{sql} LIMIT {STRETCH}", low, high)
        found, is_ordered = _ordered(found, low, high, order)
        while is_ordered and not is_sound:
            if found:  # the library looks ahead, and drops the last row before the bad page
                low, high = (found[-1][0], high) if order == "ASC" else (low, found[-1][0])
            next_one, _ = self._read(f"{sql} LIMIT 1", low, high)
            next_one, is_ordered = _ordered(next_one, low, high, order)
            found += next_one
            if not next_one:
                break
        self.met_damage = self.met_damage or not is_ordered
        return found, is_sound and is_ordered

    def _read(self, sql: str, *values: object) -> tuple[list[_Row], bool]:
        """The rows up to a bad page, and whether there was none."""
        found: list[_Row] = []
        try:
            found.extend(self._source.execute(sql, values))
        except UNREADABLE:
            self.met_damage = True
            return found, False
        return found, True


def _ordered(found: list[_Row], low: int, high: int, order: str) -> tuple[list[_Row], bool]:
    """The rows up to a key out of its place, which would lead the search round for ever."""
    for number, (key, *_) in enumerate(found):
        if not low < key < high:
            return found[:number], False
        low, high = (key, high) if order == "ASC" else (low, key)
    return found, True


def _only_once(new: sqlite3.Connection) -> int:
    """Leave each message in one place, a page of letters may lie where one of the queue was."""
    new.execute("DELETE FROM outbox WHERE seq IN (SELECT seq FROM dead_letters)")
    return int(new.execute("SELECT changes()").fetchone()[0])


def _go_on_counting(source: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """No counter falls behind what was read of it."""
    with suppress(*UNREADABLE):
        counted = source.execute("SELECT name, value FROM counters WHERE value < ?", (LARGEST,))
        for name, value in counted:
            new.execute("UPDATE counters SET value = ? WHERE name = ?", (value, name))


def _leap(new: sqlite3.Connection) -> None:
    """Refs and seqs go on where none was given yet, also none that was not read."""
    for name, column, tables in (
        ("last_ref", "ref", ("transactions", "outbox", "dead_letters")),
        ("last_seq", "seq", ("outbox", "dead_letters")),
    ):
        for table in tables:
            new.execute(
                "UPDATE counters SET value = max(value,"  # noqa: S608  our own names
                f" (SELECT coalesce(max({column}), 0) FROM {table})) WHERE name = ?",
                (name,),
            )
        new.execute("UPDATE counters SET value = value + ? WHERE name = ?", (JUMP, name))


def _stand_in(new: sqlite3.Connection) -> None:
    """Messages whose session was not read get one that is over: they are told still, as -1.

    It is taken from the StartTransaction, if that waits too. What may have been sent with a number
    gets a new id, as one id never has two contents (I4).
    """
    new.execute(
        "UPDATE outbox SET message_id = lower(hex(randomblob(16)))"
        " WHERE kind <> 'StartTransaction' AND ref NOT IN (SELECT ref FROM transactions)"
    )
    orphans = new.execute(
        "SELECT ref, kind, payload, at FROM (SELECT * FROM outbox UNION ALL"
        " SELECT seq, ref, message_id, kind, payload, at, attempts FROM dead_letters)"
        " WHERE ref NOT IN (SELECT ref FROM transactions)"
        " ORDER BY ref, kind <> 'StartTransaction', seq"
    ).fetchall()
    for ref, kind, payload, at in orphans:
        connector, id_tag, begin_wh, opened_at = 0, "", 0, at
        if kind == "StartTransaction":
            start = msgspec.json.decode(payload, type=StartTransaction)
            connector, id_tag, begin_wh = start.connector_id, start.id_tag, start.meter_start
            opened_at = msgspec.json.encode(start.timestamp).decode()
        new.execute(
            "INSERT OR IGNORE INTO transactions"
            " (ref, connector, id_tag, begin_wh, opened_at, end_wh, stopped_at, estimated)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
            (ref, connector, id_tag, begin_wh, opened_at, begin_wh, at),
        )


MOMENTS: Final = (
    "SELECT at, boot FROM lives"
    " UNION ALL SELECT json_object('wall', zero, 'monotonic', 0.0, 'trusted', json('false'),"
    " 'boot', boot), boot FROM anchors"
    " UNION ALL SELECT opened_at, json_extract(opened_at, '$.boot') FROM transactions"
    " UNION ALL SELECT at, json_extract(at, '$.boot') FROM outbox"
    " UNION ALL SELECT at, json_extract(at, '$.boot') FROM dead_letters"
)
"""What names a boot, and a moment of it."""


def _name_the_last_boot(new: sqlite3.Connection) -> None:
    """No later boot may get the number of one that moments here are counted from."""
    new.execute(
        f"INSERT INTO boots (kernel_boot, at, boot) SELECT '', at, boot FROM ({MOMENTS})"  # noqa: S608  our own names
        " WHERE boot > (SELECT coalesce(max(boot), -1) FROM boots) ORDER BY boot DESC LIMIT 1"
    )
