"""Every path by which a partner can read gives exactly what the one function permits (R70, 02.1): no more, and no less.

What is permitted is found the slow way (`tests.plain_gate`). `tests/read_paths.py` says which path is proven where.
"""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.asgi import Asker, Reply, asking, in_path
from tests.partner_world import B, C, D, Json, World
from tests.plain_gate import Permitted, instant_of, permitted, version_of
from tests.world import MadeClock, MadeEntropy

from comity.errors import NotAuthorized, NotFound
from comity.interfaces import Query, microseconds
from comity.node.access import Credential
from comity.node.node import Node
from comity.release.closure import Verdict
from comity.taxii.resources import STIX_MEDIA_TYPE, timestamp

pytestmark = pytest.mark.slow
WORDS = ("all", "first", "last")
PARTNERS = (B, C, D)


@dataclass(frozen=True, slots=True)
class Stand:
    """A world, who asks it, and what each partner may have of each collection."""

    world: World
    asker: Asker
    plain: dict[str, dict[str, Permitted]]

    def get(self, who: str, path: str, headers: dict[str, str] | None = None, **parameters: Any) -> Reply:
        return self.asker.get(self.world.tokens[who], path, headers, **parameters)

    def cases(self) -> Iterator[tuple[str, str, Permitted]]:
        """Each partner with each collection that it may read."""
        for who in PARTNERS:
            for collection in self.world.collections[:2]:
                yield who, f"collections/{collection}/", self.plain[who][collection]

    def ids(self) -> list[str]:
        """Every id of the world, and one that is nowhere."""
        return [*self.world.ids, "indicator--00000000-0000-4000-8000-00000000abcd"]


@contextmanager
def stand_of(folder: Path, seed: int) -> Iterator[Stand]:
    clock = MadeClock()
    with Node.open(f"sqlite:///{folder}/a.db", name="CERT-A", clock=clock, entropy=MadeEntropy(seed)) as node:
        world = World(node, clock, seed).fill()
        with asking(node) as asker:
            yield Stand(world, asker, {who: permitted(world, who) for who in PARTNERS})


SEEDS = [*range(1, 5), *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(100, 140))]


@pytest.fixture(scope="module", params=SEEDS)
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A world that is only read."""
    with stand_of(tmp_path_factory.mktemp("world"), request.param) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Row:
    """One version in a partner's own order, with its date there."""

    id: str
    version: str
    added: str
    raw: bytes

    @property
    def type(self) -> str:
        return self.id.partition("--")[0]


def rows(stand: Stand, who: str, path: str, plain: Permitted, word: str) -> list[Row]:
    """The partner's reading of that word in its own order, which the manifest tells; it has exactly what is permitted,
    with dates that rise."""
    listed = stand.get(who, path + "manifest/", match_version=word).json.get("objects", [])
    expected = plain.of(word)
    found = {(each["id"], instant_of(each["version"])): each for each in listed}
    assert len(found) == len(listed)
    assert found.keys() == expected.keys(), (who, path, word)
    made = [
        Row(id, each["version"], each["date_added"], expected[id, instant]) for (id, instant), each in found.items()
    ]
    assert all(each.version == version_of(json.loads(each.raw)) for each in made)
    dates = [each.added for each in made]
    assert dates == sorted(set(dates))
    now = timestamp(microseconds(stand.world.clock.now()))
    assert all(now <= date < now[:19] + "~" for date in dates), (
        "what was opened at one moment has the dates of that moment"
    )
    return made


def objects_body(found: list[Row]) -> bytes:
    """The envelope of these, byte for byte."""
    return b'{"more":false,"objects":[' + b",".join(each.raw for each in found) + b"]}" if found else b"{}"


def manifest_body(found: list[Row]) -> bytes:
    """The manifest of these, byte for byte."""
    records = [
        {"id": each.id, "date_added": each.added, "version": each.version, "media_type": STIX_MEDIA_TYPE}
        for each in found
    ]
    return b'{"more":false,"objects":' + orjson.dumps(records) + b"}" if records else b"{}"


def versions_body(found: list[Row]) -> bytes:
    """The list of these versions, byte for byte."""
    return b'{"more":false,"versions":' + orjson.dumps([each.version for each in found]) + b"}" if found else b"{}"


def agree(reply: Reply, body: bytes, found: list[Row]) -> None:
    """The reply is that body, and its headers say when its first and last item were added."""
    assert (reply.status, reply.body) == (200, body)
    dates = (found[0].added, found[-1].added) if found else (None, None)
    assert (reply.header("x-taxii-date-added-first"), reply.header("x-taxii-date-added-last")) == dates


def test_the_worlds_have_something_to_tell(stand: Stand) -> None:
    """A law over worlds of which all, or nothing, may leave would hold for nothing."""
    made = sum(len(each.all) for each in stand.plain[B].values())
    whole = {json.dumps(each, sort_keys=True) for each in stand.world.made}
    assert 3 <= made <= 0.7 * len(whole)
    assert {len(stand.plain[who][stand.world.collections[0]].all) for who in PARTNERS} != {0}
    assert len(stand.world.made) > 25


def test_objects_are_exactly_those_permitted(stand: Stand) -> None:
    for who, path, plain in stand.cases():
        for word in WORDS:
            found = rows(stand, who, path, plain, word)
            agree(stand.get(who, path + "objects/", match_version=word), objects_body(found), found)
        found = rows(stand, who, path, plain, "last")
        agree(stand.get(who, path + "objects/"), objects_body(found), found)


def test_the_manifest_is_exactly_of_those_permitted(stand: Stand) -> None:
    for who, path, plain in stand.cases():
        for word in WORDS:
            found = rows(stand, who, path, plain, word)
            agree(stand.get(who, path + "manifest/", match_version=word), manifest_body(found), found)


def filters(chance: random.Random, world: World, found: list[Row]) -> dict[str, Any]:
    """Some of the filters, each with values that are and that are not there."""
    given: dict[str, Any] = {}
    if chance.random() < 0.5:
        given["match_type"] = ",".join(chance.sample(["indicator", "malware", "report", "file", "x-none"], 2))
    if chance.random() < 0.5:
        given["match_id"] = ",".join(chance.sample(world.ids, 8))
    if chance.random() < 0.5:
        dates = [each.added for each in found] or ["2026-01-01T00:00:00.000000Z"]
        given["added_after"] = chance.choice([*dates, "2020-01-01T00:00:00Z", "2030-01-01T00:00:00.000000Z"])
    if chance.random() < 0.2:
        given["match_spec_version"] = chance.choice(["2.1", "2.0", "2.0,2.1"])
    return given


def filtered(found: list[Row], given: dict[str, Any]) -> list[Row]:
    """Those that the filters let through, said plainly."""
    versions = given.get("match_spec_version", "2.1").split(",")
    types, ids = given.get("match_type"), given.get("match_id")
    return [
        each
        for each in found
        if "2.1" in versions
        and (types is None or each.type in types.split(","))
        and (ids is None or each.id in ids.split(","))
        and each.added > given.get("added_after", "")
    ]


def test_filters_and_pages_leave_the_same_out_of_objects_and_manifest(stand: Stand) -> None:
    chance = random.Random(stand.world.seed)
    for who, path, plain in stand.cases():
        for word in WORDS:
            found = rows(stand, who, path, plain, word)
            for _ in range(8):
                given = filters(chance, stand.world, found)
                left = filtered(found, given)
                agree(stand.get(who, path + "objects/", match_version=word, **given), objects_body(left), left)
                agree(stand.get(who, path + "manifest/", match_version=word, **given), manifest_body(left), left)
                token, limit = stand.world.tokens[who], chance.choice([1, 2, 5])
                for of, body in (("objects/", [json.loads(each.raw) for each in left]), ("manifest/", None)):
                    paged = stand.asker.everything(token, path + of, match_version=word, limit=limit, **given)
                    if body is not None:
                        assert paged == body
                    assert [each["id"] for each in paged] == [each.id for each in left]


def test_versions_named_one_by_one_are_those_permitted(stand: Stand) -> None:
    chance = random.Random(stand.world.seed)
    every = sorted({version_of(each) for each in stand.world.made})
    for who, path, plain in stand.cases():
        found = rows(stand, who, path, plain, "all")
        ends = {**plain.first, **plain.last}
        both = [each for each in found if (each.id, instant_of(each.version)) in ends]
        agree(stand.get(who, path + "objects/", match_version="first,last"), objects_body(both), both)
        for _ in range(6):
            named = chance.sample(every, 6)
            left = [each for each in found if instant_of(each.version) in map(instant_of, named)]
            agree(stand.get(who, path + "objects/", match_version=",".join(named)), objects_body(left), left)
            agree(stand.get(who, path + "manifest/", match_version=",".join(named)), manifest_body(left), left)


def test_an_object_is_found_exactly_where_a_version_of_it_is_permitted(stand: Stand) -> None:
    for who, path, plain in stand.cases():
        everything = {word: rows(stand, who, path, plain, word) for word in WORDS}
        for id in stand.ids():
            reply = stand.get(who, f"{path}objects/{in_path(id)}/")
            if not any(each.id == id for each in everything["all"]):
                assert reply.status == 404
                continue
            for word in WORDS:
                left = [each for each in everything[word] if each.id == id]
                reply = stand.get(who, f"{path}objects/{in_path(id)}/", match_version=word)
                agree(reply, objects_body(left), left)
            nothing = stand.get(who, f"{path}objects/{in_path(id)}/", match_version="1999-01-01T00:00:00Z")
            agree(nothing, b"{}", [])


def test_versions_are_exactly_those_permitted(stand: Stand) -> None:
    for who, path, plain in stand.cases():
        everything = rows(stand, who, path, plain, "all")
        for id in stand.ids():
            left = [each for each in everything if each.id == id]
            reply = stand.get(who, f"{path}objects/{in_path(id)}/versions/")
            if left:
                agree(reply, versions_body(left), left)
            else:
                assert reply.status == 404


def test_a_head_is_the_get_without_its_body(stand: Stand) -> None:
    for who, path, plain in stand.cases():
        ids = [*stand.ids()[-3:], *(id for id, _ in list(plain.all)[:2])]
        paths = ["objects/", "manifest/", "", *(f"objects/{in_path(id)}/" for id in ids)]
        for each in (*paths, *(f"objects/{in_path(id)}/versions/" for id in ids)):
            target = f"/taxii2/root/{path}{each}"
            token = stand.world.tokens[who]
            whole, head = (stand.asker.ask(method, target, token) for method in ("GET", "HEAD"))
            assert head.body == b""
            assert without_request(head) == without_request(whole)


def without_request(reply: Reply) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Status and headers, but for the number of the request, which is in errors a part of the length too."""
    return reply.status, [pair for pair in reply.headers if pair[0] != b"x-request-id"]


def test_collections_are_those_of_the_token_and_no_other_is_there(stand: Stand) -> None:
    for who in PARTNERS:
        listed = stand.get(who, "collections/").json["collections"]
        assert [each["id"] for each in listed] == stand.world.collections[:2]
        for each in listed:
            assert stand.get(who, f"collections/{each['id']}/").json == each
            assert set(each) <= {"id", "title", "alias", "description", "can_read", "can_write", "media_types"}
        hidden, absent = stand.world.collections[2], "11111111-2222-4333-8444-555555555555"
        for rest in ("", "objects/", "manifest/", f"objects/{stand.world.ids[0]}/", "objects/x/versions/"):
            told = [stand.get(who, f"collections/{id}/{rest}") for id in (hidden, absent)]
            assert told[0].status == told[1].status == 404
            bodies = [{name: value for name, value in each.json.items() if name != "error_id"} for each in told]
            assert bodies[0] == bodies[1]


def test_what_tells_of_no_object_is_the_same_for_a_node_without_any(stand: Stand, tmp_path: Path) -> None:
    clock = MadeClock()
    with Node.open(
        f"sqlite:///{tmp_path}/b.db", name="CERT-A", clock=clock, entropy=MadeEntropy(stand.world.seed)
    ) as node:
        empty = World(node, clock, stand.world.seed)
        with asking(node) as asker:
            for target in (
                "/taxii2/",
                "/taxii2/root/",
                "/taxii2/root/collections/",
                "/",
                "/healthz",
                "/readyz",
                "/static/comity.css",
            ):
                for who in PARTNERS:
                    headers = {"accept": "*/*"} if target.count("/") == 1 or "static" in target else None
                    full = stand.asker.ask("GET", target, stand.world.tokens[who], headers=headers)
                    bare = asker.ask("GET", target, empty.tokens[who], headers=headers)
                    assert full.status == 200, (target, full.body)
                    assert (full.body, without_request(full)) == (bare.body, without_request(bare)), target
    for who in PARTNERS:
        assert stand.asker.ask("GET", "/metrics", stand.world.tokens[who], headers={"accept": "*/*"}).status == 403
        told = stand.asker.ask("GET", "/.well-known/security.txt", stand.world.tokens[who], headers={"accept": "*/*"})
        assert told.status == 404


def test_what_is_told_of_a_partner_is_what_it_is_served(stand: Stand) -> None:
    """`comity release preview` and `explain` tell what `Node.tell` tells."""
    for who in PARTNERS:
        plain = stand.plain[who]
        told = [each for each in stand.world.node.tell(who) if each.verdict is not Verdict.WITHHOLD]
        found = sorted((each.id, instant_of(each.version)) for each in told)
        assert found == sorted(key for each in plain.values() for key in each.all)


def test_a_post_tells_nothing_of_what_is_here_and_its_status_only_its_sender(tmp_path: Path) -> None:
    with stand_of(tmp_path, 11) as stand:
        world = stand.world
        path = f"collections/{world.collections[0]}/objects/"
        for sent in (*world.made, world.object("indicator", None)):
            mine = [c for c in world.copies([sent["id"]]) if c.source == world.sources[B]]
            reply = post(stand, B, path, sent)
            assert reply.status == 202
            told = reply.json
            if not mine:
                assert (told["success_count"], told.get("failures")) == (1, None), told
            (item,) = told.get("successes") or told["failures"]
            assert (item["id"], item["version"]) == (sent["id"], version_of(sent))
            status = f"status/{told['id']}/"
            assert stand.get(B, status).body == reply.body
            others = [stand.get(who, status) for who in (C, D)]
            absent = stand.get(C, "status/11111111-2222-4333-8444-555555555555/")
            assert [each.status for each in others] == [404, 404]
            assert all(without_id(each) == without_id(absent) for each in others)


def post(stand: Stand, who: str, path: str, *objects: Json) -> Reply:
    """The answer to a POST of these objects."""
    body = orjson.dumps({"objects": list(objects)})
    return stand.asker.ask("POST", f"/taxii2/root/{path}", stand.world.tokens[who], body)


def without_id(reply: Reply) -> tuple[int, Json]:
    """Status and body of an error, without the number of the request."""
    return reply.status, {name: value for name, value in reply.json.items() if name != "error_id"}


def test_a_delete_takes_what_its_partner_sent_and_anything_else_is_not_there(tmp_path: Path) -> None:
    with stand_of(tmp_path, 12) as stand:
        world = stand.world
        path = f"collections/{world.collections[0]}/objects/"
        target = f"/taxii2/root/{path}"
        absent = stand.asker.ask("DELETE", f"{target}{in_path(stand.ids()[-1])}/", world.tokens[B])
        sent = {copy.id for copy in world.copies() if copy.source == world.sources[B] and copy.state.live}
        assert absent.status == 404
        assert sent
        kept = {copy.key for copy in world.copies() if copy.source != world.sources[B] and copy.state.live}
        for id in world.ids:
            reply = stand.asker.ask("DELETE", f"{target}{in_path(id)}/", world.tokens[B])
            if id in sent:
                assert (reply.status, reply.body) == (200, b"")
            else:
                assert without_id(reply) == without_id(absent)
            for word in ("first", "last", "2026-01-01T00:00:00Z"):
                again = stand.asker.ask("DELETE", f"{target}{in_path(id)}/?match[version]={word}", world.tokens[B])
                assert again.status == 404
        left = {copy.key for copy in world.copies() if copy.state.live}
        assert left == kept
        world.note()
        for collection, plain in permitted(world, B).items():
            if collection != world.collections[2]:
                rows(stand, B, f"collections/{collection}/", plain, "all")


def test_a_bound_credential_is_given_nothing_but_by_the_gate(stand: Stand) -> None:
    """What own staff read with is empty, or refused, for whoever is bound; what goes through the gate is permitted."""
    node = stand.world.node
    for who in PARTNERS:
        token = stand.world.tokens[who]
        access = node.admit(Credential(token.user, token.secret))
        for collection in (None, *stand.world.collections):
            with pytest.raises((NotAuthorized, NotFound)):
                node.export(lambda _: pytest.fail("something was written"), collection=collection, access=access)
        for id in stand.ids():
            with pytest.raises(NotFound):
                node.show(id, access)
        for text in (stand.world.word(3), "example"):
            with pytest.raises((NotAuthorized, NotFound)):
                node.search(text, access=access)
        with pytest.raises(NotAuthorized):
            list(node.find(Query(), access))
        for collection in stand.world.collections[:2]:
            found = [item.raw for item in node.find(Query(collection=collection), access)]
            assert sorted(found) == sorted(stand.plain[who][collection].last.values())
        for id in stand.ids():
            with pytest.raises(NotAuthorized):
                node.get(id, access=access)
