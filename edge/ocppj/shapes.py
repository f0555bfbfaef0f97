"""The quick yes of validation: schemas as `msgspec` types, many times cheaper than the full look.

A shape accepts nothing that its schema refuses; so its yes is final, and on its no the full
validator judges and names the rule. Tests hold both to the stock validator.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

UNDERSTOOD: Final = frozenset(
    {
        "$schema", "$id", "id", "title", "description", "javaType", "comment", "definitions",
        "$ref", "type", "properties", "required", "additionalProperties", "items", "minItems",
        "maxItems", "enum", "maxLength", "format", "minimum", "maximum", "multipleOf",
        "additionalItems",
    }
)  # fmt: skip
"""A schema with any other keyword has no shape, lest it be read too kindly."""

Judge = Callable[[Any], bool]
"""Whether a value is lawful beyond doubt."""


def fitting(schema: Mapping[str, Any], is_date_time: Callable[[str], bool]) -> Judge:
    """Make the quick yes for the *schema* of one message."""
    reader = _Reader(schema, is_date_time)
    shape = reader.shape(schema, "Message")

    def hook(kind: type, value: Any) -> Any:
        if not reader.judges[kind](value):
            raise ValueError("not lawful")
        return kind()

    def fits(payload: Any) -> bool:
        try:
            msgspec.convert(payload, shape, dec_hook=hook)
        except (msgspec.ValidationError, ValueError, OverflowError):  # halves of surrogate pairs
            return False
        return True

    return fits


class _Reader:
    """Reads the schema of one message, which may point into its own definitions.

    *judges* says what `msgspec` cannot, by the type that stands for it in the shape.
    """

    def __init__(self, whole: Mapping[str, Any], is_date_time: Callable[[str], bool]) -> None:
        self._whole = whole
        self._is_date_time = is_date_time
        self.judges: dict[type, Judge] = {}

    def shape(self, schema: Mapping[str, Any], name: str) -> Any:
        """The type that *schema* describes."""
        if not schema.keys() <= UNDERSTOOD:
            raise ValueError(f"no shape for {sorted(schema.keys() - UNDERSTOOD)}")
        if "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            return self.shape(self._whole["definitions"][target], name)
        match schema["type"]:
            case "object":
                return self._struct(schema, name)
            case "array":
                items = types.GenericAlias(list, self.shape(schema["items"], name))
                return _bounded(items, schema, minItems="min_length", maxItems="max_length")
            case "string" if "enum" in schema:
                return Literal[tuple(schema["enum"])]
            case "string" if schema.get("format") == "date-time":
                return self._judged(
                    lambda value: isinstance(value, str) and self._is_date_time(value)
                )
            case "string":
                return _bounded(str, schema, maxLength="max_length")
            case "number" if "multipleOf" in schema:
                return self._judged(_stepped(schema))
            case "integer" | "number" as kind:
                number = int if kind == "integer" else float
                return _bounded(number, schema, minimum="ge", maximum="le")
            case "boolean":
                return bool
            case unknown:
                raise ValueError(f"no shape for {unknown}")

    def _struct(self, schema: Mapping[str, Any], name: str) -> type:
        required = schema.get("required", ())
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        for field, inner in schema.get("properties", {}).items():
            kind = self.shape(inner, f"{name}_{field}")
            if field in required:
                fields.append((field, kind))
            else:
                fields.append((field, kind | msgspec.UnsetType, msgspec.UNSET))
        strict = schema.get("additionalProperties") is False
        return msgspec.defstruct(name, fields, forbid_unknown_fields=strict, kw_only=True)

    def _judged(self, judge: Judge) -> type:
        kind = type("Judged", (), {})
        self.judges[kind] = judge
        return kind


def _stepped(schema: Mapping[str, Any]) -> Judge:
    """Judge a number that must be a multiple, in decimals as it was written."""
    least, most, step = schema["minimum"], schema["maximum"], Decimal(repr(schema["multipleOf"]))

    def judge(value: Any) -> bool:
        known = type(value) is float or type(value) is int
        return known and least <= value <= most and not Decimal(repr(value)) % step

    return judge


def _bounded(kind: Any, schema: Mapping[str, Any], **names: str) -> Any:
    bounds = {name: schema[keyword] for keyword, name in names.items() if keyword in schema}
    return Annotated[kind, msgspec.Meta(**bounds)] if bounds else kind
