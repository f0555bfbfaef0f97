"""Machine `configuration`: GetConfiguration and ChangeConfiguration over the table in `keys`.

Source: OCPP 1.6 5.3, 5.8; ruling 8 (too many keys).
"""

from __future__ import annotations

from edge.core import keys, security
from edge.core.commands import (
    ChangeConfiguration,
    ChangeConfigurationConf,
    GetConfiguration,
    GetConfigurationConf,
)
from edge.core.draft import Draft
from edge.core.effects import Reply
from edge.core.facts import KeyChanged
from edge.core.messages import CallError
from edge.core.records import ConfigurationChanged
from edge.core.vocabulary import CallErrorCode


def on_get(draft: Draft, call_id: int, command: GetConfiguration) -> None:
    """The keys asked for, all of them if none is named, in the order asked."""
    if len(command.key) > keys.MOST_KEYS_ASKED:
        error = CallError(
            code=CallErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
            description=f"at most {keys.MOST_KEYS_ASKED} keys in one request",
        )
        draft.do(Reply(call_id=call_id, answer=error))
        return
    named = [(name, keys.find(name)) for name in command.key]
    known = [key for _, key in named if key is not None] if named else list(keys.TABLE)
    answer = GetConfigurationConf(
        configuration_key=tuple(keys.shown(draft.state, key) for key in known),
        unknown_key=tuple(name for name, key in named if key is None),
    )
    draft.do(Reply(call_id=call_id, answer=answer))


def on_change(draft: Draft, call_id: int, command: ChangeConfiguration) -> None:
    """Set a key, if we know it, it is ours to set, and the value fits."""
    key = keys.find(command.key)
    fixed = key is None or keys.is_readonly(draft.state, key)
    unfit = key is None or fixed or not command.is_readable
    value = None if key is None or unfit else keys.normal(key, command.value)
    if key is None:
        status = "NotSupported"
    elif value is None or not _may_take(draft, key, value):
        status = "Rejected"
    else:
        status = "Accepted"
        _set(draft, key.name, value)
    draft.do(Reply(call_id=call_id, answer=ChangeConfigurationConf(status=status)))


def _may_take(draft: Draft, key: keys.Key, value: str) -> bool:
    return keys.suits(draft.state, key, value) and security.may_take(draft, key.name, value)


def _set(draft: Draft, name: str, value: str) -> None:
    was = keys.text(draft.state, name)
    draft.put_station(configuration={**draft.station.configuration, name: value})
    draft.write(ConfigurationChanged(key=name, value=value))
    draft.tell(KeyChanged(key=name, was=was))
