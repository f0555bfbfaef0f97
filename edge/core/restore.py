"""From the journal's rows back to a charge point: what a restart knows.

The contactor is open until recovery is done (I11). A transaction left open waits in RECOVERING for
inputs and meter; how it ends is decided there by what is set here (rulings 4 and 40).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edge.core import clock, jobs, temperature
from edge.core.access import Security
from edge.core.bay import (
    Bay,
    Connector,
    Contactor,
    Metering,
    Phase,
    RcdTest,
    Seen,
    Service,
    Transaction,
)
from edge.core.card_roles import Cards
from edge.core.connector import RECOVER_WITHIN_S
from edge.core.cost_messages import Cost
from edge.core.instant import Instant
from edge.core.metering import NOTE_EVERY_S
from edge.core.profiles import Installed
from edge.core.records import FaultLatched, Latch
from edge.core.saved import Saved, SavedTransaction
from edge.core.security_log import SecurityEvents
from edge.core.setup import Setup
from edge.core.state import (
    Authorisation,
    ChargePoint,
    Charging,
    LocalList,
    Outbox,
    Reservation,
    Space,
    Station,
)
from edge.core.vocabulary import AuthorizationStatus, AvailabilityType, ResetType, StopReason
from edge.core.x509 import Certificates, Credentials, CredentialsKept


def restore(saved: Saved, setup: Setup, now: Instant) -> ChargePoint:
    """The charge point as the journal left it, everything off.

    Raises ValueError if a transaction is open on a connector that is no longer configured.
    """
    service = {row.connector: row.availability for row in saved.availability}
    time = clock.begun(saved, setup.kernel_boot, now)
    young = Metering(good_at=now.monotonic)  # a meter gets its time to come up before it is missed
    worn = {row.connector: (row.closings, row.hot_opens) for row in saved.wear}
    tested = _tested(saved)
    bays = tuple(
        Bay(
            metering=young,
            temperature=temperature.begun(now.monotonic),
            contactor=_worn(worn.get(number, (0, 0))),
            rcd_test=tested.get(number, RcdTest()),
            service=Service(availability=service.get(number, AvailabilityType.OPERATIVE)),
        )
        for number in range(1, len(setup.traits) + 1)
    )
    state = ChargePoint(
        setup=setup,
        station=Station(
            clock=time,
            outbox=_outbox(saved),
            authorisation=Authorisation(cache={row.id_tag: row for row in saved.cache}),
            cards=Cards(given={row.id_tag: row.role for row in saved.cards}),
            charging=Charging(profiles=_profiles(saved), due=now.monotonic),
            local_list=LocalList(
                version=saved.list_version if saved.local_list else 0,
                entries={row.id_tag: row.info for row in saved.local_list},
            ),
            reservations=_reservations(saved, setup, now),
            configuration={row.key: row.value for row in saved.configuration},
            security=_security(saved),
            security_events=SecurityEvents(
                last_seq=saved.last_security_seq,
                untold=saved.untold,
            ),
            certificates=Certificates(roots=saved.roots),
            credentials=Credentials(kept=saved.credentials or CredentialsKept()),
            rebooted=_has_rebooted(saved, setup),
            damage=saved.damage,
            space=Space(thinned=saved.thinned),
            service=service.get(0, AvailabilityType.OPERATIVE),
            last_ref=saved.last_ref,
            last_starts=saved.last_starts,
            dial_failures=saved.dial_failures,
            jobs=jobs.restored(saved.jobs, now),
        ),
        bays=bays,
        at=now.monotonic,
    )
    for fault in saved.faults:
        state = _latched(state, fault)
    for transaction in saved.transactions:
        if transaction.stopped is None:
            state = _reopen(state, saved, transaction, now)
    return state


def _tested(saved: Saved) -> dict[int, RcdTest]:
    return {
        row.connector: RcdTest(passed_at=row.passed_at, tries=row.tries) for row in saved.rcd_tests
    }


def _worn(counted: tuple[int, int]) -> Contactor:
    closings, hot_opens = counted
    return Contactor(closings=closings, hot_opens=hot_opens, written=counted)


def _latched(state: ChargePoint, fault: FaultLatched) -> ChargePoint:
    if fault.latch is Latch.WELDED:
        return _with(state, fault.connector, seen=Seen(welded=True))
    state = _with(state, fault.connector)  # it must be configured
    latches = state.bay(fault.connector).latches | {fault.latch}
    return _with(state, fault.connector, latches=latches)


def _security(saved: Saved) -> Security:
    if saved.fallback is None:
        return Security()
    return Security(old_profile=saved.fallback.profile, old_key=saved.fallback.key)


def _reservations(saved: Saved, setup: Setup, now: Instant) -> tuple[Reservation, ...]:
    """Those of connectors that still exist; one that ran out meanwhile ends in the first step."""
    return tuple(
        Reservation(
            reservation_id=row.reservation_id,
            connector=row.connector,
            id_tag=row.id_tag,
            parent_id_tag=row.parent_id_tag,
            expiry_date=row.expiry_date,
            until=now.monotonic,
        )
        for row in saved.reservations
        if row.connector <= len(setup.traits)
    )


def _outbox(saved: Saved) -> Outbox:
    bound = {
        transaction.opened.ref: transaction.transaction_id
        for transaction in saved.transactions
        if transaction.transaction_id is not None
    }
    return Outbox(
        head=saved.outbox,
        count=saved.outbox_count,
        last_seq=saved.last_seq,
        bound=bound,
        dead_letters=saved.dead_letters,
    )


def _profiles(saved: Saved) -> tuple[Installed, ...]:
    """Those of transactions that did not live to be restored are left behind."""
    running = {one.opened.ref for one in saved.transactions if one.stopped is None}
    found = (row.installed for row in saved.profiles)
    return tuple(one for one in found if one.ref is None or one.ref in running)


def _with(state: ChargePoint, connector: int, /, **fields: Any) -> ChargePoint:
    bays = list(state.bays)
    if not 1 <= connector <= len(bays):
        raise ValueError(
            f"the journal knows connector {connector}, the configuration does not: "
            f"configure it again, or move the journal away"
        )
    bays[connector - 1] = replace(bays[connector - 1], **fields)
    return replace(state, bays=tuple(bays))


def _reopen(
    state: ChargePoint, saved: Saved, transaction: SavedTransaction, now: Instant
) -> ChargePoint:
    opened, stopping = transaction.opened, transaction.stopping
    info = transaction.id_tag_info
    told_at = _latest(opened.at, transaction.last_at)
    reason, resumable = _recovery(state, saved, told_at, now)
    invalid = info is not None and info.status is not AuthorizationStatus.ACCEPTED
    reopened = Transaction(
        ref=opened.ref,
        id_tag=opened.id_tag,
        parent_id_tag=(info.parent_id_tag if info else None) or opened.parent_id_tag,
        begin_wh=opened.begin_wh,
        started_at=opened.at,
        told_at=told_at,
        meter_serial=opened.meter_serial,
        transaction_id=transaction.transaction_id,
        deauthorised=invalid,
        deauthorised_wh=transaction.deauthorised_wh,
        stop_reason=stopping.reason if stopping else None,
        stopping_at=stopping.at if stopping else None,
        stop_tag=stopping.id_tag if stopping else None,
        last_wh=transaction.last_wh,
    )
    dark = reason is StopReason.POWER_LOSS
    connector = Connector(
        phase=Phase.RECOVERING,
        until=now.monotonic + RECOVER_WITHIN_S,
        recovery=reason,
        recovery_at=_last_life(saved, told_at) if dark else None,
        resumable=resumable and stopping is None,
    )
    state = _with(state, opened.connector)  # it must be configured
    worn = state.bay(opened.connector).contactor
    rests = replace(worn, opened_at=now.monotonic)  # nobody knows since when: safety 6, ruling 40
    return _with(
        state,
        opened.connector,
        transaction=reopened,
        connector=connector,
        contactor=rests,
        cost=Cost(ref=opened.ref, transaction_id=transaction.transaction_id),
    )


def _latest(*moments: Instant | None) -> Instant:
    return max((at for at in moments if at is not None), key=lambda at: at.order)


def _last_life(saved: Saved, told_at: Instant) -> Instant:
    """The latest durable evidence of life in its boot: nobody pays for dark hours (ruling 4)."""
    return _latest(told_at, *(life for life in saved.lives if life.boot == told_at.boot))


def _recovery(
    state: ChargePoint, saved: Saved, told_at: Instant, now: Instant
) -> tuple[StopReason, bool]:
    """Why we start again, and whether a session last heard of at *told_at* may go on."""
    if saved.reset is not None:
        hard = saved.reset.type is ResetType.HARD
        return (StopReason.HARD_RESET if hard else StopReason.SOFT_RESET), False
    policy = state.setup.policy
    if told_at.boot != state.station.clock.boot:
        return StopReason.POWER_LOSS, policy.resume_after_power_cut
    gap_s = now.since(told_at) - NOTE_EVERY_S  # it lived for up to so long after its last sign
    return StopReason.REBOOT, gap_s <= policy.resume_after_restart_within_s


def _has_rebooted(saved: Saved, setup: Setup) -> bool:
    """The computer went down since the last process, and no Reset had promised that."""
    before = saved.last_boot
    return saved.reset is None and before is not None and before.kernel_boot != setup.kernel_boot
