"""One connection over a pipe in memory; the other end is spoken by hand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ocpp.v16 import call, call_result

from edge.ocppj.charge_point import BAD_FRAMES_MAX, OPEN_CALLS_MAX, ChargePoint, IncomingCall
from edge.ocppj.errors import (
    CallErrorReceived,
    CallRefused,
    CallTimedOut,
    ConnectionLost,
    Unanswerable,
)
from tests.ocppj.payloads import AT, LAWFUL
from tests.ocppj.pipe import Pipe, PipeClosed
from tests.ocppj.serving import beat, serving


async def test_a_call_gets_its_answer() -> None:
    """J 4.2.2: same id, payload of the answer."""
    async with serving() as (point, far):
        await far.tell([2, "a", "Heartbeat", {}])
        assert await far.hear() == [3, "a", {"currentTime": AT}]
        assert point.counters.answered == 1


async def test_null_payload_is_heard_as_empty() -> None:
    """J 4.2.1, ruling 8."""
    heard: list[IncomingCall] = []

    async def note(incoming: IncomingCall) -> dict[str, Any]:
        heard.append(incoming)
        return {"currentTime": AT}

    async with serving(note) as (_, far):
        await far.tell([2, "a", "Heartbeat", None])
        assert (await far.hear())[:2] == [3, "a"]
    assert heard == [IncomingCall("Heartbeat", "a", {})]


REFUSED: dict[str, tuple[list[Any], list[Any]]] = {
    "unknown action": ([2, "a", "Teleport", {}], [4, "a", "NotImplemented"]),
    "missing field": ([2, "a", "Authorize", {}], [4, "a", "ProtocolError"]),
    "long id": ([2, "a" * 40, "Heartbeat", {}], [4, "a" * 40, "GenericError"]),
    "number as id": ([2, 42, "Heartbeat", {}], [4, 42, "GenericError"]),
    "three elements": ([2, "a", "Heartbeat"], [4, "a", "GenericError"]),
}


@pytest.mark.parametrize(("sent", "answer"), REFUSED.values(), ids=REFUSED)
async def test_a_bad_call_is_refused_and_the_next_good_one_served(
    sent: list[Any], answer: list[Any]
) -> None:
    """Ruling 8, and nothing ends."""
    async with serving() as (point, far):
        await far.tell(sent)
        refusal = await far.hear()
        assert refusal[:3] == answer
        assert refusal[4] == {}
        assert len(refusal) == 5
        await far.tell([2, "b", "Heartbeat", {}])
        assert (await far.hear())[:2] == [3, "b"]
        assert point.counters.refused == 1


async def test_noise_is_counted_and_never_answered() -> None:
    """J 4.1.3 "SHALL ignore"; ruling 9: answering everything is as wrong as dying."""
    async with serving() as (point, far):
        for noise in ("[", "{}", '[9,"a",{}]', '[3,"x",{}]', '[4,"x","InternalError","",{}]'):
            await far.tell(noise)
        await far.tell([2, "b", "Heartbeat", {}])
        assert (await far.hear())[:2] == [3, "b"]
        assert point.counters.ignored == {
            "not_json": 1,
            "not_a_list": 1,
            "no_message_type": 1,
            "unmatched_answer": 2,
        }


async def test_a_refusal_of_the_owner_becomes_a_call_error() -> None:
    """`CallRefused` carries code, sentence and details."""

    async def refuse(_call: IncomingCall) -> dict[str, Any]:
        raise CallRefused("NotSupported", "no list here", {"why": "profile off"})

    async with serving(refuse) as (_, far):
        await far.tell([2, "a", "ClearCache", {}])
        assert await far.hear() == [4, "a", "NotSupported", "no list here", {"why": "profile off"}]


async def test_an_unanswerable_call_gets_nothing() -> None:
    """S 4.2: nothing while rejected; ruling 6: nothing on a transient failure."""

    async def silent_once(incoming: IncomingCall) -> dict[str, Any]:
        if incoming.unique_id == "a":
            raise Unanswerable("rejected")
        return {"status": "Accepted"}

    async with serving(silent_once) as (point, far):
        await far.tell([2, "a", "ClearCache", {}])
        await far.tell([2, "b", "ClearCache", {}])
        assert (await far.hear())[:2] == [3, "b"]
        assert point.counters.ignored["no_answer_due"] == 1


async def test_an_unlawful_answer_of_ours_never_leaves() -> None:
    """Ruling 8: our own bug is InternalError, but silence where that would lose a session."""

    async def nonsense(_call: IncomingCall) -> dict[str, Any]:
        return {"colour": "red"}

    async with serving(nonsense) as (point, far):
        for number, action in enumerate(("StartTransaction", "StopTransaction", "MeterValues")):
            await far.tell([2, f"{number}", action, LAWFUL[action]])
        await far.tell([2, "b", "Heartbeat", {}])
        assert await far.hear() == [4, "b", "InternalError", "", {}]
        assert point.counters.unlawful_answers == 4


async def test_a_muted_connection_refuses_nothing() -> None:
    """S 4.2: a rejected station hears nothing, not even that its frames are bad."""
    async with serving() as (point, far):
        point.muted = True
        await far.tell([2, "a", "Teleport", {}])
        await far.tell([2, "b", "Heartbeat", {}])
        assert (await far.hear())[:2] == [3, "b"]


async def test_calls_are_answered_in_the_order_they_came() -> None:
    """Strict order, also when the first takes longest."""
    gate = asyncio.Event()

    async def slow_first(incoming: IncomingCall) -> dict[str, Any]:
        if incoming.unique_id == "0":
            await gate.wait()
        return {"status": "Accepted"}

    async with serving(slow_first) as (_, far):
        for number in range(4):
            await far.tell([2, str(number), "ClearCache", {}])
        gate.set()
        assert [(await far.hear())[1] for _ in range(4)] == ["0", "1", "2", "3"]


async def test_an_answer_may_wait_for_a_call_of_its_own() -> None:
    """The stock reader deadlocks here (security 3.4)."""
    points: list[ChargePoint] = []

    async def ask_back(_call: IncomingCall) -> dict[str, Any]:
        return await points[0].call_action("ClearCache", {}, "mine", 2)

    async with serving(ask_back) as (point, far):
        points.append(point)
        await far.tell([2, "theirs", "DataTransfer", {"vendorId": "x"}])
        assert await far.hear() == [2, "mine", "ClearCache", {}]
        await far.tell([3, "mine", {"status": "Accepted"}])
        assert await far.hear() == [3, "theirs", {"status": "Accepted"}]


async def test_one_call_is_in_flight_at_a_time() -> None:
    """J 4.1.1."""
    async with serving() as (point, far), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(point.call_action("Heartbeat", {}, "1", 2))
        second = tasks.create_task(point.call_action("Heartbeat", {}, "2", 2))
        assert (await far.hear())[1] == "1"
        await far.tell([3, "2", {"currentTime": AT}])  # not asked yet
        await far.tell([3, "1", {"currentTime": AT}])
        assert (await far.hear())[1] == "2"
        await far.tell([3, "2", {"currentTime": AT}])
        assert await first == await second == {"currentTime": AT}
        assert point.counters.ignored["unmatched_answer"] == 1


async def test_a_call_error_is_raised_with_its_code_whatever_it_says() -> None:
    """Codes outside the table come from the field too."""
    async with serving() as (point, far), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_refused(point))
        await far.hear()
        await far.tell([4, "1", "FormatViolation", "2.0 speaks", {"k": 1}])
        error = await task
    assert (error.code, error.description, error.details) == (
        "FormatViolation",
        "2.0 speaks",
        {"k": 1},
    )


async def _refused(point: ChargePoint) -> CallErrorReceived:
    with pytest.raises(CallErrorReceived) as error:
        await point.call_action("Heartbeat", {}, "1", 2)
    return error.value


async def test_a_time_out_leaves_the_line_usable_and_the_late_answer_ignored() -> None:
    """Ruling 7: a resend with the same id is answered by either answer."""
    async with serving() as (point, far):
        with pytest.raises(CallTimedOut):
            await point.call_action("Heartbeat", {}, "1", 0.01)
        await far.hear()
        async with asyncio.TaskGroup() as tasks:
            again = tasks.create_task(point.call_action("Heartbeat", {}, "1", 2))
            await far.hear()
            await far.tell([3, "1", {"currentTime": AT}])
            await far.tell([3, "1", {"currentTime": AT}])
        assert again.result() == {"currentTime": AT}
        await far.tell([2, "b", "Heartbeat", {}])
        await far.hear()
        assert point.counters.ignored["unmatched_answer"] == 1


async def test_a_lost_connection_ends_the_call_in_flight_and_later_ones() -> None:
    """No caller waits for a line that is gone."""
    async with serving() as (point, far):
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(_lost(point))
            await far.hear()
            await far.close(1012)
            await task
        await _lost(point)


async def _lost(point: ChargePoint) -> None:
    with pytest.raises(ConnectionLost):
        await point.call_action("Heartbeat", {}, "1", 2)


async def test_an_unlawful_answer_is_returned_and_counted() -> None:
    """The caller knows how much tolerance its message can afford."""
    async with serving() as (point, far), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(point.call_action("Authorize", {"idTag": "A"}, "1", 2))
        await far.hear()
        await far.tell([3, "1", {"idTagInfo": {}}])
        assert await task == {"idTagInfo": {}}
        assert point.counters.unlawful_answers == 1


async def test_more_open_calls_than_the_queue_holds_close_the_line() -> None:
    """OCPP-J allows one open call per direction; a flood may not fill the memory."""
    never = asyncio.Event()

    async def stuck(_call: IncomingCall) -> dict[str, Any]:
        await never.wait()
        return {}

    async with serving(stuck) as (_, far):
        for number in range(OPEN_CALLS_MAX + 2):
            await far.tell([2, str(number), "ClearCache", {}])
        with pytest.raises(PipeClosed) as closed:
            await far.hear()
        assert closed.value.code == 1008


async def test_a_hundred_bad_frames_in_a_row_close_the_line_but_not_with_good_ones_between() -> (
    None
):
    """Ruling 9: every hundredth frame of the fuzz is good and must be answered."""
    async with serving() as (_, far):
        for number in range(3):
            for _ in range(BAD_FRAMES_MAX - 1):
                await far.tell("rubbish")
            await far.tell([2, str(number), "Heartbeat", {}])
            assert (await far.hear())[1] == str(number)
        for _ in range(BAD_FRAMES_MAX):
            await far.tell("rubbish")
        with pytest.raises(PipeClosed) as closed:
            await far.hear()
        assert closed.value.code == 1008


async def test_a_bug_in_the_answer_ends_the_connection_with_that_bug() -> None:
    """Bugs are crashes; they are not told to the peer as if they were its fault."""

    async def broken(_call: IncomingCall) -> dict[str, Any]:
        raise ZeroDivisionError

    near, far = Pipe.pair()
    point = ChargePoint("TAPWATT-1", near, broken, closed_errors=PipeClosed)
    await far.tell([2, "a", "ClearCache", {}])
    with pytest.raises(ZeroDivisionError):
        await point.start()
    with pytest.raises(ConnectionLost):
        await point.call_action("Heartbeat", {}, "1", 1)


async def test_without_named_errors_any_error_of_the_connection_means_lost() -> None:
    """The contract asks nothing of *connection* but recv, send and close."""
    near, far = Pipe.pair()
    point = ChargePoint("TAPWATT-1", near, beat)
    await far.close(1001)
    with pytest.raises(ConnectionLost):
        await point.call_action("Heartbeat", {}, "1", 1)
    with pytest.raises(PipeClosed):
        await point.start()


async def test_the_library_s_typed_call_still_works() -> None:
    """`ocpp.v16.call` payloads are welcome, with an id of the caller's."""
    async with serving(response_timeout_s=2) as (point, far), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(point.call(call.Authorize(id_tag="A"), unique_id="1"))
        assert await far.hear() == [2, "1", "Authorize", {"idTag": "A"}]
        await far.tell([3, "1", {"idTagInfo": {"status": "Accepted"}}])
        assert await task == call_result.Authorize(id_tag_info={"status": "Accepted"})
        with pytest.raises(ValueError, match="message id"):
            await point.call(call.Heartbeat())
        with pytest.raises(CallRefused):
            await point.call(call.Authorize(id_tag="A" * 21), unique_id="2")


@pytest.mark.parametrize("suppress", [True, False])
async def test_the_typed_call_raises_a_refusal_unless_told_not_to(suppress: bool) -> None:
    """The stock library suppresses by default, which hides refusals; ours does not."""
    async with serving(response_timeout_s=2) as (point, far), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_typed(point, suppress))
        await far.hear()
        await far.tell([4, "1", "InternalError", "", {}])
        assert await task is not suppress


async def _typed(point: ChargePoint, suppress: bool) -> bool:
    """Whether the typed call raised."""
    try:
        await point.call(call.Heartbeat(), suppress=suppress, unique_id="1")
    except CallErrorReceived:
        return True
    return False


async def test_frames_are_compact_and_in_the_order_given() -> None:
    """Same values, same bytes: recorded runs can be compared."""
    async with serving() as (point, far), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(
            point.call_action("Authorize", {"idTag": "Ä"}, "1", 2), name="authorize"
        )
        assert await far.recv() == '[2,"1","Authorize",{"idTag":"Ä"}]'
        await far.tell(json.dumps([3, "1", {}]))
        await task
