"""What people and programs may do to the simulated bay: the contract of the control socket.

`verbs(bay)` gives one callable per operation; arguments come by name from a JSON line. A verb
answers when the daemon's driver has seen the input, or after 90 ms; `wait` is for what follows.
Raises `SimulationError`, one sentence: what is wrong and what is allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from edge.sim.bay import Bay
from edge.sim.daemon_verbs import DaemonVerbs
from edge.sim.snapshot import merged
from edge.sim.world_verbs import WorldVerbs

Answer = dict[str, Any]
Verb = Callable[..., Answer | Awaitable[Answer]]

EVENTS_LOOK_S: Final = 1.0


class Audience(Protocol):
    """A connection that listens, as `edge.control.server.Peer` offers it."""

    @property
    def gone(self) -> bool:
        """Whether it has hung up."""
        ...

    def send(self, message: dict[str, Any]) -> None:
        """Say this."""
        ...


def verbs(bay: Bay) -> Mapping[str, Verb]:
    """The verbs that answer once."""
    world, daemon = WorldVerbs(bay), DaemonVerbs(bay)
    return {
        "plug": world.plug,
        "unplug": world.unplug,
        "ev": world.ev,
        "card": world.card,
        "meter": world.meter,
        "meter.fail": world.meter_fail,
        "meter.unit": world.meter_unit,
        "bus": world.bus,
        "fault": world.fault,
        "clear": world.clear,
        "lock": world.lock,
        "reader.fail": world.reader_fail,
        "button": world.button,
        "world": world.world,
        "net": daemon.net,
        "disk": daemon.disk,
        "process": daemon.process,
        "power": daemon.power,
        "clock": daemon.clock,
        "reset_state": daemon.reset_state,
        "fail.firmware": daemon.fail_firmware,
        "fail.locallist": daemon.fail_locallist,
        "ocpp.datatransfer": daemon.datatransfer,
        "ocpp.security_event": daemon.security_event,
        "state": daemon.state,
        "wait": daemon.wait,
    }


def streams(bay: Bay) -> Mapping[str, Callable[..., Awaitable[None]]]:
    """The verbs that keep the connection: `attach` for the daemon, `events` for everybody."""

    async def events(peer: Audience) -> None:
        """Every change of the snapshot, the present one first."""
        shown: Answer | None = None
        while not peer.gone:
            if (state := await merged(bay)) != shown:
                peer.send(state)
                shown = state
            else:
                await bay.news(EVENTS_LOOK_S)

    return {"attach": bay.attach, "events": events}
