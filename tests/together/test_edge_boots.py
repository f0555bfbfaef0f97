"""The whole daemon on the simulated bay: a session, a kill in its middle, a power cut, a stop."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.cli import main
from tests.together.edge_bench import CARD, Bench, bench, end
from tests.waiting import WITHIN_S, until

pytestmark = [pytest.mark.together, pytest.mark.slow]

SWIFT = (
    "ocpp.MeterValueSampleInterval=1",
    "policy.stop_start_dead_time_s=0",
    "policy.start_stop_dead_time_s=0",
    "policy.reclose_delay_s=0.5",
)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def bay(directory: Path) -> AsyncIterator[Bench]:
    async with bench(directory) as made:
        yield made


async def charging(bay: Bench) -> None:
    """Plug, tap, and wait until energy flows and the start is answered."""
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.tap()
    await bay.wait(status="Charging", contactor_closed=True)
    await until(lambda: bay.central.payloads("StartTransaction"))


async def test_a_session_from_plug_to_stop_reaches_the_central_system(bay: Bench) -> None:
    """Flow (a), (b), (c) of the architecture, on real wires."""
    bay.start(*SWIFT)
    await until(lambda: bay.central.payloads("BootNotification"))
    await until(lambda: bay.central.statuses(1) == ["Available"])
    await charging(bay)
    await until(lambda: len(bay.central.payloads("MeterValues")) >= 2)
    await bay.tap()
    await until(lambda: bay.central.payloads("StopTransaction"))
    await bay.sim("unplug", connector=1)
    await until(lambda: bay.central.statuses(1)[-1] == "Available")

    (start,) = bay.central.payloads("StartTransaction")
    (stop,) = bay.central.payloads("StopTransaction")
    world = (await bay.sim("world"))["connectors"]["1"]
    assert start["idTag"] == CARD
    assert stop["meterStop"] > start["meterStart"]
    assert stop["transactionId"] == 4711
    assert stop.get("reason", "Local") == "Local"
    assert all(sample["transactionId"] == 4711 for sample in bay.central.payloads("MeterValues"))
    assert abs(stop["meterStop"] - start["meterStart"] - world["drawn_wh"]) <= 10
    for status in ("Preparing", "Charging", "Finishing"):
        assert status in bay.central.statuses(1)
    assert bay.control("journal")["count"] == 0


async def test_a_killed_daemon_goes_on_with_the_session_it_left(bay: Bench) -> None:
    """Ruling 40: a process restart is not a power cut; nothing is lost, nothing told twice."""
    bay.start(*SWIFT)
    await charging(bay)
    await until(lambda: bay.central.payloads("MeterValues"))
    assert bay.daemon is not None
    end(bay.daemon, signal.SIGKILL)
    bay.start(*SWIFT)
    await bay.wait(status="Charging", contactor_closed=True)
    await bay.tap()
    await until(lambda: bay.central.payloads("StopTransaction"))
    assert len(bay.central.payloads("StartTransaction")) == 1
    (stop,) = bay.central.payloads("StopTransaction")
    assert stop["transactionId"] == 4711
    world = (await bay.sim("world"))["connectors"]["1"]
    start = bay.central.payloads("StartTransaction")[0]
    assert abs(stop["meterStop"] - start["meterStart"] - world["drawn_wh"]) <= 10
    assert len(bay.central.payloads("BootNotification")) == 2


async def test_a_power_cut_closes_the_session_at_the_meters_register(bay: Bench) -> None:
    """Flow (d): stop with PowerLoss, energy as the meter shows it, the plug let go."""
    bay.start(*SWIFT)
    await charging(bay)
    await until(lambda: bay.central.payloads("MeterValues"))
    answer = await bay.sim("power", mode="kill")
    assert answer["daemon"] == "died"
    await bay.wait(contactor_closed=False)
    assert bay.daemon is not None
    bay.daemon.wait(timeout=WITHIN_S)
    bay.start(*SWIFT)
    await until(lambda: bay.central.payloads("StopTransaction"))
    (stop,) = bay.central.payloads("StopTransaction")
    assert stop["reason"] == "PowerLoss"
    start = bay.central.payloads("StartTransaction")[0]
    world = (await bay.sim("world"))["connectors"]["1"]
    assert abs(stop["meterStop"] - start["meterStart"] - world["drawn_wh"]) <= 10


async def test_a_session_started_and_stopped_offline_is_told_in_order_later(
    bay: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """3.7: chronological, once, with the number that the start got."""
    bay.start(*SWIFT, "ocpp.AllowOfflineTxForUnknownId=true")
    await until(lambda: bay.central.statuses(1) == ["Available"])
    await bay.sim("net", mode="down")
    await bay.sim("wait", condition={"online": False})
    await bay.sim("plug", connector=1)
    await bay.wait(status="Preparing")
    await bay.tap()
    await bay.wait(status="Charging")
    await bay.tap()
    await bay.wait(session=None)
    assert bay.central.payloads("StartTransaction") == []
    assert main(["edge", "journal", "--state-dir", str(bay.directory / "d")]) == 0
    listed = capsys.readouterr().out
    assert listed.index("StartTransaction") < listed.index("StopTransaction")
    await bay.sim("net", mode="up")
    await until(lambda: bay.central.payloads("StopTransaction"))
    told = [action for action, _, _ in bay.central.calls if "Transaction" in action]
    assert told == ["StartTransaction", "StopTransaction"]
    assert bay.central.payloads("StopTransaction")[0]["transactionId"] == 4711


async def test_a_soft_reset_answers_first_and_boots_again(bay: Bench) -> None:
    """Ruling 39: Reset.conf before anything; the same command line comes back."""
    bay.start(*SWIFT)
    await until(lambda: bay.central.statuses(1) == ["Available"])
    answer = await bay.central.command("r-1", "Reset", {"type": "Soft"})
    assert answer == {"status": "Accepted"}
    await until(lambda: len(bay.central.payloads("BootNotification")) == 2)
    assert bay.daemon is not None
    assert bay.daemon.poll() is None
    assert end(bay.daemon) == 0


async def test_sigterm_leaves_within_two_seconds_with_the_contactor_open(bay: Bench) -> None:
    """Off first, also at the end; the transaction stays open in the journal."""
    bay.start(*SWIFT)
    await charging(bay)
    assert bay.daemon is not None
    assert end(bay.daemon, within_s=2) == 0
    await bay.wait(contactor_closed=False)
    assert bay.central.payloads("StopTransaction") == []


def waiting_in_the_file(bay: Bench) -> int:
    with closing(sqlite3.connect(bay.directory / "d" / "journal.sqlite3")) as file:
        count: int = file.execute("SELECT count(*) FROM outbox").fetchone()[0]
        return count


async def test_an_orderly_end_leaves_no_answered_sample_in_the_outbox(bay: Bench) -> None:
    """The row of its answer waited for the next commit; the end is one."""
    bay.start(*SWIFT, "ocpp.MeterValueSampleInterval=3")
    await charging(bay)
    await until(lambda: bay.central.payloads("MeterValues"))
    await until(lambda: bay.control("status")["outbox"] == 0)
    assert bay.daemon is not None
    assert end(bay.daemon) == 0
    assert waiting_in_the_file(bay) == 0


async def test_a_second_daemon_on_the_same_state_is_refused_in_one_sentence(
    bay: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two masters of one contactor must not be."""
    bay.start(*SWIFT)
    first = bay.daemon
    with pytest.raises(AssertionError):
        bay.start(*SWIFT)
    assert "is in use by another daemon" in capfd.readouterr().err
    bay.daemon = first
    assert bay.control("status")["connectors"]["1"]["status"] == "Available"


async def test_it_knows_what_it_writes_and_what_a_power_cut_would_cost(bay: Bench) -> None:
    """Firsts 12 and 19; its readings of each second are in memory alone."""
    bay.start(*SWIFT)
    await charging(bay)
    await until(lambda: len(bay.central.payloads("MeterValues")) >= 2)
    status = bay.control("status")
    assert status["disk"]["written_bytes"] > 0
    costs = status["power_cut"]
    assert costs["at_most_wh"] == pytest.approx(2 * 32 * 230 * 2 / 3600, abs=4.1)
    assert 0 <= costs["register_age_s"]["1"] < 3
    assert costs["register_age_s"]["2"] is None
    assert costs["now_at_most_wh"] < costs["at_most_wh"] * 2
    assert 0 <= costs["flushed_now_at_most_wh"] < 2 * 32 * 230 * 2 / 3600
    readings = bay.control("readings")["readings"]
    assert max(row["power_w"] for row in readings if row["connector"] == 1) > 7000
    assert len(readings) > len(bay.central.payloads("MeterValues"))


def reader_failure_is_told(bay: Bench) -> bool:
    told = bay.central.payloads("StatusNotification")
    return any(each["errorCode"] == "ReaderFailure" for each in told)


async def test_a_lost_meter_and_reader_are_told_and_found_again(bay: Bench) -> None:
    """No meter: no new session; the rest keeps working, and all comes back by itself."""
    retrying = ("supervision.retry_first_s=0.1", "supervision.retry_most_s=0.5")
    bay.start(*SWIFT, *retrying, "simulated.probe_s=1")
    await until(lambda: bay.central.statuses(1) == ["Available"])
    await bay.sim("meter.fail", connector=1, mode="timeout")
    await bay.sim("reader.fail", reader=0, on=True)
    await until(lambda: bay.central.statuses(1)[-1] == "Faulted", within_s=25)
    told = bay.central.payloads("StatusNotification")
    codes = {(each["connectorId"], each["errorCode"]) for each in told}
    assert (1, "PowerMeterFailure") in codes
    await until(lambda: reader_failure_is_told(bay))
    await bay.sim("meter.fail", connector=1, mode="none")
    await bay.sim("reader.fail", reader=0, on=False)
    await until(lambda: bay.central.statuses(1)[-1] == "Available")
    await charging(bay)


async def test_a_back_up_supply_is_used_for_last_words(bay: Bench) -> None:
    """`power off`: the stop is told with PowerLoss before the lights go out."""
    bay.start(*SWIFT)
    await charging(bay)
    assert (await bay.sim("power", mode="off"))["daemon"] == "leaving"
    assert bay.daemon is not None
    assert bay.daemon.wait(timeout=5) == 0
    (stop,) = bay.central.payloads("StopTransaction")
    assert stop["reason"] == "PowerLoss"


async def test_a_power_good_input_ends_the_session_before_it_is_dark(bay: Bench) -> None:
    """Firsts 19: the pin falls, PowerLoss is told; the mains come back, and all is as before."""
    bay.start(*SWIFT)
    await charging(bay)
    await bay.sim("power", mode="fail")
    await until(lambda: bay.central.payloads("StopTransaction"))
    (stop,) = bay.central.payloads("StopTransaction")
    assert stop["reason"] == "PowerLoss"
    await until(lambda: bay.central.statuses(1)[-1] == "Finishing")
    await until(lambda: bay.central.statuses(2)[-1] == "Unavailable")
    await bay.sim("power", mode="back")
    await until(lambda: bay.central.statuses(2)[-1] == "Available")
    await bay.sim("wait", condition={"connectors.1.session": None, "supply_lost": False})
    assert bay.central.statuses(1)[-1] == "Finishing"


async def test_forgetting_comes_with_a_restart(bay: Bench) -> None:
    """`reset_state`: availability and all are as new, but what is kept."""
    bay.start(*SWIFT)
    await until(lambda: bay.central.statuses(1) == ["Available"])
    asked = {"connectorId": 1, "type": "Inoperative"}
    await bay.central.command("c-1", "ChangeAvailability", asked)
    await until(lambda: bay.central.statuses(1)[-1] == "Unavailable")
    await bay.sim("reset_state", keep=["configuration"])
    await until(lambda: len(bay.central.payloads("BootNotification")) == 2)
    await until(lambda: bay.central.statuses(1)[-1] == "Available")
