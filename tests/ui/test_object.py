"""The page of an object: what it is, its ties, what happened, and who receives it, told of what may be read alone."""

import dataclasses
import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.gate_world import look_at_all
from tests.page_checks import english_on, faults, is_shown
from tests.pages_world import HOSTILE, LATER, id_of, thing, tie
from tests.visiting import Seen, Staff
from tests.world import bundle

from comity.errors import NotFound
from comity.node.people import READING
from comity.stix.markings import TLP
from comity.web.answer import Answer
from comity.web.ui import drawing
from comity.web.ui.bulk import choose
from comity.web.ui.objects import PAGES, ROOT
from comity.web.ui.visit import Look

pytestmark = pytest.mark.slow
HUB = id_of("malware", 1000)
LOOKS: dict[str, Look] = {
    page.template.removeprefix(ROOT).removeprefix("/") or "summary": page.look for page in PAGES if page.look
}
TABS = [tab for tab in LOOKS if tab != "raw.json"]


def get(staff: Staff, tab: str, id: str, by: str = "rita", language: str = "en", **asked: str) -> Answer:
    """What that tab answers."""
    path = f"/objects/{id}" + ("" if tab == "summary" else f"/{tab}")
    visit = staff.visit(path, by, language=language, names={"object": id}, **asked)
    with staff.acting(by):
        return LOOKS[tab](visit)


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_tab_of_every_kind_of_object_is_sound(full: Staff, tab: str, language: str) -> None:
    ids = [HUB, id_of("report", 1001), id_of("relationship", 2000), id_of("indicator", 4000), id_of("indicator", 7000)]
    for id in ids:
        answer = get(full, tab, id, language=language)
        assert answer.status == 200
        assert faults(answer) == [], id
        if language == "id":
            assert english_on(answer, "id") == set()


def acts_on(page: Seen) -> list[str]:
    """What the page leads to doing to its object, in the order in which it stands."""
    paths = [link for link in page.links if link.startswith(("/bulk", "/recalls/new"))]
    return [dict(parse_qsl(urlsplit(link).query)).get("act", "recall") for link in paths]


def test_what_can_be_done_to_an_object_is_led_to_for_who_may_do_it(full: Staff) -> None:
    """R12."""
    by_states: dict[frozenset[str], str] = {}
    with full.acting("rolf"):
        for hit in full.node.browse(limit=1000).hits:
            by_states.setdefault(frozenset(copy.state for copy in full.node.seen(hit.id)), hit.id)
    out, fresh = by_states[frozenset({"published"})], by_states[frozenset({"received"})]
    led = {by: acts_on(Seen(get(full, "summary", out, by))) for by in ("rita", "ana", "rolf")}
    assert led == {"rita": [], "ana": ["mark"], "rolf": ["mark", "recall", "withdraw"]}
    for id, acts in ((fresh, ["mark", "withdraw"]), (HUB, ["mark", "withdraw"])):
        assert acts_on(Seen(get(full, "timeline", id, "ana"))) == acts
    for link in Seen(get(full, "summary", HUB, "rolf", purpose="case 7")).links:
        parts = urlsplit(link)
        if parts.path == "/bulk":
            asked = dict(parse_qsl(parts.query))
            assert (asked["ids"], asked["purpose"]) == (HUB, "case 7")
            assert full.get(choose, "/bulk", "rolf", **asked).status == 200


def test_what_is_wrong_with_an_object_is_said_with_its_rule(empty: Staff) -> None:
    wrong = thing("indicator", 1, TLP.GREEN, "Wrong", pattern="no pattern", labels=["<script>", ""])
    with empty.acting("adam"):
        empty.node.add_source("feed")
        assert empty.node.receive(bundle(wrong), "feed").stored == 1
        (copy,) = empty.node.show(wrong["id"])
    assert copy.findings
    answer = get(empty, "summary", wrong["id"])
    assert answer.status == 200
    assert faults(answer) == []
    assert all(is_shown(one.problem, Seen(answer)) for one in copy.findings)
    assert all(is_shown(one.rule, Seen(answer)) for one in copy.findings)


def test_only_who_reads_content_may_look() -> None:
    assert all(page.looks == set(READING) and page.act is None for page in PAGES)


@pytest.mark.parametrize("tab", list(LOOKS))
@pytest.mark.parametrize("id", [id_of("indicator", 5000), id_of("tool", 6000), "x", "<script>", "a\u202eb"])
def test_what_may_not_be_read_is_as_if_it_were_not_there(full: Staff, tab: str, id: str) -> None:
    with pytest.raises(NotFound, match="There is no object"):
        get(full, tab, id)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_names_are_texts_on_every_tab(full: Staff, number: int) -> None:
    for tab in ("summary", "raw", "history", "copies", "relations"):
        answer = get(full, tab, id_of("indicator", 8000 + number))
        assert faults(answer) == [], tab
    assert is_shown(HOSTILE[number], Seen(get(full, "summary", id_of("indicator", 8000 + number))))


def test_a_bundle_of_hostile_values_in_every_property(full: Staff) -> None:
    nasty = "\u202e<img src=x onerror=alert(1)>\u0007{{7*7}}"
    value = thing("indicator", 9100, TLP.GREEN, nasty, description=nasty * 400, labels=[nasty] * 30)
    value |= {
        "x_" + "y" * 200: nasty,
        "x_deep": {nasty: [nasty]},
        "external_references": [{"source_name": nasty, "url": "javascript:alert(1)"}],
    }
    full.node.receive(bundle(value), "feed", strict=False)
    full.node.receive(bundle(value | {"modified": LATER, "name": "calm"}), "feed", strict=False)
    for tab in TABS:
        assert faults(get(full, tab, value["id"])) == [], tab


def test_a_description_of_two_megabytes_is_cut_with_a_link_to_all_of_it(full: Staff) -> None:
    value = thing("indicator", 9200, TLP.GREEN, "long", description="lorem ipsum " * 170_000)
    full.node.receive(bundle(value), "local")
    for tab in TABS:
        assert len(get(full, tab, value["id"]).body) < 400_000, tab
    page = Seen(get(full, "summary", value["id"]))
    assert "Cut here" in page.text
    assert f"/objects/{value['id']}/raw" in page.links
    assert "The file has all of it" in Seen(get(full, "raw", value["id"])).text
    assert json.loads(get(full, "raw.json", value["id"]).body) == value


def test_five_hundred_relations_are_a_table_and_a_drawing_of_sixty_at_most(full: Staff) -> None:
    hub = thing("malware", 9300, TLP.GREEN, "Hub")
    ties = [tie(10_000 + n, id_of("indicator", 4000 + n % 60), "indicates", hub["id"]) for n in range(300)]
    ties += [tie(11_000 + n, hub["id"], "uses", id_of("tool", 20_000 + n)) for n in range(300)]
    full.node.receive(bundle(hub, *ties))
    look_at_all(full.node)
    answer = get(full, "relations", hub["id"], show="graph")
    page = Seen(answer)
    assert faults(answer) == []
    assert [tag for tag, _ in page.tags].count("circle") - 3 <= drawing.NODES_MOST
    assert "These are the newest 500" in page.text
    assert "not here, or not for you" in page.text
    assert len(answer.body) < 1_000_000


def test_the_raw_file_is_what_was_sent_and_cannot_act(full: Staff) -> None:
    """R68."""
    answer = get(full, "raw.json", id_of("indicator", 4000))
    (copy,) = full.node.show(id_of("indicator", 4000))
    assert answer.body == copy.raw
    headers = dict(answer.headers)
    assert headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


# -- who may see this --------------------------------------------------------------------------------------------------
def test_each_partner_has_a_sentence_with_the_rule_that_decides(full: Staff) -> None:
    page = Seen(get(full, "who", HUB))
    assert "CERT-B receives it as it is." in page.text
    assert "CERT-C receives it as it is." in page.text
    assert "Ours up to GREEN goes to everybody" in page.text
    assert "Only people here see this copy: it is not published." in page.text
    assert "2 of 2 partners receive it" in Seen(get(full, "summary", HUB)).text
    with full.acting("rita"):
        told = [one for copy in full.node.who(id_of("indicator", 7000)) for one in copy.who]
    page = Seen(get(full, "who", id_of("indicator", 7000)))
    for one in told:
        assert one.partner in page.text
        assert all(rule.title in page.text for rule in one.rules)


def test_what_if_says_what_would_be_and_whether_that_is_a_change(full: Staff) -> None:
    page = Seen(get(full, "who", HUB, partner="CERT-B", tlp="red"))
    assert "CERT-B does not receive it. That would be a change." in page.text
    assert "TLP:RED leaves only" in page.text
    same = Seen(get(full, "who", HUB, partner="CERT-B", tlp="clear"))
    assert "That is as it is now." in same.text
    for asked in ({"partner": "CERT-Z", "tlp": "red"}, {"partner": "CERT-B", "tlp": "purple"}):
        answer = get(full, "who", HUB, **asked)
        assert faults(answer) == []
        assert ("p", {"class": "error", "id": "partner-error"}) in Seen(answer).tags
    assert (
        "No copy of it is published"
        in Seen(get(full, "who", id_of("indicator", 4000), partner="CERT-B", tlp="red")).text
    )


def test_history_and_copies_say_what_differs(full: Staff) -> None:
    value = thing("indicator", 9400, TLP.GREEN, "First")
    full.node.receive(bundle(value), "feed")
    full.node.receive(bundle(value | {"modified": LATER, "name": "Second"}), "feed")
    page = Seen(get(full, "history", value["id"]))
    assert "the first here" in page.text
    assert "What changed" in page.text
    copies = Seen(get(full, "copies", HUB))
    assert "Kancil as the feed knows it" in copies.text
    assert "differs" in copies.text


def test_of_many_versions_the_newest_are_shown_and_the_rest_counted(full: Staff) -> None:
    value = thing("indicator", 9500, TLP.GREEN, "Many")
    for day in range(60):
        full.node.receive(bundle(value | {"modified": f"2026-02-{1 + day // 3:02}T0{day % 3}:00:00.000Z"}), "feed")
    page = Seen(get(full, "history", value["id"]))
    assert "10 older copies are not shown" in page.text
    assert "2026-02-20T02:00:00.000Z" in page.text
    assert faults(get(full, "summary", value["id"])) == []


def test_the_drawing_has_a_node_for_each_neighbour(full: Staff) -> None:
    with full.acting("rita"):
        links = full.node.about(HUB).links.items
    made = drawing.drawing_of(links)
    assert sorted(node.text for node in made.nodes) == sorted(link.other.name for link in links if link.other)
    places = [(node.x, node.y) for node in made.nodes]
    assert len(set(places)) == len(places)
    assert all(0 < x < made.width and 0 < y < made.height for x, y in places)
    assert dataclasses.asdict(drawing.drawing_of([]))["nodes"] == []
