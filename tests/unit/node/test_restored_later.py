"""What came after the backup and was taken back before the restore: it may come again, and reaches nobody (R32)."""

import itertools
import uuid
from pathlib import Path

import pytest
from tests.asgi import ROOT, Asker, asking
from tests.gate_world import in_force, take
from tests.postgres import empty_database
from tests.world import address, bundle, indicator

from comity.node.access import NewToken
from comity.node.barring import RULE, name_bars
from comity.node.hashes import hashes_in
from comity.node.home import backup, init_home, move_home, open_home, restore
from comity.node.node import Node
from comity.node.side import SIDE_FILE
from comity.release.recall import EVERY, Bar, Kind, Order, Reason
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow

GREEN = {"object_marking_refs": [MARKING_IDS[TLP.GREEN]]}
LATER = {"modified": "2026-04-01T00:00:00.000Z"}
ORDERS = (
    Order(Kind.WITHDRAW, Reason.MISTAKE),
    Order(Kind.RETRACT, Reason.OUTDATED),
    Order(Kind.NARROW, Reason.WRONG_MARKING, tlp=TLP.AMBER_STRICT),
)


def active_partner(node: Node) -> NewToken:
    """A token of a partner that receives what is ours up to GREEN."""
    in_force(node, "green-community")
    node.add_source("unit", kind="own", publish="auto", default_marking="green")
    node.add_partner("CERT-B", groups=("GROUP",), history_from=0)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    return node.new_token("theirs", read=["default"], partner="CERT-B")


def seen(ask: Asker, token: NewToken, id: str) -> set[str]:
    """The routes by which the partner finds anything of the object, whichever version."""
    here = f"{ROOT}collections/default/"
    found = set()
    for route in ("objects/", "manifest/", f"objects/{id}/", f"objects/{id}/versions/"):
        for query in ("", "?match[version]=all"):
            if "versions" in route and query:
                continue
            reply = ask.ask("GET", here + route + query, token)
            assert reply.status == 200 or (id in route and reply.status == 404)
            known = reply.status == 200 and (
                reply.json.get("versions") if "versions" in route else id in str(reply.json)
            )
            found |= {route} if known else set()
    return found


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_came_behind_the_backup_and_was_taken_back_reaches_nobody_again(kind: str, tmp_path: Path) -> None:
    home, again = tmp_path / "machine" / "home", tmp_path / "elsewhere" / "again"
    again.parent.mkdir()
    recalled, erased, kept = [indicator(**GREEN) for _ in ORDERS], address() | GREEN, indicator(**GREEN)
    stores = {} if kind == "sqlite" else {"store": empty_database(f"n_{uuid.uuid4().hex}")}
    with init_home(home, name="CERT-A", **stores) as node:
        token = active_partner(node)
    backup(home, tmp_path / "b.tar.zst", plain=True)
    with open_home(home) as node, asking(node) as ask:
        take(node, *recalled, erased, kept)
        for one in (*recalled, erased, kept):
            assert len(seen(ask, token, one["id"])) == 4, "without that nothing is taken back"
        for one, order in zip(recalled, ORDERS, strict=True):
            node.recall([one["id"]], order)
        node.erase([erased["id"]], basis="a request")
    anew = restore(tmp_path / "b.tar.zst", again, side=[home / SIDE_FILE]).anew
    assert anew.side
    if kind == "postgres":
        move_home(again, empty_database(f"n_{uuid.uuid4().hex}"))
    with open_home(again) as node, asking(node) as ask:
        for source in ("local", "unit"):
            report = node.receive(bundle(erased), source)
            assert [one.rule for one in report.rejected] == [RULE]
            take(node, *recalled, kept, source=source)
        for one in (*recalled, erased):
            assert seen(ask, token, one["id"]) == set(), "it is there again"
        assert len(seen(ask, token, kept["id"])) == 4
        # What was withdrawn is gone in every version; of the others only those that the partner was given.
        take(node, *(one | LATER for one in recalled))
        assert [len(seen(ask, token, one["id"])) for one in recalled] == [0, 4, 4]
        assert node.check() == []
        with node.store.read() as snapshot:
            assert snapshot.unnamed_bars() == frozenset()
            assert snapshot.bars([recalled[0]["id"]]) == [Bar(recalled[0]["id"], EVERY, ours=True)]


def test_a_second_restore_knows_it_too(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name / "home" for name in ("one", "two", "three"))
    with init_home(one, name="CERT-A") as node:
        token = active_partner(node)
    backup(one, tmp_path / "b.tar.zst", plain=True)
    value = indicator(**GREEN)
    with open_home(one) as node, asking(node) as ask:
        take(node, value)
        assert seen(ask, token, value["id"])
        node.recall([value["id"]], ORDERS[0])
    for path in (two, three):
        path.parent.mkdir()
    restore(tmp_path / "b.tar.zst", two, side=[one / SIDE_FILE])
    backup(two, tmp_path / "c.tar.zst", plain=True)
    restore(tmp_path / "c.tar.zst", three, side=[two / SIDE_FILE])
    for path in (two, three):
        with open_home(path) as node, asking(node) as ask:
            take(node, value)
            assert seen(ask, token, value["id"]) == set()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_bar_without_a_name_holds_for_the_id_that_it_is_of_and_for_no_other(kind: str, tmp_path: Path) -> None:
    """The slow twin: bars that were put by name."""
    stores = {} if kind == "sqlite" else {"store": empty_database(f"n_{uuid.uuid4().hex}")}
    ids = [indicator()["id"] for _ in range(4)]
    bars = [
        Bar(id, instant, ours)
        for id, (instant, ours) in itertools.product(ids[:2], [(EVERY, False), ("2026-01-02T03:04:05.678", True)])
    ]
    with init_home(tmp_path / "home", name="CERT-A", **stores) as node:
        with node.store.write() as tx:
            hashes = hashes_in(tx, node.entropy)
            tx.put_unnamed_bars([Bar(hashes.object(bar.id), bar.instant, bar.ours) for bar in bars], "r")
        with node.store.write() as tx:
            assert tx.unnamed_bars() == {hashes.object(id) for id in ids[:2]}
            assert tx.bars(ids) == []
            name_bars(tx, [ids[0], *ids[2:]])
            assert tx.unnamed_bars() == {hashes.object(ids[1])}
            assert tx.bars(ids) == sorted(bars[:2])
            tx.put_bars(bars[2:3], "another")
            name_bars(tx, ids)
            assert (tx.bars(ids), tx.unnamed_bars()) == (sorted(bars), frozenset())
