"""Every route there is, each with who may ask. What is not listed here does not exist."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from comity.node.access import Access
from comity.taxii.resources import API_ROOT
from comity.web import ledger, ops, pages, taxii
from comity.web.answer import Answer
from comity.web.api.answering import Resource, methods_of
from comity.web.api.operations import RESOURCES
from comity.web.call import BodyHandler, Call, Handler
from comity.web.ui.screens import HOME_PAGE, OPEN_PAGES, PAGES
from comity.web.ui.visit import OpenPage, Page


class Rule(StrEnum):
    """Who gets more than a 401. PUBLIC: everybody. LOOPBACK: a token, or this host itself without a proxy between.
    SESSION: a person who signed in; no token opens it, and a session opens nothing else but the API. HOME: a token or a
    session. ACCOUNT: an account, by its session or by a token that acts as it."""

    PUBLIC = "public"
    TOKEN = "token"  # noqa: S105
    LOOPBACK = "token or loopback"
    SESSION = "session"
    HOME = "token or session"
    ACCOUNT = "session or own token"


@dataclass(frozen=True, slots=True)
class Post:
    """A method with a body: what can be told before it, and what is done with it."""

    before: Callable[[Call, Access], None]
    run: BodyHandler


@dataclass(frozen=True, slots=True)
class Route:
    """A path with places for names, which match one segment each; `taxii` means that it speaks TAXII alone."""

    template: str
    rule: Rule
    get: Handler | None = None
    public: Callable[[Call], Answer] | None = None
    post: Post | None = None
    delete: Handler | None = None
    taxii: bool = True
    page: Page | None = None
    open: OpenPage | None = None
    api: Resource | None = None
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\\{([a-z]+)\\}", r"(?P<\1>[^/]+)", re.escape(self.template))
        # A directory is also known without its slash: a redirect would lose the credential in some clients.
        pattern = pattern[:-1] + "/?" if self.template.endswith("/") and len(self.template) > 1 else pattern
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it has."""
        pages = (*(self.page.methods if self.page else ()), *(self.open.methods if self.open else ()))
        reading = ("GET", "HEAD") if self.get or self.public or "GET" in pages else ()
        posting = ("POST",) if self.post or "POST" in pages else ()
        acting = methods_of(self.api) if self.api else ()
        return reading + posting + (("DELETE",) if self.delete else ()) + acting


COLLECTION = API_ROOT + "collections/{collection}/"
TILE = "/ledger/tile/{level}/"
OBJECT = COLLECTION + "objects/{object}/"

ROUTES = (
    Route("/healthz", Rule.PUBLIC, public=ops.healthz, taxii=False),
    Route("/.well-known/security.txt", Rule.PUBLIC, public=ops.security_txt, taxii=False),
    Route("/readyz", Rule.LOOPBACK, ops.readyz, taxii=False),
    Route("/metrics", Rule.LOOPBACK, ops.metrics, taxii=False),
    Route("/", Rule.HOME, pages.front, taxii=False, page=HOME_PAGE),
    Route("/static/{file}", Rule.PUBLIC, public=pages.static, taxii=False),
    *(Route(page.template, Rule.PUBLIC, open=page, taxii=False) for page in OPEN_PAGES),
    *(Route(page.template, Rule.SESSION, page=page, taxii=False) for page in PAGES),
    Route("/taxii2/", Rule.TOKEN, taxii.discovery),
    Route(API_ROOT, Rule.TOKEN, taxii.api_root),
    Route(API_ROOT + "status/{status}/", Rule.TOKEN, taxii.status),
    Route(API_ROOT + "collections/", Rule.TOKEN, taxii.collections),
    Route(COLLECTION, Rule.TOKEN, taxii.collection),
    Route(COLLECTION + "manifest/", Rule.TOKEN, taxii.manifest),
    Route(COLLECTION + "objects/", Rule.TOKEN, taxii.objects, post=Post(taxii.before_post, taxii.post)),
    Route(OBJECT, Rule.TOKEN, taxii.object_, delete=taxii.delete),
    Route(OBJECT + "versions/", Rule.TOKEN, taxii.versions),
    Route("/ledger/checkpoint", Rule.TOKEN, ledger.checkpoint, taxii=False),
    Route(TILE + "{first}", Rule.TOKEN, ledger.tile, taxii=False),
    Route(TILE + "{first}/{second}", Rule.TOKEN, ledger.tile, taxii=False),
    Route(TILE + "{first}/{second}/{third}", Rule.TOKEN, ledger.tile, taxii=False),
    *(Route(template, Rule.ACCOUNT, taxii=False, api=resource) for template, resource in RESOURCES.items()),
)


def find(path: str) -> tuple[Route, Mapping[str, str]] | None:
    """The route of that decoded path and the names in it; None where there is none."""
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match is not None:
            return route, match.groupdict()
    return None
