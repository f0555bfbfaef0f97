"""What stays too long: told of once, asked about, and ended by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from csms_lite.alerts.service import list_alerts
from csms_lite.commands.service import list_commands, take_next
from csms_lite.jsontext import loads
from csms_lite.sessions import lingering_sql, service
from csms_lite.sessions.lingering import Asking, Grace, look
from csms_lite.sessions.rules import Start, Stop
from csms_lite.stations.rules import Observation
from csms_lite.stations.service import connected, observed
from csms_lite.store.thread import raw_of
from tests.csms_lite.inline import empty_database

MINUTE_MS = 60_000
GRACE = Grace(status_ms=5 * MINUTE_MS, overstay_ms=30 * MINUTE_MS)


class Yard:
    """A charger that tells statuses and sessions, under a clock that a test moves."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        self.now_ms = 1_000_000_000
        self.ids = iter(range(1000))
        self.is_online = True
        self.station_id = connected(
            db, "CP-1", accept_unknown=True, make_code=lambda: "CODE", now_ms=self.now_ms
        ).station_id
        self.say("Preparing")

    def say(self, status: str, connector: int = 1) -> None:
        told = Observation(connector, status, "NoError", None, None, None, self.now_ms)
        observed(self.db, self.station_id, told, self.now_ms)
        service.observed(self.db, self.station_id, connector, status, self.now_ms)

    def begin(self) -> int:
        begun = Start(
            connector=1,
            id_tag="A",
            meter_start_wh=0,
            started_at_ms=self.now_ms,
            reservation_id=None,
        )
        message_id = str(next(self.ids))
        return service.start(
            self.db,
            self.station_id,
            begun,
            verdict="Accepted",
            message_id=message_id,
            now_ms=self.now_ms,
        )[0]

    def end(self, number: int) -> None:
        ended = Stop(
            transaction_id=number,
            meter_stop_wh=1,
            stopped_at_ms=self.now_ms,
            reason="Local",
            id_tag=None,
            samples=(),
        )
        service.stop(self.db, self.station_id, ended, payload={}, now_ms=self.now_ms)

    def after(self, minutes: float, grace: Grace = GRACE) -> list[int]:
        """Move the clock and look; gives what the central system rings for."""
        self.now_ms += int(minutes * MINUTE_MS)
        asking = Asking(lambda _station: self.is_online, lambda: f"m{next(self.ids)}")
        return look(self.db, grace, asking, self.now_ms)

    def alerts(self) -> list[tuple[str, int, Any]]:
        found = list_alerts(self.db, 100, only_open=True)
        return [(one.kind, one.connector, loads(one.details_json)) for one in found]

    def asked(self) -> list[tuple[str, Any]]:
        found = list_commands(self.db, "CP-1", 100)
        return [(one.action, loads(one.payload_json)) for one in found]


@pytest.fixture
def yard() -> Iterator[Yard]:
    """A yard with one charger."""
    with empty_database() as db:
        yield Yard(db)


def test_a_session_whose_connector_stops_charging_is_asked_about_and_runs_on(yard: Yard) -> None:
    """B29: after the grace, once; the status that comes of it moves its time, not the alert."""
    number = yard.begin()
    assert yard.after(4) == []
    yard.say("Charging")
    assert yard.after(60) == []
    yard.say("Finishing")
    assert yard.after(4) == []
    assert yard.alerts() == []
    assert yard.after(1) == [yard.station_id]
    [(kind, connector, details)] = yard.alerts()
    assert (kind, connector) == ("not_charging", 1)
    assert (details["transaction_id"], details["status"]) == (number, "Finishing")
    assert yard.asked() == [
        ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1})
    ]
    yard.say("Finishing")
    for _ in range(5):
        assert yard.after(3) == []
    assert len(yard.alerts()) == len(yard.asked()) == 1
    assert service.session(yard.db, number).state == "running"
    yard.say("Charging")
    yard.after(0)
    assert yard.alerts() == []


def test_a_charger_that_repeats_its_status_every_minute_is_told_of_all_the_same(yard: Yard) -> None:
    """The status began when it was told first, whatever time comes with the repeats."""
    yard.begin()
    for _ in range(6):
        yard.say("Finishing")
        yard.after(1)
    assert [kind for kind, *_ in yard.alerts()] == ["not_charging"]


def test_the_end_of_the_session_ends_its_alert(yard: Yard) -> None:
    """Whoever ends it: the charger's word, or an operator."""
    for ends in (yard.end, yard_close(yard)):
        number = yard.begin()
        yard.say("Available")
        yard.after(6)
        assert [kind for kind, *_ in yard.alerts()] == ["not_charging"]
        ends(number)
        yard.after(0)
        assert yard.alerts() == []


def yard_close(yard: Yard) -> Any:
    def by_hand(number: int) -> None:
        service.close(
            yard.db,
            number,
            by="x",
            reason="it was gone long ago",
            is_confirmed=True,
            now_ms=yard.now_ms,
        )

    return by_hand


def test_a_charger_that_is_away_is_told_of_and_asked_nothing(yard: Yard) -> None:
    """The alert stays for the operator; a frame would only expire."""
    yard.begin()
    yard.is_online = False
    assert yard.after(6) == []
    assert [kind for kind, *_ in yard.alerts()] == ["not_charging"]
    assert yard.asked() == []
    assert take_next(yard.db, yard.station_id, yard.now_ms).command is None


def test_a_cable_that_stays_in_after_the_end_is_told_of(yard: Yard) -> None:
    """B65: after the time of the setting, once, until it is out."""
    number = yard.begin()
    yard.say("Charging")
    yard.after(60)
    yard.end(number)
    yard.say("Finishing")
    yard.after(29)
    assert yard.alerts() == []
    assert yard.after(1) == []
    [(kind, connector, details)] = yard.alerts()
    assert (kind, connector, details["transaction_id"]) == ("overstay", 1, number)
    yard.after(60)
    assert len(yard.alerts()) == 1
    yard.say("Available")
    yard.after(0)
    assert yard.alerts() == []
    assert yard.asked() == []


def test_what_is_switched_off_raises_nothing_and_ends_what_it_raised(yard: Yard) -> None:
    """0 in the settings."""
    yard.begin()
    yard.after(6)
    assert len(yard.alerts()) == 1
    yard.after(1, Grace())
    assert yard.alerts() == []


@pytest.mark.parametrize("query", [lingering_sql.not_charging, lingering_sql.overstaying])
def test_looking_reads_sessions_by_an_index(query: Any) -> None:
    """It is done every few seconds, and a car park's years of sessions are not to be read."""
    with empty_database() as db:
        values = [0] * query.text.count("?")
        plan = raw_of(db).execute(f"EXPLAIN QUERY PLAN {query.text}", values).fetchall()
    told = [str(row[3]) for row in plan]
    assert not [one for one in told if one.startswith("SCAN") and "sessions" in one.split()[1]]
    if query is lingering_sql.overstaying:  # nearly all sessions of all years are closed
        assert not [one for one in told if "ix_sessions_state" in one]
