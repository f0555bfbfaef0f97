"""Machine `data_transfer`: DataTransfer, what others say in it and what is said here.

`VENDORS` is the whole answer to "whose words do we know?"; a new message of a vendor is a row. What
a message says has been read by then: the codec knows the vendors' JSON, this knows what to do.
Source: OCPP 1.6 4.3, 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge.core import cost, keys
from edge.core.commands import IncomingTransfer
from edge.core.cost_messages import COST_VENDOR
from edge.core.draft import Draft
from edge.core.effects import HandBack, Reply
from edge.core.events import Settled
from edge.core.messages import DataTransfer, DataTransferConf, NoAnswer
from edge.core.state import ChargePoint
from edge.core.waiting import ToTransfer
from edge.core.wishes import TransferAsked

Act = Callable[[Draft, Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Whose words we know while *is_on*: who decides whether each message is accepted."""

    is_on: Callable[[ChargePoint], bool]
    messages: Mapping[str, Act]


VENDORS: Final[Mapping[str, Vendor]] = {
    COST_VENDOR: Vendor(
        is_on=cost.is_on,
        messages={
            "setuserprice": cost.on_user_price,
            "runningcost": cost.on_running_cost,
            "finalcost": cost.on_final_cost,
        },
    ),
}
"""Vendors and their messages in lower case (CiString)."""

STATUSES: Final = ("Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId")


def on_received(draft: Draft, call_id: int, command: IncomingTransfer) -> None:
    """Answer the central system's DataTransfer."""
    draft.do(Reply(call_id=call_id, answer=DataTransferConf(status=_judge(draft, command))))


def _judge(draft: Draft, command: IncomingTransfer) -> str:
    vendor = VENDORS.get(command.vendor_id.lower())
    if vendor is None or not vendor.is_on(draft.state):
        return "UnknownVendorId"
    act = vendor.messages.get((command.message_id or "").lower())
    if act is None:
        return "UnknownMessageId"
    said = command.said
    return "Accepted" if said is not None and act(draft, said) else "Rejected"


def on_asked(draft: Draft, event: TransferAsked) -> None:
    """Somebody here wants to say something; it is said now or not at all."""
    if not draft.station.registration.online:
        why = "the central system cannot be reached: try again when the station is online"
        draft.do(HandBack(number=event.number, why=why))
    elif not draft.has_room:
        why = "too many requests wait for the central system: try again later"
        draft.do(HandBack(number=event.number, why=why))
    else:
        message = DataTransfer(
            vendor_id=event.vendor_id, message_id=event.message_id, data=event.data
        )
        within_s = keys.number(draft.state, "MessageTimeout")
        draft.request(ToTransfer(number=event.number), message, within_s)


def on_answered(draft: Draft, purpose: ToTransfer, event: Settled | None) -> None:
    """Hand the answer back; one that makes no sense counts as Rejected."""
    answer = NoAnswer(timed_out=True) if event is None else event.answer
    if isinstance(answer, NoAnswer):
        why = "the central system did not answer: nobody knows whether it heard"
        draft.do(HandBack(number=purpose.number, why=why))
        return
    if not isinstance(answer, DataTransferConf) or answer.status not in STATUSES:
        answer = DataTransferConf(status="Rejected")
    draft.do(HandBack(number=purpose.number, answer=answer))
