"""The policy as pages: checked with its lines, compared before it is in force, and approved by another (R14)."""

import pytest
from tests.desk_world import Desk, form_of, went_to
from tests.visiting import Seen

from comity.node.policies import starter_texts
from comity.release.text import fill

pytestmark = pytest.mark.slow
EDIT = "/policy/edit"
NARROW = '@id("clear") @title("CLEAR alone")\npermit (principal, action == Action::"release", resource)\n'
NARROW += 'when { resource.tlp == Tlp::"clear" };\n'
CASE = '[[case]]\nname = "Clear"\nobject = { tlp = "clear" }\nexpect = "allow"\n'
WIDE = NARROW.replace('resource.tlp == Tlp::"clear"', "resource.ours")


def filled(desk: Desk, **fields: str) -> dict[str, str]:
    return form_of(desk.seen(EDIT, "adam"), EDIT) | fields


def test_what_is_in_force_is_told_to_everybody(desk: Desk) -> None:
    seen = desk.seen("/policy", "rita")
    for words in (
        "Policy, version 1",
        "Ours up to AMBER, but no malware",
        "CLEAR and GREEN for everybody",
        'when { [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };',
        "The floor beneath every policy",
        "green-community",
    ):
        assert words in seen.text
    with desk.staff.acting("rita"):
        assert desk.node.policy().digest in seen.source
    assert EDIT not in seen.links


def test_each_rule_can_be_linked_to(desk: Desk) -> None:
    ids = {facts.get("id") for _, facts in desk.seen("/policy").tags}
    assert {"ours", "open"} <= ids


def test_a_problem_is_told_with_its_line(acting_desk: Desk) -> None:
    before = acting_desk.state()
    answer = acting_desk.post(EDIT, **filled(acting_desk, text=NARROW + "permit (principal);", cases=CASE, go="check"))
    seen = Seen(answer)
    assert answer.status == 422
    assert "1 problem: it cannot be put in force" in seen.text
    assert "Rules, line 4, column 1" in seen.text
    assert "permit (principal);" in seen.text
    assert 'value="apply"' not in seen.source
    assert acting_desk.state() == before


def test_a_case_that_does_not_come_out_is_told(acting_desk: Desk) -> None:
    failing = CASE + '[[case]]\nname = "Amber goes"\nobject = { tlp = "amber" }\nexpect = "allow"\n'
    for go in ("check", "look", "apply"):
        answer = acting_desk.post(EDIT, **filled(acting_desk, text=NARROW, cases=failing, go=go))
        seen = Seen(answer)
        assert answer.status == 422
        assert "Cases, line" in seen.text
        assert "Amber goes ■ failed" in seen.text


def test_a_sound_policy_is_told_to_hold_and_nothing_changes(acting_desk: Desk) -> None:
    before = acting_desk.state()
    answer = acting_desk.post(EDIT, **filled(acting_desk, text=NARROW, cases=CASE, go="check"))
    assert answer.status == 200
    assert "every case comes out" in Seen(answer).text
    assert acting_desk.state() == before


def test_what_narrows_is_in_force_after_its_difference_was_shown(acting_desk: Desk) -> None:
    looked = Seen(acting_desk.post(EDIT, **filled(acting_desk, text=NARROW, cases=CASE, go="look")))
    for words in ("It only narrows what leaves", "It holds at once", "Lines that come and go", "cease to be"):
        assert words in looked.text
    apply = form_of(looked, EDIT) | {"go": "apply"}
    path, told = went_to(acting_desk.post(EDIT, **apply))
    assert (path, told) == ("/policy", {"done": "applied"})
    assert "Policy, version 2" in acting_desk.seen("/policy").text
    assert "not in force any more" in acting_desk.seen("/policy?version=1").text
    # The same form once more: another policy is in force by now.
    assert acting_desk.post(EDIT, **apply).status == 409
    assert len(acting_desk.node.policy_log()) == 2


def test_what_widens_waits_for_another_person(acting_desk: Desk) -> None:
    looked = Seen(acting_desk.post(EDIT, **filled(acting_desk, text=WIDE, cases=CASE, go="look")))
    for words in ("It widens what leaves", "petra", "Ask for it", "CERT-C"):
        assert words in looked.text
    path, told = went_to(acting_desk.post(EDIT, **(form_of(looked, EDIT) | {"go": "apply"})))
    assert told == {"done": "proposed"}
    assert path.startswith("/approvals/")
    assert len(acting_desk.node.policy_log()) == 1


def test_what_was_not_shown_is_not_put_in_force(acting_desk: Desk) -> None:
    form = filled(acting_desk, text=NARROW, cases=CASE, go="apply")
    answer = acting_desk.post(EDIT, **form)
    assert answer.status == 409
    assert "not what was shown" in Seen(answer).text
    looked = form_of(Seen(acting_desk.post(EDIT, **(form | {"go": "look"}))), EDIT)
    other = acting_desk.post(EDIT, **(looked | {"text": NARROW.replace("CLEAR alone", "Other words"), "go": "apply"}))
    assert other.status == 409
    assert len(acting_desk.node.policy_log()) == 1


def test_a_starter_fills_the_form(desk: Desk) -> None:
    seen = desk.seen(f"{EDIT}?starter=green-community&community=eu", "adam")
    form = form_of(seen, EDIT)
    assert form["text"].strip() == fill(starter_texts()["green-community"][0], "GROUP", "eu").strip()


def test_line_ends_of_browsers_are_no_difference(acting_desk: Desk) -> None:
    form = filled(acting_desk, go="look")
    answer = acting_desk.post(EDIT, **(form | {name: form[name].replace("\n", "\r\n") for name in ("text", "cases")}))
    assert answer.status == 200
    assert "It makes no difference to what leaves" in Seen(answer).text
