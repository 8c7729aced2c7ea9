"""The desk at which somebody decides what leaves: a node with partners who have read, staff of every role, and its
pages, each called by its address as the application would."""

import re
import sqlite3
from contextlib import closing
from copy import copy
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.gate_world import look_at_all, marked
from tests.recall_world import RETRACT, World
from tests.visiting import Seen, Staff
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.errors import NotAuthorized, NotFound
from comity.node.node import Node
from comity.node.recalls import RecallView
from comity.stix.markings import MARKING_IDS, TLP
from comity.web.answer import Answer
from comity.web.call import Services
from comity.web.ui import (
    approvals,
    audit,
    jobs,
    ledger,
    matrix,
    partners,
    policy,
    preview,
    publishing,
    recalls,
    record,
    sources,
)
from comity.web.ui.languages import Words
from comity.web.ui.screens import HOME_PAGE
from comity.web.ui.screens import PAGES as EVERY_PAGE
from comity.web.ui.visit import Form, Page, Visit

MODULES = (partners, preview, publishing, matrix, policy, approvals, recalls, ledger, record, sources, jobs, audit)
PAGES: tuple[Page, ...] = tuple(page for module in MODULES for page in module.PAGES)


def found_page(path: str) -> tuple[Page, dict[str, str]]:
    """The first page of that path, and the names in it. NotFound where there is none."""
    for page in (HOME_PAGE, *EVERY_PAGE):
        pattern = re.sub(r"\\{([a-z]+)\\}", r"(?P<\1>[^/]+)", re.escape(page.template))
        match = re.fullmatch(pattern, unquote(path))
        if match is not None:
            return page, match.groupdict()
    raise NotFound(f"There is no page {path!r}.")


class Desk:
    """The node, its staff, and what was published, read, taken back and withheld."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, MadeClock()
        self.node = Node.open(f"sqlite:///{path}", name="CERT-A", clock=self.clock, entropy=MadeEntropy())
        node, clock = self.node, self.clock
        self.world = World(node, clock)
        node.add_partner("CERT-D", max_tlp="green")
        self.green, self.wrong = marked(TLP.GREEN, name="Beacon"), marked(TLP.GREEN, name="Wrong one")
        part = {"marking_ref": MARKING_IDS[TLP.RED], "selectors": ["description"]}
        self.cut = marked(TLP.GREEN, name="Half", description="Only for us", granular_markings=[part])
        self.amber = marked(TLP.AMBER, name="Quiet")
        self.fresh = marked(TLP.GREEN, name="Fresh")
        self.red = marked(TLP.RED, name="Their secret")
        node.receive(bundle(self.green, self.wrong, self.cut, self.amber))
        node.receive(bundle(self.red), node.source_of_partner("CERT-C"))
        node.publish(hold_seconds=0)
        look_at_all(node)
        for name in ("CERT-B", "CERT-C"):
            self.world.read(name)
        self.recall = node.recall([self.wrong["id"]], RETRACT).id
        node.receive(bundle(self.fresh, indicator(name="Unmarked")))
        node.head()
        clock.move(seconds=60)
        self.staff = Staff(node)
        with self.staff.acting("adam"):
            self.waits = node.move_partner("CERT-D", "activate", checked_by="a call").waits

    @property
    def objects(self) -> dict[str, dict[str, Any]]:
        """By a word for each: what was let out, was wrong, is cut, is too strict for some, and is secret."""
        return {"green": self.green, "wrong": self.wrong, "cut": self.cut, "amber": self.amber, "red": self.red}

    def visit(self, address: str, by: str, *, language: str = "en", theme: str = "system") -> tuple[Page, Visit]:
        """The page of the address, and a visit of that person to it."""
        parts = urlsplit(address)
        page, names = found_page(parts.path)
        visit = self.staff.visit(unquote(parts.path), by, language=language, theme=theme, names=names)
        return page, replace(visit, call=replace(visit.call, query_string=parts.query.encode()), words=Words(language))

    def get(self, address: str, by: str = "rolf", **how: str) -> Answer:
        """What that person is answered. NotAuthorized where the page is not for the roles they have."""
        page, visit = self.visit(address, by, **how)
        if page.look is None or not visit.may(*page.looks):
            raise NotAuthorized(f"{page.template} is not for {by}.")
        with self.staff.acting(by):
            return page.look(visit)

    def seen(self, address: str, by: str = "rolf", **how: str) -> Seen:
        """The page as its reader has it."""
        answer = self.get(address, by, **how)
        assert answer.status == 200, answer.body[:2000]
        return Seen(answer)

    def post(self, address: str, by: str = "adam", /, **fields: Any) -> Answer:
        """What the form is answered."""
        page, visit = self.visit(address, by)
        if page.act is None or not visit.may(*page.acts):
            raise NotAuthorized(f"{page.template} is not for {by}.")
        assert fields.keys() <= set(page.fields), f"{page.template} has no {fields.keys() - set(page.fields)}"
        values = {name: [value] if isinstance(value, str) else value for name, value in fields.items()}
        with self.staff.acting(by):
            return page.act(visit, Form(values))

    def submit(self, seen: Seen, action: str, by: str = "adam", /, **other: str) -> Answer:
        """The first form of the page with that action, with what stands in it, was sent."""
        return self.post(action, by, **(form_of(seen, action) | other))

    def again(self, path: Path) -> "Desk":
        """The same desk over a copy of the store, so that whatever is done to it is done to that one alone."""
        with closing(sqlite3.connect(self.path)) as here, closing(sqlite3.connect(path)) as there:
            here.backup(there)
        made = copy(self)
        made.path, made.clock = path, MadeClock(self.clock.instant)
        made.node = Node.open(f"sqlite:///{path}", name="CERT-A", clock=made.clock, entropy=MadeEntropy(2))
        made.staff = copy(self.staff)
        made.staff.node = made.node
        made.staff.services = Services(made.node, self.staff.services.cursors, self.staff.services.metrics)
        return made

    def world_ids(self, name: str) -> set[str]:
        """What the partner reads now."""
        world = copy(self.world)
        world.node, world.clock = self.node, self.clock
        return world.ids(name)

    def node_recalls(self, id: str) -> list[RecallView]:
        """The recall, as a reader is told of it."""
        with self.staff.acting("rita"):
            return self.node.recalls(id)

    def state(self) -> tuple[int, int, int]:
        """What changes whenever anything is decided."""
        with self.node.store.read() as snapshot:
            return snapshot.admin_version, snapshot.last_publication, snapshot.last_entry


def form_of(seen: Seen, action: str) -> dict[str, str]:
    """The hidden and visible fields of the first form with that action, as a browser would send them unchanged."""
    body = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', seen.source, re.DOTALL)
    assert body is not None, f"no form to {action}"
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", body[0]):
        facts = {name: unescape(value) for name, value in re.findall(r'([a-z-]+)="([^"]*)"', tag)}
        if facts.get("type") not in ("checkbox", "radio") or " checked" in tag:
            found[facts["name"]] = facts.get("value", "")
    for name, inside in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', body[0], re.DOTALL):
        found[name] = unescape(inside)
    for name, inside in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', body[0], re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inside) or re.search(r'value="([^"]*)"', inside)
        found[name] = unescape(chosen[1]) if chosen else ""
    found.pop("csrf", None)
    return found


def went_to(answer: Answer) -> tuple[str, dict[str, str]]:
    """Where a form leads: the path, and the parameters behind it."""
    assert answer.status == 303, Seen(answer).text[:2000]
    parts = urlsplit(dict(answer.headers)["Location"])
    return parts.path, dict(parse_qsl(parts.query))


def address(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode(parameters)}"
