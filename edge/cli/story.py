"""`tapwatt demo --scripted`: a whole story unattended, and the reckoning at its end.

Every wait is for a fact: in the bay's snapshot, or in the central system's records.
"""

from __future__ import annotations

from typing import Any, Final

from edge.cli.installation import CARDS, STATION, Installation, Say
from edge.cli.reckoning import Played, Reckoning, reckon, told_from

OPTIONS: Final = (
    "ocpp.MeterValueSampleInterval=2",
    "csms.backoff_first_s=0.2",
    "policy.start_stop_dead_time_s=1",
    "policy.stop_start_dead_time_s=1",
)
SHORTENED: Final = (
    "shortened for the story: samples every 2 s, redial after 0.2 s,"
    " 1 s from start to stop by one card and back (10 s and 5 s by default)"
)
FIRST_WH: Final = 10
CUT_SAMPLES: Final = 3
OFFLINE_WH: Final = 10
DARK_WH: Final = 10
WITHIN_S: Final = 15.0


class Story:
    """A driver's hands, the line's and the grid's troubles; *say* tells each step."""

    def __init__(self, installation: Installation, say: Say) -> None:
        self._all = installation
        self._say = say
        self._played: list[Played] = []

    def play(self) -> Reckoning:
        """Play it to the end; raises `EdgeError` when a step does not come about."""
        self._through_a_cut_line()
        self._offline()
        self._through_a_power_cut()
        self._all.until(outbox=0)
        return self._reckoning()

    def _through_a_cut_line(self) -> None:
        begin_wh = self._start(1, FIRST_WH)
        self._all.bay("net", mode="down")
        self._all.until(online=False)
        self._say("line cut while charging")
        state = self._all.until(WITHIN_S, outbox={"gte": CUT_SAMPLES})
        energy_wh = state["connectors"]["1"]["session"]["energy_wh"]
        self._say(f"samples go on: {state['outbox']} wait in the journal, {energy_wh} Wh so far")
        self._all.bay("net", mode="up")
        self._all.until(online=True, outbox=0)
        self._say("line back: the samples are told, the charging went on")
        self._stop(1)
        self._unplug(1)
        self._closed(1, begin_wh)

    def _offline(self) -> None:
        self._all.bay("net", mode="down")
        self._all.until(online=False)
        self._say("line cut again, nobody charges")
        begin_wh = self._start(2, OFFLINE_WH)
        self._stop(2)
        self._unplug(2)
        self._say("this session began and ended offline")
        self._all.bay("net", mode="up")
        self._all.until(online=True, outbox=0)
        self._say("line back")
        self._closed(2, begin_wh)

    def _through_a_power_cut(self) -> None:
        begin_wh = self._start(1, DARK_WH)
        self._all.bay("power", mode="kill")
        self._all.edge.gone()
        self._at(1, contactor_closed=False)
        self._say("power cut while charging: the controller is dead, the contactor has fallen open")
        self._all.restart_edge()
        self._say("power back, the controller starts again")
        session = self._closed(1, begin_wh)
        self._say(f"what was running is closed as {session['stop_reason']} at the meter's register")
        self._unplug(1)

    def _start(self, connector: int, until_wh: int) -> float:
        """Plug, tap, and charge until *until_wh*; the register before."""
        begin_wh = self._register(connector)
        self._all.bay("plug", connector=connector)
        self._at(connector, status="Preparing")
        self._say(f"connector {connector}: cable plugged in")
        self._all.bay("card", uid=CARDS[0])
        self._say(f"connector {connector}: card …{CARDS[0][-4:]} tapped")
        state = self._at(connector, status="Charging", power_w={"gte": 7000})
        power_w = state["connectors"][str(connector)]["power_w"]
        self._say(f"connector {connector}: charging at {power_w / 1000:.1f} kW")
        self._at(connector, session__energy_wh={"gte": until_wh})
        return begin_wh

    def _stop(self, connector: int) -> None:
        self._all.bay("card", uid=CARDS[0])
        self._at(connector, session=None, contactor_closed=False, status="Finishing")
        self._say(f"connector {connector}: card tapped, charging ended, contactor open")

    def _unplug(self, connector: int) -> None:
        self._all.bay("unplug", connector=connector)
        self._at(connector, status="Available")
        self._say(f"connector {connector}: cable out, free for the next driver")

    def _closed(self, connector: int, begin_wh: float) -> dict[str, Any]:
        """Wait until the central system has the session closed; count it as played."""
        count = len(self._played) + 1

        def closed() -> dict[str, Any] | None:
            newest, *_ = sessions = self._sessions()
            return newest if len(sessions) >= count and newest["state"] == "closed" else None

        session = self._all.central.until(f"closed session {count}", closed, WITHIN_S)
        end_wh = self._register(connector)
        self._played.append(Played(connector=connector, begin_wh=begin_wh, end_wh=end_wh))
        number, energy_wh = session["transaction_id"], session["energy_wh"]
        self._say(f"the central system has it: transaction {number}, {energy_wh} Wh")
        return session

    def _reckoning(self) -> Reckoning:
        outlets = self._all.bay("world")["connectors"].values()
        events = self._all.central.ask("GET", f"/api/chargers/{STATION}/events")
        return reckon(
            self._played,
            [told_from(session) for session in self._sessions()],
            drawn_wh=sum(outlet["drawn_wh"] for outlet in outlets),
            events=[event["kind"] for event in events],
            dead_letters=self._all.bay("state")["dead_letters"],
        )

    def _sessions(self) -> list[dict[str, Any]]:
        """What the central system has, newest first."""
        sessions: list[dict[str, Any]] = self._all.central.ask("GET", "/api/sessions")
        return sessions

    def _register(self, connector: int) -> float:
        register_wh: float = self._all.bay("world")["connectors"][str(connector)]["energy_wh"]
        return register_wh

    def _at(self, connector: int, **condition: Any) -> dict[str, Any]:
        wanted = {f"connectors__{connector}__{name}": value for name, value in condition.items()}
        return self._all.until(WITHIN_S, **wanted)
