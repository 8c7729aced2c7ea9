"""What an account finds is exactly what it may read, one by one; facets count it, and ties lead to nothing else."""

from collections import Counter
from collections.abc import Iterator

import pytest
from tests.gate_world import look_at_all
from tests.pages_world import SECRET, fill, id_of, let_leave, thing, tie
from tests.postgres import store_address
from tests.visiting import Staff
from tests.world import MadeClock, MadeEntropy, bundle

from comity.errors import Invalid, InvalidRequest, NotAuthorized, NotFound, Unauthenticated
from comity.node import browsing
from comity.node.browsing import Found
from comity.node.node import Node
from comity.node.people import READING
from comity.node.viewing import Viewer
from comity.stix.markings import TLP
from comity.store import search
from comity.store.audit import AuditQuery

pytestmark = pytest.mark.slow
TEXTS = (
    "",
    "kancil",
    "type:indicator",
    "kancil from:feed",
    "tlp:<=green",
    "198.51.100.1",
    "seen:1d c2",
    SECRET,
    "nothing-like-it",
)
HUB = id_of("malware", 1000)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def staff(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    folder = tmp_path_factory.mktemp("browsing")
    with Node.open(
        store_address(folder, request.param), name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()
    ) as node:
        fill(node)
        let_leave(node)
        yield Staff(node)


def one_by_one(node: Node, text: str) -> list[int]:
    """The keys of what is found in which every single copy was asked about, as `seen` and `who` do."""
    hits = node.search(text, limit=10_000).items
    viewer = Viewer(everything=False, reads=True, counts=False)
    with node.store.read() as snapshot:
        return [
            hit.key for hit in hits if hit.key in [copy.key for copy in viewer.copies(snapshot, hit.id, node.ours())]
        ]


def pages(node: Node, text: str, limit: int) -> list[Found]:
    """Every page of what is found."""
    found = [node.browse(text, limit=limit)]
    while found[-1].next:
        found.append(node.browse(text, limit=limit, after=found[-1].next))
    return found


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("limit", [7, 1000])
def test_what_is_found_is_what_may_be_read_copy_by_copy(staff: Staff, text: str, limit: int) -> None:
    wanted = one_by_one(staff.node, text)
    with staff.acting("rita"):
        found = pages(staff.node, text, limit)
    assert [hit.key for page in found for hit in page.hits] == wanted
    assert all(page.counted == len(wanted) and page.all for page in found)
    assert not any(SECRET in repr(page) for page in found)
    assert bool(wanted) == (text not in (SECRET, "nothing-like-it"))


@pytest.mark.parametrize("text", TEXTS)
def test_facets_count_what_is_listed(staff: Staff, text: str) -> None:
    with staff.acting("rita"):
        found = staff.node.browse(text, limit=1000)
    assert found.facets is not None
    levels = Counter(hit.tlp if hit.tlp is not None else hit.default_tlp for hit in found.hits)
    assert dict(found.facets.types) == Counter(hit.type for hit in found.hits)
    assert dict(found.facets.sources) == Counter(hit.source for hit in found.hits)
    assert dict(found.facets.collections) == Counter(hit.collection for hit in found.hits)
    assert dict(found.facets.levels) == levels


def test_filters_narrow_as_the_words_of_the_search_box_do(staff: Staff) -> None:
    node = staff.node
    with staff.acting("ana"):
        for given, same in (
            ({"types": ["malware"]}, "type:malware"),
            ({"sources": ["feed"]}, "from:feed"),
            ({"tlp": "green"}, "tlp:green"),
            ({"tlp": "<=green"}, "tlp:<=green"),
            ({"seen": "2h"}, "seen:2h"),
            ({"collection": "default"}, "in:default"),
        ):
            one, other = node.browse("kancil", **given), node.browse(f"kancil {same}")
            assert [hit.id for hit in one.hits] == [hit.id for hit in other.hits], same
            assert one.hits
        assert node.browse(sources=["secret feed"]).hits == []
        for bad in ({"tlp": "purple"}, {"seen": "soon"}, {"tlp": "green seen:1d"}, {"limit": 0}):
            with pytest.raises((Invalid, InvalidRequest)):
                node.browse("kancil", **bad)


def test_only_who_reads_looks_around_and_only_release_audit_is_told_a_number(staff: Staff) -> None:
    node = staff.node
    with pytest.raises(Unauthenticated):
        node.browse()
    for name in ("adam", "audra", "arno"):
        with staff.acting(name), pytest.raises(NotAuthorized):
            node.browse()
    with staff.acting("adam"):
        both = node.add_user("both", ["reader", "release-audit"])
    hidden = len(node.search("", limit=10_000).items) - len(one_by_one(node, ""))
    assert hidden > 10
    with node.acting("both", both.secret):
        assert node.browse().hidden == hidden
    for name in ("rita", "ana", "rolf", "petra"):
        with staff.acting(name):
            assert node.browse().hidden is None
    assert set(READING) == {"reader", "analyst", "releaser", "approver"}


def test_a_page_ends_where_too_much_was_looked_at_and_the_next_goes_on(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "LOOKED_MOST", 10)
    wanted = one_by_one(staff.node, "type:indicator")
    with staff.acting("rita"):
        found = pages(staff.node, "type:indicator", 30)
    assert [hit.key for page in found for hit in page.hits] == wanted
    monkeypatch.setattr(browsing, "FACETED_MOST", 20)
    with staff.acting("rita"):
        page = staff.node.browse("type:indicator")
    assert page.counted <= 20
    assert not page.all


def test_a_page_ends_where_its_time_is_over_and_a_file_takes_its_time(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = one_by_one(staff.node, "kancil 20")
    assert wanted
    # Time is over after each run, and a run is short, or finds nothing.
    monkeypatch.setattr(browsing, "SEARCHED_US", -1)
    monkeypatch.setattr(browsing, "AT_ONCE", 1)
    monkeypatch.setattr(search, "_FIRST_WINDOW", 20)
    monkeypatch.setattr(search, "WINDOW_MOST", 40)
    with staff.acting("rita"):
        found = pages(staff.node, "kancil 20", 30)
        whole = staff.node.browse("kancil 20", limit=1000, facets=False, file="json")
    assert [hit.key for page in found for hit in page.hits] == wanted
    assert any(not page.hits for page in found), "no page was empty"
    assert [hit.key for hit in whole.hits] == wanted


def test_a_definition_that_comes_later_hides_what_was_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What was remembered of bodies holds no longer than what their markings mean."""
    path = tmp_path_factory.mktemp("later") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as node:
        fill(node, count=3)
        staff = Staff(node, ["adam", "rita"])
        with staff.acting("rita"):
            before = {hit.id for hit in node.browse(limit=1000).hits}
        red = thing("indicator", 9000, None, "now red", object_marking_refs=[id_of("marking-definition", 9)])
        node.receive(bundle(red), "feed")
        with staff.acting("rita"):
            first = {hit.id for hit in node.browse(limit=1000).hits} - before
        assert first == set(one_by_one_ids(node)) - before
        definition: dict[str, object] = {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": id_of("marking-definition", 9),
        }
        definition |= {"created": "2026-01-01T00:00:00Z", "definition_type": "tlp", "definition": {"tlp": "red"}}
        node.receive(bundle(definition), "feed")
        with staff.acting("rita"):
            assert red["id"] not in {hit.id for hit in node.browse(limit=1000).hits}


def one_by_one_ids(node: Node) -> list[str]:
    """The ids of everything that may be read."""
    keys = set(one_by_one(node, ""))
    return [hit.id for hit in node.search("", limit=10_000).items if hit.key in keys]


def test_an_object_has_its_copies_and_its_ties_and_no_tie_leads_to_what_may_not_be_read(staff: Staff) -> None:
    with staff.acting("rita"):
        about = staff.node.about(HUB)
    assert about.type == "malware"
    assert about.name.startswith("Kancil")
    assert [copy.source for copy in about.copies] == ["feed", "local"]
    ties = {(link.way, link.why, link.id) for link in about.links.items}
    assert ties == {
        *(("in", "indicates", id_of("indicator", 3000 + n)) for n in range(5)),
        ("in", "indicates", id_of("indicator", 4000)),
        ("in", "object_refs", id_of("report", 1001)),
    }
    assert all(link.other is not None and link.other.id == link.id for link in about.links.items)
    assert {link.by.source for link in about.links.items if link.by} == {"local", "feed"}
    assert SECRET not in repr(about)
    assert not about.links.more
    with staff.acting("rita"):
        report = staff.node.about(id_of("report", 1001))
        few = staff.node.about(HUB, links=3)
    assert {(link.way, link.why, link.id) for link in report.links.items} == {
        ("out", "object_refs", HUB),
        ("out", "object_refs", id_of("indicator", 3000)),
    }
    assert len(few.links.items) == 3
    assert few.links.more


def test_a_relationship_is_called_by_its_ends_of_which_those_that_may_not_be_read_have_no_name(staff: Staff) -> None:
    with staff.acting("rita"):
        found = {hit.id: hit.name for hit in staff.node.browse("type:relationship").hits}
        filed = staff.node.browse("type:relationship", file="csv").hits
    assert found == {
        **{id_of("relationship", 2000 + n): f"C2 {n} indicates Kancil as the feed knows it" for n in range(5)},
        id_of("relationship", 4900): "Feed kancil 0 indicates Kancil as the feed knows it",
    }
    assert {hit.name for hit in filed} == {""}


def test_an_end_that_may_not_be_read_is_named_by_its_type(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("ends") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as node:
        node.add_source("feed")
        red, open_ = thing("indicator", 1, TLP.RED, SECRET), thing("malware", 2, TLP.GREEN, "Kancil")
        node.receive(bundle(red, open_, tie(3, red["id"], "indicates", open_["id"])), "feed")
        with Staff(node).acting("rita"):
            hits = node.browse("type:relationship").hits
    assert [hit.name for hit in hits] == ["indicator indicates Kancil"]


def test_who_is_told_the_name_of_something_restricted_by_what_is_tied_to_it_is_noted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """R44."""
    path = tmp_path_factory.mktemp("noted") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as node:
        strict, open_ = thing("indicator", 1, TLP.AMBER_STRICT, "A victim"), thing("malware", 2, TLP.GREEN, "Kancil")
        node.receive(bundle(strict, open_, tie(3, strict["id"], "indicates", open_["id"])))
        while node.store.index_text(1000):
            pass
        staff = Staff(node)

        def noted() -> list[str]:
            node.looks.flush()
            with node.store.read() as snapshot:
                return [row.act for row in snapshot.audit_rows(AuditQuery(acts=("search", "show")))]

        with staff.acting("rita"):
            assert [hit.id for hit in node.browse("type:malware").hits] == [open_["id"]]
            assert noted() == []
            (hit,) = node.browse("type:relationship").hits
            assert (hit.name, noted()) == ("A victim indicates Kancil", ["search"])
            assert {link.other.name for link in node.about(open_["id"]).links.items if link.other} == {"A victim"}
            assert noted() == ["search", "show"]


def test_without_publications_ties_are_found_by_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("unpublished") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as node:
        one, other = thing("malware", 1, TLP.GREEN, "One"), thing("indicator", 2, TLP.GREEN, "Other")
        node.receive(bundle(one, other, tie(3, other["id"], "indicates", one["id"])))
        node.store.index_text(100)
        link = next(iter(node.about(one["id"]).links.items))
        assert (link.way, link.why, link.id) == ("in", "indicates", other["id"])
        node.publish(hold_seconds=0)
        look_at_all(node)
        assert list(node.about(one["id"]).links.items) == [link]


def test_the_timeline_tells_what_happened_in_order(staff: Staff) -> None:
    with staff.acting("rita"):
        events = staff.node.timeline(HUB)
    assert {(event.what, event.who) for event in events} == {
        ("added", "local"),
        ("added", "feed"),
        ("published", "local"),
        ("left", "CERT-B"),
    }
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)


@pytest.mark.parametrize(
    "id", [id_of("indicator", 5000), id_of("indicator", 5101), "indicator--nothing", "\0", "x" * 9000]
)
def test_what_may_not_be_read_is_as_if_it_were_not_there(staff: Staff, id: str) -> None:
    for verb in (staff.node.about, staff.node.timeline):
        with staff.acting("rita"), pytest.raises(NotFound, match="There is no object"):
            verb(id)


def test_arrivals_are_counted_by_the_hour(staff: Staff) -> None:
    with staff.acting("rita"):
        found = staff.node.arrivals()
    assert found.all
    assert len(found.hours) == 24
    assert sum(found.hours) == found.hours[-1] == len(one_by_one(staff.node, ""))
