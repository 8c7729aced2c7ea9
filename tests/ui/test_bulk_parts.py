"""What a batch would do is counted, and behind each count is the list of exactly what it counts."""

import re
from html import unescape
from typing import cast
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.page_checks import english_on, faults
from tests.pages_world import SECRET
from tests.visiting import Seen, Staff

from comity.errors import Invalid
from comity.node.choosing import KINDS, PART_ROWS, Choice, Part
from comity.store.nouns import Hit
from comity.web.answer import Answer
from comity.web.ui.bulk import PAGES, choose

pytestmark = pytest.mark.slow
COUNT = re.compile(r'<a[^>]*href="(/bulk\?[^"]*part=[^"]*)">\s*([0-9,]+)')
ROW = re.compile(r'<tr><th scope="row"><a href="/objects/([^"]+)".*?</tr>', re.DOTALL)
ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("rolf", {"act": "withdraw"}),
    ("ana", {"act": "withdraw", "q": "kancil", "type": "indicator"}),
    ("ana", {"act": "mark", "level": "amber", "reason": "why"}),
    ("rolf", {"act": "mark", "level": "green", "from": "feed"}),
)


def get(staff: Staff, by: str, address: str, language: str = "en") -> Answer:
    """What the address is answered."""
    parts = urlsplit(unescape(address))
    assert parts.path == "/bulk"
    return staff.get(choose, "/bulk", by, language=language, **dict(parse_qsl(parts.query)))


def rows(staff: Staff, by: str, address: str) -> list[str]:
    """The rows of the list at that address, over all of its pages."""
    found: list[str] = []
    while address:
        answer = get(staff, by, address)
        assert answer.status == 200
        source = answer.body.decode()
        found += [row[0] for row in ROW.finditer(source)]
        after = re.search(r'rel="next" href="([^"]+)"', source)
        address = after[1] if after else ""
    return found


def counts(full: Staff, by: str, **asked: str) -> list[tuple[str, int]]:
    """Each count of the page of a batch, with the address of its list."""
    page = full.get(choose, "/bulk", by, **asked).body.decode()
    return [(link, int(count.replace(",", ""))) for link, count in COUNT.findall(page)]


def kind(link: str) -> str:
    """What the list at that address is by."""
    return Part.read(dict(parse_qsl(urlsplit(unescape(link)).query))["part"]).by


def wrong(full: Staff, by: str, **asked: str) -> list[str]:
    """The addresses of lists that have not as many rows as their counts say, or something secret."""
    found = []
    for link, count in counts(full, by, **asked):
        listed = rows(full, by, link)
        if len(listed) != count or not count or any(SECRET in row for row in listed):
            found.append(link)
    return found


@pytest.mark.parametrize(("by", "asked"), ASKED, ids=str)
def test_each_count_leads_to_a_list_of_as_many_rows(full: Staff, by: str, asked: dict[str, str]) -> None:
    assert wrong(full, by, **asked) == []
    told = counts(full, by, **asked)
    assert {kind(link) for link, _ in told} >= {"objects", "copies", "type", "tlp", "source", "becomes"}
    assert max(count for _, count in told) > PART_ROWS or "q" in asked, "no list went over its page"


def test_a_list_of_others_is_seen(full: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast("dict[str, object]", KINDS), "type", lambda row, value: row.facts.type != value)
    assert {kind(link) for link in wrong(full, "rolf", act="withdraw")} == {"type"}


def test_there_is_a_count_of_each_kind_and_no_number_without_its_list(full: Staff) -> None:
    page = full.get(choose, "/bulk", "rolf", act="withdraw").body.decode()
    assert {kind(link) for link, _ in COUNT.findall(page)} == set(KINDS)
    assert not re.findall(r'<(?:span|td) class="number"[^>]*>\s*[0-9]', page)


def test_parts_are_what_a_look_at_each_copy_says(full: Staff) -> None:
    """The slow twin: every copy is looked at alone."""
    with full.acting("rolf"):
        whole = full.node.preview_batch(Choice(everything=True), "withdraw")
        hits = {one.key: one for one in whole_list(full, "copies")}
        assert len(hits) == whole.copies
        for type in whole.facets.types:
            assert {one.key for one in whole_list(full, f"type:{type}")} == {
                key for key, one in hits.items() if one.type == type
            }
        for source in whole.facets.sources:
            assert {one.key for one in whole_list(full, f"source:{source}")} == {
                key for key, one in hits.items() if one.source == source
            }
        newest = {one.id: key for key, one in sorted(hits.items())}
        assert {one.key for one in whole_list(full, "objects")} == set(newest.values())
        assert len(newest) == whole.objects < whole.copies


def whole_list(full: Staff, part: str) -> list[Hit]:
    """The copies of that part, over all pages."""
    found: list[Hit] = []
    after = 0
    while True:
        page = full.node.preview_batch(Choice(everything=True), "withdraw", part=part, after=after)
        found += page.sample
        assert page.counted >= len(found)
        after = page.next
        if not after:
            return found


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize(
    "part",
    [
        "copies", "objects", "type:malware", "tlp:amber+strict", "tlp:none", "source:feed", "partner:CERT-B",
        "becomes:done:", "becomes:failed:published", "type:<script>alert(1)</script>", 'tlp:"><b>', "partner:nobody",
    ],
)  # fmt: skip
def test_the_page_of_a_part_is_sound(full: Staff, part: str, language: str) -> None:
    answer = full.get(choose, "/bulk", "rolf", language=language, part=part, act="withdraw")
    assert answer.status == 200
    assert faults(answer) == []
    if language == "id":
        assert english_on(answer, "id") == set()
    back = [link for link in Seen(answer).links if link.startswith("/bulk?") and "part=" not in link]
    assert back


def test_what_cannot_be_is_no_part(full: Staff) -> None:
    for part, after in (("dance", ""), (":", ""), ("objects", "none")):
        with pytest.raises(Invalid):
            full.get(choose, "/bulk", "rolf", part=part, after=after)
    assert PAGES[0].looks == {"analyst", "releaser"}


def test_ids_that_name_nothing_are_listed_where_they_are_counted(full: Staff) -> None:
    gone = "indicator--00000000-0000-4000-8000-00000000dead"
    with full.acting("rolf"):
        there = full.node.browse(limit=1).hits[0].id
    page = Seen(full.get(choose, "/bulk", "rolf", ids=f"{there} {gone}"))
    assert "1 id names nothing that you may read." in page.text
    assert gone in page.text.split("1 id names nothing")[1]
