"""The fuzzed station with a fault planted: `python -m tests.ocppj.faulty_station URL FAULT`.

`talks` answers what must be ignored, `dies` of a lone surrogate, `sleeps` over a good call, `leaks`
keeps every frame a thousand times.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from edge.ocppj import guard
from edge.ocppj.guard import BadCall, Frame, Noise
from scripts.benches.parts.fuzz_station import main

right = guard.parse
kept: list[Any] = []


def talks(raw: str | bytes) -> Frame:
    frame = right(raw)
    return BadCall("-1", "") if isinstance(frame, Noise) else frame


def dies(raw: str | bytes) -> Frame:
    if "\\ud800" in str(raw):
        raise ValueError("planted")
    return right(raw)


def sleeps(raw: str | bytes) -> Frame:
    return Noise("not_json") if "good-500" in str(raw) else right(raw)


def leaks(raw: str | bytes) -> Frame:
    kept.append(str(raw).encode() * 100)
    return right(raw)


if __name__ == "__main__":
    guard.parse = globals()[sys.argv[2]]
    asyncio.run(main(sys.argv[1]))
