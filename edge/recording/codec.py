"""Values of the core as plain JSON values and back, by their declared types.

Shapes are worked out from the annotations of the dataclasses, so a new event or effect has one
without anybody's doing; an annotation that nobody taught us raises `TypeError`, and a test asks for
all of them.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, Final

from edge.errors import RecordingUnreadable
from edge.recording.veil import Veil

KIND: Final = "is"
"""Where a value says of which class it is, if it may be of several."""

_TAGS: Final = frozenset(
    {"id_tag", "parent_id_tag", "stop_tag", "keeper", "keeper_parent", "id_token"}
)
"""Fields that hold a card."""

_LISTED: Final = frozenset({"removed", "id_tags"})
"""Fields that list cards."""

_BY_TAG: Final = frozenset({"cache", "entries", "given", "card_roles"})
"""Fields that map cards to something."""

_LOCATIONS: Final = frozenset({"location", "remote_location"})
"""Fields that hold an address, perhaps with a login."""

_UNTOLD: Final = frozenset({"data", "iccid", "imsi"})
"""Fields that nobody may read: of a DataTransfer, which is anybody's guess, and of a SIM card."""

Turn = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """How values of one type become plain, and how they come back; `None`: they are as they are."""

    encode: Turn | None = None
    decode: Turn | None = None


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    default: Any
    encode: Turn | None
    decode: Turn | None


@dataclass(frozen=True, slots=True)
class _Class:
    """*is_setting*: its `value` is that of the configuration key `key`."""

    fields: tuple[_Field, ...]
    is_setting: bool


AS_IS: Final = Shape()
_NO_DEFAULT: Final = object()


class Codec:
    """Encodes what the core says, through a *veil* if there is one, and decodes it again."""

    def __init__(self, veil: Veil | None = None) -> None:
        self._veil = veil
        self._classes: dict[type, _Class] = {}
        self._shapes: dict[Any, Shape] = {}

    def encode(self, value: Any) -> dict[str, Any]:
        """The fields of a dataclass that differ from their defaults, as plain values."""
        known = self._class(type(value))
        plain: dict[str, Any] = {}
        for field in known.fields:
            inner = getattr(value, field.name)
            if inner is field.default or inner == field.default:
                continue
            plain[field.name] = inner if field.encode is None else field.encode(inner)
        if known.is_setting and self._veil is not None and plain.get("value"):
            plain["value"] = self._veil.setting(plain["key"], plain["value"])
        return plain

    def decode(self, kind: type, plain: Any) -> Any:
        """The value of class *kind* that `encode` made *plain* of; raises `RecordingUnreadable`."""
        if not isinstance(plain, dict):
            raise RecordingUnreadable(f"{kind.__name__} is no object: {plain!r}")
        values: dict[str, Any] = {}
        for field in self._class(kind).fields:
            if field.name in plain:
                inner = plain[field.name]
                values[field.name] = inner if field.decode is None else field.decode(inner)
            elif field.default is _NO_DEFAULT:
                raise RecordingUnreadable(f"{kind.__name__} lacks {field.name}")
        strange = plain.keys() - values.keys() - {KIND}
        if strange:
            raise RecordingUnreadable(f"this version knows no {kind.__name__}.{min(strange)}")
        return kind(**values)

    def shape(self, hint: Any) -> Shape:
        """The shape of values of type *hint*; raises `TypeError` for what no field may hold."""
        found = self._shapes.get(hint)
        if found is None:
            found = self._shapes[hint] = self._worked_out(hint)
        return found

    def _class(self, kind: type) -> _Class:
        """What is to know of a dataclass, worked out once."""
        found = self._classes.get(kind)
        if found is None:
            hints = typing.get_type_hints(kind)
            is_setting = hints.get("key") is str and "value" in hints
            fields = tuple(
                self._field(field, hints[field.name], is_setting=is_setting)
                for field in dataclasses.fields(kind)
            )
            found = self._classes[kind] = _Class(fields, is_setting)
        return found

    # ── working shapes out ──

    def _worked_out(self, hint: Any) -> Shape:
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if hint in (str, int, bool, types.NoneType, object):
            return AS_IS
        if hint is float:
            return Shape(encode=_finite, decode=_infinite)
        if hint is datetime:
            return Shape(decode=datetime.fromisoformat)
        if hint is Decimal:
            return Shape(decode=Decimal)
        if origin in (typing.Union, types.UnionType):
            return self._union(inner)
        if origin is tuple:
            return self._tuple(inner)
        if origin is frozenset:
            element = self.shape(inner[0])
            return Shape(encode=_listed(element.encode, in_order=True), decode=_set(element.decode))
        if origin is not None and issubclass(origin, Mapping):
            return self._mapping(*inner)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return Shape(decode=_member(hint))
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return Shape(encode=self.encode, decode=lambda plain: self.decode(hint, plain))
        raise TypeError(f"no shape for {hint}: teach it to edge/recording/codec.py")

    def _union(self, members: tuple[Any, ...]) -> Shape:
        classes = [
            one for one in members if isinstance(one, type) and dataclasses.is_dataclass(one)
        ]
        others = [one for one in members if one not in classes and one is not types.NoneType]
        if not classes:
            shapes = [self.shape(one) for one in others]
            return _optional(next((one for one in shapes if one is not AS_IS), AS_IS))
        if len(classes) == 1 and not others:
            return _optional(self.shape(classes[0]))
        by_name = {one.__name__: one for one in classes}

        def encode(value: Any) -> Any:
            if not dataclasses.is_dataclass(value):
                return value
            return {KIND: type(value).__name__, **self.encode(value)}

        def decode(plain: Any) -> Any:
            if not isinstance(plain, dict):
                return plain
            name = plain.get(KIND)
            if name not in by_name:
                raise RecordingUnreadable(f"this version knows no {name}")
            return self.decode(by_name[name], plain)

        return Shape(encode=encode, decode=decode)

    def _tuple(self, inner: tuple[Any, ...]) -> Shape:
        if inner[-1] is ...:
            element = self.shape(inner[0])
            if element is AS_IS:
                return Shape(decode=tuple)
            return Shape(encode=_listed(element.encode), decode=_tupled(element.decode))
        shapes = [self.shape(one) for one in inner]
        encodes = [one.encode or _same for one in shapes]
        decodes = [one.decode or _same for one in shapes]
        return Shape(
            encode=lambda value: [turn(one) for turn, one in zip(encodes, value, strict=True)],
            decode=lambda plain: tuple(turn(one) for turn, one in zip(decodes, plain, strict=True)),
        )

    def _mapping(self, key: Any, value: Any) -> Shape:
        shape = self.shape(value)
        key_back: Turn = int if key is int else self.shape(key).decode or _same
        encode, decode = shape.encode or _same, shape.decode or _same
        return Shape(
            encode=lambda held: {str(one): encode(inner) for one, inner in held.items()},
            decode=lambda plain: {key_back(one): decode(inner) for one, inner in plain.items()},
        )

    # ── what must not be read ──

    def _field(self, field: dataclasses.Field[Any], hint: Any, *, is_setting: bool) -> _Field:
        shape = self.shape(hint)
        default: Any = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if default is dataclasses.MISSING:
            default = _NO_DEFAULT
        encode = shape.encode
        if self._veil is not None and not (is_setting and field.name == "value"):
            is_mapping = typing.get_origin(hint) is Mapping
            encode = _veiled(self._veil, field, encode, is_mapping=is_mapping)
        return _Field(field.name, default, encode, shape.decode)


def _veiled(
    veil: Veil, field: dataclasses.Field[Any], encode: Turn | None, *, is_mapping: bool
) -> Turn | None:
    """What a field shows in place of a card or a secret: what `repr` does not show either."""
    turn = encode or _same
    if field.name in _TAGS:
        return _text(veil.tag, turn)
    if is_mapping and field.name in _BY_TAG:
        return lambda held: {veil.tag(tag): one for tag, one in turn(held).items()}
    if field.name in _LISTED:
        return lambda tags: [veil.tag(tag) for tag in turn(tags)]
    if field.name in _LOCATIONS:
        return _text(veil.location, turn)
    if field.name in _UNTOLD:
        return _text(veil.secret, turn)
    return encode if field.repr else _hidden(veil, turn)


def _text(hide: Callable[[str], str], turn: Turn) -> Turn:
    return lambda value: hide(value) if isinstance(value, str) else turn(value)


def _hidden(veil: Veil, turn: Turn) -> Turn:
    """A secret, or settings among which some are."""

    def encode(value: Any) -> Any:
        if isinstance(value, str):
            return veil.secret(value)
        if isinstance(value, Mapping):
            return {key: veil.setting(key, inner) for key, inner in value.items()}
        return turn(value)

    return encode


# ── turns ────────────────────────────────────────────────────────────────────────────────────────


def _same(value: Any) -> Any:
    return value


def _finite(value: float) -> Any:
    """JSON has no word for what is not finite."""
    return value if isfinite(value) else repr(value)


def _infinite(plain: Any) -> Any:
    return float(plain) if isinstance(plain, str) else plain


def _member(kind: type[Enum]) -> Turn:
    """A member of *kind*; a word it has not stays a word, as the wire's do."""

    def decode(plain: Any) -> Any:
        try:
            return kind(plain)
        except ValueError:
            return plain

    return decode


def _optional(shape: Shape) -> Shape:
    encode, decode = shape.encode, shape.decode
    return Shape(
        encode=encode and (lambda value: None if value is None else encode(value)),
        decode=decode and (lambda plain: None if plain is None else decode(plain)),
    )


def _listed(encode: Turn | None, *, in_order: bool = False) -> Turn:
    """A list of the elements; of a set in order, or no two recordings would be alike."""
    turn = encode or _same
    if in_order:
        return lambda values: sorted(turn(one) for one in values)
    return lambda values: [turn(one) for one in values]


def _tupled(decode: Turn | None) -> Turn:
    turn = decode or _same
    return lambda plain: tuple(turn(one) for one in plain)


def _set(decode: Turn | None) -> Turn:
    turn = decode or _same
    return lambda plain: frozenset(turn(one) for one in plain)
