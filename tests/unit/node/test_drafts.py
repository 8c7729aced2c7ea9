"""Drafts: what a person writes is seen by that person alone until it is saved; then it is an object of ours (R12)."""

import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.gate_world import marked
from tests.house.test_audited import NOTED
from tests.house.test_viewing import TELLING
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.errors import ComityError, Conflict, Invalid, InvalidObject, NotAuthorized, NotFound, TooLarge
from comity.interfaces import Query
from comity.node import drafts
from comity.node.access import OPERATOR
from comity.node.drafts import DRAFTS_MOST, DraftView
from comity.node.node import Node
from comity.node.people import ROLES
from comity.node.publishing import Selection
from comity.node.settings import Settings
from comity.stix.audience import PAP_IDS
from comity.stix.composing import fields_of
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.nouns import State

US = f"identity--{'1' * 8}-0000-4000-8000-{'1' * 12}"
CANARY = "zqunsaved"
FIELDS = {"name": f"{CANARY} at the port", "description": CANARY, "tlp": "green"}
C2 = {"name": CANARY, "pattern": "[ipv4-addr:value = '198.51.100.7']", "tlp": "green"}


@pytest.fixture
def node(tmp_path: Any, clock: MadeClock) -> Any:
    settings = Settings(store=f"sqlite:///{tmp_path}/a.db", identities=US)
    with Node.open(settings.store, clock=clock, entropy=MadeEntropy(), settings=settings) as opened:
        yield opened


def started(node: Node, type: str = "incident", **fields: str) -> DraftView:
    return node.start_draft(type, (C2 if type == "indicator" else FIELDS) | fields)


def body(node: Node, id: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(node.get(id).raw)
    return found


def persons(node: Node) -> dict[str, str]:
    """A person for each role, and a second analyst."""
    secrets = {"admin": node.add_user("admin", ["admin"]).secret}
    with node.acting("admin", secrets["admin"]):
        for role in (*ROLES, "analyst-2"):
            if role != "admin":
                secrets[role] = node.add_user(role, [role.removesuffix("-2")]).secret
    return secrets


# -- from a draft to an object -----------------------------------------------------------------------------------------
def test_what_is_saved_is_an_object_of_ours_that_is_received_and_not_published(node: Node, clock: MadeClock) -> None:
    draft = started(node)
    assert node.drafts() == [draft]
    clock.move(seconds=60)
    changed = node.change_draft(draft.id, FIELDS | {"name": "Kancil", "confidence": "70"}, draft.revision)
    assert (changed.revision, changed.made, changed.changed - changed.made) == (2, draft.made, 60_000_000)
    saved = node.save_draft(draft.id, changed.revision)
    assert saved.id == draft.object
    assert node.drafts() == []
    value = body(node, saved.id)
    assert value == {
        "type": "incident",
        "spec_version": "2.1",
        "id": saved.id,
        "created_by_ref": US,
        "created": saved.version,
        "modified": saved.version,
        "name": "Kancil",
        "description": CANARY,
        "confidence": 70,
        "object_marking_refs": [MARKING_IDS[TLP.GREEN]],
    }
    with node.store.read() as snapshot:
        (copy,) = snapshot.copies(saved.id)
    assert (copy.source, copy.state) == ("local", State.RECEIVED)
    assert node.count_unpublished(Selection()) == 1


def test_without_an_identity_of_ours_nobody_is_named_as_author(tmp_path: Any, clock: MadeClock) -> None:
    with Node.open(f"sqlite:///{tmp_path}/b.db", clock=clock, entropy=MadeEntropy()) as node:
        saved = node.save_draft(started(node).id, 1)
        assert "created_by_ref" not in body(node, saved.id)


def test_a_level_of_pap_is_stored_with_the_object_and_counts(node: Node) -> None:
    draft = started(node, pap="amber")
    assert node.foretell_draft(draft.id).of.pap == "amber"
    saved = node.save_draft(draft.id, 1)
    again = node.save_draft(started(node, pap="amber").id, 1)
    for one in (saved, again):
        assert body(node, one.id)["object_marking_refs"][1] in PAP_IDS
    with node.store.read() as snapshot:
        assert len(snapshot.copies(body(node, saved.id)["object_marking_refs"][1])) == 1
    assert not node.foretell_draft(started(node, pap="amber").id).of.unsound


@pytest.mark.parametrize(
    ("type", "fields", "where"),
    [("incident", {"name": ""}, "name"), ("indicator", {"valid_until": "2020-01-01", "valid_from": "2021-01-01"}, "")],
)
def test_what_is_wrong_is_not_saved_and_stays_a_draft(
    node: Node, type: str, fields: dict[str, str], where: str
) -> None:
    draft = started(node, type, **fields)
    faults = node.foretell_draft(draft.id).faults
    assert faults
    with pytest.raises(InvalidObject) as refused:
        node.save_draft(draft.id, 1)
    assert refused.value.where == faults[0].field
    assert where in ("", faults[0].field)
    assert node.draft(draft.id) == draft
    assert list(node.find()) == []


def test_a_draft_has_the_fields_of_its_type_and_no_other(node: Node) -> None:
    with pytest.raises(Invalid):
        started(node, pattern="x")
    with pytest.raises(Invalid):
        node.start_draft("malware", {})
    draft = started(node)
    for name in ("id", "created_by_ref", "object", "account", "pattern"):
        with pytest.raises(Invalid):
            node.change_draft(draft.id, {name: "x"}, 1)
    with pytest.raises(TooLarge):
        node.change_draft(draft.id, {"description": "x" * 300_000}, 1)
    assert node.draft(draft.id) == draft


def test_a_draft_of_before_a_field_came_has_it_empty(node: Node) -> None:
    draft = started(node)
    with node.store.write() as tx:
        (held,) = tx.drafts("")
        old = {name: text for name, text in draft.fields.items() if name != "confidence"}
        tx.put_draft(replace(held, body=orjson.dumps(old)))
    assert node.draft(draft.id) == draft
    assert node.save_draft(draft.id, 1).id == draft.object


def test_what_is_not_marked_is_kept_closest(node: Node) -> None:
    """A form shows the first level of its list where a draft has none."""
    made = node.start_draft("incident", {"name": "At the port"})
    assert made.fields["tlp"] == "amber+strict"
    assert node.change_draft(made.id, {"name": "At the port", "tlp": ""}, made.revision).fields["tlp"] == "amber+strict"


def test_drafts_are_bounded(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "DRAFTS_MOST", 2)
    assert DRAFTS_MOST > 2
    started(node), started(node)
    with pytest.raises(Conflict):
        started(node)


def test_a_draft_that_is_discarded_leaves_nothing(node: Node) -> None:
    draft = started(node)
    node.discard_draft(draft.id)
    assert node.find_subject(CANARY) == []
    with pytest.raises(NotFound):
        node.draft(draft.id)


# -- nobody else sees it -----------------------------------------------------------------------------------------------
def asked(node: Node) -> dict[str, Callable[[], object]]:
    """Every verb that gives or tells anything, each as it is called."""
    queries: Mapping[str, Callable[[], object]] = {
        "counts": node.counts,
        "arrivals": node.arrivals,
        "count_unpublished": lambda: node.count_unpublished(Selection()),
        "search all": lambda: node.search(CANARY),
        "browse all": lambda: node.browse(CANARY),
        "entries": lambda: node.manifest(OPERATOR, Query(versions=("all",))),
        "lines": lambda: _exported(node),
        "audit": lambda: node.audit_log(),
        "ledger": lambda: list(node.ledger_log()),
    }
    calls = {**{name: call for name, (_, call) in NOTED.items()}, **TELLING}
    return {name: (lambda call=call: call(node)) for name, call in calls.items()} | dict(queries)


def _exported(node: Node) -> bytes:
    written = io.BytesIO()
    node.export(written.write, lines=True)
    return written.getvalue()


def heard(node: Node) -> dict[str, str]:
    """What each of them says; nothing where it refuses."""
    found = {}
    for name, call in asked(node).items():
        with suppress(ComityError):
            found[name] = repr(call())
    return found


@pytest.mark.slow
def test_a_draft_is_there_for_nobody_else_by_whatever_verb(node: Node) -> None:
    node.add_partner("CERT-B", max_tlp="green", history_from=0, cybersecurity=True)
    node.receive(bundle(indicator()))
    made = [started(node), started(node, "indicator")]
    secrets = persons(node)
    with node.acting("analyst", secrets["analyst"]):
        mine = started(node)
        foretold = node.foretell_draft(mine.id)
        assert CANARY in repr(foretold)
        said = heard(node)
    traces = [CANARY, *(one.object for one in (*made, mine)), *(one.id for one in (*made, mine))]
    assert len(said) > 20
    for name, text in said.items():
        # What was asked for is repeated in the log of who asked.
        text = text.replace(f'"text":"{CANARY}"', "") if name in ("audit", "audit_log") else text
        assert not [trace for trace in traces if trace in text], name
    for name, secret in secrets.items():
        if name == "analyst":
            continue
        with node.acting(name, secret):
            refused = NotFound if name in ("analyst-2", "releaser") else NotAuthorized
            for call in (
                lambda: node.draft(mine.id),
                lambda: node.foretell_draft(mine.id),
                lambda: node.change_draft(mine.id, FIELDS, 1),
                lambda: node.save_draft(mine.id, 1),
                lambda: node.rebase_draft(mine.id, "", 1),
                lambda: node.discard_draft(mine.id),
            ):
                with pytest.raises(refused):
                    call()
            if refused is NotFound:
                assert node.drafts() == []
            for asking, text in heard(node).items():
                assert CANARY not in text or asking in ("audit", "audit_log", "find_subject"), asking
    with node.acting("analyst", secrets["analyst"]):
        assert node.drafts() == [mine]


def test_the_canary_would_be_heard_once_it_is_saved(node: Node) -> None:
    node.save_draft(started(node).id, 1)
    assert {"search all", "browse all", "lines"} <= {name for name, text in heard(node).items() if CANARY in text}


# -- new versions ------------------------------------------------------------------------------------------------------
def editing(node: Node, id: str, **fields: str) -> DraftView:
    """A draft of the next version of what is here."""
    value = body(node, id)
    return node.start_draft(value["type"], fields_of(value, TLP.GREEN) | fields, object=id, version=value["modified"])


def test_a_new_version_has_the_id_of_the_old_and_a_later_instant(node: Node) -> None:
    first = node.save_draft(started(node).id, 1)
    draft = editing(node, first.id, name="Kancil, again")
    second = node.save_draft(draft.id, 1)
    assert second.id == first.id
    assert second.version > first.version
    value = body(node, first.id)
    assert (value["name"], value["created"], value["description"]) == ("Kancil, again", first.version, CANARY)
    assert [item.version for item in node.find(Query(versions=("all",)))] == [first.version, second.version]


def test_what_is_not_ours_gets_no_new_version(node: Node) -> None:
    node.add_source("feed")
    theirs, copied, retracted = marked(TLP.GREEN), marked(TLP.GREEN), marked(TLP.GREEN)
    copied["created_by_ref"] = US.replace("1", "2")
    retracted["revoked"] = True
    node.receive(bundle(theirs), "feed")
    node.receive(bundle(copied, retracted))
    for value in (theirs, copied):
        with pytest.raises(NotAuthorized) as refused:
            editing(node, value["id"])
        assert refused.value.rule == "R18"
    with pytest.raises(Conflict):
        editing(node, retracted["id"])
    with pytest.raises(NotFound):
        node.start_draft("indicator", {}, object=theirs["id"].replace("a", "b"), version="x")
    saved = node.save_draft(started(node, "indicator").id, 1)
    with pytest.raises(Invalid):
        node.start_draft("incident", {}, object=saved.id, version=saved.version)


def test_of_two_who_edit_the_same_the_later_is_told_and_loses_nothing(node: Node) -> None:
    first = node.save_draft(started(node, description="old").id, 1)
    mine = editing(node, first.id, name="My name")
    theirs = editing(node, first.id, name="Their name", description="theirs")
    second = node.save_draft(theirs.id, 1)
    assert node.foretell_draft(mine.id).newest == second.version
    with pytest.raises(Conflict) as refused:
        node.save_draft(mine.id, 1)
    assert refused.value.where == "base"
    assert node.draft(mine.id) == mine
    assert body(node, first.id)["name"] == "Their name"
    with pytest.raises(Conflict):
        node.rebase_draft(mine.id, first.version, 1)
    merged = node.rebase_draft(mine.id, second.version, 1)
    assert (merged.fields["name"], merged.fields["description"]) == ("My name", "theirs")
    third = node.save_draft(merged.id, merged.revision)
    assert body(node, third.id) == body(node, third.id) | {"name": "My name", "description": "theirs"}


def test_a_draft_that_was_changed_in_another_window_is_not_overwritten(node: Node) -> None:
    draft = started(node)
    node.change_draft(draft.id, FIELDS | {"name": "other"}, 1)
    for call in (
        lambda: node.change_draft(draft.id, FIELDS, 1),
        lambda: node.save_draft(draft.id, 1),
        lambda: node.rebase_draft(draft.id, "", 1),
    ):
        with pytest.raises(Conflict):
            call()
    assert node.draft(draft.id).fields["name"] == "other"


def test_who_loses_the_role_meanwhile_saves_nothing(node: Node) -> None:
    secrets = persons(node)
    with node.acting("analyst", secrets["analyst"]):
        draft = started(node)
    with node.acting("admin", secrets["admin"]):
        node.disable_user("analyst")
    with pytest.raises(ComityError), node.acting("analyst", secrets["analyst"]):
        node.save_draft(draft.id, 1)
    assert list(node.find()) == []


# -- erasing -----------------------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_what_is_erased_of_a_person_is_erased_in_drafts_too(node: Node) -> None:
    node.receive(bundle(indicator(name="Anna Muster")))
    draft, other = started(node, description="Of Anna MUSTER"), started(node)
    assert {one.place for one in node.find_subject("anna muster")} == {"body.body", "draft.body"}
    done = node.erase(text="anna muster", basis="GDPR art. 17")
    assert (done.objects, done.certificate and done.certificate.drafts) == (1, 1)
    assert node.drafts() == [other]
    assert node.find_subject("anna muster") == []
    assert draft.id not in {one.id for one in node.drafts()}
    alone = started(node, name="Bert Muster")
    assert node.erase(text="bert muster", basis="GDPR art. 17").objects == 0
    assert node.drafts() == [other]
    assert alone.id not in {one.id for one in node.drafts()}


def test_what_was_erased_is_not_written_anew(node: Node) -> None:
    saved = node.save_draft(started(node).id, 1)
    draft = editing(node, saved.id)
    node.erase([saved.id], basis="GDPR art. 17")
    with pytest.raises(NotFound):
        node.save_draft(draft.id, 1)
    assert node.find_subject(CANARY) == []
