"""Writing on the pages: nothing typed is lost, nobody else sees it, and who would get it is shown before."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.browser import Stand, standing
from tests.desk_world import Desk, address, form_of, went_to
from tests.page_checks import english_on, faults
from tests.pages_world import HOSTILE
from tests.visiting import Seen
from tests.world import bundle, indicator

from comity.errors import NotAuthorized, NotFound
from comity.node.drafts import DraftView
from comity.node.showing import CopyView
from comity.stix.composing import FIELDS

pytestmark = pytest.mark.slow
NEW = "/objects/new/"
SAID = {"name": "Kancil at the port", "tlp": "green"}


def begun(desk: Desk, type: str = "incident", by: str = "ana", **fields: str) -> str:
    """The address of a draft that was begun with the form."""
    seen = desk.seen(NEW + type, by)
    path, _ = went_to(desk.submit(seen, NEW + type, by, **({"do": "keep"} | SAID | fields)))
    return path


def drafts(desk: Desk, by: str = "ana") -> list[DraftView]:
    with desk.staff.acting(by):
        return desk.node.drafts()


def _of(desk: Desk, draft: str) -> DraftView:
    return next(one for one in drafts(desk) if draft == f"/drafts/{one.id}")


def copies(desk: Desk, id: str, by: str = "rita") -> list[CopyView]:
    with desk.staff.acting(by):
        return desk.node.seen(id)


def looked(desk: Desk, draft: str, by: str = "ana") -> Seen:
    return desk.seen(draft + "?look=yes", by)


# -- the whole way -----------------------------------------------------------------------------------------------------
def test_it_is_written_looked_at_and_saved_with_forms_alone(acting_desk: Desk) -> None:
    desk = acting_desk
    seen = desk.seen("/objects/new", "ana")
    assert {f"/objects/new/{type}" for type in FIELDS} <= set(seen.links)
    form = form_of(desk.seen(NEW + "incident", "ana"), NEW + "incident")
    assert form["tlp"] == "amber+strict"
    answer = desk.submit(desk.seen(NEW + "incident", "ana"), NEW + "incident", "ana", **SAID, do="look")
    draft, then = went_to(answer)
    assert then == {"look": "yes"}
    seen = looked(desk, draft)
    assert "CERT-B receives it as it is." in seen.text
    assert "when a releaser publishes it (R12)" in seen.text
    path, then = went_to(desk.submit(seen, f"{draft}/save", "ana"))
    assert then == {"done": "saved"}
    assert "Kancil at the port" in desk.seen(path, "rita").text
    assert drafts(desk) == []
    (copy,) = copies(desk, path.removeprefix("/objects/"))
    assert (copy.source, copy.state, copy.tlp) == ("local", "received", "TLP:GREEN")


def test_each_rule_that_keeps_it_is_named(acting_desk: Desk) -> None:
    draft = begun(acting_desk, tlp="red")
    seen = looked(acting_desk, draft)
    assert "CERT-B does not receive it." in seen.text
    assert "floor." in seen.text


def test_what_was_not_shown_is_not_saved(acting_desk: Desk) -> None:
    desk = acting_desk
    draft = begun(desk, tlp="amber")
    seen = looked(desk, draft)
    desk.submit(desk.seen(draft, "ana"), draft, "ana", tlp="clear", do="keep")
    again = desk.submit(seen, f"{draft}/save", "ana")
    assert again.status == 409
    assert "not what was shown" in Seen(again).text
    assert len(drafts(desk)) == 1
    for shown in ("", "x"):
        assert desk.post(f"{draft}/save", "ana", revision="2", shown=shown).status == 409


def test_a_look_changes_nothing_and_a_draft_goes_when_it_is_discarded(acting_desk: Desk) -> None:
    desk = acting_desk
    draft = begun(desk)
    before, kept = desk.state(), drafts(desk)
    for path in ("/drafts", "/objects/new", *(NEW + type for type in FIELDS), f"/objects/{desk.green['id']}/edit"):
        desk.get(path, "ana")
    looked(desk, draft)
    assert (desk.state(), drafts(desk)) == (before, kept)
    assert went_to(desk.post(f"{draft}/discard", "ana")) == ("/drafts", {"done": "removed"})
    assert drafts(desk) == []


# -- helpers of the form -----------------------------------------------------------------------------------------------
def test_a_pattern_is_made_of_what_is_pasted(acting_desk: Desk) -> None:
    desk = acting_desk
    draft = begun(desk, "indicator", name="", value="hxxps://kancil[.]example/a", do="pattern")
    (kept,) = drafts(desk)
    assert kept.fields["pattern"] == "[url:value = 'https://kancil.example/a']"
    assert kept.fields["name"] == "https://kancil.example/a"
    unsure = desk.submit(desk.seen(draft, "ana"), draft, "ana", value="no idea <b>", do="pattern")
    seen = desk.seen(address(draft, **went_to(unsure)[1]), "ana")
    assert "Nobody can be sure what this is" in seen.text
    assert form_of(seen, draft)["value"] == "no idea <b>"
    assert form_of(seen, draft)["pattern"] == kept.fields["pattern"]


def test_objects_are_found_and_added_to_a_report(acting_desk: Desk) -> None:
    desk = acting_desk
    draft = begun(desk, "report")
    found = desk.submit(desk.seen(draft, "ana"), draft, "ana", seek="Beacon", do="find")
    seen = desk.seen(address(draft, **went_to(found)[1]), "ana")
    assert "Beacon" in seen.text
    desk.submit(seen, draft, "ana", add=desk.green["id"], do="add")
    (kept,) = drafts(desk)
    assert kept.fields["object_refs"] == desk.green["id"]
    assert "Beacon" in desk.seen(draft, "ana").text


def test_objects_are_related_from_the_page_of_one(acting_desk: Desk) -> None:
    desk = acting_desk
    seen = desk.seen(f"{NEW}relationship?source_ref={desk.green['id']}", "ana")
    assert form_of(seen, NEW + "relationship")["source_ref"] == desk.green["id"]
    step = desk.submit(seen, NEW + "relationship", "ana", seek="Quiet", do="enter")
    draft, then = went_to(step)
    seen = desk.seen(address(draft, **then), "ana")
    assert f"target:{desk.amber['id']}" in seen.source
    desk.submit(seen, draft, "ana", do=f"target:{desk.amber['id']}")
    (kept,) = drafts(desk)
    assert kept.fields["target_ref"] == desk.amber["id"]
    assert "related-to" in desk.seen(draft, "ana").text


def test_what_may_not_be_read_has_no_name_here(acting_desk: Desk) -> None:
    desk = acting_desk
    draft = begun(desk, "report", object_refs=desk.red["id"])
    seen = desk.seen(address(draft, seek="Their secret"), "ana")
    assert "not here, or not for you" in seen.text
    assert "Their secret" not in seen.text.replace("Their secret", "", seen.source.count('value="Their secret"'))
    assert f'value="{desk.red["id"]}"' not in seen.source


# -- nothing typed is lost ---------------------------------------------------------------------------------------------
def test_each_fault_stands_beside_its_field_and_what_was_typed_stays(acting_desk: Desk) -> None:
    desk = acting_desk
    typed = {"pattern": "[nonsense", "confidence": "900", "valid_until": "soon", "residency": "XX", "description": "d"}
    draft = begun(desk, "indicator", **typed, do="look")
    seen = looked(desk, draft)
    assert "4 things have to be mended" in seen.text
    fields = {name for tag, facts in seen.tags for name in [facts.get("name")] if facts.get("aria-invalid")}
    assert fields == {"pattern", "confidence", "valid_until", "residency"}
    assert {name: form_of(seen, draft)[name] for name in typed} == typed
    assert f"{draft}/save" not in seen.links
    assert desk.post(f"{draft}/save", "ana", revision="1", shown="").status == 409


def test_two_windows_on_one_draft_lose_nothing(acting_desk: Desk) -> None:
    desk = acting_desk
    draft = begun(desk)
    first, second = desk.seen(draft, "ana"), desk.seen(draft, "ana")
    desk.submit(first, draft, "ana", name="First", do="keep")
    refused = desk.submit(second, draft, "ana", name="Second", description="typed", do="keep")
    assert refused.status == 409
    seen = Seen(refused)
    assert "First" in seen.text
    assert form_of(seen, draft)["name"] == "Second"
    assert form_of(seen, draft)["description"] == "typed"
    assert faults(refused) == []
    assert went_to(desk.submit(seen, draft, "ana", do="keep"))[0] == draft
    assert drafts(desk)[0].fields["name"] == "Second"


def test_two_who_edit_the_same_see_both(acting_desk: Desk) -> None:
    desk = acting_desk
    edit = f"/objects/{desk.green['id']}/edit"
    mine, _ = went_to(desk.submit(desk.seen(edit, "ana"), edit, "ana", name="Mine", do="keep"))
    theirs, _ = went_to(desk.submit(desk.seen(edit, "rolf"), edit, "rolf", name="Theirs", description="new", do="keep"))
    went_to(desk.submit(looked(desk, theirs, "rolf"), f"{theirs}/save", "rolf"))
    answer = desk.get(mine + "?look=yes", "ana")
    seen = Seen(answer)
    assert faults(answer) == []
    assert "Somebody saved another version meanwhile" in seen.text
    assert {"Beacon", "Theirs"} <= set(seen.text.split())
    assert f"{mine}/save" not in seen.links
    went_to(desk.submit(seen, f"{mine}/rebase", "ana"))
    (kept,) = drafts(desk)
    assert (kept.fields["name"], kept.fields["description"]) == ("Mine", "new")
    path, _ = went_to(desk.submit(looked(desk, mine), f"{mine}/save", "ana"))
    assert copies(desk, desk.green["id"])[0].version > kept.base
    assert "Mine" in desk.seen(path, "ana").text


def test_who_begins_to_edit_what_was_changed_meanwhile_is_shown_both(acting_desk: Desk) -> None:
    desk = acting_desk
    edit = f"/objects/{desk.green['id']}/edit"
    stale = desk.seen(edit, "ana")
    theirs, _ = went_to(desk.submit(desk.seen(edit, "rolf"), edit, "rolf", name="Theirs", do="keep"))
    went_to(desk.submit(looked(desk, theirs, "rolf"), f"{theirs}/save", "rolf"))
    refused = desk.submit(stale, edit, "ana", name="Mine", do="keep")
    assert refused.status == 409
    assert "Theirs" in Seen(refused).text
    draft, _ = went_to(desk.submit(Seen(refused), edit, "ana", do="keep"))
    assert drafts(desk)[0].fields["name"] == "Mine"
    assert went_to(desk.get(edit, "ana"))[0] == draft


def test_texts_of_others_are_harmless_and_stay_as_they_are_where_nobody_touches_them(acting_desk: Desk) -> None:
    desk = acting_desk
    values = [indicator(name=text, description=text) for text in HOSTILE]
    with desk.staff.acting("adam"):
        desk.node.receive(bundle(*values))
    for text, value in zip(HOSTILE, values, strict=True):
        edit = f"/objects/{value['id']}/edit"
        first = desk.get(edit, "ana")
        assert faults(first) == []
        draft, _ = went_to(desk.submit(Seen(first), edit, "ana", confidence="5", do="keep"))
        kept = _of(desk, draft)
        assert (kept.fields["name"], kept.fields["description"]) == (text, text)
        for path in (draft + "?look=yes", draft + "?seek=%E2%80%AE&value=%E2%80%AE"):
            answer = desk.get(path, "ana")
            assert faults(answer) == [], path
        went_to(desk.submit(looked(desk, draft), draft, "ana", do="keep"))
        assert _of(desk, draft).fields == kept.fields
    for path in ("/drafts", "/"):
        assert faults(desk.get(path, "ana")) == []


# -- nobody else -------------------------------------------------------------------------------------------------------
def test_the_draft_of_another_is_not_there(acting_desk: Desk) -> None:
    desk = acting_desk
    draft = begun(desk)
    held = drafts(desk)
    revision, shown = "1", form_of(looked(desk, draft), f"{draft}/save")["shown"]
    with pytest.raises(NotFound):
        desk.get(draft, "rolf")
    for path, fields in (
        (draft, {"revision": revision, "name": "x"}),
        (f"{draft}/save", {"revision": revision, "shown": shown}),
        (f"{draft}/rebase", {"revision": revision, "base": ""}),
        (f"{draft}/discard", {}),
    ):
        with pytest.raises(NotFound):
            desk.post(path, "rolf", **fields)
    assert drafts(desk) == held
    assert drafts(desk, "rolf") == []
    assert "Kancil at the port" not in desk.seen("/drafts", "rolf").text
    assert "Kancil at the port" not in desk.seen("/", "rolf").text


@pytest.mark.parametrize("by", ["adam", "rita", "petra", "arno", "audra"])
def test_who_writes_nothing_has_no_page_of_it(desk: Desk, by: str) -> None:
    for path in ("/drafts", "/objects/new", NEW + "incident", f"/objects/{desk.green['id']}/edit"):
        with pytest.raises(NotAuthorized):
            desk.get(path, by)
    with pytest.raises(NotAuthorized):
        desk.post(NEW + "incident", by, name="x")
    assert "/objects/new" not in desk.seen("/", by).links


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as made:
        yield made


def test_fields_that_are_not_of_the_form_are_refused_and_those_of_another_type_are_not_read(stand: Stand) -> None:
    browser = stand.person("wira", ["analyst"])
    for name in ("account", "id", "object", "created_by_ref", "source", "state"):
        assert browser.send(NEW + "incident", {"name": "x", name: "y"}).status == 400
    reply = browser.send(NEW + "incident", {"name": "x", "pattern": "[a:b = 'c']", "base": "2026", "revision": "9"})
    assert reply.status == 303
    path = (reply.header("location") or "").partition("?")[0]
    page = browser.get(path).body
    assert b"[a:b" not in page
    assert b'name="revision" value="1"' in page
    other = stand.person("tono", ["analyst", "releaser"])
    assert other.get(path).status == 404
    assert other.send(path, {"revision": "1", "name": "y"}).status == 404
    assert other.send(f"{path}/discard", {}).status == 404
    assert browser.get(NEW + "malware").status == 404
    assert browser.send(NEW + "malware", {"name": "x"}).status == 404


# -- editing -----------------------------------------------------------------------------------------------------------
def test_what_is_ours_can_be_edited_and_what_is_not_says_why(acting_desk: Desk) -> None:
    desk = acting_desk
    assert f"/objects/{desk.green['id']}/edit" in desk.seen(f"/objects/{desk.green['id']}", "ana").links
    assert f"/objects/{desk.green['id']}/edit" not in desk.seen(f"/objects/{desk.green['id']}", "rita").links
    theirs = indicator()
    with desk.staff.acting("adam"):
        desk.node.receive(bundle(theirs), "feed")
    seen = desk.seen(f"/objects/{theirs['id']}", "ana")
    assert f"/objects/{theirs['id']}/edit" not in seen.links
    assert any(link.startswith("/objects/new/relationship?source_ref=") for link in seen.links)
    with pytest.raises(NotAuthorized) as refused:
        desk.get(f"/objects/{theirs['id']}/edit", "ana")
    assert refused.value.rule == "R18"
    with pytest.raises(NotFound):
        desk.get(f"/objects/{desk.red['id']}/edit", "ana")


def test_where_a_purpose_is_wanted_nothing_typed_is_lost(acting_desk: Desk) -> None:
    desk = acting_desk
    value = indicator(name="Strict")
    with desk.staff.acting("adam"):
        desk.node.receive(bundle(value), marking="tlp:red")
    desk.node.settings = replace(desk.node.settings, audit_purpose="asked")
    edit = f"/objects/{value['id']}/edit"
    assert desk.get(edit, "ana").status == 403
    asked = f"{edit}?purpose=case%207"
    seen = desk.seen(asked, "ana")
    answer = desk.submit(seen, asked, "ana", name="Typed", do="keep")
    path, then = went_to(answer)
    assert then["purpose"] == "case 7"
    assert form_of(desk.seen(address(path, **then), "ana"), f"{path}?purpose=case%207")["name"] == "Typed"


# -- words -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_page_is_sound_in_both_languages(acting_desk: Desk, language: str) -> None:
    desk = acting_desk
    ends = {"source_ref": desk.green["id"], "target_ref": "x", "relationship_type": "related-to"}
    for type, names in FIELDS.items():
        draft = begun(desk, type, **{name: text for name, text in ends.items() if name in names})
        for path in (NEW + type, draft, f"{draft}?look=yes", f"{draft}?seek=Beacon&value=x"):
            _is_sound(desk, path, language)
    for path in ("/drafts", "/objects/new", "/", "/search", f"/objects/{desk.green['id']}"):
        _is_sound(desk, path, language)


def _is_sound(desk: Desk, path: str, language: str) -> None:
    answer = desk.get(path, "ana", language=language)
    assert answer.status == 200
    assert faults(answer) == [], path
    if language == "id":
        assert english_on(answer, "id") == set(), path


def test_an_empty_list_says_what_belongs_there(desk: Desk) -> None:
    seen = desk.seen("/drafts", "rolf")
    assert "No draft" in seen.text
    assert "/objects/new" in seen.links
