"""Persons who visit pages of a node: the screens are called as the application calls them, without a server between."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from urllib.parse import urlencode

from comity.node.node import Node
from comity.node.people import NewUser
from comity.taxii.cursor import Cursors
from comity.web.answer import Answer
from comity.web.call import Call, Headers, Services
from comity.web.metrics import Metrics
from comity.web.ui.languages import Words
from comity.web.ui.visit import Look, Visit

ROLES = {
    "adam": ("admin",),
    "rita": ("reader",),
    "ana": ("analyst",),
    "rolf": ("releaser",),
    "petra": ("approver",),
    "arno": ("release-audit",),
    "audra": ("auditor",),
}
"""A person for each role, by the name of their account."""


class Staff:
    """The accounts of a node: one for each of these names, the first of which is an administrator."""

    def __init__(self, node: Node, names: Sequence[str] = tuple(ROLES)) -> None:
        self.node = node
        self.services = Services(node, Cursors(node.cursor_key()), Metrics(node))
        self.users: dict[str, NewUser] = {}
        for name in names:
            if not self.users:
                self.users[name] = node.add_user(name, ROLES[name])
            else:
                with self.acting(names[0]):
                    self.users[name] = node.add_user(name, ROLES[name])

    @contextmanager
    def acting(self, by: str) -> Iterator[None]:
        """What is done inside is done by that account."""
        with self.node.acting(by, self.users[by].secret):
            yield

    def visit(
        self,
        path: str,
        by: str = "ana",
        *,
        language: str = "en",
        theme: str = "system",
        names: dict[str, str] | None = None,
        **parameters: str,
    ) -> Visit:
        """A request for that path; `names` are those in the path."""
        call = Call(
            self.services,
            "0" * 16,
            "GET",
            "http",
            path,
            urlencode(parameters).encode(),
            Headers([]),
            "192.0.2.7",
            parameters=names or {},
        )
        return Visit(call, self.users[by].account, "session", "c" * 43, Words(language), theme)

    def get(self, look: Look, path: str, by: str = "ana", **asked: str) -> Answer:
        """What the screen answers that person."""
        visit = self.visit(path, by, **asked)  # type: ignore[arg-type]
        with self.acting(by):
            return look(visit)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.links += [value for name, value in attrs if name in ("href", "action", "src") and value is not None]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.found.append(data)


class Seen:
    """A page as its reader has it: the text, in one line, the addresses it leads to, and its tags."""

    def __init__(self, answer: Answer) -> None:
        parser = _Text()
        self.source = answer.body.decode()
        parser.feed(self.source)
        parser.close()
        self.text = " ".join(" ".join(parser.found).split())
        self.links = parser.links
        self.tags = parser.tags
