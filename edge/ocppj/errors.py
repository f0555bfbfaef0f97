"""What can go wrong on the wire, and the words OCPP-J 1.6 has for it.

WireError
├── CallRefused                    we answer CALLERROR with this code
├── Unanswerable                   we answer nothing at all
├── CallErrorReceived              the other side answered our call with CALLERROR
├── CallTimedOut (TimeoutError)    no answer in time on a living connection
└── ConnectionLost (ConnectionError)   the connection went away under a call
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """CALLERROR codes (OCPP-J 1.6 table 7); the odd spellings are the standard's (errata 5)."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    FORMATION_VIOLATION = "FormationViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"


class WireError(Exception):
    """Root of the tree."""


class CallRefused(WireError):
    """The call is answered with CALLERROR: *code*, a sentence, details that are safe to tell."""

    def __init__(
        self, code: str, description: str = "", details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(f"{code}: {description}")
        self.code = str(code)
        self.description = description
        self.details: Mapping[str, object] = details or {}


class Unanswerable(WireError):
    """The call gets no answer, by the standard or by choice; the message says why."""


class CallErrorReceived(WireError):
    """The other side could not process our call."""

    def __init__(self, code: str, description: str, details: Mapping[str, object]) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.details = details


class CallTimedOut(WireError, TimeoutError):
    """No answer came in time; the connection still stands."""


class ConnectionLost(WireError, ConnectionError):
    """The connection ended before the answer came."""
