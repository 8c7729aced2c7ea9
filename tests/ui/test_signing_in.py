"""Signing in: one way in, one answer to all that is wrong, and what is kept of it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from tests.browser import PASSWORD, Browser, Stand, standing
from tests.timing import area, chance_deviation

from comity.errors import Unauthenticated
from comity.web.ui.signing_in import NAME_MOST

pytestmark = pytest.mark.slow


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as made:
        yield made


def test_whoever_looks_for_a_page_is_led_to_the_door_and_back(stand: Stand) -> None:
    browser = stand.signed_in()
    browser.cookie = ""
    reply = browser.get("/admin/people?x=1%202")
    assert (reply.status, reply.header("location")) == (303, "/sign-in?then=%2Fadmin%2Fpeople%3Fx%3D1%25202")
    page = browser.get(reply.header("location") or "")
    assert b'name="then" value="/admin/people?x=1%202"' in page.body
    assert browser.sign_in("admin", PASSWORD, then="/admin/people").header("location") == "/admin/people"
    assert browser.get("/admin/people").status == 200


def test_the_secret_that_was_handed_over_leads_to_a_password_and_nowhere_else(stand: Stand) -> None:
    browser = stand.browser()
    assert browser.sign_in("admin", stand.secret, then="/admin/people").header("location") == "/account"
    for path in ("/", "/admin/people", "/account/factor"):
        reply = browser.get(path)
        assert (reply.status, reply.header("location")) == (303, "/account"), path
    refused = browser.send("/admin/people", {"name": "eve", "role": ["admin"]})
    assert refused.status == 403
    assert b"First set a password" in refused.body
    assert browser.send("/account/password", {"new": PASSWORD, "again": PASSWORD}).status == 303
    assert browser.get("/admin/people").status == 200
    assert stand.browser().sign_in("admin", stand.secret).status == 401, "the secret counts no more"
    assert stand.browser().sign_in("admin", PASSWORD).status == 303


@pytest.mark.parametrize(
    ("new", "again"),
    [("short", "short"), ("x" * 1001, "x" * 1001), (PASSWORD, PASSWORD + "x"), ("ADMINISTRATOR", "ADMINISTRATOR")],
)
def test_a_password_is_long_enough_twice_the_same_and_not_the_name(stand: Stand, new: str, again: str) -> None:
    made = stand.node.add_user("administrator", ["admin"])
    browser = stand.browser()
    browser.sign_in("administrator", made.secret)
    assert browser.send("/account/password", {"new": new, "again": again}).status == 422
    assert browser.get("/").status == 303


def test_whatever_is_wrong_the_answer_is_the_same_bytes(stand: Stand) -> None:
    browser = stand.signed_in()
    with stand.node.acting("admin", PASSWORD):
        bert = stand.node.add_user("bert", ["reader"])
        gone = stand.node.add_user("gone", ["reader"])
        stand.node.disable_user("gone")
    second_factor(stand, browser)
    tries = [
        ("nobody", "x", ""),
        ("admin", "x" * 20, ""),
        ("admin", PASSWORD, ""),
        ("admin", PASSWORD, "000000"),
        ("admin", stand.secret, ""),
        ("bert", "x", ""),
        ("bert", bert.secret + "x", "000000"),
        ("gone", gone.secret, ""),
        ("admin", "", ""),
        ("", "", ""),
        ("admin\0", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "é"),
    ]
    answers = set()
    for one in tries:
        reply = stand.browser().sign_in(*one)
        headers = [pair for pair in reply.headers if pair[0] != b"x-request-id"]
        answers.add((reply.status, tuple(headers), reply.body))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401


def test_all_of_them_do_the_same_work(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes time is hashing: once for each try, whatever it is. The clock has its say in `test_timing`."""
    stand.signed_in()
    with stand.node.acting("admin", PASSWORD):
        stand.node.add_user("bert", ["reader"])
    hasher = stand.node._passwords()
    counted: list[str] = []
    real = hasher.holds

    def holds(kept: str, password: str) -> bool:
        counted.append(kept)
        return real(kept, password)

    monkeypatch.setattr(hasher, "holds", holds)
    for name in ("nobody", "admin", "bert"):
        before = len(counted)
        stand.browser().sign_in(name, "wrong" * 5)
        assert len(counted) - before == 1, name


def second_factor(stand: Stand, browser: Browser) -> tuple[str, list[str]]:
    """The account has a second factor: its secret, and the codes that stand in for it."""
    page = browser.get("/account/factor").body.decode()
    assert "<svg" in page
    assert "style=" not in page
    with stand.node.acting_for(stand.node.users()[0]):
        session = stand.node.own_sessions()[0].id
        secret, _ = stand.node.pending_factor(session)
    reply = browser.send("/account/factor", {"code": pyotp.TOTP(secret).at(stand.clock.now())})
    assert reply.status == 200
    return secret, [each.split("<")[0] for each in reply.body.decode().split('class="copyable">')[1:]]


def test_a_second_factor_is_set_up_with_a_code_of_it_and_each_code_counts_once(stand: Stand) -> None:
    browser = stand.signed_in()
    assert browser.send("/account/factor", {"code": "000000"}).status == 422
    secret, recovery = second_factor(stand, browser)
    totp = pyotp.TOTP(secret)
    assert stand.browser().sign_in("admin", PASSWORD, totp.at(stand.clock.now())).status == 401, "it set it up"
    stand.clock.move(seconds=30)
    code = totp.at(stand.clock.now())
    assert stand.browser().sign_in("admin", PASSWORD, f" {code[:3]} {code[3:]} ").status == 303
    assert stand.browser().sign_in("admin", PASSWORD, code).status == 401
    stand.clock.move(seconds=60)
    assert stand.browser().sign_in("admin", PASSWORD, totp.at(stand.clock.now(), counter_offset=-2)).status == 401
    assert stand.browser().sign_in("admin", PASSWORD, totp.at(stand.clock.now(), counter_offset=1)).status == 303
    assert stand.browser().sign_in("admin", PASSWORD, totp.at(stand.clock.now())).status == 401, "a later one was used"
    assert len(set(recovery)) == 10
    assert stand.browser().sign_in("admin", PASSWORD, recovery[3].upper().replace("-", " ")).status == 303
    assert stand.browser().sign_in("admin", PASSWORD, recovery[3]).status == 401


def test_new_codes_and_the_end_of_the_factor_want_the_password(stand: Stand) -> None:
    browser = stand.signed_in()
    _, old = second_factor(stand, browser)
    assert browser.send("/account/codes", {"current": "x" * 12}).status == 422
    reply = browser.send("/account/codes", {"current": PASSWORD})
    assert reply.status == 200
    new = [each.split("<")[0] for each in reply.body.decode().split('class="copyable">')[1:]]
    assert stand.browser().sign_in("admin", PASSWORD, old[0]).status == 401
    assert stand.browser().sign_in("admin", PASSWORD, new[0]).status == 303
    assert browser.send("/account/factor/remove", {"current": "x" * 12}).status == 422
    assert browser.send("/account/factor/remove", {"current": PASSWORD}).status == 303
    assert stand.browser().sign_in("admin", PASSWORD).status == 303


def test_another_password_wants_the_one_before_and_ends_the_other_sessions(stand: Stand) -> None:
    mine, other = stand.signed_in(), stand.signed_in()
    new = {"new": "another horse battery", "again": "another horse battery"}
    assert mine.send("/account/password", {"current": "wrong horse battery", **new}).status == 422
    assert mine.send("/account/password", {"current": PASSWORD, **new}).status == 303
    assert mine.get("/account").status == 200
    assert other.get("/account").status == 303


# -- how often --------------------------------------------------------------------------------------------------------
def test_who_fails_too_often_waits_and_nobody_elsewhere_keeps_a_holder_out(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.signed_in()
    stranger = stand.browser()
    failures = stand.asker.app.services.failures
    assert failures is not None
    monkeypatch.setattr("comity.web.ui.signing_in.network_of", lambda _: "198.51.100.0")
    for _ in range(NAME_MOST):
        assert stranger.sign_in("admin", "x" * 12).status == 401
    refused = stranger.sign_in("admin", PASSWORD)
    assert refused.status == 429, "not even looked at"
    assert refused.header("retry-after")
    monkeypatch.undo()
    assert stand.browser().sign_in("admin", PASSWORD).status == 303, "known from this network"
    for _ in range(NAME_MOST):
        stand.browser().sign_in("admin", "x" * 12)
    assert stand.browser().sign_in("admin", PASSWORD).status == 429, "counted apart here"


def test_an_unknown_name_is_counted_like_a_known_one(stand: Stand) -> None:
    stand.signed_in()
    answers = []
    for name in ("nobody", "bert"):
        if name == "bert":
            with stand.node.acting("admin", PASSWORD):
                stand.node.add_user("bert", ["reader"])
        answers.append([stand.browser().sign_in(name, "x" * 12).status for _ in range(NAME_MOST)])
    assert answers[0] == answers[1] == [401] * NAME_MOST
    assert {stand.browser().sign_in(name, "x" * 12).status for name in ("nobody", "bert")} == {429}


# -- what is kept -----------------------------------------------------------------------------------------------------
def test_what_is_noted_says_who_and_whence_and_nothing_that_was_typed(stand: Stand) -> None:
    browser = stand.signed_in()
    id = stand.node.users()[0].id
    stand.browser().sign_in("admin", "hunter2hunter2")
    stand.browser().sign_in("hunter2hunter2", "x")
    browser.send("/sign-out", {})
    assert stand.rows("sign-in")
    assert all(row.startswith(f"{id} 192.0.2.7") for row in stand.rows("sign-in"))
    assert stand.rows("sign-in-failed") == [f'{id} 192.0.2.7 {{"name":"admin"}}', " 192.0.2.7 {}"]
    assert len(stand.rows("sign-out")) == 1
    stand.asker.app.services.failures.share()  # type: ignore[union-attr]
    for secret in (PASSWORD, stand.secret, browser.cookie or "-" * 43, "hunter2hunter2"):
        with stand.node.store.read() as snapshot:
            assert snapshot.find_everywhere(secret) == [], secret


def test_an_account_is_shown_without_what_it_signs_in_with(stand: Stand) -> None:
    browser = stand.signed_in()
    secret, _ = second_factor(stand, browser)
    account = stand.node.users()[0]
    told = repr(account) + browser.get("/account").body.decode() + browser.get("/admin/people").body.decode()
    for hidden in (account.password, account.digest, secret, *account.recovery):
        assert hidden
        assert hidden not in told


def test_a_weaker_hash_is_renewed_and_no_session_ends_by_it(stand: Stand) -> None:
    browser = stand.signed_in()
    before = stand.node.users()[0].password
    stand.node._passwords().cost += 1
    assert stand.browser().sign_in("admin", PASSWORD).status == 303
    after = stand.node.users()[0].password
    assert before != after
    assert "t=4" in after
    assert browser.get("/account").status == 200


# -- links ------------------------------------------------------------------------------------------------------------
def test_a_link_changes_nothing_when_it_is_read_and_signs_in_once(stand: Stand) -> None:
    stand.signed_in()
    link = stand.node.new_link("admin").secret
    for _ in range(3):
        assert stand.browser().get(f"/sign-in/link/{link}").status == 200
    assert stand.browser().get(f"/sign-in/link/{'A' * 43}").status == 200, "whether it holds is not told"
    browser = stand.browser()
    assert browser.post(f"/sign-in/link/{link}", {}).status == 303
    assert browser.get("/account").status == 200
    assert stand.browser().post(f"/sign-in/link/{link}", {}).status == 401


def test_a_link_is_over_after_ten_minutes_and_when_the_account_is_reset(stand: Stand) -> None:
    stand.signed_in()
    late = stand.node.new_link("admin").secret
    stand.clock.move(seconds=600)
    assert stand.browser().post(f"/sign-in/link/{late}", {}).status == 401
    void = stand.node.new_link("admin").secret
    stand.node.recover_user("admin", "a test")
    assert stand.browser().post(f"/sign-in/link/{void}", {}).status == 401


def test_a_link_does_not_stand_in_for_the_second_factor(stand: Stand) -> None:
    _, codes = second_factor(stand, stand.signed_in())
    link = stand.node.new_link("admin").secret
    assert stand.browser().post(f"/sign-in/link/{link}", {}).status == 401
    assert stand.browser().post(f"/sign-in/link/{link}", {"code": codes[0]}).status == 303


def test_whoever_made_a_link_for_another_is_named_until_a_new_password(stand: Stand) -> None:
    stand.signed_in()
    with stand.node.acting("admin", PASSWORD):
        secret = stand.node.add_user("bert", ["approver"], person="Bert").secret
    bert = stand.browser()
    bert.sign_in("bert", secret)
    bert.send("/account/password", {"new": PASSWORD, "again": PASSWORD})
    assert stand.node.users()[1].handed_by == ""
    with stand.node.acting("admin", PASSWORD):
        link = stand.node.new_link("bert").secret
    assert stand.node.users()[1].handed_by == ""
    assert stand.browser().post(f"/sign-in/link/{link}", {}).status == 303
    assert stand.node.users()[1].handed_by == "admin"
    assert b"may have signed in as you" in bert.get("/account").body


# -- the clock --------------------------------------------------------------------------------------------------------
@pytest.mark.deep
def test_the_clock_does_not_tell_a_name_from_none(stand: Stand) -> None:
    """Whoever listens guesses little better than by chance whether a name exists, with a password or without."""
    stand.signed_in()
    with stand.node.acting("admin", PASSWORD):
        stand.node.add_user("bert", ["reader"])
    took: dict[str, list[float]] = {"nobody": [], "admin": [], "bert": []}
    for turn in range(60):
        for name in sorted(took, key=lambda each: hash((each, turn))):
            before = time.perf_counter()
            with pytest.raises(Unauthenticated):
                stand.node.sign_in(name, f"wrong horse {turn}")
            took[name].append(time.perf_counter() - before)
    for name in ("admin", "bert"):
        assert area(took["nobody"], took[name]) <= 0.55 + 3.5 * chance_deviation(60), name


def test_the_clock_would_tell_where_nobody_costs_nothing(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.signed_in()
    hasher = stand.node._passwords()
    real = hasher.holds
    monkeypatch.setattr(hasher, "holds", lambda kept, given: bool(kept) and real(kept, given))
    with pytest.raises(AssertionError):
        test_all_of_them_cost_a_hashing(stand)


def test_all_of_them_cost_a_hashing(stand: Stand) -> None:
    stand.signed_in()
    least = dict.fromkeys(("nobody", "admin"), 9.0)
    for _ in range(5):
        for name in least:
            before = time.process_time()
            with pytest.raises(Unauthenticated):
                stand.node.sign_in(name, "wrong horse")
            least[name] = min(least[name], time.process_time() - before)
    assert 0.5 <= least["nobody"] / least["admin"] <= 2
