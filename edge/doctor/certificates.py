"""Which of the certificates end soon that the line rests on: ours, and those we are shown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from edge.core.instant import rfc3339
from edge.core.validity import DAY, OVER, STAGES, due
from edge.doctor.finding import Finding, fault, notice

ENDS = notice(
    "certificate.ends",
    "{name} ends in {days_left} days, on {ends}",
    "have it renewed before: nobody is let in by one that is over",
)
ENDS_NOW = fault(
    "certificate.ends_now",
    "{name} ends in {days_left} days, on {ends}",
    "renew it now: nobody is let in by one that is over",
)
IS_OVER = fault(
    "certificate.over",
    "{name} has been over since {ends}",
    "renew it: nobody is let in by it",
)


def judge(ends: Mapping[str, datetime], now: datetime) -> Iterator[Finding]:
    """A finding for each that ends within two months."""
    kinds = {OVER: IS_OVER, STAGES[0]: ENDS_NOW}
    for name, at in ends.items():
        warning = due(at, now)
        if warning is not None:
            days_left = (at - now) // DAY
            kind = kinds.get(warning, ENDS)
            yield kind.at("csms", name=name, days_left=days_left, ends=rfc3339(at))
