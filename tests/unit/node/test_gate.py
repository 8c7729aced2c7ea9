"""What one recipient reads through the gate: what policy lets through, in an order and with dates of its own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.gate_world import AND_AUTHORS, GREEN_OURS, PARTNER, Reader, look_at_all, marked, take, told
from tests.release_world import policy_of
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.interfaces import microseconds
from comity.node.node import Node
from comity.node.publishing import Selection, publish, unpublish
from comity.node.views import Subject
from comity.release.classes import Author
from comity.release.closure import Verdict
from comity.release.forms import class_of
from comity.stix.markings import MARKING_IDS, TLP


def test_a_recipient_reads_what_policy_releases_of_what_is_published(node: Node) -> None:
    levels = {level: marked(level) for level in TLP}
    take(node, *levels.values())
    unpublished = marked(TLP.CLEAR)
    node.receive(bundle(unpublished))
    take(node, marked(TLP.CLEAR), source="feed")
    assert Reader(node).ids() == [levels[TLP.CLEAR]["id"], levels[TLP.GREEN]["id"]]
    nothing = '@id("no") @title("No")\npermit (principal, action, resource) when { false };'
    assert Reader(node, nothing).ids() == []


def test_nothing_is_served_before_its_hold_is_over_and_it_can_be_taken_back_without_a_trace(
    node: Node, clock: MadeClock
) -> None:
    reader = Reader(node)
    first, second = (take(node, marked(TLP.CLEAR), hold=10)[0] for _ in range(2))
    assert reader.ids() == []
    assert unpublish(node.store, Selection(ids=(first,))) == 1
    clock.move(seconds=9)
    assert reader.ids() == []
    clock.move(seconds=1)
    assert reader.ids() == [second]


def test_a_recipient_that_polls_gets_what_was_published_later_though_it_is_older(node: Node, clock: MadeClock) -> None:
    reader = Reader(node)
    old = marked(TLP.GREEN)
    node.receive(bundle(old))
    (new,) = take(node, marked(TLP.GREEN))
    _, position, _, added = reader.page()
    clock.move(seconds=60)
    publish(node.store, node.clock, Selection(ids=(str(old["id"]),)), hold_seconds=0)
    assert reader.ids(added_after=added) == [old["id"]]
    assert reader.ids(after=position) == [old["id"]]
    assert reader.ids() == [new, old["id"]]


def test_what_a_wider_policy_opens_is_new_to_a_client_that_polls(node: Node, clock: MadeClock) -> None:
    reader = Reader(node)
    green, amber = take(node, marked(TLP.GREEN), marked(TLP.AMBER))
    _, _, _, added = reader.page()
    assert reader.ids() == [green]
    clock.move(seconds=60)
    reader.policy = policy_of(GREEN_OURS + GREEN_OURS.replace('"ours"', '"more"').replace('"green"', '"amber"'))
    assert reader.ids(added_after=added) == [amber]
    reader.policy = policy_of(GREEN_OURS)
    assert reader.ids() == [green]


def test_the_newest_version_that_the_recipient_may_see_is_its_last(node: Node) -> None:
    reader = Reader(node)
    first = marked(TLP.GREEN, modified="2026-01-01T00:00:00.000Z")
    second = {**first, "modified": "2026-02-01T00:00:00.000Z", "name": "second"}
    secret = {
        **first,
        "modified": "2026-03-01T00:00:00.000Z",
        "name": "third",
        "object_marking_refs": [MARKING_IDS[TLP.RED]],
    }
    take(node, first, second, secret)
    assert [each.get("name") for each in reader.page()[0]] == ["second"]
    assert len(reader.ids(versions=("all",))) == 2
    assert len(reader.ids(versions=("first", "last"))) == 2
    assert reader.ids(versions=("first",)) == [first["id"]]
    assert reader.ids(versions=("2026-03-01T00:00:00",)) == []
    assert reader.ids(versions=("2026-02-01T00:00:00",)) == [first["id"]]


def test_an_older_version_that_becomes_the_last_is_new_to_a_client_that_polls(node: Node, clock: MadeClock) -> None:
    reader = Reader(node)
    first = marked(TLP.GREEN, modified="2026-01-01T00:00:00.000Z", name="first")
    second = {**first, "modified": "2026-02-01T00:00:00.000Z", "name": "second"}
    take(node, first, second)
    objects, _, _, added = reader.page()
    assert [each["name"] for each in objects] == ["second"]
    clock.move(seconds=60)
    with node.store.write() as tx:
        tx.withdraw(tx.collection("default").id, str(first["id"]), ["2026-02-01T00:00:00"], 0)
    assert [each["name"] for each in reader.page(added_after=added)[0]] == ["first"]


def test_the_copy_that_may_leave_is_shown_and_not_one_that_may_not(node: Node) -> None:
    reader = Reader(node)
    shown = marked(TLP.GREEN, name="ours")
    take(node, {**shown, "name": "theirs"}, source="feed")
    take(node, shown)
    assert [each["name"] for each in reader.page(versions=("all",))[0]] == ["ours"]


def test_filters_hold_within_the_view(node: Node) -> None:
    reader = Reader(node)
    ids = take(node, *(marked(TLP.GREEN) for _ in range(5)), marked(TLP.RED))
    assert reader.ids(ids=(ids[1], ids[5])) == [ids[1]]
    assert reader.ids(types=("indicator", "malware")) == ids[:5]
    assert reader.ids(types=("malware",)) == []
    assert reader.ids(spec_versions=("2.0",)) == []
    objects, position, more, _ = reader.page(limit=2)
    assert ([each["id"] for each in objects], more) == (ids[:2], True)
    assert reader.ids(after=position, limit=3) == ids[2:5]


def test_a_relationship_with_a_withheld_end_is_withheld_and_one_in_view_goes(node: Node) -> None:
    reader = Reader(node)
    seen = marked(TLP.GREEN, name="Kancil loader", pattern="[domain-name:value = 'kancil.example']")
    secret = marked(TLP.RED, name="Heron loader", pattern="[domain-name:value = 'heron.example']")
    relation = {
        "type": "relationship",
        "spec_version": "2.1",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to",
        "source_ref": seen["id"],
        "object_marking_refs": [MARKING_IDS[TLP.GREEN]],
    }
    good = {**relation, "id": f"relationship--{'1' * 8}-0000-4000-8000-{'1' * 12}", "target_ref": seen["id"]}
    bad = {**relation, "id": f"relationship--{'2' * 8}-0000-4000-8000-{'1' * 12}", "target_ref": secret["id"]}
    take(node, seen, secret, good, bad)
    assert reader.ids() == [seen["id"], good["id"]]


@pytest.mark.slow
def test_an_author_who_may_not_be_named_is_left_out(node: Node) -> None:
    author = {
        "type": "identity",
        "spec_version": "2.1",
        "id": f"identity--{'3' * 8}-0000-4000-8000-{'1' * 12}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "Hidden Maker",
        "object_marking_refs": [MARKING_IDS[TLP.GREEN]],
    }
    made = marked(TLP.GREEN, created_by_ref=author["id"])
    take(node, author, made)
    assert "created_by_ref" not in Reader(node).page(types=("indicator",))[0][0]
    assert Reader(node, GREEN_OURS + AND_AUTHORS).page(types=("indicator",))[0] == [made]


def test_what_a_recipient_sent_it_reads_as_it_sent_it(node: Node) -> None:
    node.add_source("from-b")
    red = marked(TLP.RED)
    node.receive(bundle(red), "from-b")
    with node.store.write() as tx:
        tx.publish([(copy.key, b"", b"") for copy in tx.copies(str(red["id"]))], 0, None)
    assert Reader(node).ids() == []
    assert Reader(node, subject=Subject(PARTNER, frozenset({"from-b"}))).page()[0] == [red]


def test_what_was_published_before_history_begins_is_not_offered(node: Node, clock: MadeClock) -> None:
    take(node, marked(TLP.GREEN))
    clock.move(seconds=60)
    begins = microseconds(clock.now())
    (new,) = take(node, marked(TLP.GREEN))
    assert Reader(node, subject=Subject(PARTNER, history_from=begins)).ids() == [new]


@pytest.mark.slow
def test_two_stores_that_differ_in_what_is_withheld_are_the_same_to_the_recipient(tmp_path: Path) -> None:
    told = []
    shared = [marked(TLP.GREEN, name=f"indicator {number}") for number in range(6)]
    for extra in (False, True):
        clock = MadeClock()
        with Node.open(f"sqlite:///{tmp_path}/{extra}.db", name="A", clock=clock, entropy=MadeEntropy()) as node:
            reader = Reader(node)
            answers = []
            for number, each in enumerate(shared):
                if extra:
                    take(node, marked(TLP.RED), {**each, "object_marking_refs": [MARKING_IDS[TLP.RED]]}, source="feed")
                take(node, each)
                clock.move(seconds=1)
                if number % 2:
                    answers.append((reader.page(limit=2)[0], reader.page(limit=2)[2:], reader.page(versions=("all",))))
            told.append(answers)
    for (page, facts, whole), (other, other_facts, other_whole) in zip(*told, strict=True):
        assert (page, facts) == (other, other_facts)
        assert (whole[0], whole[2:]) == (other_whole[0], other_whole[2:])


def test_every_published_copy_is_told_of_with_the_rules_that_decided(node: Node, clock: MadeClock) -> None:
    take(node, marked(TLP.GREEN, name="early"))
    clock.move(seconds=60)
    begins = microseconds(clock.now())
    take(node, marked(TLP.GREEN, name="green"), marked(TLP.AMBER, name="amber"))
    take(node, marked(TLP.GREEN, name="authored", created_by_ref=f"identity--{'3' * 8}-0000-4000-8000-{'1' * 12}"))
    take(node, marked(TLP.GREEN, name="held"), hold=10)
    both = marked(TLP.CLEAR, name="ours")
    node.add_source("branch", kind="own")
    node.receive(bundle({**both, "name": "ours before"}), "branch")
    take(node, both)
    found = told(Reader(node, subject=Subject(PARTNER, history_from=begins)))
    said = {name: (each.verdict.value, [rule.id for rule in each.rules]) for name, each in found.items()}
    assert said == {
        "early": ("withhold", ["gate.history"]),
        "green": ("release", ["ours"]),
        "amber": ("withhold", ["gate.nothing-permits"]),
        "authored": ("redact", ["ours"]),
        "held": ("withhold", ["gate.hold"]),
        "ours": ("withhold", ["gate.copy"]),
        "ours before": ("release", ["ours"]),
    }
    assert ("tlp", "green") in {(each.facet, each.value) for each in found["amber"].would_pass_if}
    assert all(rule.title for each in found.values() for rule in each.rules)


@pytest.mark.slow
def test_what_is_told_is_what_is_served(node: Node) -> None:
    reader = Reader(node)
    take(node, *(marked(level, name=f"{level.name} {number}") for level in TLP for number in range(3)))
    found = told(reader)
    assert len(found) == 3 * len(TLP)
    served = {each["name"] for each in reader.page(versions=("all",))[0]}
    assert {name for name, each in found.items() if each.verdict is not Verdict.WITHHOLD} == served


def test_whose_author_an_identity_is_the_settings_say(node: Node) -> None:
    ours = f"identity--{'3' * 8}-0000-4000-8000-{'1' * 12}"
    node.settings = replace(node.settings, identities=ours)
    made = [
        marked(TLP.GREEN, name=str(number), created_by_ref=ident)
        for number, ident in enumerate((ours, ours[:-1] + "2"))
    ]
    node.receive(bundle(*made))
    node.publish()
    with node.store.read() as snapshot:
        found = {
            class_of(form).author: len(snapshot.publications().of("class", key))
            for key, form in snapshot.classes().items()
        }
    assert found == {Author.OURS: 1, Author.OTHER: 1}


def test_what_a_source_gives_that_needs_no_review_is_published_after_a_hold(node: Node, clock: MadeClock) -> None:
    node.add_source("trusted", publish="auto", default_marking="green")
    reader = Reader(node, GREEN_OURS.replace("resource.ours && ", ""))
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{'4' * 8}-0000-4000-8000-{'1' * 12}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Made by us"},
    }
    made = indicator(name="marked", object_marking_refs=[definition["id"]])
    address = {"type": "ipv4-addr", "id": f"ipv4-addr--{'5' * 8}-0000-4000-8000-{'1' * 12}", "value": "192.0.2.1"}
    node.receive(bundle(made, definition, address, {**address, "x_note": "again"}), "trusted")
    look_at_all(node)
    assert reader.ids() == []
    clock.move(seconds=300)
    found = reader.page()[0]
    assert {each["id"] for each in found} == {made["id"], definition["id"], address["id"]}
    assert [each["x_note"] for each in found if each["id"] == address["id"]] == ["again"]


def test_what_a_partner_sends_can_be_read_back_by_it_alone(node: Node) -> None:
    node.add_source("from-b")
    with node.store.write() as tx:
        tx.put_source(replace(tx.source("from-b"), kind="partner"))
    sent = marked(TLP.RED)
    node.receive(bundle(sent), "from-b")
    assert Reader(node, subject=Subject(PARTNER, frozenset({"from-b"}))).page()[0] == [sent]
    assert Reader(node).ids() == []
    assert node.publish().published == 1
    assert node.store.check() == []


def test_what_was_not_looked_at_yet_is_withheld_and_comes_when_it_was(node: Node) -> None:
    reader = Reader(node)
    made = marked(TLP.GREEN)
    node.receive(bundle(made))
    publish(node.store, node.clock, Selection(), hold_seconds=0)
    assert reader.ids() == []
    assert [each.rules[0].id for each in told(reader).values()] == ["R11"]
    look_at_all(node)
    assert reader.ids() == [made["id"]]


def campaign(level: TLP, name: str) -> dict[str, Any]:
    """A campaign of that name, of which nothing else is said."""
    made = marked(level, name=name)
    kept = ("spec_version", "created", "modified", "name", "object_marking_refs")
    return {"type": "campaign", "id": made["id"].replace("indicator", "campaign")} | {key: made[key] for key in kept}


def test_whoever_sends_a_guessed_id_learns_nothing_of_what_is_here_under_it(node: Node) -> None:
    node.add_source("from-b")
    reader = Reader(node, subject=Subject(PARTNER, frozenset({"from-b"})))
    names = ("ostrich feather", "granite quarry", "copper kettle")
    levels = (TLP.RED, TLP.GREEN, TLP.GREEN)
    secret, unpublished, free = (campaign(level, name) for level, name in zip(levels, names, strict=True))
    (ours,) = take(node, campaign(TLP.GREEN, "walnut table"))
    take(node, secret)
    node.receive(bundle(unpublished))
    ends = [str(each["id"]) for each in (secret, unpublished, free)]
    relations = [
        campaign(TLP.GREEN, f"bond {number}")
        | {"type": "relationship", "id": f"relationship--{number:08d}-0000-4000-8000-{'c' * 12}"}
        | {"relationship_type": "related-to", "source_ref": ours, "target_ref": end}
        for number, end in enumerate(ends)
    ]
    take(node, *relations)
    assert reader.ids() == [ours]
    guessed = [campaign(TLP.CLEAR, "a guess") | {"id": end} for end in ends]
    node.receive(bundle(*guessed), "from-b")
    with node.store.write() as tx:
        tx.publish(
            [(copy.key, b"", b"") for end in ends for copy in tx.copies(end) if copy.source == "from-b"], 0, None
        )
    look_at_all(node)
    # Whether somebody else has it or not, nothing of ours comes to light over what they sent.
    assert set(reader.ids()) == {ours, *ends}


@pytest.mark.parametrize("held", ["by nobody else", "unpublished", "withheld"])
def test_what_a_recipient_sent_may_be_named_to_it_unless_another_copy_has_that_name(node: Node, held: str) -> None:
    node.add_source("from-b")
    reader = Reader(node, subject=Subject(PARTNER, frozenset({"from-b"})))
    sent = campaign(TLP.CLEAR, "ostrich feather")
    if held == "withheld":
        take(node, campaign(TLP.RED, "ostrich feather") | {"id": sent["id"]})
    elif held == "unpublished":
        node.receive(bundle(campaign(TLP.GREEN, "ostrich feather") | {"id": sent["id"]}))
    note = {key: value for key, value in campaign(TLP.GREEN, "").items() if key != "name"} | {"type": "note"}
    note |= {"id": f"note--00000001-0000-4000-8000-{'c' * 12}", "content": "It is the ostrich feather."}
    note["object_refs"] = [sent["id"], take(node, campaign(TLP.GREEN, "walnut table"))[0]]
    node.receive(bundle(sent), "from-b")
    with node.store.write() as tx:
        tx.publish([(copy.key, b"", b"") for copy in tx.copies(sent["id"]) if copy.source == "from-b"], 0, None)
    take(node, note)
    assert (note["id"] in reader.ids()) == (held == "by nobody else")
