"""The document as the bridge takes it, against the contract itself; events from bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from edge.bridge.document import Document, read_document, stored
from edge.bridge.events import EVENT_MAX, Event, EventReader
from tests.bridge.sources import Teller

HMI = Path(__file__).parents[2] / "hmi"
SCHEMA: dict[str, Any] = json.loads((HMI / "status.schema.json").read_text("utf-8"))
STORY: list[dict[str, Any]] = json.loads((HMI / "demo/session.json").read_text("utf-8"))
RICH = Teller().finished() | {
    "price_text": "0.49 per kWh",
    "connectors": [
        {
            **Teller().finished()["connectors"][0],
            "cost": {
                "price_text": "x", "amount": "1.35", "amount_at": "2025-06-14T09:30:00Z",
                "final": True, "state": "Idle", "per_kwh": "0.49", "per_hour": None,
                "grace_minutes": 5, "flat_fee": "1",
            },
            "why": [
                {
                    "what": "no plug", "owner": "driver", "since": None,
                    "until": "2025-06-14T09:30:00Z", "remedy": "plug in",
                }
            ],
        }
    ],
}  # fmt: skip


def nodes(schema: Any, value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Each place of a document with what the schema says of it."""
    yield path, schema
    if isinstance(value, dict):
        for name, one in value.items():
            yield from nodes(schema["properties"][name], one, (*path, name))
    if isinstance(value, list):
        yield from nodes(schema["items"], value[0], (*path, 0))


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The rich document with one value changed."""
    whole: dict[str, Any] = json.loads(json.dumps(RICH))
    here: Any = whole
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = value
    return whole


def is_taken(document: Any) -> bool:
    """Whether the bridge takes it."""
    try:
        read_document(json.dumps(document))
    except ValueError:
        return False
    return True


WRONG: tuple[Any, ...] = (
    None,
    0,
    -1,
    1.5,
    True,
    "",
    "x",
    "…E580",
    "x" * 600,
    [],
    {},
    "2025-06-14T09:30:00Z",
)


def test_the_bridge_takes_what_the_contract_takes_and_refuses_what_it_refuses() -> None:
    """Every place of a document that has all of them, with every kind of value in it."""
    validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert is_taken(RICH)
    compared = 0
    for path, _ in list(nodes(SCHEMA, RICH))[1:]:
        for value in WRONG:
            if value is None and path[-1] in {"amount_at", "state", "why"}:
                continue  # null is left out to us, and to the database
            document = changed(path, value)
            is_time = "time" in json.dumps(_of(path).get("format", ""))
            if is_time and isinstance(value, str):
                assert is_taken(document) is value.startswith("2025"), (path, value)
            else:
                assert is_taken(document) is validator.is_valid(document), (path, value)
            compared += 1
    assert compared > 300


def _of(path: tuple[Any, ...]) -> Any:
    return next(schema for place, schema in nodes(SCHEMA, RICH) if place == path)


@pytest.mark.parametrize("number", range(0, len(STORY), 7))
def test_nothing_of_a_real_document_is_lost_but_nulls(number: int) -> None:
    """What is stored says the same as what was told."""
    told = STORY[number]
    document = read_document(json.dumps(told))
    assert read_document(json.dumps(_plain(told))) == document
    assert msgspec.convert(_restored(stored(document)), Document) == document


def test_the_address_of_a_bill_stays_in_the_house() -> None:
    """Whoever stands at the screen may see it; everybody else in the world need not."""
    document = changed(("connectors", 0, "cost", "qr_code_text"), "https://bills.example/4711")
    assert "4711" not in json.dumps(stored(read_document(json.dumps(document))), default=str)


def test_an_empty_list_of_reasons_is_not_an_unknown_one() -> None:
    """The database keeps no empty lists."""
    for why, kept in (([], "nothing"), (None, None)):
        document = read_document(json.dumps(Teller().document(why=why)))
        assert stored(document)["connectors"][0].get("why") == kept


def test_words_of_a_later_version_are_left_out() -> None:
    """A newer source still reaches the page, and the rules refuse no field of it."""
    told = Teller().document(moon="full") | {"weather": {"rain": True}}
    kept = json.dumps(stored(read_document(json.dumps(told))))
    assert "moon" not in kept
    assert "weather" not in kept


def test_events_survive_being_cut_anywhere() -> None:
    """With any line ending, comments and several lines of data."""
    stream = b'id: 7\r\nevent: status\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: here\n\ndata: x\n\n'
    for cut in range(len(stream) + 1):
        reader = EventReader()
        events = [*reader.read(stream[:cut]), *reader.read(stream[cut:])]
        assert events == [Event("status", b'{"a":\n1}'), Event("message", b"x")]


@pytest.mark.parametrize("line", [b"data: " + b"x" * EVENT_MAX, b"data: xxxxxxx\n" * 50_000])
def test_an_event_without_end_is_refused(line: bytes) -> None:
    """Whoever feeds us is hostile."""
    with pytest.raises(ValueError, match="more than"):
        list(EventReader().read(line))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _restored(kept: dict[str, Any]) -> dict[str, Any]:
    """What the page's feed does, for those places that have no default here."""
    for connector in kept["connectors"]:
        for name in ("info", "since", "power_w", "measured_at", "session"):
            connector.setdefault(name, None)
        if connector["session"] is not None:
            for name in ("stopped_at", "cost_minor"):
                connector["session"].setdefault(name, None)
    kept["station"].setdefault("heard_at", None)
    return kept
