"""The faults by which other products gave away what they held.

Each is made here on purpose, so that the check is seen to find it, and the check is made of the node as it is. The
fault of an approval that is skipped behind is looked for where approvals are.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.asgi import Asker, asking, in_path
from tests.partner_world import CASES, RULES, B, C, D, World
from tests.plain_gate import instant_of, permitted
from tests.world import MadeClock, MadeEntropy

from comity.interfaces import Query
from comity.node import outbound, views
from comity.node.access import OPERATOR, Access, NewToken
from comity.node.gate import Gate
from comity.node.guard import Moment
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.node.recipients import Partner
from comity.node.releasing import Releasing
from comity.node.views import Earlier, Subject, View
from comity.release.spread import Spread
from comity.stix.markings import TLP
from comity.store.interface import Snapshot
from comity.store.nouns import EVERY, Entries
from comity.web.call import Call

pytestmark = pytest.mark.slow
Patch = pytest.MonkeyPatch
PRIVILEGES = {
    "x-forwarded-user": "zqstaff",
    "x-remote-user": "operator",
    "remote-user": "operator",
    "x-authenticated-user": "operator",
    "x-comity-recipient": "",
    "x-comity-role": "operator",
    "x-user-role": "admin",
    "x-admin": "true",
    "x-forwarded-for": "127.0.0.1",
    "x-real-ip": "127.0.0.1",
    "forwarded": "for=127.0.0.1",
    "x-original-url": "/metrics",
    "x-rewrite-url": "/metrics",
    "x-http-method-override": "DELETE",
    "host": "localhost",
    "cookie": "session=operator; admin=1",
}


@dataclass(frozen=True, slots=True)
class Stand:
    """A world, who asks it, and a token of each partner that names every collection by `all`."""

    world: World
    asker: Asker
    wide: dict[str, NewToken]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    clock = MadeClock()
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=clock, entropy=MadeEntropy(41)) as node:
        world = World(node, clock, 41).fill()
        # One who is cleared for more than the others, and not in the circle.
        node.edit_partner(D, groups=())
        wide = {who: node.new_token("wide", read=["all"], partner=who) for who in (B, C, D)}
        with asking(node) as asker:
            yield Stand(world, asker, wide)


def wrong(stand: Stand) -> list[str]:
    """Where what a partner reads is not what is permitted: on lists, manifests, objects and versions, with tokens that
    name collections and with such as may read all."""
    world, found = stand.world, []
    for who in (B, C, D):
        plain = permitted(world, who)
        for token, collections in ((world.tokens[who], world.collections[:2]), (stand.wide[who], world.collections)):
            for collection in world.collections:
                path = f"collections/{collection}/"
                allowed = plain[collection].all if collection in collections else {}
                listed = stand.asker.get(token, path + "objects/", match_version="all")
                if collection not in collections:
                    found += [f"{who} {path}"] * (listed.status != 404)
                    continue
                raws = b",".join(sorted(allowed.values()))
                bodies = b",".join(sorted(raw_objects(listed.body)))
                found += [f"{who} {path} objects"] * (raws != bodies)
                rows = stand.asker.get(token, path + "manifest/", match_version="all").json.get("objects", [])
                there = {(each["id"], instant_of(each["version"])) for each in rows}
                found += [f"{who} {path} manifest"] * (there != allowed.keys())
                for id in world.ids[::2] if token is world.tokens[who] else ():
                    mine = {instant for known, instant in allowed if known == id}
                    for of in ("", "versions/"):
                        reply = stand.asker.get(token, f"{path}objects/{in_path(id)}/{of}")
                        told = set(map(instant_of, reply.json.get("versions", []))) if of else mine
                        good = reply.status == (200 if mine else 404) and (reply.status == 404 or told == mine)
                        found += [f"{who} {path} {id} {of}"] * (not good)
    return found


def raw_objects(body: bytes) -> list[bytes]:
    """The objects of an envelope, each as its bytes."""
    page = outbound.Released(body.partition(b'"objects":[')[2].removesuffix(b"]}"), 0, False, 0, None, None)
    return [item.raw for item in outbound.items(page)]


def deletions(stand: Stand) -> list[str]:
    """What a partner could delete though it did not send it."""
    world = stand.world
    before = {each.key for each in world.copies() if each.state.live and each.source != world.sources[B]}
    for collection in world.collections:
        for id in world.ids:
            stand.asker.ask("DELETE", f"/taxii2/root/collections/{collection}/objects/{id}/", world.tokens[B])
    after = {each.key for each in world.copies() if each.state.live}
    return [str(key) for key in before - after]


def privileged(stand: Stand) -> list[str]:
    """Headers that a client can send and that change what it is answered."""
    found = []
    path = f"/taxii2/root/collections/{stand.world.collections[0]}/"
    for target in (path + "objects/?match[version]=all", path + "manifest/", "/taxii2/root/collections/", "/metrics"):
        for header, value in PRIVILEGES.items():
            said = {"accept": "*/*"} if target == "/metrics" else {}
            plain, more = (
                stand.asker.ask("GET", target, stand.world.tokens[B], headers=said | given)
                for given in ({}, {header: value})
            )
            if (plain.status, without_request(plain.body)) != (more.status, without_request(more.body)):
                found.append(f"{target} {header}")
    return found


def without_request(body: bytes) -> bytes:
    """The body of an answer; of an error what does not change from one to the next."""
    return body.partition(b'"error_id"')[0].partition(b'"instance"')[0]


def checked_on_one_and_done_on_another(patch: Patch) -> None:
    """Rights are looked for in the first collection, whichever is named."""
    permit = outbound.permit

    def other(snapshot: Snapshot, access: Access, name: str, **how: bool) -> Any:
        first = snapshot.collections()[0].id
        if access.recipient and how.get("gated"):
            permit(snapshot, access, first, **how)
            return snapshot.collection(name)
        return permit(snapshot, access, first if access.recipient else name, **how)

    patch.setattr(outbound, "permit", other)
    patch.setattr(Node, "collection", lambda self, name, access=OPERATOR: _view_of(self, name))


def _view_of(node: Node, name: str) -> Any:
    return next(each for each in node.collections() if name in (each.id, each.alias))


def on_one_verb_only(patch: Patch) -> None:
    """Objects go through the gate, and their manifest does not."""

    def manifest(self: Node, access: Access, query: Query) -> Entries:
        with self._snapshot() as snapshot:
            return outbound.manifest(snapshot, replace(access, recipient=""), query)

    patch.setattr(Node, "manifest", manifest)


def bulk_by_role(patch: Patch) -> None:
    """Who has the right to all collections reads in bulk, whatever it is bound to."""
    page = Node.page

    def bulk(self: Node, access: Access, query: Query) -> Any:
        return page(self, replace(access, recipient="") if EVERY in access.read else access, query)

    patch.setattr(Node, "page", bulk)


def a_stricter_child_of_a_looser_parent(patch: Patch) -> None:
    """What policy allows of an object goes, whatever it refers to."""
    patch.setattr(views, "spread", lambda allowed, relations: Spread(copy.copy(allowed), *[type(allowed)()] * 3))


def a_stricter_part_of_a_looser_whole(patch: Patch) -> None:
    """Parts with a marking of their own go with the object."""
    patch.setattr(views, "_cuts", lambda *_: ())


def by_level_without_the_circle(patch: Patch) -> None:
    """Whoever is cleared for the level counts as a member."""
    subject = Releasing._subject_of

    def member(self: Releasing, snapshot: Snapshot, partner: Partner, moment: Moment) -> tuple[Subject, Earlier | None]:
        found, earlier = subject(self, snapshot, partner, moment)
        return replace(found, recipient=replace(found.recipient, groups=frozenset({"eu"}))), earlier

    patch.setattr(Releasing, "_subject_of", member)


READING: list[Callable[[Patch], None]] = [
    checked_on_one_and_done_on_another,
    on_one_verb_only,
    bulk_by_role,
    a_stricter_child_of_a_looser_parent,
    a_stricter_part_of_a_looser_whole,
    by_level_without_the_circle,
]


@pytest.mark.parametrize("fault", READING)
def test_the_node_has_not_the_fault(stand: Stand, fault: Callable[[Patch], None]) -> None:
    assert wrong(stand) == []
    with pytest.MonkeyPatch.context() as patch:
        fault(patch)
        stand.world.node.gate = Gate(stand.world.node.is_sound)
        assert wrong(stand) != []


def test_nothing_is_changed_by_a_right_to_something_else(stand: Stand) -> None:
    """Checked: that it may write there and that such an id is there. Done: whatever has that id is withdrawn."""
    assert deletions(stand) == []
    with pytest.MonkeyPatch.context() as patch:
        transaction = type(_transaction(stand.world.node))
        withdraw = transaction.withdraw

        def whoever(self: Any, collection: str, id: str, instants: Any, now: int, source: str | None = None) -> Any:
            return withdraw(self, collection, id, instants, now, None)

        patch.setattr(transaction, "withdraw", whoever)
        assert deletions(stand) != []


def _transaction(node: Node) -> Any:
    with node.store.write() as tx:
        return tx


def test_no_header_of_a_client_gives_it_a_right(stand: Stand) -> None:
    assert privileged(stand) == []
    with pytest.MonkeyPatch.context() as patch:
        admit = Call.admit

        def believed(self: Call) -> Access:
            access = admit(self)
            return replace(access, recipient="") if self.headers.get(b"x-comity-role") else access

        patch.setattr(Call, "admit", believed)
        assert {each.partition(" ")[2] for each in privileged(stand)} == {"x-comity-role"}


def narrowings(world: World) -> Iterator[str]:
    """Each narrows what was created and read before."""
    made = world.object("indicator", TLP.GREEN)
    other = world.object("indicator", TLP.GREEN)
    world.take(made, other)
    world.look()
    yield "created"
    world.node.delete(OPERATOR, "default", made["id"])
    world.note()
    yield "withdrawn"
    world.node.unpublish(Selection(ids=(other["id"],)))
    world.note()
    yield "unpublished"
    world.node.edit_partner(B, groups=())
    yield "out of the group"
    world.node.edit_partner(D, max_tlp="clear")
    yield "less cleared"
    world.put_policy(RULES + LATE_RULE, CASES + LATE_CASE)
    yield "a stricter policy"
    world.node.step_partner(D, "pause")
    yield "paused"


LATE_RULE = """
@id("zq.late") @title("No more files")
forbid (principal, action, resource) when { resource.type == "file" };
"""
LATE_CASE = """
[[case]]
name = "Files stay"
object = { tlp = "clear", type = "file" }
expect = "deny"
rule = "zq.late"
"""


def test_what_is_restricted_later_is_withheld_from_then_on(stand: Stand) -> None:
    """Whatever was decided of it when it was made, or read. A page that was begun before goes on as is right now."""
    token, path = stand.world.tokens[B], f"collections/{stand.world.collections[0]}/objects/"
    onward: list[str] = []
    for what in narrowings(stand.world):
        assert wrong(stand) == [], what
        allowed = permitted(stand.world, B)[stand.world.collections[0]].all.values()
        for next_page in onward:
            rest = stand.asker.get(token, path, match_version="all", limit=2, next=next_page)
            assert set(raw_objects(rest.body)) <= set(allowed), what
        begun = stand.asker.get(token, path, match_version="all", limit=2)
        onward += [begun.json["next"]] if begun.json.get("more") else []
    assert onward


def test_a_gate_that_remembers_what_it_once_decided_is_found_out(stand: Stand, monkeypatch: Patch) -> None:
    """The check of the test above, of a gate that looks once."""
    seen: dict[str, View] = {}
    view = Gate.view

    def once(self: Gate, snapshot: Snapshot, policy: Any, subject: Subject, *given: Any) -> View:
        return seen.setdefault(subject.recipient.id, view(self, snapshot, policy, subject, *given))

    found = {}
    for what in narrowings(stand.world):
        if what == "created":
            assert wrong(stand) == []
            monkeypatch.setattr(Gate, "view", once)
        found[what] = len(wrong(stand))
    assert found.pop("created") == 0
    assert all(found.values()), found
