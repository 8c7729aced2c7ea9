"""What published objects count as when a definition, a rule of a source or of the node is another (R5, R14)."""

from typing import Any

import orjson
import pytest
from tests.gate_world import PARTNER, Reader, look_at_all, marked, take
from tests.world import MadeClock, bundle, indicator

from comity.errors import Invalid
from comity.interfaces import microseconds
from comity.node import publishing, reclassifying
from comity.node.access import OPERATOR
from comity.node.forming import Classes
from comity.node.node import Node
from comity.node.reclassifying import AWAITING, RECLASSIFY
from comity.node.views import Subject
from comity.release.standing import parts
from comity.stix.markings import TLP

ALL = '@id("all") @title("Everything") permit (principal, action, resource);'
ONLY_AMBER = """
@id("amber") @title("TLP:AMBER and nothing else")
permit (principal, action == Action::"release", resource) when { resource.tlp == Tlp::"amber" };
"""
DEFINITION = "marking-definition--11111111-1111-4111-8111-111111111111"


def definition(level: str, year: int = 2024, **members: Any) -> dict[str, Any]:
    """What the id means: that TLP."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": DEFINITION,
        "created": f"{year}-01-01T00:00:00.000Z",
        "definition_type": "tlp",
        "definition": {"tlp": level},
    } | members


def referring(name: str, **members: Any) -> dict[str, Any]:
    return indicator(name=name, object_marking_refs=[DEFINITION], **members)


@pytest.fixture
def feed(node: Node) -> str:
    node.add_source("feed", default_marking="green")
    return "feed"


def reader(node: Node, policy: str = ALL) -> Reader:
    return Reader(node, policy, Subject(PARTNER))


def waiting(node: Node) -> int:
    """How many publications stand between two classes, or await one."""
    with node.store.read() as snapshot:
        published = snapshot.publications()
        return sum(
            len(published.of("class", key))
            for key, form in snapshot.classes().items()
            if form and len(set(parts(form))) > 1
        )


def names(reader: Reader) -> list[str]:
    return sorted(each["name"] for each in reader.page()[0] if each["type"] == "indicator")


def test_a_definition_that_comes_loosens_nothing_before_a_person_says_so(node: Node, feed: str) -> None:
    take(node, referring("it"), source=feed)
    look_at_all(node)
    partner = reader(node)
    assert names(partner) == []
    take(node, definition("green"), source=feed)
    assert names(partner) == []
    (pair, change), *others = node.class_changes(feed).items()
    assert (others, change.count, change.loosens, change.had.unsound, change.has.tlp) == ([], 1, True, True, TLP.GREEN)
    assert node.class_changes() == {pair: change}
    assert node.reclassify(feed).waiting == 1
    assert names(partner) == []
    done = node.reclassify(feed, [pair])
    assert (done.confirmed, done.waiting, done.tightened) == (1, 0, 0)
    assert names(partner) == ["it"]
    assert node.class_changes() == {}
    assert [kept.confirmed for _, kept in node.reclassifications()] == [1, 0]


def test_what_a_person_confirmed_is_new_in_the_view(node: Node, feed: str, clock: MadeClock) -> None:
    take(node, referring("it"), marked(TLP.CLEAR, name="other"), source=feed)
    partner = reader(node)
    *_, last = partner.page()
    assert names(partner) == ["other"]
    take(node, definition("green"), source=feed)
    clock.move(days=1)
    node.reclassify(feed, node.class_changes(feed))
    (page, *_) = partner.page(added_after=last)
    assert "it" in [each.get("name") for each in page]


def test_a_definition_of_another_source_means_nothing(node: Node, feed: str) -> None:
    take(node, referring("it"), source=feed)
    node.add_source("other")
    take(node, definition("clear"), source="other")
    assert node.class_changes() == {}
    assert names(reader(node)) == []


@pytest.mark.parametrize("policy", [ALL, ONLY_AMBER])
def test_another_meaning_holds_at_once_where_it_lets_less_go_and_never_where_more(
    node: Node, feed: str, policy: str
) -> None:
    take(node, definition("green"), referring("it"), source=feed)
    partner = Reader(node, policy, Subject(PARTNER))
    before = names(partner)
    assert before == (["it"] if policy == ALL else [])
    node.receive(bundle(definition("red", 2025)), feed)
    assert names(partner) == []
    assert waiting(node) == 0
    # Of another source nothing goes that is AMBER, and of RED nothing at all: what comes next loosens, so it waits.
    node.receive(bundle(definition("clear", 2026)), feed)
    assert names(partner) == []
    assert waiting(node) == 1


def test_between_two_levels_only_what_both_let_go_goes(node: Node) -> None:
    """Ours, so that the floor lets both levels go; a policy may permit the stricter one alone."""
    take(node, definition("green"), referring("it"))
    for policy in (ALL, ONLY_AMBER):
        partner = Reader(node, policy, Subject(PARTNER))
        before = names(partner)
        node.receive(bundle(definition("amber", 2025 if policy == ALL else 2027)))
        assert waiting(node) == 1
        assert names(partner) == before
        node.receive(bundle(definition("green", 2026 if policy == ALL else 2028)))
        assert waiting(node) == 0
        assert names(partner) == before


@pytest.mark.parametrize("twice", [False, True])
def test_a_definition_that_goes_leaves_nothing_of_what_it_let_go(node: Node, feed: str, twice: bool) -> None:
    take(node, definition("green"), referring("it"), source=feed)
    if twice:
        take(node, definition("clear", 2023), source=feed)
    partner = reader(node)
    assert names(partner) == ["it"]
    node.delete(OPERATOR, "default", DEFINITION)
    assert names(partner) == []
    assert waiting(node) == 0
    (record, kept), *_ = node.reclassifications()
    assert (kept.tightened, kept.of) == (1, AWAITING)
    assert DEFINITION in kept.why
    assert record.changed_at == microseconds(node.clock.now())


def test_one_of_two_versions_that_goes_changes_what_the_other_does_not_say(node: Node, feed: str) -> None:
    take(node, definition("red", 2023), definition("green"), referring("it"), source=feed)
    partner = reader(node)
    assert names(partner) == ["it"]
    node.delete(OPERATOR, "default", DEFINITION, ["2024-01-01T00:00:00"])
    assert names(partner) == []


def test_granular_markings_count_too(node: Node, feed: str) -> None:
    granular = [{"marking_ref": DEFINITION, "selectors": ["description"]}]
    parted = marked(TLP.CLEAR, name="parted", description="a secret", granular_markings=granular)
    take(node, definition("green"), parted, source=feed)
    partner = reader(node)
    assert partner.page()[0][-1]["description"] == "a secret"
    node.receive(bundle(definition("red", 2025)), feed)
    assert all("description" not in each for each in partner.page()[0])


def test_many_are_served_to_nobody_until_the_job_has_run(
    node: Node, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassifying, "AT_ONCE", 3)
    monkeypatch.setattr(reclassifying, "BATCH_OBJECTS", 2)
    others = [marked(TLP.CLEAR, name=f"other {number}") for number in range(3)]
    take(node, definition("green"), *(referring(f"it {number}") for number in range(5)), *others, source=feed)
    partner = reader(node)
    assert len(names(partner)) == 8
    # It means the same by another word: only who has looked can tell.
    node.receive(bundle(definition("green", 2025, name="of that year")), feed)
    assert names(partner) == ["other 0", "other 1", "other 2"]
    assert waiting(node) == 5
    (job,) = node.jobs()
    assert (job.kind, job.key) == (RECLASSIFY, AWAITING)
    assert node.run_job() is not None
    assert node.jobs() == []
    assert len(names(partner)) == 8
    assert waiting(node) == 0


def test_a_job_that_is_told_to_stop_goes_on_where_it_was(
    node: Node, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassifying, "AT_ONCE", 1)
    monkeypatch.setattr(reclassifying, "BATCH_OBJECTS", 2)
    take(node, definition("green"), *(referring(f"it {number}") for number in range(5)), source=feed)
    node.receive(bundle(definition("red", 2025)), feed)
    asked = iter((False, True))
    assert node.run_job(lambda: next(asked)) is not None
    assert waiting(node) == 3
    assert node.run_job() is not None
    assert (waiting(node), node.jobs(), names(reader(node))) == (0, [], [])


def test_what_was_not_looked_at_yet_is_not_served_by_what_it_was_classed_by(node: Node, feed: str) -> None:
    """Relations are filled behind: a definition that changes before that must find what refers to it all the same."""
    node.receive(bundle(definition("green"), referring("it")), feed)
    publishing.publish(node.store, node.clock, publishing.EVERYTHING, hold_seconds=0)
    node.receive(bundle(definition("red", 2025)), feed)
    look_at_all(node)
    assert names(reader(node)) == []


def test_what_is_classed_while_a_definition_changes_is_classed_again(
    node: Node, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The definition comes between the reading of a batch and its writing."""
    node.receive(bundle(definition("green"), referring("it")), feed)
    classed = publishing._classed
    came: list[Any] = []

    def meanwhile(classes: Classes, batch: Any) -> Any:
        found = classed(classes, batch)
        if not came:
            came.append(node.receive(bundle(definition("red", 2025)), feed))
        return found

    monkeypatch.setattr(publishing, "_classed", meanwhile)
    publishing.publish(node.store, node.clock, publishing.EVERYTHING, hold_seconds=0)
    look_at_all(node)
    assert came
    assert names(reader(node)) == []
    assert waiting(node) == 0


def test_labels_that_count_from_now_on_tighten_at_once_and_loosen_never(node: Node, feed: str) -> None:
    take(node, indicator(name="red", labels=["tlp:red"]), indicator(name="clear", labels=["tlp:clear"]), source=feed)
    partner = reader(node)
    assert names(partner) == ["clear", "red"]
    made = node.edit_source(feed, labels_are_markings=True)
    assert (made.labels_are_markings, made.default_marking) == (True, "green")
    assert names(partner) == ["clear"]
    back = node.edit_source(feed, labels_are_markings=False)
    assert back.labels_are_markings is False
    assert names(partner) == ["clear"]
    node.reclassify(feed, node.class_changes(feed))
    assert names(partner) == ["clear", "red"]


def test_another_default_holds_for_later_objects(node: Node, feed: str) -> None:
    take(node, indicator(name="before"), source=feed)
    node.edit_source(feed, default_marking="red")
    take(node, indicator(name="after"), source=feed)
    assert names(reader(node)) == ["before"]
    assert node.class_changes() == {}


def test_another_default_for_what_is_stored_tightens_at_once_and_loosens_by_a_person(node: Node, feed: str) -> None:
    take(node, indicator(name="before"), marked(TLP.GREEN, name="own"), source=feed)
    node.receive(bundle(indicator(name="by hand")), feed, marking="clear")
    publishing.publish(node.store, node.clock, publishing.EVERYTHING, hold_seconds=0)
    look_at_all(node)
    partner = reader(node)
    assert names(partner) == ["before", "by hand", "own"]
    node.edit_source(feed, default_marking="red", stored=True)
    assert names(partner) == ["by hand", "own"]
    assert [hit.name for hit in node.search("before tlp:red").items] == ["before"]
    node.edit_source(feed, default_marking="green", stored=True)
    assert names(partner) == ["by hand", "own"]
    node.reclassify(feed, node.class_changes(feed))
    assert names(partner) == ["before", "by hand", "own"]
    with pytest.raises(Invalid):
        node.edit_source(feed, labels_are_markings=True, stored=True)


def test_other_identities_of_ours_class_everything_anew(node: Node, tmp_path: Any) -> None:
    author = "identity--11111111-1111-4111-8111-111111111111"
    assert not node.heed_rules()
    take(node, marked(TLP.CLEAR, name="it", created_by_ref=author))
    assert not node.heed_rules()
    node.settings = node.settings.__class__(**{**_fields(node.settings), "identities": author})
    assert node.heed_rules()
    assert not node.heed_rules()
    assert node.run_job() is not None
    (change,) = node.class_changes().values()
    assert (change.had.author.value, change.has.author.value, change.loosens) == ("other", "ours", True)
    (_, kept), *_ = node.reclassifications()
    assert (kept.why, kept.waiting) == ("other identities than before", 1)


def _fields(settings: Any) -> dict[str, Any]:
    from dataclasses import fields

    return {field.name: getattr(settings, field.name) for field in fields(settings)}


def test_whom_a_change_opens_to_is_told_by_name(node: Node, feed: str) -> None:
    policy = ALL
    node.apply_policy(policy, '[[case]]\nname = "all"\nobject = { tlp = "clear" }\nexpect = "allow"\n')
    for name, level in (("CERT-B", "green"), ("CERT-C", "clear")):
        node.add_partner(name, max_tlp=level, cybersecurity=True)
        node.step_partner(name, "activate", checked_by="a call")
    take(node, referring("it"), definition("green"), source=feed)
    node.reclassify(feed, node.class_changes(feed))
    node.delete(OPERATOR, "default", DEFINITION)
    take(node, definition("green", 2025), source=feed)
    (change,) = node.class_changes().values()
    assert node.opens_to(change) == ["CERT-B"]


def test_an_id_in_capitals_is_found(node: Node, feed: str) -> None:
    value = orjson.loads(orjson.dumps(referring("it")))
    take(node, definition("green"), value, source=feed)
    with node.store.read() as snapshot:
        assert len(reclassifying.referring(snapshot, feed, DEFINITION.upper())) == 1
