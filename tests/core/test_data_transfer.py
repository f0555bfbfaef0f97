"""DataTransfer of our own: it is said now or not at all, and who asked is told."""

from __future__ import annotations

from edge.core import keys
from edge.core.commands import IncomingTransfer
from edge.core.effects import HandBack, Reply
from edge.core.messages import CallError, DataTransfer, DataTransferConf, NoAnswer
from edge.core.waiting import MOST_WAITING
from edge.core.wishes import TransferAsked
from tests.core.bench import of
from tests.core.build import Rig


def ask(rig: Rig, number: int = 1) -> list[HandBack]:
    event = TransferAsked(
        at=rig.instant, number=number, vendor_id="org.example", message_id="m", data="d"
    )
    return of(HandBack, rig.step(event))


def backs(rig: Rig) -> list[HandBack]:
    return of(HandBack, rig.log)


def test_the_answer_reaches_who_asked() -> None:
    """R-7-11: status and data, as they came."""
    rig = Rig().online()
    assert ask(rig, 7) == []
    assert rig.messages(DataTransfer) == [
        DataTransfer(vendor_id="org.example", message_id="m", data="d")
    ]
    answer = DataTransferConf(status="UnknownMessageId", data="what?")
    rig.answer(DataTransfer, answer)
    assert backs(rig) == [HandBack(number=7, answer=answer)]


def test_an_answer_that_makes_no_sense_counts_as_rejected() -> None:
    """R-7-11: a status that there is not, or a refusal of the call."""
    rig = Rig().online()
    for answer in (DataTransferConf(status="Perhaps"), CallError(code="FormationViolation")):
        ask(rig)
        rig.answer(DataTransfer, answer)
    assert [one.answer for one in backs(rig)] == [DataTransferConf(status="Rejected")] * 2


def test_offline_there_is_a_clear_error() -> None:
    """R-7-11: nothing is queued; a vendor's word of yesterday may do harm today."""
    rig = Rig().start()
    (back,) = ask(rig)
    assert back.answer is None
    assert "cannot be reached" in back.why
    rig.link_up()
    rig.answer_all()
    assert rig.messages(DataTransfer) == []


def test_no_answer_is_told_once() -> None:
    """The line breaks, or the central system is silent; a late answer is nobody's."""
    rig = Rig().online()
    ask(rig, 1)
    rig.wait(keys.number(rig.state, "MessageTimeout") + 1)
    rig.answer(DataTransfer)
    ask(rig, 2)
    rig.answer(DataTransfer, NoAnswer(timed_out=False))
    assert [(one.number, one.answer) for one in backs(rig)] == [(1, None), (2, None)]
    assert all("did not answer" in one.why for one in backs(rig))


def test_a_line_that_is_jammed_takes_no_more() -> None:
    """What may be left out leaves room for what may not."""
    rig = Rig().online()
    for _ in range(MOST_WAITING // 2):
        ask(rig)
    (back,) = ask(rig)
    assert "too many" in back.why


def test_nobody_s_words_are_unknown() -> None:
    """5.6: the vendor comes first."""
    rig = Rig().online()
    rig.call(IncomingTransfer(vendor_id="Nobody", message_id="RunningCost"))
    assert [one.answer for one in of(Reply, rig.last)] == [
        DataTransferConf(status="UnknownVendorId")
    ]
