"""The protocol double before its real clients: `firebase-admin` and the JavaScript SDK."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import firebase_admin
import httpx
import pytest
from firebase_admin import db

from edge.bridge.database import _Nobody
from tests.rtdb.double import Double
from tests.rtdb.tree import Tree
from tests.waiting import until_now

HERE = Path(__file__).parent


@pytest.fixture
def admin(double: Double) -> Iterator[db.Reference]:
    """The root of the database, by the real Admin SDK with an identity of its own."""
    options = {"databaseURL": double.url, "databaseAuthVariableOverride": {"uid": "tester"}}
    app = firebase_admin.initialize_app(_Nobody(), options, name=double.url)
    yield db.reference("/", app=app)
    firebase_admin.delete_app(app)


def test_the_admin_sdk_writes_and_reads(admin: db.Reference, double: Double) -> None:
    """What is written is read, without nulls and empty lists, lists as lists."""
    admin.child("a").set({"text": "Zürich", "n": 1.5, "list": ["x", "y"], "none": None, "no": []})
    assert admin.child("a").get() == {"text": "Zürich", "n": 1.5, "list": ["x", "y"]}
    admin.update({"a/text": "Bern", "b/c": True, "a/list": None})
    assert admin.get() == {"a": {"text": "Bern", "n": 1.5}, "b": {"c": True}}
    assert sorted(admin.get(shallow=True)) == ["a", "b"]
    name = admin.child("rows").push({"at": {".sv": "timestamp"}}).key
    assert abs(admin.child(f"rows/{name}/at").get() - double.tree.now_ms) < 10_000
    admin.child("a").delete()
    assert admin.child("a").get() is None
    assert {one.identity["uid"] for one in double.asked if one.identity} == {"tester"}


def test_conditional_writes_and_transactions_lose_nothing(
    admin: db.Reference, double: Double
) -> None:
    """A tag that is no longer true is refused with what stands there."""
    place = admin.child("count")
    nothing, tag = place.get(etag=True)
    assert (nothing, tag) == (None, "null_etag")
    assert place.set_if_unchanged(tag, 1)[0] is True
    is_written, stands, newer = place.set_if_unchanged(tag, 5)
    assert (is_written, stands) == (False, 1)
    assert place.set_if_unchanged(newer, 2)[0] is True
    assert place.get_if_changed(newer)[:2] == (True, 2)
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: place.transaction(lambda old: old + 1), range(20)))
    assert place.get() == 22


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # its close()
def test_the_admin_sdk_listens(admin: db.Reference) -> None:
    """The stream tells the value, then each put and patch with its path."""
    told: Queue[Any] = Queue()
    admin.child("live").set({"x": 1})
    listening = admin.child("live").listen(
        lambda event: told.put((event.event_type, event.path, event.data))
    )
    assert told.get(timeout=5) == ("put", "/", {"x": 1})
    admin.child("live/y").set(2)
    assert told.get(timeout=5) == ("put", "/y", 2)
    admin.child("live").update({"x": 3})
    assert told.get(timeout=5) == ("patch", "/", {"x": 3})
    admin.update({"live/y": None})
    assert told.get(timeout=5) == ("put", "/y", None)
    admin.child("live").delete()
    assert told.get(timeout=5) == ("put", "/", None)
    listening.close()


def test_refusals_are_those_of_the_database(admin: db.Reference, double: Double) -> None:
    """Denied is 401, a name with a dot is 400: the library names both."""
    double.refuses = lambda _: True
    with pytest.raises(firebase_admin.exceptions.UnauthenticatedError, match="Permission denied"):
        admin.child("a").set(1)
    double.refuses = lambda _: False
    with pytest.raises(firebase_admin.exceptions.InvalidArgumentError, match="couldn't parse"):
        admin.child("a").set({"b.c": 1})


def test_streams_keep_alive_and_end_with_the_server() -> None:
    """A quiet stream says keep-alive; a server that stops ends it, and keeps its data."""
    double = Double(keep_alive_s=0.05)
    with double.running():
        double.tamper("a", 1)
        headers = {"accept": "text/event-stream"}
        with httpx.stream("GET", f"http://{double.host}/a.json", headers=headers) as response:
            lines = response.iter_lines()
            assert next(lines) == "event: put"
            assert next(line for line in lines if "keep-alive" in line)
            assert response.headers["access-control-allow-origin"] == "*"
            double.stop()
            assert not [line for line in lines if line.startswith("event: put")]
        double.start()
        assert httpx.get(f"http://{double.host}/a.json").json() == 1


def test_the_javascript_sdk_works(double: Double) -> None:
    """Set, get, update, transactions, push, server time, 100 kB, live values, last words."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is missing: run scripts/test, which puts one on PATH")
    double.tamper("public/LIVE", {"status": {"sequence": 1}})
    client = subprocess.Popen(
        [node, HERE / "sdk.mjs", double.url],
        env={"PATH": os.defpath},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "listening\n"
    double.tamper("public/LIVE/status", {"sequence": 2})
    seen = json.loads(client.stdout.readline())
    assert client.wait(10) == 0
    assert abs(seen.pop("pushed") - double.tree.now_ms) < 60_000
    assert seen == {
        "kinds": {"text": "Zürich", "number": 1.5, "yes": True, "list": ["a", "b"]},
        "deep": {"one": 1, "two": 2},
        "count": 5,
        "changed": False,
        "big": 100_000,
        "live": {"status": {"sequence": 2}},
    }
    until_now(lambda: double.tree.get("js/gone") == "closed")


def test_lists_come_back_as_the_database_makes_them() -> None:
    """More than half of the places filled: a list with holes; else names."""
    tree = Tree()
    tree.put("a", [None, 1, 2])
    assert tree.get("a") == [None, 1, 2]
    tree.put("a", {"0": 1, "5": 2})
    assert tree.get("a") == {"0": 1, "5": 2}
