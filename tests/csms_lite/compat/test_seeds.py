"""Every address of the seeds, by requirement number, and that it answers as it documents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from csms_lite.compat.shapes import ENDED, RATED_KW
from csms_lite.stations.liveness import State, plain_status
from csms_lite.stations.sites import CATALOGUE
from tests.csms_lite.central import Central
from tests.csms_lite.charging.driver import CARD, now, ready, reply
from tests.csms_lite.test_gate import app, named, role_of

__all__ = ["app"]  # the fixture

PATHS: Final = {
    "B75": ("GET /api/users", "OPERATOR"),
    "B92": ("POST /api/chargers", "OPERATOR"),
    "C10": ("GET /api/chargers", "VIEWER"),
    "C11": ("GET /api/chargers/{charger}", "VIEWER"),
    "C12": ("POST /api/transactions/{charger}/start", "USER"),
    "C13": ("POST /api/transactions/{transaction_id}/end", "USER"),
    "C14": ("GET /api/transactions/charger/{charger}", "VIEWER"),
    "D15": ("POST /auth/register", None),
    "D16": ("POST /auth/login", None),
    "D17": ("GET /auth/validateToken", "USER"),
    "D18": ("POST /auth/resetPasswordToken", None),
    "D19": ("GET /auth/resetPasswordPage", None),
    "D20": ("POST /auth/resetPassword", None),
    "D21": ("GET /station", None),
    "D22": ("GET /station/report", "ADMIN"),
    "D23": ("GET /station/{station}", None),
    "D24": ("GET /station/{station}/last_charge", None),
    "D25": ("GET /station/{station}/last_reservation", None),
    "D26": ("POST /station/{station}/reserve", "USER"),
    "D27": ("POST /station/{station}/cancel_reservation", "USER"),
    "D28": ("POST /station/{station}/start_charging", "USER"),
    "D29": ("POST /station/{station}/stop_charging", "USER"),
    "D30": ("POST /station", "ADMIN"),
    "D31": ("PATCH /station", "ADMIN"),
    "D32": ("GET /connector", None),
    "D33": ("GET /user/all", "ADMIN"),
    "D34": ("GET /user", "USER"),
    "D35": ("GET /user/last_usage", "USER"),
    "D36": ("PATCH /user", "USER"),
    "D37": ("PATCH /user/{user}/set_user_admin", "ADMIN"),
    "E20": ("GET /docs", None),
    "E21": ("GET /cps", "VIEWER"),
    "E21 transactions": ("GET /transactions", "VIEWER"),
    "E21 predict": ("GET /predict/{what}", "VIEWER"),
}
"""What each requirement asks for, and who may (D13). C15-C18 are in `test_objects.py`."""

LATER: Final = (
    "GET /station/report",
    "GET /station/1/last_reservation",
    "POST /station/1/reserve",
    "POST /station/1/cancel_reservation",
    "GET /predict/load",
)
SITE: Final = {"name": "Downtown Parking Garage", "latitude": 50.7753, "longitude": 6.0839}
PERSON: Final = {
    "name": "Ana",
    "surname": "Example",
    "email": "ana@example.org",
    "password": "nine small owls",
}


@pytest.mark.parametrize("number", PATHS)
async def test_every_address_of_the_seeds_is_here(app: FastAPI, number: str) -> None:
    """None is forgotten, and each is open to whom the seed says."""
    name, role = PATHS[number]
    assert role_of(named(app)[name]) == role


async def test_no_other_address_is_in_the_compatibility_layer(app: FastAPI) -> None:
    """What is added there without a requirement is found."""
    routes = {name: route for name, route in named(app).items() if isinstance(route, APIRoute)}
    theirs = {name for name, route in routes.items() if "compatibility" in route.tags}
    assert theirs <= {name for name, _ in PATHS.values()}


@pytest.mark.parametrize("call", LATER)
async def test_what_comes_later_says_so(central: Central, call: str) -> None:
    """501 with a sentence that names what will bring it, and nothing made up."""
    method, path = call.split(" ")
    answer = await central.http.request(method, path)
    assert answer.status_code == 501
    assert answer.headers["content-type"] == "application/problem+json"
    assert "issue" in answer.json()["detail"]


async def test_the_charger_of_seed_b_is_added_as_it_is_written_there(central: Central) -> None:
    """B91, B92, B93: its body word for word, but for the number of its site."""
    site = (await central.http.post("/api/sites", json=SITE)).json()["id"]
    body = json.loads("""{
        "charge_point_string_id": "CP001",
        "station_id": 123,
        "vendor": "EVBox",
        "model": "BusinessLine",
        "serial_number": "EVB-12345"
    }""")
    answer = await central.http.post("/api/chargers", json={**body, "station_id": site})
    assert answer.status_code == 201, answer.text
    shown = await central.get("/api/chargers/CP001")
    assert (shown["vendor"], shown["model"], shown["serial"]) == (
        "EVBox",
        "BusinessLine",
        "EVB-12345",
    )
    assert shown["site"]["name"] == SITE["name"]
    plate = {"type": "type2", "power_w": 22_000}
    mounted = await central.http.put("/api/chargers/CP001/connectors/1", json=plate)
    assert mounted.json()["type"] == "Type 2"


async def test_chargers_have_the_number_and_the_four_words_of_seed_c(central: Central) -> None:
    """C10, C11: `chargerId` and `status` in each; by number where no charger has that name."""
    async with ready(central, "Available"):
        listed = await central.get("/api/chargers")
        assert [(one["chargerId"], one["status"]) for one in listed] == [(1, "Available")]
        assert (await central.get("/api/chargers/1"))["id"] == "CP-1"
        await central.http.put("/api/chargers/1")
        assert (await central.get("/api/chargers/1"))["id"] == "1"
        assert (await central.http.get("/api/chargers/77")).status_code == 404


@pytest.mark.parametrize(
    ("state", "statuses", "word"),
    [
        (State.FREE, ["Available"], "Available"),
        (State.USED, ["Charging"], "Charging"),
        (State.USED, ["Faulted", "Charging"], "Charging"),
        (State.RESERVED, ["Reserved"], "Unavailable"),
        (State.BROKEN, ["Faulted"], "Faulted"),
        (State.BROKEN, ["Available"], "Unavailable"),
        (State.BROKEN, ["Unavailable"], "Unavailable"),
        (State.DISMISSED, ["Faulted"], "Unavailable"),
        (State.UNDEFINED, [], "Unavailable"),
    ],
)
def test_each_state_has_one_of_seed_cs_words(state: State, statuses: list[str], word: str) -> None:
    """1.6 row 14: the nine are stored, mapped for views that know four."""
    assert plain_status(state, statuses) == word


async def answered(station: Any, action: str, status: str, asking: Any) -> httpx.Response:
    """Answer the charger's next command, and give what the caller of *asking* was told."""
    task = asyncio.ensure_future(asking)
    await reply(station, action, status)
    answer: httpx.Response = await task
    return answer


async def test_a_transaction_of_seed_c_from_start_to_end(central: Central) -> None:
    """C12, C13, C14 with the seed's bodies; the same `sessionId` again starts nothing twice."""
    body = {"sessionId": "ABC123", "tag": CARD}
    async with ready(central) as (station, _):
        begin = "/api/transactions/1/start"
        answer = await answered(
            station, "RemoteStartTransaction", "Accepted", central.http.post(begin, json=body)
        )
        assert answer.json() == {"message": "Transaction started", "transactionId": 1}
        assert await central.get("/api/transactions/charger/1") == []
        await station.start(tag=CARD, at=now(), meter=1000)
        again = await central.http.post(begin, json=body)
        assert again.json() == answer.json()
        history = "/api/transactions/charger/CP-1"
        running = {"transactionId": 1, "chargerId": 1, "status": "In Progress"}
        assert await central.get(history) == [running]
        answer = await answered(
            station,
            "RemoteStopTransaction",
            "Accepted",
            central.http.post("/api/transactions/1/end"),
        )
        assert answer.json() == {"message": "Transaction ended"}
        await station.stop(1, meter=3000, at=now())
        await station.start(tag=CARD, at=now(1), meter=3000)
        ended = {**running, "status": "Completed"}
        assert await central.get(history) == [ended, {**running, "transactionId": 2}]
        assert await central.get(f"{history}?from=2100-01-01T00:00:00Z") == []
        assert await central.get(f"{history}?to=2000-01-01T00:00:00Z") == []
        assert len(await central.get(f"{history}?from=2000-01-01T00:00:00Z")) == 2
        assert len(await central.get("/api/sessions")) == 2


async def test_a_start_that_the_charger_refuses_is_no_started_transaction(
    central: Central,
) -> None:
    """The old systems' only word for success is not said for a failure."""
    async with ready(central) as (station, _):
        post = central.http.post("/api/transactions/1/start", json={"sessionId": "A", "tag": CARD})
        answer = await answered(station, "RemoteStartTransaction", "Rejected", post)
        assert (answer.status_code, answer.json()["title"]) == (409, "Refused")
        again = await central.http.post(
            "/api/transactions/1/start", json={"sessionId": "A", "tag": CARD}
        )
        assert again.status_code == 409
    gone = await central.http.post("/api/transactions/9/start", json={"sessionId": "B"})
    assert gone.status_code == 404
    assert (await central.http.post("/api/transactions/99/end")).status_code == 404


async def test_a_station_of_seed_d_is_added_changed_and_shown(central: Central) -> None:
    """D30, D31, D21, D23, D32: coordinates, price in cents, types, notes for administrators."""
    await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 45})
    body = {"name": "Town hall", "lat": 50.7, "lon": 6.1, "notes": "key at desk", "price": 45}
    made = (await central.http.post("/station", json={**body, "connectors": [1, 4]})).json()
    assert (made["id"], made["status"], made["price"]) == (1, "Undefined", 45)
    assert [one["name"] for one in made["connectors"]] == ["Type 2", "CCS2"]
    assert await central.get("/station") == []  # never seen: hidden from users
    assert (await central.http.get("/station/1")).status_code == 404
    async with central.station(made["charge_point_id"]) as station:
        await station.boot()
        await station.status(1, "Available")
        shown = await central.get("/station/1")
        assert (shown["status"], shown["lat"], shown["lon"]) == ("Free", 50.7, 6.1)
        assert {"notes", "charge_point_id"}.isdisjoint(shown)
        assert await central.get("/station") == [shown]
        told = {"id": 1, "name": "Hall", "lat": 50.8, "connectors": [2]}
        changed = (await central.http.patch("/station", json=told)).json()
        assert (changed["name"], changed["lat"], changed["lon"]) == ("Hall", 50.8, 6.1)
        assert (changed["notes"], len(changed["connectors"])) == ("key at desk", 1)
        refused = await central.http.patch("/station", json={"id": 1, "price": 46})
        assert (refused.status_code, "one price" in refused.json()["detail"]) == (409, True)
        refused = await central.http.patch("/station", json={"id": 1, "connectors": [77]})
        assert refused.status_code == 422
        assert len((await central.get("/station/1"))["connectors"]) == 1  # nothing was half done
        await central.http.patch("/station", json={"id": 1, "dismissed": True})
    assert await central.get("/station") == []
    types = await central.get("/connector")
    assert [one["name"] for one in types] == list(CATALOGUE) == list(RATED_KW)
    again = {**body, "charge_point_id": made["charge_point_id"]}
    assert (await central.http.post("/station", json=again)).status_code == 409


async def test_the_last_charge_is_nobodys(central: Central) -> None:
    """D24, 1.6 row 9: no user, no tag, no exact times."""
    async with ready(central) as (station, _):
        assert await central.get("/station/1/last_charge") is None
        await station.start(tag=CARD, at="2025-03-30T12:34:56Z", meter=1000)
        assert await central.get("/station/1/last_charge") is None
        await station.stop(1, meter=4500, at="2025-03-30T13:59:59Z")
        told = await central.get("/station/1/last_charge")
    assert told == {
        "station_id": 1,
        "start_time": "2025-03-30T12:00:00.000Z",
        "end_time": "2025-03-30T13:00:00.000Z",
        "kw": 3.5,
        "price": None,
    }
    assert "Completed" not in ENDED


async def test_an_account_of_seed_d(central: Central) -> None:
    """D15-D17, D33-D37: registered, signed in, changed, and made an administrator."""
    http = httpx.AsyncClient(base_url=central.addresses.http)
    async with http:
        token = (await http.post("/auth/register", json=PERSON)).json()["token"]
        assert (await http.get("/user")).status_code == 401
        http.headers["Authorization"] = f"Bearer {token}"
        assert (await http.get("/auth/validateToken")).json() == {"message": "Valid token"}
        me = (await http.get("/user")).json()
        told = {name: PERSON[name] for name in ("name", "surname", "email")}
        assert me == {"id": 1, **told, "is_admin": False}
        changed = await http.patch("/user", json={"name": "Anna"})
        assert changed.json() == {**me, "name": "Anna"}
        bare = await http.patch("/user", json={"email": "other@example.org"})
        assert (bare.status_code, "current_password" in bare.json()["detail"]) == (422, True)
        for path in ("/user/all", "/cps", "/transactions"):
            assert (await http.get(path)).status_code == 403
        await central.http.patch("/user/1/set_user_admin", json={"is_admin": True})
        assert (await http.get("/user")).status_code == 401  # 1.6 row 10: the token is over
        credentials = {name: PERSON[name] for name in ("email", "password")}
        assert (
            await http.post("/auth/login", json={**credentials, "password": "wrong password"})
        ).status_code == 401
        token = (await http.post("/auth/login", json=credentials)).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        assert (await http.get("/user")).json()["is_admin"] is True
    listed = await central.get("/user/all")
    assert [(one["id"], one["is_admin"]) for one in listed] == [(1, True)]
    last = await central.http.patch("/user/1/set_user_admin", json={"is_admin": False})
    assert (last.status_code, "last administrator" in last.json()["detail"]) == (409, True)


async def test_a_new_password_by_seed_ds_profile_ends_every_sign_in(central: Central) -> None:
    """D36, D9: the password of now is asked for, and old tokens are over."""
    http = httpx.AsyncClient(base_url=central.addresses.http)
    async with http:
        token = (await http.post("/auth/register", json=PERSON)).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        new = {"password": "ten small owls", "current_password": "not this one"}
        assert (await http.patch("/user", json=new)).status_code == 403
        new["current_password"] = PERSON["password"]
        assert (await http.patch("/user", json=new)).status_code == 200
        assert (await http.get("/user")).status_code == 401
        credentials = {"email": PERSON["email"], "password": "ten small owls"}
        assert (await http.post("/auth/login", json=credentials)).status_code == 200


async def test_the_reset_page_of_seed_d_is_ours(central: Central) -> None:
    """D19: the token goes where no server log sees it, and cannot lead elsewhere."""
    answer = await central.http.get("/auth/resetPasswordPage?token=abc/../%0d%0a//evil")
    assert answer.status_code == 307
    place = "/auth/reset#abc%2F..%2F%0D%0A%2F%2Fevil"
    assert answer.headers["location"] == place
    assert (await central.http.get("/auth/reset")).status_code == 200
    asked = await central.http.post("/auth/resetPasswordToken", json={"email": "a@example.org"})
    assert asked.status_code == 503  # no mail server is set here: it says so
    wrong = {"email": "a@example.org", "token": "00" * 32, "password": "ten small owls"}
    assert (await central.http.post("/auth/resetPassword", json=wrong)).status_code == 403


async def test_the_driver_of_seed_d_starts_and_stops(central: Central) -> None:
    """D28, D29: at a free station, by its number; only his own is stopped."""
    async with ready(central) as (station, _):
        begin = central.http.post("/station/1/start_charging", json={"tag": CARD})
        answer = await answered(station, "RemoteStartTransaction", "Accepted", begin)
        assert (answer.json()["station_id"], answer.json()["state"]) == (1, "pending")
        busy = await central.http.post("/station/1/start_charging", json={"tag": CARD})
        assert busy.status_code == 409
        others = await central.http.post("/station/1/stop_charging")
        assert others.status_code == 404  # the installer's token is no driver
    assert (await central.http.post("/station/77/start_charging", json={})).status_code == 404


async def test_the_lists_of_seed_e(central: Central) -> None:
    """E20, E21: charge points and transactions, and where the description is."""
    async with ready(central) as (station, _):
        await station.start(tag=CARD, at="2025-03-30T12:00:00Z", meter=1000)
        (point,) = await central.get("/cps")
        assert (point["cp_id"], point["status"], point["vendor"]) == ("CP-1", "Charging", "Tapwatt")
        (stored,) = await central.get("/transactions")
    assert (stored["id_tag"], stored["status"], stored["meter_start"]) == (
        CARD,
        "In Progress",
        1000,
    )
    answer = await central.http.get("/docs")
    assert (answer.status_code, answer.headers["location"]) == (307, "/api/docs")


async def test_what_is_somebodys_own_is_not_kept_by_caches(central: Central) -> None:
    """The old addresses are not under /api, and as private."""
    for path in ("/user", "/cps", "/transactions", "/api/chargers"):
        assert (await central.http.get(path)).headers["cache-control"] == "no-store", path


@asynccontextmanager
async def signed_in(central: Central, email: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of the role USER whose address counts as verified."""
    person = {**PERSON, "email": email}
    assert (await central.http.post("/api/users", json=person)).status_code == 201
    credentials = {name: person[name] for name in ("email", "password")}
    async with httpx.AsyncClient(base_url=central.addresses.http) as http:
        token = (await http.post("/auth/login", json=credentials)).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def test_a_driver_has_his_own_and_nobody_elses(central: Central) -> None:
    """C13, D28, D29, D35: with his virtual card; another's session is as if it were not there."""
    async with (
        ready(central) as (station, _),
        signed_in(central, "ana@example.org") as ana,
        signed_in(central, "bo@example.org") as bo,
    ):
        begin = ana.post("/station/1/start_charging")
        task = asyncio.ensure_future(begin)
        tag = (await reply(station, "RemoteStartTransaction", "Accepted"))["idTag"]
        assert (len(tag), (await task).json()["state"]) == (20, "pending")
        await station.start(tag=tag, at=now(), meter=1000)
        assert (await ana.get("/user/last_usage")).json()["state"] == "running"
        assert (await bo.get("/user/last_usage")).json() is None
        for attempt in ("/api/transactions/1/end", "/station/1/stop_charging"):
            assert (await bo.post(attempt)).status_code == 404
        named = await bo.post("/api/transactions/1/start", json={"sessionId": "X", "tag": tag})
        assert named.status_code in {403, 404, 409}
        stop = ana.post("/station/1/stop_charging")
        answer = await answered(station, "RemoteStopTransaction", "Accepted", stop)
        assert answer.status_code == 200, answer.text
        assert station.asked == []  # nothing of the other's reached the charger
