"""Everything that can go wrong on the edge, named by what is wrong.

EdgeError
├── ConfigError (ValueError)       the installer can mend it: the message says where and how
│   ├── NobodyListens              no process answers at this socket
│   └── RecordingUnreadable         a recording of a later version, or none at all
├── DriverError (OSError)          a device or a line; the supervisor backs off and tries again
│   ├── ReaderSilent               no answer from the card reader
│   ├── MeterSilent                no answer from the meter
│   ├── MeterImplausible           an answer that cannot be true
│   │   └── MeterRefused           the meter does not give what it was asked for


│   ├── SensorSilent               no answer from the thermometer
│   ├── BusLost                    the serial adapter or TCP peer is gone
│   ├── LinkRefused                the central system did not let us in
│   ├── LineDropped                the central system dropped the line, not asking us to come back
│   ├── EvseFailed                 a pin or controller that does not do as told
│   ├── TransferFailed             a file did not get from here to there, or back
│   ├── InstallFailed              new firmware was not installed
│   ├── ImageUntrusted             nobody whom we trust has signed it
│   ├── VerifierFailed             nobody could find out whether it is so
│   ├── FeedLost                   the source of status documents does not tell
│   └── MirrorFailed               the cloud's database did not take or give something
│       └── MirrorRefused          it will not, as long as rules and key are what they are
├── JournalFailed (OSError)        the disk did not take a commit
├── NotDelivered (ConnectionError) what somebody here wanted to tell the central system
└── SimulationError (ValueError)   a verb of the simulated bay that makes no sense
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum

from edge.core.vocabulary import SecurityEvent


class EdgeError(Exception):
    """Root of the tree."""


class ConfigError(EdgeError, ValueError):
    """A setting that cannot be used; the message names the file, the key and the remedy."""


class NobodyListens(ConfigError):
    """There is no process behind a control socket."""


class RecordingUnreadable(ConfigError):
    """This is no recording, or says what this version does not know; the message says what."""


class DriverError(EdgeError, OSError):
    """A device or line failed as devices do; the supervisor retries, the core is told."""


class ReaderSilent(DriverError):
    """The card reader does not answer."""


class MeterSilent(DriverError, TimeoutError):
    """The meter does not answer."""


class MeterImplausible(DriverError, ValueError):
    """The meter's answer cannot be true."""


class MeterRefused(MeterImplausible):
    """The meter answered with the Modbus exception *code*."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class SensorSilent(DriverError, TimeoutError):
    """The thermometer beside the contactor does not answer."""


class BusLost(DriverError, ConnectionError):
    """The serial adapter or the TCP peer under a bus is gone."""


class Rung(StrEnum):
    """How far up the ladder to the central system a dial came before it was refused."""

    NETWORK = "network"
    SETTINGS = "settings"  # a file of ours cannot be used
    TLS = "tls"
    CERTIFICATE = "certificate"  # theirs
    HTTP = "http"
    WEBSOCKET = "websocket"  # something answers, and it is no WebSocket server
    SUBPROTOCOL = "subprotocol"


class LinkRefused(DriverError, ConnectionError):
    """The connection did not come about; *suspicion* is the security event that this is, if any.

    *rung* is where, and *status* the HTTP answer where there was one.
    """

    def __init__(
        self,
        message: str,
        *,
        rung: Rung = Rung.NETWORK,
        suspicion: SecurityEvent | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.rung = rung
        self.suspicion = suspicion
        self.status = status


class LineDropped(DriverError, ConnectionError):
    """The central system dropped the line, and did not say that we shall come back later."""


class EvseFailed(DriverError):
    """An output or controller of the charging point did not do as told."""


class TransferFailed(DriverError):
    """A file was not moved; *kind* is `malformed`, `denied`, `unsupported` or `other`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class InstallFailed(DriverError):
    """New firmware was not installed; the old one runs on."""


class ImageUntrusted(DriverError):
    """New firmware that nobody whom we trust has signed."""


class VerifierFailed(DriverError):
    """Whether new firmware can be trusted was not found out."""


class FeedLost(DriverError, ConnectionError):
    """The bridge does not hear from its source; the message says why."""


class MirrorFailed(DriverError):
    """The database did not take or give something; trying again may help."""


class MirrorRefused(MirrorFailed, PermissionError):
    """The database says that we may not."""


class JournalFailed(EdgeError, OSError):
    """A commit failed; *kind* is `full`, `read_only`, `io`, `corrupt` or `other`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class NotDelivered(EdgeError, ConnectionError):
    """What was to be told to the central system has no answer; the message says why."""


class SimulationError(EdgeError, ValueError):
    """A verb of the simulated bay was asked something it cannot do."""


def meant(wrong: str, known: Iterable[str]) -> str:
    """What to add to a message about the unknown word *wrong*: the nearest of *known*, if any."""
    near = difflib.get_close_matches(wrong, list(known), n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""
