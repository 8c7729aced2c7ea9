"""Attacks that have a name. Each is tried on the node as it is, and then on one with the fault that it needs: an attack
that would not be seen there is no test."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec import structs
from tests.browser import CSRF, HOST, ORIGIN, PASSWORD, Browser, Stand, standing

from comity.interfaces import microseconds
from comity.node.node import Node
from comity.node.people import ROLES
from comity.web import door, forms, routes
from comity.web.answer import Answer
from comity.web.routes import Route, Rule
from comity.web.ui import account
from comity.web.ui.visit import Form, Page, Visit

pytestmark = pytest.mark.slow

LOOKS: dict[str, str | list[str]] = {"language": "id", "theme": "dark"}
ELSEWHERE = "https://evil.example"


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as made:
        yield made


def language(stand: Stand, name: str = "admin") -> str:
    """What the account has chosen, which a forged form would change."""
    return next(one.language for one in stand.node.users() if one.name == name)


# -- the attacks ------------------------------------------------------------------------------------------------------
def fixation(stand: Stand) -> None:
    """A secret that the attacker knew before stands for the victim after the sign-in."""
    stand.signed_in()
    attacker = stand.person("mallory", ["reader"])
    victim = stand.browser()
    victim.cookie = known = attacker.cookie
    assert victim.sign_in("admin", PASSWORD).status == 303
    assert victim.cookie != known
    attacker.cookie = known
    assert attacker.get("/account").status == 303
    made_up = stand.browser()
    made_up.cookie = "A" * 43
    assert made_up.sign_in("admin", PASSWORD).status == 303
    assert made_up.cookie != "A" * 43


def forged_without_token(stand: Stand) -> None:
    """A form without the token of the session, or with something in its place."""
    victim = stand.signed_in()
    good = victim.csrf()
    for given in ("", "x", good[:-1], good + "0", "." + good.partition(".")[2], good.swapcase() + "é"):
        assert victim.post("/account/looks", {**LOOKS, "csrf": given}).status == 403, given
    assert victim.post("/account/looks", LOOKS).status == 403
    assert victim.post("/account/looks", {**LOOKS, "csrf": [good, good]}).status == 400
    assert language(stand) == ""


def forged_with_the_token_of_another(stand: Stand) -> None:
    """The token of the attacker's own session, and of another session of the victim, in a form of the victim's."""
    attacker, victim = stand.person("mallory", ["reader"]), stand.signed_in()
    for other in (attacker, stand.signed_in()):
        assert victim.post("/account/looks", {**LOOKS, "csrf": other.csrf()}).status == 403
    assert language(stand) == ""


def forged_from_elsewhere(stand: Stand) -> None:
    """A form that comes from a page of another origin, and even has the token."""
    victim = stand.signed_in()
    form = {**LOOKS, "csrf": victim.csrf()}
    for origin in (ELSEWHERE, "null", f"https://{HOST}", "http://127.0.0.1:6101", "http://127.0.0.1", f"{ORIGIN}.evil"):
        assert victim.post("/account/looks", form, origin=origin).status == 403, origin
        assert stand.browser().post("/sign-in", {"name": "admin", "password": PASSWORD}, origin=origin).status == 403
    assert victim.post("/account/looks", form, origin="", referer=f"{ELSEWHERE}/{ORIGIN}").status == 403
    assert victim.post("/account/looks", form, origin="").status == 403, "neither is said"
    assert language(stand) == ""
    assert victim.post("/account/looks", form, origin="", referer=f"{ORIGIN}/account").status == 303


def changes_by_looking(stand: Stand) -> None:
    """An address that changes something when it is only looked at, as an image on another page would."""
    victim = stand.signed_in()
    stand.node.looks.flush()

    def state() -> tuple[object, ...]:
        with stand.node.store.read() as snapshot:
            users = [structs.asdict(one) for one in stand.node.users()]
            return snapshot.admin_version, snapshot.last_entry, users, snapshot.sessions(users[0]["id"])

    before = state()
    for route in routes.ROUTES:
        if route.page is not None or route.open is not None:
            path = route.template.replace("{", "").replace("}", "")
            for query in ("", "?language=id&theme=dark&name=admin&csrf=x"):
                victim.get(path + query)
                stand.asker.ask("HEAD", path + query, headers={"cookie": f"comity={victim.cookie}", "host": HOST})
    assert state() == before


def led_elsewhere(stand: Stand) -> None:
    """A link to the door that leads to another host afterwards."""
    stand.signed_in()
    for then in (
        ELSEWHERE,
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/x\r\nSet-Cookie: a=b",
        "/" + "x" * 3000,
    ):
        reply = stand.browser().sign_in("admin", PASSWORD, then=then)
        assert (reply.status, reply.header("location")) == (303, "/"), then
        page = stand.browser().get("/sign-in?" + urlencode({"then": then}))
        assert b'name="then" value="/"' in page.body, then
    assert stand.browser().sign_in("admin", PASSWORD, then="/account?x=1").header("location") == "/account?x=1"
    asked = stand.browser().get("//evil.example/%2e%2e")
    assert "evil" not in (asked.header("location") or "")


def under_a_strange_name(stand: Stand) -> None:
    """A name that the attacker owns, which leads to the node (DNS rebinding), or that a link would be made with."""
    victim = stand.signed_in()
    form = {**LOOKS, "csrf": victim.csrf()}
    for host in (
        "evil.example",
        "evil.example:6100",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.0.2.1",
        "é",
    ):
        origin = f"http://{host}"
        assert victim.get("/account", host=host).status == 400, host
        assert victim.post("/account/looks", form, host=host, origin=origin).status == 400, host
        said = victim.get("/sign-in", host=host)
        assert said.status == 400
        assert b"evil" not in said.body
    assert language(stand) == ""
    for host in ("localhost:6100", "[::1]:6100", HOST):
        assert victim.get("/account", host=host).status == 200, host


def of_another_person(stand: Stand) -> None:
    """The id of a session, or of an account, of somebody else."""
    attacker, victim = stand.person("mallory", ["reader"]), stand.signed_in()
    with stand.node.acting("admin", PASSWORD):
        theirs = [one.id for one in stand.node.own_sessions()]
    assert theirs
    answers = set()
    for id in (*theirs, "nothing"):
        reply = attacker.send("/account/sessions", {"session": id})
        shown = reply.body.replace((reply.header("x-request-id") or "-").encode(), b"")
        # The token of forms is said anew on each page.
        answers.add((reply.status, CSRF.sub(b"", shown)))
    assert len(answers) == 1, "what is not theirs is as what is not there"
    assert next(iter(answers))[0] == 404
    assert victim.get("/account").status == 200
    other = next(one.id for one in stand.node.users() if one.name == "admin")
    for field in ("account", "id", "name", "user"):
        assert attacker.send("/account/looks", {**LOOKS, field: other}).status == 400
    assert language(stand) == ""
    for path in ("/admin/people/reset", "/admin/people/disable"):
        assert attacker.send(path, {"name": "admin"}).status == 403


def with_more_fields(stand: Stand) -> None:
    """A field that the screen does not have, but the account does."""
    attacker = stand.person("mallory", ["reader"])
    for more in ({"roles": "admin"}, {"roles": ["reader", "admin"]}, {"person": "Admin"}, {"state": "active"}):
        reply = attacker.send("/account/looks", {**LOOKS, **more})
        assert reply.status == 400
    mallory = next(one for one in stand.node.users() if one.name == "mallory")
    assert (mallory.roles, mallory.language) == (("reader",), "")


ATTACKS: dict[str, Callable[[Stand], None]] = {
    one.__name__: one
    for one in (
        fixation,
        forged_without_token,
        forged_with_the_token_of_another,
        forged_from_elsewhere,
        changes_by_looking,
        led_elsewhere,
        under_a_strange_name,
        of_another_person,
        with_more_fields,
    )
}


# -- the faults that they need ----------------------------------------------------------------------------------------
def _keeps_the_secret(patch: pytest.MonkeyPatch) -> None:
    real: Any = Node._new_session

    def kept(self: Node, *given: Any) -> Any:
        *others, replaces = given
        made = real(self, *others, "")
        if not replaces:
            return made
        tx = given[0]
        tx.db.execute("DELETE FROM session WHERE digest = ?", (door_digest(replaces),))
        tx.db.execute("UPDATE session SET digest = ? WHERE id = ?", (door_digest(replaces), made.session.id))
        return replace(made, secret=replaces)

    patch.setattr(Node, "_new_session", kept)


def door_digest(secret: str) -> bytes:
    """What a row keeps of the secret."""
    from comity.node.access import digest_of

    return digest_of(secret)


def _changed(old: str, page: Page) -> tuple[Route, ...]:
    """The routes, with another page at that address."""
    return tuple(
        Route(old, Rule.SESSION, page=page, taxii=False) if route.template == old else route for route in routes.ROUTES
    )


def _looking_changes(patch: pytest.MonkeyPatch) -> None:
    def broken(visit: Visit) -> Answer:
        with visit.node.store.write() as tx:
            visit.node._put_account(tx, visit.account)
        return account.look(visit)

    patch.setattr(routes, "ROUTES", _changed("/account", Page("/account", broken, frozenset(ROLES), unready=True)))


def _ends_any(patch: pytest.MonkeyPatch) -> None:
    def end_session(self: Node, id: str) -> None:
        with self.store.write() as tx:
            for one in self.users():
                for session in tx.sessions(one.id):
                    if session.id == id:
                        tx.put_session(replace(session, ended=microseconds(self.clock.now())))

    patch.setattr(Node, "end_session", end_session)


def _takes_all_fields(patch: pytest.MonkeyPatch) -> None:
    def broken(visit: Visit, form: Form) -> Answer:
        given: dict[str, Any] = {name: form.one(name) for name in form.values if name not in ("csrf", "roles")}
        given["roles"] = tuple(form.all("roles")) or visit.account.roles
        with visit.node.store.write() as tx:
            visit.node._put_account(tx, structs.replace(visit.account, **given))
        return visit.go("/account")

    page = Page("/account/looks", act=broken, acts=frozenset(ROLES), fields=("*",))
    patch.setattr(routes, "ROUTES", _changed("/account/looks", page))


FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "fixation": _keeps_the_secret,
    "forged_without_token": lambda patch: patch.setattr(door, "check_csrf", lambda *_: None),
    "forged_with_the_token_of_another": lambda patch: patch.setattr(door, "_csrf", lambda _, nonce: nonce),
    "forged_from_elsewhere": lambda patch: patch.setattr(door, "check_origin", lambda _: None),
    "changes_by_looking": _looking_changes,
    "led_elsewhere": lambda patch: patch.setattr(door, "own_path", lambda path: path),
    "under_a_strange_name": lambda patch: patch.setattr(door, "check_host", lambda _: None),
    "of_another_person": _ends_any,
    "with_more_fields": _takes_all_fields,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_fails(stand: Stand, name: str) -> None:
    ATTACKS[name](stand)


@pytest.mark.parametrize("name", ATTACKS)
def test_it_would_be_seen_on_a_node_with_the_fault(stand: Stand, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name](monkeypatch)
    with pytest.raises(AssertionError):
        ATTACKS[name](stand)


# -- forms ------------------------------------------------------------------------------------------------------------
def multipart(*parts: bytes, boundary: bytes = b"b") -> bytes:
    """A body of these parts."""
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def part(name: str, content: bytes, more: str = "") -> bytes:
    """One part."""
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content


KIND = {"content-type": "multipart/form-data; boundary=b", "origin": ORIGIN, "host": HOST, "accept": "text/html"}


def _sent(browser: Browser, body: bytes, **headers: str) -> int:
    said = {**KIND, "cookie": f"comity={browser.cookie}", **headers}
    return browser.asker.ask("POST", "/account/looks", body=body, headers=said).status


def test_a_form_in_parts_is_a_form(stand: Stand) -> None:
    browser = stand.signed_in()
    fields = [part("csrf", browser.csrf().encode()), part("language", b"id"), part("theme", b"dark")]
    assert _sent(browser, multipart(*fields)) == 303
    assert language(stand) == "id"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"a=b", 415),
        ("application/json", b"{}", 415),
        ("", b"a=b", 415),
        ("application/x-www-form-urlencoded", b"\xff=1", 400),
        ("application/x-www-form-urlencoded", b"csrf=%ff", 400),
        ("application/x-www-form-urlencoded", b"csrf=1&" * 2001, 400),
        ("application/x-www-form-urlencoded", b"csrf=" + b"x" * 100_000, 413),
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n", 400),
        ("multipart/form-data; boundary=b", multipart(part("csrf", b"x"))[:-4], 400),
        ("multipart/form-data; boundary=b", multipart(b"\r\nx"), 400),
        ("multipart/form-data; boundary=b", multipart(part("csrf", b"\xff")), 400),
        ("multipart/form-data; boundary=b", multipart(part("roles", b"admin")), 400),
        ("multipart/form-data; boundary=b", multipart(part("roles", b"x", '; filename="x"')), 400),
        ("multipart/form-data; boundary=b", multipart(b"X: " + b"x" * 9000 + b"\r\n" + part("csrf", b"x")), 400),
        ("multipart/form-data; boundary=" + "b" * 99, multipart(part("csrf", b"x")), 400),
    ],
)
def test_what_is_no_form_of_the_screen_is_refused(stand: Stand, kind: str, body: bytes, status: int) -> None:
    browser = stand.signed_in()
    assert _sent(browser, body, **{"content-type": kind}) == status


def test_many_files_and_a_packed_form_are_refused(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "FIELDS_MAX", 30)
    browser = stand.signed_in()
    assert _sent(browser, multipart(*[part("csrf", b"x")] * 31)) == 400
    assert _sent(browser, b"x", **{"content-encoding": "gzip"}) == 415
    files = [part("csrf", b"x", '; filename="x"')] * (forms.FILES_MAX + 1)
    assert _sent(browser, multipart(*files)) == 400
