"""Random life of a store beside its slow twin: every answer is the same, and no polling client misses an addition."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.store_model import READINGS, Model
from tests.store_world import NOW, ONE, TWO, furnish, identifier, made, open_kind

from comity.interfaces import Query
from comity.stix.object import StixObject
from comity.store.interface import Transaction
from comity.store.nouns import Source, State, TextQuery, Verdict

SOURCES = ("local", "feed-a", "feed-b")
DATED = [identifier("malware", number) for number in range(3)]
DATELESS = [identifier("ipv4-addr", number) for number in range(2)]
# Rising as text and as time differ here; .5 and .50 are one instant.
VERSIONS = [f"2026-01-01T00:00:0{rest}Z" for rest in ("0", "0.25", "0.5", "0.50", "1.000")]
INSTANTS = [f"2026-01-01T00:00:0{rest}" for rest in ("0", "0.25", "0.5", "1")] + ["1970-01-01T00:00:00"]
NAMES = ("Alpha wiper", "beta Wiper")

names, spaced, levels = st.sampled_from(NAMES), st.booleans(), st.sampled_from([None, 0, 4])
objects = st.one_of(
    st.builds(
        lambda id, version, name, compact, tlp: made(id, version, name=name, compact=compact, tlp=tlp),
        *(st.sampled_from(DATED), st.sampled_from(VERSIONS), names, spaced, levels),
    ),
    st.builds(
        lambda id, name, compact: made(id, name=name, compact=compact, value="192.0.2.1"),
        *(st.sampled_from(DATELESS), names, spaced),
    ),
)
places = st.sampled_from([ONE, TWO])
moments = st.integers(-50, 50).map(lambda offset: NOW + offset)
queries = st.builds(
    Query,
    collection=st.sampled_from([ONE, TWO, None]),
    ids=st.lists(st.sampled_from([*DATED, *DATELESS, identifier("tool", 1)]), max_size=2, unique=True).map(tuple),
    types=st.lists(st.sampled_from(["malware", "ipv4-addr", "tool"]), max_size=2, unique=True).map(tuple),
    versions=st.lists(st.sampled_from([*READINGS, *INSTANTS]), min_size=1, max_size=3, unique=True).map(tuple),
    spec_versions=st.sampled_from([(), (), ("2.1",), ("2.0",), ("2.0", "2.1")]),
    sources=st.lists(st.sampled_from([*SOURCES, "unknown"]), max_size=2, unique=True).map(tuple),
    added_after=st.one_of(st.none(), st.integers(-60, 120).map(lambda offset: NOW + offset)),
    after=st.integers(0, 40),
    limit=st.integers(1, 8),
)


class Stopped(Exception):
    """Raised by a `finish` that changes its mind."""


class StoreMachine(RuleBasedStateMachine):
    """The store and its model go the same way."""

    kind = "sqlite"
    model_type = Model

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = furnish(open_kind(self.kind, self.folder))
        self.model = self.model_type(
            kinds={"local": "own", "feed-a": "feed", "feed-b": "feed"}, last_added={ONE: 0, TWO: 0}
        )
        self.clients = {(place, word): Client(place, word) for place in (ONE, TWO) for word in READINGS}

    def teardown(self) -> None:
        try:
            self.poll()
            for client in self.clients.values():
                missed = {
                    (copy.object.id, copy.object.instant, copy.object.raw)
                    for copy in self.model.reading(client.collection, client.word)
                } - client.seen
                assert not missed, (client.word, missed)
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    # -- life ---------------------------------------------------------------------------------------------------------
    @rule(
        batches=st.lists(st.lists(objects, max_size=4), max_size=3),
        collection=places,
        source=st.sampled_from(SOURCES),
        state=st.sampled_from([State.RECEIVED, State.RECEIVED, State.PUBLISHED, State.DRAFT]),
        default_tlp=levels,
        now=moments,
    )
    def ingest(
        self,
        batches: list[list[StixObject]],
        collection: str,
        source: str,
        state: State,
        default_tlp: int | None,
        now: int,
    ) -> None:
        """The same outcome for each object."""
        every = [each for batch in batches for each in batch]

        def finish(transaction: Transaction, verdicts: list[Verdict]) -> list[tuple[object, int]]:
            held = {copy.key for each in every for copy in transaction.copies(each.id, collection)}
            assert {verdict.key for verdict in verdicts} <= held
            return [(verdict.outcome, verdict.key) for verdict in verdicts]

        verdicts = self.store.ingest(
            iter(batches),
            collection=collection,
            source=source,
            default_tlp=default_tlp,
            state=state,
            now=now,
            finish=finish,
        )
        assert verdicts == self.model.ingest(every, collection, source, default_tlp, state, now)

    @rule(batch=st.lists(objects, min_size=1, max_size=4), collection=places, source=st.sampled_from(SOURCES))
    def stop(self, batch: list[StixObject], collection: str, source: str) -> None:
        """An ingest that is stopped at the end, after it was looked at from inside, changes nothing."""

        def finish(transaction: Transaction, _: list[Verdict]) -> None:
            transaction.withdraw(collection, batch[0].id, None, NOW)
            transaction.page(Query())
            raise Stopped

        with pytest.raises(Stopped):
            self.store.ingest(
                [batch],
                collection=collection,
                source=source,
                default_tlp=None,
                state=State.RECEIVED,
                now=NOW,
                finish=finish,
            )

    @rule(
        collection=places,
        id=st.sampled_from([*DATED, *DATELESS]),
        instants=st.one_of(st.none(), st.lists(st.sampled_from(INSTANTS), max_size=2)),
        now=moments,
        source=st.one_of(st.none(), st.sampled_from(SOURCES)),
    )
    def withdraw(self, collection: str, id: str, instants: list[str] | None, now: int, source: str | None) -> None:
        """As many copies go."""
        with self.store.write() as tx:
            count = tx.withdraw(collection, id, instants, now, source)
        assert count == self.model.withdraw(collection, id, instants, now, source)

    @rule(source=st.sampled_from(SOURCES), kind=st.sampled_from(["own", "feed"]))
    def change_kind(self, source: str, kind: str) -> None:
        """Which source is our own decides which copy is shown."""
        with self.store.write() as tx:
            tx.put_source(Source(source, kind=kind))
        self.model.put_source(source, kind)

    @rule(before=moments)
    def purge(self, before: int) -> None:
        """As many bodies are destroyed."""
        with self.store.write() as tx:
            count = tx.purge(before)
        assert count == self.model.purge(before)

    @rule()
    def reopen(self) -> None:
        """Nothing is forgotten."""
        self.store.close()
        self.store = open_kind(self.kind, self.folder)

    # -- looking ------------------------------------------------------------------------------------------------------
    @rule()
    def poll(self) -> None:
        """Clients ask for what was added after the last date they saw, in pages of two."""
        with self.store.read() as snapshot:
            for client in self.clients.values():
                more = True
                while more:
                    entries = snapshot.entries(client.query())
                    by_key = {copy.key: copy for copy in self.model.copies}
                    for entry in entries.items:
                        copy = by_key.get(entry.key)
                        assert copy is not None, "a client got a key that should not be"
                        client.seen.add((copy.object.id, copy.object.instant, copy.object.raw))
                        client.added = entry.added
                    more = entries.more

    @rule(query=queries, bytes_max=st.sampled_from([1, 300, 700, 2**20]))
    def ask(self, query: Query, bytes_max: int) -> None:
        """The same page, byte for byte, and the same rows of a manifest."""
        copies, more = self.model.page(query, bytes_max)
        with self.store.read() as snapshot:
            page = snapshot.page(query, bytes_max=bytes_max)
            entries = snapshot.entries(query)
        assert list(page.keys) == [copy.key for copy in copies]
        assert page.body == b",".join(copy.object.raw for copy in copies)
        assert (page.count, page.more) == (len(copies), more)
        assert page.first_added == (copies[0].added if copies else None)
        assert page.last_added == (copies[-1].added if copies else None)
        listed = self.model.select(query)
        assert [(entry.key, entry.id, entry.version, entry.added) for entry in entries.items] == [
            (copy.key, copy.object.id, copy.object.version, copy.added) for copy in listed[: query.limit]
        ]
        assert entries.more == (len(listed) > query.limit)

    @rule(word=st.sampled_from(["wiper", "pha", "beta", "al", "nothing"]), collection=st.sampled_from([None, ONE]))
    def search(self, word: str, collection: str | None) -> None:
        """What has the word in its name is found once the text is known."""
        while self.store.index_text(3):
            pass
        with self.store.read() as snapshot:
            hits = snapshot.search(TextQuery((word,), collection=collection))
        assert [hit.key for hit in hits.items] == self.model.found(word, collection)
        assert hits.behind == 0

    @precondition(lambda self: self.model.copies)
    @rule(data=st.data())
    def show(self, data: st.DataObject) -> None:
        """Every copy of an id, with all that is known of it."""
        id = data.draw(st.sampled_from(sorted({copy.object.id for copy in self.model.copies})))
        collection = data.draw(st.sampled_from([None, ONE, TWO]))
        shown = {copy.key for place in (ONE, TWO) for copy in self.model.reading(place, "all")}
        with self.store.read() as snapshot:
            found = snapshot.copies(id, collection)
        wanted = [copy for copy in self.model.copies if copy.object.id == id and collection in (None, copy.collection)]
        wanted.sort(key=lambda copy: copy.key)
        wanted.sort(key=lambda copy: copy.object.instant, reverse=True)
        assert [
            (
                c.key,
                c.collection,
                c.source,
                c.version,
                c.state,
                c.added,
                c.digest,
                c.tlp,
                c.default_tlp,
                c.shown,
                c.body,
            )
            for c in found
        ] == [
            (
                *(c.key, c.collection, c.source, c.object.version, c.state, c.added, c.object.digest, c.object.tlp),
                *(c.default_tlp, c.key in shown, None if c.purged else c.object.raw),
            )
            for c in wanted
        ]

    @invariant()
    def laws(self) -> None:
        """The store's own check finds nothing, and sums agree."""
        assert self.store.check() == []
        with self.store.read() as snapshot:
            for place in (None, ONE, TWO):
                assert list(snapshot.stream(place)) == [c.object.raw for c in self.model.reading(place, "all")]
            counts = snapshot.counts()
        assert counts.copies == sum(copy.state <= State.PUBLISHED for copy in self.model.copies)
        assert counts.objects == len(self.model.reading(None, "last"))
        assert sum(counts.types.values()) == counts.objects
        assert counts.collections == {place: len(self.model.reading(place, "all")) for place in (ONE, TWO)}


class Client:
    """Polls one reading of one collection by dates alone."""

    def __init__(self, collection: str, word: str) -> None:
        self.collection = collection
        self.word = word
        self.added: int | None = None
        self.seen: set[tuple[str, str, bytes]] = set()

    def query(self) -> Query:
        """What it asks next."""
        return Query(self.collection, versions=(self.word,), added_after=self.added, limit=2)


def _run(
    kind: str, examples: int, steps: int, model_type: type[Model] = Model, phases: Sequence[Phase] = tuple(Phase)
) -> None:
    machine = type("Machine", (StoreMachine,), {"kind": kind, "model_type": model_type})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=False,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_a_store_and_its_slow_twin_answer_the_same(store_kind: str) -> None:
    _run(store_kind, 25, 25)


@pytest.mark.deep
@pytest.mark.timeout(7200)
def test_a_store_and_its_slow_twin_answer_the_same_for_long(store_kind: str) -> None:
    _run(store_kind, 1500, 50)


class NeverRedates(Model):
    """A twin with a fault: what comes up again keeps its old date."""

    def _redated(self, change: Callable[[], None], now: int) -> None:
        change()


class ForgetsOwn(Model):
    """A twin with a fault: to it the earliest copy is the one shown, whoever sent it."""

    def put_source(self, name: str, kind: str) -> None:
        self.kinds = dict.fromkeys(self.kinds, "feed")


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("faulty", [NeverRedates, ForgetsOwn])
def test_a_fault_in_either_twin_is_found(store_kind: str, faulty: type[Model]) -> None:
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        _run(store_kind, 300, 40, faulty, phases=[Phase.generate])
