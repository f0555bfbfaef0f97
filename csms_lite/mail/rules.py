"""What a mail is, and what each answer of an SMTP server means for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from csms_lite.clock import to_ms

MINUTE_MS: Final = 60_000
BACKOFF_MS: Final = tuple(minutes * MINUTE_MS for minutes in (1, 5, 15, 60))
KEPT_MS: Final = 30 * 86_400_000  # of a mail that has an end; so long an address stays marked
REPLY_LENGTH: Final = 200
DAILY_LIMIT: Final = "5.4.5"  # Gmail's enhanced status
NO_ADDRESS: Final = (550, 551, 553, 554)
NO_ENTRY: Final = (530, 534, 535)  # authentication: wanted, too weak, wrong


class State(StrEnum):
    """How far a mail is."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    """The server knows no such address."""
    FAILED = "failed"
    """The server will not have this mail; the address may be good."""
    DROPPED = "dropped"
    """Too late to be of use."""
    NOBODY = "nobody"
    """Asked for an address without an account: written like any other, and not sent."""


class Mail(NamedTuple):
    """A mail that waits."""

    mail_id: int
    address: str
    template: str
    language: str
    values_json: str
    tries: int
    created_at_ms: int
    due_at_ms: int
    expires_at_ms: int


class Stage(StrEnum):
    """What the server was asked when it answered."""

    CONNECT = "connect"
    SIGN_IN = "sign in"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"


class Reply(NamedTuple):
    """A server's answer; code 0 when there was none."""

    code: int
    text: str
    stage: Stage


class Verdict(NamedTuple):
    """What follows for the mail, and for all mails."""

    state: State
    due_at_ms: int | None = None
    """When to try this one again."""
    pause_until_ms: int | None = None
    """Until when to send nothing at all."""
    is_alarm: bool = False
    """Whether the installer must mend something first."""


def judge(reply: Reply, mail: Mail, now_ms: int) -> Verdict:
    """Say what an answer other than success means (RFC 5321 4.2.1, RFC 4954 6)."""
    if DAILY_LIMIT in reply.text:
        tomorrow = _next_day_ms(now_ms)
        return Verdict(State.WAITING, due_at_ms=tomorrow, pause_until_ms=tomorrow)
    if reply.code < 500:  # noqa: PLR2004  # 4xx, or no answer at all: passing
        return Verdict(State.WAITING, due_at_ms=now_ms + backoff_ms(mail.tries))
    if reply.stage in {Stage.CONNECT, Stage.SIGN_IN, Stage.SENDER} or reply.code in NO_ENTRY:
        return Verdict(State.WAITING, due_at_ms=now_ms, is_alarm=True)
    if reply.stage is Stage.RECIPIENT and reply.code in NO_ADDRESS:
        return Verdict(State.REFUSED)
    return Verdict(State.FAILED)


def backoff_ms(tries: int) -> int:
    """Give how long to wait after so many tries."""
    return BACKOFF_MS[min(max(tries, 1), len(BACKOFF_MS)) - 1]


def _next_day_ms(now_ms: int) -> int:
    today = datetime.fromtimestamp(now_ms / 1000, UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return to_ms(today + timedelta(days=1))
