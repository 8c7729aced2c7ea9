"""Publishing and taking back: counted first, held before anybody is served it, and never twice (R12)."""

import pytest
from tests.desk_world import Desk, address, went_to
from tests.visiting import Seen

from comity.node.publishing import Selection
from comity.web.ui import publishing

pytestmark = pytest.mark.slow
PUBLISH, UNPUBLISH = "/release/publish", "/release/unpublish"


def test_nothing_is_counted_before_something_is_chosen(desk: Desk) -> None:
    seen = desk.seen(PUBLISH)
    assert "would be published" not in seen.text
    assert "R12" in seen.text


def test_what_is_chosen_is_counted_first(desk: Desk) -> None:
    seen = desk.seen(f"{PUBLISH}?all=yes")
    assert "2 objects would be published" in seen.text
    assert "10 seconds, or 300 for more than 100" in seen.text
    # What may not be read is counted too, since it is what is decided about.
    assert "6 objects would be unpublished" in desk.seen(f"{UNPUBLISH}?types=indicator").text
    assert "Nothing of that is to be done." in desk.seen(f"{PUBLISH}?types=malware").text


def test_what_is_published_is_held_and_can_be_taken_back_from_there(acting_desk: Desk) -> None:
    id = acting_desk.fresh["id"]
    seen = acting_desk.seen(address(PUBLISH, ids=id))
    assert "1 object would be published" in seen.text
    path, told = went_to(acting_desk.submit(seen, PUBLISH, "rolf"))
    now = int(acting_desk.clock.now().timestamp() * 1_000_000)
    assert (path, told["done"], told["count"], told["until"]) == (PUBLISH, "published", "1", str(now + 10_000_000))
    done = acting_desk.seen(address(path, **told))
    assert "Nobody outside is served them before" in done.text
    assert "in a moment" in done.text
    back = next(link for link in done.links if link.startswith(UNPUBLISH + "?ids="))
    taken = went_to(acting_desk.submit(acting_desk.seen(back), UNPUBLISH, "rolf"))[1]
    assert (taken["done"], taken["count"]) == ("unpublished", "1")


def test_the_same_form_twice_publishes_once(acting_desk: Desk) -> None:
    seen = acting_desk.seen(f"{PUBLISH}?all=yes")
    assert went_to(acting_desk.submit(seen, PUBLISH, "rolf"))[1]["count"] == "2"
    after = acting_desk.state()
    again = acting_desk.submit(seen, PUBLISH, "rolf")
    assert again.status == 409
    assert "not what was shown" in Seen(again).text
    assert "R12" in Seen(again).text
    assert acting_desk.state() == after


def test_another_hold_is_taken(acting_desk: Desk) -> None:
    seen = acting_desk.seen(f"{PUBLISH}?all=yes")
    told = went_to(acting_desk.submit(seen, PUBLISH, "rolf", hold="3600"))[1]
    now = int(acting_desk.clock.now().timestamp() * 1_000_000)
    assert int(told["until"]) == now + 3_600_000_000


def test_during_the_hold_no_partner_is_served(acting_desk: Desk) -> None:
    acting_desk.submit(acting_desk.seen(address(PUBLISH, ids=acting_desk.fresh["id"])), PUBLISH, "rolf")
    preview = address("/release/preview", to="CERT-C", ids=acting_desk.fresh["id"])
    assert "gate.hold" in acting_desk.seen(preview).text
    acting_desk.clock.move(seconds=11)
    assert "goes as it is" in acting_desk.seen(preview).text
    assert "gate.hold" not in acting_desk.seen(preview).text


def test_more_than_are_done_at_once_are_left_to_the_command(acting_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "AT_ONCE_MOST", 1)
    seen = acting_desk.seen(f"{PUBLISH}?all=yes")
    assert "comity publish --all" in seen.text
    before = acting_desk.state()
    assert acting_desk.post(PUBLISH, "rolf", all="yes", shown="2").status == 409
    assert acting_desk.state() == before


def test_taking_back_says_that_what_was_read_stays(desk: Desk) -> None:
    seen = desk.seen(address(UNPUBLISH, ids=desk.green["id"]))
    assert "R18" in seen.text
    assert desk.green["id"] in seen.source


def test_before_it_is_published_it_is_said_what_it_is_who_would_get_it_and_by_which_rule(desk: Desk) -> None:
    seen = desk.seen(address(PUBLISH, ids=desk.fresh["id"]))
    assert "Who would get it" in seen.text
    assert "Fresh" in seen.text
    with desk.staff.acting("rolf"):
        found = desk.node.foresee(Selection(ids=(desk.fresh["id"],)))
    assert found.partners
    assert any(one.goes for one in found.partners)
    for one in found.partners:
        assert one.partner in seen.text
        assert all(rule.id in seen.text and rule.title in seen.text for rule, _ in one.rules)
    page = desk.seen(f"/objects/{desk.fresh['id']}/who")
    assert "Once it is published" in page.text
    assert f"{PUBLISH}?ids={desk.fresh['id']}" in page.links
    assert "Once it is published" not in desk.seen(f"/objects/{desk.green['id']}/who").text


def test_what_the_preview_cannot_say_leads_to_where_it_is_said(desk: Desk) -> None:
    seen = desk.seen(address("/release/preview", to="CERT-C", ids=desk.fresh["id"]))
    assert "This is about published objects alone." in seen.text
    there = next(link for link in seen.links if link.startswith(PUBLISH + "?ids="))
    assert "Who would get it" in desk.seen(there).text


def test_what_was_published_alone_is_followed_to_its_own_page(acting_desk: Desk) -> None:
    id = acting_desk.fresh["id"]
    _, told = went_to(acting_desk.submit(acting_desk.seen(address(PUBLISH, ids=id)), PUBLISH, "rolf"))
    assert f"/objects/{id}/who" in acting_desk.seen(address(PUBLISH, **told)).links


def test_to_count_without_a_choice_is_refused_aloud(desk: Desk) -> None:
    answer = desk.get(f"{PUBLISH}?ids=&types=&sources=&collection=")
    assert answer.status >= 400
    assert "Nothing is chosen." in Seen(answer).text


def test_the_page_of_what_is_published_leads_to_both_ways_back(desk: Desk) -> None:
    links = desk.seen(f"/objects/{desk.green['id']}").links
    assert f"{UNPUBLISH}?ids={desk.green['id']}" in links
    assert f"/recalls/new?what={desk.green['id']}" in links
    assert not any(link.startswith(UNPUBLISH) for link in desk.seen(f"/objects/{desk.green['id']}", "rita").links)
