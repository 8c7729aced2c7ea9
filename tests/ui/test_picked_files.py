"""What is ticked in a list leaves as a file: those objects and no others, noted as any list that leaves (R44, R64)."""

import csv
import io
import json
from dataclasses import replace

import orjson
import pytest
from tests.pages_world import SECRET
from tests.visiting import Seen, Staff

from comity.errors import Invalid, InvalidRequest, NotAuthorized
from comity.web.answer import Answer
from comity.web.ui.search import PAGES, as_csv, as_json, as_stix, search
from comity.web.ui.visit import Form

pytestmark = pytest.mark.slow
FILES = {page.template: page for page in PAGES if page.act}


def sent(full: Staff, path: str, by: str = "rita", **fields: str | list[str]) -> Answer:
    """What the form is answered, of fields that the page has."""
    page = FILES[path]
    assert page.act is not None
    assert fields.keys() <= set(page.fields)
    values = {name: [value] if isinstance(value, str) else value for name, value in fields.items()}
    with full.acting(by):
        return page.act(full.visit(path, by), Form(values))


def ids_in(path: str, answer: Answer) -> list[str]:
    """The ids of the objects in the file, in its order."""
    if path == "/search.csv":
        return [row["id"] for row in csv.DictReader(io.StringIO(answer.body.decode()))]
    found = json.loads(answer.body)
    return [one["id"] for one in found["items" if path == "/search.json" else "objects"]]


def listed(full: Staff, by: str = "rita") -> list[str]:
    """The ids of what that person finds, the newest first."""
    with full.acting(by):
        return [hit.id for hit in full.node.browse(limit=1000).hits]


@pytest.mark.parametrize("path", FILES)
def test_what_is_ticked_leaves_and_nothing_else(full: Staff, path: str) -> None:
    ids = listed(full)
    some = ids[3:40:7]
    assert ids_in(path, sent(full, path, id=some[::-1], of_page=ids[:50], q="kancil")) == some
    answer = sent(full, path, scope="page", id=some, of_page=ids[:50])
    assert ids_in(path, answer) == ids[:50]
    assert dict(answer.headers)["Content-Disposition"].startswith("attachment; filename=")


def test_all_that_match_is_the_list_at_its_address(full: Staff) -> None:
    for path, look in (("/search.json", as_json), ("/search.csv", as_csv)):
        for asked in ({"q": "kancil"}, {"type": "indicator", "tlp": "green"}, {"from": "feed", "in": "default"}, {}):
            answer = sent(full, path, scope="all", **asked)
            assert answer.body == full.get(look, path, "rita", **asked).body
    kept = json.loads(sent(full, "/search.stix.json", scope="all", q="kancil").body)
    assert kept["objects"] == json.loads(full.get(as_stix, "/search.stix.json", "rita", q="kancil").body)["objects"]


def test_each_object_is_byte_for_byte_what_a_search_has(full: Staff) -> None:
    ids = listed(full)[:20]
    with full.acting("rita"):
        bodies = {orjson.loads(body)["id"]: body for body in full.node.browse(limit=1000, file="stix").bodies}
    body = sent(full, "/search.stix.json", id=ids).body
    assert all(bodies[id] in body for id in ids)


def test_what_may_not_be_read_is_not_in_the_file(full: Staff) -> None:
    """R64: an id that somebody typed is no way to it, and it is as one that names nothing."""
    hidden = {hit.id for hit in full.node.search("type:indicator", limit=1000).items} - set(listed(full))
    assert hidden
    there, gone = listed(full)[0], "indicator--00000000-0000-4000-8000-00000000dead"
    for path in FILES:
        answer = sent(full, path, id=[*sorted(hidden), gone, there])
        assert ids_in(path, answer) == [there]
        assert SECRET not in answer.body.decode()
    assert sent(full, "/search.json", id=[gone]).body == sent(full, "/search.json", id=sorted(hidden)).body


def test_it_is_noted_as_a_list_that_leaves_with_its_purpose(full: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    """R44."""
    ids = listed(full)
    sent(full, "/search.csv", id=ids[:5], purpose="case 7")
    full.node.looks.flush()
    with full.acting("adam"):
        row = full.node.audit_log(acts=["export-list"])[-1]
    assert (row.account, row.purpose) == (full.users["rita"].account.id, "case 7")
    assert json.loads(row.what) == {"form": "csv", "objects": 5, "text": f"{' '.join(ids[:3])} and 2 more"}
    monkeypatch.setattr(full.node, "settings", replace(full.node.settings, audit_purpose="asked"))
    with pytest.raises(NotAuthorized, match="purpose"):
        sent(full, "/search.json", scope="all")
    assert ids_in("/search.json", sent(full, "/search.json", scope="all", purpose="case 7"))


def test_nothing_that_is_no_choice_leaves(full: Staff) -> None:
    for fields, error in (({}, InvalidRequest), ({"scope": "some"}, Invalid), ({"id": "none"}, Invalid)):
        with pytest.raises(error):
            sent(full, "/search.json", **fields)


def test_every_reader_is_offered_it_and_what_changes_nothing_alone(full: Staff) -> None:
    for by, action in (("rita", "/search.json"), ("ana", "/bulk")):
        seen = Seen(full.get(search, "/search", by, q="kancil", purpose="case 7"))
        forms = [facts for name, facts in seen.tags if name == "form" and facts.get("method") == "post"]
        assert action in [facts["action"] for facts in forms]
        ways = [facts["formaction"] for name, facts in seen.tags if name == "button" and "formaction" in facts]
        assert ways == list(FILES)
        hidden = [(facts["name"], facts.get("value")) for name, facts in seen.tags if facts.get("type") == "hidden"]
        assert ("purpose", "case 7") in hidden
        assert ("Withdraw…" in seen.text) == (by == "ana")
