"""A power cut anywhere between a new key and the first line that its certificate opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from edge.core.access import Access
from edge.core.certificate_commands import CertificateSigned, CertificateSignedConf
from edge.core.commands import ExtendedTriggerMessage
from edge.core.credentials import TRIGGER
from edge.core.effects import Effect, Reply, Send, UseAccess
from edge.core.events import LinkUp, X509Answered
from edge.core.messages import SignCertificate
from edge.core.records import Record
from edge.core.security import attempts
from edge.core.x509 import (
    ChainFound,
    CheckChain,
    Credential,
    CredentialsKept,
    KeyMade,
    MakeSigningRequest,
)
from tests.crash.histories import Fall, Story, play
from tests.crash.life import Life
from tests.crash.line import LINE_S
from tests.crash.memory import MemoryJournal
from tests.crash.wall import EPOCH
from tests.crash.world import World

BEGIN, END = EPOCH - timedelta(days=1), EPOCH + timedelta(days=365)
OLD = Credential(chain="0", key="0", not_before=BEGIN, not_after=END)
SIGN_S = 2.0  # the authority's time
DIAL_S = 1.0


def _ask(world: World) -> None:
    world.call(ExtendedTriggerMessage(requested_message=TRIGGER))


STORY: Story = ((4, _ask), (30, lambda w: w.cut_line(9.0)), (60, _ask), (90, _ask), (91, _ask))


class Certified(World):
    """Profile 3: the n-th key and its certificate are called n, the factory's 0.

    The server lets in whom *admits* says; the line is dialled with each way in turn.
    """

    newest: Certified
    admits_new = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.journal.rows.take(CredentialsKept(own=OLD))
        self.keys = 0
        self.accepted = 0
        self.ways: Sequence[Access] = ()
        self.turn = 0
        self.shown: Credential | None = None
        self.linked_lives: set[int] = set()
        type(self).newest = self

    def _born(self, state: Any) -> Life:
        given = {**state.setup.overrides, "CpoName": "Cpo", "SecurityProfile": "3"}
        setup = replace(state.setup, overrides=given, common_name="TW-0001")
        born = replace(state, setup=setup)
        self.ways, self.turn, self.shown = attempts(born), 0, None
        return super()._born(born)

    def _link(self, life: Life) -> None:
        if self.life is not life or not self.line_up or life.linked:
            return
        way = self.ways[self.turn % len(self.ways)]
        if way.credential is None or not self._admits(way.credential):
            self.turn += 1
            self.host.call_later(DIAL_S, self._link, life)
            return
        life.linked, self.turn, self.shown = True, 0, way.credential
        self.linked_lives.add(life.number)
        self.post(LinkUp(at=self.now(), access=way))

    def _admits(self, shown: Credential) -> bool:
        if shown.chain != shown.key:
            self.breaches.append(f"certificate {shown.chain} is shown with key {shown.key}")
        return self.admits_new or shown == OLD

    def _perform(self, life: Life, effect: Effect) -> None:
        match effect:
            case MakeSigningRequest():
                self.keys += 1
                name = str(self.keys)
                self._reply(life, effect, KeyMade(key=name, key_id=name, csr=name))
            case CheckChain():
                self._reply(life, effect, _found(effect.chain))
            case UseAccess():
                self.ways, self.turn = effect.attempts, 0
                if effect.reconnect:
                    self.cut_line(DIAL_S)
            case Reply(answer=CertificateSignedConf(status="Accepted")) if life.linked:
                self.accepted = self.keys
            case Send(message=SignCertificate(csr=csr)) if life.linked:
                signed = CertificateSigned(certificate_chain=csr)
                self.host.call_later(SIGN_S, self.call, signed)
        super()._perform(life, effect)

    def _reply(self, life: Life, question: Any, answer: Any) -> None:
        def post() -> None:
            if self.life is life:
                self.post(X509Answered(at=self.now(), ticket=question.ticket, answer=answer))

        self.host.call_later(LINE_S, post)


def _found(chain: str) -> ChainFound:
    return ChainFound(
        chain=chain,
        common_name="TW-0001",
        organisation="Cpo",
        key_id=chain,
        not_before=BEGIN,
        not_after=END,
    )


class Refusing(Certified):
    """The central system hands out certificates that its own server will not have."""

    admits_new = False


def faults(make: type[Certified], fall: Fall | None, latency_s: float) -> tuple[list[str], int]:
    """What is wrong at the end of the story; and how many crash points it had."""
    outcome = play(STORY, fall=fall, latency_s=latency_s, make=make)
    world = make.newest
    found = list(outcome.breaches)
    if world.lives not in world.linked_lives or world.shown is None:
        return [*found, "the station cannot connect"], outcome.points
    if world.admits_new and int(world.shown.chain) < world.accepted:
        found.append(f"{world.accepted} was accepted, {world.shown.chain} is shown")
    return found, outcome.points


@pytest.mark.parametrize("make", [Certified, Refusing])
def test_the_story_leads_to_a_new_certificate(make: type[Certified]) -> None:
    """The model itself is sound: each request is answered, taken and used, or given up."""
    found, _ = faults(make, None, 0.0)
    assert found == []
    assert make.newest.accepted >= 3


@pytest.mark.sweep
@pytest.mark.parametrize("with_power", [True, False], ids=["power-cut", "kill"])
@pytest.mark.parametrize("latency_s", [0.0, 0.3, 2.0], ids=["fast-disk", "slow-disk", "stalled"])
@pytest.mark.parametrize("make", [Certified, Refusing])
def test_no_crash_point_locks_the_station_out(
    make: type[Certified], latency_s: float, *, with_power: bool
) -> None:
    """A02: what was accepted is shown with its key; what worked before still opens the line."""
    _, points = faults(make, None, latency_s)
    found = []
    for point in range(1, points + 1):
        fall = Fall(point=point, with_power=with_power)
        found += [f"point {point}: {one}" for one in faults(make, fall, latency_s)[0]]
    assert found == []


class Forgetful(MemoryJournal):
    """Does not write the certificate that worked before."""

    async def commit(self, records: Sequence[Record]) -> None:
        await super().commit(
            [replace(one, old=None) if isinstance(one, CredentialsKept) else one for one in records]
        )


class ForgetsTheOld(Refusing):
    """The way back lives in memory only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.journal = Forgetful(self.journal.latency_s)
        self.journal.rows.take(CredentialsKept(own=OLD))


class Hasty(Certified):
    """Tells before it writes."""

    def _born(self, state: object) -> Life:
        life = super()._born(state)
        append = life.loop._append

        def hasty(page: Any) -> None:
            for effect in page.tell:
                self._perform(life, effect)
            append(replace(page, tell=()))

        life.loop._append = hasty
        return life


@pytest.mark.parametrize("make", [ForgetsTheOld, Hasty])
def test_the_sweep_finds_the_planted_bug(make: type[Certified]) -> None:
    """A test that cannot fail proves nothing."""
    _, points = faults(make, None, 0.3)
    falls = (Fall(point=point) for point in range(1, points + 1))
    assert any(faults(make, fall, 0.3)[0] for fall in falls)
