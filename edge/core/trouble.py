"""What keeps the station and its central system apart, in the words of `why`.

Each is a state that ends by itself: the line is dialled on and on, and what has been mended shows
at the next dial. Charging goes on by the station's own rules meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.core.reason_words import Owner, Words
from edge.core.state import ChargePoint
from edge.core.vocabulary import RegistrationStatus, Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Why the two cannot talk, and since when in monotonic seconds, as far as that is known."""

    words: Words
    since: float | None


def apart(state: ChargePoint) -> Apart | None:
    """What stands between the station and its central system; `None` while they talk."""
    registration, line = state.station.registration, state.station.line
    if registration.online:
        return None
    if registration.link_up:
        words = REGISTRATION.get(registration.status or RegistrationStatus.ACCEPTED)
        return Apart(words=words or INTRODUCED, since=line.since)
    if line.trouble is None:
        return Apart(words=DIALLED, since=None)
    is_unsure = line.trouble in OF_TIME and not state.station.clock.trusted
    return Apart(words=CLOCK if is_unsure else WORDS[line.trouble], since=line.since)


OF_TIME: Final = (Trouble.CERTIFICATE_OVER, Trouble.CERTIFICATE_EARLY)
"""What a wrong clock of ours looks like, too."""

CLOCK: Final = Words(
    what="the clock is not sure, so no certificate holds",
    owner=Owner.SITE,
    remedy="Let NTP through (UDP port 123) or fit a battery-backed clock; then look again.",
)

DIALLED: Final = Words(
    what="the central system is being dialled",
    owner=Owner.STATION,
    remedy="Wait a moment: it takes seconds, or minutes after failures.",
)
INTRODUCED: Final = Words(
    what="the central system has not answered our boot",
    owner=Owner.CENTRAL_SYSTEM,
    remedy="It must answer BootNotification; it is asked again.",
)

REGISTRATION: Final = {
    RegistrationStatus.PENDING: Words(
        what="the central system keeps us waiting (Pending)",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Finish the registration of this station there.",
    ),
    RegistrationStatus.REJECTED: Words(
        what="the central system does not accept us",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Register this station there.",
    ),
}

WORDS: Final = {
    Trouble.NAME: Words(
        what="the central system's name does not resolve",
        owner=Owner.SITE,
        remedy="Check the network and its DNS, then the host in [csms] url.",
    ),
    Trouble.UNREACHABLE: Words(
        what="the central system cannot be reached",
        owner=Owner.SITE,
        remedy="Check cable or modem, then that the central system runs, then [csms] url.",
    ),
    Trouble.SILENT: Words(
        what="the central system does not answer",
        owner=Owner.SITE,
        remedy="Let the firewall pass outgoing TCP, and check that the central system runs.",
    ),
    Trouble.PORTAL: Words(
        what="a web page answers, not the central system",
        owner=Owner.SITE,
        remedy="Free the station from the network's login page; or correct [csms] url.",
    ),
    Trouble.SETTINGS: Words(
        what="the settings of the line cannot be used",
        owner=Owner.SERVICE,
        remedy="Mend in [csms] what the log names: `tapwatt edge logs`.",
    ),
    Trouble.TLS: Words(
        what="no TLS with the central system",
        owner=Owner.SERVICE,
        remedy="Check port and [csms] url; it must speak TLS 1.2 or newer.",
    ),
    Trouble.CERTIFICATE: Words(
        what="nobody we trust vouches for the far end",
        owner=Owner.SERVICE,
        remedy="Put the root that signed its certificate into [csms] ca_file, or enrol anew.",
    ),
    Trouble.CERTIFICATE_NAME: Words(
        what="the far end has another's certificate",
        owner=Owner.SITE,
        remedy="Free the station from the network's login page; or dial the certificate's name.",
    ),
    Trouble.CERTIFICATE_OVER: Words(
        what="the central system's certificate is over",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="It must renew its certificate, or the authority's.",
    ),
    Trouble.CERTIFICATE_EARLY: Words(
        what="the far end's certificate is not valid yet",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Compare the clocks of both ends.",
    ),
    Trouble.UNAUTHORISED: Words(
        what="the central system refuses our key",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Set the same key at both ends: `tapwatt edge enrol`.",
    ),
    Trouble.FORBIDDEN: Words(
        what="the central system does not let us in",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Have this station, or its address, allowed there.",
    ),
    Trouble.NOT_FOUND: Words(
        what="the central system does not know us",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Check the path of [csms] url, and that this station id is known there.",
    ),
    Trouble.TOO_OFTEN: Words(
        what="the central system has us wait: too many tries",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Wait some minutes. If it stays, see in the log what was refused before.",
    ),
    Trouble.BROKEN: Words(
        what="the central system is out of order",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Its operator must mend it.",
    ),
    Trouble.SUBPROTOCOL: Words(
        what="the far end does not speak OCPP 1.6",
        owner=Owner.CENTRAL_SYSTEM,
        remedy="Dial the address that it has for OCPP 1.6 JSON.",
    ),
    Trouble.LOST: Words(
        what="the line to the central system broke",
        owner=Owner.SITE,
        remedy="Wait: it is dialled again within minutes.",
    ),
}
"""A far end that does not let us in."""
