"""The search page: what stands in the address is what is shown, and the same list leaves as a file without harm."""

import csv
import io
import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from tests.page_checks import english_on, faults, is_shown
from tests.pages_world import HOSTILE, SECRET
from tests.visiting import Seen, Staff

from comity.errors import InvalidRequest
from comity.node.people import READING
from comity.web.ui import search as pages
from comity.web.ui.search import PAGES, as_csv, as_json, as_stix, search

pytestmark = pytest.mark.slow
ASKED: tuple[dict[str, str], ...] = (
    {},
    {"q": "kancil"},
    {"q": "kancil", "type": "indicator", "tlp": "green"},
    {"from": "feed", "limit": "5"},
    {"seen": "24h"},
    {"q": "nothing-like-it"},
    {"q": SECRET[:-1]},
    {"q": '"><script>alert(1)</script>', "type": "<b>", "in": "default"},
)


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("language", ["en", "id"])
def test_each_state_of_the_page_is_sound(full: Staff, asked: dict[str, str], language: str) -> None:
    answer = full.get(search, "/search", "rita", language=language, **asked)
    assert answer.status in (200, 400)
    assert faults(answer) == []
    if language == "id" and answer.status == 200:
        assert english_on(answer, "id") == set()


def test_only_who_reads_content_may_look(full: Staff) -> None:
    assert [page.template for page in PAGES] == ["/search", "/search.json", "/search.csv", "/search.stix.json"]
    assert all(page.looks == set(READING) for page in PAGES)
    assert [page.acts for page in PAGES] == [frozenset(), *[frozenset(READING)] * 3]


def followed(full: Staff, link: str) -> Seen:
    """The page that the link leads to."""
    parts = urlsplit(link)
    assert parts.path == "/search"
    return Seen(full.get(search, "/search", "rita", **dict(parse_qsl(parts.query))))


def test_pages_follow_one_another_and_hold_every_hit_once(full: Staff) -> None:
    with full.acting("rita"):
        wanted = [hit.id for hit in full.node.browse("type:indicator", limit=1000).hits]
    page, found = followed(full, "/search?type=indicator&limit=40"), []
    while True:
        found += [link.removeprefix("/objects/") for link in page.links if link.startswith("/objects/")]
        more = [link for link in page.links if "after=" in link and not link.startswith(("/search.",))]
        if not more:
            break
        assert "limit=40" in more[0]
        page = followed(full, more[0])
    assert found == wanted


def test_a_facet_leads_to_as_many_as_it_counts_and_a_chip_takes_it_away(full: Staff) -> None:
    page = followed(full, "/search?q=kancil")
    assert "malware" in page.text
    with full.acting("rita"):
        facets = full.node.browse("kancil").facets
    assert facets is not None
    for word, count in facets.types.items():
        link = next(link for link in page.links if link.endswith(f"type={word}"))
        narrowed = followed(full, link)
        assert f"{count} object" in narrowed.text
        assert "/search?q=kancil" in narrowed.links


def test_what_cannot_be_asked_is_said_with_the_reason_and_the_box_keeps_the_words(full: Staff) -> None:
    for asked in ({"seen": "soon"}, {"tlp": "purple"}, {"limit": "0"}, {"after": "x"}, {"in": "no such"}):
        if "in" in asked:
            continue
        answer = full.get(search, "/search", "rita", q="kancil", **asked)
        page = Seen(answer)
        assert answer.status == 400
        assert 'value="kancil"' in page.source
        assert "■" in page.text


def test_nothing_found_says_why_and_where_to_go(full: Staff, empty: Staff) -> None:
    page = Seen(full.get(search, "/search", "rita", q="nothing-like-it"))
    assert "No object that you may read has all of these words" in page.text
    assert "comity import FILE" in Seen(empty.get(search, "/search", "rita")).text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_and_nothing_else(full: Staff, name: str) -> None:
    page = Seen(full.get(search, "/search", "rita", type="indicator", limit="200"))
    assert is_shown(name, page)


# -- files -------------------------------------------------------------------------------------------------------------
def test_json_csv_and_stix_are_the_same_list(full: Staff) -> None:
    rows = json.loads(full.get(as_json, "/search.json", "rita", q="kancil").body)["items"]
    table = list(csv.DictReader(io.StringIO(full.get(as_csv, "/search.csv", "rita", q="kancil").body.decode())))
    bundle = json.loads(full.get(as_stix, "/search.stix.json", "rita", q="kancil").body)
    ids = [row["id"] for row in rows]
    assert len(ids) > 20
    assert [row["id"] for row in table] == ids == [one["id"] for one in bundle["objects"]]
    assert [row["tlp"] for row in table] == [row["tlp"] for row in rows]
    assert bundle["type"] == "bundle"
    copies = {copy.raw for id in ids for copy in full.node.show(id)}
    assert all(orjson.loads(raw) in bundle["objects"] for raw in copies if raw is not None and b"Feed" in raw)


def test_no_cell_is_a_formula_and_no_control_reaches_the_file(full: Staff) -> None:
    """R61: whoever reads the file has as many rows and fields as there are, and every cell is text."""
    answer = full.get(as_csv, "/search.csv", "rita", type="indicator")
    text = answer.body.decode()
    rows = list(csv.reader(io.StringIO(text)))
    with full.acting("rita"):
        assert len(rows) == 1 + len(full.node.browse("type:indicator", limit=1000).hits)
    assert {len(row) for row in rows} == {len(pages.COLUMNS)}
    assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))]
    assert all(character.isprintable() or character in "\r\n" for character in text)
    assert SECRET not in text
    assert dict(answer.headers)["Content-Disposition"] == 'attachment; filename="search.csv"'


def test_a_long_list_says_where_it_goes_on(full: Staff) -> None:
    answer = full.get(as_json, "/search.json", "rita", limit="10")
    found = json.loads(answer.body)
    assert len(found["items"]) == 10
    assert dict(answer.headers)["Link"] == f'<{found["next"]}>; rel="next"'
    assert urlsplit(found["next"]).path == "/search.json"
    with pytest.raises(InvalidRequest):
        full.get(as_json, "/search.json", "rita", limit="100000")


def test_a_list_that_leaves_as_a_file_is_noted(full: Staff) -> None:
    full.get(as_csv, "/search.csv", "rita", q="kancil")
    full.node.looks.flush()
    with full.acting("adam"):
        assert full.node.audit_log(acts=["export-list"])[-1].account == full.users["rita"].account.id


def test_what_is_restricted_is_asked_for_with_a_purpose(full: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    """R44."""
    look = PAGES[0].look
    assert look is not None
    settings = replace(full.node.settings, audit_purpose="asked")
    monkeypatch.setattr(full.node, "settings", settings)
    answer = full.get(look, "/search", "rita", q="kancil")
    page = Seen(answer)
    assert answer.status == 403
    assert "What do you read this for?" in page.text
    assert "R44" in page.text
    assert faults(answer) == []
    assert ("input", {"type": "hidden", "name": "q", "value": "kancil"}) in page.tags
    assert full.get(look, "/search", "rita", q="kancil", purpose="case 7").status == 200
