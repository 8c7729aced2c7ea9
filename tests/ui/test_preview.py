"""The preview: each object with its rule, ours beside theirs, what is supposed, and what was since the last reading."""

import json

import pytest
from tests.desk_world import Desk, address, form_of, went_to
from tests.visiting import Seen

from comity.node.publishing import Selection
from comity.web.ui import preview

pytestmark = pytest.mark.slow
HERE = "/release/preview"


def test_without_a_partner_there_is_a_choice(desk: Desk) -> None:
    seen = desk.seen(HERE)
    for name in ("CERT-B", "CERT-C", "CERT-D"):
        assert name in seen.text
    assert "would be sent" not in seen.text


def test_each_object_has_what_becomes_of_it_and_by_which_rule(desk: Desk) -> None:
    seen = desk.seen(f"{HERE}?to=CERT-C", "ana")
    for words in (
        "Beacon indicator--",
        "goes as it is",
        "CLEAR and GREEN for everybody open",
        "Nothing permits it gate.nothing-permits",
        "It would pass if object.tlp = clear or object.tlp = green",
        "policy version 1",
    ):
        assert words in seen.text
    assert f"/objects/{desk.amber['id']}" in seen.links


def test_what_leaves_changed_stands_beside_what_is_here(desk: Desk) -> None:
    seen = desk.seen(f"{HERE}?to=CERT-C&show=redact")
    for words in ("what is marked more strictly is left out", "description Only for us", "left out"):
        assert words in seen.text
    assert "Every other property leaves as it is." in seen.text
    assert desk.green["id"] not in seen.source


def test_every_count_leads_to_what_it_counts(desk: Desk) -> None:
    told = json.loads(desk.get(f"{HERE}.json?to=CERT-C").body)["items"]
    for verdict in ("release", "redact", "withhold"):
        ids = [one["id"] for one in told if one["decision"] == verdict]
        link = next(each for each in desk.seen(f"{HERE}?to=CERT-C").links if f"show={verdict}" in each)
        seen = desk.seen(link)
        assert ids
        assert all(id in seen.source for id in ids)


def test_the_json_is_what_the_node_tells_and_the_bundle_what_they_read(desk: Desk) -> None:
    with desk.staff.acting("rolf"):
        told = [one.to_json() for one in desk.node.tell("CERT-C")]
        body: list[bytes] = []
        desk.node.write_reading(body.append, "CERT-C")
    found = json.loads(desk.get(f"{HERE}.json?to=CERT-C").body)
    assert found["items"] == told
    assert found["summary"] == {"release": 3, "redact": 1, "withhold": 1, "more": False, "supposing": []}
    answer = desk.get(f"{HERE}.stix.json?to=CERT-C")
    theirs, ours = (json.loads(each)["objects"] for each in (answer.body, b"".join(body)))
    assert theirs == ours
    assert dict(answer.headers)["Content-Disposition"].startswith("attachment")


def test_the_set_can_be_ids_or_types(desk: Desk) -> None:
    seen = desk.seen(address(HERE, to="CERT-C", ids=desk.green["id"]))
    assert desk.green["id"] in seen.source
    assert desk.amber["id"] not in seen.source
    assert "Nothing of that is published." in desk.seen(address(HERE, to="CERT-C", types="malware")).text
    assert "Nothing of that is published." in desk.seen(address(HERE, to="CERT-C", ids=desk.fresh["id"])).text


def test_a_supposition_is_said_to_be_one_and_shows_what_it_changes(desk: Desk) -> None:
    seen = desk.seen(address(HERE, to="CERT-C", what_if="tlp=green"))
    for words in ("Supposed, and not so: object.tlp=green", "They would get besides 1", "Back to what is so"):
        assert words in seen.text
    assert "Since their last reading" not in seen.text
    narrower = desk.seen(address(HERE, to="CERT-C", what_if="tlp=red"))
    assert "They would get no more" in narrower.text


def test_what_is_new_since_their_last_reading_is_told(desk: Desk) -> None:
    seen = desk.seen(f"{HERE}?to=CERT-C")
    assert "Since their last reading New to them 1" in seen.text
    assert "They never read anything." in desk.seen(f"{HERE}?to=CERT-D").text


def test_a_partner_that_is_not_active_is_told_by_the_rule(desk: Desk) -> None:
    assert "Only an active recipient receives floor.state" in desk.seen(f"{HERE}?to=CERT-D").text


def test_of_many_the_first_are_looked_at_and_it_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "LOOKED_MOST", 3)
    monkeypatch.setattr(preview, "ROWS", 2)
    seen = desk.seen(f"{HERE}?to=CERT-C")
    assert "The first 3 objects were looked at" in seen.text
    assert "Since their last reading" not in seen.text
    following = desk.seen(next(link for link in seen.links if "at=2" in link))
    assert following.source.count('<th scope="row"><bdi>') <= 2
    assert "since their last reading" in seen.text


def test_what_policy_wants_a_second_person_for_is_asked_for_once(acting_desk: Desk) -> None:
    from tests.telling_world import put_in_force

    rules = '@id("asked") @title("After a second look") @approval("second-person")\n'
    rules += 'permit (principal, action == Action::"release", resource) when { resource.tlp == Tlp::"green" };'
    cases = '[[case]]\nname = "G"\nobject = { tlp = "green" }\nrecipient = {}\nexpect = "allow"\n'
    put_in_force(acting_desk.node, rules, cases)
    seen = acting_desk.seen(f"{HERE}?to=CERT-C", "rolf")
    assert "only after a second person approved each (R14)" in seen.text
    path, told = went_to(acting_desk.submit(seen, "/release/request", "rolf"))
    assert told == {"done": "proposed"}
    assert went_to(acting_desk.submit(seen, "/release/request", "rolf"))[0] == path
    assert "release 4 objects to CERT-C" in acting_desk.seen(path, "petra").text
    assert "second person" not in acting_desk.seen(f"{HERE}?to=CERT-C", "rita").text.partition("What if")[0]


def test_a_releaser_goes_on_to_publish_and_recall(desk: Desk) -> None:
    seen = desk.seen(address(HERE, to="CERT-C", ids=desk.green["id"]), "rolf")
    assert any(link.startswith("/release/publish?ids=") for link in seen.links)
    assert any(link.startswith("/recalls/new?what=") for link in seen.links)
    assert not any("/recalls/new" in link for link in desk.seen(f"{HERE}?to=CERT-C", "ana").links)
    assert form_of(seen, HERE)["to"] == desk.node.partner("CERT-C").id


def test_names_and_bodies_of_others_cannot_become_markup(acting_desk: Desk) -> None:
    from tests.gate_world import look_at_all, marked
    from tests.world import bundle

    from comity.stix.markings import TLP

    one = marked(TLP.GREEN, name="<script>alert(1)</script>\u202egpj.exe")
    acting_desk.node.receive(bundle(one))
    with acting_desk.staff.acting("rolf"):
        acting_desk.node.publish(Selection(ids=(one["id"],)), hold_seconds=0)
    look_at_all(acting_desk.node)
    seen = Seen(acting_desk.get(address(HERE, to="CERT-C", ids=one["id"])))
    assert "<script>" not in seen.source
    assert "\u202e" not in seen.source
    assert "alert(1)" in seen.text


def test_the_page_of_an_object_says_in_the_same_words_what_would_let_it_go(desk: Desk) -> None:
    id = desk.amber["id"]
    there = desk.seen(f"/objects/{id}/who?partner=CERT-C&tlp=green").text
    assert "object.tlp = green" in there
    assert "object.tlp = green" in desk.seen(address("/release/preview", to="CERT-C", ids=id)).text
