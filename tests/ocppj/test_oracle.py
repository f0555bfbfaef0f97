"""The oracle of the fuzz test says what the standard says, and the fuzz test can fail."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from scripts.benches.fuzz import fuzz, fuzz_central
from scripts.benches.parts.mutations import Mutator
from tests.ocppj import oracle
from tests.ocppj.oracle import RESULT, SILENCE, Verdict, judge, judge_by_central
from tests.ocppj.payloads import LAWFUL

BEAT = '[2,"a","Heartbeat",{}]'
SILENT: dict[str, str | bytes] = {
    "nothing": "",
    "not JSON": "{",
    "no list": '{"a":1}',
    "NaN is no JSON": '[2,"a","Reset",NaN]',
    "unknown type number": '[9,"a","Reset",{}]',
    "an answer nobody asked for": '[3,"a",{}]',
    "an error nobody asked for": '[4,"a","InternalError","",{}]',
    "no id": "[2]",
    "an id that is no word": '[2,{},"Reset",{}]',
    "an id beyond echoing": json.dumps([2, "x" * 256, "Reset", {}]),
    "half a surrogate pair as id": '[2,"\\ud800","Reset",{}]',
    "binary that is no text": b"\xff\xfe",
}
OWED: dict[str, tuple[str, set[str]]] = {
    "lawful": ('[2,"a","ClearCache",{}]', {RESULT}),
    "null is empty": ('[2,"a","ClearCache",null]', {RESULT}),
    "for central systems": (BEAT, {"NotSupported"}),
    "unknown action": ('[2,"a","heartbeat",{}]', {"NotImplemented"}),
    "missing field": ('[2,"a","Reset",{}]', {"ProtocolError"}),
    "extra field": ('[2,"a","ClearCache",{"x":1}]', {"FormationViolation"}),
    "payload a list": ('[2,"a","ClearCache",[]]', {"FormationViolation"}),
    "enum unknown": ('[2,"a","Reset",{"type":"Warm"}]', {"PropertyConstraintViolation"}),
    "number for text": ('[2,"a","UnlockConnector",{"connectorId":"1"}]',
        {"TypeConstraintViolation"}),
    "connector 0 where > 0": ('[2,"a","UnlockConnector",{"connectorId":0}]',
        {"PropertyConstraintViolation"}),
    "beyond 64 bits": ('[2,"a","RemoteStopTransaction",{"transactionId":1000000000000000000}]',
        {"PropertyConstraintViolation"}),
    "three elements": ('[2,"a","ClearCache"]', {"GenericError"}),
    "id of 37": (json.dumps([2, "x" * 37, "ClearCache", {}]), {"GenericError"}),
    "two rules broken": ('[2,"a","Reset",{"type":"Warm","x":1}]',
        {"FormationViolation", "PropertyConstraintViolation"}),
    "17 deep": ('[2,"a","ClearCache",' + "[" * 16 + "]" * 16 + "]",
        {"FormationViolation"}),
}  # fmt: skip


@pytest.mark.parametrize("raw", SILENT.values(), ids=SILENT)
def test_what_no_call_can_be_is_owed_silence(raw: str | bytes) -> None:
    """J 4.1.3 and 4.2.3."""
    assert judge(raw, text=isinstance(raw, str)) == SILENCE


@pytest.mark.parametrize(("raw", "codes"), OWED.values(), ids=OWED)
def test_a_call_is_owed_an_answer_of_these_codes(raw: str, codes: set[str]) -> None:
    """Ruling 8, told a second time."""
    verdict = judge(raw)
    assert verdict.must
    assert verdict.codes == codes


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        (BEAT, {RESULT}),
        ('[2,"a","DataTransfer",{"vendorId":"x"}]', {RESULT}),
        ('[2,"a","ClearCache",{}]', {"NotSupported"}),
        ('[2,"a","SignCertificate",{"csr":"x"}]', {RESULT}),
        ('[2,"a","Authorize",{}]', {"ProtocolError"}),
    ],
)
def test_a_central_system_owes_the_same_but_for_whose_call_it_is(raw: str, codes: set[str]) -> None:
    """The wire's rules are one for both sides; the actions are not."""
    verdict = judge_by_central(raw)
    assert verdict.must
    assert verdict.codes == codes


def test_frames_that_must_close_the_line() -> None:
    """RFC 6455 8.1, and our bound on size."""
    assert judge(b"[\xff]", text=True) == Verdict(closes=1007)
    assert judge("x" * 262_145) == Verdict(closes=1009)


def test_the_oracle_knows_every_action_and_finds_its_example_lawful() -> None:
    """39 messages: a wrong verdict on one would hide behind the others."""
    assert set(LAWFUL) == oracle.FOR_STATIONS | oracle.FOR_CENTRALS
    for action in oracle.FOR_STATIONS:
        assert RESULT in judge(json.dumps([2, "a", action, LAWFUL[action]])).codes


def test_mutations_repeat_by_seed_and_meet_every_kind_of_verdict() -> None:
    """A finding can be played again; no sort of frame is missing."""

    def some(seed: int) -> list[Any]:
        mutator = Mutator(LAWFUL, Random(seed))
        return [mutator.frame() for _ in range(5_000)]

    frames = some(1)
    assert frames == some(1) != some(2)
    owed = [judge(frame, text=isinstance(frame, str)) for frame in frames]
    assert {code for verdict in owed for code in verdict.codes} >= {
        RESULT, "NotSupported", "NotImplemented", "ProtocolError", "FormationViolation",
        "TypeConstraintViolation", "PropertyConstraintViolation", "GenericError",
    }  # fmt: skip
    assert owed.count(SILENCE) > 500


@pytest.mark.together
@pytest.mark.sweep
async def test_no_frame_can_hurt() -> None:
    """Issue 3, 7: the process lives, memory is flat, each answer is the one that is due."""
    outcome = await fuzz(100_000, seed=3)
    assert outcome.wrong == []
    assert (outcome.frames, outcome.crashes) == (100_000, 0)
    assert outcome.growth_mib < 5


@pytest.mark.together
@pytest.mark.sweep
async def test_no_frame_can_hurt_the_central_system_either() -> None:
    """Issue 3, 7, the other way: csms_lite lives, memory is flat, each answer is due."""
    outcome = await fuzz_central(20_000, seed=3)
    assert outcome.wrong == []
    assert (outcome.frames, outcome.crashes) == (20_000, 0)
    assert outcome.growth_mib < 5


@pytest.mark.together
@pytest.mark.sweep
@pytest.mark.parametrize("fault", ["talks", "dies", "sleeps", "leaks"])
async def test_a_station_with_a_fault_is_found_out(fault: str) -> None:
    """A bench that nothing can fail proves nothing."""
    outcome = await fuzz(3_000, seed=3, module="tests.ocppj.faulty_station", words=(fault,))
    match fault:
        case "dies":
            assert outcome.crashes == 1
        case "leaks":
            assert outcome.growth_mib > 5
        case _:
            assert outcome.wrong
