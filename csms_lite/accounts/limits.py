"""How often something may be tried: token buckets, as many as fit."""

from __future__ import annotations

from collections import OrderedDict
from math import ceil
from typing import Final, NamedTuple

from csms_lite.clock import Clock
from csms_lite.errors import TooMany

MAX_BUCKETS: Final = 10_000  # some 2 MB; the one not used for longest goes


class Rate(NamedTuple):
    """*times* times at once, and so many again spread over *per_s* seconds."""

    times: int
    per_s: float


class Limit:
    """Counts tries by whoever tries; forgets who has not tried for long."""

    def __init__(self, clock: Clock, what: str, rate: Rate) -> None:
        self._clock = clock
        self._what = what
        self._rate = rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str = "") -> None:
        """Count one try; raises `TooMany` when there were too many, which is not counted."""
        now_s = self._clock.monotonic()
        left = self._left(key, now_s)
        if left < 1:
            wait_s = ceil((1 - left) * self._rate.per_s / self._rate.times)
            raise TooMany(
                f"{self._what}: at most {self._rate.times} in {self._rate.per_s:.0f} s; "
                f"try again in {wait_s} s",
                retry_after_s=wait_s,
            )
        self._buckets[key] = (left - 1, now_s)
        self._buckets.move_to_end(key)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)

    def _left(self, key: str, now_s: float) -> float:
        left, at_s = self._buckets.get(key, (float(self._rate.times), now_s))
        return min(self._rate.times, left + (now_s - at_s) * self._rate.times / self._rate.per_s)


class SignInLimits:
    """What stands before the work of a hash: by address, over all, by account."""

    def __init__(self, clock: Clock) -> None:
        self._by_address = Limit(clock, "sign-ins from your address", Rate(20, 60))
        self._by_account = Limit(clock, "sign-ins of this account", Rate(5, 60))
        self._all = Limit(clock, "sign-ins here", Rate(300, 60))  # 12 s of a core in a minute

    def take(self, address: str, account: str) -> None:
        """Count a try; raises `TooMany`.

        The address comes first: one machine cannot use up what all share. The account comes last:
        so names come no faster than all may try, and none is forgotten before it is full again.
        """
        self._by_address.take(address)
        self._all.take()
        self._by_account.take(account)


class MailLimits:
    """How many mails may be asked for: each costs somebody attention, and may be unwelcome."""

    def __init__(self, clock: Clock) -> None:
        self._by_address = Limit(clock, "mails asked from your address", Rate(20, 3600))
        self._all = Limit(clock, "mails asked here", Rate(500, 3600))
        self._soon = Limit(clock, "mails to this address", Rate(1, 60))
        self._by_mailbox = Limit(clock, "mails to this address", Rate(5, 3600))

    def take(self, address: str, mailbox: str) -> None:
        """Count a mail; raises `TooMany`, alike for mailboxes with and without an account."""
        self._by_address.take(address)
        self._all.take()
        self._soon.take(mailbox)
        self._by_mailbox.take(mailbox)
