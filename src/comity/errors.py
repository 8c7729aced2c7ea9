"""The one error tree. A room raises its own branch and wraps what its libraries raise.

ComityError                    code (stable, documented), message, hint
 ├ Invalid                     the bytes break a standard; carries `where`
 │  ├ InvalidObject            a STIX object
 │  ├ InvalidPattern           a STIX pattern
 │  ├ InvalidPolicy            a release policy, its cases, or what comes out for them
 │  ├ InvalidRequest           a request that cannot be understood
 │  ├ TooLarge                 more bytes, levels or items than are taken
 │  ├ InvalidAnswer            what another server answered
 │  ├ NotAcceptable            no media type that we can give is accepted
 │  └ UnsupportedMedia         a media type or coding that we do not read
 ├ Refused                     not allowed
 │  ├ OverCap                  a recipient has had as much as its agreement lets it have; carries `retry_after_seconds`
 │  ├ Unauthenticated          no credential, or none that holds
 │  ├ TooManyFailures          too many failed sign-ins from one address; carries `retry_after_seconds`
 │  ├ NotAuthorized            a good credential without the right
 │  ├ AddressRefused           an address that is not called without the operator's word
 │  └ PeerRefused              another server refuses our credential, or what we ask
 ├ NotFound                    also where existence is a secret
 ├ Conflict                    the world moved on
 │  ├ AlreadyDone              the thing exists, or is over
 │  └ OldSchema                the store was made by another version of Comity
 ├ NotInstalled                an extra of Comity is wanted that is not there
 ├ Unverified                  evidence does not hold; never swallowed
 │  └ BadCertificate           another server does not prove that it is the one that was named
 └ Unavailable                 try again; carries `retry_after_seconds`
    ├ StoreUnavailable         the store is locked, full or gone
    │  └ TookTooLong           a question to the store was stopped
    └ PeerUnavailable          another server cannot be reached, is too slow, or wants to be asked later
"""

from typing import ClassVar


class ComityError(Exception):
    """Whatever Comity refuses or cannot do; `message` is one sentence, `hint` the next thing to try."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", where: str = "", rule: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.rule = rule


class Invalid(ComityError):
    """The bytes break a standard; `where` is the place (a path, a parameter, a header), `rule` what it breaks."""

    code = "invalid"


class InvalidObject(Invalid):
    code = "invalid-object"


class InvalidPattern(Invalid):
    code = "invalid-pattern"


class InvalidPolicy(Invalid):
    code = "invalid-policy"


class InvalidRequest(Invalid):
    code = "invalid-request"


class TooLarge(Invalid):
    code = "too-large"


class InvalidAnswer(Invalid):
    code = "invalid-answer"


class NotAcceptable(Invalid):
    code = "not-acceptable"


class UnsupportedMedia(Invalid):
    code = "unsupported-media"


class Refused(ComityError):
    code = "refused"


class Unauthenticated(Refused):
    code = "unauthenticated"


class TooManyFailures(Refused):
    code = "too-many-failures"

    def __init__(self, message: str, *, retry_after_seconds: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class OverCap(Refused):
    code = "over-cap"

    def __init__(self, message: str, *, retry_after_seconds: int = 60, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class NotAuthorized(Refused):
    code = "not-authorized"


class AddressRefused(Refused):
    code = "address-refused"


class PeerRefused(Refused):
    code = "peer-refused"


class NotFound(ComityError):
    code = "not-found"


class Conflict(ComityError):
    code = "conflict"


class AlreadyDone(Conflict):
    code = "already-done"


class OldSchema(Conflict):
    code = "old-schema"


class NotInstalled(ComityError):
    code = "not-installed"


class Unverified(ComityError):
    code = "unverified"


class BadCertificate(Unverified):
    code = "bad-certificate"


class Unavailable(ComityError):
    code = "unavailable"

    def __init__(self, message: str, *, hint: str = "", retry_after_seconds: int = 5) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class StoreUnavailable(Unavailable):
    code = "store-unavailable"


class TookTooLong(StoreUnavailable):
    code = "took-too-long"

    @classmethod
    def of_a_question(cls) -> "TookTooLong":
        """What whoever asked is told, whichever store it was."""
        return cls("A question to the store took too long, and was stopped.", hint="Ask for less, or try again.")

    def of(self, where: str, hint: str) -> "TookTooLong":
        """The same, of that page."""
        found = TookTooLong(self.message, hint=hint)
        found.where = where
        return found


class PeerUnavailable(Unavailable):
    code = "peer-unavailable"
