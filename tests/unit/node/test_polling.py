"""A poll under the eyes of the clock: signs of life, a lease that is lost, faults that are told."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from tests.property.test_taxii_client_laws import Told
from tests.world import MadeClock, MadeEntropy, indicator

from comity.errors import Conflict, NotFound, Unavailable
from comity.interfaces import Fetched, Fetcher, microseconds
from comity.node import jobs
from comity.node.addresses import Reach
from comity.node.node import Node
from comity.store.nouns import Job

Answer = tuple[int, dict[str, str], bytes]
LISTED: Answer = (200, {}, b'{"api_roots":["/a/"]}')
COLLECTIONS: Answer = (200, {}, b'{"collections":[{"id":"one","title":"One"},{"id":"two","title":"Two"}]}')


def page(*values: dict[str, object], more: bool = False) -> Answer:
    """An envelope as an answer."""
    value = {"more": more, "objects": values} | ({"next": "n"} if more else {})
    return 200, {}, json.dumps(value).encode()


class Slow(Told):
    """Each answer takes so many seconds of the made clock; `meanwhile` is what others do."""

    clock: MadeClock
    seconds = 0.0
    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def fetch(self, *given: object, **named: object) -> Fetched:
        answer = super().fetch(*given, **named)  # type: ignore[arg-type]
        self.clock.move(seconds=self.seconds)
        self.meanwhile()
        return answer


@pytest.fixture
def clock() -> MadeClock:
    return MadeClock()


@pytest.fixture
def node(tmp_path: Path, clock: MadeClock) -> Iterator[Node]:
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy()) as opened:
        opened.add_taxii_source("feed", "https://feed.example/")
        yield opened


def polled_by(node: Node, clock: MadeClock, *answers: Answer) -> Slow:
    """The other server is this."""
    told = Slow(list(answers))
    told.clock = clock

    def fetcher(_reach: Reach) -> AbstractContextManager[Fetcher]:
        return nullcontext(told)

    node.fetcher = fetcher
    return told


def test_a_long_poll_gives_signs_of_life_and_nobody_takes_it(node: Node, clock: MadeClock) -> None:
    told = polled_by(node, clock, LISTED, COLLECTIONS, *(page(indicator(), more=True) for _ in range(10)), page())
    told.seconds = jobs.LEASE_SECONDS / 2 - 1
    others: list[int | None] = []

    def look() -> None:
        with node.store.read() as snapshot:
            at = snapshot.next_job_at(["poll"])
        assert at is not None
        others.append(at - microseconds(clock.now()))

    told.meanwhile = look
    ran = node.run_job()
    assert ran is not None
    assert (ran.error, node.counts().copies) == ("", 10)
    assert len(others) > 10
    assert min(other for other in others if other is not None) > 0, "at no moment could another claim it"


def test_a_poll_that_another_took_over_stores_nothing_more(node: Node, clock: MadeClock) -> None:
    told = polled_by(node, clock, LISTED, COLLECTIONS, page(indicator(), more=True), page(indicator()), page())
    told.seconds = jobs.LEASE_SECONDS
    taken: list[Job | None] = []

    def take() -> None:
        if len(told.asked) == 4 and not taken:
            with node.store.write() as tx:
                taken.append(tx.claim(10**17, 10**6, ["poll"], "another"))

    told.meanwhile = take
    ran = node.run_job()
    assert ran is not None
    assert "Another worker has taken" in ran.error
    assert node.counts().copies == 1
    (job,) = node.jobs()
    assert job.lease == "another"


def test_a_collection_that_cannot_be_read_keeps_the_others_from_nothing(node: Node, clock: MadeClock) -> None:
    told = polled_by(node, clock, LISTED, COLLECTIONS, (500, {}, b'{"title":"Broken"}'), page(indicator()))
    ran = node.run_job()
    assert ran is not None
    assert "answers 500: Broken" in ran.error
    assert node.counts().copies == 1
    assert len(told.asked) == 4
    view = node.source("feed")
    assert view.last is not None
    assert (view.last.stored, "Broken" in view.last.error) == (1, True)
    assert view.job is not None
    assert view.job.attempts == 1


def test_a_poll_that_is_told_to_stop_goes_on_where_it_was(node: Node, clock: MadeClock) -> None:
    one, two, three = indicator(), indicator(), indicator()
    polled_by(node, clock, LISTED, COLLECTIONS, page(one, more=True), page(two), page(three))
    ran = node.run_job(lambda: True)
    assert ran is not None
    assert (ran.error, node.counts().copies, ran.due_at) == ("", 2, node.source("feed").job.due_at)  # type: ignore[union-attr]
    told = polled_by(node, clock, LISTED, COLLECTIONS, page(two), page(three))
    assert node.run_job() is not None
    assert "next=n" in told.asked[2]
    assert node.counts().copies == 3


@pytest.mark.slow
def test_a_fault_of_ours_is_told_in_the_run(node: Node, clock: MadeClock) -> None:
    told = polled_by(node, clock, LISTED)

    def fail() -> None:
        raise KeyError("a bug")

    told.meanwhile = fail
    with pytest.raises(KeyError):
        node.run_job()
    view = node.source("feed")
    assert view.last is not None
    assert view.last.error == "unexpected KeyError: 'a bug'"


def test_only_what_is_polled_can_be_polled(node: Node, clock: MadeClock) -> None:
    with pytest.raises(Conflict, match="not polled"):
        node.poll("local")
    with pytest.raises(NotFound):
        node.poll("none")
    with pytest.raises(NotFound):
        node.source("none")
    assert node.source("local").poll is None


def test_a_source_that_another_worker_polls_is_said(node: Node, clock: MadeClock) -> None:
    with node.store.write() as tx:
        assert tx.claim(10**17, 10**12, ["poll"], "another") is not None
    with pytest.raises(Unavailable, match="Another worker polls feed"):
        node.poll("feed")
