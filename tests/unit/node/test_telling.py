"""What is told of a partner's view: that it is the view that is served, and that telling changes nothing."""

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.gate_world import look_at_all, marked, take
from tests.release_world import floor_of
from tests.telling_world import MAKER, MOMENTS, NAMES, TellingWorld, id_of, put_in_force, read_all, rules_of
from tests.world import MadeClock, MadeEntropy, bundle

from comity.errors import Invalid, InvalidPolicy, NotFound
from comity.interfaces import Query, microseconds
from comity.node.access import Credential
from comity.node.explaining import Told
from comity.node.node import Node
from comity.node.policies import starter_texts
from comity.node.publishing import Selection
from comity.node.recipients import source_of
from comity.node.supposing import Supposed
from comity.release.alike import Alike
from comity.release.classes import Action
from comity.release.closure import Verdict
from comity.release.decide import decide
from comity.release.forms import class_of
from comity.release.policy import compile_policy
from comity.release.suppositions import class_words, read_supposition, supposed_class, supposed_recipient
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.nouns import State

SEEDS = range(2)
EVERYTHING = Selection()


def stix(node: Node, name: str, collection: str, **more: Any) -> bytes:
    """The bundle that the partner would read."""
    written: list[bytes] = []
    node.write_reading(written.append, name, collection=collection, **more)
    return b"".join(written)


def members(raw: bytes) -> bytes:
    """The bytes of the objects of a bundle, joined by commas."""
    return raw.partition(b'"objects":[\n')[2].removesuffix(b"]}\n").replace(b",\n", b",")


def suppose(*texts: str) -> Supposed:
    return Supposed(facets=tuple(map(read_supposition, texts)))


@pytest.fixture(params=SEEDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, clock: MadeClock) -> Any:
    url = f"sqlite:///{tmp_path}/w.db"
    with Node.open(url, name="CERT-A", clock=clock, entropy=MadeEntropy(request.param)) as node:
        made = TellingWorld(node, request.param)
        for number in range(25):
            made.step()
            clock.move(seconds=7)
            if number == 17:
                node.publish(hold_seconds=0)
                look_at_all(node)
                read_all(node, made.access["CERT-C"], "default", versions=("all",))
        yield made


# -- preview and reading agree


@pytest.mark.slow
def test_the_preview_is_what_is_read_byte_for_byte_and_in_order(world: TellingWorld) -> None:
    node = world.node
    seen: Counter[Verdict] = Counter()
    for name in NAMES:
        told = list(node.tell(name, passing=False))
        seen.update(each.verdict for each in told)
        assert all(each.rules for each in told)
        for collection in ("default", "second"):
            foretold = stix(node, name, collection)
            read = read_all(node, world.access[name], collection)
            assert members(foretold) == read
            assert members(stix(node, name, collection)) == read
        # All versions that can be read are what the preview says that leaves.
        everything = [
            json.loads(f"[{read_all(node, world.access[name], each, versions=('all',)).decode()}]")
            for each in ("default", "second")
        ]
        ids = {(each["id"], each.get("modified")) for each in itertools.chain(*everything)}
        assert ids == {(each.id, each.version) for each in told if each.verdict is not Verdict.WITHHOLD}
        assert node.since_reading(name).new == []
    assert seen[Verdict.RELEASE]
    assert seen[Verdict.WITHHOLD]


@pytest.mark.slow
def test_nothing_that_is_told_is_recorded_or_served(world: TellingWorld) -> None:
    node = world.node
    second = Supposed(starter_texts()["nothing"])
    for name in NAMES:
        expected = [stix(node, name, each) for each in ("default", "second")]
        kept = snapshot_of(node)
        for supposing in (Supposed(), suppose("tlp=clear", "to.max_tlp=red", "to.groups=eu"), second):
            list(node.tell(name, supposing=supposing, passing=False))
            node.difference(name, supposing)
        stix(node, name, "default", supposing=second)
        node.since_reading(name)
        list(node.matrix())
        node.who(id_of("indicator", 1))
        assert snapshot_of(node) == kept
        for collection, before in zip(("default", "second"), expected, strict=True):
            assert read_all(node, world.access[name], collection) == members(before)


def snapshot_of(node: Node) -> object:
    """All that a reading could have left in the store."""
    with node.store.read() as snapshot:
        return (
            snapshot.admin_version,
            snapshot.last_publication,
            [
                snapshot.openings(f"{partner.id} {word}", collection.id)
                for partner in node.partners()
                for collection in snapshot.collections()
                for word in ("first", "last", "all")
            ],
        )


def test_a_view_that_the_gate_kept_of_what_is_supposed_would_be_seen(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(self: Node, snapshot: Any, partner: Any, moment: Any, supposing: Any = None) -> Any:
        subject, earlier = self._subject_of(snapshot, partner, moment)
        policy = self._policy_at(snapshot)
        if supposing is not None and supposing.policy is not None:
            # The fault: another policy under the name of the one in force, in the gate that serves.
            policy = replace(compile_policy(floor_of(), *supposing.policy), digest=policy.digest)
            self.gate._views.clear()
            self.gate._decisions.clear()
        return self.gate.view(snapshot, policy, subject, moment.now, earlier), policy

    monkeypatch.setattr(Node, "_view_of", kept)
    with pytest.raises(AssertionError):
        test_another_policy_is_read_and_not_applied(node)


# -- what is supposed


@pytest.mark.slow
def test_what_is_so_already_changes_nothing_when_it_is_supposed(world: TellingWorld) -> None:
    node = world.node
    for name in NAMES:
        now = list(node.tell(name, passing=False))
        partner = node.partner(name)
        state = partner.state_at(microseconds(node.clock.now()))
        present = (
            Supposed(rules_of(node)),
            suppose(f"to.state={state}", f"to.max_tlp={partner.max_tlp}", f"to.groups={','.join(partner.groups)}"),
        )
        for supposing in present:
            assert list(node.tell(name, supposing=supposing, passing=False)) == now
            made = node.difference(name, supposing)
            assert (made.released, made.withheld, made.changed) == ([], [], [])
        assert members(stix(node, name, "default", supposing=present[0])) == members(stix(node, name, "default"))


@pytest.mark.slow
def test_what_would_pass_passes_when_it_is_supposed(world: TellingWorld) -> None:
    """Each facet of which it is said that it would turn a decision does, by the rules that decide."""
    node = world.node
    now, tried = microseconds(node.clock.now()), 0
    with node.store.read() as snapshot:
        policy = node.policy()
        classes = {key: class_of(form) for key, form in snapshot.classes().items() if form}
        for name in NAMES:
            recipient = node.partner(name).subject(source_of(node.partner(name).id), now).recipient
            for told in node.tell(name):
                (one,) = snapshot.published([told.number])
                for change in told.would_pass_if:
                    of = "to" if change.of == "recipient" else change.of
                    made = [read_supposition(f"{of}.{change.facet}={change.value}")]
                    assert decide(
                        policy,
                        supposed_class(classes[one.class_key], made),
                        supposed_recipient(recipient, made),
                        Action.RELEASE,
                        now,
                    ).allowed, (told, change)
                    tried += 1
    assert tried


SUPPOSED = {
    "CERT-B": [suppose("tlp=clear")],
    "CERT-C": [Supposed(starter_texts()["nothing"])],
    "CERT-D": [suppose("to.state=active", "to.history_from=all", "to.groups=eu,other")],
    "Client": [suppose("type=malware", "to.max_tlp=green")],
}


@pytest.mark.slow
def test_the_difference_is_that_of_two_previews(world: TellingWorld) -> None:
    node = world.node
    for name in NAMES:
        for supposing in SUPPOSED[name]:
            before, after = (node.tell(name, supposing=each, passing=False) for each in (Supposed(), supposing))
            was = {each.number: each for each in before}
            more, less = set(), set()
            for each in after:
                gone = was[each.number].verdict is Verdict.WITHHOLD
                if gone and each.verdict is not Verdict.WITHHOLD:
                    more.add((each.id, each.version))
                if not gone and each.verdict is Verdict.WITHHOLD:
                    less.add((each.id, each.version))
            made = node.difference(name, supposing)
            assert {(each.id, each.version) for each in made.released} == more
            assert {(each.id, each.version) for each in made.withheld} == less


def test_a_supposition_opens_and_closes_what_it_says(node: Node) -> None:
    node.add_partner("CERT-B", groups=("eu",))
    text, cases = (each.replace("GROUP", "eu") for each in starter_texts()["green-community"])
    put_in_force(node, text, cases)
    green, amber = take(node, marked(TLP.GREEN), marked(TLP.AMBER))

    def passing(*facets: str) -> list[str]:
        told = node.tell("CERT-B", supposing=suppose(*facets))
        return [each.id for each in told if each.verdict is not Verdict.WITHHOLD]

    assert passing() == []
    assert passing("to.state=active") == []
    assert passing("to.state=active", "to.history_from=all") == [green]
    assert passing("to.state=active", "to.history_from=all", "tlp=green") == [green, amber]
    assert passing("to.state=active", "to.history_from=all", "tlp=green", "to.group=other") == []
    assert passing("to.state=active", "to.history_from=all", "tlp=green", "community=other") == []
    node.step_partner("CERT-B", "activate", checked_by="a call")
    node.edit_partner("CERT-B", history_from=0, agreement_until=1)
    assert passing() == []
    assert passing("to.agreement_until=2999-01-01") == [green]
    with pytest.raises(Invalid):
        stix(node, "CERT-B", "default", supposing=suppose("tlp=green"))
    with pytest.raises(InvalidPolicy):
        node.difference("CERT-B", Supposed(("permit", "")))


def test_another_policy_is_read_and_not_applied(node: Node) -> None:
    partner = node.add_partner("CERT-B", max_tlp="amber", history_from=0)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    green, amber = take(node, marked(TLP.GREEN), marked(TLP.AMBER))
    text, cases = (each.replace("PARTNER", partner.id) for each in starter_texts()["bilateral-amber"])
    supposing = Supposed((text, cases))
    assert json.loads(stix(node, "CERT-B", "default")).get("objects") is None
    found = json.loads(stix(node, "CERT-B", "default", supposing=supposing))
    assert [each["id"] for each in found["objects"]] == [green, amber]
    assert [each.id for each in node.difference("CERT-B", supposing).released] == [green, amber]
    assert node.policy_log() == []
    assert json.loads(stix(node, "CERT-B", "default")).get("objects") is None


# -- what is told of what is changed, and of what they have


def test_what_is_cut_is_told_in_words(node: Node) -> None:
    node.add_partner("CERT-B", groups=("eu",), history_from=0)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    text, cases = (each.replace("GROUP", "eu") for each in starter_texts()["green-community"])
    put_in_force(node, text, cases)
    hidden = marked(TLP.AMBER, name="Hidden thing", pattern="[domain-name:value = 'hidden.example']")
    seen = marked(TLP.GREEN, name="Seen", pattern="[domain-name:value = 'seen.example']")
    report = {
        "type": "report",
        "spec_version": "2.1",
        "id": id_of("report", 1),
        "created": MOMENTS[0],
        "modified": MOMENTS[0],
        "created_by_ref": MAKER,
        "name": "Of two",
        "published": MOMENTS[0],
        "report_types": ["indicator"],
        "labels": ["a secret"],
        "description": "Call Jane Doe, jane.doe@example.org, +372 5123 4567",
        "object_refs": [seen["id"], hidden["id"]],
        "object_marking_refs": [MARKING_IDS[TLP.GREEN]],
        "granular_markings": [{"marking_ref": MARKING_IDS[TLP.RED], "selectors": ["labels"]}],
    }
    take(node, hidden, seen, report)
    (told,) = node.tell("CERT-B", [str(report["id"])])
    assert told.verdict is Verdict.REDACT
    assert [(cut.what, cut.count, cut.where) for cut in told.cuts] == [
        ("author", 1, ("created_by_ref",)),
        ("reference", 1, ("object_refs[1]",)),
        ("personal-data", 1, ("description",)),
        ("property", 1, ("labels",)),
    ]
    assert str(told.cuts[1]) == "what it refers to is left out: object_refs[1]"
    assert (told.tlp, told.type) == ("TLP:GREEN", "report")
    left = json.loads(stix(node, "CERT-B", "default"))["objects"][-1]
    assert left.keys() == report.keys() - {"created_by_ref", "labels", "granular_markings"}


@pytest.mark.slow
def test_every_change_is_told_and_no_other(world: TellingWorld) -> None:
    """Where a member of an object differs from what is kept, a cut is told there, and nowhere else."""
    node, changed = world.node, 0
    for name in NAMES:
        told: dict[tuple[str, str], list[Told]] = {}
        for each in node.tell(name, passing=False):
            assert bool(each.cuts) == (each.verdict is Verdict.REDACT)
            if each.verdict is not Verdict.WITHHOLD:
                told.setdefault((each.id, each.version), []).append(each)
        for collection in ("default", "second"):
            for left in orjson.loads(stix(node, name, collection)).get("objects", []):
                kept = [orjson.loads(copy.raw or b"{}") for copy in node.show(left["id"])]
                lost = [
                    {key for key in one if one[key] != left.get(key)} - {"granular_markings"}
                    for one in kept
                    if one.get("modified") == left["modified"]
                ]
                said = [
                    {place.partition("[")[0] for cut in each.cuts for place in cut.where}
                    for each in told[left["id"], left["modified"]]
                ]
                assert any(each in lost for each in said), (left, lost, said)
                changed += all(said)
    assert changed


def test_what_is_new_to_them_and_what_is_gone(node: Node, clock: MadeClock) -> None:
    node.add_partner("CERT-B", groups=("eu",), history_from=0)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    text, cases = (each.replace("GROUP", "eu") for each in starter_texts()["green-community"])
    put_in_force(node, text, cases)
    token = node.new_token("siem", read=["all"], partner="CERT-B")
    access = node.admit(Credential(token.user, token.secret))

    def since(selection: Selection = EVERYTHING) -> tuple[bool, list[str], list[str], int]:
        made = node.since_reading("CERT-B", selection)
        return made.read, [each.id for each in made.new], [each.id for each in made.gone], made.gone_unknown

    first = marked(TLP.GREEN)
    second, third = marked(TLP.GREEN), marked(TLP.GREEN, type="indicator")
    take(node, first, second)
    assert since() == (False, [first["id"], second["id"]], [], 0)
    read_all(node, access, "default")
    assert since() == (True, [], [], 0)
    clock.move(seconds=5)
    take(node, third)
    # A later version takes the place of the one that was read: it is new, and nothing is gone.
    later = {**first, "modified": "2026-02-02T00:00:00.000Z"}
    take(node, later)
    assert since() == (True, [third["id"], first["id"]], [], 0)
    assert since(Selection(ids=(third["id"],))) == (True, [third["id"]], [], 0)
    node.unpublish(Selection(ids=(second["id"],)))
    assert since() == (True, [third["id"], first["id"]], [], 1)
    put_in_force(node, *starter_texts()["nothing"])
    assert since() == (True, [], [first["id"]], 1)
    read_all(node, access, "default")
    assert since() == (True, [], [], 0)


def test_what_they_have_no_right_to_read_is_not_new_to_them(node: Node, clock: MadeClock) -> None:
    node.add_collection("Second", alias="second")
    node.add_partner("CERT-B", groups=("eu",), history_from=0)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    text, cases = (each.replace("GROUP", "eu") for each in starter_texts()["green-community"])
    put_in_force(node, text, cases)
    first, second = marked(TLP.GREEN), marked(TLP.GREEN)
    take(node, first)
    node.receive(bundle(second), collection="second")
    node.publish(hold_seconds=0)
    look_at_all(node)

    def new() -> list[str]:
        return [each.id for each in node.since_reading("CERT-B").new]

    assert new() == [first["id"], second["id"]]
    token = node.new_token("siem", read=["second"], days=1, partner="CERT-B")
    assert new() == [second["id"]]
    access = node.admit(Credential(token.user, token.secret))
    read_all(node, access, "second")
    assert new() == []
    node.new_token("late", read=["default"], days=2, partner="CERT-B")
    assert new() == [first["id"]]
    clock.move(days=3)
    assert new() == [first["id"]]


# -- the table, and who


@pytest.mark.slow
def test_each_cell_is_the_decision(world: TellingWorld) -> None:
    node = world.node
    now, policy = microseconds(node.clock.now()), node.policy()
    cells = list(node.matrix())
    seen = Counter(cell.decision.allowed for cell in cells)
    for cell in cells:
        recipient = cell.partner.subject(source_of(cell.partner.id), now).recipient
        assert cell.decision == decide(policy, cell.of, recipient, cell.action, now)
    assert seen[True]
    assert seen[False]
    with node.store.read() as snapshot:
        published = snapshot.publications().of("state", State.PUBLISHED)
    classes = {class_words(cell.of): cell.objects for cell in cells}
    assert len(cells) == len(classes) * len(NAMES) * len(Action)
    assert sum(classes.values()) == len(published)
    assert [*node.matrix(["CERT-C"], [Action.PASS_ON])] == [
        cell for cell in cells if (cell.partner.name, cell.action) == ("CERT-C", Action.PASS_ON)
    ]


def test_partners_that_a_policy_tells_apart_by_their_sources_are_not_taken_as_one(node: Node) -> None:
    """What came from one partner may go back to it alone, and a rule may name its source."""
    for name in ("CERT-B", "CERT-C", "CERT-D"):
        node.add_partner(name, history_from=0, max_tlp="amber")
        node.step_partner(name, "activate", checked_by="a call")
    sources = {name: node.source_of_partner(name) for name in ("CERT-B", "CERT-C", "CERT-D")}
    named = sources["CERT-D"]
    put_in_force(
        node,
        '@id("all") @title("All")\npermit (principal, action, resource);\n@id("not-d") @title("Not to D")\n'
        f'forbid (principal, action, resource) when {{ principal.origins.contains("{named}") }};',
        '[[case]]\nname = "a"\nobject = { tlp = "clear" }\nexpect = "allow"\n[[case]]\nname = "b"\n'
        f'object = {{ tlp = "clear" }}\nrecipient = {{ origins = ["{named}"] }}\nexpect = "deny"\n',
    )
    node.receive(bundle(marked(TLP.AMBER)), sources["CERT-B"])
    node.publish(hold_seconds=0)
    take(node, marked(TLP.CLEAR))
    now, policy = microseconds(node.clock.now()), node.policy()
    cells = list(node.matrix(actions=[Action.RELEASE]))
    for cell in cells:
        recipient = cell.partner.subject(source_of(cell.partner.id), now).recipient
        assert cell.decision == decide(policy, cell.of, recipient, cell.action, now)
    found = {(cell.partner.name, cell.of.ours): cell.decision.allowed for cell in cells}
    assert found == {
        ("CERT-B", True): True,
        ("CERT-B", False): True,
        ("CERT-C", True): True,
        ("CERT-C", False): False,
        ("CERT-D", True): False,
        ("CERT-D", False): False,
    }


def test_a_table_that_takes_different_partners_as_one_would_be_seen(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Alike, "key", lambda self, one: "all")
    with pytest.raises(AssertionError):
        test_partners_that_a_policy_tells_apart_by_their_sources_are_not_taken_as_one(node)


@pytest.mark.slow
def test_who_receives_it_is_what_is_explained_to_each(world: TellingWorld) -> None:
    node, had = world.node, 0
    for kind in ("indicator", "malware", "report"):
        for number in range(1, 10):
            id = id_of(kind, number)
            found = node.who(id)
            try:
                copies = node.show(id)
            except NotFound:
                assert found == []
                continue
            assert [(copy.version, copy.source, copy.collection, copy.state) for copy in copies] == [
                (one.version, one.source, one.collection, one.state) for one in found
            ]
            for name in NAMES:
                mine = [
                    (one.version, each.verdict, each.rules, each.cuts)
                    for one in found
                    for each in one.who
                    if each.partner == name
                ]
                told = node.tell(name, [id], passing=False)
                theirs = [(each.version, each.verdict, each.rules, each.cuts) for each in told]
                assert sorted(mine, key=str) == sorted(theirs, key=str)
            for one in found:
                sender = one.source.startswith("partner")
                assert one.state == "published" or sender or not one.who
                had += sum(each.opened for each in one.who)
    assert had


def test_who_has_had_it_is_told_when_it_was_taken_from_view(node: Node) -> None:
    node.add_partner("CERT-B", groups=("eu",), history_from=0)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    text, cases = (each.replace("GROUP", "eu") for each in starter_texts()["green-community"])
    put_in_force(node, text, cases)
    (id,) = take(node, marked(TLP.GREEN))
    token = node.new_token("siem", read=["all"], partner="CERT-B")
    access = node.admit(Credential(token.user, token.secret))
    assert [(each.verdict, each.opened) for each in node.who(id)[0].who] == [(Verdict.RELEASE, False)]
    node.page(access, Query(collection="default"))
    assert [(each.verdict, each.opened) for each in node.who(id)[0].who] == [(Verdict.RELEASE, True)]
    put_in_force(node, *starter_texts()["nothing"])
    node.page(access, Query(collection="default"))
    assert [(each.verdict, each.opened) for each in node.who(id)[0].who] == [(Verdict.WITHHOLD, True)]
    node.unpublish()
    assert node.who(id)[0].who == ()


def test_a_reading_names_its_collection_where_there_are_several(node: Node) -> None:
    node.add_partner("CERT-B")
    assert orjson.loads(b"".join(_written(node)))["type"] == "bundle"
    node.add_collection("Second", alias="second")
    with pytest.raises(Invalid):
        _written(node)
    with pytest.raises(NotFound):
        stix(node, "CERT-B", "nowhere")
    with pytest.raises(NotFound):
        stix(node, "nobody", "second")


def _written(node: Node) -> list[bytes]:
    found: list[bytes] = []
    node.write_reading(found.append, "CERT-B")
    return found
