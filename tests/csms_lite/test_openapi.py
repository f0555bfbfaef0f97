"""The description of the API is whole: roles, problems, tags, examples; and the page made of it."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from typing import Any

import jsonschema
from fastapi import FastAPI

from csms_lite.api_answers import ANSWERS
from csms_lite.api_examples import EXAMPLES
from csms_lite.api_page import page
from csms_lite.openapi import MEANINGS, TAGS, completed, operations
from csms_lite.web import PROBLEM
from edge.hmi.files import HEADERS
from tests.csms_lite.central import Central
from tests.csms_lite.charging.driver import CARD, now, ready
from tests.csms_lite.test_gate import app, named, role_of

__all__ = ["app"]  # the fixture


def described(app: FastAPI) -> dict[str, Any]:
    schema: dict[str, Any] = app.openapi()
    return schema


async def test_every_route_is_described(app: FastAPI) -> None:
    """No route is hidden but what a link opens, in a mail or in a command."""
    told = {f"{method.upper()} {path}" for method, path, _ in operations(described(app))}
    routes = (name for name in named(app) if not name.startswith("WS "))
    there = {name.replace(":path}", "}") for name in routes}
    hidden = {name.split(" ")[1] for name in there - told}
    assert all(path.startswith(("/auth/reset", "/files/")) for path in hidden), hidden
    assert told <= there


async def test_the_role_of_each_route_is_told(app: FastAPI) -> None:
    """Security schemes where a role is needed, none where it is public."""
    schema = described(app)
    routes = {name.replace(":path}", "}"): route for name, route in named(app).items()}
    for method, path, operation in operations(schema):
        role = role_of(routes[f"{method.upper()} {path}"])
        assert operation.get("x-role") == role, path
        schemes = {name for one in operation["security"] for name in one}
        assert schemes == (set(schema["components"]["securitySchemes"]) if role else set()), path
        assert {"401", "403"} <= set(operation["responses"]) or role is None, path


async def test_every_failure_is_a_problem_document(app: FastAPI) -> None:
    """RFC 9457, by one schema, and nothing of FastAPI's own form of an error is left."""
    schema = described(app)
    for _, path, operation in operations(schema):
        failures = {status for status in operation["responses"] if status >= "400"}
        assert "503" in failures, path
        for status in failures - {"503"} if path == "/health/ready" else failures:
            name = f"Problem{status}"
            assert operation["responses"][status] == {"$ref": f"#/components/responses/{name}"}
            assert list(schema["components"]["responses"][name]["content"]) == [PROBLEM]
    assert "HTTPValidationError" not in str(schema)
    assert set(schema["components"]["responses"]) == {f"Problem{one}" for one in MEANINGS}


async def test_every_tag_and_every_route_says_what_it_is_for(app: FastAPI) -> None:
    """A tag without a description, or a route without a docstring, fails here."""
    schema = described(app)
    used = {tag for _, _, operation in operations(schema) for tag in operation["tags"]}
    assert [one["name"] for one in schema["tags"]] == [name for name in TAGS if name in used]
    assert used <= set(TAGS)
    for _, path, operation in operations(schema):
        assert operation["summary"], path
        assert operation["description"].startswith(operation["summary"]), path
        assert operation["tags"], path


async def test_every_body_has_an_example_that_fits_it(app: FastAPI) -> None:
    """An example that no longer fits misleads whoever copies it."""
    schema = described(app)
    bodies = {
        f"{method.upper()} {path}": content["application/json"]["schema"]
        for method, path, operation in operations(schema)
        if "application/json" in (content := operation.get("requestBody", {}).get("content", {}))
    }
    assert set(EXAMPLES) == set(bodies)
    for name, body in bodies.items():
        whole = {**body, "components": schema["components"]}
        jsonschema.Draft202012Validator(whole).validate(EXAMPLES[name])


async def test_the_description_is_valid_openapi(app: FastAPI) -> None:
    """Every reference leads somewhere, every operation has an id of its own."""
    schema = described(app)
    for reference in re.findall(r"'\$ref': '([^']+)'", str(schema)):
        found: Any = schema
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
    ids = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(ids) == len(set(ids))
    assert schema["openapi"].startswith("3.1")


def test_signing_in_by_password_is_told_where_it_is_built() -> None:
    """Generators of clients offer what the description names, so it names only what works."""
    bare: dict[str, Any] = {"info": {}, "paths": {}}
    schemes = completed(copy.deepcopy(bare), {})["components"]["securitySchemes"]
    assert list(schemes) == ["bearer"]
    sign_in = {"post": {"tags": [], "description": "Sign in.", "responses": {"200": {}}}}
    bare["paths"]["/api/auth/token"] = sign_in
    whole = completed(bare, {("post", "/api/auth/token"): None})
    flow = whole["components"]["securitySchemes"]["password"]["flows"]["password"]
    assert flow["tokenUrl"] == "/api/auth/token"


async def test_the_chief_answers_are_as_described(central: Central) -> None:
    """The real answers, of a charger that charged, against what the description says of them."""
    schema = await central.get("/api/openapi.json")
    await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 45})
    site = (await central.http.post("/api/sites", json={"name": "Hall"})).json()["id"]
    async with ready(central) as (station, _):
        await station.start(tag=CARD, at=now(), meter=1000)
        await station.call("FirmwareStatusNotification", {"status": "DownloadFailed"})
        asked = await central.http.post(
            "/api/chargers/CP-1/commands", json={"action": "ClearCache"}
        )
        person = {**EXAMPLES["POST /api/auth/register"], "role": "USER"}
        user = (await central.http.post("/api/users", json=person)).json()["id"]
        filled = {
            "charger": "CP-1",
            "tag": CARD,
            "command_id": asked.json()["id"],
            "transaction_id": 1,
            "site_id": site,
            "user": user,
        }
        for name in ANSWERS:
            method, path = name.split(" ")
            if method != "GET" or path.endswith("/me"):
                continue
            answer = await central.get(path.format(**filled))
            assert answer, name
            content = schema["paths"][path]["get"]["responses"]["200"]["content"]
            whole = {**content["application/json"]["schema"], "components": schema["components"]}
            jsonschema.Draft202012Validator(whole).validate(answer)
            members = answer[0] if isinstance(answer, list) else answer
            shape = schema["components"]["schemas"][ANSWERS[name].strip("[]")]
            assert set(members) - set(shape["properties"]) <= {"samples", "events"}, name


async def test_description_and_page_are_served_to_anybody(central: Central) -> None:
    """The page needs nothing from elsewhere and no exception to the policy of our pages."""
    central.http.headers.pop("Authorization")
    schema = await central.get("/api/openapi.json")
    answer = await central.http.get("/api/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    seen = Seen()
    seen.feed(answer.text)
    assert seen.addresses == {"docs.css", "openapi.json"}
    assert seen.tags.isdisjoint({"script", "style", "img", "iframe"})
    assert not seen.attributes & {"style", "onclick", "onload"}
    for method, path, _ in operations(schema):
        assert f"<b>{method.upper()}</b> <code>{path}</code>" in answer.text
    style = await central.http.get("/api/docs.css")
    assert style.headers["content-type"] == "text/css; charset=utf-8"


def test_what_a_description_says_is_text_on_the_page() -> None:
    """A `<` of a docstring or a pattern is no markup."""
    evil = "<script>alert(1)</script>"
    operation = {
        "tags": ["cards"],
        "summary": evil,
        "description": evil,
        "responses": {"200": {"description": evil}},
        "parameters": [{"name": evil, "in": "query", "schema": {"pattern": evil, "default": evil}}],
        "requestBody": {"content": {"application/json": {"example": {evil: evil}}}},
    }
    schema = {
        "info": {"title": evil, "version": evil, "description": evil},
        "tags": [{"name": "cards", "description": evil}],
        "components": {"securitySchemes": {"bearer": {"description": evil}}},
        "paths": {"/" + evil: {"get": operation}},
    }
    assert "<script" not in page(schema)


class Seen(HTMLParser):
    """What a browser would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str | None] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value for name, value in attrs if name in {"href", "src"}}
