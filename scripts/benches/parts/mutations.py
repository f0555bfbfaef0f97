"""Frames that a central system must not send, made from frames that it may: seeded, for `fuzz`."""

from __future__ import annotations

import copy
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final

Frame = str | bytes
"""A text message, or the octets of one."""

TEXTS: Final = (
    "", "A", "Soft", "Hard", "Full", "Operative", "true", "60", "-1", "\0", "a\0b", "<img>",
    "'; DROP TABLE sessions", "\ud83d\ude00" * 5, "\ud800", "x\udfff", "\u202e", "é" * 20, "é" * 21,
    "A" * 20, "A" * 21, "A" * 25, "A" * 26, "A" * 50, "A" * 51, "A" * 255, "A" * 256, "A" * 500,
    "A" * 501, "A" * 5000, "2026-03-01T10:00:00Z", "2026-02-31T10:00:00Z", "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59Z", "2026-03-01", "yesterday", "${jndi:ldap://x}", "%n%s", "\r\n\x1b[2J",
)  # fmt: skip
NUMBERS: Final = (
    0, 1, -1, 2, 3, 99, 255, 2**31 - 1, 2**31, -(2**31), 2**53, 10**18 - 1, 10**18, 2**63, -(2**63),
    10**30, 0.1, 1.0, 21.4, 4.11, -0.0, 1e17, 1e300, 0.30000000000000004,
)  # fmt: skip
OTHERS: Final[tuple[Any, ...]] = (None, True, False, [], {}, [[]], [{}], {"": {}}, [1, "a", None])
VALUES: Final = (*TEXTS, *NUMBERS, *OTHERS)
ACTIONS: Final[tuple[Any, ...]] = (
    "FlyToMars", "heartbeat", "RESET", "ResetResponse", "", " Reset", "Reset ", "Reset\0",
    "__init__", "../Reset", "TransactionEvent", "\ud800", 7, None, True, [], {}, ["Reset"],
)  # fmt: skip
TYPES: Final[tuple[Any, ...]] = (0, 1, 3, 4, 5, -2, 22, 2.0, "2", None, True, [], {}, 10**30)
BARE: Final = (
    "", " ", "null", "true", "1", "[]", "{}", "[2]", "[3]", '"x"', "[", "]", "[[[[", "NaN", "[NaN]",
    '[2,"a","Reset"', "[2,,]", '{"op":"state"}', '[2,"a"]', "hello", "\ufeff[]", "\0", "[1e999]",
    "[" * 5000, '[2,"a","X",' + "[" * 3000 + "]" * 3000 + "]", '[2,"a","X",{"k":1e9999}]',
)  # fmt: skip
BAD_UTF8: Final = (
    b"\xff",
    b'[2,"\xc3","Reset",{}]',
    b"\xed\xa0\x80",
    b"\xf8\x88\x80\x80\x80",
    b"[\x80]",
)
OCTETS: Final = tuple('"\\{}[],:0129-+.eE \tnull\0\n\x7f\u00e9\u2028\U0001f50c')


class Mutator:
    """An endless, repeatable stream of frames made of *lawful* payloads by action."""

    def __init__(self, lawful: Mapping[str, dict[str, Any]], random: Random) -> None:
        self._lawful = {action: json.dumps(payload) for action, payload in lawful.items()}
        self._actions = sorted(lawful)
        self._random = random
        self._number = 0
        self._lately: deque[Frame] = deque(maxlen=20)
        self._ways: tuple[tuple[int, Callable[[], Frame]], ...] = (
            (10, self._good),
            (30, self._spoilt_field),
            (15, self._spoilt_structure),
            (8, self._spoilt_id),
            (6, self._spoilt_action),
            (18, self._spoilt_text),
            (6, self._unasked_answer),
            (3, self._bare),
            (2, self._deep),
            (2, self._again),
        )
        self._weights = list(itertools.accumulate(weight for weight, _ in self._ways))

    def frame(self) -> Frame:
        """The next frame; octets are of a binary message."""
        ((_, way),) = self._random.choices(self._ways, cum_weights=self._weights)
        made = way()
        self._lately.append(made)
        return made

    def closing(self) -> bytes:
        """Octets of a text message that must close the line: no UTF-8, or too large."""
        if self._now_and_then(0.9):
            return self._random.choice(BAD_UTF8)
        return json.dumps(
            self._call("DataTransfer", {"vendorId": "x", "data": "A" * 270_000})
        ).encode()

    def answer(self, unique_id: str) -> str:
        """A wrong answer to the call *unique_id* of the station."""
        kind = self._random.choice((3, 3, 4))
        frame: list[Any] = [kind, unique_id, self._value()]
        if kind == 4:  # noqa: PLR2004  this is CALLERROR
            frame += [self._value() for _ in range(self._random.randrange(4))]
        return json.dumps(frame)

    def _now_and_then(self, share: float) -> bool:
        return self._random.random() < share

    def _call(self, action: Any, payload: Any) -> list[Any]:
        self._number += 1
        return [2, f"f{self._number}", action, payload]

    def _any(self) -> list[Any]:
        action = self._random.choice(self._actions)
        return self._call(action, json.loads(self._lawful[action]))

    def _good(self) -> str:
        return json.dumps(self._any())

    def _value(self) -> Any:
        return copy.deepcopy(self._random.choice(VALUES))

    def _spoilt_field(self) -> str:
        frame = self._any()
        for _ in range(self._random.choice((1, 1, 1, 2))):
            places = list(_places(frame[3]))
            if not places or self._now_and_then(0.1):
                frame[3]["unheardOf"] = self._value()
                continue
            holder, key = self._random.choice(places)
            if self._now_and_then(0.2):
                del holder[key]
            else:
                holder[key] = self._value()
        escaped = json.dumps(frame)
        if "\\ud" in escaped or self._now_and_then(0.5):
            return escaped  # halves of surrogate pairs have no other spelling
        return json.dumps(frame, ensure_ascii=False)

    def _spoilt_structure(self) -> str:
        frame: Any = self._any()
        match self._random.randrange(8):
            case 0:
                del frame[self._random.randrange(4)]
            case 1:
                frame.insert(self._random.randrange(5), self._value())
            case 2:
                frame[3] = self._value()
            case 3:
                frame[0] = self._random.choice(TYPES)
            case 4:
                frame = self._random.choice(
                    ([frame], {"a": frame}, {str(n): e for n, e in enumerate(frame)})
                )
            case 5:
                self._random.shuffle(frame)
            case 6:
                frame = frame[: self._random.randrange(4)]
            case _:
                frame[3] = [frame[3]]
        return json.dumps(frame)

    def _spoilt_id(self) -> str:
        frame = self._any()
        own = frame[1]
        frame[1] = self._random.choice(
            (
                self._number, -self._number, 10**17, 10**18, 10**40, 1.5, "", None, True, [], {},
                [own], {own: 1}, *(own.ljust(length, "x") for length in (36, 37, 255, 256, 10_000)),
                *(own + more for more in ("\ud800", "\0", "\U0001f50c", '"', "<b>")),
            )
        )  # fmt: skip
        return json.dumps(frame)

    def _spoilt_action(self) -> str:
        frame = self._any()
        frame[2] = self._random.choice(ACTIONS)
        return json.dumps(frame)

    def _spoilt_text(self) -> Frame:
        text = list(self._good())
        for _ in range(self._random.choice((1, 1, 2, 3))):
            at = self._random.randrange(len(text))
            match self._random.randrange(5):
                case 0:
                    text[at] = self._random.choice(OCTETS)
                case 1:
                    text.insert(at, self._random.choice(OCTETS))
                case 2 | 3 if len(text) == 1:
                    break
                case 2:
                    del text[at]
                case 3:
                    del text[max(at, 1) :]
                case _:
                    text[at:at] = text[at : at + 9]
        return "".join(text)

    def _unasked_answer(self) -> str:
        return self.answer(self._random.choice(("x", "", f"f{self._number}", "1")))

    def _bare(self) -> Frame:
        if self._now_and_then(0.1):
            return self._random.randbytes(self._random.randrange(1, 60)) + b"\xff"
        return self._random.choice(BARE)

    def _deep(self) -> str:
        frame = self._any()
        depth = self._random.choice((4, 13, 14, 15, 16, 17, 40, 100))
        inner: Any = []
        for _ in range(depth):
            inner = [inner] if self._now_and_then(0.5) else {"a": inner}
        frame[self._random.choice((1, 2, 3))] = inner
        return json.dumps(frame)

    def _again(self) -> Frame:
        return self._random.choice(self._lately) if self._lately else self._good()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
