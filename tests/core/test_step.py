"""What holds for every history: hypothesis plays the world against the core."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.core.commands import (
    Command,
    Reset,
    SetChargingProfile,
)
from edge.core.effects import (
    Ask,
    Send,
)
from edge.core.events import (
    DialRefused,
    DriverFound,
    DriverLost,
    Event,
    EvseSeen,
    FramesRefused,
    JournalHealed,
    JournalLost,
    MeterRead,
    Pilot,
    Port,
    PowerFailing,
    PowerReturned,
    Started,
    StopPressed,
    TagPresented,
    Trip,
)
from edge.core.messages import (
    BootNotification,
    CallError,
    IdTagInfo,
    MeterValues,
    NoAnswer,
    StartTransaction,
    StopTransaction,
)
from edge.core.setup import PhaseSwitching, Policy
from edge.core.step import step
from edge.core.vocabulary import (
    RegistrationStatus,
    ResetType,
    SecurityEvent,
)
from tests.core.bench import ALICE, BOB, setup
from tests.core.build import Rig, booted
from tests.core.charging_bench import DEFAULT, profile
from tests.core.self_tests import with_coil
from tests.core.strategies import CONNECTORS, commands, connectors, infos, refusals, tags
from tests.core.whys import check_why
from tests.core.witness import Witness


class Histories(RuleBasedStateMachine):
    """Everything that the world may do, in any order."""

    rig: Witness
    ends_by: ResetType | None

    @initialize(
        lock=st.booleans(),
        online=st.booleans(),
        trusted=st.booleans(),
        ends_by=st.sampled_from([None, *ResetType]),
        coil=st.booleans(),
        switching=st.sampled_from([None, *PhaseSwitching]),
    )
    def begin(
        self,
        *,
        lock: bool,
        online: bool,
        trusted: bool,
        ends_by: ResetType | None,
        coil: bool,
        switching: PhaseSwitching | None,
    ) -> None:
        self.ends_by = ends_by
        relay = switching is not None
        policy = Policy(phase_switching=switching or PhaseSwitching.SESSIONS)
        made = with_coil if coil else setup
        made_setup = made(
            connectors=CONNECTORS, lock=lock, relay=relay, phases=3 if relay else 1, policy=policy
        )
        self.rig = Witness(made_setup, trusted=trusted)
        self.rig.step(Started(at=self.rig.instant))
        if online:
            self.rig.online()

    @rule(tag=tags)
    def tap(self, tag: str) -> None:
        self.rig.tap(tag)

    @rule(connector=connectors)
    def plug(self, connector: int) -> None:
        self.rig.plug(connector)

    @rule(connector=connectors)
    def unplug(self, connector: int) -> None:
        self.rig.unplug(connector)

    @rule(connector=connectors)
    def press_stop(self, connector: int) -> None:
        self.rig.step(StopPressed(at=self.rig.instant, connector=connector))

    @rule(connector=connectors, tag=tags)
    def card_first(self, connector: int, tag: str) -> None:
        self.heal(connector)
        self.rig.tap(tag)
        self.answer_all()
        self.rig.plug(connector)

    @rule(connector=connectors, tag=tags)
    def session(self, connector: int, tag: str) -> None:
        self.rig.plug(connector)
        self.rig.tap(tag)
        self.answer_all()

    @rule(
        connector=connectors,
        pilot=st.sampled_from(Pilot),
        closed=st.booleans(),
        tripped=st.frozensets(st.sampled_from(Trip), max_size=1),
    )
    def inputs(self, connector: int, pilot: Pilot, closed: bool, tripped: frozenset[Trip]) -> None:
        self.rig.see(connector, pilot=pilot, closed=closed and not tripped, tripped=tripped)

    @rule(connector=connectors, tripped=st.booleans())
    def pulse(self, connector: int, tripped: bool) -> None:
        """The driver carries a pulse out, and the device trips or not; asked for or not."""
        self.rig.see(connector, pulsed=True)
        self.rig.trip(*[Trip.RCD] * tripped, connector=connector)
        self.rig.wait(0.5)
        self.rig.see(connector, pulsed=False)

    @rule(
        connector=connectors,
        habit=st.sampled_from(
            ["stubborn", "jammed", "deaf", "meter_works", "mute", "eager", "stuck"]
        ),
    )
    def hardware_changes(self, connector: int, habit: str) -> None:
        socket = self.rig.socket(connector)
        setattr(socket, habit, not getattr(socket, habit))

    @rule(connector=connectors)
    def heal(self, connector: int) -> None:
        socket = self.rig.socket(connector)
        socket.meter_works, socket.mute, socket.deaf, socket.jammed = True, False, False, False
        self.rig.see(connector, tripped=frozenset(), closed=False)
        self.rig.meter(connector)

    @rule(
        connector=connectors, drawn_wh=st.integers(0, 500), current_a=st.sampled_from([0.0, 16.0])
    )
    def measure(self, connector: int, drawn_wh: int, current_a: float) -> None:
        socket = self.rig.socket(connector)
        drawn_wh = drawn_wh if socket.closed else 0
        self.rig.meter(connector, socket.energy_wh + drawn_wh, current_a)

    @rule(connector=connectors, phases=st.sampled_from([None, 1, 3]))
    def allow_phases(self, connector: int, phases: int | None) -> None:
        made = profile(DEFAULT, (0, 16.0, phases), number=connector)
        self.rig.call(SetChargingProfile(connector_id=connector, cs_charging_profiles=made))

    @rule(connector=connectors, leak_a=st.sampled_from([0.0, 0.4, 0.6]))
    def leak(self, connector: int, leak_a: float) -> None:
        self.rig.socket(connector).leak_a = leak_a
        self.rig.meter(connector)

    @rule(connector=connectors, port=st.sampled_from(Port), mishap=st.integers(0, 7))
    def mishap(self, connector: int, port: Port, mishap: int) -> None:
        at = self.rig.instant
        happens: list[Event] = [
            DriverLost(at=at, port=port, connector=connector, why="gone"),
            DriverFound(at=at, port=port, connector=connector),
            JournalLost(at=at, kind="full"),
            JournalHealed(at=at),
            PowerFailing(at=at),
            DialRefused(at=at, suspicion=SecurityEvent.INVALID_TLS_VERSION, why="old"),
            FramesRefused(at=at, suspicion=SecurityEvent.INVALID_MESSAGES, count=3),
            PowerReturned(at=at),
        ]
        self.rig.step(happens[mishap])

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0, 61.0, 200.0]))
    def wait(self, seconds: float) -> None:
        self.rig.wait(seconds)

    @rule(command=commands)
    def call(self, command: Command) -> None:
        self.rig.call(command)

    @precondition(lambda self: not self.rig.state.station.registration.link_up)
    @rule()
    def line_opens(self) -> None:
        self.rig.link_up()

    @precondition(lambda self: self.rig.state.station.registration.link_up)
    @rule(closed_within_s=st.sampled_from([None, 0.1, 9.0]))
    def line_breaks(self, closed_within_s: float | None) -> None:
        self.rig.link_down(closed_within_s)

    @precondition(lambda self: self.rig.sent)
    @rule(info=infos)
    def answer(self, info: IdTagInfo) -> None:
        self.rig.tag_info = dict.fromkeys((ALICE, BOB), info)
        self.rig.answer(type(self.rig.sent[0].message))

    @precondition(lambda self: self.rig.sent)
    @rule()
    def answer_all(self) -> None:
        self.rig.answer_all()

    @precondition(lambda self: self.rig.sent)
    @rule(answer=refusals)
    def refuse(self, answer: CallError | NoAnswer) -> None:
        self.rig.settle(self.rig.sent[0], answer)

    @precondition(lambda self: self.rig.is_waiting(BootNotification))
    @rule(status=st.sampled_from(RegistrationStatus), interval=st.sampled_from([0, 10, 300]))
    def boot_answered(self, status: RegistrationStatus, interval: int) -> None:
        self.rig.answer(BootNotification, booted(self.rig.instant.wall, status, interval))

    @invariant()
    def tickets_are_few(self) -> None:
        """A bound with its reason: the peer may hang, we may not."""
        if hasattr(self, "rig"):
            assert len(self.rig.state.waiting) <= 48

    @invariant()
    def one_transaction_message_is_in_flight(self) -> None:
        """3.7: in order, one at a time."""
        if hasattr(self, "rig"):
            kinds = (StartTransaction, StopTransaction)
            queued = {row.message_id for row in self.rig.journal}
            flying = [
                one
                for one in self.rig.sent
                if isinstance(one.message, kinds)
                or (isinstance(one.message, MeterValues) and one.message_id in queued)
            ]
            assert len(flying) <= 2
            for first, second in pairwise(flying):
                assert isinstance(second, Send)
                assert second.behind == first.ticket, "two on the wire"
            assert self.rig.state.station.outbox.count == len(self.rig.journal)

    @invariant()
    def why_is_true(self) -> None:
        """Whatever keeps a driver from starting, or energy from a car, has a name."""
        if hasattr(self, "rig"):
            check_why(self.rig.state, self.rig.now)

    def teardown(self) -> None:
        """In the end every call is answered, and every session reaches the central system."""
        if not hasattr(self, "rig"):
            return
        rig = self.rig
        heard = rig.state.station.registration.status is not RegistrationStatus.REJECTED
        if self.ends_by is not None:
            rig.call(Reset(type=self.ends_by))
        rig.wait(20)
        assert rig.owed == {}
        assert rig.restarted is (self.ends_by is not None and heard), "while Rejected: silence"
        for connector in rig.state.connectors:
            self.heal(connector)
            rig.unplug(connector)
        rig.wait(30)
        assert rig.open == {}, "a car that has gone leaves no transaction behind"
        assert all(isinstance(one, Send | Ask) for one in rig.sent)


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_a_step_changes_nothing_but_its_answer() -> None:
    """Frozen state: the value that went in is the value that was."""
    rig = Rig(setup(connectors=2)).online().charging()
    before = rig.state
    copy = replace(before)
    step(before, TagPresented(at=rig.instant, id_tag=ALICE))
    step(
        before,
        EvseSeen(at=rig.instant, connector=1, plugged=False, pilot=Pilot.A, contactor_closed=False),
    )
    step(before, MeterRead(at=rig.instant, connector=1, reading=rig.reading()))
    assert before == copy
