"""A browser in the test's own process: it keeps cookies, says where a form comes from, and sends the forms of pages."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

from tests.asgi import Asker, Reply, asking
from tests.world import MadeClock, MadeEntropy

from comity.node.node import Node

BOUNDARY = "----made-boundary"
PASSWORD = "correct horse battery"
HOST = "127.0.0.1:6100"
ORIGIN = f"http://{HOST}"
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
CSRF = re.compile(rb'name="csrf" value="([^"]+)"')


def multipart(fields: dict[str, str], files: Sequence[tuple[str, bytes]], name: str = "files") -> bytes:
    """A form as browsers write it (RFC 7578); what stands in the name of a file is written as it is."""
    parts = [f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}'.encode() for key, value in fields.items()]
    for called, content in files:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{called}"\r\n'
        parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content)
    edge = f"--{BOUNDARY}".encode()
    return b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"


class Browser:
    """One person's browser. `cookie` is the secret of the session that it holds, if any."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.cookie = ""

    def get(self, path: str, **headers: str) -> Reply:
        """The answer to a GET; the cookie that comes with it is kept."""
        return self._kept(self.asker.ask("GET", path, headers=self._headers(headers)))

    def post(self, path: str, fields: dict[str, str | list[str]], **headers: str) -> Reply:
        """The answer to these fields and no other, sent as a form of this node would be."""
        body = urlencode(fields, doseq=True).encode()
        said = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN} | headers
        return self._kept(self.asker.ask("POST", path, body=body, headers=self._headers(said)))

    def send(self, path: str, fields: dict[str, str | list[str]], *, of: str = "/account") -> Reply:
        """The answer to these fields, with the token of that page."""
        return self.post(path, {**fields, "csrf": self.csrf(of)})

    def upload(
        self, path: str, fields: dict[str, str], files: Sequence[tuple[str, bytes]], *, of: str, **headers: str
    ) -> Reply:
        """The answer to a form with these files, with the token of that page unless the fields have one."""
        if "csrf" not in fields:
            fields = {"csrf": self.csrf(of)} | fields
        said = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "origin": ORIGIN} | headers
        return self._kept(self.asker.ask("POST", path, body=multipart(fields, files), headers=self._headers(said)))

    def csrf(self, path: str = "/account") -> str:
        """What the forms of that page carry."""
        found = CSRF.search(self.get(path).body)
        assert found is not None
        return unescape(found[1].decode())

    def sign_in(self, name: str, password: str, code: str = "", then: str = "") -> Reply:
        """The answer to the form at the door."""
        return self.post("/sign-in", {"name": name, "password": password, "code": code, "then": then})

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        said = {"host": HOST, "accept": HTML, "user-agent": "a made browser"}
        if self.cookie:
            said["cookie"] = f"comity={self.cookie}"
        return {name: value for name, value in (said | headers).items() if value}

    def _kept(self, reply: Reply) -> Reply:
        given = reply.header("set-cookie")
        if given is not None:
            self.cookie = given.partition("=")[2].partition(";")[0]
        return reply


@dataclass
class Stand:
    """A node with the account of an administrator, and who asks it."""

    node: Node
    clock: MadeClock
    asker: Asker
    secret: str

    def browser(self) -> Browser:
        """Another browser."""
        return Browser(self.asker)

    def signed_in(self) -> Browser:
        """A browser whose person has set a password and is signed in."""
        browser = self.browser()
        if self.node.users()[0].password:
            assert browser.sign_in("admin", PASSWORD).status == 303
        else:
            assert browser.sign_in("admin", self.secret).status == 303
            assert browser.send("/account/password", {"new": PASSWORD, "again": PASSWORD}).status == 303
        return browser

    def rows(self, act: str) -> list[str]:
        """What the audit log says of that act: who, and whence."""
        self.node.looks.flush()
        with self.node.acting_for(self.node.users()[0]):
            return [f"{row.account} {row.address} {row.what}" for row in self.node.audit_log(acts=[act])]

    def person(self, name: str, roles: Sequence[str]) -> Browser:
        """The browser of another person with these roles, who is signed in and has the same password."""
        self.signed_in()
        with self.node.acting("admin", PASSWORD):
            secret = self.node.add_user(name, roles).secret
        browser = self.browser()
        assert browser.sign_in(name, secret).status == 303
        assert browser.send("/account/password", {"new": PASSWORD, "again": PASSWORD}).status == 303
        return browser


@contextmanager
def standing(folder: Path) -> Iterator[Stand]:
    """A node in that folder, with the account that `init` makes."""
    clock = MadeClock()
    with Node.open(f"sqlite:///{folder}/a.db", name="CERT-A", clock=clock, entropy=MadeEntropy()) as node:
        secret = node.add_user("admin", ["admin"], first=True).secret
        with asking(node) as asker:
            yield Stand(node, clock, asker, secret)
