"""Values that no schema rules out and that break careless code: each is answered, none with 5xx."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

from csms_lite.errors import VerbFailed
from csms_lite.gate import Role
from csms_lite.openapi import operations
from csms_lite.web import PROBLEM, UNUSABLE, add_problems
from tests.csms_lite.test_schema_calls import NOT_HERE, STREAM, calling

IN_ADDRESSES: Final = {
    "NUL": "%00",
    "not UTF-8": "%ff%fe",
    "a lone surrogate": "%ed%a0%80",
    "beyond 64 bits": str(2**63),
    "far beyond": "9" * 400,
    "negative beyond": str(-(2**63) - 1),
    "dots": "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "long": "A" * 5000,
}
BODIES: Final = {
    "no JSON": b"{",
    "not UTF-8": b'{"name": "\xff"}',
    "a lone surrogate": b'"\\ud800"',
    "deep lists": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "beyond 64 bits": str(2**63).encode(),
    "not a number": b"NaN",
    "endless": b"1e999",
    "many digits": b"9" * 5000,
    "null": b"null",
    "a list": b"[]",
    "NUL": b'"\\u0000"',
}


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_ADDRESSES)
async def test_no_value_in_an_address_breaks_a_route(tmp_path: Path, name: str) -> None:
    """In each path parameter and each query parameter alike."""
    value = IN_ADDRESSES[name]
    async with calling(tmp_path, Role.ADMIN) as http:
        for method, path, operation in operations((await http.get("/api/openapi.json")).json()):
            if STREAM in str(operation["responses"]):
                continue
            told = operation.get("parameters", [])
            filled = path
            for one in told:
                if one["in"] == "path":
                    filled = filled.replace(f"{{{one['name']}}}", value)
            query = "&".join(f"{one['name']}={value}" for one in told if one["in"] == "query")
            for address in {filled, f"{filled}?{query}"}:
                answer = await http.request(method, address)
                assert is_no_failure(answer), (method, address, answer.text)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == PROBLEM, (method, address)


@pytest.mark.slow
@pytest.mark.parametrize("name", BODIES)
async def test_no_body_breaks_a_route(tmp_path: Path, name: str) -> None:
    """As the whole body, and as the value of each member that a route knows."""
    async with calling(tmp_path, Role.ADMIN) as http:
        description = (await http.get("/api/openapi.json")).json()
        for method, path, operation in operations(description):
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            address = path.replace("{", "").replace("}", "")
            for body in (BODIES[name], *_with_value(content.get("example"), BODIES[name])):
                headers = {"content-type": "application/json"}
                answer = await http.request(method, address, content=body, headers=headers)
                assert is_no_failure(answer), (method, address, body[:200], answer.text)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == PROBLEM, (method, address)


def is_no_failure(answer: httpx.Response) -> bool:
    """Whether the answer is none of our bugs."""
    return answer.status_code < 500 or answer.json()["title"] in NOT_HERE


def _with_value(example: Any, value: bytes) -> list[bytes]:
    """The example with each member, at its first two levels, replaced by raw JSON."""
    marker = "\N{OBJECT REPLACEMENT CHARACTER}"
    made = []
    for name, told in (example or {}).items() if isinstance(example, dict) else ():
        made.append({**example, name: marker})
        if isinstance(told, dict):
            made.extend({**example, name: {**told, inner: marker}} for inner in told)
    return [json.dumps(one).replace(json.dumps(marker), "%s").encode() % value for one in made]


@pytest.mark.parametrize("kind", UNUSABLE)
@pytest.mark.parametrize("in_a_verb", [True, False])
async def test_what_values_raise_is_the_callers_problem(
    kind: type[Exception], in_a_verb: bool
) -> None:
    """Whether it is raised in a verb, which wraps it, or in the route itself."""
    app = FastAPI()
    add_problems(app)
    raised = UnicodeEncodeError("utf-8", "x", 0, 1, "why") if kind is UnicodeEncodeError else kind()

    @app.get("/")
    async def route() -> None:
        if in_a_verb:
            raise VerbFailed("it failed") from raised
        raise raised

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        answer = await http.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert answer.json()["detail"] == UNUSABLE[kind]
