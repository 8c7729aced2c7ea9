"""Saved searches: kept by one person, counted of what that person may read, and nobody else's business."""

from collections.abc import Iterator

import pytest
from tests.browser import Browser, Stand, standing
from tests.page_checks import english_on, faults, is_own
from tests.pages_world import HOSTILE, SECRET, thing
from tests.visiting import Seen
from tests.world import bundle

from comity.errors import InvalidRequest
from comity.node import searches
from comity.stix.markings import TLP
from comity.web.answer import Answer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("saved")) as made:
        made.node.receive(bundle(*(thing("malware", n, TLP.GREEN, f"Kancil {n}") for n in range(3))))
        # Each object of a moment is dated a microsecond after the one before.
        made.clock.move(seconds=1)
        yield made


@pytest.fixture(scope="module")
def rita(stand: Stand) -> Browser:
    return stand.person("rita", ["reader"])


@pytest.fixture(scope="module")
def rolf(stand: Stand) -> Browser:
    return stand.person("rolf", ["releaser"])


@pytest.fixture(autouse=True)
def nothing_kept(stand: Stand) -> Iterator[None]:
    """Passwords take their time, so that persons stay and what they keep goes."""
    yield
    stand.clock.move(seconds=1)
    with stand.node.store.write() as tx:
        for one in stand.node.users():
            for each in tx.saved_searches(one.id):
                tx.drop_search(one.id, each.id)


def seen(browser: Browser, path: str = "/searches") -> Seen:
    reply = browser.get(path)
    assert reply.status == 200, path
    return Seen(Answer(reply.body))


def keep(browser: Browser, name: str, query: str) -> str:
    """The address by which it is opened and dropped."""
    before = set(seen(browser).links)
    reply = browser.send("/searches", {"name": name, "query": query})
    assert reply.status == 303, Seen(Answer(reply.body)).text
    (opened,) = {link for link in seen(browser).links if link.endswith("/open")} - before
    return opened.removesuffix("/open")


def test_what_the_page_of_a_search_offers_is_kept_and_opened_again(stand: Stand, rita: Browser) -> None:
    assert "Save this search" not in seen(rita, "/search").text, "everything is no search"
    page = seen(rita, "/search?q=kancil&type=malware&after=99")
    query = next(str(tag["value"]) for name, tag in page.tags if name == "input" and tag.get("name") == "query")
    address = keep(rita, "Kancil", query)
    for path in ("/", "/search", "/searches"):
        assert "Kancil nothing new" in seen(rita, path).text
    stand.clock.move(seconds=60)
    more = [thing("malware", 100 + n, TLP.GREEN, f"Kancil {n}") for n in range(2)]
    stand.node.receive(bundle(*more, thing("tool", 200, TLP.GREEN, "Kancil"), thing("malware", 201, TLP.GREEN, "Else")))
    stand.node.store.index_text(100)
    assert "Kancil 2 new" in seen(rita, "/").text
    stand.clock.move(seconds=1)
    reply = rita.send(f"{address}/open", {})
    assert (reply.status, reply.header("location")) == (303, "/search?q=kancil&type=malware")
    assert "Kancil nothing new" in seen(rita).text
    rita.send(f"{address}/drop", {})
    assert "No saved search yet" in seen(rita).text


def test_the_pages_are_sound_in_both_languages(rita: Browser) -> None:
    for keeps in (False, True):
        if keeps:
            keep(rita, "Kancil", "q=kancil")
        for path in ("/searches", "/search?q=kancil", "/"):
            assert faults(Answer(rita.get(path).body)) == []
            assert english_on(Answer(rita.get(path, **{"accept-language": "id"}).body), "id") == set(), path


def test_to_look_changes_nothing(stand: Stand, rita: Browser) -> None:
    address = keep(rita, "All malware", "type=malware")
    stand.clock.move(seconds=60)
    stand.node.receive(bundle(thing("malware", 300, TLP.GREEN, "Kancil")))
    for _ in range(2):
        for path in ("/", "/search?type=malware", "/searches"):
            assert "All malware 1 new" in seen(rita, path).text
    assert rita.get(f"{address}/open").status == 405


def test_what_may_not_be_read_is_not_counted(stand: Stand, rita: Browser) -> None:
    """R64, against every copy asked one by one: the browse of the same person."""
    stand.node.store.index_text(100)
    with stand.node.acting("admin", "correct horse battery"):
        stand.node.add_source("feed")
    keep(rita, "Indicators", "type=indicator")
    stand.clock.move(seconds=60)
    red = [thing("indicator", n, TLP.RED, f"{SECRET} {n}") for n in range(4)]
    stand.node.receive(bundle(*red, thing("indicator", 9, TLP.GREEN, "Open")), "feed")
    assert "Indicators 1 new" in seen(rita).text
    assert SECRET not in seen(rita, "/").source


def test_counting_is_bounded(stand: Stand, rita: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(rita, "Tools", "type=tool")
    stand.clock.move(seconds=60)
    stand.node.receive(bundle(*(thing("tool", n, TLP.GREEN, f"t{n}") for n in range(120))))
    assert "Tools 99+ new" in seen(rita).text
    monkeypatch.setattr(searches, "COUNTED_US", 0)
    assert "Tools not counted" in seen(rita).text
    monkeypatch.undo()
    monkeypatch.setattr(searches, "SEARCHES_MOST", 2)
    keep(rita, "Two", "type=tool")
    assert rita.send("/searches", {"name": "Three", "query": "type=tool"}).status == 403


def test_those_of_others_are_as_if_they_were_not_there(stand: Stand, rita: Browser, rolf: Browser) -> None:
    address = keep(rita, "Only mine", "q=kancil")
    for act in ("open", "drop"):
        assert rolf.send(f"{address}/{act}", {}).status == 404
        assert rolf.send(f"/searches/nothing/{act}", {}).status == 404
    assert "Only mine" not in seen(rolf).text
    assert "Only mine" in seen(rita).text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_or_shown_and_never_obeyed(rita: Browser, name: str) -> None:
    reply = rita.send("/searches", {"name": name, "query": "q=" + "%3Cscript%3E"})
    assert reply.status in (303, 400, 422), name
    for path in ("/", "/search", "/searches"):
        page = seen(rita, path)
        assert not [tag for tag, its in page.tags if tag == "img" or (tag == "script" and not is_own(its))]
        assert not set("\x00\x1b\u202e\u2066") & set(page.source)


@pytest.mark.parametrize(
    "query", ["", "limit=5", "after=7", "x=y", "tlp=purple", "seen=never", "q=" + "x" * 3000, "in=nowhere", "=", "&&&"]
)
def test_what_is_no_search_is_not_kept(rita: Browser, query: str) -> None:
    assert rita.send("/searches", {"name": "X", "query": query}).status in (400, 404, 422)
    assert "No saved search yet" in seen(rita).text


def test_of_the_address_only_what_is_searched_is_kept(rita: Browser) -> None:
    """Nothing leads elsewhere from there, and no purpose of reading is kept."""
    address = keep(rita, "X", "q=a&purpose=secret&then=//evil.example&after=5&type=tool%0d%0aX: y")
    location = str(rita.send(f"{address}/open", {}).header("location"))
    assert location == "/search?q=a&type=tool%0D%0AX%3A+y"


@pytest.mark.parametrize("field", ["account", "seen", "made", "id"])
def test_no_other_field_is_taken(rita: Browser, field: str) -> None:
    assert rita.send("/searches", {"name": "X", "query": "q=a", field: "y"}).status == 400


def test_a_name_is_used_once(rita: Browser) -> None:
    keep(rita, "Twice", "q=a")
    reply = rita.send("/searches", {"name": " Twice ", "query": "q=b"})
    assert reply.status == 409
    assert "Choose another name" in Seen(Answer(reply.body)).text


def test_a_search_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidRequest, match="asks for something"):
        searches._kept("limit=3")
