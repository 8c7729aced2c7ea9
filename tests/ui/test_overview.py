"""The first page tells each person what waits for them, and of what they may read."""

from dataclasses import replace

import pytest
from tests.page_checks import english_on, faults
from tests.pages_world import thing
from tests.visiting import ROLES, Seen, Staff
from tests.world import MadeClock, MadeEntropy, bundle

from comity.node.node import Node
from comity.node.people import ROLES as EVERY_ROLE
from comity.stix.markings import TLP
from comity.web.ui import overview
from comity.web.ui.overview import PAGES
from comity.web.ui.overview import overview as look

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("by", list(ROLES))
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_role_has_an_overview_that_is_sound(full: Staff, by: str, language: str) -> None:
    answer = full.get(look, "/", by, language=language)
    assert answer.status == 200
    assert faults(answer) == []
    if language == "id":
        assert english_on(answer, "id") == set()


def test_everybody_who_has_an_account_may_look(full: Staff) -> None:
    (page,) = PAGES
    assert (page.template, page.act) == ("/", None)
    assert page.looks == set(EVERY_ROLE)


def test_who_reads_sees_what_is_new_and_what_is_not_read_is_not_counted(full: Staff) -> None:
    page = Seen(full.get(look, "/", "rita"))
    with full.acting("rita"):
        total = sum(full.node.arrivals().hours)
        newest = full.node.browse(limit=1, facets=False).hits[0]
    assert f"New in 24 hours {total}" in page.text
    assert f"/objects/{newest.id}" in page.links
    assert {"/search?seen=24h", "/sources/feed", "/partners/CERT-B"} <= set(page.links)
    for by in ("adam", "audra", "arno"):
        other = Seen(full.get(look, "/", by))
        assert "New in 24 hours" not in other.text
        assert not any(link.startswith("/objects/") for link in other.links)


def test_the_rail_has_what_the_role_opens_and_marks_where_one_is(full: Staff) -> None:
    wanted = {
        "rita": ["/", "/search", "/release/preview", "/partners", "/sources", "/ledger", "/recalls"],
        "adam": ["/", "/policy", "/partners", "/sources", "/ledger", "/admin/people"],
        "audra": ["/", "/policy", "/partners", "/sources", "/ledger", "/admin/audit"],
    }
    for by, paths in wanted.items():
        page = Seen(full.get(look, "/", by))
        start = next(place for place, (tag, at) in enumerate(page.tags) if tag == "nav" and at.get("class") == "rail")
        end = next(place for place, (tag, _) in enumerate(page.tags) if tag == "main")
        rail = [at for tag, at in page.tags[start:end] if tag == "a"]
        assert [at["href"] for at in rail] == paths, by
        assert [at["href"] for at in rail if "aria-current" in at] == ["/"]


def test_an_empty_node_says_what_belongs_here_and_the_next_step(empty: Staff) -> None:
    page = Seen(empty.get(look, "/", "ana"))
    assert "No object yet" in page.text
    assert "comity import FILE" in page.text
    assert "No partner yet" in page.text
    assert faults(empty.get(look, "/", "ana")) == []


def test_what_does_not_work_comes_first_and_administrators_are_told(empty: Staff) -> None:
    clock = empty.node.clock
    assert isinstance(clock, MadeClock)
    empty.node.guard.look()
    clock.move(seconds=5)
    clock.jump(days=40)
    page = Seen(empty.get(look, "/", "adam"))
    assert "The clock has jumped" in page.text
    assert page.text.index("The clock has jumped") < page.text.index("No backup was verified")
    assert "The clock has jumped" not in Seen(empty.get(look, "/", "ana")).text


def test_a_proposal_is_told_to_who_may_decide_it_and_to_who_asked(full: Staff) -> None:
    with full.acting("adam"):
        full.node.change_partner("CERT-C", {"max_tlp": "clear"})
        full.node.change_partner("CERT-C", {"max_tlp": "green"})
        assert full.node.waiting()
    assert "adam asks to change a partner" in Seen(full.get(look, "/", "petra")).text
    assert "Your change of a partner waits" in Seen(full.get(look, "/", "adam")).text
    assert "change of a partner" not in Seen(full.get(look, "/", "rita")).text
    assert set(overview.KINDS.values()) == {"policy", "partner", "release", "classes", "erasure"}


def test_the_standing_notice_is_there_as_long_as_nobody_else_looks(
    full: Staff, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """R14."""
    assert "No second person looks" not in Seen(full.get(look, "/", "rita")).text
    path = tmp_path_factory.mktemp("alone") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as node:
        alone = Staff(node, ["adam", "rita"])
        assert "No second person looks" in Seen(alone.get(look, "/", "rita")).text
        assert "/admin/people" in Seen(alone.get(look, "/", "adam")).links


def test_the_overview_asks_for_no_purpose_and_shows_nothing_restricted_without_one(
    full: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R44."""
    monkeypatch.setattr(full.node, "settings", replace(full.node.settings, audit_purpose="asked"))
    full.node.receive(bundle(thing("indicator", 9600, TLP.RED, "ours alone")))
    answer = full.get(look, "/", "rita")
    assert answer.status == 200
    assert "ours alone" not in Seen(answer).text


@pytest.mark.parametrize("key", ["saved", "nonsense", "<script>", ""])
def test_a_notice_is_one_of_our_own_texts(full: Staff, key: str) -> None:
    page = Seen(full.get(look, "/", "rita", done=key))
    assert ("Saved." in page.text) == (key == "saved")
    assert "nonsense" not in page.source
    assert "<script>" not in page.source
