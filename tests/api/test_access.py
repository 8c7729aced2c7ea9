"""Who may call which operation: deny by default, by role, by token and by session."""

from collections.abc import Callable, Iterator

import pytest
from tests.api_world import Programs
from tests.asgi import Reply
from tests.browser import HOST, ORIGIN, Browser, Stand, standing
from tests.desk_world import Desk
from tests.operations import TABLE
from tests.visiting import ROLES

from comity.errors import Invalid, Unauthenticated
from comity.node.access import Credential, NewToken
from comity.web.api.operation import ROOT

pytestmark = pytest.mark.slow

EVERY = sorted(TABLE)
World = tuple[Desk, Programs]


def path_of(path: str) -> str:
    """An address of the operation at that path, at which there is nothing."""
    return path.replace("{", "").replace("}", "")


def call(api: Programs, by: str, one: tuple[str, str], **said: str) -> Reply:
    """The answer to a call that gives nothing."""
    method, path = one
    return api.ask(by, method, path_of(path), None if method == "GET" else b"{}", if_match='"x"', **said)


def is_refused(reply: Reply) -> bool:
    """Whether the roles are not those that are wanted."""
    return reply.status == 403 and reply.json["where"] == "roles"


@pytest.mark.parametrize("name", ROLES)
def test_each_role_may_call_what_the_table_says_and_nothing_else(changing: World, name: str) -> None:
    _, api = changing
    (role,) = ROLES[name]
    may = {one for one in EVERY if not is_refused(call(api, name, one))}
    assert may == {one for one, roles in TABLE.items() if role in roles}


def test_nobody_may_call_anything_without_a_credential(looking: Programs) -> None:
    for method, path in EVERY:
        reply = looking.asker.ask(method, ROOT + path_of(path), None, b"", {"content-length": "0"})
        assert reply.status == 401, path
        assert reply.header("content-type") == "application/problem+json"
        assert reply.header("www-authenticate")


def test_a_token_that_acts_as_no_account_opens_no_operation(changing: World) -> None:
    desk, api = changing
    with desk.staff.acting("adam"):
        api.tokens["unbound"] = desk.node.new_token("siem", read=["all"], write=["all"])
        api.tokens["theirs"] = desk.node.new_token("theirs", read=["all"], partner="CERT-B")
    for one in EVERY:
        for name in ("unbound", "theirs"):
            reply = call(api, name, one)
            assert reply.status == 403, one
            assert reply.json["where"] == "Authorization"


def test_a_token_that_acts_as_an_account_opens_no_page_and_no_collection(looking: Programs) -> None:
    token = looking.tokens["adam"]
    assert looking.asker.ask("GET", "/admin/people", token, headers={"accept": "*/*"}).status == 401
    assert looking.asker.ask("GET", "/taxii2/root/collections/", token).json.get("collections", []) == []
    assert looking.asker.ask("GET", "/ledger/checkpoint", token, headers={"accept": "*/*"}).status == 403


def test_an_administrator_reads_no_content_by_that(looking: Programs) -> None:
    """R44"""
    for path in ("/objects", "/objects/x", "/release/preview?to=CERT-B", "/release/record?to=CERT-B", "/recalls"):
        assert is_refused(looking.ask("adam", "GET", path)), path


# -- what ends it ------------------------------------------------------------------------------------------------------
def _disabled(desk: Desk) -> None:
    with desk.staff.acting("adam"):
        desk.node.disable_user("rita")


def _reset(desk: Desk) -> None:
    with desk.staff.acting("adam"):
        desk.node.reset_user("rita")


def _disabled_and_reset(desk: Desk) -> None:
    _disabled(desk)
    _reset(desk)


def _recovered(desk: Desk) -> None:
    desk.node.recover_user("rita", "a test")


def _another_password(desk: Desk) -> None:
    with desk.staff.acting("rita"):
        desk.node.set_password("another good password")


def _revoked(desk: Desk) -> None:
    with desk.staff.acting("adam"):
        for one in desk.node.tokens():
            desk.node.revoke_token(one.id)


def _later(desk: Desk) -> None:
    desk.clock.move(seconds=91 * 24 * 3600)


@pytest.mark.parametrize(
    "end", [_disabled, _reset, _disabled_and_reset, _recovered, _another_password, _revoked, _later]
)
def test_such_a_token_ends_with_what_its_account_signs_in_with(changing: World, end: Callable[[Desk], None]) -> None:
    desk, api = changing
    assert api.ask("rita", "GET", "/account").status == 200
    end(desk)
    assert api.ask("rita", "GET", "/account").status == 401
    assert api.asker.ask("GET", "/taxii2/", api.tokens["rita"]).status == 401, "nor is it any other credential"


# -- who makes it ------------------------------------------------------------------------------------------------------
def test_a_token_acts_as_whoever_made_it(changing: World) -> None:
    desk, api = changing
    with pytest.raises(Unauthenticated):
        desk.node.new_own_token("nobody's")
    with desk.staff.acting("ana"):
        made = desk.node.new_own_token("mine")
        assert desk.node.bearer(desk.node.admit(Credential(made.user, made.secret))) == desk.node.own_account()
        with pytest.raises(Invalid):
            desk.node.new_own_token("mine", days=181)
    api.tokens["made"] = made
    assert api.get("made", "/account")["name"] == "ana"
    with desk.staff.acting("adam"):
        assert made.user in [one.id for one in desk.node.tokens_made_by("ana")], "it is told when ana is disabled"


def test_a_token_makes_no_token_that_acts_as_its_account(looking: Programs) -> None:
    reply = looking.ask("rita", "POST", "/account/tokens", {"name": "more"})
    assert (reply.status, reply.json["where"]) == (403, "Authorization")


def test_failures_are_counted_as_everywhere(changing: World) -> None:
    _, api = changing
    user, good = api.tokens["rita"].user, api.tokens["rita"]
    api.tokens["wrong"] = NewToken(user, "A" * 43, f"comity_{user}_{'A' * 43}", "", "", (), (), good.expires_at)
    found = {api.ask("wrong", "GET", "/account").status for _ in range(101)}
    assert found == {401, 429}
    assert api.ask("rita", "GET", "/account").status == 200, "a good one is taken at any time"


def test_what_is_read_is_noted_of_the_account(changing: World) -> None:
    desk, api = changing
    (rita,) = (one for one in desk.node.users() if one.name == "rita")
    api.get("rita", "/recalls?purpose=a+case")
    desk.node.looks.flush()
    with desk.staff.acting("adam"):
        rows = desk.node.audit_log(acts=["recalls"], account="rita")
    assert [(row.account, row.purpose) for row in rows] == [(rita.id, "a case")]


# -- sessions ----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("stand")) as made:
        yield made


@pytest.fixture(scope="module")
def admin(stand: Stand) -> Browser:
    """The browser of the administrator."""
    return stand.signed_in()


@pytest.fixture(scope="module")
def bert(stand: Stand, admin: Browser) -> Browser:
    """The browser of a reader and auditor."""
    assert admin.cookie
    return stand.person("bert", ["reader", "auditor"])


def carried(browser: Browser) -> str:
    """What any answer to the session carries."""
    return browser.get(f"{ROOT}/account").header("x-csrf") or ""


def sent(browser: Browser, method: str, path: str, body: bytes = b"{}", **said: str) -> Reply:
    """The answer to a call of that session, said like that and no more."""
    headers = {"content-type": "application/json", "cookie": f"comity={browser.cookie}", "host": HOST} | {
        name.replace("_", "-"): value for name, value in said.items()
    }
    headers |= {"content-length": str(len(body))}
    return browser.asker.ask(method, ROOT + path, None, body, {name: value for name, value in headers.items() if value})


def test_a_session_may_call_what_its_roles_may_with_what_its_page_carries(bert: Browser) -> None:
    token = carried(bert)
    may = {
        one
        for one in EVERY
        if not is_refused(sent(bert, one[0], path_of(one[1]), origin=ORIGIN, x_csrf=token, if_match='"x"'))
    }
    assert may == {one for one, roles in TABLE.items() if roles & {"reader", "auditor"}}


def test_a_session_changes_nothing_for_a_strange_page(stand: Stand, bert: Browser, admin: Browser) -> None:
    theirs, strange = carried(bert), carried(admin)
    body = b'{"theme":"dark"}'

    def looks(**said: str) -> int:
        return sent(bert, "PUT", "/account/looks", body, **said).status

    assert looks(origin=ORIGIN) == 403, "nothing is carried"
    assert looks(origin=ORIGIN, x_csrf=strange) == 403, "it is of another session"
    assert looks(x_csrf=theirs) == 403, "it comes from nowhere"
    assert looks(origin="https://evil.example", x_csrf=theirs) == 403
    assert looks(origin=ORIGIN, x_csrf=theirs, host="evil.example") == 400
    assert bert.get(f"{ROOT}/account", host="evil.example").status == 400, "nor is anything read under another name"
    assert {one.theme for one in stand.node.users()} == {""}
    assert looks(origin=ORIGIN, x_csrf=theirs) == 200
    assert {one.name for one in stand.node.users() if one.theme == "dark"} == {"bert"}


def test_a_session_makes_a_token_that_acts_as_its_account(stand: Stand, bert: Browser) -> None:
    reply = sent(bert, "POST", "/account/tokens", b'{"name":"more"}', origin=ORIGIN, x_csrf=carried(bert))
    assert reply.status == 201
    told = reply.json
    made = NewToken(told["user"], told["secret"], told["token"], "more", "", (), (), stand.clock.now())
    mine = stand.asker.ask("GET", f"{ROOT}/account", made).json
    assert (mine["name"], mine["by"]) == ("bert", "token")


def test_a_token_is_who_calls_whatever_cookie_is_beside_it(stand: Stand, admin: Browser) -> None:
    made = NewToken("x" * 16, "A" * 43, f"comity_{'x' * 16}_{'A' * 43}", "", "", (), (), stand.clock.now())
    said = {"cookie": f"comity={admin.cookie}"}
    assert stand.asker.ask("GET", f"{ROOT}/account", made, headers=said).status == 401


def test_who_has_no_password_yet_calls_nothing_by_a_session(stand: Stand, admin: Browser) -> None:
    assert admin.cookie
    with stand.node.acting_for(stand.node.users()[0]):
        secret = stand.node.add_user("carla", ["reader"]).secret
    browser = stand.browser()
    assert browser.sign_in("carla", secret).status == 303
    assert browser.get(f"{ROOT}/account", accept="application/json").json["where"] == "password"
