"""Transfers in a child process: bounded in time, ended with their daemon, told as they go."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path

import pytest

from edge.drivers.transfer import ChildTransfer, Settings
from edge.errors import TransferFailed
from tests.drivers.file_servers import Shelf, web_server
from tests.waiting import until

LOCAL = Settings(protocols=("HTTP",), private_addresses=True)


def ignore(_done_bytes: int) -> None:
    """Nobody looks."""


async def test_a_file_goes_both_ways_and_progress_is_told(tmp_path: Path) -> None:
    """Port `Transfer`."""
    content = bytes(2_000_000)
    passed: list[int] = []
    transfer = ChildTransfer(LOCAL)
    with web_server(Shelf(files={"/a": content})) as shelf:
        place = f"http://127.0.0.1:{shelf.port}"
        await transfer.fetch(f"{place}/a", tmp_path / "image", passed.append)
        await transfer.deliver(tmp_path / "image", f"{place}/logs", "log.gz", passed.append)
    assert shelf.files["/logs/log.gz"] == content
    assert passed
    assert max(passed) <= len(content)


async def test_a_refusal_comes_back_with_its_kind_and_its_reason(tmp_path: Path) -> None:
    """The child's last word is an error of ours."""
    with pytest.raises(TransferFailed, match="no file may go") as caught:
        await ChildTransfer(Settings(protocols=("HTTP",))).fetch(
            "http://127.0.0.1:9/a", tmp_path / "image", ignore
        )
    assert caught.value.kind == "denied"


async def test_by_default_only_secured_protocols_are_spoken(tmp_path: Path) -> None:
    """Security 3.3: http and ftp by setting."""
    with pytest.raises(TransferFailed) as caught:
        await ChildTransfer(Settings()).fetch("http://example.org/a", tmp_path / "image", ignore)
    assert caught.value.kind == "unsupported"


async def test_a_transfer_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    """Limits: whatever hangs, the daemon does not."""
    hurried = Settings(protocols=("HTTP",), private_addresses=True, within_s=2.0)
    stalled = Shelf(files={"/a": b"x"}, stall=threading.Event())
    with web_server(stalled) as shelf, pytest.raises(TransferFailed, match="not done in 2"):
        await ChildTransfer(hurried).fetch(
            f"http://127.0.0.1:{shelf.port}/a", tmp_path / "image", ignore
        )


async def test_an_abandoned_transfer_leaves_no_process(tmp_path: Path) -> None:
    """Cancelled means gone."""
    stalled = Shelf(files={"/a": b"x"}, stall=threading.Event())
    with web_server(stalled) as shelf:
        location = f"http://127.0.0.1:{shelf.port}/a"
        task = asyncio.ensure_future(
            ChildTransfer(LOCAL).fetch(location, tmp_path / "image", ignore)
        )
        await until(lambda: shelf.seen)
        children = _children()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert children
        assert not _children() & children


def _children() -> set[str]:
    """Carriers that are children of this process."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"edge.drivers.carrier" in words:
                found.add(pid)
    return found


async def test_the_carrier_ends_with_its_parent(tmp_path: Path) -> None:
    """A daemon that dies leaves no transfer behind: standard input is its life line."""
    stalled = Shelf(files={"/a": b"x"}, stall=threading.Event())
    with web_server(stalled) as shelf:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "edge.drivers.carrier",
            stdin=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        job = {
            "op": "fetch",
            "location": f"http://127.0.0.1:{shelf.port}/a",
            "path": str(tmp_path / "image"),
            "protocols": ["HTTP"],
            "private_addresses": True,
        }
        assert process.stdin is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        await until(lambda: shelf.seen)
        process.stdin.close()
        async with asyncio.timeout(5):
            assert await process.wait() == 1


async def test_a_carrier_that_dies_is_a_failed_transfer(tmp_path: Path) -> None:
    """A bug there is no crash here: a job it cannot read ends it without a word."""
    transfer = ChildTransfer(LOCAL)
    with pytest.raises(TransferFailed, match="process died"):
        await transfer._carry({"op": "fetch", "no such": 1}, ignore)
