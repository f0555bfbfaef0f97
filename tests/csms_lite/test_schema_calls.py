"""The API answers as its description says, whatever is sent: schemathesis calls every route.

The calls are the same in each run (derandomised) and few per route; what a value of the caller's
could break beyond the types of a schema is in `test_hostile_values.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
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
from csms_lite.errors import NotBuilt, NotSetUp
from csms_lite.gate import Gate, Principal, Role
from csms_lite.house import furnish
from csms_lite.http import http_app
from csms_lite.messages.file import open_log
from csms_lite.oversight import oversee
from csms_lite.settings import Settings
from csms_lite.stations.presence import Presence
from csms_lite.stations.sheet import Sheet
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store

NOT_HERE: Final = {NotBuilt.title, NotSetUp.title}  # answers of 5xx that are no failures
CHECKS: Final = [  # the first is left out for those
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
FITTING, UNFITTING = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
PER_ROUTE: Final[dict[Role | None, dict[GenerationMode, int]]] = {
    Role.ADMIN: {FITTING: 2, UNFITTING: 1},
    Role.USER: {FITTING: 1},  # most doors are closed to them
    None: {FITTING: 1},
}
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
    settings = Settings(
        state_dir=state_dir,
        smtp_host="127.0.0.1",  # mails are put into the outbox; nobody carries them
        smtp_security="none",
        mail_from="csms@example.org",
        public_url="https://charge.example.org",
    )
    async with AsyncExitStack() as stack:
        passwords = stack.enter_context(password_thread())
        store = await stack.enter_async_context(
            open_store(state_dir / "c.db", clock=clock, open_database=open_database)
        )
        frames = await stack.enter_async_context(
            open_log(state_dir, clock=clock, open_database=open_database)
        )
        presence = Presence(clock.now_ms())
        watch = oversee(settings, store, frames, clock=clock, chance=chance, presence=presence)
        house = await furnish(settings, store, clock, chance, watch)
        office = await open_office(settings, store, clock, chance, passwords)
        sheet = Sheet(url="ws://here/ocpp", heartbeat_s=60)
        app = http_app(house, office, Gate([by_role]), sheet, watch)
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


def call_each(
    description: dict[str, Any],
    per_route: dict[GenerationMode, int],
    send: Callable[[Case], httpx.Response],
) -> tuple[int, list[str]]:
    """Call every operation with what fits its schema and with what does not.

    Gives how often, and what was found wrong.
    """
    calls, wrong = itertools.count(), []
    for found in schemathesis.openapi.from_dict(description).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if STREAM in str(operation.definition.raw["responses"]):
            continue  # it never ends: tests/csms_lite/live/test_stream.py
        for mode, count in per_route.items():

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
                is_told = answer.status_code >= 500 and answer.json()["title"] in NOT_HERE
                case.validate_response(answer, checks=CHECKS[is_told:])

            try:
                check()
            except FailureGroup as failure:
                wrong.append(f"{operation.label}: {failure}")
            except Unsatisfiable:
                pass  # what takes nothing cannot be called wrongly
    return next(calls), wrong


@pytest.mark.slow
@pytest.mark.parametrize("role", PER_ROUTE)
async def test_every_route_answers_as_it_is_described(tmp_path: Path, role: Role | None) -> None:
    """No 5xx, and no status, content type or body that the description does not name."""
    loop = asyncio.get_running_loop()
    async with calling(tmp_path, role) as http:
        description = (await http.get("/api/openapi.json")).json()

        def send(case: Case) -> httpx.Response:
            told = case.as_transport_kwargs(base_url="http://here")
            body = told.get("data")
            request = http.request(
                told["method"],
                told["url"],
                headers=told["headers"],
                params=told.get("params"),
                json=told.get("json"),
                **({"data": body} if isinstance(body, dict) else {"content": body}),
            )
            return asyncio.run_coroutine_threadsafe(request, loop).result(WITHIN_S)

        calls, wrong = await asyncio.to_thread(call_each, description, PER_ROUTE[role], send)
    assert not wrong, "\n".join(wrong)
    assert calls > 80
