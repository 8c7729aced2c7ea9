"""Search by text, as every store answers it."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store_world import NOW, ONE, TWO, identifier, indicators, made, put

from comity.errors import InvalidRequest
from comity.store.base import TableStore
from comity.store.interface import Store
from comity.store.nouns import Hits, TextQuery

MALWARE = made(
    identifier("malware", 1),
    "2026-01-01T00:00:00Z",
    name="WannaCry",
    aliases=["Wcrypt"],
    description="Spreads quickly over SMB; été in Zürich.",
    external_references=[{"source_name": "mitre-attack", "external_id": "S0366"}],
)
INDICATOR = made(
    identifier("indicator", 1),
    "2026-01-01T00:00:00Z",
    pattern="[domain-name:value = 'evil-host.example.com']",
    description="spreads slowly",
)
ADDRESS = made(identifier("ipv4-addr", 1), value="198.51.100.77")
FILE = made(identifier("file", 1), name="a%_b.exe", hashes={"SHA-256": "ab12" * 16})
ALL = [MALWARE, INDICATOR, ADDRESS, FILE]


def _search(store: Store, *words: str, **filters: object) -> Hits:
    while store.index_text(3):
        pass
    with store.read() as snapshot:
        return snapshot.search(TextQuery(words, **filters))  # type: ignore[arg-type]


def _ids(store: Store, *words: str, **filters: object) -> list[str]:
    return [hit.id for hit in _search(store, *words, **filters).items]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("wannacry",), [MALWARE]),
        (("nnacr",), [MALWARE]),
        (("WCRYPT",), [MALWARE]),
        (("0366",), [MALWARE]),
        (("S0366", "quickly"), [MALWARE]),
        (("quick",), [MALWARE]),
        (("uickly",), []),
        (("ete", "zurich"), [MALWARE]),
        (("spreads",), [MALWARE, INDICATOR]),
        (("spreads", "evil-host"), [INDICATOR]),
        (("host.example",), [INDICATOR]),
        (("51.100",), [ADDRESS]),
        (("b12ab12",), [FILE]),
        (("%_b",), [FILE]),
        (("wa",), [MALWARE]),
        (("sm", "ov"), [MALWARE]),
        (("an",), []),
        (("malware--00000000",), [MALWARE]),
        ((), ALL),
        ((" ", "\0"), ALL),
        (("nothing",), []),
    ],
)
def test_words_are_found_in_names_and_prose_the_newest_first(
    store: Store, words: tuple[str, ...], found: list[object]
) -> None:
    put(store, ALL)
    assert _ids(store, *words) == [each.id for each in reversed(ALL) if each in found]


@pytest.mark.parametrize(
    "text",
    [
        *('"', '""', '"a', "*", "a*", "^abc", "NEAR(", "a AND", "OR", "NOT abc", "names:abc", "-abc", "{a}", "(", "a)"),
        *("'", "+", "a\0b", "\0", ";--", "\\", "%", "___", "?1", "日本", "日本語", "🙂", "🙂🙂🙂", "\ud800", "\x7f"),
        "a" * 500,
    ],
)
def test_what_a_user_types_is_never_an_operator(store: Store, text: str) -> None:
    put(store, ALL)
    hits = _search(store, text)
    parts = re.findall(r"[^\W_]+", text.lower())
    for hit in hits.items:
        (kept,) = (str(each.raw).lower() for each in ALL if each.id == hit.id)
        assert all(part in kept for part in parts)


def test_too_many_or_too_long_words_are_refused(store: Store) -> None:
    for words in (("a",) * 33, ("a" * 501,)):
        with pytest.raises(InvalidRequest):
            _search(store, *words)


def test_a_hit_says_what_a_list_needs(store: Store) -> None:
    put(store, [MALWARE, ADDRESS, INDICATOR], default_tlp=2, source="feed-b")
    (hit,) = _search(store, "wannacry").items
    assert (hit.id, hit.type, hit.name, hit.version) == (MALWARE.id, "malware", "WannaCry", MALWARE.version)
    assert (hit.added, hit.source, hit.collection, hit.tlp, hit.default_tlp) == (NOW, "feed-b", ONE, None, 2)
    assert [hit.name for hit in _search(store).items] == ["", "198.51.100.77", "WannaCry"]


def test_filters_narrow_what_is_found(store: Store) -> None:
    put(store, indicators(3, text="x"), now=NOW)
    put(store, indicators(2, 3, text="x"), now=NOW + 100, source="feed-b")
    put(store, [made(identifier("tool", 1), "2026-01-01T00:00:00Z", name="indicator tool")], collection=TWO)
    assert len(_ids(store, "indicator")) == 6
    assert len(_ids(store, "indicator", types=("indicator", "none"))) == 5
    assert len(_ids(store, "indicator", sources=("feed-b", "nobody"))) == 2
    assert _ids(store, "indicator", sources=("nobody",)) == []
    assert len(_ids(store, "indicator", collection=TWO)) == 1
    assert len(_ids(store, "indicator", collection=ONE, added_after=NOW + 2)) == 2
    assert len(_ids(store, added_after=NOW)) == 4


def test_markings_bound_what_is_found_and_what_has_none_passes_no_bound(store: Store) -> None:
    for level in range(5):
        put(store, [made(identifier("tool", level), "2026-01-01T00:00:00Z", name="tool", tlp=level)], default_tlp=4)
    put(store, [made(identifier("tool", 8), "2026-01-01T00:00:00Z", name="tool")], default_tlp=1)
    put(store, [made(identifier("tool", 9), "2026-01-01T00:00:00Z", name="tool")])
    numbers = [int(id[-1]) for id in _ids(store, "tool", tlp_most=2)]
    assert numbers == [8, 2, 1, 0]
    assert [int(id[-1]) for id in _ids(store, "tool", tlp_least=1, tlp_most=3)] == [8, 3, 2, 1]
    assert [int(id[-1]) for id in _ids(store, tlp_least=4)] == [4]
    assert len(_ids(store, "tool")) == 7


@pytest.mark.parametrize("words", [(), ("indicator",)])
def test_pages_of_hits_lose_and_repeat_nothing(store: Store, words: tuple[str, ...]) -> None:
    put(store, indicators(25))
    seen: list[int] = []
    after, more = 0, True
    while more:
        hits = _search(store, *words, limit=4, after=after)
        seen += [hit.key for hit in hits.items]
        after, more = hits.items[-1].key, hits.more
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 25


def test_only_last_versions_that_readers_get_are_found(store: Store) -> None:
    id = identifier("tool", 1)
    old, new = (made(id, f"202{year}-01-01T00:00:00Z", name=f"tool {year}") for year in (5, 6))
    put(store, [old])
    assert len(_ids(store, "tool")) == 1
    put(store, [new, made(id, new.version, name="tool 6")], source="feed-b")
    put(store, [new], collection=TWO)
    assert [hit.version for hit in _search(store, "tool").items] == [new.version]
    assert _ids(store, "tool 5") == []
    with store.write() as tx:
        tx.withdraw(ONE, id, [new.instant], NOW)
        tx.withdraw(TWO, id, None, NOW)
    assert [hit.version for hit in _search(store, "tool").items] == [old.version]
    with store.write() as tx:
        tx.withdraw(ONE, id, None, NOW)
    assert _ids(store, "tool") == []


def test_an_object_without_versions_is_found_by_its_newest_body(store: Store) -> None:
    put(store, [ADDRESS])
    assert _ids(store, "198.51") == [ADDRESS.id]
    put(store, [made(ADDRESS.id, value="203.0.113.5")])
    assert _ids(store, "198.51") == []
    assert _ids(store, "203.0") == [ADDRESS.id]


def test_what_full_text_does_not_know_yet_is_counted(store: Store) -> None:
    put(store, indicators(10))
    with store.read() as snapshot:
        assert snapshot.search(TextQuery(("indicator",))).behind == 10
        assert snapshot.counts().text_behind == 10
    assert store.index_text(4) == 6
    with store.read() as snapshot:
        hits = snapshot.search(TextQuery(("indicator",)))
    assert (len(hits.items), hits.behind) == (4, 6)
    assert store.index_text(100) == 0
    assert store.index_text(100) == 0


def test_withdrawn_text_is_not_found_and_purged_text_leaves_the_index(store: Store) -> None:
    put(store, [MALWARE, INDICATOR])
    _search(store, "x")
    with store.write() as tx:
        tx.withdraw(ONE, MALWARE.id, None, NOW)
    assert _ids(store, "wannacry") == []
    with store.write() as tx:
        tx.purge(NOW + 1)
    assert _ids(store, "wannacry") == []
    assert _ids(store, "spreads") == [INDICATOR.id]


LETTERS = "aAbBzZ0éÉöÖßẞİıÅΣσςἀЙй日本한ﬁ"
MARKS = " \t\n.-_%\\'\"*()/:@#½²\u0301\u0308\u0345\u200d☃"
texts = st.text(st.sampled_from(LETTERS * 3 + MARKS), max_size=12)


@pytest.mark.slow
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=20))
@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
def test_both_kinds_of_index_find_the_same(
    both_stores: list[TableStore], named: list[tuple[str, str]], asked: list[str]
) -> None:
    rows = [(key, name, prose) for key, (name, prose) in enumerate(named, 1)]
    words = [*asked, *(word for row in named for text in row for word in (text, *text.split(), text[1:4]))]
    found = []
    for store in both_stores:
        with store.writing() as db:
            db.text.clear()
            db.text.add(rows)
            found.append([set(db.text.matches(word, 1, 9)) for word in words if word.strip()])
    assert found[0] == found[1]
