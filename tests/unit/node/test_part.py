"""A part of a view, beside the whole: of the few that are asked about both say the same."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from pyroaring import BitMap
from tests.pages_world import fill, let_leave
from tests.telling_world import NAMES, TellingWorld
from tests.world import MadeClock, MadeEntropy

from comity.node import parts
from comity.node.access import OPERATOR
from comity.node.explaining import Teller, Told
from comity.node.node import Node
from comity.node.parts import part_of
from comity.node.publishing import Selection
from comity.node.recipients import partners
from comity.node.supposing import Supposed
from comity.node.telling import Receives
from comity.node.views import View
from comity.release.suppositions import read_supposition
from comity.store.nouns import State

pytestmark = pytest.mark.slow


@pytest.fixture(params=range(2))
def node(request: pytest.FixtureRequest, tmp_path: Path, clock: MadeClock) -> Any:
    """A node whose objects came, were published and read in any order."""
    url = f"sqlite:///{tmp_path}/w.db"
    with Node.open(url, name="CERT-A", clock=clock, entropy=MadeEntropy(request.param)) as made:
        world = TellingWorld(made, request.param)
        for _ in range(20):
            world.step()
            clock.move(seconds=7)
        made.publish(hold_seconds=0)
        yield made


@pytest.fixture
def large(tmp_path: Path) -> Any:
    """A node on which names are said by texts near to them."""
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as made:
        fill(made)
        let_leave(made)
        yield made


def within(view: View, few: BitMap) -> list[BitMap]:
    """What the view says of these."""
    names = ("alive", "edited", "sent", "told", "authorless", "plain")
    return [getattr(view, name) & few for name in names]


def compared(node: Node) -> Counter[str]:
    """What becomes of each publication for each partner by a part of the view, which was that of the whole."""
    seen = Counter[str]()
    with node.store.read() as snapshot:
        moment, policy = node.guard.moment(snapshot), node._policy_at(snapshot)
        every = snapshot.publications().of("state", State.PUBLISHED)
        for partner in partners(snapshot):
            whole, _ = node._view_of(snapshot, partner, moment)
            node.gate._views.clear()
            for number in every:
                few = BitMap([number])
                part = part_of(snapshot, few)
                assert part is not None
                view, _ = node._view_of(snapshot, partner, moment, part=part)
                assert not node.gate._views, "a part was kept as if it were the whole"
                assert within(view, few) == within(whole, few), (partner.name, number)
                told = [
                    list(Teller(snapshot, each, policy, moment.now, node.is_sound, passing=False).tell(few))
                    for each in (view, whole)
                ]
                assert told[0] == told[1]
                seen.update(one.verdict.value for one in told[0])
                seen["smaller"] += len(part.numbers) < len(every)
    return seen


def test_a_part_says_of_each_what_the_whole_says(node: Node) -> None:
    seen = compared(node)
    assert min(seen[word] for word in ("release", "withhold", "smaller")) >= 5, seen


def test_a_part_knows_the_names_that_texts_say(large: Node) -> None:
    seen = compared(large)
    assert min(seen[word] for word in ("release", "withhold", "smaller")) >= 20, seen


def test_the_first_that_are_told_are_the_first_of_all(node: Node) -> None:
    wider = Supposed(facets=(read_supposition("tlp=clear"),))
    for name in NAMES:
        for supposing in (Supposed(), wider):

            def told(limit: int | None, name: str = name, supposing: Supposed = supposing) -> list[Told]:
                return list(node.tell(name, supposing=supposing, passing=False, limit=limit))

            every = told(None)
            assert every
            for limit in (1, 3, len(every), len(every) + 1):
                node.gate._views.clear()
                assert told(limit) == every[:limit]


def test_who_receives_is_what_is_told_to_each(node: Node) -> None:
    ids = {one.id for one in node.tell(NAMES[0], passing=False)}
    names = [one.name for one in node.partners()]
    for id in ids:
        node.gate._views.clear()
        every = [[Receives(each.partner, each.relation, each.verdict, each.rules, each.cuts, each.opened)
                  for each in copy.who] for copy in node.who(id)]  # fmt: skip
        parts = [node.who(id, first=at, most=2) for at in range(0, len(names), 2)]
        assert every == [[each for copies in parts for each in copies[place].who] for place in range(len(every))]
        told = {name: [one for one in node.tell(name, [id], passing=False) if one.id == id] for name in names}
        for copies in every:
            for each in copies:
                assert any((one.verdict, one.rules, one.cuts) == (each.verdict, each.rules, each.cuts)
                           for one in told[each.partner])  # fmt: skip


def test_what_would_be_read_is_what_a_reading_has(node: Node) -> None:
    found = Counter[str]()
    for name in NAMES:
        ids = sorted({one.id for one in node.tell(name, passing=False)})
        read: list[bytes] = []
        for collection in node.collections(OPERATOR):
            node.write_reading(read.append, name, collection=collection.id, ids=ids)
        bodies = b"".join(read)
        for raw in node.would_read(name, ids):
            # A reading shows the last version alone, and what is read besides is an earlier one.
            if raw in bodies:
                found["read"] += 1
            else:
                newer = [each for each in orjson.loads(b"[" + b",".join(node.would_read(name, ids)) + b"]")
                         if each["id"] == orjson.loads(raw)["id"]]  # fmt: skip
                assert len(newer) > 1
    assert found["read"] >= 5


def test_what_is_new_to_them_is_that_of_all(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        for ids in [(one.id,) for one in node.tell(name, passing=False)]:
            node.gate._views.clear()
            part = node.since_reading(name, Selection(ids=ids))
            with monkeypatch.context() as patched:
                patched.setattr(parts, "PART_MOST", -1)
                whole = node.since_reading(name, Selection(ids=ids))
            assert part == whole


def test_the_few_that_are_held_are_the_first_of_all(large: Node) -> None:
    every = list(large.held("CERT-B"))
    assert len(every) > 10
    for limit in (1, 5, len(every)):
        large.gate._views.clear()
        assert list(large.held("CERT-B", limit=limit)) == every[:limit]


def test_the_classes_of_the_matrix_are_those_that_are_listed(large: Node) -> None:
    listed = large.classes_published()
    cells = list(large.matrix(["CERT-B"]))
    assert dict(listed) == {cell.words: cell.objects for cell in cells}
    assert [count for _, count in listed] == sorted((count for _, count in listed), reverse=True)
    some = {words for words, _ in listed[1:3]}
    assert list(large.matrix(["CERT-B"], classes=some)) == [cell for cell in cells if cell.words in some]
