"""Machine `local_list`: the tags that the central system listed, as it listed them.

Nothing but SendLocalList changes the list (3.5.2). One message is one record: after a power cut
the old list is there or the new one, never a mixture. Until that record is on the disk the old list
is in force; if the disk does not take it, it stays, and the message has Failed.
Source: OCPP 1.6 3.5.2-3.5.3, 5.10, 5.15, 9.2; errata 3.52; ruling 8.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from edge.core import keys, levels
from edge.core.commands import (
    AuthorizationData,
    GetLocalListVersion,
    GetLocalListVersionConf,
    SendLocalList,
    SendLocalListConf,
)
from edge.core.draft import Draft
from edge.core.effects import Refuse, Reply
from edge.core.events import Stored
from edge.core.facts import TagLearnt
from edge.core.messages import CallError, IdTagInfo, StatusNotification
from edge.core.records import ListChanged, ListedTag
from edge.core.state import ChargePoint, LocalList, accepts, tag_key
from edge.core.vocabulary import AuthorizationStatus, CallErrorCode, ErrorCode, UpdateType
from edge.core.waiting import ToMention, ToStore


def find(state: ChargePoint, id_tag: str) -> IdTagInfo | None:
    """What the list says of *id_tag*; nothing where it is switched off."""
    if not keys.flag(state, "LocalAuthListEnabled"):
        return None
    return state.station.local_list.entries.get(tag_key(id_tag))


def on_get_version(draft: Draft, call_id: int, _: GetLocalListVersion) -> None:
    """The version, 0 if the list is empty, -1 if there is none (5.10)."""
    enabled = keys.flag(draft.state, "LocalAuthListEnabled")
    version = draft.station.local_list.version if enabled else -1
    draft.do(Reply(call_id=call_id, answer=GetLocalListVersionConf(list_version=version)))


def on_send(draft: Draft, call_id: int, command: SendLocalList) -> None:
    """Take the whole message over, or none of it and say why."""
    most = keys.number(draft.state, "SendLocalListMaxLength")
    if len(command.local_authorization_list) > most:
        code = CallErrorCode.OCCURENCE_CONSTRAINT_VIOLATION
        error = CallError(code=code, description=f"at most {most} entries in one message")
        draft.do(Reply(call_id=call_id, answer=error))
        return
    status = _judge(draft.state, command)
    if status == "Accepted":
        change = _change(draft.station.local_list, command)
        after = _changed(draft.station.local_list, change)
        if len(after.entries) <= keys.number(draft.state, "LocalAuthListMaxLength"):
            draft.store(ToStore(call_id=call_id, change=change), change)
            return
        status = "Failed"
    draft.do(Refuse(call_id=call_id, answer=SendLocalListConf(status=status)))


def on_stored(draft: Draft, purpose: ToStore, event: Stored) -> None:
    """The list is on the disk and takes effect; or it is not, never will be, and has Failed."""
    if event.failure is not None:
        draft.do(Refuse(call_id=purpose.call_id, answer=SendLocalListConf(status="Failed")))
        return
    draft.put_station(local_list=_changed(draft.station.local_list, purpose.change))
    draft.do(Reply(call_id=purpose.call_id, answer=SendLocalListConf(status="Accepted")))


def _judge(state: ChargePoint, command: SendLocalList) -> str:
    """What can be said without looking at the list that would come of it."""
    if not keys.flag(state, "LocalAuthListEnabled"):
        return "NotSupported"
    anew = command.update_type is UpdateType.FULL
    if not anew and command.list_version <= state.station.local_list.version:
        return "VersionMismatch"
    entries = command.local_authorization_list
    tags = {tag_key(entry.id_tag) for entry in entries}
    unsound = (
        command.list_version < 1  # 0 and -1 mean something else (errata 3.52)
        or len(tags) != len(entries)
        or (anew and any(entry.id_tag_info is None for entry in entries))
        or state.station.journal_lost is not None
        or any(isinstance(one.purpose, ToStore) for one in state.waiting.values())
    )
    return "Failed" if unsound else "Accepted"


def _change(before: LocalList, command: SendLocalList) -> ListChanged:
    """What *command* does to the list as a record."""
    change = ListChanged(
        version=command.list_version,
        anew=command.update_type is UpdateType.FULL,
        entries=tuple(_listed(command.local_authorization_list)),
        removed=tuple(
            tag_key(entry.id_tag)
            for entry in command.local_authorization_list
            if entry.id_tag_info is None
        ),
    )
    return change if _changed(before, change).entries else replace(change, version=0)


def _changed(before: LocalList, change: ListChanged) -> LocalList:
    """The list once *change* is made."""
    entries = {} if change.anew else dict(before.entries)
    entries.update((one.id_tag, one.info) for one in change.entries)
    for tag in change.removed:
        entries.pop(tag, None)
    return LocalList(version=change.version, entries=entries)


def _listed(entries: tuple[AuthorizationData, ...]) -> list[ListedTag]:
    return [
        ListedTag(id_tag=tag_key(entry.id_tag), info=entry.id_tag_info)
        for entry in entries
        if entry.id_tag_info is not None
    ]


def on_learnt(draft: Draft, fact: TagLearnt) -> None:
    """The central system contradicts its own list: it is told so, on connector 0 (3.5.2)."""
    listed = find(draft.state, fact.id_tag)
    now = draft.at.wall
    if listed is None or _is_valid(listed, now) is _is_valid(fact.info, now):
        return
    if not draft.has_room:
        return  # the line is jammed; the next contradiction will be told
    draft.send(
        ToMention(),
        StatusNotification(
            connector_id=0,
            status=levels.status(draft.state, 0, draft.now),
            error_code=ErrorCode.LOCAL_LIST_CONFLICT,
            timestamp=now,
            info=f"listed {listed.status}, now {fact.info.status}",
        ),
    )


def _is_valid(info: IdTagInfo, now: datetime) -> bool:
    """ConcurrentTx speaks of another transaction, not of the tag (3.5.2)."""
    return accepts(info, now) or info.status is AuthorizationStatus.CONCURRENT_TX
