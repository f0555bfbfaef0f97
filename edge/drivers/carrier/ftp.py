"""FTP and explicit FTPS (RFC 4217), passive; data connections go to the address of the control one.

A path is relative to the directory of the login, as in RFC 1738.
"""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from edge.drivers.carrier.parts import Part
from edge.drivers.carrier.places import NotCarried, Place, Unreachable

CHUNK: Final = 65_536
DENIED: Final = ("530", "532", "550", "553")
UNSUPPORTED: Final = ("500", "502", "504")

Tell = Callable[[int], None]


class _Secured(ftplib.FTP_TLS):
    """Data connections go on with the session of the control connection, as servers demand."""

    def ntransfercmd(
        self, cmd: str, rest: int | str | None = None
    ) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  wrapped in TLS below
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        secured = self.context.wrap_socket(connection, server_hostname=self.host, session=session)
        return secured, size


@contextmanager
def _session(
    place: Place, address: str, context: ssl.SSLContext, stall_s: float
) -> Iterator[ftplib.FTP]:
    ftp: ftplib.FTP = _Secured(context=context) if place.scheme == "ftps" else ftplib.FTP()  # noqa: S321  plain FTP only where the installer allows it
    try:
        ftp.sock = socket.create_connection((address, place.port), stall_s)
    except OSError as error:
        raise Unreachable(f"{place.host} at {address}: {error}") from error
    try:
        _greet(ftp, place, stall_s)
        yield ftp
    except ftplib.all_errors as error:
        raise NotCarried(_kind(error), f"{place.host}: {error}") from error
    except ValueError:
        raise NotCarried("malformed", "the path holds a line break") from None
    finally:
        ftp.close()


def _greet(ftp: Any, place: Place, stall_s: float) -> None:
    """Do what `FTP.connect` does, on a connection to an address that was checked."""
    ftp.host, ftp.port, ftp.timeout = place.host, place.port, stall_s
    ftp.af = ftp.sock.family
    ftp.file = ftp.sock.makefile("r", encoding=ftp.encoding)
    ftp.welcome = ftp.getresp()
    ftp.login(place.user or "", place.password or "")
    if place.scheme == "ftps":
        ftp.prot_p()
    ftp.voidcmd("TYPE I")


def _kind(error: BaseException) -> str:
    code = str(error)[:3]
    if code in DENIED:
        return "denied"
    return "unsupported" if code in UNSUPPORTED else "other"


def fetch(
    place: Place, address: str, part: Part, tell: Tell, *, context: ssl.SSLContext, stall_s: float
) -> None:
    """Download the whole file or, by REST, the rest of it; raises `NotCarried`."""
    path = unquote(place.path.lstrip("/"))
    with _session(place, address, context, stall_s) as ftp:
        total, version = _facts(ftp, path)
        offset, had = part.known()
        if version is None or had != version or total is None or offset > total:
            offset = 0
        done = offset
        with part.open(offset, version, total) as file:

            def take(chunk: bytes) -> None:
                nonlocal done
                done += len(chunk)
                part.check(done)
                file.write(chunk)
                tell(done)

            ftp.retrbinary(f"RETR {path}", take, CHUNK, rest=offset or None)
        if total is not None and done != total:
            raise NotCarried("other", f"{done} of {total} bytes came")
    part.complete()


def _facts(ftp: ftplib.FTP, path: str) -> tuple[int | None, str | None]:
    """Size and version of the file, as far as this server tells (RFC 3659)."""
    total = version = None
    with suppress(ftplib.error_perm):
        total = ftp.size(path)
        version = f"{total} {ftp.voidcmd(f'MDTM {path}')}"
    return total, version


def deliver(
    place: Place,
    address: str,
    source: Path,
    name: str,
    tell: Tell,
    *,
    context: ssl.SSLContext,
    stall_s: float,
) -> None:
    """Upload *source* as *name* into the directory."""
    directory = unquote(place.path.strip("/"))
    path = f"{directory}/{name}" if directory else name
    done = 0

    def took(chunk: bytes) -> None:
        nonlocal done
        done += len(chunk)
        tell(done)

    with source.open("rb") as file, _session(place, address, context, stall_s) as ftp:
        ftp.storbinary(f"STOR {path}", file, CHUNK, took)
