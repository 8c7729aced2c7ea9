"""What an operation of the API is: who may call it, what it takes and gives, and the function that does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from comity.interfaces import instant_of
from comity.node.node import Node
from comity.node.people import Account
from comity.web.answer import JSON_TYPE
from comity.web.call import Call
from comity.web.ui.languages import Words
from comity.web.ui.visit import Visit

ROOT = "/api/v1"
FILE_TYPE = "application/octet-stream"
BODY_BYTES = 100_000
ENGLISH = "en"


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a caller gives: a query or a body. A member that is not named here is refused."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller is told."""


class Nothing(Given, frozen=True, kw_only=True):
    """A query without parameters."""


class Purposed(Given, frozen=True, kw_only=True):
    """A query of what may be restricted, which is read for a purpose where the node wants one (R44)."""

    purpose: str = ""


class Done(Told, frozen=True, kw_only=True):
    """It is done, and there is nothing more to tell."""

    done: bool = True


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of an operation by an account, by a session of it or by a token, with what was given, read."""

    call: Call
    account: Account
    session: str
    query: Any
    body: Any = None

    @property
    def node(self) -> Node:
        """The node that is asked."""
        return self.call.node

    @property
    def path(self) -> Mapping[str, str]:
        """The names in the path."""
        return self.call.parameters

    @property
    def visit(self) -> Visit:
        """The same as a page has it, for what both share."""
        return Visit(self.call, self.account, self.session, csrf="", words=Words(ENGLISH))


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path below ROOT. Whoever calls has one of the roles; without roles, nobody may.

    The handler gives a value of the type `result`, or an `Answer` of the media type `media` where that is not JSON.
    `location` is where what was made is found, with members of the result in braces. `waits`: the result says in a
    member of that name under which id it waits for a second person, and then the status is 202. `guarded`: the caller
    names by If-Match the state of the same path that it changes. `secret`: the result holds one, and is kept nowhere.
    `again`: to do it twice is as good as once, and its answer is not kept. `stages`: its body is one file, which is put
    aside as it comes, under the `name` of the query; the handler has it as an `Incoming`.
    """

    method: str
    path: str
    run: Callable[[Ask], Any]
    roles: frozenset[str]
    words: str
    result: Any = Done
    query: type[Given] = Nothing
    body: type[Given] | None = None
    status: int = 200
    media: str = JSON_TYPE
    location: str = ""
    waits: bool = False
    guarded: bool = False
    secret: bool = False
    again: bool = False
    stages: bool = False
    bytes_max: int = BODY_BYTES
    changes: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", self.method != "GET")

    @property
    def template(self) -> str:
        """Its whole path."""
        return ROOT + self.path

    @property
    def name(self) -> str:
        """What descriptions call it: no two are called the same."""
        return f"{self.run.__module__.rpartition('.')[2]}_{self.run.__name__}"


def at(instant: int | None) -> datetime | None:
    """The instant, which the node keeps in microseconds since 1970; None for None."""
    return None if instant is None else instant_of(instant)
