"""From the source to the database, by real HTTP and the real firebase-admin."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.bridge.conftest import QUICK, Bridging
from tests.bridge.sources import BEGAN, CODE, Talking, Teller
from tests.rtdb.double import Double
from tests.waiting import until

STATUS = f"/public/{CODE}/status"
OTHER = "ABCD2345"


def stands(double: Double, code: str = CODE) -> Any:
    """The sequence that stands in the database."""
    found = double.tree.get(f"public/{code}/status")
    return found and found["sequence"]


def asks(double: Double, path: str) -> int:
    """How often *path* was asked for or written."""
    return sum(one.path == path for one in list(double.asked))


async def test_what_the_source_tells_stands_in_the_database(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """The whole document, nulls left out, by an identity that is this station's only."""
    source.say(teller.document(why=[]))
    async with bridging():
        await until(lambda: stands(double) == 101)
        found = double.tree.get(f"public/{CODE}/status")
        assert found["connectors"] == [
            {
                "connector": 1,
                "status": "Available",
                "error_code": "NoError",
                "since": "2025-06-14T09:30:00Z",
                "why": "nothing",
            }
        ]
        assert found["station"] == {"id": CODE, "name": "Hall", "online": True}
        source.say(teller.document(status="Charging", power_w=7380))
        await until(lambda: stands(double) == 102)
        assert double.tree.get(f"public/{CODE}/status/connectors/0/power_w") == 7380
    who = {json.dumps(one.identity) for one in double.asked}
    assert who == {json.dumps({"uid": f"edge-{CODE}", "station": CODE})}


async def test_at_most_one_write_a_second_and_the_latest_wins(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """What comes faster is forgotten but for the last."""
    pace = type(QUICK)(between_s=1.0)
    async with bridging(pace=pace):
        source.say(teller.document())
        await until(lambda: stands(double) == 101)
        began = asyncio.get_running_loop().time()
        for _ in range(50):
            source.say(teller.document())
        await until(lambda: stands(double) == 151)
        assert asyncio.get_running_loop().time() - began > 0.8
    assert len(double.writes(STATUS)) == 2


async def test_nothing_older_overwrites(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """Neither what a second bridge brings late, nor what this one held while it was away."""
    old = teller.document()
    source.say(old)
    async with bridging():
        await until(lambda: stands(double) == 101)
        newer = teller.document() | {"sequence": 110}
        double.tamper(f"public/{CODE}/status", newer)  # another bridge was faster
        late = teller.document()
        source.say(late)
        await until(lambda: [one.body for one in double.writes(STATUS)][1:])
        source.say(late | {"sequence": 100})
        asked = len(double.asked)
        await until(lambda: [one for one in list(double.asked)[asked:] if one.path == STATUS])
        assert stands(double) == 110
        teller.sequence = 110
        source.say(teller.document())
        await until(lambda: stands(double) == 111)


async def test_a_source_that_counts_anew_is_believed_after_a_reconnect(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """Its database was wiped: small numbers, a later time, a new connection."""
    source.say(teller.document())
    async with bridging():
        await until(lambda: stands(double) == 101)
        source.cut()
        await until(lambda: source.watched() == 0)
        teller.sequence = 0
        source.last[CODE] = json.dumps(teller.document())
        source.mend()
        await until(lambda: stands(double) == 1)
        source.say(teller.document())
        await until(lambda: stands(double) == 2)


async def test_a_wiped_source_is_believed_after_a_restart_of_the_bridge(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """The order is kept by the database, not by the bridge's memory."""
    source.say(teller.document())
    async with bridging():
        await until(lambda: stands(double) == 101)
    earlier = teller.document() | {"sequence": 5, "at": (BEGAN - timedelta(days=1)).isoformat()}
    source.say(earlier)
    async with bridging():
        await until(lambda: any(one.method == "GET" for one in double.asked if one.path == STATUS))
        source.say(teller.document())
        await until(lambda: stands(double) == 103)
        assert [one.body["sequence"] for one in double.writes(STATUS)] == [101, 103]
    teller.sequence = 0
    source.say(teller.document())
    async with bridging():
        await until(lambda: stands(double) == 1)


async def test_a_clock_that_was_wrong_once_does_not_block_for_ever(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """What stands there is from a time that has not come: it is no guide."""
    source.say(teller.document() | {"at": "2099-01-01T00:00:00Z"})
    async with bridging():
        await until(lambda: stands(double) == 101)
    teller.sequence, teller.at = 0, datetime(2026, 1, 1, tzinfo=UTC)
    source.say(teller.document())
    async with bridging(now=datetime(2026, 1, 1, tzinfo=UTC)):
        await until(lambda: stands(double) == 1)


async def test_outages_of_either_side_are_caught_up_with(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """The newest of what was said meanwhile, by itself, without a new word of the source."""
    source.say(teller.document())
    async with bridging():
        await until(lambda: stands(double) == 101)
        double.stop()
        for _ in range(5):
            source.say(teller.document())
        double.start()
        await until(lambda: stands(double) == 106)
        source.cut()
        source.last[CODE] = json.dumps(teller.document())
        source.mend()
        await until(lambda: stands(double) == 107)


async def test_a_conditional_write_needs_no_answered_tag(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """A database that tells no new tag is asked for it."""
    double.tells_new_tag = False
    async with bridging():
        for _ in range(3):
            source.say(teller.document())
            await until(lambda: stands(double) == teller.sequence)
    assert len(double.writes(STATUS)) == 3


async def test_a_pulse_says_that_the_mirror_lives_while_the_source_does(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """One request for all stations; none for a station that is not heard."""
    other = Teller(OTHER)
    source.say(teller.document())
    source.say(other.document())
    async with bridging(CODE, OTHER):
        place = f"public/{CODE}/mirrored_at"
        await until(lambda: double.tree.get(place) and double.tree.get(f"public/{OTHER}"))
        await until(lambda: len(double.writes("/public")[-1].body) == 2)
        first = double.tree.get(place)
        await until(lambda: double.tree.get(place) > first)
        source.cut()
        await until(lambda: source.watched() == 0)
        pulses, looks = len(double.writes("/public")), asks(double, STATUS)
        source.last.clear()  # connected again, yet nothing is said
        source.mend()
        await until(lambda: asks(double, STATUS) > looks)  # once in fifteen pulses
        looks = asks(double, STATUS)
        await until(lambda: asks(double, STATUS) > looks)
        assert len(double.writes("/public")) <= pulses + 1


async def test_what_cannot_be_written_is_not_vouched_for(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """An old status under a fresh proof would look alive."""
    source.say(teller.document())
    async with bridging():
        await until(lambda: stands(double) == 101 and len(double.writes("/public")) > 1)
        double.refuses = lambda path: path == STATUS
        source.say(teller.document())
        await until(lambda: len(double.writes(STATUS)) > 2)
        pulses, writes = len(double.writes("/public")), len(double.writes(STATUS))
        await until(lambda: len(double.writes(STATUS)) > writes + 10)
        assert len(double.writes("/public")) <= pulses + 1
        double.refuses = lambda _: False
        await until(lambda: len(double.writes("/public")) > pulses + 1)
        assert stands(double) == 102


async def test_what_was_refused_as_older_is_tried_again(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """Without a new word of the source: who stood in the way may be gone."""
    stranger = teller.document() | {"at": "2030-01-01T00:00:00Z", "sequence": 10**6}
    double.tamper(f"public/{CODE}/status", stranger)
    source.say(teller.document())
    async with bridging(now=datetime(2030, 1, 1, tzinfo=UTC)):
        await until(lambda: any(one.path == STATUS for one in double.asked))
        double.tamper(f"public/{CODE}", None)
        await until(lambda: stands(double) == 102)


async def test_the_first_proof_comes_with_the_first_document(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """Also after a restart that has nothing to write: the page would wait for the next pulse."""
    source.say(teller.document())
    pace = type(QUICK)(between_s=0.05, pulse_s=3600.0)
    place = f"public/{CODE}/mirrored_at"
    async with bridging(pace=pace):
        await until(lambda: double.tree.get(place))
    first = double.tree.get(place)
    async with bridging(pace=pace):
        await until(lambda: double.tree.get(place) > first)
    assert len(double.writes(STATUS)) == 1


async def test_what_was_changed_by_hand_is_put_right(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """A station deleted in the console comes back without a word of the source."""
    source.say(teller.document())
    async with bridging():
        await until(lambda: stands(double) == 101)
        double.tamper("public", None)
        await until(lambda: stands(double) == 101)


async def test_a_refused_proof_has_its_stations_looked_at(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """The rules let nobody vouch for what is not there: it is put back at once."""
    source.say(teller.document())
    async with bridging():
        await until(lambda: stands(double) == 101 and double.tree.get(f"public/{CODE}/mirrored_at"))
        looks = asks(double, STATUS)
        await until(lambda: asks(double, STATUS) > looks)  # the next one by itself is far
        double.refuses = lambda path: path == "/public"
        double.tamper("public", None)
        pulses = len(double.writes("/public"))
        await until(lambda: stands(double) == 101)
        assert len(double.writes("/public")) < pulses + 5


async def test_a_station_that_is_dismissed_disappears(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """While the bridge runs, and also if it was away; nothing of another bridge's."""
    other = Teller(OTHER)
    source.say(teller.document())
    source.say(other.document())
    in_service = {"registration": "Accepted", "dismissed_at": None}
    source.listed = [
        {"id": f"CP-{one}", "name": one, "code": one, **in_service} for one in (CODE, OTHER)
    ]
    double.tamper("public/FOREIGN", {"status": {"sequence": 1}})
    async with bridging(token="a-token"):
        await until(lambda: stands(double) == 101 and stands(double, OTHER) == 101)
        assert set(source.tokens) == {"a-token"}
        source.listed[0]["dismissed_at"] = "2025-06-14T09:30:00Z"
        await until(lambda: stands(double) is None)
        await until(lambda: double.tree.get("bridges/bridge") == {OTHER: True})
        source.listed[0]["dismissed_at"] = None
        await until(lambda: stands(double) == 101)
    source.listed = source.listed[:1]
    async with bridging(token="a-token"):
        await until(lambda: stands(double, OTHER) is None)
    assert stands(double, "FOREIGN") == 1
    assert stands(double) == 101


async def test_a_session_is_kept_once_under_a_name_that_nobody_guesses(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """The same after a restart; a session that runs on, or may cost more, is not kept yet."""
    source.say(teller.document(session=teller.finished()["connectors"][0]["session"] | {
        "stopped_at": None, "cost_final": False,
    }))  # fmt: skip
    async with bridging():
        await until(lambda: stands(double) is not None)
        source.say(teller.finished(cost_final=False))
        await until(lambda: double.tree.get(STATUS)["connectors"][0]["status"] == "Finishing")
        assert double.tree.get("sessions") is None
        source.say(teller.finished())
        await until(lambda: double.tree.get("sessions"))
    ((name, kept),) = double.tree.get("sessions").items()
    assert len(name) == 22
    assert kept.pop("mirrored_at")
    assert kept == {
        "station": CODE, "name": "Hall", "source": "csms", "connector": 1, "currency": "EUR",
        "tag": "…E580", "started_at": "2025-06-14T09:30:00Z", "energy_wh": 1234,
        "stopped_at": "2025-06-14T09:39:00Z", "cost_minor": 60, "cost_final": True,
        "stop_reason": "Local",
    }  # fmt: skip
    source.say(teller.finished(energy_wh=9999))
    async with bridging():
        await until(lambda: stands(double) == teller.sequence)
        source.say(teller.finished(BEGAN + timedelta(hours=1)))
        await until(lambda: len(double.tree.get("sessions")) == 2)
    assert double.tree.get(f"sessions/{name}")["energy_wh"] == 1234


async def test_a_session_that_ends_while_the_database_is_away_is_kept_later(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """Also when the next driver has come meanwhile: sessions are no matter of the latest word."""
    source.say(teller.document())
    async with bridging():
        await until(lambda: stands(double) == 101)
        double.stop()
        source.say(teller.finished())
        source.say(teller.document())
        double.start()
        await until(lambda: stands(double) == teller.sequence)
        await until(lambda: double.tree.get("sessions"))


async def test_a_session_that_stands_is_not_written_again(
    source: Talking, double: Double, teller: Teller, bridging: Bridging
) -> None:
    """The rules would refuse it, and a refusal would be tried for ever."""
    source.say(teller.finished())
    async with bridging():
        await until(lambda: double.tree.get("sessions"))
    place = f"/sessions/{next(iter(double.tree.get('sessions')))}"
    asked = asks(double, place)
    async with bridging():
        await until(lambda: asks(double, place) > asked)
        source.say(teller.finished(BEGAN + timedelta(hours=1)))
        await until(lambda: len(double.tree.get("sessions")) == 2)
    assert len(double.writes(place)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        "{",
        "[]",
        "x" * 300_000,
        '{"version": 2}',
        json.dumps(Teller("SOMEELSE").document()),
        json.dumps(Teller().finished(tag="04A2B1C3D4E580")),
        json.dumps(Teller().document(status="Dreaming")),
        json.dumps(Teller().document())[:-1] + f', "x": {"[" * 9999}{"]" * 9999}}}',
    ],
    ids=["half", "list", "endless", "version", "stranger", "uid", "status", "deep"],
)
async def test_what_breaks_the_contract_goes_no_further(
    source: Talking, double: Double, teller: Teller, bridging: Bridging, wrong: str
) -> None:
    """No full card number, nothing of another station; the next good word is heard."""
    source.say_raw(CODE, wrong)
    async with bridging():
        await until(lambda: source.watched() == 1)
        await until(lambda: source.watched() == 0)
        source.say(teller.document())
        await until(lambda: stands(double) == 101)
    told = json.dumps([one.body for one in double.asked])
    assert "04A2" not in told
    assert "SOMEELSE" not in told
