"""What should be on a charger's local list, what is, and the next step from one to the other.

    GetConfiguration ──► GetLocalListVersion ──► Full ──► Differential … ──► in step
      its limits           when in doubt           ▲            │
                                                   └────────────┘ Failed, VersionMismatch

A doubt is a boot, or an answer that did not come: what is on the charger is what it says. Each
version is sent once and is higher than all before, so that one number names one list.

Virtual cards are not listed: they are secrets, and nobody taps them. Cards with a budget are not
either: only the central system can count. Blocked and expired ones are, or a charger that admits
unknown tags offline would let them in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from csms_lite.clock import rfc3339
from csms_lite.people.rules import tag_key

MOST_ENTRIES: Final = 2000  # of a charger that tells no bound: what the smallest ones hold
USUAL_PER_MESSAGE: Final = 50  # of a charger that does not say how many it takes at once
MOST_PER_MESSAGE: Final = 200  # some 20 KiB: others wait for the line meanwhile
LARGEST_TOLD: Final = 2**30  # a version above it is noise; ours must stay within 32 bits
FIRST_WAIT_MS: Final = 60_000
LONGEST_WAIT_MS: Final = 15 * 60_000  # after failures; a charger that boots is tried at once

CONFIGURATION: Final = "GetConfiguration"
VERSION: Final = "GetLocalListVersion"
SEND: Final = "SendLocalList"
ENABLED_KEY: Final = "LocalAuthListEnabled"
LONGEST_KEY: Final = "LocalAuthListMaxLength"
PER_MESSAGE_KEY: Final = "SendLocalListMaxLength"

UNDER_WAY: Final = frozenset({"asked", "sent"})
_CALLERROR: Final = re.compile(r"CALLERROR (\w+)")
_BOUND: Final = re.compile(r"[0-9]{1,9}")
_NO_SUCH_CODES: Final = frozenset({"NotSupported", "NotImplemented"})

Payload = Mapping[str, Any]
Entries = Mapping[str, Payload]
"""AuthorizationData by `tag_key`."""


class LocalList(NamedTuple):
    """What is known of the list on a charger; see the table `local_lists`."""

    wish: str | None = None
    version: int | None = None
    highest: int = 0
    doubts: int = 1
    cleared: int = 0
    command_id: int | None = None
    asked_in_doubt: int = 0
    lost_command_id: int | None = None
    seen_command_id: int = 0
    unsupported: str | None = None
    knows_limits: int = 0
    longest: int | None = None
    per_message: int | None = None
    failures: int = 0
    retry_at_ms: int | None = None
    problem: str | None = None
    in_step_at_ms: int | None = None

    @property
    def most(self) -> int:
        """How many entries it may hold."""
        return MOST_ENTRIES if self.longest is None else min(self.longest, MOST_ENTRIES)

    @property
    def batch(self) -> int:
        """How many entries it may be sent at once."""
        told = USUAL_PER_MESSAGE if self.per_message is None else self.per_message
        return max(1, min(told, MOST_PER_MESSAGE))

    @property
    def is_late(self) -> bool:
        """It was not in step when last looked at."""
        return self.in_step_at_ms is None or bool(self.failures)


class Command(NamedTuple):
    """A command as far as lists go."""

    command_id: int
    action: str
    payload: Payload
    state: str
    result: Payload | None
    problem: str | None

    @property
    def status(self) -> str | None:
        """What the charger answered; `None` without an answer."""
        return None if self.result is None else str(self.result.get("status", ""))

    @property
    def refusal(self) -> str | None:
        """Give the code of the CALLERROR that it was answered with."""
        found = _CALLERROR.search(self.problem or "")
        return found.group(1) if found and self.result is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a list stands, and what to ask the charger next, if anything."""

    state: str
    action: str | None = None
    payload: Payload | None = None


def follows(known: LocalList, *, by_setting: bool) -> bool:
    """Say whether a charger's list is to follow the cards."""
    return by_setting if known.wish is None else known.wish == "on"


def entry(tag: str, status: str, parent: str | None, expires_at_ms: int | None) -> Payload:
    """Write AuthorizationData (7.2)."""
    info: dict[str, Any] = {"status": status}
    if expires_at_ms is not None:
        info["expiryDate"] = rfc3339(expires_at_ms)
    if parent is not None:
        info["parentIdTag"] = parent
    return {"idTag": tag, "idTagInfo": info}


def next_step(
    known: LocalList, wanted: Entries, taken: Entries, now_ms: int, *, by_setting: bool
) -> Step:
    """Decide what to ask next; *taken* is what the charger holds if nothing is in doubt."""
    if not follows(known, by_setting=by_setting):
        return Step(state="off")
    if known.unsupported is not None:
        return Step(state="unsupported")
    if known.command_id is not None:
        return Step(state="under_way")
    if known.retry_at_ms is not None and now_ms < known.retry_at_ms:
        return Step(state="failing")
    if not known.knows_limits:
        keys = [ENABLED_KEY, LONGEST_KEY, PER_MESSAGE_KEY]
        return Step(state="under_way", action=CONFIGURATION, payload={"key": keys})
    if known.doubts != known.cleared:
        return Step(state="under_way", action=VERSION, payload={})
    if known.version is None:
        return _send(known, "Full", list(wanted.values())[: known.batch])
    changes = differences(wanted, taken)[: known.batch]
    return _send(known, "Differential", changes) if changes else Step(state="in_step")


def differences(wanted: Entries, taken: Entries) -> list[Payload]:
    """Give what must change; removals first, for a full list has no room for more."""
    gone = [{"idTag": taken[key]["idTag"]} for key in taken if key not in wanted]
    changed = [one for key, one in wanted.items() if taken.get(key) != one]
    return [*gone, *changed]


def applied(taken: Entries, payload: Payload) -> dict[str, Payload]:
    """Give the list that a charger holds once it took *payload*."""
    after = {} if payload["updateType"] == "Full" else dict(taken)
    for one in payload.get("localAuthorizationList", ()):
        key = tag_key(one["idTag"])
        if "idTagInfo" in one:
            after[key] = one
        else:
            after.pop(key, None)
    return after


def settled(
    known: LocalList, ended: Command, lost: Command | None, taken: Entries, now_ms: int
) -> tuple[LocalList, Entries]:
    """Learn from the end of our command what the charger holds; *lost* is one without an answer."""
    after = known._replace(command_id=None)
    if ended.state == "expired":  # it was never sent
        return after, taken
    if ended.refusal in _NO_SUCH_CODES and ended.action != CONFIGURATION:
        return after._replace(unsupported=f"it answered {ended.refusal} to {ended.action}"), taken
    if ended.result is None and ended.refusal is None:
        if ended.action == SEND:
            after = after._replace(lost_command_id=ended.command_id, doubts=known.doubts + 1)
        return _failed(after, ended.problem, now_ms), taken
    match ended.action:
        case "GetConfiguration" if ended.result is not None or ended.refusal in _NO_SUCH_CODES:
            return _limits(after, ended.result or {}), taken
        case "GetLocalListVersion" if (told := _integer(ended.result, "listVersion")) is not None:
            return _told_version(after, told, lost, taken)
        case "SendLocalList":
            return _sent(after, ended, taken, now_ms)
        case action:
            problem = ended.problem or f"its answer to {action} cannot be read"
            return _failed(after, problem, now_ms), taken


def meddled(known: LocalList, other: Command) -> LocalList:
    """Learn from a SendLocalList of somebody else that the list may no longer be ours.

    Its version may be one of ours: one that was lost must not be taken for it.
    """
    after = known._replace(seen_command_id=other.command_id, lost_command_id=None)
    if other.state == "expired" or other.refusal or other.status not in {None, "Accepted"}:
        return after
    version = _integer(other.payload, "listVersion") or 0
    return after._replace(
        version=None, doubts=known.doubts + 1, highest=_higher(known.highest, version)
    )


def booted(known: LocalList) -> LocalList:
    """Doubt a list after a boot, and try at once whatever failed before."""
    return known._replace(doubts=known.doubts + 1, retry_at_ms=None)


def switched(known: LocalList, wish: str | None) -> LocalList:
    """Keep the operator's switch; switched on anew, a charger is asked again what it can."""
    after = known._replace(wish=wish, retry_at_ms=None)
    return after._replace(unsupported=None, knows_limits=0) if wish == "on" else after


def in_step(known: LocalList, now_ms: int) -> LocalList:
    """Keep that the list is as wanted."""
    return known._replace(in_step_at_ms=now_ms, failures=0, retry_at_ms=None, problem=None)


def _send(known: LocalList, update: str, entries: Sequence[Payload]) -> Step:
    payload: dict[str, Any] = {"listVersion": known.highest + 1, "updateType": update}
    if entries:
        payload["localAuthorizationList"] = list(entries)
    return Step(state="under_way", action=SEND, payload=payload)


def _sent(
    after: LocalList, ended: Command, taken: Entries, now_ms: int
) -> tuple[LocalList, Entries]:
    match ended.status:
        case "Accepted":
            after = after._replace(version=int(ended.payload["listVersion"]), lost_command_id=None)
            return after, applied(taken, ended.payload)
        case "NotSupported":
            return after._replace(unsupported="it answered NotSupported to SendLocalList"), taken
        case status:
            problem = ended.problem or f"it answered {status} to SendLocalList"
            asks_again = after.failures > 0  # perhaps it holds less than we believe
            after = after._replace(
                version=None, knows_limits=0 if asks_again else after.knows_limits
            )
            return _failed(after, problem, now_ms), taken


def _told_version(
    after: LocalList, told: int, lost: Command | None, taken: Entries
) -> tuple[LocalList, Entries]:
    """Compare the version that a charger tells; an empty list has version 0, none at all -1."""
    if told < 0:
        return after._replace(
            unsupported=f"it has no local list; {ENABLED_KEY} may be false there"
        ), taken
    sure = after._replace(cleared=after.asked_in_doubt, lost_command_id=None)
    for version, entries in _candidates(after, lost, taken):
        if told == version or (told == 0 and not entries):
            return sure._replace(version=version), entries
    return sure._replace(version=None, highest=_higher(after.highest, told)), taken


def _candidates(
    after: LocalList, lost: Command | None, taken: Entries
) -> list[tuple[int, Entries]]:
    """Give the lists that the charger may hold: the last one taken, and the one that was lost."""
    found = [] if after.version is None else [(after.version, taken)]
    if lost is not None and (after.version is not None or lost.payload["updateType"] == "Full"):
        found.append((int(lost.payload["listVersion"]), applied(taken, lost.payload)))
    return found


def _limits(after: LocalList, answer: Payload) -> LocalList:
    rows = answer.get("configurationKey")
    told = {
        str(one.get("key", "")).lower(): str(one.get("value", ""))
        for one in (rows if isinstance(rows, list) else ())
        if isinstance(one, dict)
    }
    if told.get(ENABLED_KEY.lower(), "").strip().lower() == "false":
        return after._replace(
            unsupported=f"{ENABLED_KEY} is false there: set it to true, then switch this on"
        )
    return after._replace(
        knows_limits=1,
        longest=_number(told.get(LONGEST_KEY.lower())),
        per_message=_number(told.get(PER_MESSAGE_KEY.lower())),
    )


def _failed(after: LocalList, problem: str | None, now_ms: int) -> LocalList:
    """Count a failure; the first is mended at once, the next ones after longer and longer."""
    failures = after.failures + 1
    if failures == 1:
        return after._replace(failures=1, problem=problem)
    wait_ms = min(FIRST_WAIT_MS * 2 ** min(failures - 2, 10), LONGEST_WAIT_MS)
    return after._replace(failures=failures, problem=problem, retry_at_ms=now_ms + wait_ms)


def _higher(highest: int, told: int) -> int:
    return max(highest, told) if told <= LARGEST_TOLD else highest


def _integer(answer: Payload | None, name: str) -> int | None:
    """Read a whole number from an answer that may break its schema."""
    value = None if answer is None else answer.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(text: str | None) -> int | None:
    """Read a bound; what is no number of a sensible size is as if it had not been told."""
    is_number = text is not None and _BOUND.fullmatch(text.strip())
    return int(text) if text is not None and is_number else None
