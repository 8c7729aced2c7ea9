"""Signing in and out. Whatever was wrong, the same page answers."""

from urllib.parse import parse_qs

from comity.errors import ComityError, TooManyFailures, Unauthenticated
from comity.node.people import ROLES
from comity.node.sessions import SignedIn, name_key
from comity.web import door
from comity.web.answer import HTML_TYPE, Answer
from comity.web.auth import network_of
from comity.web.call import Call
from comity.web.ui.languages import Words, language_of
from comity.web.ui.rendering import render
from comity.web.ui.visit import Form, OpenPage, Page, Visit

NETWORK_MOST = 20
NAME_MOST = 10
"""So many may fail within a window: from one network, and of one name."""
AGENT_CHARACTERS = 200
CLEAR = ("Clear-Site-Data", '"cookies"')


def look(call: Call) -> Answer:
    """The form, for whoever is not signed in and for whoever wants to be somebody else."""
    return _page(call, "sign-in.html", then=door.own_path(_then(call)))


def act(call: Call, form: Form) -> Answer:
    """Somebody is signed in, and led to where they wanted to go."""
    name, then = form.one("name"), door.own_path(form.one("then"))
    try:
        _check_rate(call, name)
        made = call.node.sign_in(
            name,
            form.one("password"),
            form.one("code"),
            address=call.address,
            agent=_agent(call),
            replaces=door.secret_of(call) or "",
        )
    except (Unauthenticated, TooManyFailures) as error:
        return _refused(call, error, name, "sign-in.html", then=then)
    return _signed_in(call, made, then)


def look_link(call: Call) -> Answer:
    """One button: whatever only reads the address, as scanners of mail do, changes nothing and learns nothing."""
    return _page(call, "sign-in-link.html", link=call.parameters["link"])


def act_link(call: Call, form: Form) -> Answer:
    """The person of the link is signed in, and the link is used up."""
    link = call.parameters["link"]
    try:
        _check_rate(call, link)
        made = call.node.sign_in_by_link(
            link,
            form.one("code"),
            address=call.address,
            agent=_agent(call),
            replaces=door.secret_of(call) or "",
        )
    except (Unauthenticated, TooManyFailures) as error:
        return _refused(call, error, link, "sign-in-link.html", link=link)
    return _signed_in(call, made, "/")


def sign_out(visit: Visit, _form: Form) -> Answer:
    """The session has ended, and the browser forgets what it knew of it."""
    visit.node.sign_out(door.secret_of(visit.call) or "")
    headers = (("Location", "/sign-in"), door.cookie_with(visit.call, ""), CLEAR)
    return Answer(b"", status=303, headers=headers)


def _check_rate(call: Call, name: str) -> None:
    """TooManyFailures where so many failed that the next is not looked at. An account that signed in from this network
    before is counted apart there, so that nobody elsewhere keeps its holder out."""
    failures = call.services.failures
    assert failures is not None
    network = network_of(call.address)
    found = failures.over(network, NETWORK_MOST) or failures.over(name_key(name), NAME_MOST)
    if found is None:
        return
    if not call.node.known_from(name, lambda address: network_of(address) == network):
        raise found
    found = failures.over(_pair(name, network), NAME_MOST)
    if found is not None:
        raise found


def _pair(name: str, network: str) -> str:
    return f"{name_key(name)} {network}"


def _refused(call: Call, error: ComityError, name: str, template: str, **context: str) -> Answer:
    failures = call.services.failures
    assert failures is not None
    headers: tuple[tuple[str, str], ...] = (("WWW-Authenticate", 'Session realm="Comity"'),)
    if isinstance(error, TooManyFailures):
        headers = (("Retry-After", str(error.retry_after_seconds)),)
    else:
        call.services.metrics.sign_in_failed()
        network = network_of(call.address)
        for place in (network, name_key(name), _pair(name, network)):
            failures.count(place)
    status = 429 if isinstance(error, TooManyFailures) else 401
    return _page(call, template, status=status, headers=headers, error=error, **context)


def _signed_in(call: Call, made: SignedIn, then: str) -> Answer:
    target = then if made.account.password else "/account"
    return Answer(b"", status=303, headers=(("Location", target), door.cookie_with(call, made.secret)))


def _page(
    call: Call,
    template: str,
    *,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
    error: ComityError | None = None,
    **context: str,
) -> Answer:
    words = Words(language_of("", call.headers.get(b"accept-language")))
    text = render(template, words, node=call.node.name, error=error, **context)
    return Answer(text.encode(), status=status, media_type=HTML_TYPE, headers=headers)


def _then(call: Call) -> str:
    try:
        return parse_qs(call.query_string.decode("ascii"), max_num_fields=10).get("then", ["/"])[0]
    except ValueError:
        return "/"


def _agent(call: Call) -> str:
    return (call.headers.get(b"user-agent") or "")[:AGENT_CHARACTERS]


OPEN_PAGES = (
    OpenPage("/sign-in", look, act, fields=("name", "password", "code", "then")),
    OpenPage("/sign-in/link/{link}", look_link, act_link, fields=("code",)),
)
PAGES = (Page("/sign-out", act=sign_out, acts=frozenset(ROLES), unready=True),)
