"""Queries that judge a tag; used by Authorize, StartTransaction and StopTransaction."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.access.rules import AccessRules, Verdict, judge
from csms_lite.people.service import find_card
from csms_lite.sessions.service import is_running_with


def judge_tag(db: Connection, tag: str, now_ms: int) -> Verdict:
    """Judge a presented tag; ConcurrentTx concerns only starts (7.2)."""
    return judge(find_card(db, tag), now_ms, runs_elsewhere=False, rules=AccessRules())


def judge_start(db: Connection, tag: str, now_ms: int, rules: AccessRules) -> Verdict:
    """Judge a tag with which a transaction begins."""
    elsewhere = rules.refuse_concurrent and is_running_with(db, tag)
    return judge(find_card(db, tag), now_ms, runs_elsewhere=elsewhere, rules=rules)
