"""Every statement on remembered answers."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, insert, select, tuple_

from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import answers

find: Final = Prepared(
    select(answers.c.digest, answers.c.answer_json).where(
        answers.c.station_id == bindparam("station_id"),
        answers.c.message_id == bindparam("message_id"),
    )
)
keep: Final = Prepared(
    insert(answers).values(
        station_id=bindparam("station_id"),
        message_id=bindparam("message_id"),
        digest=bindparam("digest"),
        connection=bindparam("connection"),
        at_ms=bindparam("at_ms"),
        answer_json=bindparam("answer_json"),
    )
)
_key = tuple_(answers.c.station_id, answers.c.message_id, answers.c.digest)
forget: Final = Prepared(
    delete(answers).where(
        _key.in_(
            select(answers.c.station_id, answers.c.message_id, answers.c.digest)
            .where(answers.c.at_ms < bindparam("before_ms"))
            .limit(bindparam("count"))
        )
    )
)
