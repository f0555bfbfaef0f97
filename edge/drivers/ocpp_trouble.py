"""Which trouble of the line an error of a dial is.

Library: none. Quality: simulated (every trouble by a real server on loopback).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Final

from edge.core.vocabulary import Trouble
from edge.errors import LinkRefused, Rung

NOT_YET_VALID: Final = 9  # OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID
EXPIRED: Final = 10
OTHER_NAME: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH
THEIR_FAULT: Final = 500
LOGIN_WANTED: Final = 511  # RFC 6585, Network Authentication Required

BY_STATUS: Final[Mapping[int, Trouble]] = {
    401: Trouble.UNAUTHORISED,
    403: Trouble.FORBIDDEN,
    404: Trouble.NOT_FOUND,
    429: Trouble.TOO_OFTEN,  # ours says so to whoever came with a wrong key again and again
    LOGIN_WANTED: Trouble.PORTAL,
    **dict.fromkeys((200, 301, 302, 303, 307, 308), Trouble.PORTAL),
}
BY_RUNG: Final[Mapping[Rung, Trouble]] = {
    Rung.SETTINGS: Trouble.SETTINGS,
    Rung.TLS: Trouble.TLS,
    Rung.WEBSOCKET: Trouble.PORTAL,
    Rung.SUBPROTOCOL: Trouble.SUBPROTOCOL,
}


def trouble_of(error: OSError) -> Trouble:
    """Name what *error*, raised by a dial, means."""
    cause = error.__cause__
    rung = error.rung if isinstance(error, LinkRefused) else Rung.NETWORK
    match rung:
        case Rung.HTTP:
            assert isinstance(error, LinkRefused)
            return _of_status(error.status or 0)
        case Rung.CERTIFICATE:
            return _of_certificate(cause)
        case Rung.NETWORK:
            return _of_network(cause or error)
        case _:
            return BY_RUNG[rung]


def _of_status(status: int) -> Trouble:
    return BY_STATUS.get(status, Trouble.BROKEN if status >= THEIR_FAULT else Trouble.NOT_FOUND)


def _of_certificate(cause: BaseException | None) -> Trouble:
    code = cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else None
    if code in OTHER_NAME:
        return Trouble.CERTIFICATE_NAME
    in_time = {EXPIRED: Trouble.CERTIFICATE_OVER, NOT_YET_VALID: Trouble.CERTIFICATE_EARLY}
    return in_time.get(code or 0, Trouble.CERTIFICATE)


def _of_network(cause: BaseException) -> Trouble:
    match cause:
        case socket.gaierror():
            return Trouble.NAME
        case TimeoutError():
            return Trouble.SILENT
        case _:
            return Trouble.UNREACHABLE
