"""Sessions: what they open, when they end, and who may do what with one."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.browser import HTML, PASSWORD, Browser, Stand, standing
from tests.screens import TABLE

from comity.node.people import ROLES
from comity.web import door
from comity.web.call import Call, Headers
from comity.web.routes import ROUTES, Route, Rule
from comity.web.visiting import CSP

pytestmark = pytest.mark.slow


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as made:
        yield made


def pages() -> list[Route]:
    """Every route that a session opens."""
    return [route for route in ROUTES if route.page is not None]


def path_of(route: Route) -> str:
    """An address of that route."""
    return route.template.replace("{", "").replace("}", "")


# -- who may do what --------------------------------------------------------------------------------------------------
def test_every_page_is_in_the_table_and_names_who_may(stand: Stand) -> None:
    assert {route.template for route in pages()} == TABLE.keys()
    assert all(route.rule in (Rule.SESSION, Rule.HOME) for route in pages())
    for route in pages():
        assert route.page is not None
        assert bool(route.page.look) == bool(route.page.looks), "whoever may look is named"
        assert bool(route.page.act) == bool(route.page.acts), "and whoever may act"


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_the_table_says_and_nothing_else(stand: Stand, role: str) -> None:
    browser = stand.person("bert", [role])
    token = browser.csrf()
    looked = {route.template for route in pages() if browser.get(path_of(route)).status not in (403, 405)}
    assert looked == {template for template, (looks, _) in TABLE.items() if role in looks}
    acted = set()
    # What would end the session comes last.
    for route in sorted(pages(), key=lambda route: route.template == "/sign-out"):
        reply = browser.post(path_of(route), {"csrf": token})
        if reply.status not in (403, 405):
            acted.add(route.template)
    assert acted == {template for template, (_, acts) in TABLE.items() if role in acts}


def test_nobody_may_do_anything_without_a_session(stand: Stand) -> None:
    browser = stand.browser()
    for route in pages():
        path = path_of(route)
        assert route.page is not None
        reply = browser.get(path)
        assert reply.status == (303 if route.page.look else 405), path
        assert browser.post(path, {}).status == (401 if route.page.act else 405), path
        assert browser.get(path, accept="application/json").status == (401 if route.page.look else 405), path


# -- what a session opens, and a token does not -----------------------------------------------------------------------
def test_a_session_opens_pages_and_nothing_else(stand: Stand) -> None:
    browser = stand.signed_in()
    for route in ROUTES:
        if route.rule in (Rule.TOKEN, Rule.LOOPBACK):
            assert browser.get(path_of(route), accept="*/*").status in (401, 404), route.template


def test_a_token_opens_no_page_but_the_first(stand: Stand) -> None:
    token = stand.node.new_token("siem", read=["all"], write=["all"])
    for route in pages():
        if route.rule is Rule.HOME:
            continue
        reply = stand.asker.ask("GET", path_of(route), token, headers={"accept": "*/*"})
        assert reply.status in (401, 405), route.template
    first = stand.asker.ask("GET", "/", token, headers={"accept": HTML})
    assert first.status == 200
    assert b"siem" in first.body
    assert stand.asker.ask("GET", "/", headers={"accept": "*/*"}).status == 401
    assert stand.asker.ask("GET", "/", headers={"accept": HTML}).status == 303


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_connections(stand: Stand) -> None:
    reply = stand.browser().sign_in("admin", stand.secret)
    name, _, rest = (reply.header("set-cookie") or "").partition("=")
    assert (name, rest.partition(";")[2]) == ("comity", " Path=/; HttpOnly; SameSite=Lax")
    call = Call(stand.asker.app.services, "0" * 16, "GET", "https", "/", b"", Headers([]), "192.0.2.7")
    assert door.cookie_with(call, "x") == ("Set-Cookie", "__Host-comity=x; Path=/; HttpOnly; SameSite=Lax; Secure")
    plain = replace(call, headers=Headers([(b"cookie", b"comity=" + b"A" * 43)]))
    assert door.secret_of(plain) is None, "over https another name is looked for"


def test_two_cookies_of_the_name_are_none(stand: Stand) -> None:
    browser = stand.signed_in()
    planted = f"comity={'A' * 43}; comity={browser.cookie}"
    assert browser.get("/account", cookie=planted).status == 303
    assert browser.get("/account", cookie=f"other=1; comity={browser.cookie}").status == 200


def test_pages_carry_their_policy_and_are_kept_by_nobody(stand: Stand) -> None:
    browser = stand.signed_in()
    for path in ("/", "/account", "/sign-in", "/admin/tokens", "/account/nothing"):
        reply = browser.get(path)
        said = [value.decode() for name, value in reply.headers if name == b"content-security-policy"]
        assert said == [CSP], path
        assert reply.header("cache-control") == "no-store"
        assert reply.header("referrer-policy") == "same-origin", "else a browser says `Origin: null`"
        assert b"style=" not in reply.body
        scripts = re.findall(rb"<script[^>]*>[^<]*", reply.body)
        assert all(
            re.fullmatch(rb'<script [^>]*src="/static/[a-z.]+[0-9a-f]{32}\.js"[^>]*>', one) for one in scripts
        ), path


def test_static_files_are_for_everybody(stand: Stand) -> None:
    reply = stand.browser().get("/static/comity.css")
    assert reply.status == 200
    assert stand.browser().get("/static/comity.css", **{"if-none-match": reply.header("etag") or ""}).status == 304
    assert stand.browser().get("/static/..%2fpages.py").status in (401, 404)
    assert stand.browser().get("/static/nothing.css").status == 404


def test_an_error_is_told_in_the_look_of_a_page_with_its_request(stand: Stand) -> None:
    browser = stand.person("bert", ["reader"])
    reply = browser.get("/admin/people")
    assert reply.status == 403
    assert b"bert is no admin." in reply.body
    assert (reply.header("x-request-id") or "-").encode() in reply.body
    assert browser.get("/nothing/of/that/name").status == 404
    problem = browser.get("/admin/people", accept="application/json")
    assert problem.json["code"] == "not-authorized"


# -- when it ends -----------------------------------------------------------------------------------------------------
def test_it_ends_after_two_hours_without_a_request_and_after_twelve_in_any_case(stand: Stand) -> None:
    browser = stand.signed_in()
    for _ in range(7):
        stand.clock.move(seconds=100 * 60)
        assert browser.get("/account").status == 200
        stand.node.looks.flush()
    stand.clock.move(seconds=20 * 60)
    assert browser.get("/account").status == 303, "twelve hours are over"
    other = stand.signed_in()
    stand.clock.move(seconds=120 * 60)
    assert other.get("/account").status == 303


def test_a_clock_that_is_put_back_gives_no_session_back(stand: Stand) -> None:
    browser = stand.signed_in()
    stand.clock.move(hours=13)
    assert browser.get("/account").status == 303
    stand.node.guard.look()
    stand.clock.jump(hours=-13)
    assert browser.get("/account").status == 303


def _resets(stand: Stand) -> None:
    with stand.node.acting("admin", PASSWORD):
        stand.node.reset_user("bert")


def _disables(stand: Stand) -> None:
    with stand.node.acting("admin", PASSWORD):
        stand.node.disable_user("bert")


@pytest.mark.parametrize(
    "act", [_resets, _disables, lambda stand: stand.node.recover_user("bert", "a test")], ids=["reset", "disable", "re"]
)
def test_it_ends_when_the_account_is_reset_recovered_or_disabled(stand: Stand, act: object) -> None:
    browser = stand.person("bert", ["reader"])
    other = stand.signed_in()
    assert callable(act)
    act(stand)
    assert browser.get("/account").status == 303
    assert other.get("/account").status == 200
    if act is not _disables:
        return
    with stand.node.acting("admin", PASSWORD):
        stand.node.reset_user("bert")
    assert browser.get("/account").status == 303, "and does not come back with the account"


def test_signing_out_ends_it_here_and_on_the_node(stand: Stand) -> None:
    browser = stand.signed_in()
    kept = browser.cookie
    reply = browser.send("/sign-out", {})
    assert (reply.status, reply.header("location")) == (303, "/sign-in")
    assert reply.header("clear-site-data") == '"cookies"'
    assert browser.cookie == ""
    browser.cookie = kept
    assert browser.get("/account").status == 303


def test_a_person_sees_and_ends_their_other_sessions(stand: Stand) -> None:
    mine, other = stand.signed_in(), stand.signed_in()
    page = mine.get("/account").body.decode()
    ids = [each.split('"')[0] for each in page.split('name="session" value="')[1:]]
    assert len(ids) >= 1
    assert "a made browser" in page
    for id in ids:
        assert mine.send("/account/sessions", {"session": id}).status == 303
    assert other.get("/account").status == 303
    assert mine.get("/account").status == 200


def test_what_is_over_is_forgotten(stand: Stand) -> None:
    stand.signed_in()
    id = stand.node.users()[0].id
    stand.clock.move(hours=13)
    stand.node.work()
    with stand.node.store.read() as snapshot:
        assert snapshot.sessions(id) == []


# -- administration ---------------------------------------------------------------------------------------------------
def test_an_account_is_made_reset_and_disabled_by_pages(stand: Stand) -> None:
    admin = stand.signed_in()
    page = admin.send("/admin/people", {"name": "carla", "role": ["reader", "auditor"]})
    assert page.status == 200
    secret = page.body.decode().split('class="copyable">')[1].split("<")[0]
    carla = stand.browser()
    assert carla.sign_in("carla", secret).status == 303
    assert secret.encode() not in admin.get("/admin/people").body
    assert admin.send("/admin/people", {"name": "carla", "role": ["reader"]}).status == 422
    page = admin.send("/admin/people/reset", {"name": "carla"})
    assert page.status == 200
    assert carla.get("/account").status == 303
    again = page.body.decode().split('class="copyable">')[1].split("<")[0]
    assert carla.sign_in("carla", again).status == 303
    assert admin.send("/admin/people/disable", {"name": "carla"}).status == 200
    assert carla.get("/account").status == 303
    assert admin.send("/admin/people/disable", {"name": "admin"}).status == 409, "the last one"
    assert admin.send("/admin/people/reset", {"name": "admin"}).status == 409


def test_the_tokens_of_who_is_disabled_are_named(stand: Stand) -> None:
    admin = stand.signed_in()
    bert = stand.person("bert", ["admin"])
    stand.person("carla", ["approver"])
    made = bert.send("/admin/tokens", {"name": "of-bert", "read": ["all"], "days": "9", "partner": ""})
    assert made.status == 200
    admin.send("/admin/tokens", {"name": "of-admin", "read": ["all"], "days": "9", "partner": ""})
    page = admin.send("/admin/people/disable", {"name": "bert"})
    assert b"of-bert" in page.body
    assert b"of-admin" not in page.body
    id = page.body.decode().split('name="token" value="')[1].split('"')[0]
    assert admin.send("/admin/tokens/revoke", {"token": id}).status == 303
    assert admin.send("/admin/tokens", {"name": "", "read": ["all"], "days": "9"}).status == 422
    assert admin.send("/admin/tokens", {"name": "x", "read": ["all"], "days": "9999"}).status == 422


def test_language_and_theme_are_kept(stand: Stand) -> None:
    browser = stand.signed_in()
    assert browser.send("/account/looks", {"language": "id", "theme": "dark"}).status == 303
    page = browser.get("/account").body
    assert b'lang="id"' in page
    assert b'data-theme="dark"' in page
    assert browser.send("/account/looks", {"language": "xx", "theme": "dark"}).status == 422
    assert browser.send("/account/looks", {"language": "", "theme": "pink"}).status == 422


def test_what_is_done_by_pages_is_done_by_the_account(stand: Stand) -> None:
    browser: Browser = stand.person("bert", ["admin"])
    browser.send("/admin/people", {"name": "carla", "role": ["reader"]})
    bert = next(one for one in stand.node.users() if one.name == "bert")
    carla = next(one for one in stand.node.users() if one.name == "carla")
    assert carla.handed_by == "bert"
    with stand.node.acting("admin", PASSWORD):
        rows = stand.node.audit_log(account=bert.id, acts=["record"])
    assert any(carla.id in row.what for row in rows)
