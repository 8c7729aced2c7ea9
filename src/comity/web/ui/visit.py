"""What a page is given: one request of one person who is signed in, and the ways to answer it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from comity.errors import InvalidRequest
from comity.node.node import Node
from comity.node.people import Account
from comity.node.uploads import Incoming
from comity.web.answer import HTML_TYPE, Answer
from comity.web.call import Call
from comity.web.ui.languages import Words
from comity.web.ui.rendering import render

FIELDS_MAX = 2000
PARAMETERS_MAX = 100


def wants_part(call: Call) -> bool:
    """Whether a script asks, to change a part of the page that it is on: not one that goes back in the history."""
    asked, restored = (call.headers.get(name) for name in (b"hx-request", b"hx-history-restore-request"))
    return asked == "true" and restored != "true"


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent with a form: the values of each field in their order, and the files of each. Of a page that puts
    files aside these are empty, and `staged` has them."""

    values: Mapping[str, list[str]] = field(default_factory=dict)
    files: Mapping[str, list[bytes]] = field(default_factory=dict)
    staged: Incoming | None = None

    def one(self, name: str) -> str:
        """The value of that field; empty where there is none. InvalidRequest where there are several."""
        found = self.values.get(name, [])
        if len(found) > 1:
            raise InvalidRequest(f"{name} is given more than once.", where=name)
        return found[0] if found else ""

    def all(self, name: str) -> list[str]:
        """Every value of that field that is not empty."""
        return [value for value in self.values.get(name, []) if value]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a person who is signed in. Whatever the node does inside it is done by that account.

    `csrf` is what each form carries; `words` say things in the person's language; `theme` is `system`, `light` or
    `dark`.
    """

    call: Call
    account: Account
    session: str
    csrf: str
    words: Words
    theme: str = "system"

    @property
    def node(self) -> Node:
        """The node that is looked at."""
        return self.call.node

    def may(self, *roles: str) -> bool:
        """Whether the person has one of these roles."""
        return self.account.may(frozenset(roles))

    @property
    def parameters(self) -> dict[str, list[str]]:
        """What stands behind the `?` of the address. InvalidRequest where it is too much."""
        try:
            pairs = parse_qsl(self.call.query_string.decode("ascii"), True, max_num_fields=PARAMETERS_MAX)
        except (ValueError, UnicodeDecodeError):
            raise InvalidRequest("The address cannot be read.", where="query") from None
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        return found

    def parameter(self, name: str, default: str = "") -> str:
        """The last value of that parameter."""
        return self.parameters.get(name, [default])[-1]

    def page(self, template: str, /, *, status: int = 200, **context: Any) -> Answer:
        """The page that the template makes of the context, or the part of it that a script puts into the page that is
        there."""
        text = render(template, self.words, wants_part(self.call), visit=self, **context)
        return Answer(text.encode(), status=status, media_type=HTML_TYPE)

    def go(self, path: str, /, **parameters: str) -> Answer:
        """Away to that page of this node, as the answer to a form (303). A person who goes back and forth repeats
        nothing. `done` names the notice that is shown there."""
        assert path.startswith("/")
        assert not path.startswith("//")
        target = path + ("?" + urlencode(parameters) if parameters else "")
        return Answer(b"", status=303, headers=(("Location", target),))


Look = Callable[[Visit], Answer]
Act = Callable[[Visit, Form], Answer]


@dataclass(frozen=True, slots=True)
class Page:
    """An address with who may look at it, and who may send its form; without roles, nobody may."""

    template: str
    look: Look | None = None
    looks: frozenset[str] = frozenset()
    act: Act | None = None
    acts: frozenset[str] = frozenset()
    bytes_max: int = 100_000
    """Of the form."""
    fields: tuple[str, ...] = ()
    """The names of the fields that the form has; any other is refused. One that ends in `*` stands for all names that
    begin so."""
    hashes: bool = False
    """The form has a password in it: it waits among others of its kind, and keeps no other form from going on."""
    stages: bool = False
    """Files of the form are put aside as they come, within the settings of the node; the rest of it is small."""
    unready: bool = False
    """Who has no password yet may come here, and nowhere else."""

    @property
    def is_file(self) -> bool:
        """It is something to keep, which may take its time."""
        return "." in self.template

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it has."""
        return (("GET", "HEAD") if self.look else ()) + (("POST",) if self.act else ())


@dataclass(frozen=True, slots=True)
class OpenPage:
    """An address for everybody: by which one signs in."""

    template: str
    look: Callable[[Call], Answer] | None = None
    act: Callable[[Call, Form], Answer] | None = None
    bytes_max: int = 10_000
    fields: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it has."""
        return (("GET", "HEAD") if self.look else ()) + (("POST",) if self.act else ())
