"""A journal that forgets how sessions end, in every process that finds this on its PYTHONPATH."""

from __future__ import annotations

from collections.abc import Sequence

from edge.core.messages import StopTransaction
from edge.core.records import Queued, Record
from edge.drivers.journal import SqliteJournal

COMMIT = SqliteJournal.commit


async def forgetful(journal: SqliteJournal, records: Sequence[Record]) -> None:
    """Write all but the messages that end a session."""
    kept = [
        record
        for record in records
        if not (isinstance(record, Queued) and isinstance(record.message, StopTransaction))
    ]
    await COMMIT(journal, kept)


SqliteJournal.commit = forgetful  # type: ignore[assignment, method-assign]  # the planted bug
