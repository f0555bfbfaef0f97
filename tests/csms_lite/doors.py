"""How tests come to the OCPP port with credentials, and how staff gives them."""

from __future__ import annotations

import base64
from typing import Any, Final

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response
from websockets.typing import Subprotocol

from tests.csms_lite.central import Central, Station

OCPP16: Final = [Subprotocol("ocpp1.6")]


def basic(name: str, password: str | bytes) -> dict[str, str]:
    raw = password.encode() if isinstance(password, str) else password
    return {"Authorization": "Basic " + base64.b64encode(name.encode() + b":" + raw).decode()}


def station(central: Central, key: str | bytes, name: str = "CP-1") -> Station:
    return central.station(name, additional_headers=basic(name, key))


async def refusal(central: Central, name: str, **options: Any) -> Response:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{central.addresses.ocpp}/{name}", subprotocols=OCPP16, **options)
    return refused.value.response


async def new_key(central: Central, name: str = "CP-1", **body: Any) -> dict[str, Any]:
    answer = await central.http.post(f"/api/chargers/{name}/key", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def put(central: Central, name: str = "CP-1", status: int = 200, **body: Any) -> Any:
    answer = await central.http.put(f"/api/chargers/{name}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def kinds(central: Central, name: str = "CP-1") -> list[str]:
    return [one["kind"] for one in await central.get(f"/api/chargers/{name}/events")]
