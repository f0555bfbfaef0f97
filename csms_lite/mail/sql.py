"""Every statement on mails."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, case, delete, func, insert, null, select, update

from csms_lite.mail.rules import Mail, State
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import outbox

put: Final = Prepared(
    insert(outbox)
    .values(
        address=bindparam("address"),
        template=bindparam("template"),
        language=bindparam("language"),
        values_json=bindparam("values_json"),
        state=bindparam("state"),
        tries=0,
        created_at_ms=bindparam("now_ms"),
        due_at_ms=bindparam("due_ms"),
        expires_at_ms=bindparam("expires_at_ms"),
    )
    .returning(outbox.c.mail_id)
)
next_due: Final = Prepared(
    select(*(outbox.c[name] for name in Mail._fields))
    .where(outbox.c.state == str(State.WAITING), outbox.c.due_at_ms <= bindparam("now_ms"))
    .order_by(outbox.c.due_at_ms, outbox.c.mail_id)
    .limit(1)
)
next_moment: Final = Prepared(
    select(func.min(outbox.c.due_at_ms)).where(outbox.c.state == str(State.WAITING))
)
tried: Final = Prepared(
    update(outbox)
    .where(outbox.c.mail_id == bindparam("of_mail"))
    .values(tries=outbox.c.tries + 1, due_at_ms=bindparam("next_ms"))
)
settle: Final = Prepared(
    update(outbox)
    .where(outbox.c.mail_id == bindparam("of_mail"))
    .values(
        state=bindparam("new_state"),
        due_at_ms=bindparam("next_ms"),
        reply=bindparam("new_reply"),
        values_json=case((bindparam("is_over") == 1, null()), else_=outbox.c.values_json),
    )
)
refused: Final = Prepared(
    select(outbox.c.reply)
    .where(
        outbox.c.address == bindparam("address"),
        outbox.c.state == str(State.REFUSED),
        outbox.c.created_at_ms > bindparam("after_ms"),
    )
    .limit(1)
)
forget_old: Final = Prepared(
    delete(outbox).where(
        outbox.c.state != str(State.WAITING), outbox.c.created_at_ms <= bindparam("until_ms")
    )
)
forget_address: Final = Prepared(delete(outbox).where(outbox.c.address == bindparam("of_address")))
