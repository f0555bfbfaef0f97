"""Every statement on webhooks and deliveries."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, func, insert, null, or_, select, update

from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import changes, deliveries, webhooks
from csms_lite.webhooks.rules import Delivery, Webhook

_WEBHOOK = select(*(webhooks.c[name] for name in Webhook._fields))
every: Final = Prepared(_WEBHOOK.order_by(webhooks.c.webhook_id))
by_id: Final = Prepared(_WEBHOOK.where(webhooks.c.webhook_id == bindparam("webhook_id")))
add: Final = Prepared(
    insert(webhooks)
    .values(
        url=bindparam("url"),
        kinds_json=bindparam("kinds_json"),
        secret=bindparam("secret"),
        state="active",
        told=select(func.coalesce(func.max(changes.c.number), 0)).scalar_subquery(),
        created_at_ms=bindparam("created_at_ms"),
    )
    .returning(webhooks.c.webhook_id)
)
set_state: Final = Prepared(
    update(webhooks)
    .where(webhooks.c.webhook_id == bindparam("of_webhook"))
    .values(state=bindparam("new_state"))
)
look_on: Final = Prepared(
    update(webhooks)
    .where(webhooks.c.webhook_id == bindparam("of_webhook"))
    .values(told=bindparam("number"))
)
remove: Final = Prepared(delete(webhooks).where(webhooks.c.webhook_id == bindparam("webhook_id")))
remove_deliveries: Final = Prepared(
    delete(deliveries).where(deliveries.c.webhook_id == bindparam("of_webhook"))
)

pending_of: Final = Prepared(
    select(func.count()).where(
        deliveries.c.webhook_id == bindparam("webhook_id"), deliveries.c.state == "pending"
    )
)
deliver: Final = Prepared(
    insert(deliveries).values(
        webhook_id=bindparam("webhook_id"),
        number=bindparam("number"),
        kind=bindparam("kind"),
        body=bindparam("body"),
        state="pending",
        attempts=0,
        due_at_ms=bindparam("due_at_ms"),
    )
)
receivers_due: Final = Prepared(
    select(deliveries.c.webhook_id)
    .distinct()
    .join_from(deliveries, webhooks)
    .where(
        deliveries.c.state == "pending",
        deliveries.c.due_at_ms <= bindparam("now_ms"),
        webhooks.c.state == "active",
    )
)
next_due: Final = Prepared(
    select(
        deliveries.c.delivery_id,
        deliveries.c.number,
        deliveries.c.body,
        deliveries.c.attempts,
        webhooks.c.url,
        webhooks.c.secret,
    )
    .join_from(deliveries, webhooks)
    .where(
        deliveries.c.webhook_id == bindparam("webhook_id"),
        deliveries.c.state == "pending",
        deliveries.c.due_at_ms <= bindparam("now_ms"),
        webhooks.c.state == "active",
    )
    .order_by(deliveries.c.number)
    .limit(1)
)
lease: Final = Prepared(
    update(deliveries)
    .where(deliveries.c.delivery_id == bindparam("of_delivery"))
    .values(attempts=deliveries.c.attempts + 1, due_at_ms=bindparam("until_ms"))
)
settle: Final = Prepared(
    update(deliveries)
    .where(deliveries.c.delivery_id == bindparam("of_delivery"), deliveries.c.state == "pending")
    .values(
        state=bindparam("new_state"),
        due_at_ms=bindparam("at_ms"),
        status=bindparam("http_status"),
        problem=bindparam("why"),
        ended_at_ms=bindparam("end_ms"),
    )
)
revive: Final = Prepared(
    update(deliveries)
    .where(
        deliveries.c.webhook_id == bindparam("of_webhook"),
        deliveries.c.state == "dead",
        or_(
            bindparam("of_delivery").is_(None),
            deliveries.c.delivery_id == bindparam("of_delivery"),
        ),
    )
    .values(state="pending", attempts=0, due_at_ms=bindparam("now_ms"), ended_at_ms=null())
)
page: Final = Prepared(
    select(*(deliveries.c[name] for name in Delivery._fields))
    .where(
        deliveries.c.webhook_id == bindparam("webhook_id"),
        deliveries.c.delivery_id < bindparam("before"),
        or_(bindparam("state").is_(None), deliveries.c.state == bindparam("state")),
    )
    .order_by(deliveries.c.delivery_id.desc())
    .limit(bindparam("count"))
)
forget: Final = Prepared(
    delete(deliveries).where(
        deliveries.c.delivery_id.in_(
            select(deliveries.c.delivery_id)
            .where(
                deliveries.c.state == bindparam("of_state"),
                deliveries.c.due_at_ms < bindparam("before_ms"),
            )
            .limit(bindparam("count"))
        )
    )
)
count_by_state: Final = Prepared(
    select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
)
