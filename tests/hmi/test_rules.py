"""The rules of the database, by an evaluator: who may read and write what, and what may be written.

targaryen is not the real service: it is what can be had without one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge.bridge.document import finished, read_document, stored, summary
from tests.bridge.sources import Teller
from tests.bridge.test_document import RICH

pytestmark = pytest.mark.rules

HERE = Path(__file__).parent
HMI = HERE.parents[1] / "hmi"
STORY: list[dict[str, Any]] = json.loads((HMI / "demo/session.json").read_text("utf-8"))
CODE, OTHER = Teller().code, "ABCD2345"
KEPT, NEW, SHORT = "k" * 22, "n" * 22, "s" * 21
NOW = 1_750_000_000_000
DAY = 86_400_000

ANYBODY = "anybody"
DRIVER = "driver"
FORGER = "forger"
STATION = "station"
FLEET = "fleet"
USERS: dict[str, dict[str, Any] | None] = {
    ANYBODY: None,
    DRIVER: {"uid": "ada", "provider": "password", "token": {}},
    FORGER: {"uid": "bridge", "token": {"fleet": True, "station": CODE}},
    STATION: {"uid": f"edge-{CODE}", "station": CODE},
    FLEET: {"uid": "bridge", "fleet": True},
}
"""What the rules see as auth; only the service account's key can say station or fleet there."""
ALL = set(USERS)
BRIDGES = {STATION, FLEET}

STATUS = stored(read_document(json.dumps(RICH)))
PLACE = {"status": STATUS, "mirrored_at": NOW}
OTHERS = {"status": STATUS | {"station": STATUS["station"] | {"id": OTHER}}, "mirrored_at": NOW}
ENDED = read_document(json.dumps(Teller().finished()))
SUMMARY = summary(ENDED, *finished(ENDED)[0]) | {"mirrored_at": NOW}
FOREIGN = SUMMARY | {"station": OTHER}
DATA = {
    "public": {CODE: PLACE, OTHER: OTHERS},
    "sessions": {KEPT: SUMMARY},
    "owners": {"ada": {KEPT: True}, "bob": {NEW: True}},
    "bridges": {f"edge-{CODE}": {CODE: True}, "bridge": {CODE: True}},
    "elsewhere": {"x": 1},
}


class Row(NamedTuple):
    """A path: who may read it, write *value* there, and take it away."""

    path: str
    value: Any
    read: set[str]
    write: set[str]
    delete: set[str]


NOBODY: set[str] = set()
TABLE = (
    Row("/", DATA, NOBODY, NOBODY, NOBODY),
    Row("/elsewhere", 1, NOBODY, NOBODY, NOBODY),
    Row("/public", {CODE: PLACE}, NOBODY, NOBODY, NOBODY),
    Row(f"/public/{CODE}", PLACE, ALL, BRIDGES, BRIDGES),
    Row(f"/public/{CODE}/status", STATUS, ALL, BRIDGES, NOBODY),
    Row(f"/public/{CODE}/status/connectors/0/status", "Faulted", ALL, BRIDGES, NOBODY),
    Row(f"/public/{CODE}/mirrored_at", NOW, ALL, BRIDGES, BRIDGES),
    Row(f"/public/{CODE}/extra", 1, ALL, NOBODY, BRIDGES),
    Row(f"/public/{OTHER}", OTHERS, ALL, {FLEET}, {FLEET}),
    Row("/public/NEW", {"mirrored_at": NOW}, ALL, NOBODY, {FLEET}),
    Row("/sessions", {NEW: SUMMARY}, NOBODY, NOBODY, NOBODY),
    Row(f"/sessions/{KEPT}", SUMMARY, ALL, NOBODY, NOBODY),
    Row(f"/sessions/{KEPT}/energy_wh", 1, ALL, NOBODY, NOBODY),
    Row(f"/sessions/{NEW}", SUMMARY, ALL, BRIDGES, NOBODY),
    Row(f"/sessions/{NEW[:-1]}m", FOREIGN, ALL, {FLEET}, NOBODY),
    Row(f"/sessions/{SHORT}", SUMMARY, NOBODY, NOBODY, NOBODY),
    Row("/owners", {"ada": {NEW: True}}, NOBODY, NOBODY, NOBODY),
    Row("/owners/ada", {NEW: True}, {DRIVER}, NOBODY, NOBODY),
    Row(f"/owners/ada/{KEPT}", True, {DRIVER}, NOBODY, NOBODY),
    Row(f"/owners/ada/{NEW}", True, {DRIVER}, {FLEET}, NOBODY),
    Row(f"/owners/bob/{NEW}", True, NOBODY, NOBODY, NOBODY),
    Row("/bridges", {"bridge": {CODE: True}}, NOBODY, NOBODY, NOBODY),
    Row("/bridges/bridge", {OTHER: True}, {FLEET}, {FLEET}, {FLEET}),
    Row(f"/bridges/bridge/{OTHER}", True, {FLEET}, {FLEET}, {FLEET}),
    Row(f"/bridges/edge-{CODE}/{CODE}", True, {STATION}, {STATION}, {STATION}),
)
FORBIDDEN = (
    ("status/version", 2),
    ("status/sequence", -1),
    ("status/sequence", "7"),
    ("status/at", None),
    ("status/at", 5),
    ("status/source", "somebody"),
    ("status/station/id", OTHER),
    ("status/station/owner", "Ada"),
    ("status/station/name", "x" * 201),
    ("status/tariff/currency", "euro"),
    ("status/price_text", "x" * 1025),
    ("status/extra", 1),
    ("status/connectors/0/status", "Dreaming"),
    ("status/connectors/0/status", None),
    ("status/connectors/0/id_tag", "04A2B1C3D4E580"),
    ("status/connectors/0/info", "x" * 101),
    ("status/connectors/0/power_w", "much"),
    ("status/connectors/0/why", "everything"),
    ("status/connectors/0/why/0/owner", "the moon"),
    ("status/connectors/0/why/100", RICH["connectors"][0]["why"][0]),
    ("status/connectors/100", STATUS["connectors"][0]),
    ("status/connectors/0/cost/state", "Dear"),
    ("status/connectors/0/session/tag", "04A2B1C3D4E580"),
    ("status/connectors/0/session/tag", "…4E580"),
    ("status/connectors/0/session/tag", "E580"),
    ("status/connectors/0/session/tag", None),
    ("status/connectors/0/session/uid", "ada"),
    ("status/connectors/0/session/energy_wh", -1),
    ("mirrored_at", NOW + DAY),
    ("mirrored_at", NOW - DAY),
    ("mirrored_at", "now"),
    ("extra", True),
)
"""What not even a bridge may write below a station: a path and its value, `None` takes it away."""
LONGEST = (
    ("status/station/name", "⚡🔌" * 50),
    ("status/price_text", "🔌" * 512),
    ("status/connectors/0/info", "🔌" * 50),
    ("status/connectors/0/error_code", "🔌" * 50),
    ("status/connectors/0/session/stop_reason", "🔌" * 20),
    ("status/connectors/0/why/0/remedy", "🔌" * 120),
)
"""The contract counts characters, the database may count UTF-16 units: two of them for some."""

FORBIDDEN_OF_SESSIONS = (
    ("tag", "04A2B1C3D4E580"), ("tag", None), ("stopped_at", None), ("energy_wh", -1),
    ("owner", "ada"), ("mirrored_at", NOW - DAY), ("mirrored_at", None), ("currency", "x"),
)  # fmt: skip


class Question(NamedTuple):
    """One cell: its name, what is asked, what the answer must be."""

    name: str
    asked: dict[str, Any]
    is_allowed: bool


def answers(questions: list[dict[str, Any]], rules: Any = None) -> list[bool]:
    """What the evaluator says to each."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is missing: run scripts/test, which puts one on PATH")
    if rules is None:
        rules = json.loads((HMI / "database.rules.json").read_text("utf-8"))
    told = {"rules": rules, "data": DATA, "now": NOW, "questions": questions}
    run = subprocess.run(
        [node, HERE / "rules.mjs"],
        env={"PATH": os.defpath},
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: list[bool] = json.loads(run.stdout)
    return found


def cells() -> list[Question]:
    """Path by user by operation, then what may not be written, and what must."""
    asked = [
        Question(
            f"{user} {operation} {row.path}",
            {
                "auth": USERS[user],
                "path": row.path,
                "operation": "read" if operation == "read" else "write",
                "value": row.value if operation == "write" else None,
            },
            user in getattr(row, operation),
        )
        for row in TABLE
        for user in USERS
        for operation in ("read", "write", "delete")
    ]
    place = f"/public/{CODE}"
    for path, value in FORBIDDEN:
        whole = changed(PLACE, path, value)
        asked.append(_of_fleet(f"{path}={value!r:.40}", place, whole, is_allowed=False))
    for name, value in FORBIDDEN_OF_SESSIONS:
        whole = changed(SUMMARY, name, value)
        cell = f"session {name}={value!r:.40}"
        asked.append(_of_fleet(cell, f"/sessions/{NEW}", whole, is_allowed=False))
    for path, value in LONGEST:
        whole = changed(PLACE, path, value)
        asked.append(_of_fleet(f"{path}={value!r:.40}", place, whole, is_allowed=True))
    for told in STORY:
        kept = stored(read_document(json.dumps(told)))
        path = f"/public/{told['station']['id']}/status"
        asked.append(_of_fleet(f"document {told['sequence']}", path, kept, is_allowed=True))
    return [*asked, *_updates()]


def _updates() -> list[Question]:
    """Writes of several places at once, as the bridge makes them: all or none."""
    pulse = {f"{CODE}/mirrored_at": NOW, f"{OTHER}/mirrored_at": NOW}
    gone = {f"public/{CODE}": None, f"bridges/bridge/{CODE}": None}
    return [
        Question(
            f"{user} {name}",
            {"auth": USERS[user], "path": path, "operation": "update", "value": value},
            user in allowed,
        )
        for name, path, value, allowed in (
            ("pulses both", "/public", pulse, {FLEET}),
            ("pulses its own", "/public", {f"{CODE}/mirrored_at": NOW}, BRIDGES),
            ("pulses one that is gone", "/public", {"GONE/mirrored_at": NOW}, NOBODY),
            ("takes away", "/", gone, {FLEET}),
        )
        for user in USERS
    ]


def _of_fleet(name: str, path: str, value: Any, *, is_allowed: bool) -> Question:
    asked = {"auth": USERS[FLEET], "path": path, "operation": "write", "value": value}
    return Question(f"content: {name}", asked, is_allowed)


def changed(whole: Any, path: str, value: Any) -> Any:
    """A copy with one value changed, as the database would have it: lists by number."""
    copy = json.loads(json.dumps(whole))
    here = copy
    *parents, last = path.split("/")
    for name in parents:
        if isinstance(here[name] if isinstance(here, dict) else here, list):
            here[name] = {str(at): one for at, one in enumerate(here[name])}
        here = here[name]
    if isinstance(here, list):
        raise TypeError(path)
    if value is None:
        del here[last]
    else:
        here[last] = value
    return copy


def test_every_cell_of_the_table_is_as_it_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    """Deny by default; public status for all; sessions by their name; no client ever writes."""
    asked = cells()
    got = answers([one.asked for one in asked])
    wrong = [one.name for one, said in zip(asked, got, strict=True) if said is not one.is_allowed]
    with capsys.disabled():
        sys.stdout.write(f"\nrules: {len(asked) - len(wrong)} of {len(asked)}\n")
    assert wrong == []


OPENINGS = (
    ((".read",), "true"),
    ((".write",), "auth != null"),
    (("public", ".read"), "true"),
    (("public", "$code", ".write"), "auth != null"),
    (("public", "$code", ".write"), "auth.token.fleet === true || auth.fleet === true"),
    (("public", "$code", ".validate"), "true"),
    (("public", "$code", "$other", ".validate"), "true"),
    (("public", "$code", "status", "$other", ".validate"), "true"),
    (("public", "$code", "status", "station", "id", ".validate"), "newData.isString()"),
    (
        ("public", "$code", "status", "connectors", "$number", "session", "tag", ".validate"),
        "newData.isString()",
    ),
    (("sessions", ".read"), "auth != null"),
    (("sessions", "$id", ".read"), "true"),
    (("sessions", "$id", ".write"), "auth.fleet === true"),
    (("owners", "$uid", ".read"), "auth != null"),
    (("owners", "$uid", "$id", ".write"), "auth != null && auth.uid === $uid"),
    (("bridges", "$uid", ".read"), "auth != null"),
    (("bridges", "$uid", ".write"), "auth != null && auth.uid === $uid"),
)


@pytest.mark.parametrize("opening", OPENINGS, ids=lambda one: "-".join(one[0])[-40:])
def test_a_rule_that_is_opened_is_found_by_the_table(opening: tuple[tuple[str, ...], str]) -> None:
    """Each planted hole makes at least one cell wrong."""
    path, rule = opening
    rules = json.loads((HMI / "database.rules.json").read_text("utf-8"))
    here = rules["rules"]
    for name in path[:-1]:
        here = here[name]
    assert here.get(path[-1]) != rule
    here[path[-1]] = rule
    asked = cells()
    got = answers([one.asked for one in asked], rules)
    assert any(said is not one.is_allowed for one, said in zip(asked, got, strict=True))
