"""What is asked next, and what is learned from odd answers."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.local_list.rules import (
    LONGEST_WAIT_MS,
    Command,
    LocalList,
    differences,
    entry,
    next_step,
    settled,
)

SURE = LocalList(version=4, highest=9, cleared=1, knows_limits=1, command_id=7)


def ended(action: str, result: Any = None, *, state: str = "answered", **more: Any) -> Command:
    payload = more.pop("payload", {"listVersion": 9, "updateType": "Full"})
    return Command(7, action, payload, state, result, more.pop("problem", None))


def test_removals_come_first() -> None:
    """A charger whose list is full has no room for the new entry before the old one went."""
    taken = {"B": entry("B", "Accepted", None, None), "C": entry("C", "Accepted", None, None)}
    wanted = {"A": entry("A", "Accepted", None, None), "C": entry("C", "Blocked", None, None)}
    assert differences(wanted, taken) == [{"idTag": "B"}, wanted["A"], wanted["C"]]


@pytest.mark.parametrize(
    ("known", "action"),
    [
        (SURE, None),
        (SURE._replace(command_id=None), "SendLocalList"),
        (SURE._replace(command_id=None, doubts=2), "GetLocalListVersion"),
        (SURE._replace(command_id=None, knows_limits=0), "GetConfiguration"),
        (SURE._replace(command_id=None, retry_at_ms=1001), None),
        (SURE._replace(command_id=None, retry_at_ms=1000), "SendLocalList"),
        (SURE._replace(command_id=None, wish="off"), None),
        (SURE._replace(command_id=None, unsupported="no"), None),
    ],
)
def test_one_thing_is_asked_at_a_time(known: LocalList, action: str | None) -> None:
    """Limits first, then doubts, then the list; never while a command is under way."""
    wanted = {"A": entry("A", "Accepted", None, None)}
    assert next_step(known, wanted, {}, 1000, by_setting=True).action == action


@pytest.mark.parametrize(
    "answer",
    [
        ended("GetLocalListVersion", {}),
        ended("GetLocalListVersion", {"listVersion": "4"}),
        ended("GetLocalListVersion", {"listVersion": True}),
        ended("SendLocalList", {}),
        ended("SendLocalList", {"status": "Perhaps"}),
        ended("GetConfiguration", problem="the charger answered CALLERROR InternalError: "),
    ],
)
def test_an_answer_that_cannot_be_used_is_a_failure(answer: Command) -> None:
    """Counted, shown, and tried again: never believed."""
    after, taken = settled(SURE, answer, None, {}, 1000)
    assert (after.failures, after.command_id, taken) == (1, None, {})
    assert after.problem


def test_configuration_is_read_with_tolerance() -> None:
    """Keys compare without case; what is no number of a sensible size was not told."""
    rows = [
        {"key": "LOCALAUTHLISTMAXLENGTH", "readonly": True, "value": " 12 "},
        {"key": "SendLocalListMaxLength", "readonly": True, "value": "many"},
        {"key": "LocalAuthListEnabled", "readonly": True},
        "what",
    ]
    after, _ = settled(SURE, ended("GetConfiguration", {"configurationKey": rows}), None, {}, 1)
    assert (after.longest, after.per_message, after.unsupported) == (12, None, None)
    after, _ = settled(SURE, ended("GetConfiguration", {"configurationKey": 5}), None, {}, 1)
    assert (after.knows_limits, after.longest) == (1, None)
    assert LocalList(longest=10**8, per_message=0).most == LocalList().most
    assert LocalList(per_message=0).batch == 1


def test_a_command_that_was_never_sent_changes_nothing() -> None:
    """It expired while the charger was away."""
    assert settled(SURE, ended("SendLocalList", state="expired"), None, {}, 1) == (
        SURE._replace(command_id=None),
        {},
    )


def test_waits_grow_to_a_bound() -> None:
    """The first failure is mended at once; after many it is tried four times an hour."""
    known, waits = SURE, []
    for _ in range(40):
        known, _ = settled(known, ended("SendLocalList", {"status": "Failed"}), None, {}, 1000)
        waits.append(0 if known.retry_at_ms is None else known.retry_at_ms - 1000)
    assert waits[:4] == [0, 60_000, 120_000, 240_000]
    assert waits[-1] == LONGEST_WAIT_MS


def test_a_noisy_version_does_not_use_up_the_numbers() -> None:
    """A version near the end of 32 bits is not followed."""
    told = {"listVersion": 2**31 - 1}
    after, _ = settled(SURE, ended("GetLocalListVersion", told), None, {}, 1)
    assert (after.highest, after.version) == (9, None)
    after, _ = settled(SURE, ended("GetLocalListVersion", {"listVersion": 50}), None, {}, 1)
    assert after.highest == 50
