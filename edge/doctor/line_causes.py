"""What keeps the central system from letting us in, from how a climb of the ladder ended. Pure."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edge.core.messages import BootNotificationConf
from edge.core.vocabulary import RegistrationStatus
from edge.doctor.finding import Fact, Finding, Kind, fault, notice, ok
from edge.errors import LinkRefused, Rung

WHERE: Final = "csms"
CLOCKS_APART_S: Final = 60.0
NOT_YET_VALID: Final = 9  # OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID
EXPIRED: Final = 10
OTHER_NAME: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH
UNAUTHORISED: Final = 401
THEIR_FAULT: Final = 500

NO_NAME = fault(
    "line.name",
    "the name {host} does not resolve",
    "check the host in [csms] url and the computer's DNS server (resolvectl status)",
)
UNREACHABLE = fault(
    "line.unreachable",
    "there is no way to {host}:{port} ({why})",
    "check the network cable or modem, the default route (ip route) and the VPN",
)
TCP_SILENT = fault(
    "line.tcp_silent",
    "{host}:{port} does not answer at all",
    "let the firewall pass outgoing TCP to port {port}, or check the host in [csms] url",
)
TCP_REFUSED = fault(
    "line.tcp_refused",
    "{host} refuses connections to port {port}",
    "check the port in [csms] url, and that the central system runs",
)
OUR_FILES = fault(
    "line.settings", "the line's own settings cannot be used: {why}", "mend what it names in [csms]"
)
NO_TLS = fault(
    "line.tls",
    "no TLS comes about with {host}:{port} ({why})",
    "check that this port speaks TLS 1.2 or newer, and whether it wants a certificate of ours",
)
UNTRUSTED = fault(
    "line.certificate_untrusted",
    "nobody whom we trust vouches for the certificate of {host} ({why})",
    "put the root that signed it into [csms] ca_file",
)
WRONG_NAME = fault(
    "line.certificate_name",
    "the certificate of {host} is made out to another name ({why})",
    "dial the name in the certificate in [csms] url, or have one made for {host}",
)
OUT_OF_DATE = fault(
    "line.certificate_expired",
    "the certificate of {host} is out of date ({why})",
    "have the central system's certificate renewed: our own clock is kept by NTP",
)
WRONG_CLOCK = fault(
    "line.certificate_clock",
    "the certificate of {host} is not valid at {now}, the time by our clock that nobody keeps",
    "set the clock first: let NTP through, or fit a battery-backed clock",
)
SILENT = fault(
    "line.silent",
    "{host}:{port} takes the connection and then says nothing",
    "check that the port in [csms] url is the central system's WebSocket port",
)
NO_WEBSOCKET = fault(
    "line.websocket",
    "what answers on {host}:{port} is no WebSocket server",
    "check port and path of [csms] url, and whether it should be ws:// or wss://",
)
PASSWORD_WANTED = fault(
    "line.password_wanted",
    "the central system wants a password (HTTP {status}) and none is configured",
    "set [csms] password, or AuthorizationKey, to the one that it has for {station}",
)
PASSWORD_REFUSED = fault(
    "line.password_refused",
    "the central system does not take our password for {station} (HTTP {status})",
    'set the same one at both ends; if it is hexadecimal, try [csms] basic_auth = "literal"',
)
FORBIDDEN = fault(
    "line.forbidden",
    "the central system knows us and does not let {station} in (HTTP 403)",
    "have station {station} unblocked there, or this address put on its list of allowed ones",
)
NOT_FOUND = fault(
    "line.not_found",
    "the central system has nothing at {path} (HTTP 404)",
    "check the path of [csms] url, and that station id {station} is known there, capitals too",
)
UPGRADE = fault(
    "line.upgrade",
    "the request to become a WebSocket did not arrive as one (HTTP 426)",
    "let the proxy on the way pass the Upgrade header, or use wss:// so that it cannot look inside",
)
MOVED = fault(
    "line.moved",
    "the central system has moved (HTTP {status})",
    "write its new address into [csms] url: redirects are not followed",
)
BAD_REQUEST = fault(
    "line.bad_request",
    "the central system does not take our request (HTTP {status})",
    "check that it serves ocpp1.6 at this path, and look into its log",
)
BROKEN = fault(
    "line.broken",
    "the central system is reached and does not work (HTTP {status})",
    "tell its operator: nothing here can mend it",
)
SUBPROTOCOL = fault(
    "line.subprotocol",
    "the central system does not speak ocpp1.6 at this address",
    "use its address for OCPP 1.6 JSON: this one is for another version",
)
PENDING = fault(
    "line.boot_pending",
    "the central system keeps {station} waiting (Pending)",
    "finish the registration of {station} at the central system",
)
REJECTED = fault(
    "line.boot_rejected",
    "the central system does not accept {station} (Rejected)",
    "register {station} there, with vendor {vendor} and model {model}",
)
NO_BOOT = fault(
    "line.boot_unanswered",
    "the line is open and BootNotification is not answered ({why})",
    "look for {station} in the central system's log",
)
OLD_WAY = notice(
    "line.old_way",
    "we are let in only by what was valid before: key or profile were changed at one end",
    "set the new one at the central system too",
)
CLOCKS_APART = notice(
    "line.clocks_apart",
    "our clock and the central system's are {apart_s:.0f} s apart",
    "let NTP through at both ends",
)
ACCEPTED = ok(
    "line.accepted",
    "{host} accepts {station}, in security profile {profile}",
)

BY_STATUS: Final = {
    RegistrationStatus.ACCEPTED: ACCEPTED,
    RegistrationStatus.PENDING: PENDING,
    RegistrationStatus.REJECTED: REJECTED,
}
BY_HTTP: Final = {
    301: MOVED,
    302: MOVED,
    307: MOVED,
    308: MOVED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    426: UPGRADE,
}
BY_RUNG: Final = {
    Rung.SETTINGS: OUR_FILES,
    Rung.TLS: NO_TLS,
    Rung.WEBSOCKET: NO_WEBSOCKET,
    Rung.SUBPROTOCOL: SUBPROTOCOL,
}


Boot = BootNotificationConf | str
"""The answer to BootNotification, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How one climb ended: refused on some rung, or with what became of BootNotification."""

    refused: OSError | None = None
    boot: Boot | None = None
    asked_at: datetime | None = None
    ends_at: datetime | None = None
    """When the certificates end that the far end was checked by."""

    @property
    def is_in(self) -> bool:
        """Whether the central system took us."""
        answer = self.boot
        accepted = RegistrationStatus.ACCEPTED
        return isinstance(answer, BootNotificationConf) and answer.status is accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the sentences may name. No secrets."""

    facts: Mapping[str, Fact]
    has_password: bool
    is_secure: bool
    clock_is_kept: bool

    def found(self, kind: Kind, **more: Fact) -> Finding:
        """*kind* with what is known."""
        return kind.at(WHERE, **self.facts, **more)


def judge(ladder: Ladder, known: Known, *, is_old: bool) -> Iterator[Finding]:
    """What a climb amounts to; *is_old*: newer ways in were refused before."""
    if ladder.refused is not None:
        yield _judge_refusal(ladder.refused, known)
        return
    boot = ladder.boot
    if not isinstance(boot, BootNotificationConf):
        yield known.found(NO_BOOT, why=str(boot))
        return
    yield known.found(BY_STATUS[boot.status])
    if is_old:
        yield known.found(OLD_WAY)
    assert ladder.asked_at is not None  # it was asked
    apart_s = abs((boot.current_time - ladder.asked_at).total_seconds())
    if apart_s > CLOCKS_APART_S:
        yield known.found(CLOCKS_APART, apart_s=round(apart_s, 1))


def _judge_refusal(error: OSError, known: Known) -> Finding:
    if not isinstance(error, LinkRefused):
        return _judge_network(error, known)
    if error.rung is Rung.HTTP:
        return _judge_status(error.status or 0, known)
    cause = error.__cause__
    if error.rung is Rung.CERTIFICATE and isinstance(cause, ssl.SSLCertVerificationError):
        return _judge_certificate(cause, known)
    if error.rung is Rung.NETWORK:  # and TCP came about: it was tried before
        return known.found(NO_TLS, why=str(error)) if known.is_secure else known.found(SILENT)
    return known.found(BY_RUNG[error.rung], why=str(error))


def _judge_network(error: OSError, known: Known) -> Finding:
    match error:
        case socket.gaierror():
            return known.found(NO_NAME)
        case TimeoutError():
            return known.found(TCP_SILENT)
        case ConnectionRefusedError():
            return known.found(TCP_REFUSED)
        case _:
            return known.found(UNREACHABLE, why=error.strerror or str(error))


def _judge_status(status: int, known: Known) -> Finding:
    if status == UNAUTHORISED:
        kind = PASSWORD_REFUSED if known.has_password else PASSWORD_WANTED
    elif status >= THEIR_FAULT:
        kind = BROKEN
    else:
        kind = BY_HTTP.get(status, BAD_REQUEST)
    return known.found(kind, status=status)


def _judge_certificate(error: ssl.SSLCertVerificationError, known: Known) -> Finding:
    why = error.verify_message
    if error.verify_code in OTHER_NAME:
        return known.found(WRONG_NAME, why=why)
    if error.verify_code not in (NOT_YET_VALID, EXPIRED):
        return known.found(UNTRUSTED, why=why)
    return known.found(OUT_OF_DATE if known.clock_is_kept else WRONG_CLOCK, why=why)
