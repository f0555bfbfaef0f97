"""Drivers by kind and name: ours and third parties' come through the same door.

A driver is an entry point of the group `edge.drivers`, named `port.kind` (`meter.modbus`), that
points at its factory: an async context manager `open_x(settings, rig, place)`. *place* is the
connector's number, or the reader's. The type that annotates *settings*, a frozen `msgspec.Struct`,
says which keys the table in edge.toml may have.

    async with open_rig(buses, clock=clock, random=random) as rig:
        async with choose("evse", table, "connectors.1.evse").open(rig, 1) as evse: ...

Entry points are written when the package is installed: after adding one, install again.

Quality: pure look-up and decoding; tested against the installed entry points.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from random import Random
from typing import Any, Final, TypeVar

import msgspec

from edge.errors import ConfigError, meant
from edge.ports import Clock

GROUP: Final = "edge.drivers"

S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """What drivers share: the clock, seeded chance, GPIO pins, and the buses by name.

    *pin_factory* is a gpiozero factory, `None` for gpiozero's own choice (the real pins of a Pi).
    """

    clock: Clock
    random: Random
    pin_factory: object | None = None
    buses: Mapping[str, object] = field(default_factory=dict)

    def bus(self, name: str) -> Any:
        """The bus that edge.toml calls *name*; raises `ConfigError` if there is none."""
        if name in self.buses:
            return self.buses[name]
        message = f'there is no bus "{name}"{meant(name, self.buses)}: add a table [buses.{name}]'
        raise ConfigError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A driver with its settings, checked and ready to be opened."""

    settings: msgspec.Struct
    factory: Callable[..., AbstractAsyncContextManager[Any]]

    def open(self, rig: Rig, place: int) -> AbstractAsyncContextManager[Any]:
        """Open the driver for connector (or reader) *place*; it is closed with the context."""
        return self.factory(self.settings, rig, place)


@cache
def installed() -> EntryPoints:
    """Every driver that is installed: looked up once, for that opens a file of each package."""
    return entry_points(group=GROUP)


def choose(port: str, table: Mapping[str, object], where: str) -> Chosen:
    """Find the driver that *table*`["kind"]` names for *port* and check the table against it.

    *port* is `reader`, `bus`, `meter` or `evse`; *where* is the table's place for error messages.
    Raises `ConfigError`.
    """
    kind = table.get("kind")
    if not isinstance(kind, str):
        message = f'[{where}] needs kind = "…": one of {_listed(kinds(port))}'
        raise ConfigError(message)
    factory = _load(port, kind, where)
    settings = {key: value for key, value in table.items() if key != "kind"}
    return Chosen(settings=decode(_settings_type(factory), settings, where), factory=factory)


def kinds(port: str) -> tuple[str, ...]:
    """The kinds of driver installed for *port*, sorted."""
    found = (entry.name.partition(".") for entry in installed())
    return tuple(sorted({kind for owner, _, kind in found if owner == port}))


def decode(settings_type: type[S], table: Mapping[str, object], where: str) -> S:
    """Turn the raw *table* of edge.toml into *settings_type*; raises `ConfigError`."""
    known = [each.encode_name for each in msgspec.structs.fields(settings_type)]
    for key in table:
        if key not in known:
            message = (
                f'[{where}] knows no key "{key}"{meant(key, known)}: keys are {_listed(known)}'
            )
            raise ConfigError(message)
    try:
        return msgspec.convert(dict(table), settings_type, strict=True)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        key = f" {path.rstrip('`')}:" if path else ""
        message = f"[{where}]{key} {what}: mend it in edge.toml"
        raise ConfigError(message) from error


@asynccontextmanager
async def open_rig(
    buses: Mapping[str, Mapping[str, object]],
    *,
    clock: Clock,
    random: Random,
    pin_factory: object | None = None,
) -> AsyncIterator[Rig]:
    """Open every bus of *buses* (the table `[buses]` of edge.toml) and hand out the rig with them.

    Nothing is dialled yet: a bus whose adapter is missing says so at the first read.
    """
    rig = Rig(clock=clock, random=random, pin_factory=pin_factory)
    async with AsyncExitStack() as stack:
        opened: dict[str, object] = {}
        for name, table in buses.items():
            chosen = choose("bus", table, f"buses.{name}")
            opened[name] = await stack.enter_async_context(chosen.open(rig, 0))
        yield replace(rig, buses=opened)


def _load(port: str, kind: str, where: str) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """Import the factory of `port.kind`; exactly one package may offer it."""
    found: list[EntryPoint] = list(installed().select(name=f"{port}.{kind}"))
    if not found:
        offered = kinds(port)
        message = (
            f'[{where}] kind = "{kind}" is not installed{meant(kind, offered)}: kinds are '
            f"{_listed(offered)} (a driver added since the last install needs a new install)"
        )
        raise ConfigError(message)
    if len({entry.value for entry in found}) > 1:
        owners = _listed(sorted(entry.value for entry in found))
        message = f"[{where}] {port}.{kind} is offered more than once, by {owners}: uninstall one"
        raise ConfigError(message)
    factory: Callable[..., AbstractAsyncContextManager[Any]] = found[0].load()
    return factory


def _settings_type(factory: Callable[..., object]) -> type[msgspec.Struct]:
    """The type that annotates the factory's *settings*, looked up in the factory's own module."""
    plain = inspect.unwrap(factory)
    named = inspect.signature(plain).parameters["settings"].annotation
    found = plain.__globals__[named] if isinstance(named, str) else named
    if not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
        message = f"{plain.__module__}.{plain.__qualname__}: settings must be a msgspec.Struct"
        raise ConfigError(message)
    return found


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"
