"""Records to SQL: what each record type writes, one entry of `STATEMENTS` per type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from edge.core.anchors import Anchor
from edge.core.card_roles import CardForgotten, CardKept
from edge.core.instant import Instant
from edge.core.records import (
    Alive,
    AvailabilityChanged,
    BackOffKept,
    BootStarted,
    CacheCleared,
    ConfigurationChanged,
    ContactorWorn,
    DamageAccepted,
    DamageTold,
    Delivered,
    FallbackKept,
    FaultLatched,
    FaultReleased,
    ListChanged,
    Metered,
    Parked,
    ProfileCleared,
    ProfileSet,
    Queued,
    RcdTested,
    Refused,
    Resent,
    ReservationEnded,
    ReservationMade,
    ResetAccepted,
    TagCached,
    TagForgotten,
    Thinned,
    TransactionBound,
    TransactionDeauthorised,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.security_log import (
    SecurityEventForgotten,
    SecurityEventLogged,
    SecurityEventTold,
)
from edge.core.work import JobEnded, JobMoved, JobOrdered, Stage
from edge.core.x509 import CredentialsKept, RootDeleted, RootInstalled

Statement = tuple[str, tuple[object, ...]]


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


KEPT_BOOTS: Final = 256
"""Kernel boots whose time is remembered: no message waits through more of them."""


def _alive(at: Instant) -> Statement:
    """Every row of a living session is evidence of life, as good as an `Alive` row."""
    sql = (
        "INSERT INTO lives (boot, monotonic, at) VALUES (?, ?, ?) ON CONFLICT (boot) DO UPDATE"
        " SET monotonic = excluded.monotonic, at = excluded.at"
        " WHERE excluded.monotonic >= lives.monotonic"
    )
    return sql, (at.boot, at.monotonic, _text(at))


def _count(name: str, value: int) -> Statement:
    return "UPDATE counters SET value = max(value, ?) WHERE name = ?", (value, name)


def _boot_started(record: BootStarted) -> tuple[Statement, ...]:
    return (
        (
            "INSERT INTO boots (kernel_boot, at, boot) VALUES (?, ?, ?)",
            (record.kernel_boot, _text(record.at), record.boot),
        ),
        ("UPDATE resets SET seen_by = last_insert_rowid() WHERE seen_by IS NULL", ()),
        _alive(record.at),
        *(
            (f"DELETE FROM {table} WHERE boot <= ?", (record.boot - KEPT_BOOTS,))  # noqa: S608  our own names
            for table in ("lives", "anchors")
        ),
    )


def _anchored(record: Anchor) -> tuple[Statement, ...]:
    sql = "INSERT OR IGNORE INTO anchors (boot, zero, certain) VALUES (?, ?, ?)"
    return ((sql, (record.boot, record.zero.isoformat(), int(record.certain))),)


def _opened(record: TransactionOpened) -> tuple[Statement, ...]:
    return (
        (
            (
                "INSERT INTO transactions"
                " (ref, connector, id_tag, begin_wh, opened_at, parent_id_tag, reservation_id,"
                " meter_serial) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            ),
            (
                record.ref,
                record.connector,
                record.id_tag,
                record.begin_wh,
                _text(record.at),
                record.parent_id_tag,
                record.reservation_id,
                record.meter_serial,
            ),
        ),
        _count("last_ref", record.ref),
        _alive(record.at),
    )


def _bound(record: TransactionBound) -> tuple[Statement, ...]:
    sql = "UPDATE transactions SET transaction_id = ?, id_tag_info = ? WHERE ref = ?"
    return ((sql, (record.transaction_id, _text(record.id_tag_info), record.ref)),)


def _deauthorised(record: TransactionDeauthorised) -> tuple[Statement, ...]:
    sql = "UPDATE transactions SET deauthorised_wh = ? WHERE ref = ?"
    return ((sql, (record.energy_wh, record.ref)),)


def _stopping(record: TransactionStopping) -> tuple[Statement, ...]:
    sql = (
        "UPDATE transactions SET stopping_reason = ?, stopping_at = ?, stopping_id_tag = ?"
        " WHERE ref = ?"
    )
    return ((sql, (record.reason, _text(record.at), record.id_tag, record.ref)), _alive(record.at))


def _stopped(record: TransactionStopped) -> tuple[Statement, ...]:
    sql = "UPDATE transactions SET end_wh = ?, stopped_at = ?, estimated = ? WHERE ref = ?"
    return ((sql, (record.end_wh, _text(record.at), int(record.estimated), record.ref)),)


def _metered(record: Metered) -> tuple[Statement, ...]:
    sql = "UPDATE transactions SET last_wh = ?, last_at = ? WHERE ref = ?"
    return ((sql, (record.energy_wh, _text(record.at), record.ref)), _alive(record.at))


def _queued(record: Queued) -> tuple[Statement, ...]:
    return (
        (
            (
                "INSERT INTO outbox (seq, ref, message_id, kind, payload, at, attempts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)"
            ),
            (
                record.seq,
                record.ref,
                record.message_id,
                type(record.message).__name__,
                _text(record.message),
                _text(record.at),
                record.attempts,
            ),
        ),
        _count("last_seq", record.seq),
        _alive(record.at),
    )


def _refused(record: Refused) -> tuple[Statement, ...]:
    sql = "UPDATE outbox SET attempts = ?, message_id = ? WHERE seq = ?"
    return ((sql, (record.attempts, record.message_id, record.seq)),)


def _parked(record: Parked) -> tuple[Statement, ...]:
    return (
        (
            (
                "INSERT INTO dead_letters"
                " SELECT seq, ref, message_id, kind, payload, at, attempts, ?, ?, ?"
                " FROM outbox WHERE seq = ?"
            ),
            (_text(record.at), record.code, record.description, record.seq),
        ),
        ("DELETE FROM outbox WHERE seq = ?", (record.seq,)),
    )


def _resent(record: Resent) -> tuple[Statement, ...]:
    return (
        (
            (
                "INSERT INTO outbox SELECT seq, ref, ?, kind, payload, at, 0"
                " FROM dead_letters WHERE seq = ?"
            ),
            (record.message_id, record.seq),
        ),
        ("DELETE FROM dead_letters WHERE seq = ?", (record.seq,)),
    )


def _thinned(record: Thinned) -> tuple[Statement, ...]:
    which = "kind = 'MeterValues' AND seq IN (SELECT value FROM json_each(?))"
    return (
        (f"DELETE FROM outbox WHERE {which}", (_text(record.seqs),)),  # noqa: S608  our own words
        ("UPDATE counters SET value = value + ? WHERE name = 'thinned'", (len(record.seqs),)),
    )


def _cached(record: TagCached) -> tuple[Statement, ...]:
    sql = "INSERT OR REPLACE INTO cache (id_tag, info, at) VALUES (?, ?, ?)"
    return ((sql, (record.id_tag, _text(record.info), _text(record.at))),)


def _listed(record: ListChanged) -> tuple[Statement, ...]:
    cleared: tuple[Statement, ...] = (("DELETE FROM local_list", ()),) if record.anew else ()
    put = "INSERT OR REPLACE INTO local_list (id_tag, info) VALUES (?, ?)"
    return (
        *cleared,
        *((put, (one.id_tag, _text(one.info))) for one in record.entries),
        *(("DELETE FROM local_list WHERE id_tag = ?", (tag,)) for tag in record.removed),
        ("UPDATE counters SET value = ? WHERE name = 'list_version'", (record.version,)),
    )


def _reserved(record: ReservationMade) -> tuple[Statement, ...]:
    sql = (
        "INSERT OR REPLACE INTO reservations"
        " (reservation_id, connector, id_tag, parent_id_tag, expiry_date) VALUES (?, ?, ?, ?, ?)"
    )
    row = (
        record.reservation_id,
        record.connector,
        record.id_tag,
        record.parent_id_tag,
        record.expiry_date.isoformat(),
    )
    return ((sql, row),)


def _latched(record: FaultLatched) -> tuple[Statement, ...]:
    sql = "INSERT OR REPLACE INTO faults (connector, latch, code, info) VALUES (?, ?, ?, ?)"
    return ((sql, (record.connector, record.latch, record.code, record.info)),)


def _worn(record: ContactorWorn) -> tuple[Statement, ...]:
    sql = "INSERT OR REPLACE INTO wear (connector, closings, hot_opens) VALUES (?, ?, ?)"
    return ((sql, (record.connector, record.closings, record.hot_opens)),)


def _rcd_tested(record: RcdTested) -> tuple[Statement, ...]:
    sql = "INSERT OR REPLACE INTO rcd_tests (connector, passed_at, tries) VALUES (?, ?, ?)"
    passed_at = None if record.passed_at is None else _text(record.passed_at)
    return ((sql, (record.connector, passed_at, record.tries)),)


def _profile_set(record: ProfileSet) -> tuple[Statement, ...]:
    sql = "INSERT OR REPLACE INTO profiles (id, installed) VALUES (?, ?)"
    installed = record.installed
    return ((sql, (installed.profile.charging_profile_id, _text(installed))),)


def _job_ordered(record: JobOrdered) -> tuple[Statement, ...]:
    sql = (
        "INSERT OR REPLACE INTO jobs (kind, ordered, stage, status, attempts)"
        " VALUES (?, ?, ?, NULL, 0)"
    )
    return ((sql, (record.kind, _text(record), Stage.WAITING)),)


def _job_moved(record: JobMoved) -> tuple[Statement, ...]:
    sql = "UPDATE jobs SET stage = ?, status = ?, attempts = ? WHERE kind = ?"
    return ((sql, (record.stage, record.status, record.attempts, record.kind)),)


def _security_logged(record: SecurityEventLogged) -> tuple[Statement, ...]:
    sql = "INSERT INTO security_events (seq, type, at, info, untold) VALUES (?, ?, ?, ?, ?)"
    row = (record.seq, record.event, _text(record.at), record.info, int(record.untold))
    return ((sql, row),)


def _root_installed(record: RootInstalled) -> tuple[Statement, ...]:
    root = record.root
    sql = "INSERT INTO roots (use, fingerprint, root) VALUES (?, ?, ?)"
    return ((sql, (root.use, root.fingerprint, _text(root))),)


STATEMENTS: Final[dict[type, Callable[[Any], tuple[Statement, ...]]]] = {
    BootStarted: _boot_started,
    Anchor: _anchored,
    Alive: lambda record: (_alive(record.at),),
    TransactionOpened: _opened,
    TransactionBound: _bound,
    TransactionDeauthorised: _deauthorised,
    TransactionStopping: _stopping,
    TransactionStopped: _stopped,
    Metered: _metered,
    Queued: _queued,
    Refused: _refused,
    Delivered: lambda record: (("DELETE FROM outbox WHERE seq = ?", (record.seq,)),),
    Parked: _parked,
    Resent: _resent,
    Thinned: _thinned,
    AvailabilityChanged: lambda record: (
        (
            "INSERT OR REPLACE INTO availability (connector, availability) VALUES (?, ?)",
            (record.connector, record.availability),
        ),
    ),
    ConfigurationChanged: lambda record: (
        (
            "INSERT OR REPLACE INTO configuration (key, value) VALUES (?, ?)",
            (record.key, record.value),
        ),
    ),
    FallbackKept: lambda record: (
        (
            "INSERT OR REPLACE INTO fallback (id, profile, key) VALUES (1, ?, ?)",
            (record.profile, record.key),
        ),
    ),
    BackOffKept: lambda record: (
        ("INSERT OR REPLACE INTO backoff (id, failures) VALUES (1, ?)", (record.failures,)),
    ),
    TagCached: _cached,
    TagForgotten: lambda record: (("DELETE FROM cache WHERE id_tag = ?", (record.id_tag,)),),
    CacheCleared: lambda _: (("DELETE FROM cache", ()),),
    CardKept: lambda record: (
        (
            "INSERT OR REPLACE INTO cards (id_tag, role) VALUES (?, ?)",
            (record.id_tag, record.role),
        ),
    ),
    CardForgotten: lambda record: (("DELETE FROM cards WHERE id_tag = ?", (record.id_tag,)),),
    ListChanged: _listed,
    ReservationMade: _reserved,
    ReservationEnded: lambda record: (
        ("DELETE FROM reservations WHERE reservation_id = ?", (record.reservation_id,)),
    ),
    ResetAccepted: lambda record: (
        ("INSERT INTO resets (type, at) VALUES (?, ?)", (record.type, _text(record.at))),
    ),
    FaultLatched: _latched,
    FaultReleased: lambda record: (
        (
            "DELETE FROM faults WHERE connector = ? AND latch = ?",
            (record.connector, record.latch),
        ),
    ),
    ContactorWorn: _worn,
    RcdTested: _rcd_tested,
    DamageTold: lambda _: (("UPDATE damages SET told = 1", ()),),
    DamageAccepted: lambda _: (("UPDATE damages SET accepted = 1", ()),),
    ProfileSet: _profile_set,
    ProfileCleared: lambda record: (
        ("DELETE FROM profiles WHERE id = ?", (record.charging_profile_id,)),
    ),
    JobOrdered: _job_ordered,
    JobMoved: _job_moved,
    JobEnded: lambda record: (("DELETE FROM jobs WHERE kind = ?", (record.kind,)),),
    SecurityEventLogged: _security_logged,
    SecurityEventTold: lambda record: (
        ("UPDATE security_events SET untold = 0 WHERE seq = ?", (record.seq,)),
    ),
    SecurityEventForgotten: lambda record: (
        ("DELETE FROM security_events WHERE seq = ?", (record.seq,)),
    ),
    RootInstalled: _root_installed,
    RootDeleted: lambda record: (
        (
            "DELETE FROM roots WHERE use = ? AND fingerprint = ?",
            (record.use, record.fingerprint),
        ),
    ),
    CredentialsKept: lambda record: (
        ("INSERT OR REPLACE INTO credentials (id, kept) VALUES (1, ?)", (_text(record),)),
    ),
}
"""What each record writes; a test holds the table complete."""
