"""What every test may use: figures for the closing summary, and the browser."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
import structlog
from playwright.sync_api import Browser, sync_playwright

FIGURE = "figure: "
LINE = "line: "
PRIVATE_CHROMIUM = Path(__file__).parents[1] / ".cache/chromium/chromium"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: looking through it costs a tenth of the run."""
    gc.disable()
    outcome = yield
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
    return outcome


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command that hushes the log, run in this process, hushes no other test's."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def record_figure(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Count something for the last lines of the run: `record_figure("crash points swept", 95)`.

    Figures of one name add up over all tests, also when these ran in several processes.
    """

    def record(name: str, count: int) -> None:
        record_property(FIGURE + name, count)

    return record


@pytest.fixture
def record_line(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say something in the last lines of the run that is no count."""

    def record(line: str) -> None:
        record_property(LINE, line)

    return record


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; `scripts/test` sees to it that there is one."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", str(PRIVATE_CHROMIUM))
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("Chromium is missing: run scripts/test, or apt-get install chromium")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all pages: Playwright bears only one of itself in a process."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what the tests recorded."""
    totals: dict[str, int] = {}
    for report in terminalreporter.getreports("passed"):
        for name, count in report.user_properties:
            if name == LINE:
                terminalreporter.write_line(str(count))
            elif name.startswith(FIGURE):
                totals[name] = totals.get(name, 0) + int(str(count))
    for name, count in sorted(totals.items()):
        terminalreporter.write_line(f"{name.removeprefix(FIGURE)}: {count:,}")
