"""What leaves with changes, what then cannot leave, and that pages, manifests and explanations agree on it."""

from dataclasses import replace
from typing import Any

import pytest
from tests.gate_world import GREEN_OURS, PARTNER, Reader, look_at_all, marked, take, told
from tests.release_world import policy_of
from tests.world import MadeClock, bundle, indicator

from comity.interfaces import microseconds
from comity.node import publishing
from comity.node.explaining import Teller
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.node.recipients import source_of
from comity.node.views import Decisions, Subject
from comity.release import classify
from comity.release.classes import ReleaseClass
from comity.release.classify import canonical_form
from comity.release.closure import Verdict
from comity.release.forms import class_of
from comity.stix.extensions import LIMITS_EXTENSION
from comity.stix.markings import MARKING_IDS, TLP

MAKER = f"identity--{'3' * 8}-0000-4000-8000-{'1' * 12}"
MOMENT = "2026-01-01T00:00:00.000Z"


def sdo(kind: str, number: int, **members: Any) -> dict[str, Any]:
    """An object of that type, TLP:GREEN, by another author."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{number:08d}-0000-4000-8000-{'a' * 12}",
        "created": MOMENT,
        "modified": MOMENT,
        "created_by_ref": MAKER,
        "object_marking_refs": [MARKING_IDS[TLP.GREEN]],
    } | members


def test_a_fault_that_an_object_had_before_keeps_it_from_nobody(node: Node) -> None:
    reader = Reader(node)
    made = sdo("malware", 1, name="without is_family, which it must have")
    assert node.schemas().findings(made)
    take(node, made)
    left = {name: value for name, value in made.items() if name != "created_by_ref"}
    assert reader.page()[0] == [left]
    (each,) = told(reader).values()
    assert each.verdict is Verdict.REDACT


def test_what_would_not_be_valid_without_what_is_cut_is_withheld_everywhere_alike(node: Node) -> None:
    reader = Reader(node)
    address = {"type": "ipv4-addr", "id": f"ipv4-addr--{'5' * 8}-0000-4000-8000-{'1' * 12}", "value": "192.0.2.1"}
    address["object_marking_refs"] = [MARKING_IDS[TLP.RED]]  # type: ignore[assignment]
    traffic = sdo("network-traffic", 1, src_ref=address["id"], protocols=["tcp"])
    for name in ("created", "modified", "created_by_ref"):
        del traffic[name]
    take(node, address, traffic)
    assert reader.ids() == []
    with node.store.read() as snapshot:
        now = microseconds(node.clock.now())
        view = reader.gate.view(snapshot, reader.policy, reader.subject, now)
        (number,) = snapshot.published_of([traffic["id"]])
        (each,) = Teller(snapshot, view, reader.policy, now, reader.sound).tell([number])
    assert (each.verdict, each.rules[0].id) == (Verdict.WITHHOLD, "R9")
    assert "valid STIX" in each.rules[0].title
    take(node, {**address, "object_marking_refs": [MARKING_IDS[TLP.GREEN]], "x_note": "opened"})
    assert traffic["id"] in reader.ids()


def test_an_id_in_capitals_is_the_same_id(node: Node) -> None:
    reader = Reader(node)
    loud = marked(TLP.GREEN, name="Loud", pattern="[domain-name:value = 'loud.example']")
    loud["id"] = f"indicator--{'A' * 8}-0000-4000-8000-{'B' * 12}"
    report = sdo("report", 1, name="Of one", published=MOMENT, object_refs=[loud["id"]])
    report["report_types"] = ["indicator"]
    take(node, loud, report)
    found = {each["id"]: each for each in reader.page()[0]}
    assert found[report["id"]]["object_refs"] == [loud["id"]]


def test_a_marking_means_what_its_own_source_says_though_it_is_another_source_of_ours(node: Node) -> None:
    node.add_source("branch", kind="own")
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{'4' * 8}-0000-4000-8000-{'1' * 12}",
        "created": MOMENT,
        "definition_type": "statement",
        "definition": {"statement": "Made by the branch"},
        "object_marking_refs": [MARKING_IDS[TLP.GREEN]],
    }
    made = marked(
        TLP.GREEN,
        name="Stays",
        description="Goes",
        granular_markings=[
            {"marking_ref": statement["id"], "selectors": ["name"]},
            {"marking_ref": MARKING_IDS[TLP.RED], "selectors": ["description"]},
        ],
    )
    take(node, statement, made, source="branch")
    (left,) = Reader(node).page(types=("indicator",))[0]
    assert left["name"] == "Stays"
    assert "description" not in left
    assert [each["selectors"] for each in left["granular_markings"]] == [["name"]]


def test_limits_that_mean_something_here_only_do_not_leave(node: Node) -> None:
    limits = {"extension_type": "property-extension", "groups": ["eu"], "exercise": False}
    made = marked(TLP.GREEN, extensions={LIMITS_EXTENSION: limits})
    take(node, made)
    member = Subject(replace(PARTNER, groups=frozenset({"eu"})))
    (left,) = Reader(node, subject=member).page()[0]
    assert "groups" not in str(left)
    assert Reader(node).ids() == []


def test_what_is_taken_back_is_what_was_chosen(node: Node) -> None:
    node.add_source("feed")
    ours = take(node, marked(TLP.GREEN), marked(TLP.GREEN))
    theirs = take(node, marked(TLP.GREEN), source="feed")
    chosen = (
        (Selection(ids=(ours[0], "indicator--none")), 1),
        (Selection(types=("malware",)), 0),
        (Selection(sources=("feed",), types=("indicator",)), 1),
        (Selection(collection="default", sources=("feed",)), 0),
        (Selection(), 1),
        (Selection(), 0),
    )
    for selection, count in chosen:
        assert node.unpublish(selection) == count, selection
    assert theirs
    assert node.store.check() == []


def test_a_partner_reads_back_what_it_sent_also_when_it_was_published_and_taken_back(node: Node) -> None:
    partner = node.add_partner("CERT-B")
    node.step_partner("CERT-B", "activate", checked_by="a call")
    node.add_partner("CERT-C")
    source = node.source_of_partner("CERT-B")
    assert source == source_of(partner.id)
    sent = marked(TLP.GREEN)
    node.receive(bundle(sent), source)
    look_at_all(node)
    reader = Reader(node, subject=Subject(PARTNER, frozenset({source})))
    for act in (lambda: None, node.publish, node.unpublish):
        act()
        assert reader.page()[0] == [sent]
    assert node.store.check() == []
    assert [each.rules[0].id for each in node.tell("CERT-B")] == ["gate.sent"]
    assert list(node.tell("CERT-C")) == []


def test_a_source_that_makes_too_many_classes_falls_to_the_strictest(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify, "CLASSES_OF_SOURCE_MAX", 3)
    kinds = [sdo(f"x-kind-{number}", number) for number in range(5)]
    take(node, kinds[0], kinds[1])
    take(node, *kinds[2:], kinds[0])
    with node.store.read() as snapshot:
        published = snapshot.publications()
        found = {class_of(form): len(published.of("class", key)) for key, form in snapshot.classes().items()}
    assert sorted((each.type, count) for each, count in found.items()) == [
        ("", 2),
        ("x-kind-0", 1),
        ("x-kind-1", 1),
        ("x-kind-2", 1),
    ]
    assert all(each.unsound == (each.type == "") for each in found)


@pytest.mark.parametrize(("count", "seconds"), [(100, 10), (101, 300)])
def test_how_long_a_hold_is_usual_depends_on_all_that_is_published(
    node: Node, clock: MadeClock, monkeypatch: pytest.MonkeyPatch, count: int, seconds: int
) -> None:
    monkeypatch.setattr(publishing, "BATCH_OBJECTS", 40)
    node.receive(bundle(*(indicator() for _ in range(count))))
    report = node.publish()
    assert report.published == count
    assert report.held_until == microseconds(clock.now()) + seconds * 1_000_000


def test_a_clock_that_goes_back_takes_back_what_a_date_had_opened() -> None:
    form = canonical_form(ReleaseClass(TLP.GREEN, "object", "indicator", embargo_until=2_000_000))
    decisions = Decisions(policy_of(GREEN_OURS), PARTNER)
    released = [decisions.at({1: form}, now)[0][1].released for now in (1_000_000, 3_000_000, 1_000_000)]
    assert released == [False, True, False]


def test_sources_are_names_that_a_recipient_does_not_know(node: Node) -> None:
    take(node, marked(TLP.GREEN))
    assert Reader(node).ids(sources=("local",)) == []
