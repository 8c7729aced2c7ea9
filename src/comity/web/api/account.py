"""The caller's own account: who it is, how pages look to it, its sessions; and what waits for it."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from comity.errors import Invalid, NotAuthorized
from comity.interfaces import instant_of
from comity.node.access import TOKEN_DAYS_DEFAULT
from comity.node.people import READING, ROLES
from comity.web.api.administration import Days, NewTokenOf, token_of
from comity.web.api.operation import Ask, Done, Given, Operation, Told, at
from comity.web.ui.languages import LANGUAGES
from comity.web.ui.overview import needs_of


class Mine(Told, frozen=True, kw_only=True):
    """The account of the caller. `by` is how it calls: by a session, or by a token."""

    name: str
    person: str
    roles: list[str]
    has_password: bool
    has_second_factor: bool
    language: str
    theme: str
    by: Literal["session", "token"]


class Looks(Given, frozen=True, kw_only=True):
    """The language and theme of pages; an empty language is that of the browser."""

    language: Annotated[str, Meta(max_length=2)] = ""
    theme: Literal["system", "light", "dark"] = "system"


class SessionOf(Told, frozen=True, kw_only=True):
    """A session of the account, where it is from, and whether it is the one that calls."""

    id: str
    made: datetime | None
    seen: datetime | None
    expires: datetime | None
    address: str
    agent: str
    this: bool


class Sessions(Told, frozen=True, kw_only=True):
    """The sessions of the account that are not over, the newest first."""

    items: list[SessionOf]


class OwnToken(Given, frozen=True, kw_only=True):
    """A token that acts as the account of the caller."""

    name: str
    days: Days = TOKEN_DAYS_DEFAULT


def show(ask: Ask) -> Mine:
    """Who calls."""
    one = ask.account
    return Mine(
        name=one.name,
        person=one.person,
        roles=list(one.roles),
        has_password=bool(one.password),
        has_second_factor=bool(one.totp),
        language=one.language,
        theme=one.theme or "system",
        by="session" if ask.session else "token",
    )


def put_looks(ask: Ask) -> Done:
    """Pages are in that language and theme."""
    given: Looks = ask.body
    if given.language and given.language not in LANGUAGES:
        raise Invalid(f"A language is one of {', '.join(LANGUAGES)}.", where="language")
    ask.node.set_looks(given.language, given.theme)
    return Done()


def sessions(ask: Ask) -> Sessions:
    """The sessions of the account."""
    return Sessions(
        items=[
            SessionOf(
                id=one.id,
                made=at(one.made),
                seen=at(one.seen),
                expires=at(one.expires),
                address=one.address,
                agent=one.agent,
                this=one.id == ask.session,
            )
            for one in ask.node.own_sessions()
        ]
    )


def end_session(ask: Ask) -> Done:
    """That session has ended."""
    ask.node.end_session(ask.path["session"])
    return Done()


def new_token(ask: Ask) -> NewTokenOf:
    """There is a token that acts as the account; its secret is told this once. By a session alone: a token makes no
    other that outlives it."""
    if not ask.session:
        raise NotAuthorized("A token makes no token that acts as an account.", where="Authorization", hint="Sign in.")
    return token_of(ask.node.new_own_token(ask.body.name, days=ask.body.days))


# -- what waits --------------------------------------------------------------------------------------------------------
class Need(Told, frozen=True, kw_only=True):
    """Something that waits for the caller; `bad` does not work, the rest waits. `path` is the page of it."""

    what: str
    path: str
    name: str
    count: int
    at: datetime | None
    bad: bool


class Overview(Told, frozen=True, kw_only=True):
    """What waits for the caller, how many objects came in each of the last 24 hours (the oldest first; None for who
    reads no content), and how far the ledger is signed."""

    needs: list[Need]
    arrivals: list[int] | None
    signed: int | None
    signed_at: datetime | None
    entries: int | None


def overview(ask: Ask) -> Overview:
    """What needs the caller."""
    signed = ask.node.last_signed()
    needs = [
        Need(what=one.what, path=one.path, name=one.name, count=one.count, at=at(one.at), bad=one.bad)
        for one in needs_of(ask.visit, signed)
    ]
    reads = ask.account.may(frozenset(READING))
    return Overview(
        needs=needs,
        arrivals=list(ask.node.arrivals().hours) if reads else None,
        signed=None if signed is None else signed[0],
        signed_at=None if signed is None else instant_of(signed[1]),
        entries=None if signed is None else signed[2],
    )


_ALL = frozenset(ROLES)
OPERATIONS = (
    Operation("GET", "/overview", overview, _ALL, "What waits for the caller", Overview),
    Operation("GET", "/account", show, _ALL, "Who calls", Mine),
    Operation("PUT", "/account/looks", put_looks, _ALL, "The language and theme of pages", body=Looks),
    Operation("GET", "/account/sessions", sessions, _ALL, "Its sessions", Sessions),
    Operation("DELETE", "/account/sessions/{session}", end_session, _ALL, "One of its sessions ends"),
    Operation(
        "POST", "/account/tokens", new_token, _ALL, "A token that acts as it", NewTokenOf,
        body=OwnToken, status=201, secret=True,
    ),
)  # fmt: skip
