"""Whatever a charger does, its list becomes the wanted one, by versions that only rise."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from csms_lite.chance import Chance
from csms_lite.clock import rfc3339
from csms_lite.commands import service as commands
from csms_lite.jsontext import loads
from csms_lite.local_list import service
from csms_lite.local_list.follower import Follower
from csms_lite.people import service as people
from csms_lite.people.rules import Budget, Card, Group
from csms_lite.stations import service as stations
from csms_lite.stations.rules import Boot
from tests.csms_lite.inline import Inline, ManualClock, empty_database
from tests.csms_lite.shapes import add_accounts

HERE, ELSEWHERE = "CP-1", "CP-2"
LATER_MS: Final = 16 * 60_000  # longer than any wait after failures
CARDS: Final = ("AA", "bb", "CC", "dd", "EE", "FF")
VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "good": {},
    "blocked": {"status": "Blocked", "reason": "lost"},
    "expiring": {"expires_at_ms": 1_800_000_000_000},
    "expired": {"expires_at_ms": 1_600_000_000_000},
    "family": {"parent": "Family"},
    "here": {"chargers": (HERE,)},
    "elsewhere": {"chargers": (ELSEWHERE,)},
    "nowhere": {"chargers": ()},
    "budget": {"budgets": (Budget("day", 1000, None),)},
    "later": {"valid_from_ms": 1_700_000_500_000},
}
GROUPS: Final[dict[str, dict[str, Any]]] = {
    "free": {},
    "blocked": {"status": "Blocked"},
    "elsewhere": {"chargers": (ELSEWHERE,)},
    "here": {"chargers": (HERE, ELSEWHERE)},
    "budget": {"budgets": (Budget("month", None, 3),)},
}
Entries = dict[str, dict[str, Any]]


@dataclass
class Charger:
    """A charger with a local list; forgetful, small, or with answers that get lost."""

    longest: int | None
    per_message: int | None
    version: int = 0
    entries: Entries = field(default_factory=dict)
    earlier: list[tuple[int, Entries]] = field(default_factory=lambda: [(0, {})])

    def answer(self, action: str, payload: dict[str, Any], fault: str) -> dict[str, Any]:
        if action == "GetConfiguration":
            told = {
                "LocalAuthListEnabled": "true",
                "LocalAuthListMaxLength": self.longest,
                "SendLocalListMaxLength": self.per_message,
            }
            rows = [
                {"key": key, "readonly": True, "value": str(value)}
                for key, value in told.items()
                if value is not None
            ]
            return {"configurationKey": rows}
        if action == "GetLocalListVersion":
            return {"listVersion": self.version if self.entries else 0}
        if fault in {"Failed", "VersionMismatch"}:
            return {"status": fault}
        return {"status": self._take(payload)}

    def _take(self, payload: dict[str, Any]) -> str:
        told = payload.get("localAuthorizationList", [])
        assert payload["listVersion"] > 0
        assert len(told) <= (self.per_message or 50)
        if payload["updateType"] == "Full":
            after: Entries = {}
        elif payload["listVersion"] <= self.version:
            return "VersionMismatch"
        else:
            after = dict(self.entries)
        for one in told:
            key = one["idTag"].upper()
            if "idTagInfo" in one:
                after[key] = one
            else:
                assert payload["updateType"] == "Differential"
                after.pop(key, None)
        if self.longest is not None and len(after) > self.longest:
            return "Failed"
        self.entries, self.version = after, payload["listVersion"]
        self.earlier.append((self.version, dict(after)))
        return "Accepted"

    def forget(self, which: int) -> None:
        """Come back with a list from before, as after a power cut."""
        self.version, entries = self.earlier[which % len(self.earlier)]
        self.entries = dict(entries)


class Bench:
    """The follower on a real database, and the charger it keeps in step."""

    def __init__(self, db: Connection, charger: Charger) -> None:
        self.db = db
        self.charger = charger
        self.clock = ManualClock()
        self.chance = Chance(random.Random(1))
        self.online = True
        self.versions: list[int] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.groups: dict[str, dict[str, Any]] = {}
        self.cards: dict[str, dict[str, Any]] = {}
        now_ms = self.clock.now_ms()
        for identity in (HERE, ELSEWHERE):
            stations.put_station(
                db,
                identity,
                {"registration": "Accepted"},
                make_code=self.chance.code,
                now_ms=now_ms,
            )
        self.station_id = stations.station(db, HERE).station_id
        self.follower = Follower(
            Inline(db),  # type: ignore[arg-type]  # the two verbs of a store that are used
            self.clock,
            self.chance,
            self,
            lambda _station_id: None,
            by_setting=True,
        )
        add_accounts(db, 1)
        people.virtual_card(db, 1, lambda: "SECRET", now_ms, who="test")  # never to be seen there
        self.boot()

    def is_online(self, station_id: int) -> bool:
        return self.online and station_id == self.station_id

    def look(self) -> None:
        asyncio.run(self.follower.look())

    def boot(self) -> None:
        boot = Boot("v", "m", None, None, "{}")
        stations.booted(self.db, self.station_id, boot, self.clock.now_ms())
        service.doubt(self.db, self.station_id)
        self.online = True
        self.follower.arrived(self.station_id)

    def put_card(self, tag: str, variant: str) -> None:
        plain = {"status": "Accepted", "parent": None, "expires_at_ms": None}
        self.cards[tag] = plain | VARIANTS[variant]
        card = Card(tag=tag, **self.cards[tag])
        people.put_card(self.db, card, self.clock.now_ms(), who="test")
        self.follower.cards_changed()

    def remove_card(self, tag: str) -> None:
        if self.cards.pop(tag, None) is not None:
            people.remove_card(self.db, tag, self.clock.now_ms(), who="test")

    def put_group(self, variant: str) -> None:
        self.groups["FAMILY"] = GROUPS[variant]
        group = Group(name="family", **GROUPS[variant])
        people.put_group(self.db, group, self.clock.now_ms(), who="test")

    def meddle(self, which: int) -> None:
        """An operator sends a list by hand."""
        payload = {
            "listVersion": max(1, self.charger.version + which - 2),
            "updateType": "Full" if which % 2 else "Differential",
            "localAuthorizationList": [{"idTag": "XX", "idTagInfo": {"status": "Accepted"}}],
        }
        self._ask("SendLocalList", payload)

    def serve(self, fault: str = "", *, boots_to: int | None = None) -> bool:
        """Bring the oldest command to the charger; false when there is none."""
        command = commands.take_next(self.db, self.station_id, self.clock.now_ms()).command
        if command is None:
            return False
        payload = loads(command.payload_json)
        is_ours = "XX" not in command.payload_json
        if command.action == "SendLocalList" and is_ours:
            self.versions.append(payload["listVersion"])
        self.sent.append((command.action, payload))
        now_ms = self.clock.now_ms()
        if fault == "no_request":
            commands.failed(self.db, command.command_id, "the connection ended", now_ms)
        elif fault == "error":
            problem = "the charger answered CALLERROR InternalError: no"
            commands.failed(self.db, command.command_id, problem, now_ms)
        else:
            result = self.charger.answer(command.action, payload, fault)
            if fault == "no_answer":
                commands.failed(self.db, command.command_id, "no answer within 30 s", now_ms)
            else:
                commands.answered(self.db, command.command_id, result, now_ms)
        if boots_to is not None:
            self.charger.forget(boots_to)
            self.boot()
        self.follower.command_ended(command.command_id)
        return True

    def wait(self, for_ms: int) -> None:
        self.clock.at_ms += for_ms
        for command_id in commands.expire(self.db, self.clock.now_ms()):
            self.follower.command_ended(command_id)

    def settle_down(self) -> None:
        """Let all be well until nothing more is asked."""
        self.online = True
        self.follower.arrived(self.station_id)
        for _ in range(5):
            self.look()
            while self.serve():
                self.look()
            self.wait(LATER_MS)

    def wanted(self) -> Entries:
        """What the charger should hold, worked out from what the cards were made."""
        now_ms = self.clock.now_ms()
        good: Entries = {}
        bad: Entries = {}
        for tag, card in self.cards.items():
            group = self.groups.get(str(card["parent"]).upper(), {})
            limits = [one["chargers"] for one in (card, group) if "chargers" in one]
            if (
                not all(HERE in one for one in limits)
                or "budgets" in card
                or "budgets" in group
                or card.get("valid_from_ms", 0) > now_ms
            ):
                continue
            is_blocked = "Blocked" in {card["status"], group.get("status")}
            info = {"status": "Blocked" if is_blocked else "Accepted"}
            expires_at_ms = card["expires_at_ms"]
            if expires_at_ms is not None:
                info["expiryDate"] = rfc3339(expires_at_ms)
            if card["parent"]:
                info["parentIdTag"] = card["parent"]
            is_bad = is_blocked or (expires_at_ms is not None and expires_at_ms <= now_ms)
            (bad if is_bad else good)[tag.upper()] = {"idTag": tag, "idTagInfo": info}
        ordered = dict(sorted(good.items())) | dict(sorted(bad.items()))
        return dict(list(ordered.items())[: self.charger.longest])

    def _ask(self, action: str, payload: dict[str, Any]) -> None:
        commands.ask(
            self.db,
            HERE,
            action,
            payload,
            message_id=self.chance.message_id(),
            now_ms=self.clock.now_ms(),
        )


FAULTS = ("", "no_request", "no_answer", "Failed", "VersionMismatch", "error")
STEPS = st.one_of(
    st.tuples(st.just("card"), st.sampled_from(CARDS), st.sampled_from(sorted(VARIANTS))),
    st.tuples(st.just("remove"), st.sampled_from(CARDS)),
    st.tuples(st.just("group"), st.sampled_from(sorted(GROUPS))),
    st.tuples(st.just("serve"), st.sampled_from(FAULTS)),
    st.tuples(st.just("serve"), st.sampled_from(FAULTS)),
    st.tuples(st.just("serve_and_boot"), st.sampled_from(FAULTS), st.integers(0, 9)),
    st.tuples(st.just("boot"), st.integers(0, 9)),
    st.tuples(st.just("away")),
    st.tuples(st.just("back")),
    st.tuples(st.just("meddle"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from((1_000, 31_000, LATER_MS))),
    st.tuples(st.just("look")),
)


@contextmanager
def bench(longest: int | None = None, per_message: int | None = None) -> Iterator[Bench]:
    with empty_database() as db:
        yield Bench(db, Charger(longest, per_message))


def play(at: Bench, step: tuple[Any, ...]) -> None:
    match step:
        case ("card", tag, variant):
            at.put_card(tag, variant)
        case ("remove", tag):
            at.remove_card(tag)
        case ("group", variant):
            at.put_group(variant)
        case ("serve", fault) if at.online:
            at.serve(fault)
        case ("serve_and_boot", fault, which) if at.online:
            at.serve(fault, boots_to=which)
        case ("boot", which):
            at.charger.forget(which)
            at.boot()
        case ("away",):
            at.online = False
        case ("back",):
            at.online = True
            at.follower.arrived(at.station_id)
        case ("meddle", which):
            at.meddle(which)
        case ("wait", for_ms):
            at.wait(for_ms)
    if step[0] != "serve_and_boot":
        at.look()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    longest=st.sampled_from((None, 0, 2, 4)),
    per_message=st.sampled_from((None, 1, 2)),
    steps=st.lists(STEPS, max_size=40),
)
@example(  # the version is told, then it boots with an older list before we look at the answer
    longest=None,
    per_message=None,
    steps=[
        ("card", "AA", "good"),
        *[("serve", "")] * 3,
        ("card", "bb", "good"),
        ("serve", ""),
        ("boot", 2),
        ("serve_and_boot", "", 1),
    ],
)
@example(  # the last change is taken, then it boots with the list before it
    longest=None,
    per_message=None,
    steps=[
        ("card", "AA", "good"),
        *[("serve", "")] * 3,
        ("card", "bb", "good"),
        ("serve_and_boot", "", 1),
    ],
)
@example(  # an operator's own list takes the version of one of ours that was lost
    longest=None,
    per_message=None,
    steps=[*[("serve", "")] * 2, ("meddle", 0), ("serve", "no_request")],
)
def test_the_list_becomes_the_wanted_one(
    longest: int | None, per_message: int | None, steps: list[tuple[Any, ...]]
) -> None:
    """Lost answers, boots with old lists, failures, small limits, meddling: all heal."""
    with bench(longest, per_message) as at:
        for step in steps:
            play(at, step)
        at.settle_down()
        assert at.charger.entries == at.wanted()
        assert all(old < new for old, new in zip(at.versions, at.versions[1:], strict=False))
        view = service.view(at.db, HERE, at.clock.now_ms(), by_setting=True)
        assert view.step.state == "in_step"
        at.sent.clear()
        at.put_card("AA", "family" if at.cards.get("AA") == at.cards.get("bb") else "good")
        before = at.charger.entries
        at.settle_down()
        assert at.charger.entries == at.wanted()
        assert {action for action, _ in at.sent} <= {"SendLocalList"}
        for _, payload in at.sent:
            assert payload["updateType"] == "Differential"
        touched = [one["idTag"].upper() for _, payload in at.sent for one in _list(payload)]
        assert sorted(touched) == sorted(
            key
            for key in before.keys() | at.charger.entries.keys()
            if before.get(key) != at.charger.entries.get(key)
        )


def _list(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return list(payload.get("localAuthorizationList", ()))
