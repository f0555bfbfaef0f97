"""Compiled and stock validation agree on payloads nobody thought of, for every message there is."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, FormatChecker
from ocpp.messages import MessageType, get_validator

from edge.ocppj import schemas
from edge.ocppj.errors import CallRefused
from tests.ocppj.payloads import AT

NAMES: Final = sorted([*schemas.ACTIONS, *(f"{action}Response" for action in schemas.ACTIONS)])
OURS_ALONE: Final = ("format", "minimum", "maximum", "minItems")
"""What the standard says in prose or every store demands, and the stock schemas leave out."""

NUMBERS: Final = st.one_of(
    st.integers(-3, 40),
    st.sampled_from([21.4, 0.1, 4.11, 0.30000000000000004, 1.0, -0.0, 10**18, -(10**18), 10**30]),
    st.sampled_from([10**18 - 1, 1e17, 1e300, 2**63, 16.0, 123456789012.3]),
)
WORDS: Final = st.one_of(
    st.sampled_from([AT, "", "2026-02-31T00:00:00Z", "2026-03-01", "Hard", "yesterday", "\u00e9"]),
    st.sampled_from(["x" * length for length in (20, 21, 25, 26, 50, 51, 255, 256, 500, 501)]),
    st.sampled_from(["\U0001f50c" * 20, "\U0001f50c" * 21]),
    st.text(max_size=3),
)
ANYTHING: Final = st.one_of(
    st.none(), st.booleans(), NUMBERS, WORDS, st.just([]), st.just({}), st.just([{}])
)


def payloads(schema: dict[str, Any], whole: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that mostly fit *schema* and now and then do not."""
    if "$ref" in schema:
        return payloads(whole["definitions"][schema["$ref"].rpartition("/")[2]], whole)
    fitting: st.SearchStrategy[Any]
    match schema["type"]:
        case "object":
            return objects(schema, whole)
        case "array":
            fitting = st.lists(payloads(schema["items"], whole), max_size=3)
        case "string" if "enum" in schema:
            fitting = st.sampled_from(schema["enum"])
        case "string" if schema.get("format") == "date-time":
            fitting = st.sampled_from([AT, "2026-03-01T10:00:00+05:30"])
        case "string":
            fitting = st.text(max_size=min(schema.get("maxLength", 9), 9)) | WORDS
        case "integer" | "number":
            fitting = NUMBERS
        case "boolean":
            fitting = st.booleans()
        case unknown:
            raise AssertionError(unknown)
    return st.integers(0, 30).flatmap(lambda dice: ANYTHING if dice == 0 else fitting)


def objects(schema: dict[str, Any], whole: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Objects of the declared fields, sometimes with one too many or one too few."""
    fields = {name: payloads(inner, whole) for name, inner in schema.get("properties", {}).items()}
    required = {name: fields[name] for name in schema.get("required", ())}
    optional = {name: each for name, each in fields.items() if name not in required}
    lawful = st.fixed_dictionaries(required, optional=optional)
    spoiled = st.fixed_dictionaries({}, optional={**fields, "unheardOf": ANYTHING})
    return st.integers(0, 9).flatmap(lambda dice: spoiled if dice == 0 else lawful)


def refusal(name: str, payload: dict[str, Any]) -> str | None:
    """Our verdict, with the rule that was broken: `None` is lawful."""
    if name not in schemas.ACTIONS:
        lawful = schemas.accepts_answer(name.removesuffix("Response"), payload)
        return None if lawful else "unlawful"
    try:
        schemas.check_call(name, payload, suspect=False)
    except CallRefused as refused:
        return refused.description
    return None


def decimal(payload: dict[str, Any]) -> Any:
    """As the stock validator reads it, so that 21.4 is a multiple of 0.1."""
    return json.loads(json.dumps(payload), parse_float=Decimal)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_compiled_and_stock_validation_agree(name: str) -> None:
    """The quick yes, the full validator and the stock one, on the same schema with our bounds."""
    schema = schemas.document(name)
    formats = FormatChecker(formats=())
    formats.checks("date-time")(lambda value: not isinstance(value, str) or _is_time(value))
    exact = json.loads(json.dumps(schema), parse_float=Decimal)
    judge = Draft4Validator(exact, format_checker=formats)
    kind = MessageType.Call if name in schemas.ACTIONS else MessageType.CallResult
    stock = get_validator(kind, name.removesuffix("Response"), "1.6", parse_float=Decimal)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(payloads(schema, schema))
    def agree(payload: dict[str, Any]) -> None:
        told, why = decimal(payload), refusal(name, payload)
        with localcontext(prec=400):  # on 10**30 the stock validator fails at less
            ours, theirs = judge.is_valid(told), stock.is_valid(told)
        assert (why is None) == ours
        assert why is None or not schemas.fits(name)(payload)
        assert theirs or why is not None
        if theirs and why is not None and name in schemas.ACTIONS:
            assert why.endswith(tuple(f"{rule} violated" for rule in OURS_ALONE))

    agree()


def _is_time(value: str) -> bool:
    return schemas.is_date_time(value)
