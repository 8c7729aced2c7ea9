"""What is decided of all classes for a recipient is in the ledger, once for each change, and for nobody outside."""

import hashlib
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.gate_world import admitted, marked, take
from tests.recall_world import CASES, RULES
from tests.telling_world import put_in_force
from tests.unit.node.test_recording import records, releases
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.errors import NotFound, StoreUnavailable
from comity.interfaces import Query, microseconds
from comity.ledger.records import digest_text
from comity.node.access import Access
from comity.node.node import Node
from comity.release.classes import Action, Author
from comity.release.decide import decide
from comity.release.dispositions import RESTRICTING
from comity.release.forms import class_of
from comity.release.standing import digest_of
from comity.stix.iep import IEP2_EXTENSION
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow
HERE = Query(collection="default")
NOTHING = Query(collection="default", types=("malware",))
IEP = "marking-definition--0f5a1c1e-0000-4000-8000-00000000001e"
DAY_US = 86_400_000_000


def partner_that_reads(node: Node, name: str = "CERT-B") -> Access:
    node.add_partner(name, max_tlp="amber", history_from=0, cybersecurity=True)
    node.step_partner(name, "activate", checked_by="a call")
    return admitted(node, read=["default"], partner=name)


def rule(node: Node, rules: str = RULES, cases: str = CASES) -> None:
    """The rules are in force, with CERT-B where they say B."""
    put_in_force(node, *(text.replace('"B"', f'"{node.partner("CERT-B").id}"') for text in (rules, cases)))


@pytest.fixture
def access(node: Node) -> Access:
    made = partner_that_reads(node)
    rule(node)
    return made


def entered(node: Node) -> list[dict[str, Any]]:
    """The entries of decisions, with all that was counted behind."""
    node.deliveries.flush()
    return records(node, "decisions")


def twin(node: Node, name: str = "CERT-B") -> list[str]:
    """The lines as the documentation says them, of each class alone, by single decisions."""
    now, found = microseconds(node.clock.now()), []
    with node.store.read() as snapshot:
        partner, forms = node.partner(name), [form for form in snapshot.classes().values() if form]
        subject, _ = node._subject_of(snapshot, partner, node.guard.moment(snapshot))
    policy = node.policy()
    for form in forms:
        of = class_of(form)

        def allows(action: Action, one: Any = of) -> bool:
            return decide(policy, one, subject.recipient, action, now).allowed

        made = decide(policy, of, subject.recipient, Action.RELEASE, now)
        cuts = [
            *(["author"] if of.author is not Author.NONE and not allows(Action.NAME_AUTHOR) else []),
            *(["personal-data"] if of.personal & RESTRICTING and not allows(Action.SHOW_PERSONAL_DATA) else []),
        ]
        word = "withhold" if not made.allowed else "approve" if made.waits else "redact" if cuts else "release"
        changes = f":{','.join(cuts)}" if cuts and made.allowed else ""
        rules = ",".join(sorted(each.id for each in made.because))
        found.append(f"{digest_of(form).hex()} {word}{changes} {rules}")
    return sorted(found)


def several(node: Node) -> list[str]:
    """Objects of several classes, of which CERT-B is given some, some with changes, and some not at all."""
    maker = {"type": "identity", "spec_version": "2.1", "id": "identity--9f5a1c1e-0000-4000-8000-000000000009"}
    maker |= {key: indicator()[key] for key in ("created", "modified")} | {
        "name": "Somebody",
        "identity_class": "group",
    }
    authored = {"created_by_ref": maker["id"]}
    return take(
        node,
        maker | {"object_marking_refs": [MARKING_IDS[TLP.GREEN]]},
        *(marked(level, **more) for level in TLP for more in ({}, authored)),
        indicator(name="Mail anna.muster@victim.example", object_marking_refs=[MARKING_IDS[TLP.GREEN]]),
    )


def test_it_is_entered_with_the_first_page_and_before_it(node: Node, access: Access) -> None:
    several(node)
    node.page(access, HERE)
    (one,) = records(node, "decisions")
    (left,) = records(node, "release")
    found = node.decisions_of("CERT-B")
    assert (one["at"], one["to"], one["under"]) == (left["at"], left["to"], left["under"])
    assert found.entry is not None
    assert [each.entry for each in releases(node)] == [found.entry + 1]
    lines = twin(node)
    assert list(found.lines) == lines
    assert one["digest"] == found.digest
    assert found.digest == digest_text(hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).digest())
    words = [line.split()[1] for line in lines]
    counts = [
        sum(word == "release" for word in words),
        sum(word.startswith("redact") for word in words),
        sum(word == "withhold" for word in words),
    ]
    assert all(counts), "of each there is one"
    assert [one["released"], one["redacted"], one["withheld"]] == counts
    assert one["policy"] == found.policy
    assert node.check() == []


def test_no_read_enters_anything_while_nothing_changes(node: Node, access: Access) -> None:
    several(node)
    node.page(access, HERE)
    for limit in (1, 2, 3, 10):
        node.page(access, Query(collection="default", limit=limit))
        node.manifest(access, HERE)
        node.page(access, NOTHING)
    take(node, marked(TLP.GREEN), marked(TLP.RED))
    node.page(access, HERE)
    node.add_partner("CERT-D")
    node.page(access, Query(collection="default", limit=4))
    list(node.tell("CERT-B"))
    assert len(entered(node)) == 1


def test_another_process_enters_it_no_second_time(node: Node, access: Access, tmp_path: Path) -> None:
    several(node)
    node.page(access, HERE)
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=node.clock, entropy=MadeEntropy(2)) as other:
        other.page(access, Query(collection="default", limit=2))
        other.page(access, NOTHING)
    assert len(entered(node)) == 1


@pytest.mark.parametrize("leaves", [True, False], ids=["with a page", "with nothing that leaves"])
def test_each_change_is_entered_once(node: Node, clock: MadeClock, access: Access, leaves: bool) -> None:
    take(node, marked(TLP.GREEN), marked(TLP.AMBER))
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        take(node, marked(TLP.GREEN))
        clock.move(seconds=1)
        query = Query(collection="default", limit=asked) if leaves else NOTHING
        assert bool(node.page(access, query).count) == leaves

    ask()
    assert len(entered(node)) == 1
    changes: dict[str, Callable[[], object]] = {
        "another policy": lambda: rule(node, RULES.replace('@id("open")', '@id("opened")')),
        "the partner": lambda: node.edit_partner("CERT-B", max_tlp="green"),
        "a class that is withheld": lambda: take(node, marked(TLP.RED)),
        "the policy as it was": lambda: rule(node),
    }
    for number, (why, change) in enumerate(changes.items(), 2):
        change()
        assert node.decisions_of("CERT-B").entry is None, f"{why} was entered before anybody asked"
        for _ in range(3):
            ask()
        found, now = entered(node), node.decisions_of("CERT-B")
        assert len(found) == number, why
        assert (found[-1]["digest"], now.entry is None) == (now.digest, False)
        assert list(now.lines) == twin(node)
    assert node.check() == []


def test_a_date_that_passes_is_entered_once(node: Node, clock: MadeClock, access: Access) -> None:
    take(node, marked(TLP.GREEN))
    node.edit_partner("CERT-B", agreement_until=microseconds(clock.now()) + DAY_US)
    for _ in range(3):
        node.page(access, HERE)
        clock.move(hours=1)
    assert len(entered(node)) == 1
    clock.move(days=1)
    for _ in range(3):
        assert node.page(access, HERE).count == 0
    assert [one["released"] for one in entered(node)] == [1, 0]
    assert list(node.decisions_of("CERT-B").lines) == twin(node)


def test_a_date_of_a_class_that_passes_is_entered_once(node: Node, clock: MadeClock, access: Access) -> None:
    limit: dict[str, Any] = {
        "extension_type": "property-extension",
        "encrypt_in_transit": "may",
        "permitted_actions": "externally-visible-direct-actions",
        "affected_party_notifications": "may",
        "tlp": "green",
        "provider_attribution": "may",
        "unmodified_resale": "may",
        "iep_version": 2.0,
        "end_date": "2026-03-05T00:00:00Z",
    }
    iep = {"type": "marking-definition", "spec_version": "2.1", "id": IEP, "created": indicator()["created"]}
    take(node, iep | {"extensions": {IEP2_EXTENSION: limit}, "object_marking_refs": [MARKING_IDS[TLP.GREEN]]})
    take(node, indicator(object_marking_refs=[MARKING_IDS[TLP.GREEN], IEP]), marked(TLP.GREEN))
    for _ in range(3):
        node.page(access, HERE)
        clock.move(hours=1)
    (before,) = entered(node)
    clock.move(days=1)
    for _ in range(3):
        node.page(access, HERE)
    _, after = entered(node)
    assert before["released"] == after["released"] + 1 > 1
    assert list(node.decisions_of("CERT-B").lines) == twin(node)


def test_what_is_being_entered_behind_gives_way_to_what_was_entered_meanwhile(node: Node, access: Access) -> None:
    take(node, marked(TLP.GREEN))
    node.page(access, HERE)
    take(node, marked(TLP.RED))
    assert node.page(access, NOTHING).count == 0
    assert len(records(node, "decisions")) == 1, "nothing left, so that no answer waited"
    take(node, marked(TLP.CLEAR))
    node.page(access, HERE)
    found = records(node, "decisions")
    assert len(found) == 2
    assert entered(node) == found
    assert node.decisions_of("CERT-B").digest == found[-1]["digest"]


def test_a_store_that_cannot_be_written_hides_nothing_and_shows_nothing(
    node: Node, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads nothing sees no difference between decisions that changed and such that did not."""
    take(node, marked(TLP.GREEN))
    node.page(access, NOTHING)
    node.deliveries.flush()
    take(node, marked(TLP.RED))

    def refuse() -> None:
        raise StoreUnavailable("full")

    with monkeypatch.context() as broken:
        broken.setattr(node.store, "write", refuse)
        assert node.page(access, NOTHING).count == 0
        with pytest.raises(StoreUnavailable):
            node.deliveries.flush()
    assert len(entered(node)) == 2


def test_no_partner_is_given_the_opening_of_such_an_entry(node: Node, access: Access) -> None:
    several(node)
    node.page(access, HERE)
    kinds = {}
    for to in (None, "CERT-B"):
        file = io.BytesIO()
        node.export_ledger(file.write, to=to)
        openings = [orjson.loads(line).get("record") for line in file.getvalue().splitlines()]
        kinds[to] = {orjson.loads(one)["kind"] for one in openings if one} & {"decisions", "release"}
    assert kinds == {None: {"decisions", "release"}, "CERT-B": {"release"}}


def test_by_chance_there_is_one_entry_for_each_change_that_was_asked_about(
    node: Node, clock: MadeClock, access: Access
) -> None:
    """The twin remembers the digest that held at each question, and counts where it is another than before."""
    chance, due = random.Random(5), list[str]()
    other = partner_that_reads(node, "CERT-C")
    for _ in range(80):
        match chance.randrange(6):
            case 0:
                take(node, marked(chance.choice(list(TLP))))
            case 1:
                node.edit_partner("CERT-B", max_tlp=chance.choice(["clear", "green", "amber"]))
            case 2:
                node.receive(bundle(marked(chance.choice(list(TLP)))))
            case 3:
                node.page(other, HERE)
            case _:
                limit, types = chance.randrange(1, 4), chance.choice([(), (), ("malware",)])
                node.page(access, Query(collection="default", limit=limit, types=types))
                lines = "".join(f"{line}\n" for line in twin(node))
                digest = digest_text(hashlib.sha256(lines.encode()).digest())
                if not due or due[-1] != digest:
                    due.append(digest)
                node.deliveries.flush()
        clock.move(seconds=1)
    partner = node.partner("CERT-B").id
    assert [one["digest"] for one in entered(node) if one["to"] == partner] == due
    assert len(due) >= 8


def test_of_nobody_nothing_is_told(node: Node) -> None:
    with pytest.raises(NotFound):
        node.decisions_of("CERT-Z")
