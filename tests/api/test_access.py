"""Who may call which operation: deny by default, by role, by token and by session."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.asgi import Reply
from tests.browser import HOST, ORIGIN, PASSWORD, Browser, Stand, standing
from tests.operations import TABLE

from comity.errors import Conflict, Invalid, NotAuthorized, Unauthenticated
from comity.node.access import NewToken
from comity.node.people import ROLES
from comity.web.api.operation import ROOT

pytestmark = pytest.mark.slow

JSON = {"accept": "application/json", "content-type": "application/json"}
EVERY = sorted(TABLE)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as made:
        yield made


def path_of(path: str) -> str:
    """An address of the operation at that path."""
    return ROOT + path.replace("{", "").replace("}", "")


def call(
    stand: Stand, method: str, path: str, token: NewToken | None = None, body: bytes = b"{}", **more: str
) -> Reply:
    """The answer to a call that gives nothing."""
    said = JSON | {"if-match": '"nothing"', "content-length": str(len(body))} | more
    return stand.asker.ask(method, path, token, b"" if method in ("GET", "HEAD") else body, said)


def own_token(stand: Stand, name: str, password: str = PASSWORD) -> NewToken:
    """A token that acts as the account of that name."""
    with stand.node.acting(name, password):
        return stand.node.new_own_token(f"of {name}")


def is_refused(reply: Reply) -> bool:
    """Whether the roles are not those that are wanted."""
    return reply.status == 403 and reply.json["where"] == "roles"


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_call_what_the_table_says_and_nothing_else(stand: Stand, role: str) -> None:
    stand.person("bert", [role])
    token = own_token(stand, "bert")
    may = {one for one in EVERY if not is_refused(call(stand, one[0], path_of(one[1]), token))}
    assert may == {one for one, roles in TABLE.items() if role in roles}


def test_a_session_may_call_what_its_roles_may_with_what_its_page_carries(stand: Stand) -> None:
    browser = stand.person("bert", ["reader", "auditor"])
    carried = browser.get(f"{ROOT}/account").header("x-csrf")
    assert carried
    may = set()
    for method, path in EVERY:
        said = {"cookie": f"comity={browser.cookie}", "origin": ORIGIN, "x-csrf": carried}
        if not is_refused(call(stand, method, path_of(path), **said)):
            may.add((method, path))
    assert may == {one for one, roles in TABLE.items() if roles & {"reader", "auditor"}}


def test_nobody_may_call_anything_without_a_credential(stand: Stand) -> None:
    for method, path in EVERY:
        reply = call(stand, method, path_of(path))
        assert reply.status == 401, path
        assert reply.header("content-type") == "application/problem+json"
        assert reply.header("www-authenticate")


def test_a_token_that_acts_as_no_account_opens_no_operation(stand: Stand) -> None:
    admin = stand.signed_in()
    assert admin.cookie
    with stand.node.acting("admin", PASSWORD):
        stand.node.add_partner("CERT-B")
        unbound = stand.node.new_token("siem", read=["all"], write=["all"])
        theirs = stand.node.new_token("theirs", read=["all"], partner="CERT-B")
    for method, path in EVERY:
        for token in (unbound, theirs):
            reply = call(stand, method, path_of(path), token)
            assert reply.status == 403, path
            assert reply.json["where"] == "Authorization"
    # A cookie beside it changes nothing: the token is who calls.
    assert call(stand, "GET", f"{ROOT}/account", theirs, cookie=f"comity={admin.cookie}").status == 403


def test_a_token_that_acts_as_an_account_opens_no_page_and_no_collection(stand: Stand) -> None:
    stand.person("bert", list(ROLES))
    token = own_token(stand, "bert")
    assert stand.asker.ask("GET", "/admin/people", token, headers={"accept": "*/*"}).status == 401
    reply = stand.asker.ask("GET", "/taxii2/root/collections/", token)
    assert reply.json.get("collections", []) == []
    assert stand.asker.ask("GET", "/ledger/checkpoint", token, headers={"accept": "*/*"}).status == 403


# -- what ends it ------------------------------------------------------------------------------------------------------
def _disabled(stand: Stand) -> None:
    with stand.node.acting("admin", PASSWORD):
        stand.node.disable_user("bert")


def _reset(stand: Stand) -> None:
    with stand.node.acting("admin", PASSWORD):
        stand.node.reset_user("bert")


def _another_password(stand: Stand) -> None:
    with stand.node.acting("bert", PASSWORD):
        stand.node.set_password("another good password", PASSWORD)


def _revoked(stand: Stand) -> None:
    with stand.node.acting("admin", PASSWORD):
        for one in stand.node.tokens():
            stand.node.revoke_token(one.id)


def _later(stand: Stand) -> None:
    stand.clock.move(hours=91 * 24)


@pytest.mark.parametrize("end", [_disabled, _reset, _another_password, _revoked, _later])
def test_such_a_token_ends_with_what_its_account_signs_in_with(stand: Stand, end: Any) -> None:
    stand.person("bert", ["reader"])
    token = own_token(stand, "bert")
    assert call(stand, "GET", f"{ROOT}/account", token).status == 200
    end(stand)
    assert call(stand, "GET", f"{ROOT}/account", token).status == 401
    assert stand.asker.ask("GET", "/taxii2/", token).status == 401, "nor is it any other credential"


def test_a_role_that_is_taken_away_is_gone_at_once(stand: Stand) -> None:
    stand.person("bert", ["reader"])
    token = own_token(stand, "bert")
    assert call(stand, "GET", f"{ROOT}/objects", token).status == 200
    _disabled(stand)
    _reset(stand)
    assert call(stand, "GET", f"{ROOT}/objects", token).status == 401, "and does not come back with the account"


# -- who makes it ------------------------------------------------------------------------------------------------------
def test_a_token_acts_as_whoever_made_it(stand: Stand) -> None:
    stand.person("bert", ["reader"])
    with pytest.raises(Unauthenticated):
        stand.node.new_own_token("nobody's")
    with stand.node.acting("admin", PASSWORD):
        made = stand.node.new_own_token("mine")
        assert stand.node.bearer(stand.node.admit(_credential(made))) == stand.node.own_account()
        with pytest.raises(Invalid):
            stand.node.new_own_token("mine", days=181)
    assert call(stand, "GET", f"{ROOT}/account", made).json["name"] == "admin"


def _credential(made: NewToken) -> Any:
    from comity.node.access import Credential

    return Credential(made.user, made.secret)


def test_a_token_makes_no_token_that_acts_as_its_account(stand: Stand) -> None:
    browser = stand.person("bert", ["reader"])
    token = own_token(stand, "bert")
    body = b'{"name":"more"}'
    reply = call(stand, "POST", f"{ROOT}/account/tokens", token, body)
    assert (reply.status, reply.json["where"]) == (403, "Authorization")
    carried = browser.get(f"{ROOT}/account").header("x-csrf") or ""
    said = {"cookie": f"comity={browser.cookie}", "origin": ORIGIN, "x-csrf": carried}
    reply = call(stand, "POST", f"{ROOT}/account/tokens", None, body, **said)
    assert reply.status == 201
    made = NewToken(
        reply.json["user"], reply.json["secret"], reply.json["token"], "more", "", (), (), stand.clock.now()
    )
    assert call(stand, "GET", f"{ROOT}/account", made).json["by"] == "token"


# -- sessions ----------------------------------------------------------------------------------------------------------
def changing(browser: Browser, **said: str) -> Reply:
    """The answer to a change by that session, said like that."""
    headers = {"content-type": "application/json", "cookie": f"comity={browser.cookie}", "host": HOST} | said
    body = b'{"theme":"dark"}'
    headers["content-length"] = str(len(body))
    return browser.asker.ask("PUT", f"{ROOT}/account/looks", None, body, {k: v for k, v in headers.items() if v})


def test_a_session_changes_nothing_for_a_strange_page(stand: Stand) -> None:
    browser, other = stand.person("bert", ["reader"]), stand.signed_in()
    carried = browser.get(f"{ROOT}/account").header("x-csrf") or ""
    strange = other.get(f"{ROOT}/account").header("x-csrf") or ""
    assert changing(browser, origin=ORIGIN).status == 403, "nothing is carried"
    assert changing(browser, origin=ORIGIN, **{"x-csrf": strange}).status == 403, "it is of another session"
    assert changing(browser, **{"x-csrf": carried}).status == 403, "it comes from nowhere"
    assert changing(browser, origin="https://evil.example", **{"x-csrf": carried}).status == 403
    assert changing(browser, origin=ORIGIN, host="evil.example", **{"x-csrf": carried}).status == 400
    assert browser.get(f"{ROOT}/account", host="evil.example").status == 400, "nor is anything read under another name"
    assert stand.node.users()[1].theme == ""
    assert changing(browser, origin=ORIGIN, **{"x-csrf": carried}).status == 200
    assert stand.node.users()[1].theme == "dark"


def test_who_has_no_password_yet_calls_nothing_by_a_session(stand: Stand) -> None:
    stand.signed_in()
    with stand.node.acting("admin", PASSWORD):
        secret = stand.node.add_user("carla", ["reader"]).secret
    browser = stand.browser()
    assert browser.sign_in("carla", secret).status == 303
    assert browser.get(f"{ROOT}/account", accept="application/json").json["where"] == "password"


def test_failures_are_counted_as_everywhere(stand: Stand) -> None:
    stand.person("bert", ["reader"])
    token = own_token(stand, "bert")
    wrong = NewToken(token.user, "A" * 43, f"comity_{token.user}_{'A' * 43}", "", "", (), (), token.expires_at)
    found = {call(stand, "GET", f"{ROOT}/account", wrong).status for _ in range(101)}
    assert found == {401, 429}
    assert call(stand, "GET", f"{ROOT}/account", token).status == 200, "a good one is taken at any time"


def test_what_is_read_is_noted_of_the_account(stand: Stand) -> None:
    stand.person("bert", ["reader", "releaser"])
    token = own_token(stand, "bert")
    assert call(stand, "GET", f"{ROOT}/release/matrix", token).status == 200
    stand.node.looks.flush()
    (bert,) = (one for one in stand.node.users() if one.name == "bert")
    with stand.node.acting("admin", PASSWORD):
        assert [row.account for row in stand.node.audit_log(acts=["matrix"])] == [bert.id]


def test_a_token_of_an_account_reads_by_its_verbs_alone(stand: Stand) -> None:
    stand.signed_in()
    token = own_token(stand, "admin")
    for path in ("/objects", "/objects/x", "/release/preview?to=x", "/release/record?to=x"):
        assert is_refused(call(stand, "GET", ROOT + path, token)), "an administrator reads no content by that (R44)"
    with pytest.raises((NotAuthorized, Conflict)), stand.node.acting("admin", PASSWORD):
        stand.node.browse()
