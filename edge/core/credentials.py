"""Machine `credentials`: the station's own certificate, from its key to the line that it opens.

    asked or nearly expired ─► key made ─► SignCertificate ─► CertificateSigned ─► checked ─► own

Each arrow is one commit. The certificate that worked before stays until its successor has let us
in, so that no slip and no power cut locks the station out.
Source: security whitepaper ed. 3, A02, A03.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from edge.core import keys, security
from edge.core.access import WITH_CERTIFICATE
from edge.core.certificate_commands import CertificateSigned, CertificateSignedConf
from edge.core.certificates import CSMS, WITHIN_S, trusted
from edge.core.draft import Draft
from edge.core.effects import Reply, UseAccess
from edge.core.events import LinkUp, Settled, X509Answered
from edge.core.facts import SecurityNoticed, Triggered
from edge.core.messages import NoAnswer, SignCertificate
from edge.core.state import ChargePoint
from edge.core.vocabulary import SecurityEvent
from edge.core.waiting import ToMakeKey, ToSign, ToTake
from edge.core.x509 import (
    ChainFound,
    CheckChain,
    Credential,
    Credentials,
    CredentialsKept,
    KeyMade,
    KeyRequest,
    MakeSigningRequest,
    NotDone,
    Unfit,
    X509Answer,
)

TRIGGER: Final = "SignChargePointCertificate"
RENEW_BEFORE: Final = timedelta(days=30)  # "will expire in one month" (A03.FR.02)
RENEW_SHARE: Final = 1 / 3  # of a life so short that a month is most of it
ASK_AGAIN: Final = timedelta(days=1)  # doubled each time: a person has to look at it (A03 7)
MOST_ASKED: Final = 5  # in a row, the last a fortnight after the first
AHEAD_S: Final = 86_400.0  # how far off the beginning of a certificate may be: clocks differ
REST_S: Final = 3600.0  # after a key that could not be made
AFTER_S: Final = 0.001  # a moment of the wall clock, rounded, has really come by then
MOVED_S: Final = 1.0  # a wall clock that jumped further moves what is due


def _put(draft: Draft, **changes: Any) -> None:
    draft.put_station(credentials=replace(draft.station.credentials, **changes))


def _keep(draft: Draft, kept: CredentialsKept) -> None:
    _put(draft, kept=kept)
    draft.write(kept)


def may_ask(state: ChargePoint) -> bool:
    """A request names the operator, so there must be one (A02, prerequisite)."""
    return bool(keys.text(state, "CpoName"))


# ── asking ───────────────────────────────────────────────────────────────────────────────────────


def on_trigger(draft: Draft, fact: Triggered) -> None:
    """A person wants a new one: the count of vain requests begins anew."""
    if fact.message == TRIGGER and not draft.station.credentials.asking:
        _ask(draft, asked=1)


def _ask(draft: Draft, asked: int) -> None:
    organisation = keys.text(draft.state, "CpoName")
    ticket = draft.ticket(ToMakeKey(asked=asked, organisation=organisation), WITHIN_S)
    common_name = draft.state.setup.common_name
    draft.do(MakeSigningRequest(ticket=ticket, common_name=common_name, organisation=organisation))
    _put(draft, asking=True, untold=False)


def on_key_made(draft: Draft, purpose: ToMakeKey, event: X509Answered | None) -> None:
    """Write the key, then ask for its certificate."""
    made = None if event is None else event.answer
    if not isinstance(made, KeyMade):
        _put(draft, asking=False, rest_until=draft.now + REST_S)
        return
    request = KeyRequest(
        key=made.key,
        key_id=made.key_id,
        csr=made.csr,
        common_name=draft.state.setup.common_name,
        organisation=purpose.organisation,
        asked_at=draft.at.wall,
        asked=purpose.asked,
    )
    _keep(draft, replace(draft.station.credentials.kept, request=request))
    _send(draft, request)


def _send(draft: Draft, request: KeyRequest) -> None:
    draft.send(ToSign(), SignCertificate(csr=request.csr))
    _put(draft, asking=True, untold=False)


def on_settled(draft: Draft, _: ToSign, event: Settled) -> None:
    """What the line took away is sent again; a refusal is for a person to look at (A02 7)."""
    lost = isinstance(event.answer, NoAnswer) and not event.answer.timed_out
    _put(draft, asking=False, untold=lost)


# ── being answered ───────────────────────────────────────────────────────────────────────────────


def on_signed(draft: Draft, call_id: int, command: CertificateSigned) -> None:
    """Have it checked; the answer comes when that is done."""
    if draft.station.credentials.kept.request is None:
        _reject(draft, call_id, "no certificate was asked for")
        return
    if not draft.has_room:
        _answer(draft, call_id, "Rejected")
        return
    draft.do(
        CheckChain(
            ticket=draft.ticket(ToTake(call_id=call_id), WITHIN_S),
            use=CSMS,
            chain=command.certificate_chain,
            roots=trusted(draft.state),
            at=draft.at.wall,
            ahead_s=AHEAD_S,
        )
    )


def on_checked(draft: Draft, purpose: ToTake, event: X509Answered | None) -> None:
    """Take it if it is what we asked for (A02.FR.06, FR.07)."""
    request = draft.station.credentials.kept.request
    found: X509Answer = NotDone(why="in time") if event is None else event.answer
    if isinstance(found, ChainFound) and request is not None:
        fault = _fault(found, request)
        if fault is None:
            _answer(draft, purpose.call_id, "Accepted")
            _take(draft, found, request)
        else:
            _reject(draft, purpose.call_id, fault)
    elif isinstance(found, NotDone):
        _answer(draft, purpose.call_id, "Rejected")
    else:
        why = found.why if isinstance(found, Unfit) else "no certificate was asked for"
        _reject(draft, purpose.call_id, why)


def _fault(found: ChainFound, request: KeyRequest) -> str | None:
    if found.key_id != request.key_id:
        return "it is for another key than the one asked for"
    if found.common_name != request.common_name:
        return "its common name is not this station's serial number"
    if found.organisation != request.organisation:
        return "its organisation is not the CpoName"
    return None


def _answer(draft: Draft, call_id: int, status: str) -> None:
    draft.do(Reply(call_id=call_id, answer=CertificateSignedConf(status=status)))


def _reject(draft: Draft, call_id: int, why: str) -> None:
    _answer(draft, call_id, "Rejected")
    event = SecurityEvent.INVALID_CHARGE_POINT_CERTIFICATE
    draft.tell(SecurityNoticed(event=event, info=why))


def _take(draft: Draft, found: ChainFound, request: KeyRequest) -> None:
    """It is ours, once its time has come; what worked before stays beside it."""
    kept = draft.station.credentials.kept
    own = Credential(
        chain=found.chain,
        key=request.key,
        not_before=found.not_before,
        not_after=found.not_after,
    )
    _keep(draft, CredentialsKept(own=own, old=kept.old or kept.own))
    event = SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS
    draft.tell(SecurityNoticed(event=event, info="the station's certificate is a new one"))
    _await_beginning(draft)
    _use(draft, reconnect=draft.station.credentials.switch_at is None)


def _await_beginning(draft: Draft) -> None:
    own = draft.station.credentials.kept.own
    begins = None if own is None or own.not_before <= draft.at.wall else own.not_before
    _put(draft, switch_at=begins)


def _use(draft: Draft, *, reconnect: bool) -> None:
    """Dial with what there is now; a line that shows no certificate has no reason to end."""
    shows = _shows(draft.state)
    ways = security.attempts(draft.state)
    draft.do(UseAccess(attempts=ways, reconnect=reconnect and shows))


def _shows(state: ChargePoint) -> bool:
    return keys.number(state, security.PROFILE) == WITH_CERTIFICATE


def on_link_up(draft: Draft, event: LinkUp) -> None:
    """The new certificate has let us in: the old one has done its duty (A02.FR.10).

    Or it was not its time yet, which it will be one day (A02.FR.08).
    """
    _await_beginning(draft)
    kept = draft.station.credentials.kept
    shown = None if event.access is None else event.access.credential
    if shown is not None and shown == kept.own and kept.old is not None:
        _keep(draft, replace(kept, old=None))
        _use(draft, reconnect=False)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def on_tick(draft: Draft) -> None:
    """Send what was lost, take up what has begun, renew what ends."""
    credentials = draft.station.credentials
    if credentials.kept.own is None and not credentials.untold:
        return  # most stations, in every step
    if credentials.switch_at is not None and credentials.switch_at <= draft.at.wall:
        _put(draft, switch_at=None)
        _use(draft, reconnect=True)
    can_ask = draft.station.registration.online and not credentials.asking and draft.has_room
    request = credentials.kept.request
    if can_ask and credentials.untold and request is not None:
        _send(draft, request)
    elif can_ask and _is_ending(draft):
        _ask(draft, asked=1 if request is None else request.asked + 1)
    _note_due(draft)


def _is_ending(draft: Draft) -> bool:
    renewal = _renewal(draft.station.credentials, draft.at.wall)
    return (
        renewal is not None
        and renewal <= draft.at.wall
        and draft.now >= draft.station.credentials.rest_until
        and _shows(draft.state)
        and may_ask(draft.state)
    )


def _renewal(credentials: Credentials, now: datetime) -> datetime | None:
    """When to ask for the next certificate, again if nobody answered; `None`: not any more.

    A request that was made by a clock far ahead holds up nothing.
    """
    own, request = credentials.kept.own, credentials.kept.request
    if own is None:
        return None
    life = own.not_after - own.not_before
    due = own.not_after - min(RENEW_BEFORE, life * RENEW_SHARE)
    if request is None or request.asked_at > now:
        return due
    if request.asked >= MOST_ASKED:
        return None
    return max(due, request.asked_at + ASK_AGAIN * (1 << (request.asked - 1)))


def _note_due(draft: Draft) -> None:
    """Put down when to look again: the wall clock's moments in monotonic seconds."""
    credentials = draft.station.credentials
    moments = (credentials.switch_at, _renewal(credentials, draft.at.wall))
    seconds = [
        draft.now + (one - draft.at.wall).total_seconds() + AFTER_S
        for one in moments
        if one is not None
    ]
    seconds.append(credentials.rest_until)
    due_at = min((one for one in seconds if one > draft.now), default=0.0)
    if abs(due_at - credentials.due_at) > MOVED_S:
        _put(draft, due_at=due_at)
