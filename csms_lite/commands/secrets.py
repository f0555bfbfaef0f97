"""What may be sent to a station and never kept in clear: its keys, and what opens an address.

The row of such a command, its log lines and what the API shows hold the mask; the payload itself
waits in memory until the frame leaves, and is gone after a restart: then nothing is sent.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from csms_lite.jsontext import dumps, loads

MASK: Final = "********"
ADDRESSED: Final = frozenset(
    {
        "ChangeConfiguration",
        "DataTransfer",
        "GetDiagnostics",
        "GetLog",
        "SignedUpdateFirmware",
        "UpdateFirmware",
    }
)
"""In what these carry there may be an address; in others a card may merely look like one."""
SECRET_KEYS: Final = frozenset({"authorizationkey"})  # configuration keys, compared without case
IN_ADDRESS: Final = re.compile(r'(:(?:\\?/){2})[^/@\s"]+@')
ONE_TIME: Final = re.compile(r"(/files\\?/(?:up|down)\\?/)(?:[0-9a-f]{32}|\*{8})")
"""Addresses of ours at which a file is brought or fetched; with the mask they are known again."""
MOST_HIDDEN: Final = 1024  # commands that wait to be sent; the oldest is forgotten first


def is_secret(action: str, payload: Mapping[str, Any]) -> bool:
    """Say whether a command carries a secret, or in what is kept of it did."""
    if carries_key(action, payload):
        return True
    if action not in ADDRESSED:
        return False
    text = dumps(payload)
    return IN_ADDRESS.search(text) is not None or ONE_TIME.search(text) is not None


def carries_key(action: str, payload: Mapping[str, Any]) -> bool:
    """Say whether a command gives a station a key."""
    key = payload.get("key")
    return action == "ChangeConfiguration" and isinstance(key, str) and _is_secret_key(key)


def masked(action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Give the payload of a command as it may be kept, logged and shown."""
    plain = dict(payload)
    if action in ADDRESSED:
        text = dumps(payload)
        shown = without_access(text)
        plain = plain if shown == text else loads(shown)
    return plain | {"value": MASK} if carries_key(action, payload) else plain


def masked_result(action: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Give an answer as it may be kept: some stations read their key out, which they must not."""
    told = result.get("configurationKey")
    if action != "GetConfiguration" or not isinstance(told, list):
        return dict(result)
    return dict(result) | {"configurationKey": [_masked_setting(one) for one in told]}


def without_access(text: str) -> str:
    """Give the text of a payload without what opens its addresses: who may read it may not fetch.

    It is a user's name and password in an address, and the token in one of ours.
    """
    if "@" in text:
        text = IN_ADDRESS.sub(rf"\1{MASK}@", text)
    return ONE_TIME.sub(rf"\1{MASK}", text) if "files" in text else text


class Hidden:
    """The clear payloads of commands that wait to be sent, by message id."""

    def __init__(self) -> None:
        self._payloads: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def hide(self, message_id: str, action: str, payload: Mapping[str, Any]) -> None:
        """Remember a payload if it is secret; before its command is asked for."""
        if not is_secret(action, payload):
            return
        self._payloads[message_id] = dict(payload)
        if len(self._payloads) > MOST_HIDDEN:
            self._payloads.popitem(last=False)

    def take(self, message_id: str) -> dict[str, Any] | None:
        """Give a payload, once."""
        return self._payloads.pop(message_id, None)


def _is_secret_key(key: str) -> bool:
    return key.strip().lower() in SECRET_KEYS


def _masked_setting(setting: Any) -> Any:
    if not isinstance(setting, Mapping) or "value" not in setting:
        return setting
    key = setting.get("key")
    is_hidden = isinstance(key, str) and _is_secret_key(key)
    return dict(setting) | {"value": MASK} if is_hidden else setting
