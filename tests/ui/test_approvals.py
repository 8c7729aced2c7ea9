"""What waits for a second person: told with its difference, decided by another, once."""

import pytest
from tests.desk_world import Desk, went_to
from tests.visiting import Seen

pytestmark = pytest.mark.slow


def test_what_waits_is_listed_with_who_asked(desk: Desk) -> None:
    seen = desk.seen("/approvals", "petra")
    for words in ("activate CERT-D", "adam", "waiting 1", "in 23 hours"):
        assert words in seen.text.replace("in 1 day", "in 23 hours")
    assert f"/approvals/{desk.waits}" in seen.links


def test_the_page_shows_the_difference_that_is_approved(desk: Desk) -> None:
    seen = desk.seen(f"/approvals/{desk.waits}", "petra")
    for words in ("It widens what leaves", "Cells that change", "CERT-D", "tlp=green", "Approve", "Reject"):
        assert words in seen.text


def test_who_asked_cannot_approve_and_is_told_why(acting_desk: Desk) -> None:
    here = f"/approvals/{acting_desk.waits}"
    seen = acting_desk.seen(here, "adam")
    assert "another person has to approve it (R14)" in seen.text
    assert f"{here}/approve" not in seen.links
    digest = acting_desk.seen(here, "petra").source.partition('name="digest" value="')[2].partition('"')[0]
    answer = acting_desk.post(f"{here}/approve", "adam", digest=digest)
    assert answer.status == 403
    assert "Who asked for it cannot approve it" in Seen(answer).text
    assert acting_desk.node.partner("CERT-D").state == "pending"


def test_a_reader_may_look_and_not_decide(acting_desk: Desk) -> None:
    here = f"/approvals/{acting_desk.waits}"
    seen = acting_desk.seen(here, "rita")
    assert "An approver or an administrator decides about it" in seen.text
    assert not [link for link in seen.links if link.startswith(here + "/")]
    digest = acting_desk.seen(here, "petra").source.partition('name="digest" value="')[2].partition('"')[0]
    assert acting_desk.post(f"{here}/reject", "rita", digest=digest).status == 403


def test_approved_it_is_in_force_and_once_is_enough(acting_desk: Desk) -> None:
    here = f"/approvals/{acting_desk.waits}"
    seen = acting_desk.seen(here, "petra")
    assert went_to(acting_desk.submit(seen, f"{here}/approve", "petra")) == (here, {"done": "approved"})
    assert acting_desk.node.partner("CERT-D").state == "active"
    after = acting_desk.state()
    again = acting_desk.submit(seen, f"{here}/approve", "petra")
    assert again.status == 409
    assert "approved" in Seen(again).text
    assert acting_desk.state() == after
    assert "Decided by petra" in acting_desk.seen(here, "rita").text


def test_what_was_not_looked_at_is_not_approved(acting_desk: Desk) -> None:
    answer = acting_desk.post(f"/approvals/{acting_desk.waits}/approve", "petra", digest="sha256:other")
    assert answer.status == 409
    assert "R14" in Seen(answer).text
    assert acting_desk.node.partner("CERT-D").state == "pending"


def test_who_asked_may_take_it_back(acting_desk: Desk) -> None:
    here = f"/approvals/{acting_desk.waits}"
    seen = acting_desk.seen(here, "adam")
    assert "Take it back" in seen.text
    assert went_to(acting_desk.submit(seen, f"{here}/reject", "adam"))[1] == {"done": "rejected"}
    empty = acting_desk.seen("/approvals", "petra")
    assert "Nothing waits." in empty.text
    assert "/approvals?all=yes" in empty.links
    assert "rejected" in acting_desk.seen("/approvals?all=yes", "petra").text


def test_what_has_expired_is_decided_no_more(acting_desk: Desk) -> None:
    here = f"/approvals/{acting_desk.waits}"
    seen = acting_desk.seen(here, "petra")
    acting_desk.clock.move(hours=25)
    assert "expired" in acting_desk.seen(here, "petra").text
    assert acting_desk.submit(seen, f"{here}/approve", "petra").status == 409
