"""What older systems send and expect, by their own names."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from csms_lite.accounts.bodies import Code, Email, Language, Name, Password, Token
from csms_lite.clock import maybe_rfc3339, rfc3339
from csms_lite.people.rules import TAG_LENGTH
from csms_lite.sessions.rules import Session, State, energy_wh
from csms_lite.stations.site_api import LongText
from csms_lite.stations.sites import CATALOGUE, Plate
from csms_lite.tariffs.rules import cost_minor

HOUR_MS: Final = 3_600_000
WH: Final = 1000
MOST_CONNECTORS: Final = 16  # of a station made by seed D's form
LARGEST_ID: Final = 2**53
RATED_KW: Final = {
    "Type 2": 43.0,
    "Type 1": 19.2,
    "CCS1": 350.0,
    "CCS2": 350.0,
    "CHAdeMO": 200.0,
    "GB/T": 237.5,
}
"""As seed B gives them, section 5.1."""
ENDED: Final = frozenset({State.CLOSED, State.COMPLETED, State.BILLING_FAILED})

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Tag = Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
StationName = Annotated[str, Field(min_length=1, max_length=100)]


class Told(BaseModel):
    """A body of an older system: nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class StartTold(Told):
    """Seed C: the caller's own name for what begins; staff names the tag besides."""

    sessionId: Annotated[str, Field(min_length=1, max_length=64)]
    tag: Tag | None = None


class ChargeTold(Told):
    """Seed D: nothing need be said; staff names the tag."""

    connector: Annotated[int, Field(ge=1, le=100)] | None = None
    tag: Tag | None = None


class PersonTold(Told):
    """Seed D: who registers."""

    name: Name
    surname: Name
    email: Email
    password: Password
    language: Language = "en"


class CredentialsTold(Told):
    """Seed D: who signs in; *code* where there is a second factor."""

    email: Email
    password: Password
    code: Code | None = None


class EmailTold(Told):
    """Seed D: whose password is forgotten."""

    email: Email


class ResetTold(Told):
    """Seed D: a new password, and the token of the mail."""

    email: Email
    password: Password
    token: Token


class ProfileTold(Told):
    """Seed D: what somebody changes of himself; address and password need the password of now."""

    name: Name | None = None
    surname: Name | None = None
    email: Email | None = None
    password: Password | None = None
    current_password: Password | None = None


class AdminTold(Told):
    """Seed D: whether somebody is an administrator."""

    is_admin: bool


class StationTold(Told):
    """Seed D: what an administrator says of a station; what is left out stays."""

    name: StationName | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    price: Annotated[int, Field(ge=0, le=10**9)] | None = None
    dismissed: bool | None = None
    notes: LongText | None = None
    description: LongText | None = None
    connectors: Annotated[list[Id], Field(max_length=MOST_CONNECTORS)] | None = None


class NewStationTold(StationTold):
    """Seed D: a new station; *charge_point_id* is its OCPP id, made when it is not given."""

    name: StationName
    lat: Latitude
    lon: Longitude
    charge_point_id: Annotated[str, Field(max_length=48)] | None = None


class ChangedStationTold(StationTold):
    """Seed D: which station is changed."""

    id: Id


class Message(BaseModel):
    """A sentence."""

    message: str


class Begun(Message):
    """Seed C: the sentence, and the number by which to end it."""

    transactionId: int


class Transaction(BaseModel):
    """Seed C: a transaction in a list."""

    transactionId: int
    chargerId: int
    status: str


class Signed(BaseModel):
    """Seed D: an access token, and what renews it."""

    token: str
    refresh_token: str
    expires_in: int


class User(BaseModel):
    """Seed D: an account. Its balance comes with the wallet (issue 8)."""

    id: int
    name: str
    surname: str
    email: str | None
    is_admin: bool


class ConnectorType(BaseModel):
    """Seed D: a type of connector and its power in kW."""

    id: int | None
    name: str
    power: float | None


class PublicStation(BaseModel):
    """Seed D: a station as anybody sees it; *price* is in cents per kWh."""

    id: int
    name: str
    lat: float | None
    lon: float | None
    price: int | None
    status: str
    dismissed: bool
    last_heartbeat: str | None
    description: str | None
    connectors: list[ConnectorType]


class OwnStation(PublicStation):
    """Seed D: a station as administrators see it."""

    notes: str | None
    charge_point_id: str


class LastCharge(BaseModel):
    """Seed D: the last charge at a station, of nobody: times to the hour."""

    station_id: int
    start_time: str
    end_time: str | None
    kw: float
    price: int | None


class Usage(BaseModel):
    """Seed D: a charge as its driver sees it; *kw* is kWh, *price* and *cost* are in cents."""

    id: int
    station_id: int
    state: str
    start_time: str | None
    end_time: str | None
    kw: float
    price: int | None
    cost: int | None


class ChargePoint(BaseModel):
    """Seed E: a charge point."""

    cp_id: str
    vendor: str | None
    model: str | None
    status: str
    last_heartbeat: str | None


class StoredTransaction(BaseModel):
    """Seed E: a transaction."""

    transaction_id: int
    cp_id: str
    connector_id: int
    id_tag: str
    meter_start: int | None
    meter_stop: int | None
    start_time: str
    stop_time: str | None
    status: str


def word(session: Session) -> str | None:
    """Give seed C's word for how far a session is; `None` for one that never began."""
    if session.meter_start_wh is None:
        return None
    return "Completed" if session.state in ENDED else "In Progress"


def usage(session: Session) -> Usage:
    """Write a session for its driver."""
    energy, price = energy_wh(session), session.per_kwh_minor
    has_begun = session.meter_start_wh is not None
    return Usage(
        id=session.transaction_id,
        station_id=session.station_id,
        state=session.state,
        start_time=rfc3339(session.started_at_ms) if has_begun else None,
        end_time=maybe_rfc3339(session.stopped_at_ms),
        kw=energy / WH,
        price=price,
        cost=None if price is None else cost_minor(energy, price),
    )


def last_charge(session: Session) -> LastCharge:
    """Write a session for anybody: not whose it was, nor when to the minute (1.6 row 9)."""
    ended = session.stopped_at_ms
    return LastCharge(
        station_id=session.station_id,
        start_time=rfc3339(session.started_at_ms // HOUR_MS * HOUR_MS),
        end_time=None if ended is None else rfc3339(ended // HOUR_MS * HOUR_MS),
        kw=energy_wh(session) / WH,
        price=session.per_kwh_minor,
    )


def types() -> list[ConnectorType]:
    """Give the catalogue of connector types, numbered from one (1.7 row 25)."""
    return [
        ConnectorType(id=number, name=name, power=RATED_KW[name])
        for number, name in enumerate(CATALOGUE, 1)
    ]


def connector_type(plate: Plate) -> ConnectorType:
    """Write what stands on the plate of a connector."""
    number = CATALOGUE.index(plate.type) + 1 if plate.type in CATALOGUE else None
    power = None if plate.power_w is None else plate.power_w / WH
    return ConnectorType(id=number, name=plate.type, power=power)


NOT_BUILT: Final[dict[int | str, dict[str, Any]]] = {501: {}}
NO_ACCOUNT: Final[dict[int | str, dict[str, Any]]] = {409: {}}  # a key of the installation has none
TOO_MANY: Final[dict[int | str, dict[str, Any]]] = {429: {}}
