"""What stands between classes and Cedar: the strictest of several policies, limits that say nowhere, and errors."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.release_world import DAY, NOW, floor_of, policy_of

from comity.release import cedar
from comity.release.classes import Action, Iep, Recipient, Relation, ReleaseClass
from comity.release.decide import ATTRIBUTION, FAILED, PERSONAL_DATA, decide, decide_all
from comity.release.facets import class_attributes, recipient_attributes, to_iso, turns
from comity.stix.tlp import TLP

FLOOR = floor_of()
ALL = policy_of('@id("p.all") @title("Everything") permit (principal, action, resource);', FLOOR)
RELEASE = policy_of(
    '@id("p.release") @title("Release alone") permit (principal, action == Action::"release", resource);', FLOOR
)
CLEAR = ReleaseClass(TLP.CLEAR, "object", "indicator")
PARTNER = Recipient("B", Relation.PARTNER, "active", groups=frozenset({"A"}))
NODE = replace(PARTNER, transport="node", jurisdictions=frozenset({"EE"}))

STRICTER = (
    ("permitted_actions", "iep_actions", "none", "contact-for-instruction"),
    ("permitted_actions", "iep_actions", "internally-visible-actions", "externally-visible-indirect-actions"),
    ("permitted_actions", "iep_actions", "contact-for-instruction", "externally-visible-direct-actions"),
    ("affected_party_notifications", "iep_notification", "must-not", "may"),
    ("unmodified_resale", "iep_resale", "must-not", "may"),
    ("encrypt_in_transit", "iep_encryption", "must", "may"),
)


@pytest.mark.parametrize(("member", "attribute", "strict", "loose"), STRICTER)
def test_the_strictest_word_of_several_policies_is_told_whatever_their_order(
    member: str, attribute: str, strict: str, loose: str
) -> None:
    given: tuple[dict[str, Any], ...] = ({member: strict}, {member: loose})
    for order in (given, given[::-1]):
        told = class_attributes(replace(CLEAR, iep=tuple(Iep(**one) for one in order)))[attribute]
        assert told["__entity"]["id"] == strict


def test_several_policies_hold_only_while_all_of_them_do() -> None:
    both = (Iep(starts_at=NOW - DAY, ends_at=NOW + 3 * DAY), Iep(starts_at=NOW + DAY, ends_at=NOW + 2 * DAY))
    for order in (both, both[::-1]):
        told = class_attributes(replace(CLEAR, iep=order))
        assert told["iep_from"]["__extn"]["arg"] == to_iso(NOW + DAY)
        assert told["iep_until"]["__extn"]["arg"] == to_iso(NOW + 2 * DAY)


def test_one_of_several_policies_is_enough_to_demand_that_the_author_is_named() -> None:
    both = (Iep(), Iep(attribution="must"))
    for order in (both, both[::-1]):
        one = replace(CLEAR, iep=order)
        assert decide(RELEASE, one, PARTNER, Action.RELEASE, NOW).because == (ATTRIBUTION,)
        assert decide(ALL, one, PARTNER, Action.RELEASE, NOW).allowed
    fixed = replace(CLEAR, personal_fixed=True)
    assert decide(RELEASE, fixed, PARTNER, Action.RELEASE, NOW).because == (PERSONAL_DATA,)
    assert decide(RELEASE, CLEAR, PARTNER, Action.RELEASE, NOW).allowed


def test_what_may_be_stored_nowhere_goes_to_nobody() -> None:
    for residency, allowed in ((None, True), (frozenset({"EE", "FI"}), True), (frozenset[str](), False)):
        one = replace(CLEAR, residency=residency)
        assert decide(ALL, one, NODE, Action.RELEASE, NOW).allowed is allowed
        assert class_attributes(one)["residency_limited"] is (residency is not None)


@pytest.mark.parametrize("action", ["name-author", "show-personal-data"])
def test_an_error_in_what_must_be_allowed_as_well_withholds(action: str) -> None:
    broken = policy_of(
        '@id("p.all") @title("Everything") permit (principal, action, resource);'
        f'@id("p.broken") @title("Broken") forbid (principal, action == Action::"{action}", resource)'
        " when { 9223372036854775807 + 1 == 0 };",
        FLOOR,
    )
    assert decide(broken, CLEAR, PARTNER, Action.RELEASE, NOW).allowed
    one = replace(CLEAR, iep=(Iep(attribution="must"),), personal_fixed=True)
    found = decide(broken, one, PARTNER, Action.RELEASE, NOW)
    assert (found.allowed, found.because) == (False, (FAILED,))
    assert found.failed


def test_a_rule_without_a_name_decides_nothing() -> None:
    row = {"uid": {"type": "Recipient", "id": "B"}, "attrs": recipient_attributes(PARTNER), "parents": []}
    nameless = cedar.read_rules("permit (principal, action, resource);")
    classes = cedar.classes((orjson.dumps(class_attributes(CLEAR)),), FLOOR.schema)
    known = cedar.with_recipient(classes, row, FLOOR.schema)
    (answer,) = cedar.ask([cedar.request("B", "release", "0", to_iso(NOW))], nameless, known, FLOOR.schema)
    assert answer.errors == ("policy0 has no name",)
    spoilt = replace(ALL, handle=nameless)
    assert decide(spoilt, CLEAR, PARTNER, Action.RELEASE, NOW).because == (FAILED,)


DATED = '@id("p.dated") @title("Until a date") permit (principal, action, resource) when {{ context.now {} {} }};'


@pytest.mark.parametrize(("sign", "last"), [("<", -1), ("<=", 0)])
def test_a_date_in_the_text_of_a_policy_ends_a_decision_when_it_turns(sign: str, last: int) -> None:
    """Instants have milliseconds: `last` is the last one, counted from the date, at which it is allowed."""
    date = NOW + DAY
    policy = policy_of(DATED.format(sign, f'datetime("{to_iso(date)}")'), FLOOR)
    now, seen = NOW, []
    while True:
        found = decide(policy, CLEAR, PARTNER, Action.RELEASE, now)
        seen.append((now, found.allowed))
        if found.valid_until is None:
            break
        assert decide(policy, CLEAR, PARTNER, Action.RELEASE, found.valid_until - 1).allowed is found.allowed
        now = found.valid_until
    assert seen == [(NOW, True), (date, last == 0), (date + 1000, False)]
    assert turns(date) == {date, date + 1000}


def test_a_need_to_know_of_spaces_is_none() -> None:
    for words, told in (("", False), (" \t\n", False), ("constituency", True)):
        assert recipient_attributes(replace(PARTNER, need_to_know=words))["need_to_know"] is told


def test_rows_that_spoil_the_batch_are_asked_about_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library refuses of one class is withheld, and the answers of the others are their own."""
    classes = cedar.classes

    def refuse(forms: Any, schema: Any) -> Any:
        if any(orjson.loads(form).get("type") == "report" for form in forms):
            raise ValueError("no report")
        return classes(forms, schema)

    monkeypatch.setattr(cedar, "classes", refuse)
    some = [CLEAR, replace(CLEAR, type="report"), replace(CLEAR, tlp=TLP.RED), replace(CLEAR, type="tool")]
    found = decide_all(ALL, some, replace(PARTNER, max_tlp=TLP.RED), Action.RELEASE, NOW)
    assert [one.allowed for one in found] == [True, False, False, True]
    assert found[1].failed == ("no report",)


def test_rules_are_told_in_the_order_of_the_text_however_many_they_are() -> None:
    ids = [f"rule.{number}" for number in range(23)]
    text = "\n".join(f'@id("{name}") permit (principal, action, resource);' for name in ids)
    assert [form["annotations"]["id"] for form in cedar.json_form(text)] == ids


def test_that_there_is_no_decision_is_told_only_where_nothing_else_says_why() -> None:
    malformed = cedar.request("B", "release", "0", to_iso(NOW)) | {"principal": "nonsense"}
    (answer,) = cedar.ask([malformed], ALL.handle, cedar.classes((), ALL.schema), ALL.schema)
    assert answer.errors
    assert "there is no decision" not in answer.errors


def test_of_a_recipient_nothing_is_taken_for_granted() -> None:
    told = recipient_attributes(Recipient("B", Relation.PARTNER, "active"))
    assert [name for name in ("cybersecurity", "encrypted", "commercial", "need_to_know") if told[name]] == []
    assert [told[name] for name in ("groups", "jurisdictions", "origins")] == [[], [], []]
