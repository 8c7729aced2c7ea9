"""Administration: accounts, tokens, jobs, the audit log and its report."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from comity.errors import Conflict
from comity.node.access import TOKEN_DAYS_DEFAULT, TOKEN_DAYS_MAX, NewToken
from comity.node.audit_report import row_facts
from comity.node.jobs import PARKED_AT
from comity.node.people import ADMIN, AUDITOR, ROLES, Account, NewUser
from comity.web.api.changing import Instant, instant_of_given, plain
from comity.web.api.objects import next_page
from comity.web.api.operation import ROOT, Ask, Done, Given, Operation, Told, at
from comity.web.ui.audit import UNTIL, check_log, period_of
from comity.web.ui.audit import plain as report_as_json
from comity.web.ui.jobs import SHOWN, jobs_of
from comity.web.ui.tokens import rows_of

Role = Literal["reader", "analyst", "releaser", "approver", "admin", "release-audit", "auditor"]
Days = Annotated[int, Meta(ge=1, le=TOKEN_DAYS_MAX)]
ROWS = 100
AUDIT_HERE = f"{ROOT}/audit"


# -- people ------------------------------------------------------------------------------------------------------------
class Person(Told, frozen=True, kw_only=True):
    """An account. `handed_by` is who was shown its secret when it was made, until its holder made a new one."""

    name: str
    person: str
    roles: list[str]
    state: str
    has_password: bool
    has_second_factor: bool
    handed_by: str
    recovered_at: datetime | None


class People(Told, frozen=True, kw_only=True):
    """Every account, by name."""

    items: list[Person]


class NewPerson(Given, frozen=True, kw_only=True):
    """A new account."""

    name: str
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]
    person: str = ""


class PersonSecret(Person, frozen=True, kw_only=True):
    """An account, with its new secret at the only moment when it is told."""

    secret: str


class Disabled(Person, frozen=True, kw_only=True):
    """An account that acts no more, and the tokens in force that its person made, and may have kept."""

    tokens: list[str]


def _facts(one: Account) -> dict[str, Any]:
    return {
        "name": one.name,
        "person": one.person,
        "roles": list(one.roles),
        "state": one.state,
        "has_password": bool(one.password),
        "has_second_factor": bool(one.totp),
        "handed_by": one.handed_by,
        "recovered_at": at(one.recovered_at),
    }


def people(ask: Ask) -> People:
    """Every account."""
    return People(items=[Person(**_facts(one)) for one in ask.node.users()])


def _with_secret(made: NewUser) -> PersonSecret:
    return PersonSecret(secret=made.secret, **_facts(made.account))


def add_person(ask: Ask) -> PersonSecret:
    """There is one account more; its secret is told this once."""
    given: NewPerson = ask.body
    return _with_secret(ask.node.add_user(given.name, given.roles, person=given.person))


def reset_person(ask: Ask) -> PersonSecret:
    """The account has another secret, which is told this once."""
    name = ask.path["person"]
    if name == ask.account.name:
        raise Conflict("This is your own account.", where="person", hint="Change your password at /account.")
    return _with_secret(ask.node.reset_user(name))


def disable_person(ask: Ask) -> Disabled:
    """The account acts no more."""
    changed = ask.node.disable_user(ask.path["person"])
    kept = [one.id for one in ask.node.tokens_made_by(changed.name)]
    return Disabled(tokens=kept, **_facts(changed))


# -- tokens ------------------------------------------------------------------------------------------------------------
class TokenOf(Told, frozen=True, kw_only=True):
    """A token, without its secret: what it may read and write, or the partner that it is bound to, or the account that
    it acts as."""

    id: str
    name: str
    source: str
    partner: str
    account: str
    read: list[str]
    write: list[str]
    until: str
    state: str


class Tokens(Told, frozen=True, kw_only=True):
    """Every token, those in force first."""

    items: list[TokenOf]


class NewTokenOf(Told, frozen=True, kw_only=True):
    """A token at the only moment when its secret is told; `token` is user and secret in one text."""

    user: str
    secret: str
    token: str
    name: str
    expires_at: datetime


class Rights(Given, frozen=True, kw_only=True):
    """A new token: collections that it may read and write by id, alias or title, or `all`; or the partner to which it
    is bound."""

    name: str
    read: Annotated[tuple[str, ...], Meta(max_length=100)] = ()
    write: Annotated[tuple[str, ...], Meta(max_length=100)] = ()
    days: Days = TOKEN_DAYS_DEFAULT
    partner: str = ""


def tokens(ask: Ask) -> Tokens:
    """Every token."""
    return Tokens(items=msgspec.convert(rows_of(ask.node), list[TokenOf]))


def new_token(ask: Ask) -> NewTokenOf:
    """There is one token more; its secret is told this once."""
    given: Rights = ask.body
    made = ask.node.new_token(
        given.name, read=given.read, write=given.write, days=given.days, partner=given.partner or None
    )
    return token_of(made)


def token_of(made: NewToken) -> NewTokenOf:
    """The token as it is told once."""
    return NewTokenOf(user=made.user, secret=made.secret, token=made.token, name=made.name, expires_at=made.expires_at)


def revoke_token(ask: Ask) -> Done:
    """The token admits nobody any more."""
    ask.node.revoke_token(ask.path["token"])
    return Done()


# -- jobs --------------------------------------------------------------------------------------------------------------
class JobOf(Told, frozen=True, kw_only=True):
    """Something that is to be done behind; `due_at` is None where it waits for a person."""

    kind: str
    key: str
    due_at: datetime | None
    attempts: int
    last_error: str


class Jobs(Told, frozen=True, kw_only=True):
    """What is to be done: what waits for a person first, then what failed, then what is due. `more` are left out."""

    items: list[JobOf]
    more: int


def jobs(ask: Ask) -> Jobs:
    """What is to be done behind."""
    found = jobs_of(ask.node)
    items = [
        JobOf(
            kind=one.kind,
            key=one.key,
            due_at=None if one.due_at == PARKED_AT else at(one.due_at),
            attempts=one.attempts,
            last_error=one.last_error,
        )
        for one in found[:SHOWN]
    ]
    return Jobs(items=items, more=len(found) - len(items))


# -- the audit log -----------------------------------------------------------------------------------------------------
class Log(Given, frozen=True, kw_only=True):
    """Rows of an account or token, of an act, since an instant and before one."""

    account: str = ""
    act: str = ""
    since: Instant | None = None
    before: Instant | None = None


class Kept(Given, frozen=True, kw_only=True):
    """What stays in the address of the next page."""

    account: str
    act: str
    since: str


class AuditRow(Told, frozen=True, kw_only=True):
    """What somebody read or did; `again` says how often the same was done within an hour."""

    number: int
    at: datetime
    account: str
    address: str
    act: str
    what: dict[str, Any]
    purpose: str
    again: int
    hash: str


class Audit(Told, frozen=True, kw_only=True):
    """A page of the log, the newest first, and where it goes on."""

    items: list[AuditRow]
    next: str | None


class Period(Given, frozen=True, kw_only=True):
    """A period, the last 30 days where nothing is said; of one partner, or of everybody."""

    since: Instant | None = None
    until: Instant | None = None
    partner: str = ""


class Holds(Told, frozen=True, kw_only=True):
    """The chain of the log holds."""

    ok: bool


def audit(ask: Ask) -> Audit:
    """The newest rows."""
    given: Log = ask.query
    since = instant_of_given(given.since, "since") or 0
    until = instant_of_given(given.before, "before")
    found = ask.node.audit_log(
        account=given.account,
        acts=[given.act] if given.act else [],
        since=since,
        until=UNTIL if until is None else until,
        limit=ROWS + 1,
    )
    rows = [msgspec.convert(row_facts(row), AuditRow) for row in found[::-1][:ROWS]]
    next = None
    if len(found) > ROWS:
        kept = Kept(account=given.account, act=given.act, since="" if given.since is None else given.since.isoformat())
        # Rows of one instant stay together: the older page begins before the last instant that is shown.
        next = next_page(AUDIT_HERE, kept, rows[-1].at.isoformat(), "before")
    return Audit(items=rows, next=next)


def verify_audit(ask: Ask) -> Holds:
    """The chain of the log was computed anew."""
    check_log(ask.node)
    return Holds(ok=True)


def report(ask: Ask) -> dict[str, Any]:
    """What an auditor wants of a period."""
    given: Period = ask.query
    since, until = instant_of_given(given.since, "since"), instant_of_given(given.until, "until")
    found = ask.node.audit_report(*period_of(ask.node, since, until), given.partner or None)
    return dict(plain(report_as_json(found)))


_ADMIN, _AUDITORS = frozenset({ADMIN}), frozenset((ADMIN, AUDITOR))
OPERATIONS = (
    Operation("GET", "/people", people, _ADMIN, "Accounts and their roles", People),
    Operation(
        "POST", "/people", add_person, _ADMIN, "A new account", PersonSecret, body=NewPerson, status=201, secret=True
    ),
    Operation("POST", "/people/{person}/reset", reset_person, _ADMIN, "Another secret", PersonSecret, secret=True),
    Operation("POST", "/people/{person}/disable", disable_person, _ADMIN, "It acts no more", Disabled),
    Operation("GET", "/tokens", tokens, _ADMIN, "Tokens", Tokens),
    Operation("POST", "/tokens", new_token, _ADMIN, "A new token", NewTokenOf, body=Rights, status=201, secret=True),
    Operation("DELETE", "/tokens/{token}", revoke_token, _ADMIN, "A token admits nobody any more"),
    Operation("GET", "/jobs", jobs, frozenset(ROLES), "What is to be done behind", Jobs),
    Operation("GET", "/audit", audit, _AUDITORS, "What own people looked at and did", Audit, Log),
    Operation("POST", "/audit/verify", verify_audit, _AUDITORS, "Check its chain", Holds, again=True),
    Operation("GET", "/audit/report", report, _AUDITORS, "What an auditor wants of a period", dict, Period),
)
