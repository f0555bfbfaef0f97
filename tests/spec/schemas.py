"""The 1.6 schemas as data, and what a frame breaks of them: the suite's own reading."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft4Validator


@cache
def _validator(name: str) -> Draft4Validator:
    text = (resources.files("ocpp") / "v16" / "schemas" / f"{name}.json").read_text("utf-8-sig")
    return Draft4Validator(json.loads(text, parse_float=Decimal))


@cache
def actions() -> frozenset[str]:
    """Every action of 1.6 and of the security whitepaper."""
    folder = resources.files("ocpp") / "v16" / "schemas"
    names = {entry.name.removesuffix(".json") for entry in folder.iterdir()}
    return frozenset(name for name in names if not name.endswith("Response"))


def faults(action: str, payload: Any, *, answer: bool = False) -> list[str]:
    """What *payload* breaks of the schema of *action*, or of its answer; one phrase each."""
    if action not in actions():
        return [f"{action} is no action of OCPP 1.6"]
    exact = json.loads(json.dumps(payload), parse_float=Decimal)
    found = _validator(f"{action}Response" if answer else action).iter_errors(exact)
    return [f"{action}: {error.message}" for error in found]
