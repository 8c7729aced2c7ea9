"""Homes whose pages a browser looks at: one with something of everything, one with nothing, each with its people."""

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from tests.gate_world import look_at_all
from tests.pages_world import fill, id_of, let_leave, thing, tie
from tests.served import served
from tests.telling_world import put_in_force
from tests.world import bundle

from comity.errors import Invalid
from comity.node.choosing import Choice
from comity.node.home import init_home
from comity.node.node import Node
from comity.node.people import ROLES
from comity.release.recall import Kind, Order, Reason
from comity.stix.markings import TLP
from comity.web.door import COOKIE

PASSWORD = "correct horse battery"
SARI, RITA, AUDRA = "sari", "rita", "audra"
PEOPLE = {SARI: ROLES, RITA: ("reader",), AUDRA: ("auditor",)}
"""Who looks: one who may do everything, one who reads, and one who may read nothing but the audit log."""
RECALLED = id_of("indicator", 3001)
"""What was taken back."""
CORPUS = Path(__file__).parent / "browsers" / "hostile.toml"
CASES = '[[case]]\nname = "All"\nobject = { tlp = "clear" }\nrecipient = {}\nexpect = "allow"\n'


@dataclass(frozen=True, slots=True)
class Stood:
    """A home that is served: where, the session of each of PEOPLE, and what stands for names in addresses."""

    url: str
    sessions: dict[str, str]
    names: dict[str, str]
    home: Path

    def address(self, template: str, query: str = "") -> str:
        """The address of that page."""
        path = template
        for name, value in self.names.items():
            path = path.replace(f"{{{name}}}", value)
        return f"{self.url}{path}{query}"


@contextmanager
def stood(folder: Path, world: str) -> Iterator[Stood]:
    """A new home in that folder with the world of that name is served by `comity serve`."""
    home = folder / world
    with init_home(home, name="CERT-A") as node:
        # Guessing is not what is tried here, so that hashing may be cheap.
        with node.store.write() as tx:
            tx.put_setting("password_cost", b"1")
        names = WORLDS[world](node)
        sessions = _people(node, names)
    with served(home, folder / f"{world}.log") as running:
        made = Stood(running.url.rstrip("/"), sessions, names, home)
        if "object" in names:
            names["upload"] = _sent(made)
        yield made


def _sent(stood: Stood) -> str:
    """An upload that waits. It is sent to the node that is served: what waited before a start is gone."""
    asking = requests.Session()
    asking.headers.update({"Cookie": f"{COOKIE}={stood.sessions[SARI]}", "Origin": stood.url})
    page = asking.get(stood.address("/import"), timeout=30).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    sent = bundle(thing("indicator", 7001, TLP.GREEN, "Sent"))
    form = {"csrf": csrf[1], "source": "feed", "marking": ""}
    files = {"files": ("sent.json", sent)}
    answer = asking.post(stood.address("/import"), form, files=files, timeout=30, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2].partition("?")[0]


def _people(node: Node, names: dict[str, str]) -> dict[str, str]:
    """The accounts are there, and the secrets of their sessions."""
    secrets = {SARI: node.add_user(SARI, ROLES).secret}
    with node.acting(SARI, secrets[SARI]):
        secrets |= {name: node.add_user(name, roles).secret for name, roles in PEOPLE.items() if name != SARI}
        node.add_user("petra", ["approver"])
        if any(one.name == "CERT-D" for one in node.partners()):
            asked = node.move_partner("CERT-D", "activate", checked_by="a call")
            names["proposal"] = asked.waits
        if "object" in names:
            names |= _begun(node, names["object"])
    for name, secret in secrets.items():
        with node.acting(name, secret):
            node.set_password(PASSWORD)
    return {name: node.sign_in(name, PASSWORD, agent="a browser").secret for name in secrets}


def _begun(node: Node, id: str) -> dict[str, str]:
    """Whoever acts has begun something of everything that persons do at their desks."""
    node.save_search("watched", "q=kancil")
    draft = node.start_draft("indicator", {"name": "Begun"}).id
    batch = node.mark(Choice(ids=(id,)), "amber", "told so by phone").batch.id
    return {
        "draft": draft,
        "batch": batch,
        "type": "indicator",
        "indicator": id_of("indicator", 3003),
    }


def _full(node: Node) -> dict[str, str]:
    fill(node)
    let_leave(node)
    node.add_partner("CERT-D", max_tlp="green")
    recall = node.recall([RECALLED], Order(Kind.RETRACT, Reason.FALSE_POSITIVE)).id
    node.head()
    artifact = {"type": "artifact", "spec_version": "2.1", "id": id_of("artifact", 1), "payload_bin": "TVqQAA=="}
    node.receive(bundle(artifact | {"mime_type": "application/x-msdownload"}))
    while node.store.index_text(1000):
        pass
    names = {"object": id_of("malware", 1000), "partner": "CERT-B", "source": "feed", "seq": "0", "recall": recall}
    return names | {"artifact": artifact["id"]}


def _empty(_node: Node) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Hostile:
    """A text of others, and what it is called."""

    name: str
    text: str


def hostile_texts() -> list[Hostile]:
    """The corpus."""
    with CORPUS.open("rb") as file:
        return [Hostile(one["name"], one["text"] * one.get("times", 1)) for one in tomllib.load(file)["text"]]


def hostile_id(number: int) -> str:
    """The id of the object that is named by the text of that number."""
    return id_of("malware", 9000 + number)


def _hostile(node: Node) -> dict[str, str]:
    """Each text stands wherever others write: in objects, and as a name of whatever takes it for one."""
    texts = [one.text for one in hostile_texts()]
    node.add_source("feed")
    names = [_named(node, number, text) for number, text in enumerate(texts)]
    partners = [name for name in names if name]
    title = json.dumps("".join(each for each in " ".join(texts[:12]) if each.isprintable())[:200], ensure_ascii=False)
    put_in_force(node, f'@id("all") @title({title}) permit (principal, action, resource);', CASES)
    node.receive(bundle(*(one for number, text in enumerate(texts) for one in _objects(number, text))), "feed")
    look_at_all(node)
    node.publish(hold_seconds=0)
    look_at_all(node)
    let_leave(node, partners[0])
    note = next(text for text in texts if text.isprintable())
    recall = node.recall([hostile_id(1)], Order(Kind.RETRACT, Reason.FALSE_POSITIVE, note)).id
    while node.store.index_text(1000):
        pass
    names_of = {"object": hostile_id(0), "partner": node.partner(partners[0]).id, "source": "feed", "seq": "0"}
    return names_of | {"recall": recall}


def _named(node: Node, number: int, text: str) -> str:
    """A source, a collection, a token and an active partner are called so; empty where no name may be so."""
    name = text[:120]
    try:
        node.add_partner(name, max_tlp="amber", history_from=0, cybersecurity=True)
    except Invalid:
        return ""
    node.step_partner(name, "activate", checked_by=name)
    with suppress(Invalid):
        node.add_source(f"{name[:60]}")
    node.add_collection(name)
    node.new_token(name, read=["default"])
    return name


def _objects(number: int, text: str) -> list[dict[str, Any]]:
    """Objects that say the text wherever one may."""
    said: dict[str, Any] = {"description": text, "labels": [text], "lang": "en"}
    said["external_references"] = [{"source_name": text, "description": text, "url": text, "external_id": text}]
    hub = thing("malware", 9000 + number, TLP.GREEN, text, **said, aliases=[text], x_more={text[:200]: text})
    sign = thing("indicator", 9000 + number, TLP.GREEN, text, **said)
    sign["pattern"] = f"[file:name = '{text[:2000].encode('unicode_escape').decode().replace(chr(39), '')}']"
    file: dict[str, Any] = {"type": "file", "spec_version": "2.1", "id": id_of("file", 9000 + number), "name": text}
    mail: dict[str, Any] = {"type": "email-message", "spec_version": "2.1", "id": id_of("email-message", 9000 + number)}
    mail |= {"is_multipart": False, "subject": text, "body": text}
    return [hub, sign, file, mail, tie(9000 + number, sign["id"], "indicates", hub["id"])]


WORLDS = {"full": _full, "empty": _empty, "hostile": _hostile}
