"""What the doctor finds: a sentence, its remedy, and the facts it rests on.

Each module of this package declares its `Kind`s as constants and makes findings of them by `at`:
so one code always has one remedy, and the self-test can ask that no other was named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

Fact = str | int | float | bool | None | tuple["Fact", ...]


class Level(StrEnum):
    """How bad it is; `UNKNOWN` is what cannot be known from here, or was left out."""

    OK = "ok"
    UNKNOWN = "unknown"
    NOTICE = "notice"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence and one remedy about *where*, a table of edge.toml or a part of the computer."""

    code: str
    level: Level
    where: str
    what: str
    remedy: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be found, as sentences with holes for its facts; made once, by those below."""

    code: str
    level: Level
    what: str
    remedy: str

    def at(self, where: str, **facts: Fact) -> Finding:
        """This, found at *where*; *facts* fill the holes of both sentences."""
        return Finding(
            code=self.code,
            level=self.level,
            where=where,
            what=self.what.format(where=where, **facts),
            remedy=self.remedy.format(where=where, **facts),
            facts=facts,
        )


def ok(code: str, what: str) -> Kind:
    """All is well."""
    return Kind(code, Level.OK, what, "")


def unknown(code: str, what: str, remedy: str) -> Kind:
    """Nobody can know from here; *remedy* says who can, or what is to be done first."""
    return Kind(code, Level.UNKNOWN, what, remedy)


def notice(code: str, what: str, remedy: str) -> Kind:
    """It works, and could be better."""
    return Kind(code, Level.NOTICE, what, remedy)


def fault(code: str, what: str, remedy: str) -> Kind:
    """It does not work, or is not safe."""
    return Kind(code, Level.FAULT, what, remedy)


GRAVEST: Final = (Level.FAULT, Level.NOTICE, Level.UNKNOWN, Level.OK)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """*findings* by their level, else in their order."""
    return sorted(findings, key=lambda found: GRAVEST.index(found.level))
