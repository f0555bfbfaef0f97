"""The status document as the bridge reads and stores it. Pure.

The contract is `hmi/status.schema.json`; null and left out are the same to the database. What this
version does not know of is left out, so that a newer source still reaches the page; what breaks the
contract is refused whole, so that no full card number leaves the house by somebody else's slip.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from edge.hmi.tags import masked

NOTHING: Final = "nothing"
"""Stored for an empty `why`: the database keeps no empty lists, and a missing one means unknown."""

T = TypeVar("T")
Moment = Annotated[datetime, Meta(tz=True)]
Decimal = Annotated[str, Meta(pattern=r"^-?[0-9]{1,10}([.][0-9]{1,9})?$")]
Text20 = Annotated[str, Meta(max_length=20)]
Text50 = Annotated[str, Meta(max_length=50)]
Text120 = Annotated[str, Meta(max_length=120)]
Text512 = Annotated[str, Meta(max_length=512)]
Natural = Annotated[int, Meta(ge=0, le=2**53 - 1)]  # exact in JavaScript, and in the database


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """What a kilowatt-hour costs here."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    per_kwh_minor: Natural


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator says of the price of a session; not the address of one driver's bill."""

    price_text: Text512 | None
    amount: Decimal | None
    final: bool
    amount_at: Moment | None = None
    state: Literal["Charging", "Idle"] | None = None
    per_kwh: Decimal | None = None
    per_hour: Decimal | None = None
    grace_minutes: Natural | None = None
    flat_fee: Decimal | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Who or what keeps a driver from starting, or energy from a session."""

    what: Text50
    owner: Literal["driver", "car", "central system", "station", "site", "service"]
    since: Moment | None
    until: Moment | None
    remedy: Text120


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """The running session, or the last one until the cable is out."""

    tag: Annotated[str, Meta(pattern=r"^….{0,4}$")]
    started_at: Moment
    stopped_at: Moment | None
    energy_wh: Natural
    cost_minor: Natural | None
    cost_final: bool
    stop_reason: Text20 | None = None


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """One connector."""

    connector: Annotated[int, Meta(ge=1, le=2**31)]
    status: Literal[
        "Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE",
        "Finishing", "Reserved", "Unavailable", "Faulted", "Unknown",
    ]  # fmt: skip
    error_code: Text50
    info: Text50 | None
    since: Moment | None
    power_w: float | None
    measured_at: Moment | None
    session: Session | None
    cost: Cost | None = None
    why: Annotated[tuple[Reason, ...], Meta(max_length=16)] | None = None


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """Whose document it is."""

    id: Annotated[str, Meta(max_length=48)]
    name: Annotated[str, Meta(max_length=100)]
    online: bool
    heard_at: Moment | None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The whole."""

    version: Literal[1]
    source: Literal["csms", "edge"]
    sequence: Natural
    at: Moment
    station: Station
    connectors: Annotated[tuple[Connector, ...], Meta(max_length=64)]
    tariff: Tariff | None = None
    price_text: Text512 | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What the bridge reads of a session in csms_lite's `GET /api/sessions`, for staff."""

    charger: str
    connector: Annotated[int, Meta(ge=1, le=2**31)]
    id_tag: str
    started_at: Moment | None
    stopped_at: Moment | None
    stop_reason: Text20 | None
    energy_wh: Natural
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] | None
    cost_minor: Natural | None


def read_document(text: str | bytes) -> Document:
    """Read a document; raises `ValueError`, which says what is wrong and where."""
    return decoded(text, Document)


def decoded(text: str | bytes, kind: type[T]) -> T:
    """Read JSON of a *kind*; raises `ValueError` for whatever else, nested without end as well."""
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError as failure:
        raise ValueError("nested too deeply") from failure


def stored(document: Document) -> dict[str, Any]:
    """Write a document as the database keeps it; `hmi/feed/firebase.js` restores the rest."""
    plain: dict[str, Any] = _without_nulls(msgspec.to_builtins(document))
    for connector in plain["connectors"]:
        if connector.get("why") == []:  # told, and empty
            connector["why"] = NOTHING
    return plain


def finished(document: Document) -> list[tuple[int, Session]]:
    """Give the sessions that have ended and will not change, with their connectors."""
    return [
        (one.connector, one.session)
        for one in document.connectors
        if one.session is not None
        and one.session.stopped_at is not None
        and (one.session.cost_final or one.session.cost_minor is None)
    ]


def summary(document: Document, connector: int, session: Session) -> dict[str, Any]:
    """Write what is kept of a session that has ended."""
    told = {
        "station": document.station.id,
        "name": document.station.name,
        "source": document.source,
        "connector": connector,
        "currency": document.tariff and document.tariff.currency,
        **msgspec.to_builtins(session),
    }
    plain: dict[str, Any] = _without_nulls(told)
    return plain


def summary_of_ended(ended: Ended, code: str, name: str) -> dict[str, Any]:
    """Write the same of a session that csms_lite remembers; the tag is masked here."""
    told = msgspec.to_builtins(ended)
    tag = told.pop("id_tag")
    del told["charger"]
    facts = {"station": code, "name": name, "source": "csms", "cost_final": True}
    plain: dict[str, Any] = _without_nulls({**told, **facts, "tag": masked(tag)})
    return plain


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(one) for one in value]
    return value
