"""The one error tree. A room raises its own branch and wraps what its libraries raise.

ComityError                    code (stable, documented), message, hint
 ├ Invalid                     the bytes break a standard; carries `where`
 │  ├ InvalidObject            a STIX object
 │  ├ InvalidPattern           a STIX pattern
 │  ├ InvalidPolicy            a release policy, its cases, or what comes out for them
 │  ├ InvalidRequest           a request that cannot be understood
 │  ├ TooLarge                 more bytes, levels or items than are taken
 │  ├ NotAcceptable            no media type that we can give is accepted
 │  └ UnsupportedMedia         a media type or coding that we do not read
 ├ Refused                     not allowed
 │  ├ Unauthenticated          no credential, or none that holds
 │  ├ TooManyFailures          too many failed sign-ins from one address; carries `retry_after_seconds`
 │  └ NotAuthorized            a good credential without the right
 ├ NotFound                    also where existence is a secret
 ├ Conflict                    the world moved on
 │  ├ AlreadyDone              the thing exists, or is over
 │  └ OldSchema                the store was made by another version of Comity
 ├ Unverified                  evidence does not hold; never swallowed
 └ Unavailable                 try again; carries `retry_after_seconds`
    └ StoreUnavailable         the store is locked, full or gone
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


class NotAuthorized(Refused):
    code = "not-authorized"


class NotFound(ComityError):
    code = "not-found"


class Conflict(ComityError):
    code = "conflict"


class AlreadyDone(Conflict):
    code = "already-done"


class OldSchema(Conflict):
    code = "old-schema"


class Unverified(ComityError):
    code = "unverified"


class Unavailable(ComityError):
    code = "unavailable"

    def __init__(self, message: str, *, hint: str = "", retry_after_seconds: int = 5) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class StoreUnavailable(Unavailable):
    code = "store-unavailable"
