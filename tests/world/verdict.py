"""The invariants of delivery.md, asked of both databases, the wire and the bay at rest.

Shares no code with what it judges: it reads the files by SQL, and counts energy and time itself.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.world.clocks import true_time

if TYPE_CHECKING:
    from tests.world.world import World

STEP_WH: Final = 1.0  # of the register
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATE_S: Final = 1.0
OLD_S: Final = 31.0  # an answer that sets the clock may have been on its way as long as one waits
TRANSACTION: Final = ("StartTransaction", "StopTransaction", "MeterValues")


@dataclass(kw_only=True)
class Verdict:
    """Every breach found: none is what we promise. *lost* and *twice* count sessions."""

    breaches: list[str] = field(default_factory=list)
    sessions: int = 0
    lost: int = 0
    twice: int = 0


def judge(world: World, directory: Path) -> Verdict:
    """Hold the history of *world* against its databases in *directory*."""
    verdict = Verdict(breaches=list(world.breaches))
    edge = _edge(directory / "edge" / "journal.sqlite3")
    central = _central(directory / "central" / "csms.db")
    verdict.sessions = len(central.sessions)
    say = verdict.breaches
    _complete(edge, central, verdict)
    say += _equal(edge, central)
    say += _nothing_waits(edge, central)
    say += _samples(central)
    say += _true_samples(world, central)
    say += _energy(world, edge, central)
    say += _apart(world, central)
    say += _wire(world)
    say += _dark(world, edge)
    say += _times(world, edge)
    return verdict


# ── what the two databases hold ──────────────────────────────────────────────────────────────────


@dataclass(kw_only=True)
class Edge:
    """The journal: durable transactions by ref, what waits, what was refused, clocks."""

    transactions: dict[int, dict[str, Any]]
    outbox: int
    dead: list[dict[str, Any]]
    last_seq: int
    kernels: dict[int, str]
    anchors: dict[int, dict[str, Any]]


@dataclass(kw_only=True)
class Central:
    """csms_lite: sessions by number, samples, answers to starts and stops, what it noted."""

    sessions: dict[int, dict[str, Any]]
    samples: list[dict[str, Any]]
    answers: int
    conflicts: list[str]


def _rows(db: sqlite3.Connection, sql: str) -> list[dict[str, Any]]:
    db.row_factory = sqlite3.Row
    return [dict(row) for row in db.execute(sql)]


def _edge(path: Path) -> Edge:
    with closing(sqlite3.connect(path)) as db:
        return Edge(
            transactions={row["ref"]: row for row in _rows(db, "SELECT * FROM transactions")},
            outbox=len(_rows(db, "SELECT seq FROM outbox")),
            dead=_rows(db, "SELECT * FROM dead_letters"),
            last_seq=_rows(db, "SELECT value FROM counters WHERE name = 'last_seq'")[0]["value"],
            kernels={row["boot"]: row["kernel_boot"] for row in _rows(db, "SELECT * FROM boots")},
            anchors={row["boot"]: row for row in _rows(db, "SELECT * FROM anchors")},
        )


def _central(path: Path) -> Central:
    with closing(sqlite3.connect(path)) as db:
        return Central(
            sessions={row["transaction_id"]: row for row in _rows(db, "SELECT * FROM sessions")},
            samples=_rows(db, "SELECT * FROM samples ORDER BY sample_id"),
            answers=len(_rows(db, "SELECT message_id FROM answers")),
            conflicts=[
                row["kind"]
                for row in _rows(db, "SELECT kind FROM events")
                if row["kind"].startswith("conflict")
                or row["kind"] in ("refused_frame", "failed_message", "message_id_reused")
            ],
        )


# ── nothing lost, nothing twice ──────────────────────────────────────────────────────────────────


def _complete(edge: Edge, central: Central, verdict: Verdict) -> None:
    """I2, I5, I7: each durable transaction is one session over there, and no other is."""
    numbers = [row["transaction_id"] for row in edge.transactions.values()]
    known = {number for number in numbers if number in central.sessions}
    verdict.lost = len(numbers) - len(known)
    verdict.twice = len(central.sessions) - len(known)
    if verdict.lost:
        verdict.breaches.append(f"I2: {verdict.lost} durable transactions have no session")
    if verdict.twice:
        verdict.breaches.append(f"I5: {verdict.twice} sessions more than transactions")


def _equal(edge: Edge, central: Central) -> Iterator[str]:
    """I4: registers, tags, reasons and times over there are those written here first."""
    for ref, ours in edge.transactions.items():
        theirs = central.sessions.get(ours["transaction_id"])
        if theirs is None:
            continue
        pairs = {
            "connector": (ours["connector"], theirs["connector"]),
            "tag": (ours["id_tag"], theirs["id_tag"]),
            "meterStart": (ours["begin_wh"], theirs["meter_start_wh"]),
            "meterStop": (ours["end_wh"], theirs["meter_stop_wh"]),
            "reason": (ours["stopping_reason"], theirs["stop_reason"]),
            "stop tag": (ours["stopping_id_tag"] or ours["id_tag"], theirs["stop_tag"]),
            "state": ("closed", theirs["state"]),
        }
        for name, (here, there) in pairs.items():
            if here != there:
                yield f"I4: {name} of transaction {ref}: {here} here, {there} there"
        for name, here, there in (
            ("start", ours["opened_at"], theirs["started_at_ms"]),
            ("stop", ours["stopping_at"], theirs["stopped_at_ms"]),
        ):
            told = _told(edge, here)
            if told is not None and told != there:
                yield f"I4: {name} of transaction {ref} was {told}, is {there} there"


def _nothing_waits(edge: Edge, central: Central) -> Iterator[str]:
    """I2, I3: the outbox is empty, nothing was parked, each message was taken once."""
    if edge.outbox:
        yield f"I2: {edge.outbox} messages still wait"
    for letter in edge.dead:
        yield f"I2: {letter['kind']} {letter['seq']} was parked: {letter['description']}"
    for kind in central.conflicts:
        yield f"I5: csms_lite noted {kind}"
    taken = central.answers + sum(not _is_triggered(sample) for sample in central.samples)
    if taken != edge.last_seq:
        yield f"I2: {edge.last_seq} messages were written here, {taken} taken there"


def _samples(central: Central) -> Iterator[str]:
    """I3, I8: each sample lies in its session, in time and register, in order, and once."""
    seen: dict[int, tuple[int, int]] = {}
    for sample in central.samples:
        number, at_ms = sample["transaction_id"], sample["at_ms"]
        energy_wh = sample["energy_wh"]
        if number is None:
            continue
        session = central.sessions.get(number)
        if session is None or session["connector"] != sample["connector"]:
            yield f"I4: a sample of connector {sample['connector']} names session {number}"
            continue
        if not session["started_at_ms"] <= at_ms <= (session["stopped_at_ms"] or at_ms):
            yield f"I8: a sample lies outside of session {number}"
        if energy_wh is None or _is_triggered(sample):
            continue
        if not session["meter_start_wh"] <= energy_wh <= (session["meter_stop_wh"] or energy_wh):
            yield f"I6: a sample's register lies outside of session {number}"
        if number in seen and (at_ms, energy_wh) <= seen[number]:
            yield f"I3: a sample of session {number} comes late or again"
        seen[number] = at_ms, energy_wh


def _is_triggered(sample: dict[str, Any]) -> bool:
    """Told on demand, from memory: not part of the record (ruling 20)."""
    return any(one.get("context") == "Trigger" for one in json.loads(sample["values_json"]))


def _true_samples(world: World, central: Central) -> Iterator[str]:
    """I6, ruling 35: a register goes with the time at which it stood there, where time is known."""
    if world.computer.lied or not world.computer.is_kept:
        return
    marks = {number: [entry[0] for entry in one.trace] for number, one in world.outlets.items()}
    for sample in central.samples:
        if sample["energy_wh"] is None:
            continue
        moment = (EPOCH + timedelta(milliseconds=sample["at_ms"]) - true_time(0)).total_seconds()
        trace = world.outlets[sample["connector"]].trace
        at = bisect(marks[sample["connector"]], moment)
        before, after = trace[max(at - 1, 0)], trace[min(at, len(trace) - 1)]
        if "frozen" in (before[2], after[2]) or after[1] < before[1]:
            continue
        slope = (after[1] - before[1]) / max(after[0] - before[0], 1e-6)
        stood_wh = before[1] + slope * (moment - before[0])
        if abs(sample["energy_wh"] - stood_wh) > STEP_WH + slope * LATE_S:
            yield f"I6: {sample['energy_wh']} Wh at {moment:.0f} s, where {stood_wh:.0f} stood"


# ── energy and time ──────────────────────────────────────────────────────────────────────────────


def _energy(world: World, edge: Edge, central: Central) -> Iterator[str]:
    """I6: what was billed is what flowed; less only by what no meter could tell."""
    flows = {ref: flow for one in world.outlets.values() for ref, flow in one.flows.items()}
    for ref, ours in edge.transactions.items():
        session = central.sessions.get(ours["transaction_id"])
        if session is None or session["meter_stop_wh"] is None:
            continue
        billed_wh = session["meter_stop_wh"] - session["meter_start_wh"]
        flow = flows.pop(ref, None)
        flowed_wh, dim_wh = (0.0, 0.0) if flow is None else (flow.energy_wh, flow.dim_wh)
        if flow is not None and len(flow.cars) > 1:
            yield f"I6: transaction {ref} sold energy to {len(flow.cars)} cars"
        if not flowed_wh - dim_wh - STEP_WH <= billed_wh <= flowed_wh + STEP_WH:
            yield f"I6: {flowed_wh:.1f} Wh flowed in transaction {ref}, {billed_wh} were billed"
    for ref, flow in flows.items():
        if flow.energy_wh > STEP_WH:
            yield f"I6: {flow.energy_wh:.1f} Wh flowed in transaction {ref} and nobody knows it"


def _apart(world: World, central: Central) -> Iterator[str]:
    """I6, 7d: sessions of a connector overlap neither in register nor, as told, in their begin."""
    of: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for session in central.sessions.values():
        of[session["connector"]].append(session)
    for connector, sessions in of.items():
        for one, other in pairwise(sessions):
            if other["started_at_ms"] <= one["started_at_ms"]:
                yield f"7d: session {other['transaction_id']} begins with or before another"
            if not world.outlets[connector].resets and other["meter_start_wh"] < (
                one["meter_stop_wh"] or 0
            ):
                yield f"I6: session {other['transaction_id']} overlaps the one before"
    for session in central.sessions.values():
        if (session["stopped_at_ms"] or session["started_at_ms"]) < session["started_at_ms"]:
            yield f"I8: session {session['transaction_id']} ends before it begins"


def _wire(world: World) -> Iterator[str]:
    """I3, I4 as the wire saw them: one id, one content; one content, one id; a stop comes last."""
    contents: dict[str, str] = {}
    ids: dict[str, str] = {}
    ended: set[int] = set()
    for call in world.network.heard:
        if call.action not in TRANSACTION or _is_demanded(call.payload):
            continue
        bare = {key: value for key, value in call.payload.items() if key != "transactionId"}
        content = json.dumps((call.action, bare))
        if contents.setdefault(call.message_id, content) != content:
            yield f"I4: message {call.message_id} changed on a resend"
        refused = json.dumps(bare) in world.network.refused
        if not refused and ids.setdefault(content, call.message_id) != call.message_id:
            yield f"I4: {call.action} was sent again as another message"
        number = call.payload.get("transactionId")
        if call.action == "MeterValues" and number in ended:
            yield f"I3: a sample of session {number} after its end"
        if call.action == "StopTransaction" and number is not None:
            ended.add(number)


def _is_demanded(payload: dict[str, Any]) -> bool:
    values = [one for value in payload.get("meterValue", ()) for one in value["sampledValue"]]
    return any(one.get("context") == "Trigger" for one in values)


def _told(edge: Edge, text: str | None) -> int | None:
    """A moment of the journal as it is told, in milliseconds; `None` if unknown (any more)."""
    wall = None if text is None else _wall(edge, json.loads(text))
    return None if wall is None else (wall - EPOCH) // timedelta(milliseconds=1)


def _wall(edge: Edge, at: dict[str, Any]) -> datetime | None:
    if at["trusted"]:
        return datetime.fromisoformat(at["wall"])
    anchor = edge.anchors.get(at["boot"])
    if anchor is None:
        return None
    return datetime.fromisoformat(anchor["zero"]) + timedelta(seconds=at["monotonic"])


def _dark(world: World, edge: Edge) -> Iterator[str]:
    """Ruling 4: nobody pays for dark hours, so no session reaches over a power cut."""
    for ref, ours in edge.transactions.items():
        if ours["stopping_at"] is None:
            continue
        began, ended = (
            _moment(world, edge, json.loads(ours[name])) for name in ("opened_at", "stopping_at")
        )
        if any(began < lost_at < ended - LATE_S for lost_at in world.power_lost_at):
            yield f"4: transaction {ref} reaches over a power cut"


def _moment(world: World, edge: Edge, at: dict[str, Any]) -> float:
    booted_at: float = world.computer.booted_at[edge.kernels[at["boot"]]]
    return booted_at + float(at["monotonic"])


def _times(world: World, edge: Edge) -> Iterator[str]:
    """2.4: where nobody set the clock wrongly, what is told is when it was; a guess is earlier."""
    if world.computer.lied:
        return
    for ref, ours in edge.transactions.items():
        for text in (ours["opened_at"], ours["stopping_at"]):
            if text is None:
                continue
            at = json.loads(text)
            told = _wall(edge, at)
            if told is None:
                continue
            late_s = (told - true_time(_moment(world, edge, at))).total_seconds()
            anchor = edge.anchors.get(at["boot"])
            guessed = anchor is not None and not anchor["certain"]
            old_s = LATE_S if world.computer.is_kept else OLD_S
            if late_s > LATE_S or (late_s < -old_s and not guessed):
                yield f"2.4: transaction {ref} is told {late_s:.1f} s off"
