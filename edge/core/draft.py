"""A step in the making: the state so far, the facts to work off, the effects to come."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from edge.core import keys
from edge.core.bay import Bay
from edge.core.effects import Ask, Effect, ReadMeter, Send, Store, Write
from edge.core.facts import Fact
from edge.core.instant import Instant
from edge.core.messages import Request
from edge.core.records import Record
from edge.core.setup import Policy
from edge.core.state import ChargePoint, Station
from edge.core.waiting import MOST_WAITING, Purpose, Waiting


class Draft:
    """Lives for one step. A machine reads all of it and writes its own field, facts and effects."""

    __slots__ = ("at", "effects", "facts", "state")

    def __init__(self, state: ChargePoint, at: Instant) -> None:
        self.state = state
        self.at = at
        self.facts: deque[Fact] = deque()
        self.effects: list[Effect] = []

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self.at.monotonic

    @property
    def station(self) -> Station:
        """The station so far."""
        return self.state.station

    @property
    def policy(self) -> Policy:
        """The owner's choices."""
        return self.state.setup.policy

    def bay(self, connector: int) -> Bay:
        """The bay of *connector* so far."""
        return self.state.bay(connector)

    def put_station(self, **fields: Any) -> None:
        """Replace *fields* of the station."""
        self.state = replace(self.state, station=replace(self.state.station, **fields))

    def put(self, connector: int, /, **fields: Any) -> None:
        """Replace *fields* of the bay of *connector*."""
        bays = list(self.state.bays)
        bays[connector - 1] = replace(bays[connector - 1], **fields)
        self.state = replace(self.state, bays=tuple(bays))

    def tell(self, *facts: Fact) -> None:
        """Raise *facts* for the machines that `routes` names."""
        self.facts.extend(facts)

    def do(self, *effects: Effect) -> None:
        """Ask for *effects*; their beat decides when they run."""
        self.effects.extend(effects)

    def write(self, *records: Record) -> None:
        """Add *records* to this step's commit."""
        self.effects.extend(Write(record=record) for record in records)

    def store(self, purpose: Purpose, record: Record) -> None:
        """Write *record* if the disk takes it now; nothing may rest on it before `Stored`."""
        self.do(Store(ticket=self.ticket(purpose), record=record))

    def message_id(self) -> str:
        """A message id that was never used before and never will be (errata 3.1)."""
        number = self.state.message_count + 1
        self.state = replace(self.state, message_count=number)
        return f"{self.state.setup.nonce}-{number:x}"

    def ticket(self, purpose: Purpose, within_s: float | None = None) -> int:
        """Remember *purpose* under a new ticket, for *within_s* or until it is settled."""
        assert len(self.state.waiting) < MOST_WAITING, "tickets leak"
        number = self.state.last_ticket + 1
        until = None if within_s is None else self.now + within_s
        waiting = {**self.state.waiting, number: Waiting(purpose=purpose, until=until)}
        self.state = replace(self.state, last_ticket=number, waiting=waiting)
        return number

    @property
    def has_room(self) -> bool:
        """Whether a message that may be left out still finds a ticket: the peer may hang."""
        return len(self.state.waiting) < MOST_WAITING // 2

    def awaits(self, purpose: Purpose) -> bool:
        """Whether an answer for *purpose* is on its way."""
        return any(waiting.purpose == purpose for waiting in self.state.waiting.values())

    def forget(self, ticket: int) -> Purpose | None:
        """Take the purpose of *ticket* out of the state, if it still waits."""
        found = self.state.waiting.get(ticket)
        if found is None:
            return None
        waiting = {key: value for key, value in self.state.waiting.items() if key != ticket}
        self.state = replace(self.state, waiting=waiting)
        return found.purpose

    def keep(self, ticket: int, purpose: Purpose) -> None:
        """Wait on under *ticket* for an answer that is late, but still good for *purpose*."""
        waiting = {**self.state.waiting, ticket: Waiting(purpose=purpose)}
        self.state = replace(self.state, waiting=waiting)

    def request(self, purpose: Purpose, message: Request, within_s: float | None = None) -> None:
        """Ask the central system something that states no recorded fact.

        *within_s* counts from now, what waits on the line before it included; the line itself
        listens for the answer as long as for any other.
        """
        self.do(
            Ask(
                ticket=self.ticket(purpose, within_s),
                message_id=self.message_id(),
                message=message,
                within_s=keys.number(self.state, "MessageTimeout"),
            )
        )

    def send(
        self,
        purpose: Purpose,
        message: Request,
        message_id: str | None = None,
        behind: int | None = None,
    ) -> None:
        """Tell the central system a fact, once this step is written, *behind* another's ticket."""
        self.do(
            Send(
                ticket=self.ticket(purpose),
                message_id=self.message_id() if message_id is None else message_id,
                message=message,
                within_s=keys.number(self.state, "MessageTimeout"),
                behind=behind,
            )
        )

    def read_meter(self, purpose: Purpose, connector: int) -> None:
        """Ask the meter of *connector* for a fresh reading."""
        self.do(
            ReadMeter(ticket=self.ticket(purpose, self.policy.meter_within_s), connector=connector)
        )
