"""The difference that a change would make: every cell of a table made by hand, dates to come, and objects counted."""

import itertools
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.gate_world import AND_AUTHORS, GREEN_OURS, marked, take
from tests.release_world import policy_of
from tests.world import MadeClock

from comity.interfaces import microseconds
from comity.node import changes
from comity.node.changes import Difference, Rights, differ
from comity.node.node import Node
from comity.node.recipients import KIND, Partner
from comity.release import shifts as shifting
from comity.release.classes import Author, Recipient, Relation, ReleaseClass
from comity.release.dispositions import Disposition, dispose_all
from comity.release.policy import CASE_NOW, Policy
from comity.release.shifts import Budget, Shift, Side, by_words, gives_more, shifts
from comity.release.suppositions import class_words
from comity.stix.tlp import TLP

DAY_US = 86_400_000_000
NOTHING = policy_of("")
FROM_MAY = """
@id("may") @title("From May on")
permit (principal, action == Action::"release", resource) when { context.now >= datetime("2026-05-01T00:00:00Z") };
"""
EVERYTHING = """
@id("all") @title("All of it") permit (principal, action, resource);
"""


def active(id: str = "b", **facets: Any) -> Partner:
    given: dict[str, Any] = {"state": "active", "history_from": 0, "max_tlp": "amber", "name": f"CERT-{id}"}
    return Partner(id=id, **given | facets)


def rights(policy: Policy, *partners: Partner) -> Rights:
    return Rights(policy, {one.id: one for one in partners})


def told(node: Node, before: Rights, after: Rights) -> Difference:
    with node.store.read() as snapshot:
        return differ(snapshot, before, after, microseconds(node.clock.now()), node.is_sound)


def cells(found: Difference, *, widened: bool = True) -> set[tuple[str, str]]:
    return {(each.recipient, each.object) for each in found.cells if each.widened == widened}


@pytest.fixture
def filled(node: Node) -> Node:
    """A node on which an indicator of each level is published."""
    take(node, *(marked(level) for level in (TLP.CLEAR, TLP.GREEN, TLP.AMBER)))
    return node


@pytest.mark.slow
def test_what_is_the_same_makes_no_difference(filled: Node) -> None:
    green = rights(policy_of(GREEN_OURS), active(), active("c", state="pending"))
    digests = (green.policy.digest,) * 2
    assert told(filled, green, green) == Difference(policies=digests)
    assert not Difference().widens
    renamed = rights(policy_of(GREEN_OURS), active(name="other"), active("c", state="pending"))
    assert told(filled, green, renamed) == Difference(policies=digests)


@pytest.mark.slow
def test_a_policy_that_allows_more_widens_and_back_it_narrows(filled: Node) -> None:
    before, after = rights(NOTHING, active(), active("c")), rights(policy_of(GREEN_OURS), active(), active("c"))
    found = told(filled, before, after)
    assert found.widens
    assert {(id, of.split()[0]) for id, of in cells(found)} == {*itertools.product("bc", ("tlp=clear", "tlp=green"))}
    assert found.seen is not None
    assert sum(found.seen.appear.values()) == 4
    assert len(found.seen.ids) == 2
    back = told(filled, after, before)
    assert not back.widens
    assert cells(back, widened=False) == cells(found)
    assert back.seen is not None
    assert back.seen.cease == found.seen.appear


@pytest.mark.slow
def test_an_empty_node_without_partners_has_its_sample(node: Node) -> None:
    found = told(node, rights(NOTHING), rights(policy_of(GREEN_OURS)))
    assert not found.cells
    assert found.widens
    assert not told(node, rights(policy_of(GREEN_OURS)), rights(NOTHING)).widens


@pytest.mark.slow
def test_what_opens_only_at_a_date_to_come_widens_today(filled: Node) -> None:
    found = told(filled, rights(NOTHING, active()), rights(policy_of(FROM_MAY), active()))
    assert cells(found)
    assert found.widens
    assert found.seen is not None
    assert not found.seen.appear
    assert found.sampled


@pytest.mark.slow
def test_each_facet_of_a_partner_that_opens_something_widens(filled: Node, clock: MadeClock) -> None:
    now = microseconds(clock.now())
    policy = policy_of(EVERYTHING)
    narrow = active(max_tlp="green", agreement_until=now + DAY_US)
    wide: dict[str, Any]
    for wide in (
        {"max_tlp": "amber"},
        {"agreement_until": now + 2 * DAY_US},
        {"agreement_until": None},
    ):
        before, after = rights(policy, narrow), rights(policy, msgspec.structs.replace(narrow, **wide))
        assert told(filled, before, after).widens, wide
        assert not told(filled, after, before).widens, wide
    for state in ("pending", "suspended", "ended"):
        still = msgspec.structs.replace(narrow, state=state)
        assert not told(filled, rights(policy, still), rights(policy, active(state=state))).widens
        assert not told(filled, rights(policy, narrow), rights(policy, still)).widens
        assert told(filled, rights(policy, still), rights(policy, narrow)).widens


@pytest.mark.slow
def test_an_older_history_widens_even_where_nothing_is_there_to_be_seen(node: Node) -> None:
    policy = policy_of(GREEN_OURS)
    late, early = active(history_from=2), active(history_from=1)
    assert told(node, rights(policy, late), rights(policy, early)).history == ("b",)
    assert told(node, rights(policy, late), rights(policy, early)).widens
    assert not told(node, rights(policy, early), rights(policy, late)).widens
    over = [active(history_from=at, agreement_until=1) for at in (2, 1)]
    assert told(node, rights(policy, over[0]), rights(policy, over[1])).widens, (
        "whoever is given nothing now may be soon"
    )
    waits = [active(history_from=at, state="suspended") for at in (2, 1)]
    assert not told(node, rights(policy, waits[0]), rights(policy, waits[1])).widens


def test_an_author_that_is_named_and_a_cut_that_is_undone_give_more() -> None:
    plain = Disposition(True, ())
    assert not gives_more(plain, plain)
    for more in (
        replace(plain, name_author=True),
        replace(plain, show_personal=True),
    ):
        assert gives_more(plain, more)
        assert not gives_more(more, plain)
    cut = replace(plain, cut=frozenset({TLP.RED, TLP.AMBER}))
    assert gives_more(cut, replace(cut, cut=frozenset({TLP.RED})))
    assert not gives_more(replace(cut, cut=frozenset({TLP.RED})), cut)
    both = replace(plain, name_author=True, cut=frozenset({TLP.RED}))
    assert gives_more(plain, both)
    assert gives_more(both, plain)
    assert not gives_more(plain, Disposition(False, (), name_author=True))


def slow_twin(before: Side, after: Side, classes: list[ReleaseClass], instants: list[int]) -> set[tuple[bool, str]]:
    """Each class, asked alone at each instant."""
    found = set()
    for one, at in itertools.product(classes, instants):
        (old,) = dispose_all(before.policy, [one], before.at(at), at)
        (new,) = dispose_all(after.policy, [one], after.at(at), at)
        found |= {(True, class_words(one))} if gives_more(old, new) else set()
        found |= {(False, class_words(one))} if gives_more(new, old) else set()
    return found


MAY = CASE_NOW + 120 * DAY_US
POLICIES = {"nothing": "", "green": GREEN_OURS, "authors": GREEN_OURS + AND_AUTHORS, "may": FROM_MAY}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [("nothing", "green"), ("green", "authors"), ("authors", "nothing"), ("nothing", "may"), ("may", "green")],
)
def test_the_cells_are_those_of_the_slow_twin(old: str, new: str) -> None:
    classes = [
        ReleaseClass(level, "object", "indicator", author=author, embargo_until=embargo, granular=granular)
        for level, author, embargo, granular in itertools.product(
            (TLP.CLEAR, TLP.GREEN),
            (Author.NONE, Author.OURS),
            (None, CASE_NOW + DAY_US),
            (frozenset[TLP](), frozenset({TLP.AMBER})),
        )
    ]
    before, after = (
        Side(
            policy_of(POLICIES[name]),
            lambda at, until=until: active(agreement_until=until).subject("s", at).recipient,  # type: ignore[misc]  # mypy reads no default of a lambda
        )
        for name, until in ((old, MAY + DAY_US), (new, CASE_NOW + 2 * DAY_US))
    )
    instants = [CASE_NOW + hours * DAY_US // 2 for hours in range(6)]
    instants += [MAY - DAY_US, MAY, MAY + DAY_US // 2, MAY + 2 * DAY_US]
    found = shifts("b", before, after, by_words(classes), CASE_NOW, Budget())
    assert {(each.widened, each.object) for each in found} == slow_twin(before, after, classes, instants)


@pytest.mark.slow
def test_a_comparison_that_looks_at_the_present_alone_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(*given: Any) -> list[Disposition]:
        return [replace(each, valid_until=None) for each in dispose_all(*given)]

    monkeypatch.setattr(shifting, "dispose_all", blind)
    with pytest.raises(AssertionError):
        test_the_cells_are_those_of_the_slow_twin("nothing", "green")


@pytest.mark.slow
def test_what_is_too_much_to_look_at_counts_as_widening(filled: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(left=3)
    side = Side(NOTHING, lambda _: Recipient("b", Relation.PARTNER, "active"))
    assert shifts("b", side, side, [ReleaseClass(TLP.CLEAR, "object", "indicator")] * 2, CASE_NOW, budget) == []
    assert budget.spent
    assert Difference(whole=False).widens
    monkeypatch.setattr(changes, "Budget", lambda: Budget(left=0))
    green, nothing = rights(policy_of(GREEN_OURS), active()), rights(NOTHING, active())
    assert not told(filled, green, rights(policy_of(GREEN_OURS + AND_AUTHORS), active())).whole
    assert told(filled, green, nothing).whole, "what permits nothing cannot widen"
    monkeypatch.setattr(changes, "Budget", Budget)
    monkeypatch.setattr(changes, "LOOKED_MOST", 0)
    narrowed = told(filled, rights(policy_of(GREEN_OURS), active()), rights(NOTHING, active()))
    assert narrowed.seen is None
    assert not narrowed.widens, "narrowing never waits because there is much of it"
    assert narrowed.to_json({})["objects"] is None


@pytest.mark.slow
def test_the_difference_is_told_with_names_and_bounded(filled: Node) -> None:
    found = told(filled, rights(NOTHING, active()), rights(policy_of(GREEN_OURS), active()))
    facts = found.to_json({"b": "CERT-B"})
    assert {one["partner"] for one in facts["cells"]["first"]} == {"CERT-B"}
    assert facts["objects"]["appear"] == 2
    many = Difference(cells=tuple(Shift(True, "b", str(number)) for number in range(1000)))
    assert len(many.to_json({})["cells"]["first"]) == changes.CELLS_TOLD
    assert many.to_json({})["cells"]["widened"] == 1000


def test_what_a_trial_tells_is_what_then_happens(node: Node) -> None:
    one = marked(TLP.GREEN)
    take(node, one)
    node.add_partner("CERT-B", history_from=0)
    with node.store.read() as snapshot:
        versions = snapshot.admin_version
    trial = node.move_partner("CERT-B", "activate", checked_by="a call", dry_run=True)
    trial_of_facets = node.change_partner("CERT-B", {"max_tlp": "amber"}, dry_run=True)
    with node.store.read() as snapshot:
        assert snapshot.admin_version == versions
        assert [record.version for record in snapshot.records(KIND)] == [1]
    assert trial.partner.state == "active"
    assert not trial_of_facets.difference.widens
    done = node.move_partner("CERT-B", "activate", checked_by="a call")
    assert done.difference == trial.difference
    assert node.partner("CERT-B").state == "active"
