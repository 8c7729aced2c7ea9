"""What leaves for a partner is in the ledger before it is told: once a page, with a digest that a reader can make."""

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.gate_world import GREEN_OURS, Reader, admitted, marked, partnered, take
from tests.world import MadeClock, bundle, envelope

from comity.errors import Unauthenticated
from comity.interfaces import Query, microseconds
from comity.node.access import OPERATOR, Access
from comity.node.node import Node
from comity.stix.markings import TLP
from comity.store.releases import Release

pytestmark = pytest.mark.slow
HERE = Query(collection="default")
HOUR = 3600


def releases(node: Node) -> list[Release]:
    """All that left, as the store has it."""
    node.deliveries.flush()
    with node.store.read() as snapshot:
        found = [one for who in snapshot.release_recipients() for one in snapshot.releases(who, 0, 1000)]
    return sorted(found, key=lambda one: one.entry)


def records(node: Node, kind: str) -> list[dict[str, Any]]:
    """The records of the ledger of that kind."""
    with node.store.read() as snapshot:
        found = [json.loads(one.record or b"{}") for one in snapshot.ledger_entries(0, 10_000)]
    return [one for one in found if one["kind"] == kind]


def said(digest: bytes) -> str:
    """The digest as docs/reference/ledger.md says that records say it."""
    return base64.urlsafe_b64encode(digest).decode().replace("=", "")


def bodies(node: Node, access: Access, query: Query = HERE) -> list[bytes]:
    """The objects of a page, each as it left."""
    page = node.page(access, query)
    texts = json.JSONDecoder()
    found, at, text = [], 0, page.body.decode()
    while at < len(text):
        _, end = texts.raw_decode(text, at)
        found.append(text[at:end].encode())
        at = end + 1
    return found


def test_each_page_has_its_entry_with_a_digest_over_what_left(node: Node) -> None:
    access = partnered(node)
    take(node, *(marked(TLP.GREEN) for _ in range(5)), marked(TLP.RED))
    left = [bodies(node, access, Query(collection="default", limit=2))]
    after = node.page(access, Query(collection="default", limit=2)).last_key
    left.append(bodies(node, access, Query(collection="default", limit=2, after=after)))
    assert list(map(len, left)) == [2, 2]
    entered = records(node, "release")
    digests = [hashlib.sha256(b"".join(hashlib.sha256(raw).digest() for raw in page)).digest() for page in left]
    assert [one["digest"] for one in entered] == list(map(said, digests))
    assert [one["objects"] for one in entered] == [2, 2]
    partner = node.partner("CERT-B")
    assert {one["to"] for one in entered} == {partner.id}
    policy = bytes.fromhex(node.policy().digest.removeprefix("sha256:"))
    assert {one["under"] for one in entered} == {said(policy[:8])}
    assert [one.digest for one in releases(node)] == digests


def test_what_left_is_kept_by_the_rule_that_let_it_go_and_what_was_sent_apart(node: Node) -> None:
    partnered(node)
    access = admitted(node, read=["default"], write=["default"], partner="CERT-B")
    ours = take(node, marked(TLP.GREEN), marked(TLP.GREEN))
    sent = marked(TLP.RED)
    node.post(access, node.collection("default").id, envelope(sent))
    assert node.page(access, HERE).count == 3
    (one,) = releases(node)
    with node.store.read() as snapshot:
        parts = snapshot.release_parts(one.entry)
        kept = {rule: [each.id for each in snapshot.published(list(numbers))] for rule, numbers in parts.items()}
    (rule,) = kept.keys() - {"sent"}
    assert kept == {rule: ours, "sent": [sent["id"]]}
    assert set(rule.split()) <= set(node.policy().rules)


def test_an_empty_answer_has_no_entry(node: Node) -> None:
    access = partnered(node)
    take(node, marked(TLP.RED))
    before = len(records(node, "release"))
    assert node.page(access, HERE).count == 0
    assert list(node.manifest(access, HERE).items) == []
    assert len(records(node, "release")) == before == 0


def test_the_same_page_again_within_a_day_is_counted_and_not_entered(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    for _ in range(4):
        node.page(access, HERE)
        clock.move(seconds=HOUR)
    (one,) = releases(node)
    assert one.again == 3
    assert one.again_at == one.at + 3 * HOUR * 1_000_000
    clock.move(seconds=20 * HOUR + 1)
    node.page(access, HERE)
    assert [one.again for one in releases(node)] == [3, 0]
    take(node, marked(TLP.GREEN))
    node.page(access, HERE)
    assert len(releases(node)) == 3


def test_a_manifest_is_entered_apart_from_the_objects(node: Node) -> None:
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    node.page(access, HERE)
    (entry,) = node.manifest(access, HERE).items
    digest = hashlib.sha256(f"{entry.id} {entry.version}\n".encode()).hexdigest()
    assert [(one.form, one.digest.hex() == digest) for one in releases(node)] == [
        ("objects", False),
        ("manifest", True),
    ]


def test_whose_token_was_revoked_meanwhile_is_told_nothing_and_nothing_is_entered(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    page = node.gate.page

    def slow(*given: Any) -> Any:
        shown = page(*given)
        if access.token and (held := node.store) and not revoked:
            revoked.append(held)
            node.revoke_token(access.token)
        return shown

    revoked: list[Any] = []
    monkeypatch.setattr(node.gate, "page", slow)
    with pytest.raises(Unauthenticated):
        node.page(access, HERE)
    assert records(node, "release") == []


def test_who_reads_as_own_staff_is_no_recipient(node: Node) -> None:
    node.receive(bundle(marked(TLP.RED)))
    assert node.page(OPERATOR, HERE).count == 1
    assert records(node, "release") == []


def test_many_who_read_one_view_at_once_leave_whole_records(node: Node) -> None:
    """Whatever left is kept by a rule, however many begin to ask for the rules of a view at the same time."""
    access = partnered(node)
    for level in (TLP.GREEN, TLP.CLEAR):
        take(node, *(marked(level, name=f"{level} {number}") for number in range(20)))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda limit: node.page(access, Query(collection="default", limit=limit)), range(1, 41)))
    found = releases(node)
    assert len(found) == 40
    with node.store.read() as snapshot:
        kept = [sum(map(len, snapshot.release_parts(one.entry).values())) for one in found]
    assert sorted(kept) == list(range(1, 41))


def test_a_view_whose_rules_are_half_asked_for_gives_no_half_of_them(node: Node) -> None:
    partnered(node)
    take(node, *(marked(level) for level in (TLP.GREEN, TLP.CLEAR)))
    reader = Reader(node, GREEN_OURS)
    reader.page()
    with node.store.read() as snapshot:
        view = reader.gate.view(snapshot, reader.policy, reader.subject, microseconds(node.clock.now()))
        asked: list[int] = []

        class Watched:
            """Publications that are asked by another reader of the same view while they are asked."""

            def of(self, facet: str, key: int) -> Any:
                if len(asked) < 3:
                    asked.append(key)
                    assert sum(map(len, view.by_rule(snapshot, view.told).values())) == len(view.told)
                return snapshot.publications().of(facet, key)

        class Between:
            """The snapshot, as one of two readers has it."""

            def publications(self) -> Watched:
                return Watched()

        view.rules = None
        parts = view.by_rule(Between(), view.told)  # type: ignore[arg-type]  # of a snapshot it asks for nothing else
    assert asked
    assert sum(map(len, parts.values())) == len(view.told) == 2
