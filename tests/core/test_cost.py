"""What the central system says of prices, and for whom it is kept."""

from __future__ import annotations

import pytest

from edge.core.commands import ChangeConfiguration, IncomingTransfer, TriggerMessage
from edge.core.cost import MOST_USER_PRICES, READ_WITHIN_S, on_coming
from edge.core.cost_messages import (
    COST_VENDOR,
    Cost,
    CostMessage,
    SetUserPrice,
)
from edge.core.draft import Draft
from edge.core.facts import PluggedIn
from edge.core.messages import MeterValues, StartTransaction
from edge.core.records import TransactionOpened
from edge.core.saved import Saved, SavedTransaction
from tests.core.bench import ALICE, BOB, at, setup
from tests.core.build import Rig
from tests.core.costs import (
    SILENT,
    TRANSACTION,
    charging,
    cost,
    final,
    later,
    running,
    samples,
    tell,
)

# ── prices ───────────────────────────────────────────────────────────────────────────────────────


def test_a_price_for_a_tag_waits_for_its_session() -> None:
    """R-13-1: told after Authorize, shown from then on; tags compare without case."""
    rig = Rig(serve=True).online()
    rig.tap()
    assert tell(rig, SetUserPrice(id_token=ALICE.lower(), price_text="0.49/kWh")) == "Accepted"
    assert cost(rig).price_text is None
    rig.plug()
    assert cost(rig).price_text == "0.49/kWh"
    assert rig.state.station.user_prices == ()


def test_a_session_of_another_tag_does_not_take_the_price() -> None:
    """It is the user's."""
    rig = Rig(serve=True).online()
    tell(rig, SetUserPrice(id_token=BOB, price_text="for Bob"))
    rig.charging()
    assert cost(rig).price_text is None
    assert [one.price_text for one in rig.state.station.user_prices] == ["for Bob"]


def test_a_price_for_a_running_tag_is_shown_at_once() -> None:
    """The newest word counts."""
    rig = charging()
    assert tell(rig, SetUserPrice(id_token=ALICE, price_text="old")) == "Accepted"
    assert tell(rig, SetUserPrice(id_token=ALICE.lower(), price_text="new")) == "Accepted"
    assert cost(rig).price_text == "new"


def test_a_price_without_tag_is_for_the_only_session() -> None:
    """R-13-2: with none it is nobody's; with two it could be either's."""
    rig = Rig(setup(connectors=2), serve=True).online()
    said = SetUserPrice(price_text="0.49/kWh")
    assert tell(rig, said) == "Rejected"
    rig.charging(1, ALICE)
    assert tell(rig, said) == "Accepted"
    assert cost(rig).price_text == "0.49/kWh"
    rig.charging(2, BOB)
    assert tell(rig, said) == "Rejected"
    assert cost(rig, 2).price_text is None


def test_a_price_whose_tag_does_not_come_is_forgotten() -> None:
    """After ConnectionTimeOut nobody may start with it any more."""
    rig = Rig(setup(keys={"ConnectionTimeOut": "30"})).online()
    tell(rig, SetUserPrice(id_token=ALICE, price_text="x"))
    rig.wait(29.9)
    assert rig.state.station.user_prices
    rig.wait(0.1)
    assert not rig.state.station.user_prices


def test_prices_of_tags_that_never_come_do_not_pile_up() -> None:
    """The central system may be hostile; the oldest goes, and a tag has one price."""
    rig = Rig().online()
    for number in range(MOST_USER_PRICES + 3):
        tell(rig, SetUserPrice(id_token=f"T{number}", price_text="x"))
    tell(rig, SetUserPrice(id_token=f"T{MOST_USER_PRICES}", price_text="y"))
    held = rig.state.station.user_prices
    assert len(held) == MOST_USER_PRICES
    assert [one.price_text for one in held] == ["x"] * (MOST_USER_PRICES - 1) + ["y"]
    assert held[0].id_tag == "t3"


# ── running and final cost ───────────────────────────────────────────────────────────────────────


def test_a_running_cost_is_of_the_running_transaction_or_rejected() -> None:
    """R-13-3: of another, or of one that is over, nobody here pays."""
    rig = charging()
    assert tell(rig, running(TRANSACTION + 1)) == "Rejected"
    assert tell(rig, running()) == "Accepted"
    assert cost(rig).running == running()
    rig.unplug()
    assert tell(rig, running()) == "Rejected"


def test_a_running_cost_finds_its_connector() -> None:
    """Two sessions, two costs."""
    rig = charging(connectors=2)
    rig.charging(2, BOB)
    assert tell(rig, running(TRANSACTION + 1)) == "Accepted"
    assert cost(rig, 1).running is None
    assert cost(rig, 2).running == running(TRANSACTION + 1)


def test_a_final_cost_is_taken_while_and_after_the_session_ends() -> None:
    """R-13-5: but of a session that we do not know there is nobody to show it to."""
    rig = charging()
    assert tell(rig, final(99)) == "Rejected"
    rig.unplug()
    assert tell(rig, final()) == "Accepted"
    assert cost(rig).final == final()
    assert tell(Rig().online(), final()) == "Rejected"


def test_a_final_cost_finds_a_session_whose_number_came_after_its_end() -> None:
    """Offline from start to end: the answer to StartTransaction comes later."""
    rig = Rig(setup(keys=SILENT)).online().charging()
    rig.unplug()
    assert rig.bay().transaction is None
    rig.answer(StartTransaction)
    assert tell(rig, final()) == "Accepted"


@pytest.mark.parametrize("by_card", [False, True])
def test_the_next_driver_does_not_see_what_the_last_one_paid(by_card: bool) -> None:
    """By plug or by card, whichever comes first."""
    rig = charging()
    rig.unplug()
    tell(rig, final())
    if by_card:
        rig.tap(BOB)
    else:
        rig.plug()
    assert cost(rig).final is None
    assert tell(rig, final()) == "Rejected"


def test_a_plug_that_moves_during_the_session_forgets_nothing() -> None:
    """The socket's contact may bounce."""
    rig = charging()
    tell(rig, running())
    on_coming(draft := Draft(rig.state, rig.instant), PluggedIn(connector=1))
    assert draft.bay(1).cost.running == running()


def test_a_session_found_open_after_a_restart_is_still_known() -> None:
    """Its final cost is taken; the running cost comes again with the next sample."""
    opened = TransactionOpened(ref=3, connector=1, id_tag=ALICE, begin_wh=0, at=at(0))
    saved = Saved(transactions=(SavedTransaction(opened=opened, transaction_id=77),), last_ref=3)
    rig = Rig(saved=saved, serve=True).online()
    assert tell(rig, final(77)) == "Accepted"


def test_who_has_left_does_not_leave_his_bill_to_who_comes_by() -> None:
    """Two minutes from the cable's end; while it is in, the bill stays."""
    rig = charging()
    rig.wait(20)
    rig.tap()
    rig.wait(600)
    assert rig.bay().transaction is None
    assert tell(rig, final()) == "Accepted"
    rig.wait(600)
    assert cost(rig).final is not None
    rig.unplug()
    rig.wait(READ_WITHIN_S - 1)
    assert cost(rig).final is not None
    rig.wait(1)
    assert cost(rig) == Cost(told=cost(rig).told)
    assert tell(rig, final()) == "Rejected"


# ── the key ──────────────────────────────────────────────────────────────────────────────────────


def test_switched_off_nothing_is_left_of_it() -> None:
    """Prices, costs and triggers; switched on again, the session is still known."""
    rig = charging()
    tell(rig, SetUserPrice(id_token=BOB, price_text="x"))
    tell(rig, running(at_time=later(rig, 60)))
    rig.call(ChangeConfiguration(key="NumberOfDecimalsForCostValues", value="3"))
    assert cost(rig).running is not None
    rig.call(ChangeConfiguration(key="CustomDisplayCostAndPrice", value="false"))
    rig.wait(120)
    assert samples(rig) == []
    assert (cost(rig).running, rig.state.station.user_prices) == (None, ())
    rig.call(ChangeConfiguration(key="CustomDisplayCostAndPrice", value="true"))
    assert tell(rig, final()) == "Accepted"


@pytest.mark.parametrize("said", [SetUserPrice(id_token=ALICE, price_text="x"), running(), final()])
def test_switched_off_nobody_knows_the_vendor(said: CostMessage) -> None:
    """R-13-6: CustomDisplayCostAndPrice."""
    rig = charging()
    rig.call(ChangeConfiguration(key="CustomDisplayCostAndPrice", value="false"))
    assert tell(rig, said) == "UnknownVendorId"


def test_what_cannot_be_read_is_rejected_and_unknown_messages_are_named() -> None:
    """5.6: vendor first, message next, then what it says."""
    rig = charging()
    assert tell(rig, None, "RunningCost") == "Rejected"
    assert tell(rig, None, "runningcost") == "Rejected"
    assert tell(rig, None, "TotalCost") == "UnknownMessageId"
    assert rig.call(IncomingTransfer(vendor_id=COST_VENDOR.upper())).status == "UnknownMessageId"


def test_trigger_messages_are_not_confused_with_cost() -> None:
    """TriggerMessage(MeterValues) has its own context."""
    rig = charging()
    rig.call(TriggerMessage(requested_message="MeterValues", connector_id=1))
    assert samples(rig) == []
    assert rig.messages(MeterValues)
