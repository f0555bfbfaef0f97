"""The description of the HTTP API, completed: who may call what, and how each call can fail.

FastAPI derives paths, parameters and answers from the routes. What it cannot know is added here
for all of them alike: the role that a route names, the two ways to show who one is, and problem
documents as the answers of everything that goes wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute, iter_route_contexts

from csms_lite.api_answers import answer_of, shapes
from csms_lite.api_examples import EXAMPLES
from csms_lite.api_page import STYLE, page
from csms_lite.gate import Role
from csms_lite.web import PROBLEM

Schema = dict[str, Any]

SIGN_IN_AT: Final = "/api/auth/token"
ABOUT: Final = (
    "The central system of Tapwatt. Errors are problem documents (RFC 9457) whose `detail` says "
    "what to do. Times are RFC 3339 in UTC, money is whole minor units, energy is Wh."
)
TAGS: Final[Mapping[str, str]] = {
    "about": "This description, for machines and for people.",
    "alerts": "What an operator should look at: chargers that are silent, a fault, certificates.",
    "audit": "Who changed or looked at what.",
    "auth": "How people come in and go.",
    "cards": "Who may charge.",
    "certificates": "What chargers ask to have signed.",
    "chargers": "Charging stations, their connectors and what was noted of them.",
    "charging": "A driver's own door: start, stop, and how one's own sessions stand.",
    "commands": "What chargers are asked to do, and what came of it.",
    "compatibility": "Addresses of older systems, each a translation to the others here.",
    "events": "What changes, as it changes: a stream of server-sent events.",
    "files": "Firmware for chargers, and what they brought: diagnostics and logs.",
    "health": "Whether this runs and can store, and its numbers for a monitor.",
    "history": "Every status, boot and heartbeat that was told.",
    "me": "One's own account.",
    "messages": "Every frame from and to chargers.",
    "public": "What anybody may see: the pages of stations and their live status.",
    "sessions": "Transactions, their samples, energy and cost.",
    "sites": "Places where chargers stand.",
    "tariff": "The price.",
    "users": "Accounts, for those who administer them.",
    "webhooks": "Who else is told what changes.",
}
"""What each tag is about; the page and the description list them in this order."""

PROBLEM_SCHEMA: Final[Schema] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong and what to do (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Each place in the request that is wrong.",
            "items": {
                "type": "object",
                "required": ["at", "wrong"],
                "properties": {"at": {"type": "string"}, "wrong": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    },
}
MEANINGS: Final[Mapping[int, str]] = {
    400: "The body is no JSON that can be read.",
    401: "No token, or one that is not known.",
    403: "A good token of somebody who may not do this.",
    404: "There is no such thing.",
    409: "It is there, but its state or the standard forbids this.",
    413: "The body is larger than any of ours.",
    422: "The request cannot be used: `errors` names each place.",
    429: "Too often: `Retry-After` says when it may work again.",
    501: "Not built yet: the detail says what will bring it.",
    503: "The database cannot be read or written now: try again later.",
}
OWN: Final = "/api/users/me"  # a key of the installation has no account there
PEOPLE: Final = frozenset({"auth", "me"})  # passwords and codes are tried there


class Api(FastAPI):
    """A FastAPI whose description is complete."""

    def openapi(self) -> Schema:
        """Describe all routes; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi(), roles(self))
        return self.openapi_schema


def open_api() -> Api:
    """Make the empty app; its description and page are routes of `about_routes`."""
    return Api(
        title="Tapwatt csms_lite",
        description=ABOUT,
        version=version("tapwatt"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )


def about_routes(app: FastAPI) -> APIRouter:
    """Make the routes that describe *app*; public, for they tell nothing of this installation."""
    router = APIRouter(prefix="/api", tags=["about"])

    @router.get("/openapi.json")
    async def description() -> dict[str, Any]:
        """Give this description, as OpenAPI 3.1."""
        return app.openapi()

    @router.get("/docs", response_class=HTMLResponse)
    async def documentation() -> HTMLResponse:
        """Give the page made of the description."""
        return HTMLResponse(page(app.openapi()))

    @router.get(
        "/docs.css", response_class=Response, responses={200: {"content": {"text/css": {}}}}
    )
    async def style() -> Response:
        """Give the style of the page."""
        return Response(STYLE, media_type="text/css")

    return router


def roles(app: FastAPI) -> dict[tuple[str, str], Role | None]:
    """Give the least role of each route, by method in lower case and path."""
    return {
        (method.lower(), context.path_format or ""): _role(context.original_route)
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods or ()
    }


def completed(schema: Schema, role_of: Mapping[tuple[str, str], Role | None]) -> Schema:
    """Complete what FastAPI made: security, problems, tags, summaries and examples."""
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= {"Problem": PROBLEM_SCHEMA, **shapes()}
    components["responses"] = {f"Problem{status}": _problem(status) for status in MEANINGS}
    components["securitySchemes"] = _security_schemes(schema["paths"])
    schemes: list[Schema] = [{name: []} for name in components["securitySchemes"]]
    for method, path, operation in operations(schema):
        _complete(operation, method, path, role_of[method, path], schemes)
    used = {tag for _, _, operation in operations(schema) for tag in operation["tags"]}
    schema["tags"] = [
        {"name": name, "description": text} for name, text in TAGS.items() if name in used
    ]
    return schema


def operations(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Give method, path and description of all operations."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _complete(
    operation: Schema, method: str, path: str, role: Role | None, schemes: list[Schema]
) -> None:
    told = operation.get("description", "")
    operation["summary"] = told.partition("\n")[0].removesuffix(".")
    operation["security"] = schemes if role is not None else []
    if role is not None:
        operation["description"] = f"{told}\n\nNeeds the role {role}."
        operation["x-role"] = str(role)
    answers = operation["responses"]
    if any(one["name"] == "wait" for one in operation.get("parameters", ())):
        under_way = answers.get("202") or answers["200"]
        answers |= {"200": answers.get("200", under_way), "202": under_way}
    if path.endswith(".csv"):
        answers["200"]["content"] = {"text/csv": {"schema": {"type": "string"}}}
    answers.pop("422", None)  # FastAPI's own form of it
    for status in _can_fail(operation, method, path, role):
        answers.setdefault(str(status), {})
    for status, answer in answers.items():
        if int(status) >= HTTPStatus.BAD_REQUEST and "content" not in answer:
            answers[status] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = dict(sorted(answers.items()))
    shape = answer_of(f"{method.upper()} {path}")
    for good in ("200", "201", "202"):
        if shape is not None and good in answers:
            answers[good]["content"] = {"application/json": {"schema": shape}}
    example = EXAMPLES.get(f"{method.upper()} {path}")
    if example is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = example


def _can_fail(operation: Schema, method: str, path: str, role: Role | None) -> Iterator[int]:
    """Give the failures that a route shares with all of its kind; others it declares itself."""
    has_body = "requestBody" in operation
    yield 503
    if role is not None:
        yield from (401, 403)
    if not PEOPLE.isdisjoint(operation["tags"]):
        yield from (401, 403, 409, 429)
    if "{" in path or path.startswith(OWN):
        yield 404
    if method != "get":
        yield from (404, 409)
    if has_body:
        yield from (400, 413)
    if has_body or "parameters" in operation:
        yield 422


def _role(route: APIRoute) -> Role | None:
    return next(
        (
            one.call.__dict__["role"]
            for one in route.dependant.dependencies
            if one.call is not None and "role" in one.call.__dict__
        ),
        None,
    )


def _problem(status: int) -> Schema:
    problem: Schema = {
        "description": MEANINGS[status],
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == HTTPStatus.UNAUTHORIZED:
        problem["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        problem["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return problem


def _security_schemes(paths: Mapping[str, object]) -> Schema:
    """Give the ways to show who one is; signing in by password only where that is built."""
    schemes: Schema = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token, an API key, or what `tapwatt csms token` prints.",
        }
    }
    if SIGN_IN_AT in paths:
        schemes["password"] = {
            "type": "oauth2",
            "description": "Mail address and password, for an access token.",
            "flows": {"password": {"tokenUrl": SIGN_IN_AT, "scopes": {}}},
        }
    return schemes
