"""What the gate does with what it cannot say, and how it tells what it decided."""

from dataclasses import replace
from typing import Any

import pytest
from tests.release_world import DAY, NOW, floor_of, policy_of

from comity.release import cedar
from comity.release.classes import Action, Author, Iep, Recipient, Relation, ReleaseClass
from comity.release.decide import FAILED, decide, decide_all
from comity.release.facets import ITEMS_MAX, to_iso
from comity.release.passing import Change, would_pass_if
from comity.stix.tlp import TLP

FLOOR = floor_of()
ALL = policy_of('@id("p.all") @title("Everything") permit (principal, action, resource);', FLOOR)
CLEAR = ReleaseClass(TLP.CLEAR, "object", "indicator")
PARTNER = Recipient("B", Relation.PARTNER, "active", groups=frozenset({"A"}))

BAD_CLASSES: tuple[dict[str, Any], ...] = (
    {"tlp": 2},
    {"tlp_from": "hearsay"},
    {"type": 5},
    {"type": "\ud800"},
    {"pap": "purple"},
    {"personal": frozenset({"shoe size"})},
    {"verified": "yes"},
    {"groups": ["A"]},
    {"groups": frozenset(str(n) for n in range(ITEMS_MAX + 1))},
    {"embargo_until": 10**30},
    {"iep": (Iep(permitted_actions="whatever"),)},
    {"iep": (Iep(attribution="loud"),)},
    {"granular": frozenset({"red"})},
)
BAD_RECIPIENTS: tuple[dict[str, Any], ...] = (
    {"id": ""},
    {"relation": "friend"},
    {"state": "asleep"},
    {"transport": "pigeon"},
    {"max_tlp": 9},
    {"agreement_until": 10**30},
    {"encrypted": 1},
    {"need_to_know": None},
)


@pytest.mark.parametrize("change", BAD_CLASSES, ids=lambda change: next(iter(change)))
def test_a_class_that_policy_has_no_word_for_is_withheld_alone(change: dict[str, Any]) -> None:
    first, bad, last = decide_all(ALL, [CLEAR, replace(CLEAR, **change), CLEAR], PARTNER, Action.RELEASE, NOW)
    assert (first.allowed, last.allowed) == (True, True)
    assert (bad.allowed, bad.because) == (False, (FAILED,))
    assert bad.failed


@pytest.mark.parametrize("change", BAD_RECIPIENTS, ids=lambda change: next(iter(change)))
def test_a_recipient_that_policy_has_no_word_for_receives_nothing(change: dict[str, Any]) -> None:
    decision = decide(ALL, CLEAR, replace(PARTNER, **change), Action.RELEASE, NOW)
    assert (decision.allowed, decision.because) == (False, (FAILED,))


def test_an_instant_that_cannot_be_said_withholds() -> None:
    assert not decide(ALL, CLEAR, PARTNER, Action.RELEASE, 10**30).allowed


def test_what_the_library_refuses_or_leaves_out_withholds(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("no such entity")

    monkeypatch.setattr(cedar, "classes", refuse)
    found = decide_all(ALL, [CLEAR, replace(CLEAR, type="report")], PARTNER, Action.RELEASE, NOW)
    assert [decision.because for decision in found] == [(FAILED,), (FAILED,)]
    monkeypatch.undo()
    monkeypatch.setattr(cedar, "ask", lambda *_: [])
    assert decide(ALL, CLEAR, PARTNER, Action.RELEASE, NOW).failed == ("a question was not answered",)
    monkeypatch.setattr(cedar, "ask", lambda *_: [cedar.Answer(True, (), ())])
    assert decide(ALL, CLEAR, PARTNER, Action.RELEASE, NOW).failed == ("no rule is named that permits",)


def test_a_missing_entity_and_a_malformed_question_are_errors() -> None:
    known = cedar.classes((), ALL.schema)
    missing = cedar.request("B", "release", "0", to_iso(NOW))
    malformed = missing | {"principal": "nonsense"}
    answers = cedar.ask([missing, malformed], ALL.handle, known, ALL.schema)
    assert all(answer.errors for answer in answers)
    assert not answers[1].allowed


def test_equal_values_of_another_type_are_no_words_of_policy() -> None:
    good = replace(CLEAR, exercise=False)
    assert decide(ALL, good, PARTNER, Action.RELEASE, NOW).allowed
    bad = replace(CLEAR, exercise=0)  # type: ignore[arg-type]  # the wrong type is what is tried
    assert bad == good
    assert decide(ALL, bad, PARTNER, Action.RELEASE, NOW).because == (FAILED,)


def test_equal_classes_are_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    ask = cedar.ask

    def count(requests: Any, *rest: Any) -> Any:
        asked.append(len(requests))
        return ask(requests, *rest)

    monkeypatch.setattr(cedar, "ask", count)
    # Instants within one millisecond are the same to policy.
    many = [replace(CLEAR, type=kind, embargo_until=NOW - n) for n in range(50) for kind in ("indicator", "report")]
    assert all(decision.allowed for decision in decide_all(ALL, many, PARTNER, Action.RELEASE, NOW))
    assert asked == [2]
    assert decide_all(ALL, [], PARTNER, Action.RELEASE, NOW) == []


def test_a_decision_is_told_in_a_line_with_its_end() -> None:
    until = decide(ALL, CLEAR, replace(PARTNER, agreement_until=NOW + DAY), Action.RELEASE, NOW)
    assert until.valid_until == NOW + DAY
    assert until.explain() == "allowed, until 2026-01-02T00:00:00.000Z: Everything (p.all)"
    red = decide(ALL, replace(CLEAR, tlp=TLP.RED), replace(PARTNER, max_tlp=TLP.RED), Action.RELEASE, NOW)
    assert red.explain() == "withheld: TLP:RED leaves only in a message to the persons whom it names (floor.red)"


def test_dates_are_rounded_to_the_side_that_withholds() -> None:
    for embargo in (NOW + 1, NOW + 999, NOW + 1000):
        assert not decide(ALL, replace(CLEAR, embargo_until=embargo), PARTNER, Action.RELEASE, NOW + 500).allowed or (
            embargo <= NOW + 500
        )
        assert decide(ALL, replace(CLEAR, embargo_until=embargo), PARTNER, Action.RELEASE, NOW + 1000).allowed
    ended = replace(PARTNER, agreement_until=NOW + 999)
    assert not decide(ALL, CLEAR, ended, Action.RELEASE, NOW).allowed


def test_what_would_pass_is_listed_facet_by_facet() -> None:
    strict = replace(CLEAR, tlp=TLP.AMBER, origin="Y", author=Author.OTHER)
    found = would_pass_if(ALL, [strict], PARTNER, Action.RELEASE, NOW)[0]
    assert found == [
        Change("object", "tlp", "clear"),
        Change("object", "origin", "none"),
        Change("recipient", "relation", "own"),
        Change("recipient", "origins", "Y"),
    ]
    limited = replace(CLEAR, groups=frozenset({"A", "C"}))
    assert Change("recipient", "groups", "A, C") in would_pass_if(ALL, [limited], PARTNER, Action.RELEASE, NOW)[0]
    abroad = replace(CLEAR, residency=frozenset({"EE"}))
    assert would_pass_if(ALL, [abroad], replace(PARTNER, transport="node"), Action.RELEASE, NOW)[0] == [
        Change("object", "residency", "none"),
        Change("recipient", "relation", "own"),
        Change("recipient", "jurisdictions", "EE"),
    ]
