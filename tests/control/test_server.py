"""The control socket: JSON lines, its bounds, its refusals, and who may connect."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from edge.control import server as server_module
from edge.control.client import ask, follow
from edge.control.lines import LINE_LIMIT, NotALine, decode
from edge.control.server import Peer, Rights, Verb, listen, rights, rights_of
from edge.errors import ConfigError, DriverError, EdgeError
from tests.control.nonsense import nonsense
from tests.waiting import WITHIN_S, until

SENTENCE_MOST = 300  # letters


async def double(number: int) -> dict[str, Any]:
    return {"double": number * 2}


def share(*, much: float = 1, among: list[int] | None = None) -> dict[str, Any]:
    return {"each": much / (1 + sum(one % 2 for one in among or []))}


def refuse() -> dict[str, Any]:
    raise EdgeError("this is not done here")


async def never() -> dict[str, Any]:
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return] # no end


async def count(peer: Peer, up_to: int) -> None:
    for number in range(up_to):
        peer.send({"number": number})


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    """A socket that serves the verbs above."""
    where = tmp_path / "c.sock"
    verbs: dict[str, Verb] = {"double": double, "share": share, "refuse": refuse, "never": never}
    async with listen(where, verbs, {"count": count}):
        yield where


async def asked(path: Path, op: str, **arguments: Any) -> dict[str, Any]:
    return await asyncio.to_thread(ask, path, op, **arguments)


async def said(path: Path, raw: bytes) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(raw)
    answer = json.loads(await reader.readline())
    writer.close()
    assert isinstance(answer, dict)
    return answer


async def test_a_verb_gets_its_arguments_by_name(path: Path) -> None:
    """One line in, one line out."""
    assert await asked(path, "double", number=21) == {"double": 42}


async def test_many_requests_on_one_connection_are_answered_in_order(path: Path) -> None:
    """A line is answered before the next is read."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    for number in range(5):
        writer.write(json.dumps({"op": "double", "number": number}).encode() + b"\n")
    answers = [json.loads(await reader.readline())["double"] for _ in range(5)]
    writer.close()
    assert answers == [0, 2, 4, 6, 8]


async def test_refusals_are_one_sentence_and_the_line_stays_open(path: Path) -> None:
    """An EdgeError is an answer, not the end."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b'{"op": "refuse"}\n{"op": "double", "number": 1}\n')
    assert json.loads(await reader.readline()) == {"error": "this is not done here"}
    assert json.loads(await reader.readline()) == {"double": 2}
    writer.close()


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b'{"op": "dubble"}\n', "did you mean double"),
        (b'{"op": 7}\n', "there is no verb 7"),
        (b"{}\n", "there is no verb None"),
        (b'{"op": []}\n', "there is no verb []"),
        (b'{"op": {"op": "double"}}\n', "there is no verb {'op': 'double'}"),
        (b'{"op": "double", "nummer": 1}\n', "it takes number"),
        (b'{"op": "double"}\n', "it takes number"),
        (b'{"op": "double", "number": "x"}\n', "number is 'x': give a whole number"),
        (b'{"op": "double", "number": true}\n', "give a whole number"),
        (b'{"op": "double", "number": 9223372036854775808}\n', "9223372036854775807 at most"),
        (b'{"op": "share", "among": [1, "x"]}\n', "give a list or null"),
        (b'{"op": "share", "much": [1]}\n', "give a number"),
        (b'{"op": "share", "much": NaN}\n', "NaN is no number"),
        (b'{"op": "share", "much": 1e999}\n', "1e999 is no number"),
        (b'{"op": "double", "number": "\\ud800"}\n', "not JSON"),
        (b'{"op": "count", "peer": 1}\n', "it takes up_to"),
        (b'{"op": ' + 9999 * b"[" + b"\n", "not JSON"),
        (b'{"op": "' + 9999 * b"x" + b'"}\n', "there is no verb 'xxx"),
        (b'{"op": "refuse", "x": 1}\n', "it takes nothing"),
        (b"[1, 2]\n", "one JSON object"),
        (b"plug 1\n", "not JSON"),
        (b'{"op": "double", "number": "' + b"x" * LINE_LIMIT + b'"}\n', "bytes at most"),
    ],
)
async def test_nonsense_is_answered_with_what_is_allowed(
    path: Path, raw: bytes, sentence: str
) -> None:
    """The other side is told what is wrong in one sentence."""
    error = (await said(path, raw))["error"]
    assert sentence in error
    assert len(error) < SENTENCE_MOST
    assert await asked(path, "double", number=1) == {"double": 2}


@given(requests=nonsense({"double": double, "share": share, "refuse": refuse}))
@settings(max_examples=200, deadline=None)
def test_every_object_is_answered_on_the_line_it_came_by(requests: list[dict[str, Any]]) -> None:
    """Whatever is in it: an answer or a sentence, and the next line is read."""

    async def exchange() -> None:
        verbs: dict[str, Verb] = {"double": double, "share": share, "refuse": refuse}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "c.sock"
            async with listen(path, verbs), asyncio.timeout(WITHIN_S):
                reader, writer = await asyncio.open_unix_connection(str(path))
                for request in requests:
                    writer.write(json.dumps(request).encode() + b"\n")
                    answer = json.loads(await reader.readline())
                    assert len(answer) == 1, answer
                    assert len(str(answer.get("error", ""))) < SENTENCE_MOST
                writer.close()

    asyncio.run(exchange())


async def test_a_stream_owns_its_connection(path: Path) -> None:
    """Lines come until the stream ends; then the connection does."""
    lines = await asyncio.to_thread(lambda: list(follow(path, "count", up_to=3)))
    assert lines == [{"number": 0}, {"number": 1}, {"number": 2}]


async def test_the_socket_is_for_our_user_alone(path: Path) -> None:
    """Mode 0600, and only root and we are let in."""
    mode = await asyncio.to_thread(lambda: path.stat().st_mode)
    assert stat.S_IMODE(mode) == 0o600
    stranger, our_group = os.geteuid() + 1, os.getegid()
    assert rights(os.geteuid(), ()) is rights(0, ()) is Rights.EVERYTHING
    assert rights(stranger, (our_group + 1, our_group)) is Rights.READABLE
    assert rights(stranger, (our_group + 1,)) is Rights.NOTHING


async def test_the_kernel_names_the_peer() -> None:
    """SO_PEERCRED and SO_PEERGROUPS tell of who opened the other end."""
    ours, theirs = socket.socketpair()
    assert rights_of(ours) is Rights.EVERYTHING
    ours.close()
    theirs.close()


ASKS = """
import json, os, socket, sys
os.setgroups([int(one) for one in sys.argv[2].split(",") if one])
os.setgid(65533)
os.setuid(65534)
line = socket.socket(socket.AF_UNIX)
try:
    line.connect(sys.argv[1])
    for verb in sys.argv[3:]:
        line.sendall(json.dumps({"op": verb}).encode() + b"\\n")
        print(line.makefile().readline().strip() or "hung up")
except OSError as refused:
    print(type(refused).__name__)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("groups", "said_of_it"),
    [
        ("{own}", ['{"it": "reads"}', "only root and the user", '{"it": "reads"}']),
        ("65532", ["PermissionError"]),
        ("", ["PermissionError"]),
    ],
)
async def test_our_group_may_ask_for_what_is_readable(groups: str, said_of_it: list[str]) -> None:
    """Somebody else by the kernel's own word: an installer looks, and stops nothing."""
    stopped: list[bool] = []

    def reads() -> dict[str, Any]:
        return {"it": "reads"}

    def stop() -> dict[str, Any]:
        stopped.append(True)
        return {}

    with tempfile.TemporaryDirectory() as directory:
        await asyncio.to_thread(os.chmod, directory, 0o711)
        path = Path(directory) / "c.sock"
        async with listen(path, {"reads": reads, "stop": stop}, readable=("reads",)):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                ASKS,
                str(path),
                groups.format(own=os.getegid()),
                *("reads", "stop", "reads"),
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await process.communicate()
    lines = out.decode().splitlines()
    assert len(lines) == len(said_of_it)
    for line, expected in zip(lines, said_of_it, strict=True):
        assert expected in line.replace('":"', '": "')
    assert not stopped


async def test_our_group_cannot_use_up_our_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ninth connection is closed; root's own is not."""
    path = tmp_path / "c.sock"
    monkeypatch.setattr(server_module, "rights_of", lambda _: Rights.READABLE)
    async with listen(path, {"double": double}, readable=("double",)):
        lines = [await asyncio.open_unix_connection(str(path)) for _ in range(9)]
        assert await lines[8][0].readline() == b""
        lines[0][1].close()
        monkeypatch.setattr(server_module, "rights_of", lambda _: Rights.EVERYTHING)
        assert await asked(path, "double", number=1) == {"double": 2}
        for _, writer in lines:
            writer.close()


async def test_ending_cuts_those_who_wait(tmp_path: Path) -> None:
    """A verb that never answers does not hold up the end; the path is gone after it."""
    path = tmp_path / "c.sock"
    waiting: list[bool] = []

    async def wait() -> dict[str, Any]:
        waiting.append(True)
        return await never()

    async with listen(path, {"never": wait}):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"op": "never"}\n')
        await until(lambda: waiting)
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConfigError, match="nobody listens"):
        await asked(path, "never")


async def test_a_dead_mans_socket_is_taken_over_a_living_ones_is_not(tmp_path: Path) -> None:
    """After a SIGKILL the path is still there; two listeners would steal from one another."""
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    async with listen(path, {"double": double}):
        with pytest.raises(ConfigError, match="already"):
            async with listen(path, {}):
                pass
        assert await asked(path, "double", number=2) == {"double": 4}


async def test_a_path_that_cannot_be_a_socket_is_refused(tmp_path: Path) -> None:
    """The kernel's limit is said before the kernel says it."""
    with pytest.raises(ConfigError, match="longer than"):
        async with listen(tmp_path / ("x" * 120), {}):
            pass
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match="cannot listen"):
        async with listen(tmp_path / "file" / "c.sock", {}):
            pass


def test_the_client_says_that_nobody_listens(tmp_path: Path) -> None:
    """The most common mistake gets the clearest sentence."""
    with pytest.raises(ConfigError, match="is it running"):
        ask(tmp_path / "none.sock", "state")


async def test_the_client_does_not_wait_for_ever(path: Path) -> None:
    """No answer in time is a device that does not answer."""
    with pytest.raises(DriverError, match="never"):
        await asked(path, "never", within_s=0.05)


async def test_the_client_notices_a_hang_up(tmp_path: Path) -> None:
    """A connection that ends without an answer is not an empty answer."""
    path = tmp_path / "c.sock"

    async def leave(peer: Peer) -> None:
        assert not peer.gone

    async with listen(path, {}, {"leave": leave}):
        with pytest.raises(DriverError, match="hung up"):
            await asked(path, "leave")


async def test_a_peer_that_does_not_read_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits to be sent has a bound."""
    monkeypatch.setattr(server_module, "UNSENT_LIMIT", 1000)
    path = tmp_path / "c.sock"
    ended = asyncio.Event()

    async def flood(peer: Peer) -> None:
        while not peer.gone:
            peer.send({"noise": "x" * 10000})
            await asyncio.sleep(0)
        ended.set()

    async with listen(path, {}, {"flood": flood}):
        _, writer = await asyncio.open_unix_connection(str(path), limit=10)
        writer.write(b'{"op": "flood"}\n')
        await asyncio.wait_for(ended.wait(), 5)
        writer.close()


@pytest.mark.parametrize("line", [b"", b"nul\xff\n", b'"text"\n', b"3\n"])
def test_what_is_not_an_object_is_not_a_line(line: bytes) -> None:
    """Decoding never gives anything but a dict."""
    with pytest.raises(NotALine):
        decode(line)
