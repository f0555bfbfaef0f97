"""Everything that can go wrong in the central system, named by what is wrong.

CsmsError
├── SettingsError (ValueError)      the installer can mend it: the message says how
├── StoreFailed (OSError)           the disk did not take it; passing: nobody is answered
├── ProviderFailed (OSError)        a sign-in provider does not answer; passing 503
├── VerbFailed (RuntimeError)       our bug: a verb raised what it never should
├── NotFound (LookupError)          what was asked for is not here            404
├── Refused (ValueError)            it is here, but may not be done           409
├── Unacceptable (ValueError)       the request itself cannot be used         422
├── TooLarge (ValueError)           a file that would take too much room       413
├── NotAllowed (PermissionError)    no or wrong token                         401
│   └── FactorNeeded                and the second factor is missing
├── Forbidden (PermissionError)     a good token of somebody who may not      403
├── TooMany (RuntimeError)          asked too often: later it may work        429
├── NotBuilt (NotImplementedError)  the place is kept, what belongs there comes  501
└── NotSetUp (RuntimeError)         the installer has not set this up yet     503
"""

from __future__ import annotations

from typing import ClassVar


class CsmsError(Exception):
    """Root of the tree; *status* is the HTTP status of a problem document made of it."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong here"


class SettingsError(CsmsError, ValueError):
    """A setting that cannot be used."""


class StoreFailed(CsmsError, OSError):
    """The database did not take a transaction; trying again later may help."""

    status = 503
    title = "The database cannot store anything now"


class ProviderFailed(CsmsError, OSError):
    """A sign-in provider did not answer, or not as providers do; trying again later may help."""

    status = 503
    title = "The sign-in provider does not answer"


class VerbFailed(CsmsError, RuntimeError):
    """A verb raised something that is not in this tree: a bug, with its cause attached."""


class NotFound(CsmsError, LookupError):
    """There is no such thing."""

    status = 404
    title = "Not found"


class Refused(CsmsError, ValueError):
    """The thing is there, but its state or the standard forbids what was asked."""

    status = 409
    title = "Refused"


class Unacceptable(CsmsError, ValueError):
    """The request cannot be used as it is."""

    status = 422
    title = "This request cannot be used"


class TooLarge(CsmsError, ValueError):
    """There is no room for it."""

    status = 413
    title = "This is too large"


class NotAllowed(CsmsError, PermissionError):
    """No token, or not the right one."""

    status = 401
    title = "A token is needed"


class FactorNeeded(NotAllowed):
    """The password is right, and a code of the second factor is missing or wrong."""

    title = "A second factor is needed"


class Forbidden(CsmsError, PermissionError):
    """Who asks is known, and may not do this."""

    status = 403
    title = "You may not do this"


class TooMany(CsmsError, RuntimeError):
    """Asked too often; *retry_after_s* says when it may work again."""

    status = 429
    title = "Too many requests"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotSetUp(CsmsError, RuntimeError):
    """This needs a setting that the installer has not given."""

    status = 503
    title = "This is not set up here"


class NotBuilt(CsmsError, NotImplementedError):
    """An address that is known, and what it should answer is still to come."""

    status = 501
    title = "Not built yet"
