"""`python -m edge.drivers.carrier`: one job from standard input, its course on standard output.

In: one JSON line, see `Job`. Out: JSON lines {"done": bytes} now and then, and at the end {"ok":
true} or {"error": kind, "why": sentence}. Ends when its parent does: standard input stays open.
A transfer that hangs, a library that leaks or a TLS handshake that eats a core harms this process
only. The location, which may hold a password, travels on standard input, not in the arguments.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.drivers.carrier import ftp
from edge.drivers.carrier.parts import Part
from edge.drivers.carrier.places import Look, NotCarried, Rules, Unreachable, find_place

WHY_MAX: Final = 300  # characters of what a server said: it may say anything
TELL_EVERY: Final = 262_144  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to carry: *op* is `fetch` or `deliver`, *path* our file, *name* theirs."""

    op: str
    location: str
    path: str
    protocols: list[str]
    name: str = ""
    private_addresses: bool = False
    size_max: int = 512 * 2**20
    stall_s: float = 60.0
    ca_file: str | None = None


def carry(job: Job, tell: Any, look: Look = socket.getaddrinfo) -> None:
    """Do *job*, telling `tell` the bytes done; raises `NotCarried`."""
    rules = Rules(
        protocols=frozenset(word.lower() for word in job.protocols),
        private_addresses=job.private_addresses,
    )
    place = find_place(job.location, rules, look)
    context = ssl.create_default_context(cafile=job.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    options = {"context": context, "stall_s": job.stall_s}
    if place.scheme.startswith("ftp"):
        way: Any = ftp
    else:
        from edge.drivers.carrier import http

        way = http
    target = Path(job.path)
    for number, address in enumerate(place.addresses, start=1):
        try:
            if job.op == "fetch":
                way.fetch(place, address, Part(target, job.location, job.size_max), tell, **options)
            else:
                way.deliver(place, address, target, job.name, tell, **options)
        except Unreachable:
            if number == len(place.addresses):
                raise
        else:
            return


def main() -> int:
    """Read the job, do it, say how it went."""
    job = Job(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if done - told >= TELL_EVERY:
            told = done
            _say({"done": done})

    try:
        carry(job, tell)
    except NotCarried as refusal:
        _say({"error": refusal.kind, "why": str(refusal)[:WHY_MAX]})
        return 1
    except OSError as error:
        _say({"error": "other", "why": f"{type(error).__name__}: {error}"[:WHY_MAX]})
        return 1
    _say({"ok": True})
    return 0


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    while sys.stdin.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
