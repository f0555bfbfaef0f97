"""Machine `remote`: the central system's commands, one function each, one reply each.

`COMMANDS` is the whole answer to "what can a command cause?"; a new command is a row.
Source: OCPP 1.6 chapter 5; rulings 20, 24, 26.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from edge.core import (
    authorisation,
    cards,
    certificates,
    charging,
    configuration,
    credentials,
    data_transfer,
    firmware,
    holds,
    keys,
    levels,
    local_list,
    reservation,
    restarting,
    service,
    signed_firmware,
    tag_cache,
    unlocking,
    uploads,
)
from edge.core.bay import Phase
from edge.core.certificate_commands import (
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
)
from edge.core.commands import (
    CancelReservation,
    ChangeAvailability,
    ChangeConfiguration,
    ClearCache,
    ClearCacheConf,
    ClearChargingProfile,
    ExtendedTriggerMessage,
    ExtendedTriggerMessageConf,
    GetCompositeSchedule,
    GetConfiguration,
    GetLocalListVersion,
    IncomingTransfer,
    RemoteStartTransaction,
    RemoteStartTransactionConf,
    RemoteStopTransaction,
    RemoteStopTransactionConf,
    ReserveNow,
    Reset,
    SendLocalList,
    SetChargingProfile,
    TriggerMessage,
    TriggerMessageConf,
    UnlockConnector,
)
from edge.core.draft import Draft
from edge.core.effects import Refuse, Reply
from edge.core.events import CallReceived
from edge.core.facts import MustStop, StartAsked, Triggered
from edge.core.file_commands import GetDiagnostics, GetLog, SignedUpdateFirmware, UpdateFirmware
from edge.core.state import ChargePoint
from edge.core.vocabulary import RegistrationStatus, StopReason
from edge.core.waiting import ToStart

Act = Callable[[Draft, int, Any], None]


def on_call(draft: Draft, event: CallReceived) -> None:
    """Silence while Rejected (4.2); while Pending no command may move energy."""
    status = draft.station.registration.status
    if status is RegistrationStatus.REJECTED:
        draft.do(Reply(call_id=event.call_id, answer=None))
        return
    COMMANDS[type(event.command)](draft, event.call_id, event.command)


# ── starting and stopping ────────────────────────────────────────────────────────────────────────


def _start(draft: Draft, call_id: int, command: RemoteStartTransaction) -> None:
    among = _startable(draft.state, command.connector_id, draft.now)
    among = _open_to(draft.state, command, among, draft.now)
    profile = command.charging_profile
    if profile is not None:
        among = tuple(each for each in among if charging.fits_a_start(draft.state, each, profile))
    is_barred = cards.bars(draft.state, command.id_tag)
    accepted = bool(among) and not is_barred and draft.station.registration.online
    if not accepted:
        draft.do(Refuse(call_id=call_id, answer=RemoteStartTransactionConf(status="Rejected")))
    else:
        draft.do(Reply(call_id=call_id, answer=RemoteStartTransactionConf(status="Accepted")))
        plugged = [number for number in among if draft.bay(number).seen.plugged]
        chosen = among[0] if len(among) == 1 else next(iter(plugged), None)
        draft.tell(
            StartAsked(
                id_tag=command.id_tag, connector=chosen, among=among, remote=True, profile=profile
            )
        )


def _startable(state: ChargePoint, asked: int | None, now: float) -> tuple[int, ...]:
    """The connectors that could take a remote start: free, in service, nobody let in."""
    wanted = state.connectors if asked is None else [asked]
    taken = {number for one in state.station.authorisation.floating for number in one.among}
    asked_about = [one.purpose for one in state.waiting.values()]
    for purpose in asked_about:
        if isinstance(purpose, ToStart) and purpose.remote:
            taken.update(purpose.among)
    free = tuple(
        number
        for number in wanted
        if number in state.connectors
        and number not in taken
        and _is_free(state, number)
        and levels.may_begin(state, number, now)
    )
    unused = tuple(number for number in free if state.bay(number).connector.phase is not _OVER)
    return free if asked is not None else unused or free


def _open_to(
    state: ChargePoint, command: RemoteStartTransaction, among: tuple[int, ...], now: float
) -> tuple[int, ...]:
    """Those of *among* that are not kept from this tag; the one kept for it, if there is one.

    A tag whose parent nobody knows yet may turn out to be of the group: it is asked about first,
    and nothing starts if it is not (5.13, ruling 23).
    """
    info = authorisation.known(state, command.id_tag)
    parent = None if info is None else info.parent_id_tag
    own = holds.own(state, command.id_tag, parent, among)
    if own is not None:
        return (own,)
    held = levels.kept(state, now)
    free = tuple(one for one in among if holds.admits(held, one, command.id_tag, parent))
    return free or tuple(one for one in among if holds.may_be_group(held, one, parent))


_OVER: Final = Phase.FINISHING  # somebody's car, charged: only a start for this connector means it


def _is_free(state: ChargePoint, number: int) -> bool:
    """A later remote start never displaces an earlier one, nor a card (ruling 24)."""
    connector = state.bay(number).connector
    free = (Phase.IDLE, Phase.PREPARING, Phase.FINISHING)
    return connector.phase in free and connector.permit is None


def _stop(draft: Draft, call_id: int, command: RemoteStopTransaction) -> None:
    running = [
        number
        for number in draft.state.connectors
        if _has(draft.state, number, command.transaction_id)
    ]
    accepted = bool(running) and draft.station.registration.online
    status = "Accepted" if accepted else "Rejected"
    draft.do(Reply(call_id=call_id, answer=RemoteStopTransactionConf(status=status)))
    if accepted:
        draft.tell(*(MustStop(connector=n, reason=StopReason.REMOTE) for n in running))


def _has(state: ChargePoint, number: int, transaction_id: int) -> bool:
    transaction = state.bay(number).transaction
    return transaction is not None and transaction.transaction_id == transaction_id


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────


def _clear_cache(draft: Draft, call_id: int, _: ClearCache) -> None:
    enabled = keys.flag(draft.state, "AuthorizationCacheEnabled")
    if enabled:
        tag_cache.clear(draft)
    status = "Accepted" if enabled else "Rejected"
    draft.do(Reply(call_id=call_id, answer=ClearCacheConf(status=status)))


def _trigger(draft: Draft, call_id: int, command: TriggerMessage) -> None:
    """The answer goes out before what it triggers: both are TELL, in this order."""
    answer, messages = _TRIGGERABLE[type(command)]
    message = messages.get(command.requested_message)
    status = _judge_trigger(draft.state, message, command.connector_id)
    if not draft.has_room:
        status = "Rejected"  # what was triggered before is not answered yet
    draft.do(Reply(call_id=call_id, answer=answer(status=status)))
    if message is not None and status == "Accepted":
        draft.tell(Triggered(message=message, connector=command.connector_id))


_COMMON: Final = ("BootNotification", "Heartbeat", "MeterValues", "StatusNotification")
_BASIC: Final = (*_COMMON, "DiagnosticsStatusNotification", "FirmwareStatusNotification")
_EXTENDED: Final = (*_COMMON, "LogStatusNotification", credentials.TRIGGER)
_SIGNED: Final = {"FirmwareStatusNotification": "SignedFirmwareStatusNotification"}  # 6.16

_TRIGGERABLE: Final[Mapping[type, tuple[type[TriggerMessageConf], Mapping[str, str]]]] = {
    TriggerMessage: (TriggerMessageConf, {name: name for name in _BASIC}),
    ExtendedTriggerMessage: (
        ExtendedTriggerMessageConf,
        {name: name for name in _EXTENDED} | _SIGNED,
    ),
}
"""Command -> its answer, and what it may ask for -> the message that is meant."""


def _judge_trigger(state: ChargePoint, message: str | None, connector: int | None) -> str:
    if message is None:
        return "NotImplemented"
    registration = state.station.registration
    if message == "BootNotification" and registration.status is RegistrationStatus.ACCEPTED:
        return "Rejected"
    if message == credentials.TRIGGER and not credentials.may_ask(state):
        return "Rejected"
    addressed = message in ("MeterValues", "StatusNotification") and connector is not None
    if addressed and connector not in (0, *state.connectors):
        return "Rejected"
    return "Accepted"


COMMANDS: Final[Mapping[type, Act]] = {
    RemoteStartTransaction: _start,
    RemoteStopTransaction: _stop,
    ChangeAvailability: service.on_change,
    Reset: restarting.on_reset,
    GetConfiguration: configuration.on_get,
    ChangeConfiguration: configuration.on_change,
    UnlockConnector: unlocking.on_unlock,
    ClearCache: _clear_cache,
    IncomingTransfer: data_transfer.on_received,
    TriggerMessage: _trigger,
    ExtendedTriggerMessage: _trigger,
    SetChargingProfile: charging.on_set,
    ClearChargingProfile: charging.on_clear,
    GetCompositeSchedule: charging.on_get,
    UpdateFirmware: firmware.on_update,
    GetDiagnostics: uploads.on_get_diagnostics,
    GetLog: uploads.on_get_log,
    SendLocalList: local_list.on_send,
    GetLocalListVersion: local_list.on_get_version,
    ReserveNow: reservation.on_reserve,
    CancelReservation: reservation.on_cancel,
    SignedUpdateFirmware: signed_firmware.on_update,
    InstallCertificate: certificates.on_install,
    DeleteCertificate: certificates.on_delete,
    GetInstalledCertificateIds: certificates.on_list,
    CertificateSigned: credentials.on_signed,
}
"""What each command does."""
