"""Partners and clients as pages: what is told of them, and that each step shows first what it changes (R13, R14)."""

import pytest
from tests.desk_world import Desk, form_of, went_to
from tests.visiting import Seen

from comity.web.ui.facets import changes_in, texts_of

pytestmark = pytest.mark.slow


def test_the_list_tells_how_each_of_them_stands(desk: Desk) -> None:
    seen = desk.seen("/partners", "adam")
    for words in ("CERT-B", "active", "TLP:AMBER", "minute", "CERT-D", "pending", "never", "no caps"):
        assert words in seen.text
    assert f"/partners/{desk.node.partner('CERT-B').id}" in seen.links
    assert "/partners/new" in seen.links
    assert "/partners/new" not in desk.seen("/partners", "rita").links


def test_an_empty_list_says_why(desk: Desk) -> None:
    seen = desk.seen("/partners?state=ended")
    assert "filtered by state" in seen.text
    assert "CERT-B" not in seen.text


def test_a_partner_has_its_record_and_what_it_has_of_ours(desk: Desk) -> None:
    seen = desk.seen("/partners/CERT-B", "ana")
    for words in ("a call", "everything", "undeclared", "What they have of ours", "Beacon", "offered", "open ours"):
        assert words in seen.text
    assert "TLP:AMBER+STRICT stays among them. TLP:AMBER it may" in seen.text
    assert f"/objects/{desk.green['id']}" in seen.links


def test_who_reads_no_content_is_told_why_nothing_is_shown(desk: Desk) -> None:
    seen = desk.seen("/partners/CERT-B", "adam")
    assert "R44" in seen.text
    assert "Beacon" not in seen.text


def test_a_partner_is_added_once_and_is_given_nothing_yet(acting_desk: Desk) -> None:
    form = form_of(acting_desk.seen("/partners/new", "adam"), "/partners/new")
    form |= {"name": "CERT-E", "country": "EE", "sectors": "energy, finance", "agreement_until": "2027-01-31"}
    path, told = went_to(acting_desk.post("/partners/new", **form))
    assert told == {"done": "added"}
    made = acting_desk.node.partner("CERT-E")
    assert path == f"/partners/{made.id}"
    assert (made.state, made.country, made.sectors) == ("pending", "EE", ("energy", "finance"))
    # It still holds on the day that is named.
    assert made.agreement_until == 1_801_440_000_000_000
    again = acting_desk.post("/partners/new", **form)
    assert again.status == 409
    assert "looks the same" in Seen(again).text
    assert len(acting_desk.node.partners()) == 4


def test_a_client_has_a_service(acting_desk: Desk) -> None:
    form = form_of(acting_desk.seen("/partners/new?relation=client", "adam"), "/partners/new")
    assert "organisation_boundary" not in form
    went_to(acting_desk.post("/partners/new", **(form | {"name": "Hospital", "service": "SOC-7"})))
    assert acting_desk.node.partner("Hospital").relation == "client"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("country", "Estonia", "ISO 3166-1"),
        ("max_tlp", "red", "no choice"),
        ("agreement_until", "soon", "no date"),
        ("cap_objects_hour", "0", "no whole number"),
        ("name", "", "name"),
    ],
)
def test_a_field_that_cannot_be_read_is_named_beside_what_was_typed(
    acting_desk: Desk, field: str, value: str, words: str
) -> None:
    form = form_of(acting_desk.seen("/partners/new", "adam"), "/partners/new")
    answer = acting_desk.post("/partners/new", **(form | {"name": "CERT-E", "groups": "eu", field: value}))
    seen = Seen(answer)
    assert answer.status == 422
    assert words in seen.text
    assert 'value="eu"' in seen.source
    assert len(acting_desk.node.partners()) == 3


def test_an_edit_shows_the_difference_and_then_waits_for_a_second_person(acting_desk: Desk) -> None:
    here = "/partners/CERT-B/edit"
    action = f"/partners/{acting_desk.node.partner('CERT-B').id}/edit"
    looked = acting_desk.submit(acting_desk.seen(here, "adam"), action, "adam", max_tlp="amber+strict")
    seen = Seen(looked)
    assert looked.status == 200
    for words in ("The strictest marking it may have amber amber+strict", "It widens what leaves", "petra", "R14"):
        assert words in seen.text
    assert acting_desk.node.partner("CERT-B").max_tlp == "amber"
    path, told = went_to(acting_desk.submit(seen, action, "adam"))
    assert told == {"done": "proposed"}
    assert path.startswith("/approvals/")
    assert acting_desk.node.partner("CERT-B").max_tlp == "amber"
    # The same form once more asks for nothing new.
    assert went_to(acting_desk.submit(seen, action, "adam"))[0] == path


def test_what_narrows_holds_at_once_and_a_stale_form_is_refused(acting_desk: Desk) -> None:
    action = f"/partners/{acting_desk.node.partner('CERT-B').id}/edit"
    stale = acting_desk.seen("/partners/CERT-B/edit", "adam")
    looked = Seen(acting_desk.submit(stale, action, "adam", max_tlp="green"))
    assert "It only narrows what leaves" in looked.text
    assert went_to(acting_desk.submit(looked, action, "adam"))[1] == {"done": "saved"}
    assert acting_desk.node.partner("CERT-B").max_tlp == "green"
    refused = acting_desk.submit(stale, action, "adam", country="EE")
    assert refused.status == 409
    assert "changed meanwhile" in Seen(refused).text
    assert acting_desk.node.partner("CERT-B").country == ""


def test_what_was_not_shown_is_not_done(acting_desk: Desk) -> None:
    """Whoever writes other values into the form that confirms is shown their difference first."""
    action = f"/partners/{acting_desk.node.partner('CERT-B').id}/edit"
    looked = Seen(acting_desk.submit(acting_desk.seen("/partners/CERT-B/edit", "adam"), action, "adam", country="EE"))
    other = acting_desk.submit(looked, action, "adam", max_tlp="amber+strict")
    assert other.status == 200
    assert "It widens what leaves" in Seen(other).text
    assert acting_desk.node.partner("CERT-B").country == ""


def test_a_step_shows_its_difference_and_pause_holds_at_once(acting_desk: Desk) -> None:
    id = acting_desk.node.partner("CERT-B").id
    seen = acting_desk.seen("/partners/CERT-B/step?step=pause", "adam")
    assert "Nothing is given to it any more" in seen.text
    action = f"/partners/{id}/step"
    assert went_to(acting_desk.submit(seen, action))[1] == {"done": "paused"}
    assert acting_desk.node.partner("CERT-B").state == "suspended"
    again = acting_desk.state()
    with pytest.raises(Exception, match="suspended"):
        acting_desk.submit(seen, action)
    assert acting_desk.state() == again
    resume = acting_desk.seen("/partners/CERT-B/step?step=resume", "adam")
    assert "It widens what leaves" in resume.text
    assert went_to(acting_desk.submit(resume, action))[0].startswith("/approvals/")


def test_activation_says_by_whom_it_was_made_sure_who_they_are(acting_desk: Desk) -> None:
    with acting_desk.staff.acting("petra"):
        acting_desk.node.reject(acting_desk.waits)
    id = acting_desk.node.partner("CERT-D").id
    seen = acting_desk.seen("/partners/CERT-D/step?step=activate", "adam")
    assert "It widens what leaves" in seen.text
    missing = acting_desk.submit(seen, f"/partners/{id}/step")
    assert missing.status == 422
    assert "checked_by" in Seen(missing).source
    path, _ = went_to(acting_desk.submit(seen, f"/partners/{id}/step", checked_by="a call to their duty officer"))
    assert path.startswith("/approvals/")


def test_the_fields_of_a_form_say_what_is_known_and_change_nothing(desk: Desk) -> None:
    for one in desk.node.partners():
        assert changes_in(one, texts_of(one)) == {}
