"""Recalls as pages: who had it is shown before anything is taken back, and what is taken back is so once (R18)."""

from dataclasses import replace

import pytest
from tests.desk_world import Desk, address, form_of, went_to
from tests.visiting import Seen

from comity.errors import AlreadyDone
from comity.release.recall import Kind, Order, Reason
from comity.stix.markings import TLP

pytestmark = pytest.mark.slow
NEW = "/recalls/new"


def looked(desk: Desk, what: str, **fields: str) -> Seen:
    form = form_of(desk.seen(NEW), NEW) | {"what": what, "reason": "mistake"} | fields
    answer = desk.post(NEW, "rolf", **form)
    assert answer.status == 200, Seen(answer).text
    return Seen(answer)


def test_the_list_and_the_page_tell_who_had_it(desk: Desk) -> None:
    seen = desk.seen("/recalls", "rita")
    for words in ("retract", "false positive", "CERT-B", "CERT-C"):
        assert words in seen.text
    assert f"/recalls/{desk.recall}" in seen.links
    one = desk.seen(f"/recalls/{desk.recall}", "rita")
    for words in ("Who had it", "cannot confirm", "has not read since", "What CERT-B had", "a revoked version"):
        assert words in one.text
    assert f"/objects/{desk.wrong['id']}" in one.links


def test_who_audits_releases_sees_counts_and_no_id(desk: Desk) -> None:
    seen = desk.seen(f"/recalls/{desk.recall}", "arno")
    assert "Not shown to you." in seen.text
    assert "Objects 1" in seen.text


def test_who_had_it_is_shown_before_it_is_done(acting_desk: Desk) -> None:
    before = acting_desk.state()
    seen = looked(acting_desk, acting_desk.green["id"])
    for words in (
        "What this would do",
        "Told when they read, and cannot answer CERT-B, CERT-C",
        "Objects 1",
        "Take it back now",
    ):
        assert words in seen.text
    assert acting_desk.state() == before
    path, told = went_to(acting_desk.submit(seen, NEW, "rolf"))
    assert told == {"done": "recalled"}
    assert acting_desk.green["id"] in acting_desk.seen(path).source
    assert acting_desk.green["id"] not in acting_desk.world_ids("CERT-C")
    after = acting_desk.state()
    again = acting_desk.submit(seen, NEW, "rolf")
    assert again.status == 409
    assert "taken back before" in Seen(again).text
    assert acting_desk.state() == after


def test_a_batch_is_named_by_its_entry(acting_desk: Desk) -> None:
    with acting_desk.staff.acting("rolf"):
        held = next(iter(acting_desk.node.held("CERT-B")))
    seen = looked(acting_desk, f"entry:{held.first.entry}")
    assert "Objects 3" in seen.text or "Objects 4" in seen.text
    assert "CERT-B" in seen.text


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_is_tried_and_made(acting_desk: Desk, kind: Kind) -> None:
    more = {"narrow": {"tlp": "amber"}, "supersede": {"by": acting_desk.amber["id"]}}.get(kind.value, {})
    seen = looked(acting_desk, acting_desk.green["id"], kind=kind.value, **more)
    assert f"What this would do {kind.value} :" in seen.text
    newer = 1 if kind in (Kind.RETRACT, Kind.NARROW) else 0
    assert f"In a newer version {newer}" in seen.text
    path, _ = went_to(acting_desk.submit(seen, NEW, "rolf"))
    (made,) = acting_desk.node_recalls(path.rpartition("/")[2])
    assert made.kind is kind
    assert {each.partner for each in made.recipients} == {"CERT-B", "CERT-C"}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_trial_tells_what_then_happens_and_changes_nothing(acting_desk: Desk, kind: Kind) -> None:
    more = {"narrow": {"tlp": TLP.AMBER}, "supersede": {"by": acting_desk.amber["id"]}}.get(kind.value, {})
    order = Order(kind, Reason.MISTAKE, **more)
    what = [acting_desk.green["id"], acting_desk.cut["id"]]
    with acting_desk.staff.acting("rolf"):
        before = acting_desk.state()
        trial = acting_desk.node.recall(what, order, dry_run=True)
        assert acting_desk.state() == before
        assert replace(acting_desk.node.recall(what, order), id="") == trial
        with pytest.raises(AlreadyDone):
            acting_desk.node.recall(what, order, dry_run=True)


def test_fields_of_another_kind_count_for_nothing(acting_desk: Desk) -> None:
    assert "What this would do" in looked(acting_desk, acting_desk.green["id"], tlp="amber", by="x--y").text


def test_what_never_left_cannot_be_recalled(acting_desk: Desk) -> None:
    form = form_of(acting_desk.seen(NEW), NEW) | {"what": acting_desk.fresh["id"], "reason": "mistake"}
    answer = acting_desk.post(NEW, "rolf", **form)
    assert answer.status == 404
    assert "ever left" in Seen(answer).text
    assert acting_desk.fresh["id"] in Seen(answer).source


def test_other_words_than_were_shown_are_shown_first(acting_desk: Desk) -> None:
    seen = looked(acting_desk, acting_desk.green["id"])
    before = acting_desk.state()
    answer = acting_desk.submit(seen, NEW, "rolf", what=acting_desk.amber["id"])
    assert answer.status == 409
    assert "not what was shown" in Seen(answer).text
    assert acting_desk.state() == before


def test_the_form_takes_what_another_page_names(desk: Desk) -> None:
    assert desk.green["id"] in form_of(desk.seen(address(NEW, what=desk.green["id"])), NEW)["what"]


def test_what_was_withdrawn_is_still_called_by_its_name(acting_desk: Desk) -> None:
    id = acting_desk.green["id"]
    with acting_desk.staff.acting("rolf"):
        done = acting_desk.node.recall([id], Order(Kind.WITHDRAW, Reason.MISTAKE))
        assert acting_desk.node.titles([id, acting_desk.fresh["id"], acting_desk.red["id"]]) == {
            id: "Beacon",
            acting_desk.fresh["id"]: "Fresh",
        }
    assert "Beacon" in acting_desk.seen(f"/recalls/{done.id}").text
