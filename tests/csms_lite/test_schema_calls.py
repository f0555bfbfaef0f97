"""The API answers as its description says, whatever is sent: schemathesis calls every route.

The calls are the same in each run (derandomised) and few per route; what a value of the caller's
could break beyond the types of a schema is in `test_hostile_values.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from csms_lite.accounts.office import open_office
from csms_lite.accounts.passwords import password_thread
from csms_lite.chance import Chance
from csms_lite.clock import SystemClock
from csms_lite.gate import Gate, Principal, Role
from csms_lite.house import furnish
from csms_lite.http import http_app
from csms_lite.settings import Settings
from csms_lite.stations.sheet import Sheet
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
PER_ROUTE: Final = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 4}
WITHIN_S: Final = 5.0
STREAM: Final = "text/event-stream"
KNOWN: Final = {"charger": "CP-1", "tag": "CARD1", "command_id": 1, "transaction_id": 1}
"""What is there; every other call names it, so that not all of them end at "not found"."""


async def by_role(token: str) -> Principal | None:
    """Let a token that is a role's name be somebody of that role."""
    return Principal(role=Role(token), name=token) if token in set(Role) else None


@asynccontextmanager
async def calling(state_dir: Path, role: Role | None) -> AsyncIterator[httpx.AsyncClient]:
    """The whole HTTP side with a little in its store, called by somebody of *role*."""
    clock, chance = SystemClock(), Chance(random.Random(1))
    settings = Settings(state_dir=state_dir)
    async with AsyncExitStack() as stack:
        passwords = stack.enter_context(password_thread())
        store = await stack.enter_async_context(
            open_store(state_dir / "c.db", clock=clock, open_database=open_database)
        )
        house = await furnish(settings, store, clock, chance)
        office = await open_office(settings, store, clock, chance, passwords)
        app = http_app(house, office, Gate([by_role]), Sheet(url="ws://here/ocpp", heartbeat_s=60))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            http.headers["Authorization"] = f"Bearer {Role.ADMIN}"
            for path in ("/api/chargers/CP-1", "/api/cards/CARD1"):
                assert (await http.put(path)).status_code == 200
            command = {"action": "ClearCache"}
            answer = await http.post("/api/chargers/CP-1/commands", json=command)
            assert answer.status_code == 202
            del http.headers["Authorization"]
            if role is not None:
                http.headers["Authorization"] = f"Bearer {role}"
            yield http


def call_each(description: dict[str, Any], send: Callable[[Case], httpx.Response]) -> int:
    """Call every operation with what fits its schema and with what does not; gives how often."""
    calls = itertools.count()
    for found in schemathesis.openapi.from_dict(description).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if STREAM in str(operation.definition.raw["responses"]):
            continue  # it never ends: tests/csms_lite/live/test_stream.py
        for mode, count in PER_ROUTE.items():

            @settings(
                max_examples=count,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Case) -> None:
                if next(calls) % 2:
                    case.path_parameters.update(
                        {name: KNOWN[name] for name in case.path_parameters if name in KNOWN}
                    )
                if "wait" in case.query:
                    case.query["wait"] = 0  # nobody is connected who could answer
                answer = send(case)
                if answer.status_code == 503 and "not set up here" in answer.json()["title"]:
                    return  # mail and providers are the installer's: it says which setting
                case.validate_response(answer, checks=CHECKS)

            with suppress(Unsatisfiable):  # what takes nothing cannot be called wrongly
                check()
    return next(calls)


@pytest.mark.slow
@pytest.mark.parametrize("role", [None, Role.USER, Role.ADMIN])
async def test_every_route_answers_as_it_is_described(tmp_path: Path, role: Role | None) -> None:
    """No 5xx, and no status, content type or body that the description does not name."""
    loop = asyncio.get_running_loop()
    async with calling(tmp_path, role) as http:
        description = (await http.get("/api/openapi.json")).json()

        def send(case: Case) -> httpx.Response:
            told = case.as_transport_kwargs(base_url="http://here")
            sent = told.get("data")
            is_form = isinstance(sent, dict)
            request = http.request(
                told["method"],
                told["url"],
                headers=told["headers"],
                params=told.get("params"),
                json=told.get("json"),
                data=sent if is_form else None,
                content=None if is_form else sent,
            )
            return asyncio.run_coroutine_threadsafe(request, loop).result(WITHIN_S)

        calls = await asyncio.to_thread(call_each, description, send)
    assert calls > 100
