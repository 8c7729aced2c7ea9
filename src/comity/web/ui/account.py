"""One's own account: password, second factor, sessions, and how pages look."""

from dataclasses import dataclass

from comity.errors import ComityError, Invalid, NotAuthorized
from comity.interfaces import instant_of
from comity.node.own_account import THEMES
from comity.node.people import ROLES
from comity.node.sessions import name_key
from comity.web.answer import Answer
from comity.web.ui.languages import LANGUAGES
from comity.web.ui.signing_in import NAME_MOST
from comity.web.ui.visit import Form, Page, Visit

HERE = "/account"
EVERYBODY = frozenset(ROLES)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its person knows it."""

    id: str
    begun: str
    seen: str
    ends: str
    address: str
    agent: str
    is_this: bool


def look(visit: Visit) -> Answer:
    """All of it; for whoever has no password yet, the form for one alone."""
    return _page(visit)


def set_password(visit: Visit, form: Form) -> Answer:
    """The account signs in with the new password alone."""
    try:
        if form.one("new") != form.one("again"):
            raise Invalid("Both are not the same.", where="again", hint="Type the new password twice.")
        _guarded(visit)
        visit.node.set_password(form.one("new"), form.one("current"), session=visit.session)
    except (Invalid, NotAuthorized) as error:
        return _page(visit, error, "password")
    return visit.go("/" if not visit.account.password else HERE, done="saved")


def look_factor(visit: Visit) -> Answer:
    """What an authenticator is to be told, as a picture and as text."""
    if visit.account.totp:
        return visit.go(HERE)
    return _factor_page(visit)


def confirm_factor(visit: Visit, form: Form) -> Answer:
    """The second factor is wanted from now on; the recovery codes are shown this once."""
    try:
        codes = visit.node.confirm_factor(visit.session, form.one("code"))
    except Invalid as error:
        return _factor_page(visit, error)
    return visit.page("recovery-codes.html", codes=codes)


def drop_factor(visit: Visit, form: Form) -> Answer:
    """The password alone signs in."""
    try:
        _guarded(visit)
        visit.node.drop_factor(form.one("current"))
    except NotAuthorized as error:
        return _page(visit, error, "factor")
    return visit.go(HERE, done="removed")


def new_codes(visit: Visit, form: Form) -> Answer:
    """Other recovery codes hold, which are shown this once."""
    try:
        _guarded(visit)
        codes = visit.node.new_codes(form.one("current"))
    except NotAuthorized as error:
        return _page(visit, error, "codes")
    return visit.page("recovery-codes.html", codes=codes)


def end_session(visit: Visit, form: Form) -> Answer:
    """One of the person's own sessions has ended."""
    visit.node.end_session(form.one("session"))
    return visit.go(HERE, done="removed")


def set_looks(visit: Visit, form: Form) -> Answer:
    """Pages are in that language and theme, and single keys do something there or not."""
    language = form.one("language")
    if language and language not in LANGUAGES:
        raise Invalid(f"A language is one of {', '.join(LANGUAGES)}.", where="language")
    visit.node.set_looks(language, form.one("theme"), keys=form.one("keys") == "on")
    return visit.go(HERE, done="saved")


def _guarded(visit: Visit) -> None:
    """Whoever found an open session guesses the password no faster than at the door. TooManyFailures otherwise."""
    failures = visit.call.services.failures
    if failures is None or not visit.account.password:
        return
    place = f"{name_key(visit.account.name)} {visit.session}"
    found = failures.over(place, NAME_MOST)
    if found is not None:
        raise found
    failures.count(place)


def _page(visit: Visit, error: ComityError | None = None, at: str = "") -> Answer:
    sessions = [
        SessionRow(
            id=one.id,
            begun=_exact(one.made),
            seen=_exact(one.seen),
            ends=_exact(one.expires),
            address=one.address,
            agent=one.agent,
            is_this=one.id == visit.session,
        )
        for one in visit.node.own_sessions()
    ]
    return visit.page(
        "account.html",
        status=200 if error is None else 422,
        sessions=sessions,
        languages=LANGUAGES,
        themes=THEMES,
        error=error,
        at=at,
    )


def _factor_page(visit: Visit, error: ComityError | None = None) -> Answer:
    secret, address = visit.node.pending_factor(visit.session)
    groups = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
    rows, size = _squares(address)
    return visit.page(
        "factor.html",
        status=200 if error is None else 422,
        secret=groups,
        address=address,
        rows=rows,
        size=size,
        error=error,
    )


def _squares(text: str) -> tuple[str, int]:
    """The dark squares of a QR code (ISO/IEC 18004) as a path, and how many squares it is wide with its margin."""
    import segno

    code = segno.make(text, micro=False, error="m")
    path = []
    lines = [list(row) for row in code.matrix_iter(border=4)]
    for line, row in enumerate(lines):
        place = 0
        while place < len(row):
            end = place
            while end < len(row) and row[end] == row[place]:
                end += 1
            if row[place]:
                path.append(f"M{place} {line}h{end - place}v1h-{end - place}z")
            place = end
    return "".join(path), len(lines)


def _exact(instant: int) -> str:
    return instant_of(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


PAGES = (
    Page(HERE, look, EVERYBODY, unready=True),
    Page(
        "/account/password",
        act=set_password,
        acts=EVERYBODY,
        fields=("current", "new", "again"),
        hashes=True,
        unready=True,
        bytes_max=20_000,
    ),
    Page("/account/factor", look_factor, EVERYBODY, confirm_factor, EVERYBODY, fields=("code",)),
    Page("/account/factor/remove", act=drop_factor, acts=EVERYBODY, fields=("current",), hashes=True),
    Page("/account/codes", act=new_codes, acts=EVERYBODY, fields=("current",), hashes=True),
    Page("/account/sessions", act=end_session, acts=EVERYBODY, fields=("session",)),
    Page("/account/looks", act=set_looks, acts=EVERYBODY, fields=("language", "theme", "keys")),
)
