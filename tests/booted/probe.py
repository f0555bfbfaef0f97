"""Runs inside a unit's sandbox, by the bare Python there, and prints as JSON what it may do.

Its words: the unit's state directory, and other directories that it may write to.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

CLONE_NEWUSER = 0x10000000
STREAMS = ("AF_UNIX", "AF_INET", "AF_INET6")
RAW = ("AF_NETLINK", "AF_PACKET", "AF_BLUETOOTH", "AF_CAN")
WX = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
LIBC = ctypes.CDLL(None, use_errno=True)


def attempt(act: Callable[[], object]) -> str:
    """What *act* comes to: ok, or the name of the error."""
    try:
        act()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "ok"


def open_device(path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY))


def execute(directory: str) -> None:
    """Write a program and run it."""
    program = Path(directory, "program")
    program.write_text("#!/bin/sh\n", encoding="ascii")
    program.chmod(0o755)
    try:
        subprocess.run([program], check=True)
    finally:
        program.unlink()


def call(function: str, *arguments: object) -> None:
    """Call the C library; raises OSError."""
    if LIBC[function](*arguments) == -1:
        raise OSError(ctypes.get_errno(), function)


def may(own: list[str]) -> dict[str, str]:
    """All that is tried, by name."""
    tried: dict[str, Callable[[], object]] = {
        "namespace": partial(call, "unshare", CLONE_NEWUSER),
        "set clock": partial(call, "settimeofday", ctypes.create_string_buffer(16), None),
        "become root": partial(os.setuid, 0),
        "rename host": partial(socket.sethostname, "probe"),
        "writable code": partial(mmap.mmap, -1, 4096, prot=WX),
    }
    for device in sorted(Path("/dev/probe").glob("*")):
        tried[f"device {device.name}"] = partial(open_device, device)
    for place in (*own, "/tmp", "/etc", "/usr", "/opt/tapwatt", "/var/lib", "/run"):
        tried[f"write {place}"] = partial(Path(place, "probe").write_text, "", encoding="ascii")
    for place in (*own, "/tmp", "/dev/shm"):
        tried[f"execute {place}"] = partial(execute, place)
    for place in ("/root", "/home", "/etc/tapwatt/edge-keys", "/etc/tapwatt/csms-keys"):
        tried[f"list {place}"] = partial(os.listdir, place)
    for name in STREAMS:
        tried[name] = partial(socket.socket, getattr(socket, name))
    for name in RAW:
        tried[name] = partial(socket.socket, getattr(socket, name), socket.SOCK_RAW)
    return {what: attempt(act) for what, act in tried.items()}


if __name__ == "__main__":
    key = Path(os.environ["CREDENTIALS_DIRECTORY"], "keys_probe").read_text(encoding="ascii")
    sys.stdout.write(json.dumps({"key": key, **may(sys.argv[1:])}) + "\n")
