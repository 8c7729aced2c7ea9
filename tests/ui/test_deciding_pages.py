"""What holds for every screen by which is decided what leaves: who may look and act, what nobody is shown, and that
what is forged changes nothing."""

import re
from collections.abc import Callable, Iterator

import pytest
from tests.desk_world import PAGES, Desk, found_page
from tests.visiting import ROLES, Seen

from comity.errors import ComityError, Invalid, NotAuthorized, NotFound
from comity.node.people import READING
from comity.node.people import ROLES as ALL_ROLES
from comity.node.viewing import Viewer, Viewing
from comity.web.answer import HTML_TYPE, Answer
from comity.web.problems import status_of

EVERYBODY = set(ROLES)
READERS = {"rita", "ana", "rolf", "petra"}
TOLD = READERS | {"arno"}
LOOKS: dict[str, set[str]] = {
    "/partners": EVERYBODY,
    "/partners/new": {"adam"},
    "/partners/{partner}": EVERYBODY,
    "/partners/{partner}/edit": {"adam"},
    "/partners/{partner}/step": {"adam"},
    "/release/preview": TOLD,
    "/release/preview.json": TOLD,
    "/release/preview.stix.json": TOLD,
    "/release/publish": {"rolf"},
    "/release/unpublish": {"rolf"},
    "/release/matrix": TOLD,
    "/release/matrix.json": TOLD,
    "/release/record": TOLD,
    "/release/record.json": TOLD,
    "/release/record.csv": TOLD,
    "/policy": EVERYBODY,
    "/policy/edit": {"adam"},
    "/approvals": EVERYBODY,
    "/approvals/{proposal}": EVERYBODY,
    "/recalls": TOLD,
    "/recalls/new": {"rolf"},
    "/recalls/{recall}": TOLD,
    "/ledger": EVERYBODY,
    "/ledger/checkpoint.txt": EVERYBODY,
    "/ledger/entries/{seq}": {"rolf", "adam", "arno"},
    "/ledger/entries/{seq}/proof": {"rolf", "adam"},
    "/sources": EVERYBODY,
    "/sources/{source}": EVERYBODY,
    "/admin/jobs": EVERYBODY,
    "/admin/audit": {"adam", "audra"},
    "/admin/audit/report": {"adam", "audra"},
    "/admin/audit/report.json": {"adam", "audra"},
}
"""Who may look at each page: the persons of the roles that its verbs ask for."""
ACTS: dict[str, set[str]] = {
    "/partners/new": {"adam"},
    "/partners/{partner}/edit": {"adam"},
    "/partners/{partner}/step": {"adam"},
    "/release/request": {"rolf", "adam"},
    "/release/publish": {"rolf"},
    "/release/unpublish": {"rolf"},
    "/policy/edit": {"adam"},
    "/approvals/{proposal}/approve": {"adam", "petra"},
    "/approvals/{proposal}/reject": EVERYBODY,
    "/recalls/new": {"rolf"},
    "/ledger/verify": EVERYBODY,
    "/ledger/sign": EVERYBODY,
    "/ledger/export": {"rolf", "adam", "arno"},
    "/sources/{source}/pause": {"adam"},
    "/sources/{source}/resume": {"adam"},
    "/sources/{source}/poll": {"adam"},
    "/admin/audit/verify": {"adam", "audra"},
}


def addresses(desk: Desk) -> list[str]:
    """An address of every page that can be looked at, with what makes it tell as much as it can."""
    b, d = desk.node.partner("CERT-B").id, desk.node.partner("CERT-D").id
    return [
        "/partners",
        "/partners/new",
        f"/partners/{b}",
        f"/partners/{b}/edit",
        f"/partners/{d}/step?step=activate",
        "/release/preview?to=CERT-C",
        "/release/preview?to=CERT-C&what_if=to.max_tlp%3Damber%2Bstrict",
        "/release/preview.json?to=CERT-C",
        "/release/preview.stix.json?to=CERT-C",
        "/release/publish?all=yes",
        "/release/unpublish?all=yes",
        "/release/matrix",
        "/release/matrix.json",
        "/release/record?to=CERT-C",
        "/release/record.json?to=CERT-C",
        "/release/record.csv?to=CERT-C",
        "/policy",
        "/policy/edit",
        "/approvals?all=yes",
        f"/approvals/{desk.waits}",
        "/recalls",
        "/recalls/new",
        f"/recalls/{desk.recall}",
        "/ledger",
        "/ledger/checkpoint.txt",
        "/ledger/entries/3",
        "/ledger/entries/3/proof",
        "/sources",
        "/sources/feed",
        "/admin/jobs",
        "/admin/audit",
        "/admin/audit/report",
        "/admin/audit/report.json",
    ]


def looks(desk: Desk) -> Iterator[tuple[str, str, str]]:
    """Each address, who looks, and what is answered; for who may."""
    for address in addresses(desk):
        for by in ROLES:
            try:
                yield address, by, desk.get(address, by).body.decode()
            except NotAuthorized:
                continue


# -- who -----------------------------------------------------------------------------------------------------------
def of_roles(roles: frozenset[str]) -> set[str]:
    return {name for name, theirs in ROLES.items() if roles & set(theirs)}


def test_every_page_is_for_exactly_those_whom_its_verbs_let() -> None:
    assert {page.template: of_roles(page.looks) for page in PAGES if page.look} == LOOKS
    assert {page.template: of_roles(page.acts) for page in PAGES if page.act} == ACTS
    assert all(page.looks <= set(ALL_ROLES) and page.acts <= set(ALL_ROLES) for page in PAGES)
    assert all(bool(page.look) == bool(page.looks) and bool(page.act) == bool(page.acts) for page in PAGES)


@pytest.mark.slow
def test_whom_the_page_lets_look_the_verbs_let_too(desk: Desk) -> None:
    """Every address is answered to everybody whose roles the page names: no gate behind it says otherwise."""
    seen = {(found_page(address.partition("?")[0])[0].template, by) for address, by, _ in looks(desk)}
    assert seen == {(template, by) for template, those in LOOKS.items() for by in those}


@pytest.mark.slow
def test_a_page_that_nobody_may_see_is_not_there(desk: Desk) -> None:
    with pytest.raises(NotAuthorized):
        desk.get("/policy/edit", "rita")
    with pytest.raises(NotFound):
        desk.get("/release/nothing")


# -- what nobody is shown ---------------------------------------------------------------------------------------------
def shown_to(desk: Desk) -> dict[str, set[str]]:
    """Of which objects each person is told by any page but those of the audit log (R44 gives auditors ids)."""
    found: dict[str, set[str]] = {by: set() for by in ROLES}
    for address, by, body in looks(desk):
        if not address.startswith("/admin/audit"):
            found[by] |= {name for name, one in desk.objects.items() if one["id"] in body}
    return found


@pytest.mark.slow
def test_no_page_shows_an_id_that_its_reader_may_not_read(desk: Desk) -> None:
    found = shown_to(desk)
    assert all("red" not in names for names in found.values())
    assert found["rolf"] >= {"green", "wrong", "cut", "amber"}
    assert all(found[by] == found["rolf"] for by in READERS)
    for by in EVERYBODY - READERS:
        assert not found[by], by


@pytest.mark.slow
def test_a_page_that_forgets_would_be_seen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Viewing, "_viewer_with", lambda *_: Viewer(everything=True, reads=True, counts=False))
    assert "red" in shown_to(desk)["rita"]


@pytest.mark.slow
def test_what_is_red_of_others_is_counted_for_who_audits_releases_alone(desk: Desk) -> None:
    words = "copies are not shown"
    for address in ("/release/preview?to=CERT-C", "/release/matrix"):
        assert words in desk.seen(address, "arno").text
        assert all(words not in desk.seen(address, by).text for by in READERS)
    assert {by for by in ROLES if set(ROLES[by]) & set(READING)} == READERS


# -- how ----------------------------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_page_is_sound_markup_and_leads_somewhere(desk: Desk, language: str) -> None:
    by = {
        address: next(who for who in ("rolf", "adam", "audra") if who in LOOKS[page_of(address)])
        for address in addresses(desk)
    }
    for address, who in by.items():
        answer = desk.get(address, who, language=language)
        if answer.media_type != HTML_TYPE:
            continue
        seen = Seen(answer)
        assert not re.search(r"\s(style|on[a-z]+)=", re.sub(r">[^<]*<", "><", seen.source)), address
        assert "<script>" not in seen.source
        ids = [facts["id"] for _, facts in seen.tags if facts.get("id")]
        assert len(ids) == len(set(ids)), address
        assert sum(tag == "h1" for tag, _ in seen.tags) == 1, address
        for tag, facts in seen.tags:
            if tag == "form" and facts.get("method") == "post" and facts["action"] != "/sign-out":
                assert page_of(str(facts["action"])) in ACTS
        for link in seen.links:
            if link.startswith(("/partners", "/release", "/policy", "/approvals", "/recalls", "/ledger", "/sources")):
                found_page(re.split(r"[?#]", link)[0])
        for labelled in re.findall(r'aria-labelledby="([^"]+)"', seen.source):
            assert labelled in ids, (address, labelled)
        fields = {
            facts.get("id")
            for tag, facts in seen.tags
            if tag in ("input", "select", "textarea")
            if facts.get("type") != "hidden"
        }
        assert fields <= {facts.get("for") for tag, facts in seen.tags if tag == "label"}, address


def page_of(address: str) -> str:
    return found_page(re.split(r"[?#]", address)[0])[0].template


@pytest.mark.slow
def test_every_form_that_changes_something_carries_the_token(desk: Desk) -> None:
    for address, by, body in looks(desk):
        for form in re.findall(r'<form[^>]*method="post".*?</form>', body, re.DOTALL):
            assert 'name="csrf"' in form, (address, by)


def status_after(asked: Callable[[], Answer]) -> int:
    """The status of a page that says what is wrong, or of the error that the application writes down."""
    try:
        return asked().status
    except ComityError as error:
        return status_of(error)[0]


# -- what is forged ---------------------------------------------------------------------------------------------------
FORGED: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("/partners/nobody/edit", "adam", {}, 404),
    ("/partners/nobody/step", "adam", {"step": "end", "shown": ""}, 404),
    ("/partners/CERT-B/step", "adam", {"step": "delete", "shown": ""}, 422),
    ("/partners/CERT-B/step", "adam", {}, 422),
    ("/partners/CERT-B/step", "adam", {"step": "end"}, 409),
    ("/partners/CERT-B/edit", "adam", {}, 409),
    ("/partners/new", "adam", {}, 422),
    ("/release/request", "rolf", {"to": "CERT-B"}, 400),
    ("/release/request", "rolf", {"to": "CERT-B", "ids": "indicator--x"}, 404),
    ("/release/request", "rolf", {"to": "nobody", "ids": "indicator--x"}, 404),
    ("/release/publish", "rolf", {}, 400),
    ("/release/publish", "rolf", {"all": "yes"}, 409),
    ("/release/publish", "rolf", {"all": "yes", "shown": "2", "hold": "-1"}, 422),
    ("/release/publish", "rolf", {"sources": "nowhere", "shown": "0"}, 404),
    ("/release/publish", "rolf", {"ids": "no id", "shown": "0"}, 422),
    ("/release/unpublish", "rolf", {"all": "yes", "shown": "7"}, 409),
    ("/release/unpublish", "rolf", {"collection": "nowhere", "shown": "0"}, 404),
    ("/policy/edit", "adam", {}, 409),
    ("/policy/edit", "adam", {"text": "permit", "cases": "", "go": "apply"}, 422),
    ("/approvals/nothing/approve", "petra", {"digest": "x"}, 404),
    ("/approvals/nothing/reject", "petra", {}, 404),
    ("/recalls/new", "rolf", {}, 400),
    ("/recalls/new", "rolf", {"what": "indicator--x", "kind": "forget", "reason": "mistake"}, 422),
    ("/recalls/new", "rolf", {"what": "indicator--x", "kind": "withdraw", "reason": ""}, 422),
    ("/recalls/new", "rolf", {"what": "indicator--x", "kind": "narrow", "reason": "mistake"}, 422),
    ("/recalls/new", "rolf", {"what": "indicator--x", "kind": "withdraw", "reason": "mistake", "shown": "x"}, 404),
    ("/ledger/export", "rolf", {"to": "nobody"}, 404),
    ("/sources/nowhere/pause", "adam", {}, 404),
    ("/sources/feed/poll", "adam", {}, 409),
    ("/sources/feed/pause", "adam", {}, 409),
)


@pytest.mark.slow
@pytest.mark.parametrize(("address", "by", "fields", "status"), FORGED)
def test_what_is_forged_or_missing_is_refused_and_changes_nothing(
    acting_desk: Desk, address: str, by: str, fields: dict[str, str], status: int
) -> None:
    before = acting_desk.state()
    assert status_after(lambda: acting_desk.post(address, by, **fields)) == status
    assert acting_desk.state() == before


LOST = (
    ("/partners/nobody", 404),
    ("/partners/nobody/edit", 404),
    ("/partners/CERT-B/step?step=x", 422),
    ("/partners/CERT-B/step?step=activate", 409),
    ("/release/preview?to=nobody", 404),
    ("/release/preview?to=CERT-B&what_if=x", 422),
    ("/release/preview?to=CERT-B&ids=x", 422),
    ("/release/preview?to=CERT-B&at=x", 422),
    ("/release/preview.json", 400),
    ("/release/matrix?to=nobody", 404),
    ("/release/matrix?action=x", 422),
    ("/release/record?to=nobody", 404),
    ("/release/record?object=indicator--x", 404),
    ("/release/record.json", 400),
    ("/policy?version=9", 404),
    ("/policy/edit?starter=x", 404),
    ("/approvals/x", 404),
    ("/recalls/x", 404),
    ("/ledger?before=x", 422),
    ("/ledger?since=x", 422),
    ("/ledger/entries/x", 404),
    ("/ledger/entries/99999", 404),
    ("/ledger/entries/99999/proof", 404),
    ("/sources/nowhere", 404),
    ("/admin/audit?since=x", 422),
    ("/admin/audit?account=nobody", 404),
    ("/admin/audit/report?from=2026-03-05&to=2026-03-01", 422),
)


@pytest.mark.slow
@pytest.mark.parametrize(("address", "status"), LOST)
def test_an_address_that_leads_nowhere_says_so(desk: Desk, address: str, status: int) -> None:
    by = next(who for who in ("rolf", "adam") if who in LOOKS[page_of(address)])
    assert status_after(lambda: desk.get(address, by)) == status


@pytest.mark.slow
def test_looking_changes_nothing(acting_desk: Desk) -> None:
    before = acting_desk.state()
    assert len(list(looks(acting_desk))) > 100
    assert acting_desk.state() == before


def test_a_field_that_is_given_twice_is_refused(desk: Desk) -> None:
    with pytest.raises(Invalid):
        desk.post("/release/publish", "rolf", ids=["a", "b"])


@pytest.mark.slow
def test_no_page_leads_its_reader_to_one_that_refuses_them(desk: Desk) -> None:
    wrong = set()
    for address, by, body in looks(desk):
        if "<!doctype html>" not in body:
            continue
        main = body.partition("<main")[2].partition("</main>")[0]
        for tag, facts in Seen(Answer(main.encode())).tags:
            link = str(facts.get("href") or facts.get("action") or "")
            posts = tag == "form" and facts.get("method") == "post"
            template = link.startswith(("/partners", "/release", "/policy", "/approvals", "/recalls", "/ledger"))
            if (template or link.startswith("/sources")) and by not in (ACTS if posts else LOOKS)[page_of(link)]:
                wrong.add((page_of(address), by, page_of(link)))
    assert not wrong
