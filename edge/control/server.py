"""A socket for those on the same machine: one JSON object per line in, one answer per line out.

A request is `{"op": VERB, …arguments}`; the verb is called with the arguments by name and returns
the answer, at once or as an awaitable. What it refuses (`EdgeError`) becomes `{"error": SENTENCE}`;
so do arguments that are not of the kind which the verb's signature declares.
A stream verb owns its connection, the `Peer`. Root and our own user may ask for everything, members
of our own group for what is named as readable, all others for nothing.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import difflib
import inspect
import os
import socket
import struct
import types
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from enum import Enum
from inspect import BoundArguments
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from edge.control.lines import LINE_LIMIT, NotALine, decode, encode
from edge.errors import ConfigError, EdgeError

Answer = dict[str, Any]
Verb = Callable[..., Answer | Awaitable[Answer]]
Stream = Callable[..., Awaitable[None]]

PATH_LIMIT: Final = 107  # bytes of sockaddr_un.sun_path, less the final zero
OWN, OWN_AND_GROUP = 0o600, 0o660
SO_PEERGROUPS: Final = 59  # asm-generic/socket.h; Python does not name it
GROUP: Final = struct.Struct("I")
GROUPS_MOST: Final = 256  # as many as Python asks the kernel for; it refuses to tell of more
GUESTS_MOST: Final = 8  # connections of our group at once: files are needed for other things
CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid of SO_PEERCRED
UNSENT_LIMIT: Final = 1 << 22  # a peer that does not read loses its connection here
CLOSE_S: Final = 1.0
NAMED: Final[Mapping[Any, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    types.NoneType: "null",
}
"""The kinds that arguments have; all others are objects."""
SHOWN_MOST: Final = 60  # letters


class Peer:
    """The other end of one connection, for verbs that stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def gone(self) -> bool:
        """Whether it has hung up."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def receive(self) -> dict[str, Any] | None:
        """Its next line; `None` when it has hung up. Raises `NotALine`."""
        try:
            line = await self._reader.readline()
        except ValueError as problem:
            raise NotALine(f"a line may have {LINE_LIMIT} bytes at most") from problem
        except ConnectionError:
            return None
        return decode(line) if line.endswith(b"\n") else None

    def send(self, message: dict[str, Any]) -> None:
        """Say *message*; a peer that has stopped reading is cut off."""
        if self._writer.is_closing():
            return
        self._writer.write(encode(message))
        if self._writer.transport.get_write_buffer_size() > UNSENT_LIMIT:
            self._writer.transport.abort()


@contextlib.asynccontextmanager
async def listen(
    path: str | Path,
    verbs: Mapping[str, Verb],
    streams: Mapping[str, Stream] | None = None,
    *,
    readable: Collection[str] = (),
) -> AsyncIterator[None]:
    """Serve *verbs* and *streams* on the Unix socket *path* until the block ends.

    Its mode is 0600, or 0660 where some verbs are *readable* by our group.
    Raises `ConfigError` if the path cannot be a socket or somebody listens there already.
    """
    desk = _Desk(verbs, streams or {}, frozenset(readable))
    sock = _bind(Path(path), OWN if not readable else OWN_AND_GROUP)
    server = await asyncio.start_unix_server(desk.serve, sock=sock, limit=LINE_LIMIT)
    try:
        yield
    finally:
        server.close()
        await desk.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - one system call at the end


class Rights(Enum):
    """What a peer may ask for."""

    NOTHING = "nothing"
    READABLE = "readable"
    EVERYTHING = "everything"


def rights_of(sock: socket.socket) -> Rights:
    """What the peer at the other end of *sock* may ask for, as the kernel knows it."""
    packed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _, uid, gid = CREDENTIALS.unpack(packed)
    groups = b""
    with contextlib.suppress(OSError):
        groups = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, GROUPS_MOST * GROUP.size)
    return rights(uid, {gid, *(one for (one,) in GROUP.iter_unpack(groups))})


def rights(uid: int, groups: Collection[int]) -> Rights:
    """What a user in *groups* may ask for."""
    if uid in (0, os.geteuid()):
        return Rights.EVERYTHING
    return Rights.READABLE if os.getegid() in groups else Rights.NOTHING


class _Desk:
    """Takes requests to their verbs; knows the open connections."""

    def __init__(
        self, verbs: Mapping[str, Verb], streams: Mapping[str, Stream], readable: Collection[str]
    ) -> None:
        self._verbs = verbs
        self._streams = streams
        self._readable = readable
        self._guests = 0
        self._open: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        may = rights_of(writer.get_extra_info("socket"))
        if task is None or self._closing or not self._is_welcome(may):
            writer.close()
            return
        self._open.add(task)
        is_guest = may is Rights.READABLE
        self._guests += is_guest
        try:
            await self._talk(Peer(reader, writer), may)
        except asyncio.CancelledError:
            pass  # only `close` cancels; the server's own callback must not see it
        finally:
            self._open.discard(task)
            self._guests -= is_guest
            writer.close()

    def _is_welcome(self, may: Rights) -> bool:
        is_guest = may is Rights.READABLE and bool(self._readable)
        return may is Rights.EVERYTHING or (is_guest and self._guests < GUESTS_MOST)

    async def close(self) -> None:
        self._closing = True  # who was accepted a moment ago is served after this: not at all
        tasks = tuple(self._open)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_S)

    async def _talk(self, peer: Peer, may: Rights) -> None:
        while True:
            try:
                request = await peer.receive()
                if request is None:
                    return
                verb = request.pop("op", None)
                if not isinstance(verb, str):
                    raise ConfigError(_unknown(verb, (*self._verbs, *self._streams)))
                if may is not Rights.EVERYTHING and verb not in self._readable:
                    raise ConfigError(
                        f"only root and the user that runs it may ask for {_shown(verb)}"
                    )
                if verb in self._streams:
                    stream = self._streams[verb]
                    fitting = _fit(verb, stream, request, peer=peer)
                    await stream(*fitting.args, **fitting.kwargs)
                    return
                peer.send(await self._answer(verb, request))
            except NotALine as problem:
                peer.send({"error": str(problem)})
                return
            except EdgeError as problem:
                peer.send({"error": str(problem)})

    async def _answer(self, verb: str, arguments: dict[str, Any]) -> Answer:
        known = self._verbs.get(verb)
        if known is None:
            raise ConfigError(_unknown(verb, (*self._verbs, *self._streams)))
        fitting = _fit(verb, known, arguments)
        answer = known(*fitting.args, **fitting.kwargs)
        return await answer if inspect.isawaitable(answer) else answer


def _fit(
    verb: str, known: Callable[..., Any], arguments: dict[str, Any], **ours: Peer
) -> BoundArguments:
    """The call of *known*; raises `ConfigError` unless *arguments* are those that it declares."""
    signature, kinds = inspect.signature(known), get_type_hints(known)
    takes = [name for name in signature.parameters if name not in ours]
    for name, value in arguments.items():
        if name not in takes:
            listed = ", ".join(takes) or "nothing"
            raise ConfigError(f"{verb} takes no {_shown(name)}; it takes {listed}")
        if not _is_of(value, kinds[name]):
            raise ConfigError(f"{verb}: {name} is {_shown(value)}: give {_named(kinds[name])}")
    try:
        return signature.bind(**ours, **arguments)
    except TypeError as problem:
        raise ConfigError(f"{verb}: {problem}; it takes {', '.join(takes)}") from problem


def _is_of(value: Any, kind: Any) -> bool:
    """Whether what JSON brought is of the *kind* that a verb declares."""
    inner = get_args(kind)
    match get_origin(kind) or kind:
        case typing.Any:
            return True
        case typing.Union | types.UnionType:
            return any(_is_of(value, one) for one in inner)
        case builtins.list:
            return isinstance(value, list) and all(_is_of(one, inner[0]) for one in value)
        case builtins.float:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case builtins.int:
            return isinstance(value, int) and not isinstance(value, bool)
        case plain:
            return isinstance(value, plain)


def _shown(value: Any) -> str:
    """Enough of what a peer sent to know it again."""
    text = repr(value)
    return text if len(text) <= SHOWN_MOST else f"{text[:SHOWN_MOST]}…"


def _named(kind: Any) -> str:
    if get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join(map(_named, get_args(kind)))
    return NAMED.get(get_origin(kind) or kind, "an object")


def _unknown(verb: Any, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(verb)[:SHOWN_MOST], known, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    return f"there is no verb {_shown(verb)}{meant}: choose one of {', '.join(sorted(known))}"


def _bind(path: Path, mode: int) -> socket.socket:
    if len(os.fsencode(path)) > PATH_LIMIT:
        raise ConfigError(f"socket path {path} is longer than {PATH_LIMIT} bytes: choose a shorter")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        mask = os.umask(0o777 & ~mode)
        try:
            sock.bind(str(path))
        finally:
            os.umask(mask)
    except OSError as problem:
        sock.close()
        raise ConfigError(f"cannot listen on {path}: {problem.strerror or problem}") from problem
    except ConfigError:
        sock.close()
        raise
    return sock


def _clear(path: Path) -> None:
    """Take away what a dead process left; a living one is left alone."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise ConfigError(f"somebody listens on {path} already: stop that process or choose another")
