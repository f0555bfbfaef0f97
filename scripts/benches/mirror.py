"""From a status change at the source to the driver's page, through the bridge and the cloud.

The source tells the status of a hundred chargers, each a new document every second, which is the
most that the bridge lets through. The bridge is a process as systemd runs it, with the real
firebase-admin; the cloud is the protocol double of the tests, so what the network to the real one
costs comes on top. One charger's deployed page is open in a real Chromium: a change counts when its
energy stands in the page's text. What the bridge costs is its own CPU and memory meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright

from edge.hmi.site import Plan, origins
from edge.hmi.site import site as make_site
from scripts.benches.parts.figures import percentile, spread, tell
from scripts.benches.parts.processes import short_directory
from scripts.benches.rss import memory_mib
from tests.bridge.process import bridge_process, write_config
from tests.bridge.sources import Talking, Teller
from tests.hmi.test_site import hosting
from tests.rtdb.double import Double
from tests.waiting import until

CHARGERS: Final = 100
SECONDS: Final = 60
BAR_S: Final = 2.0
SEEN_WITHIN_S: Final = 10.0
WARM_S: Final = 5.0
WATCH: Final = """
() => {
  const look = () => {
    const text = document.querySelector('[data-field="energy"]')?.textContent ?? "";
    if (text !== look.last) { look.last = text; window.seen(text); }
  };
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document.body, all);
  look();
}
"""


def main(argv: Sequence[str]) -> int:
    """Print one line; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench mirror")
    parser.add_argument("--chargers", type=int, default=CHARGERS)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    options = parser.parse_args(argv)
    with short_directory() as directory, Double().running() as double:
        took_s, cpu_percent, rss_mib = asyncio.run(
            _measure(directory, double, options.chargers, options.seconds)
        )
        writes = sum(one.path.endswith("/status") for one in double.asked if one.method == "PUT")
    figures = (
        f"chargers={options.chargers} at 1/s each, {writes} writes; change to page"
        f" {spread(took_s)}; bridge {cpu_percent:.0f} % of a core,"
        f" RSS {rss_mib:.0f} MiB"
    )
    return tell("mirror", figures, f"p99 under {BAR_S:g} s", met=percentile(took_s, 0.99) < BAR_S)


async def _measure(
    directory: Path, double: Double, chargers: int, seconds: int
) -> tuple[list[float], float, float]:
    """Seconds that each change took, and what the bridge cost: percent of a core, MiB.

    Raises `AssertionError` when a change never comes to the page.
    """
    tellers = [Teller(f"BENCH{number}") for number in range(chargers)]
    async with Talking().running() as source:
        config = write_config(
            directory / "bridge.toml",
            source=source.url,
            database=double.url,
            stations=[one.code for one in tellers],
        )
        for one in tellers:
            source.say(one.document())
        with (
            (directory / "log").open("wb") as log,
            bridge_process(config, "--dev", log=log) as bridge,
        ):
            seen: dict[str, float] = {}
            async with _page(directory / "site", double, tellers[0].code, seen.setdefault):
                await asyncio.sleep(WARM_S)
                began, began_cpu = time.perf_counter(), _cpu_s(bridge.pid)
                said = await _speak(source, tellers, seconds)
                cpu = (_cpu_s(bridge.pid) - began_cpu) / (time.perf_counter() - began)
                await until(partial(said.keys().__le__, seen.keys()), SEEN_WITHIN_S)
            rss, _ = memory_mib(bridge.pid)
    return [seen[text] - at for text, at in said.items()], 100 * cpu, rss


async def _speak(source: Talking, tellers: Sequence[Teller], seconds: int) -> dict[str, float]:
    """Tell a change of every charger each second, spread over it; gives when the page's were said.

    The page's charger is told of every 1.1 s, so that no change of its own is overtaken by the
    next one.
    """
    loop = asyncio.get_running_loop()
    said: dict[str, float] = {}

    async def watched() -> None:
        began = loop.time()
        for number in range(seconds):
            await asyncio.sleep(began + 1.1 * number - loop.time())
            energy_wh = 1000 + 10 * number
            document = tellers[0].finished(energy_wh=energy_wh, stopped_at=None, cost_final=False)
            document["connectors"][0]["status"] = "Charging"
            said[f"{energy_wh / 1000:.2f} kWh"] = time.perf_counter()
            source.say(document)

    async def others() -> None:
        began = loop.time()
        for number in range(seconds * (len(tellers) - 1)):
            await asyncio.sleep(began + number / (len(tellers) - 1) - loop.time())
            source.say(tellers[1 + number % (len(tellers) - 1)].document(power_w=float(number)))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watched())
        if len(tellers) > 1:
            tasks.create_task(others())
    return said


@asynccontextmanager
async def _page(
    site: Path, double: Double, code: str, seen: Callable[[str, float], object]
) -> AsyncIterator[Page]:
    """Open a charger's live page; *seen* is told each new energy and when it stood there."""
    with hosting(site) as url:
        plan = Plan(
            url=url,
            config={"feed": "firebase", "database": f"http://{double.host}", "station": code},
            reaches=origins(f"http://{double.host}"),
        )
        for name, content in make_site(plan).items():
            file = site / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"]
            )
            page = await browser.new_page(locale="en-GB")
            await page.expose_function("seen", lambda text: seen(text, time.perf_counter()))
            await page.goto(f"{url}/live.html")
            await page.wait_for_selector("[data-connector]")
            await page.evaluate(WATCH)
            try:
                yield page
            finally:
                await browser.close()


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
