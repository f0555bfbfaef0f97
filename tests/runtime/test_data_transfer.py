"""Who asked for a DataTransfer gets its answer, whoever else asks."""

from __future__ import annotations

import asyncio

import pytest

from edge.core.effects import HandBack
from edge.core.events import Event
from edge.core.instant import Instant
from edge.core.messages import DataTransferConf
from edge.core.wishes import TransferAsked
from edge.errors import ConfigError, NotDelivered
from edge.runtime.data_transfer import MESSAGE_MOST, MOST_OPEN, VENDOR_MOST, DataTransfers
from tests.runtime.toy import NOON

AT = Instant(wall=NOON, monotonic=0.0)
ACCEPTED = DataTransferConf(status="Accepted")


def asked(posted: list[Event], number: int) -> TransferAsked:
    found = posted[number]
    assert isinstance(found, TransferAsked)
    return found


async def test_answers_find_who_asked() -> None:
    """Two at a time, answered in the other order."""
    posted: list[Event] = []
    transfers = DataTransfers()
    one = asyncio.ensure_future(transfers.ask(posted.append, AT, "v", "one", None))
    two = asyncio.ensure_future(transfers.ask(posted.append, AT, "v", "two", "d"))
    await asyncio.sleep(0)
    assert (asked(posted, 1).message_id, asked(posted, 1).data) == ("two", "d")
    transfers.hand_back(HandBack(number=asked(posted, 1).number, why="gone"))
    transfers.hand_back(HandBack(number=asked(posted, 0).number, answer=ACCEPTED))
    assert await one == ACCEPTED
    with pytest.raises(NotDelivered, match="gone"):
        await two


async def test_who_left_is_past_caring() -> None:
    """An answer after that is dropped, and the place is free again."""
    posted: list[Event] = []
    transfers = DataTransfers()
    leaving = asyncio.ensure_future(transfers.ask(posted.append, AT, "v", None, None))
    await asyncio.sleep(0)
    back = HandBack(number=asked(posted, 0).number, answer=ACCEPTED)
    transfers.hand_back(back)
    transfers.hand_back(back)
    leaving.cancel()
    await asyncio.wait([leaving])
    transfers.hand_back(back)


async def test_only_so_many_may_wait() -> None:
    """A script gone wild is told so."""
    posted: list[Event] = []
    transfers = DataTransfers()
    waiting = [
        asyncio.ensure_future(transfers.ask(posted.append, AT, "v", None, None))
        for _ in range(MOST_OPEN)
    ]
    await asyncio.sleep(0)
    with pytest.raises(NotDelivered):
        await transfers.ask(posted.append, AT, "v", None, None)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    again = asyncio.ensure_future(transfers.ask(posted.append, AT, "v", None, None))
    await asyncio.sleep(0)
    assert len(posted) == MOST_OPEN + 1
    for task in (*waiting, again):
        task.cancel()


@pytest.mark.parametrize(
    ("vendor", "message"), [("", None), ("v" * (VENDOR_MOST + 1), None), ("v", "m" * 51)]
)
async def test_what_cannot_be_said_in_ocpp_is_refused(vendor: str, message: str | None) -> None:
    """CiString255 and CiString50 of 6.15."""
    assert MESSAGE_MOST == 50
    with pytest.raises(ConfigError, match="characters"):
        await DataTransfers().ask(lambda _: None, AT, vendor, message, None)
