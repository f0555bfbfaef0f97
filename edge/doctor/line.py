"""The ladder to the central system: DNS, TCP, TLS, HTTP, subprotocol, BootNotification.

The dial is the link's own (`ocpp_line`), so what holds here holds for the daemon. It is climbed
once for each way in that the daemon would try, until one lets us in.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final
from urllib.parse import SplitResult, urlsplit

from edge.app.station import certificate_files
from edge.config.loading import identity
from edge.core.access import Access
from edge.core.events import Event, LinkDown, LinkUp, Settled
from edge.core.instant import rfc3339
from edge.core.messages import BootNotification, BootNotificationConf, CallError
from edge.doctor import certificates
from edge.doctor.finding import Finding
from edge.doctor.line_causes import Boot, Known, Ladder, judge
from edge.doctor.site import Site
from edge.drivers.notary import ChildNotary
from edge.drivers.ocpp_line import Dialling, Line, public_address
from edge.drivers.ocpp_link import Settings, open_link, profile_of
from edge.drivers.ocpp_settings import dialling_of
from edge.drivers.registry import Rig, decode
from edge.errors import LinkRefused, Rung

TCP_S: Final = 5.0
BOOT_S: Final = 15.0
PORTS: Final = {"ws": 80, "wss": 443}


async def examine(site: Site, _rig: Rig, _found: Sequence[Finding]) -> list[Finding]:
    """Climb the ladder; the findings of the way that led furthest."""
    settings = decode(Settings, site.settings.csms, "csms")
    dialling = dialling_of(settings, site.settings.station.id, site.roots)
    ways = tuple(dict.fromkeys(site.ways)) or (Access(profile=profile_of(settings)),)
    climbs: list[Ladder] = []
    for access in ways:
        climbs.append(await _climb(site, settings, dialling, access))
        if climbs[-1].is_in:
            break
    chosen = len(climbs) - 1 if climbs[-1].is_in else 0  # the first way is the one that should do
    known = known_of(site, dialling, ways[chosen])
    ends = await ChildNotary().ends(certificate_files(site.settings))
    shown_until = climbs[chosen].ends_at
    if shown_until is not None:
        ends["the central system's certificate"] = shown_until
    return [
        *judge(climbs[chosen], known, is_old=chosen > 0),
        *certificates.judge(ends, site.clock.now().wall),
    ]


async def _climb(site: Site, settings: Settings, dialling: Dialling, access: Access) -> Ladder:
    try:
        await _reach(urlsplit(dialling.address(access)))
        line = await dialling.dial(access)
    except OSError as error:
        return Ladder(refused=error)
    return await _boot(site, settings, access, line)


async def _reach(address: SplitResult) -> None:
    """Names and TCP, without a word on the line; raises what the network says."""
    if address.hostname is None or address.scheme not in PORTS:
        raise LinkRefused("[csms] url is no ws:// or wss:// address", rung=Rung.SETTINGS)
    port = address.port or PORTS[address.scheme]
    loop = asyncio.get_running_loop()
    await loop.getaddrinfo(address.hostname, port, type=socket.SOCK_STREAM)
    async with asyncio.timeout(TCP_S):
        _, writer = await asyncio.open_connection(address.hostname, port)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _boot(site: Site, settings: Settings, access: Access, line: Line) -> Ladder:
    """Introduce the station by the link's own driver, on the line that is open already."""
    answered: asyncio.Future[Boot] = asyncio.get_running_loop().create_future()

    async def given(_access: Access) -> Line:
        return line

    link = open_link(
        settings,
        station=site.settings.station.id,
        clock=site.clock,
        random=site.random,
        attempts=(access,),
        dial=given,
    )

    def post(event: Event) -> None:
        if isinstance(event, LinkUp):
            number = f"doctor-{site.random.getrandbits(64):016x}"
            link.send(1, number, _introduction(site), BOOT_S)
        elif isinstance(event, Settled | LinkDown) and not answered.done():
            answered.set_result(_boot_of(event))

    asked_at = site.clock.now().wall
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run(post), name="doctor-link")
        boot = await answered
        running.cancel()
    await line.close()
    return Ladder(boot=boot, asked_at=asked_at, ends_at=line.ends_at)


def _boot_of(event: Settled | LinkDown) -> Boot:
    if isinstance(event, LinkDown):
        return event.why
    if isinstance(event.answer, CallError):
        return f"{event.answer.code}: {event.answer.description}"
    return event.answer if isinstance(event.answer, BootNotificationConf) else "no answer in time"


def _introduction(site: Site) -> BootNotification:
    return identity(site.settings.station, version("tapwatt"))


def known_of(site: Site, dialling: Dialling, access: Access) -> Known:
    """What the sentences about a climb with *access* may name."""
    address = urlsplit(public_address(dialling.address(access)))
    station = site.settings.station
    now = site.clock.now()
    return Known(
        facts={
            "host": address.hostname or "",
            "port": address.port or PORTS.get(address.scheme, 0),
            "path": address.path,
            "station": station.id,
            "vendor": station.vendor,
            "model": station.model,
            "profile": access.profile,
            "now": rfc3339(now.wall),
        },
        has_password=access.key is not None or dialling.password is not None,
        is_secure=address.scheme == "wss",
        clock_is_kept=now.trusted,
    )
