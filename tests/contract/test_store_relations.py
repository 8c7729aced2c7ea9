"""How objects refer to each other and which texts say which names: rows that are a function of the live copies, and a
closure over them that is the one over bodies."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from tests.data import objects_of
from tests.release_strategies import ident, world_of
from tests.store_world import NOW, ONE, TWO, furnish, identifier, of_raw, open_kind, put

from comity.release.closure import Candidate, Verdict, close
from comity.release.nearby import nearby
from comity.release.spread import BEYOND, spread
from comity.stix import graph
from comity.stix.tlp import WELL_KNOWN
from comity.store import mentions, relations
from comity.store.base import TableStore
from comity.store.interface import Store
from comity.store.nouns import State
from comity.store.snapshot import TableSnapshot
from comity.store.sqlite.database import SqliteDatabase

Json = dict[str, Any]
PLACES = [(collection, source) for collection in (ONE, TWO) for source in ("local", "feed-a")]
KNOWN = [ident(99, "tool"), ident(90, "identity")]
FORM = (b"A" * 32, b"{}")


def life(store: TableStore, values: Sequence[Json], chance: random.Random) -> None:
    """The objects come in any order, batches and places, are looked at now and then, are published, move and go."""
    order = [*values, *(value for value in values if chance.random() < 0.3)]
    chance.shuffle(order)
    for value in order:
        collection, source = chance.choice(PLACES)
        state = State.DRAFT if chance.random() < 0.1 else State.RECEIVED
        put(store, [of_raw(orjson.dumps(value))], collection=collection, source=source, state=state)
        if chance.random() < 0.4:
            store.index_relations(chance.randint(1, 4))
        if chance.random() < 0.2:
            publish(store, chance)
        if chance.random() < 0.1:
            with store.write() as tx:
                tx.withdraw(chance.choice((ONE, TWO)), chance.choice(values)["id"], None, NOW)
        if chance.random() < 0.1:
            with store.write() as tx:
                tx.put_source(replace(tx.source("feed-a"), kind=chance.choice(("own", "feed"))))
        if chance.random() < 0.3:
            with store.read() as snapshot:
                snapshot.relations()
    publish(store, chance)
    while store.index_relations(chance.randint(1, 5)):
        pass


def publish(store: TableStore, chance: random.Random) -> None:
    """Some of what is received is published."""
    with store.write() as tx:
        (keys,) = tx.db.columns("key", "SELECT key FROM object WHERE state = 1")
        tx.publish([(key, *FORM) for key in keys if chance.random() < 0.8], NOW, None)


def live(store: TableStore) -> list[tuple[int, int, Json]]:
    """Key, number (0 where it is not published) and value of every live copy."""
    with store.read() as snapshot:
        rows = snapshot.db.execute(
            "SELECT o.key, coalesce(p.number, 0), b.body FROM object o JOIN body b ON b.key = o.key"
            " LEFT JOIN publication p ON p.object = o.key WHERE o.gone = 0 ORDER BY o.key"
        ).fetchall()
    return [(key, number, orjson.loads(body)) for key, number, body in rows]


def compare(store: TableStore, released: Iterable[int], known: Sequence[str] = ()) -> tuple[int, int, int]:
    """Closure over numbers is closure over bodies; how many are released, redacted and withheld."""
    alive = BitMap(released)
    copies = live(store)
    candidates = [Candidate(value, number in alive, name_author=True) for _, number, value in copies]
    outcomes = close(candidates, elsewhere=frozenset(known).__contains__)
    with store.read() as snapshot:
        elsewhere = snapshot.targets(known).values()
        found = spread(alive, snapshot.relations(), elsewhere)
        for number in [number for _, number, _ in copies if number][len(alive) % 3 :: 3]:
            part = nearby(BitMap([number]), snapshot.relations(), snapshot.needs_of)
            assert part is not None
            few = spread(alive & part.numbers, part.relations, elsewhere)
            for one, whole in ((few.alive, found.alive), (few.edited, found.edited), (few.authorless, found.authorless),
                               (few.parted, found.parted)):  # fmt: skip
                assert (number in one) == (number in whole)
    pairs = [(number, one.verdict) for (_, number, _), one in zip(copies, outcomes, strict=True)]
    redacted = {number for number, verdict in pairs if verdict is Verdict.REDACT}
    kept = {number for number, verdict in pairs if verdict is not Verdict.WITHHOLD}
    assert set(found.alive) == kept
    assert set(found.edited) == redacted
    return len(kept - redacted), len(redacted), len(copies) - len(kept)


def check_worlds(kind: str, folder: Path, seed: int, size: int) -> tuple[int, int, int]:
    chance = random.Random(seed)
    store = furnish(open_kind(kind, folder))
    try:
        life(store, [value for value, _, _ in world_of(seed, size)], chance)
        assert store.check() == []
        assert tables(store) == tables_twin(store)
        numbers = [number for _, number, _ in live(store) if number]
        seen = [0, 0, 0]
        for share in (1.0, 0.8, 0.5):
            known = chance.sample(KNOWN, chance.randint(0, 2))
            released = [number for number in numbers if chance.random() < share]
            seen = [a + b for a, b in zip(seen, compare(store, released, known), strict=True)]
        return seen[0], seen[1], seen[2]
    finally:
        store.close()


def tables(store: TableStore) -> tuple[set[Any], set[Any], set[Any]]:
    """Mentions, names and words as they are kept."""
    with store.read() as snapshot:
        words = {
            (word, key)
            for word, packed in snapshot.db.execute("SELECT word, objects FROM word").fetchall()
            for key in mentions._unpacked(packed)
        }
        return (
            set(map(tuple, snapshot.db.execute("SELECT object, name FROM mention").fetchall())),
            set(map(tuple, snapshot.db.execute("SELECT object, name FROM naming").fetchall())),
            words,
        )


def tables_twin(store: TableStore) -> tuple[set[Any], set[Any], set[Any]]:
    """The same from the bodies of all that is told, each name compared with each text."""
    with store.read() as snapshot:
        (keys,) = snapshot.db.columns("object", "SELECT object FROM telling")
    copies = [mentions.told(key, value) for key, _, value in live(store) if key in keys]
    names = {name for copy in copies for name in copy.names}
    said = {
        (copy.key, mentions.name_code(name))
        for copy in copies
        for words in copy.words
        for name in names
        if any(tuple(words[at : at + len(name)]) == name for at in range(len(words)))
    }
    naming = {(copy.key, mentions.name_code(name)) for copy in copies for name in copy.names}
    return said, naming, {(mentions.word_code(w), copy.key) for copy in copies for words in copy.words for w in words}


@pytest.mark.slow
@settings(max_examples=max(150, settings().max_examples))
@given(st.integers(0, 2**40), st.integers(1, 7))
def test_closure_over_numbers_is_closure_over_bodies(seed: int, size: int) -> None:
    with TemporaryDirectory() as folder:
        check_worlds("sqlite", Path(folder), seed, size)


@pytest.mark.slow
def test_it_is_in_every_kind_of_store(store_kind: str, tmp_path: Path) -> None:
    """And the worlds show every verdict, mentions and copies that moved."""
    seen = Counter[str]()
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        released, redacted, withheld = check_worlds(store_kind, folder, seed, 7)
        seen += Counter(released=released, redacted=redacted, withheld=withheld)
    assert min(seen[word] for word in ("released", "redacted", "withheld")) >= 10, seen


def fill(store: Store, *values: Json, **where: Any) -> TableStore:
    """The store, with these objects, known and published in their order under the numbers from 1 on."""
    assert isinstance(store, TableStore)
    put(store, [of_raw(orjson.dumps(value)) for value in values], **where)
    while store.index_relations(100):
        pass
    with store.write() as tx:
        (keys,) = tx.db.columns("key", "SELECT key FROM object WHERE state = 1 ORDER BY key")
        tx.publish([(key, *FORM) for key in keys], NOW, None)
    return store


def left(store: TableStore, released: Iterable[int]) -> set[int]:
    """What is left of these numbers."""
    with store.read() as snapshot:
        return set(spread(BitMap(released), snapshot.relations()).alive)


def thing(number: int, kind: str = "malware", **members: Any) -> Json:
    return {"type": kind, "id": identifier(kind, number), **members}


KANCIL = thing(1, name="Kancil Wiper")
SAYS = thing(2, "note", content="It is the kancil wiper.", object_refs=[KANCIL["id"]])
BESIDE = thing(3, "tool", description="used with Kancil wiper", x_one_ref=SAYS["id"])
FAR = thing(4, "tool", description="used with Kancil wiper")


def test_a_text_that_names_something_withheld_within_two_hops_is_withheld(store: Store) -> None:
    held = fill(store, BESIDE, FAR, KANCIL, SAYS)
    assert left(held, {1, 2, 3, 4}) == {1, 2, 3, 4}
    assert left(held, {1, 2, 4}) == {2}, "the note goes with what it lists, and its name is in a text beside it"


def test_a_name_that_a_released_copy_of_the_same_object_has_is_no_secret(store: Store) -> None:
    other = fill(store, KANCIL | {"name": "Kancil Wiper", "x_more": 1}, BESIDE, SAYS)
    put(store, [of_raw(orjson.dumps(KANCIL))], collection=TWO)
    fill(store)
    assert left(other, {2, 3, 4}) == {2, 3, 4}
    assert left(other, {2, 3}) == set()


def test_what_was_not_looked_at_yet_is_withheld(store: Store) -> None:
    held = fill(store, thing(1, name="A wiper"))
    put(store, [of_raw(orjson.dumps(thing(2, name="Another")))])
    with store.write() as tx:
        tx.publish([(2, *FORM)], NOW, None)
    assert left(held, {1, 2}) == {1}
    assert counted(store) == 1
    while store.index_relations(100):
        pass
    assert left(held, {1, 2}) == {1, 2}
    assert counted(store) == 0


def counted(store: Store) -> int:
    with store.read() as snapshot:
        return snapshot.counts().relations_behind


def test_an_object_with_too_many_references_is_withheld(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "REFERENCES_MAX", 2)
    few = thing(1, "note", object_refs=[thing(3)["id"], thing(4)["id"]])
    many = thing(2, "note", object_refs=[thing(number)["id"] for number in (3, 4, 5)])
    held = fill(store, few, many, *(thing(number) for number in (3, 4, 5)))
    assert left(held, range(1, 6)) == {1, 3, 4, 5}


def test_a_name_that_very_many_texts_say_counts_as_said_by_every_text_near_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail closed: also the texts near it that do not say it."""
    monkeypatch.setattr(mentions, "CROWDED_TEXTS", 3)
    texts = [thing(n, "tool", description="at the Hospital", x_one_ref=thing(20)["id"]) for n in range(2, 7)]
    silent = thing(8, "tool", x_one_ref=thing(20)["id"])
    far = thing(40, "tool", description="at the hospital", x_one_ref=thing(30)["id"])
    held = fill(store, *texts, silent, thing(20), far, thing(30))
    fill(store, thing(1, "identity", name="Hospital", x_one_ref=thing(20)["id"]))
    assert left(held, range(1, 11)) == set(range(1, 11))
    assert left(held, range(1, 10)) == {8, 9}, "what is far away stays, and so does what lost one reference"


def test_definitions_of_formats_are_missed_only_where_they_are_held(store: Store) -> None:
    here, away = (identifier("extension-definition", number) for number in (1, 2))
    held = fill(
        store,
        thing(1, extensions={here: {"extension_type": "property-extension", "x": 1}}),
        thing(2, extensions={away: {"extension_type": "property-extension", "x": 1}}),
        {"type": "extension-definition", "id": here, "name": "A format"},
    )
    assert left(held, {1, 2, 3}) == {1, 2, 3}
    assert left(held, {1, 2}) == {2}


def test_published_marking_definitions_count_as_there(store: Store) -> None:
    known, unknown = next(iter(WELL_KNOWN)), identifier("marking-definition", 1)
    held = fill(store, thing(1, object_marking_refs=[known]), thing(2, object_marking_refs=[unknown]))
    assert left(held, {1, 2}) == {1}


def test_an_id_is_the_same_whatever_its_case(store: Store) -> None:
    upper = {"type": "malware", "id": "malware--00000000-0000-4000-8000-00000000ABCD", "name": "Kancil Wiper"}
    note = thing(2, "note", object_refs=[upper["id"].lower(), thing(3)["id"]])
    held = fill(store, note, upper, BESIDE | {"x_one_ref": upper["id"].lower()}, thing(3))
    compare(held, {1, 2, 3, 4})
    assert compare(held, {1, 3, 4}) == (1, 1, 2)


@pytest.mark.parametrize("change", ["withdrawn", "moved"])
def test_a_piece_that_rests_on_what_changed_meanwhile_is_read_again(store: Store, change: str) -> None:
    held = fill(store, BESIDE, FAR, SAYS)
    put(store, [of_raw(orjson.dumps(KANCIL)), of_raw(orjson.dumps(thing(9, x_one_ref=KANCIL["id"])))])
    with held.read() as snapshot:
        piece = relations.read(snapshot.db, 10)
    assert {key for key, _ in piece.telling.mentions} >= {1, 3}
    with held.write() as tx:
        if change == "withdrawn":
            tx.withdraw(ONE, BESIDE["id"], None, NOW)
        else:
            (one,) = tx.live([BESIDE["id"]])[BESIDE["id"]]
            one.due = one.flags
            tx.rise([one], NOW)
    with held.writing() as db:
        db.lock()
        relations.put(db, piece)
    assert counted(store) >= 2
    fill(store)
    assert tables(held) == tables_twin(held)
    assert left(held, {2, 3} if change == "withdrawn" else {1, 2, 3}) == {2}


def test_a_transaction_sees_its_own_publications_and_nobody_else_does(store: Store) -> None:
    held = fill(store, KANCIL)
    put(store, [of_raw(orjson.dumps(SAYS))])
    store.index_relations(10)
    assert left(held, {1}) == {1}
    with suppress(ZeroDivisionError), store.write() as tx:
        (number,) = tx.publish([(2, *FORM)], NOW, None)
        assert set(spread(BitMap([1, number]), tx.relations()).alive) == {1, number}
        assert set(spread(BitMap([number]), tx.relations()).alive) == set()
        raise ZeroDivisionError
    put(store, [of_raw(orjson.dumps(FAR))])
    fill(store)
    assert left(held, {1, 2, 3}) == {1, 2, 3}
    assert left(held, {2, 3}) == {3}


def test_nothing_of_a_copy_that_went_is_kept(store: Store) -> None:
    held = fill(store, KANCIL, SAYS, BESIDE)
    with store.write() as tx:
        for value in (KANCIL, SAYS, BESIDE):
            tx.withdraw(ONE, value["id"], None, NOW)
    with store.read() as snapshot:
        assert isinstance(snapshot, TableSnapshot)
        for table in ("relation", "telling", "name", "naming", "mention", "word"):
            assert snapshot.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table
    assert left(held, ()) == set()


def test_what_is_alone_costs_no_names_and_no_words(store: Store) -> None:
    """Nothing can be near it; only when something refers to it, or another copy comes, it is told."""
    held = fill(store, thing(1, name="A wiper", created_by_ref=thing(5, "identity")["id"]), thing(2, name="Other"))
    assert tables(held) == (set(), set(), set())
    put(store, [of_raw(orjson.dumps(thing(3, "note", object_refs=[thing(1)["id"]])))])
    put(store, [of_raw(orjson.dumps(thing(2, name="Newer")))], collection=TWO)
    fill(store)
    with held.read() as snapshot:
        assert snapshot.db.columns("object", "SELECT object FROM telling ORDER BY object") == [[1, 2, 3, 4]]
    assert tables(held) == tables_twin(held)


def test_a_piece_ends_after_an_object_that_brings_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "TOLD_MOST", 3)
    for number in range(3):
        put(store, [of_raw(orjson.dumps(thing(number, "note", object_refs=[thing(n)["id"] for n in range(10, 13)])))])
    assert [store.index_relations(100) for _ in range(3)] == [2, 1, 0]


def test_no_body_is_read_for_a_walk(tmp_path: Path) -> None:
    store = fill(furnish(open_kind("sqlite", tmp_path)), KANCIL, SAYS, BESIDE, FAR)
    said: list[str] = []
    with store.read() as snapshot:
        db = snapshot.db
        assert isinstance(db, SqliteDatabase)
        db.raw.set_trace_callback(said.append)
        spread(BitMap([1, 2]), snapshot.relations())
        db.raw.set_trace_callback(None)
    assert len(said) > 5
    assert not any("body" in one for one in said)
    store.close()


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_on_attack_closure_over_numbers_is_closure_over_bodies(tmp_path: Path) -> None:
    chance = random.Random(7)
    values: list[Json] = [orjson.loads(raw) for raw in objects_of("enterprise-attack-18.1.json.zst")]
    chance.shuffle(values)
    store = fill(furnish(open_kind("sqlite", tmp_path)), *values)
    assert store.check() == []
    with store.read() as snapshot:
        assert snapshot.db.execute("SELECT count(*) FROM name WHERE crowded = 1").fetchone()[0] == 0
        assert BEYOND not in snapshot.relations().users
    common = {n for n, value in enumerate(values, 1) if value["type"] in ("identity", "marking-definition")}
    for share in (1.0, 0.9999, 0.999, 0.99, 0.95, 0.9, 0.8, 0.6, 0.4, 0.1):
        compare(store, {n for n in range(1, len(values) + 1) if n in common or chance.random() < share})
    store.close()
