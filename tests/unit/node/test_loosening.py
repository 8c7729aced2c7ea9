"""What counts as something looser waits for a second person where there is one (R14)."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from tests.gate_world import take
from tests.offices import Office, in_force
from tests.release_world import policy_of
from tests.world import MadeClock, bundle, indicator

from comity.errors import Conflict, NotAuthorized
from comity.node import classing, releasing
from comity.node.classing import Settled
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.release.standing import classes_in

pytestmark = pytest.mark.slow

DEFINITIONS = [f"marking-definition--{str(n) * 8}-1111-4111-8111-111111111111" for n in (1, 2)]
POLICY = """
@id("green") @title("Up to GREEN") permit (principal, action == Action::"release", resource)
when { [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };
"""


@pytest.fixture(autouse=True)
def without_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies of a rule or two need no cases here."""
    monkeypatch.setattr(releasing, "compile_policy", lambda _floor, text, _cases: policy_of(text))


def definition(number: int, level: str) -> dict[str, Any]:
    """What the id of that number means: that TLP."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": DEFINITIONS[number],
        "created": "2024-01-01T00:00:00.000Z",
        "definition_type": "tlp",
        "definition": {"tlp": level},
    }


def referring(definition: int, number: int) -> dict[str, Any]:
    pattern = f"[ipv4-addr:value = '192.0.2.{number}']"
    id = f"indicator--{number:08d}-0000-4000-8000-{'a' * 12}"
    return indicator(id=id, object_marking_refs=[DEFINITIONS[definition]], pattern=pattern, name=f"sign {number}")


@pytest.fixture
def filled(node: Node) -> Node:
    """CERT-B is active; of a source came objects whose markings were not known then: by now three of them are GREEN,
    and one is AMBER."""
    node.add_source("feed")
    in_force(node, POLICY)
    node.add_partner("CERT-B", history_from=0, cybersecurity=True, max_tlp="amber")
    node.step_partner("CERT-B", "activate", checked_by="a call")
    take(node, *(referring(0, n) for n in range(3)), referring(1, 9), source="feed")
    node.receive(bundle(definition(0, "green"), definition(1, "amber")), "feed")
    return node


@pytest.fixture
def office(filled: Node) -> Office:
    return Office(filled)


def counts(node: Node) -> Counter[str]:
    """How many objects of the source have which level, or stand between two classes."""
    found: Counter[str] = Counter()
    with node.store.read() as snapshot:
        published = snapshot.publications()
        for key, form in snapshot.classes().items():
            if form and (some := published.of("class", key)):
                found["/".join(one.tlp.word.removeprefix("TLP:").lower() for one in classes_in(form))] += len(some)
    return found


def reclassify(office: Office, name: str = "anna") -> Settled:
    with office.acts(name):
        return office.node.reclassify("feed", office.node.class_changes("feed"))


DONE = {"green": 3, "amber": 1}


def test_without_a_second_person_it_is_done_at_once_and_that_is_said(filled: Node) -> None:
    done = filled.reclassify("feed", filled.class_changes("feed"))
    assert (done.confirmed, done.waits, done.alone) == (4, "", True)
    assert counts(filled) == DONE
    again = filled.reclassify("feed", filled.class_changes("feed"))
    assert (again.confirmed, again.waits, again.alone) == (0, "", False)


def test_it_waits_with_all_that_was_listed_until_another_person_approves_it(office: Office) -> None:
    done = reclassify(office)
    assert (done.confirmed, done.alone) == (0, False)
    assert done.waits
    assert counts(office.node).keys() & DONE.keys() == set()
    ((kept, state),) = office.proposals()
    assert (kept.id, state) == (done.waits, "waiting")
    assert kept.change.words == "let 4 objects count as something looser"
    told = kept.told
    assert told["sample"]["widened"] == 2, "each pair"
    assert [one["partner"] for one in told["cells"]["first"]] == ["CERT-B"]
    assert "TLP:GREEN" in told["cells"]["first"][0]["class"]
    assert told["objects"]["appear"] == 3
    assert reclassify(office).waits == done.waits, "the same, asked for again, is one"
    for name in ("anna", "annas-other", "carl"):
        with pytest.raises(NotAuthorized):
            office.approve(done.waits, name)
    office.approve(done.waits)
    assert counts(office.node) == DONE
    (_, record), *_ = office.node.reclassifications()
    assert (record.confirmed, record.by) == (4, "anna")


def test_what_is_rejected_or_expired_stands_between(office: Office, clock: MadeClock) -> None:
    id = reclassify(office).waits
    with office.acts("bert"):
        office.node.reject(id)
    second = reclassify(office).waits
    assert second != id
    clock.move(hours=24)
    with pytest.raises(Conflict):
        office.approve(second)
    assert not counts(office.node).keys() & DONE.keys()


def test_what_tightens_waits_for_nobody(office: Office) -> None:
    office.approve(reclassify(office).waits)
    office.node.receive(bundle(definition(0, "red") | {"created": "2025-01-01T00:00:00.000Z"}), "feed")
    done = reclassify(office)
    assert (done.waits, done.alone) == ("", False)
    assert counts(office.node) == {"red": 3, "amber": 1}


def other_policy(office: Office) -> None:
    in_force(office.node, POLICY.replace(', Tlp::"green"]', "]"))


def fewer(office: Office) -> None:
    with office.acts("carl"):
        office.node.unpublish(Selection(ids=(str(referring(0, 0)["id"]),)))


def other_meaning(office: Office) -> None:
    office.node.receive(bundle(definition(0, "clear") | {"created": "2025-01-01T00:00:00.000Z"}), "feed")


def another_partner(office: Office) -> None:
    with office.acts("anna"):
        office.node.add_partner("CERT-C", history_from=0, cybersecurity=True)
        waits = office.node.move_partner("CERT-C", "activate", checked_by="a call").waits
    if waits:
        office.approve(waits)


@pytest.mark.parametrize("change", [other_policy, fewer, other_meaning, another_partner])
def test_another_difference_than_was_shown_is_not_approved(office: Office, change: Callable[[Office], None]) -> None:
    id = reclassify(office).waits
    before = counts(office.node)
    change(office)
    with pytest.raises(Conflict):
        office.approve(id)
    assert not counts(office.node).keys() & DONE.keys()
    assert sum(before.values()) - sum(counts(office.node).values()) in (0, 1)


def test_what_came_meanwhile_stays_waiting(office: Office) -> None:
    """Another class that was not listed hinders nothing, and is not confirmed either."""
    third = f"marking-definition--{'3' * 8}-1111-4111-8111-111111111111"
    one = indicator(object_marking_refs=[third], name="late", pattern="[ipv4-addr:value = '192.0.2.77']", lang="et")
    take(office.node, one, source="feed")
    id = reclassify(office).waits
    office.node.receive(bundle(definition(0, "clear") | {"id": third}), "feed")
    office.approve(id)
    assert counts(office.node) == DONE | {"red/clear": 1}
    with office.acts("anna"):
        assert [each.count for each in office.node.class_changes("feed").values()] == [1]


def test_an_approval_that_does_not_look_again_would_be_seen(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Node, "_refuse_another_difference", lambda *_: None)
    with pytest.raises(BaseException, match="DID NOT RAISE"):
        test_another_difference_than_was_shown_is_not_approved(office, fewer)


def test_a_confirmation_that_forgets_the_second_person_would_be_seen(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classing, "seconds", lambda *_: [])
    with pytest.raises(AssertionError):
        test_it_waits_with_all_that_was_listed_until_another_person_approves_it(office)
