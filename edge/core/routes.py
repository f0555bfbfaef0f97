"""What can this event cause? Events, answers and facts, each with the machines that take them.

A test walks these tables: everything is routed, and the facts of one step come to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from edge.core import (
    authorisation,
    cards,
    certificates,
    charging,
    clock,
    connector,
    contactor,
    cost,
    credentials,
    data_transfer,
    ending,
    evse,
    facts,
    firmware,
    health,
    job_news,
    jobs,
    judging,
    latching,
    line,
    local_list,
    metering,
    outbox,
    phases,
    rcd_test,
    refusals,
    registration,
    remote,
    reservation,
    restarting,
    security,
    security_events,
    service,
    setpoint,
    signed_firmware,
    status,
    supply,
    tag_cache,
    temperature,
    thinning,
    transaction,
    unlocking,
    uploads,
    waiting,
    wishes,
)
from edge.core import events as ev
from edge.core.card_roles import CardAsked, ErasureAsked
from edge.core.draft import Draft

Act = Callable[[Draft, Any], None]
AnswerAct = Callable[[Draft, Any, Any], None]

EVENTS: Final[Mapping[type, tuple[Act, ...]]] = {
    ev.Started: (health.on_started, firmware.on_started),
    ev.Ticked: (),
    ev.TagPresented: (authorisation.on_tag,),
    ev.TagUnusable: (refusals.on_unusable,),
    ev.EvseSeen: (temperature.on_seen, evse.on_seen, rcd_test.on_seen),
    ev.TemperatureRead: (temperature.on_read,),
    wishes.SetpointGiven: (setpoint.on_given,),
    wishes.ReleaseAsked: (evse.on_release, rcd_test.on_release, latching.on_release),
    ev.StopPressed: (evse.on_stop_pressed,),
    ev.MeterRead: (metering.on_read, judging.on_read),
    ev.MeterFailed: (metering.on_failed,),
    ev.DriverLost: (evse.on_lost,),
    ev.DriverFound: (evse.on_found,),
    ev.LinkUp: (
        registration.on_link_up,
        security.on_link_up,
        credentials.on_link_up,
        certificates.on_link_up,
        line.on_link_up,
    ),
    ev.LinkDown: (
        registration.on_link_down,
        outbox.on_link_down,
        certificates.on_link_down,
        line.on_link_down,
    ),
    ev.DialRefused: (security.on_dial_refused, line.on_refused),
    ev.FramesRefused: (security.on_frames_refused,),
    ev.SecurityEventReported: (security_events.on_reported,),
    ev.DialPostponed: (line.on_postponed,),
    ev.Settled: (registration.on_settled, line.on_settled),
    ev.CallReceived: (registration.on_call, remote.on_call),
    ev.OutboxRead: (),
    ev.JournalLost: (health.on_journal_lost,),
    ev.JournalHealed: (health.on_journal_healed,),
    ev.SpaceSeen: (thinning.on_space,),
    wishes.DamageAcknowledged: (health.on_damage_accepted,),
    ev.Stored: (),
    wishes.TransferAsked: (data_transfer.on_asked,),
    wishes.ResendAsked: (outbox.on_resend_asked,),
    CardAsked: (cards.on_asked,),
    ErasureAsked: (tag_cache.on_erasure_asked,),
    ev.PowerFailing: (supply.on_failing,),
    ev.PowerReturned: (supply.on_returned,),
    ev.JobFinished: (),
    ev.JobProgressed: (jobs.on_progress,),
    ev.X509Answered: (),
}
"""Event -> who takes it, in this order; a ticket's answer goes on to `ANSWERS`."""


def _nothing(_draft: Draft, _purpose: object, _event: object) -> None:
    """The answer changes nothing."""


ANSWERS: Final[Mapping[type, tuple[AnswerAct, ...]]] = {
    waiting.ToBoot: (registration.on_booted,),
    waiting.ToBeat: (registration.on_beaten,),
    waiting.ToProbe: (registration.on_beaten, outbox.on_probed),
    waiting.ToNotify: (status.on_settled,),
    waiting.ToMention: (_nothing,),
    waiting.ToDeliver: (outbox.on_settled,),
    waiting.ToRefill: (outbox.on_refilled,),
    waiting.ToThin: (thinning.on_read,),
    waiting.ToStart: (authorisation.on_authorised_start,),
    waiting.ToStop: (authorisation.on_authorised_stop,),
    waiting.ToLearn: (authorisation.on_authorised_late,),
    waiting.ToBegin: (connector.on_begin,),
    waiting.ToEnd: (connector.on_end,),
    waiting.ToSample: (metering.on_sample,),
    waiting.ToFinish: (
        firmware.on_finished,
        signed_firmware.on_finished,
        uploads.on_finished,
    ),
    waiting.ToVet: (signed_firmware.on_vetted,),
    waiting.ToReport: (jobs.on_reported,),
    waiting.ToWarn: (security_events.on_settled,),
    waiting.ToInstall: (certificates.on_inspected,),
    waiting.ToTake: (credentials.on_checked,),
    waiting.ToMakeKey: (credentials.on_key_made,),
    waiting.ToSign: (credentials.on_settled,),
    waiting.ToStore: (local_list.on_stored,),
    waiting.ToTransfer: (data_transfer.on_answered,),
    waiting.ToTestRcd: (rcd_test.on_announced,),
}
"""Purpose of a ticket -> who takes its answer (`None`: it never came)."""

AFTERWARDS: Final[Mapping[type, Callable[[Any], waiting.Purpose]]] = {
    kind: lambda purpose: waiting.ToLearn(id_tag=purpose.id_tag)
    for kind in (waiting.ToStart, waiting.ToStop)
}
"""Purpose whose time is over -> what its answer is still good for."""

FACTS: Final[Mapping[type, tuple[Act, ...]]] = {
    facts.TimeTold: (clock.on_told,),
    facts.Registered: (
        clock.on_registered,
        status.on_registered,
        health.on_registered,
        line.on_registered,
    ),
    facts.Granted: (connector.on_fact, cost.on_coming),
    facts.Cancelled: (connector.on_fact,),
    facts.PluggedIn: (connector.on_fact, authorisation.on_plugged, cost.on_coming),
    facts.PluggedOut: (connector.on_fact, judging.on_new_driver),
    facts.CarGone: (connector.on_fact,),
    facts.InputsChanged: (connector.on_fact,),
    facts.MustLatch: (latching.on_must_latch,),
    facts.MustStop: (transaction.on_must_stop, connector.on_fact),
    facts.ClearAsked: (evse.on_clear_asked, latching.on_clear_asked),
    facts.ReadyToOpen: (transaction.on_ready,),
    facts.Opened: (
        connector.on_fact,
        metering.on_running,
        judging.on_new_driver,
        charging.on_opened,
        reservation.on_opened,
        cost.on_opened,
    ),
    facts.EndRead: (transaction.on_end,),
    facts.Closed: (
        connector.on_fact,
        charging.on_closed,
        contactor.on_closed,
        phases.on_closed,
    ),
    facts.Resumed: (
        connector.on_fact,
        transaction.on_resumed,
        metering.on_running,
        phases.on_resumed,
    ),
    facts.Enqueue: (outbox.on_enqueue,),
    facts.Bound: (transaction.on_bound, cost.on_bound),
    facts.TagRefused: (refusals.on_refused,),
    facts.TagLearnt: (tag_cache.on_learnt, local_list.on_learnt),
    facts.Sampled: (transaction.on_sampled,),
    facts.KeyChanged: (
        cost.on_key,
        metering.on_key,
        registration.on_key,
        security.on_key,
        line.on_key,
    ),
    facts.StartAsked: (authorisation.on_start_asked,),
    facts.Triggered: (
        registration.on_trigger,
        status.on_trigger,
        metering.on_trigger,
        job_news.on_trigger,
        credentials.on_trigger,
    ),
    facts.SecurityNoticed: (security_events.on_noticed,),
}
"""Fact -> who takes it, in this order."""

TICKS: Final[tuple[Callable[[Draft], None], ...]] = (
    registration.on_tick,
    health.on_tick,
    rcd_test.on_tick,
    evse.on_tick,
    ending.on_tick,
    reservation.on_tick,
    connector.on_tick,
    metering.on_tick,
    authorisation.on_tick,
    refusals.on_tick,
    cards.on_tick,
    signed_firmware.on_tick,
    firmware.on_tick,
    uploads.on_tick,
    jobs.on_tick,
    credentials.on_tick,
    cost.on_tick,
)
"""Who looks at the time, in every step."""

SETTLES: Final[tuple[Callable[[Draft], None], ...]] = (
    cards.settle,
    charging.settle,
    phases.settle,
    contactor.settle,
    reservation.settle,
    connector.advance,
    rcd_test.settle,
    service.settle,
    unlocking.settle,
    outbox.advance,
    security_events.advance,
    restarting.settle,
)
"""Who looks at the whole after the facts are worked off; new facts start another round."""
