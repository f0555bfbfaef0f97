"""Every statement on the audit trail."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert, null, or_, select

from csms_lite.audit.rules import Entry
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import audit

note: Final = Prepared(
    insert(audit).values(
        at_ms=bindparam("at_ms"),
        actor=bindparam("actor"),
        actor_id=bindparam("actor_id"),
        address=bindparam("address"),
        action=bindparam("action"),
        account_id=bindparam("account_id"),
        details_json=bindparam("details_json"),
    )
)
page: Final = Prepared(
    select(*(audit.c[name] for name in Entry._fields))
    .where(
        audit.c.entry_id < bindparam("before"),
        or_(bindparam("account_id").is_(null()), audit.c.account_id == bindparam("of_account")),
    )
    .order_by(audit.c.entry_id.desc())
    .limit(bindparam("count"))
)
