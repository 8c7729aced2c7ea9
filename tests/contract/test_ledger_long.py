"""What is said of very many things at once is a record that can be read, and an erasure finds what it must."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ledger_world import open_node, rows
from tests.store_world import NOW, ONE, furnish, identifier, indicators, made, open_kind, put
from tests.world import bundle, indicator

from comity.ledger.audit import audit
from comity.ledger.records import LISTED_MOST, RECORD_BYTES_MAX, read_record
from comity.node.node import Node
from comity.store.base import TableStore
from comity.store.interface import Store

pytestmark = pytest.mark.slow
VERSIONS = 1500
FORM = (b"d" * 32, b"form")


@pytest.fixture
def node(store_kind: str, tmp_path: Path) -> Iterator[Node]:
    if store_kind == "postgres":
        from tests.postgres import database_of

        url = database_of(tmp_path)
    else:
        url = f"sqlite:///{tmp_path}/a.db"
    with open_node(url) as opened:
        yield opened


@pytest.fixture
def store(store_kind: str, tmp_path: Path) -> Iterator[TableStore]:
    opened = furnish(open_kind(store_kind, tmp_path))
    yield opened
    opened.close()


def said(digest: bytes) -> str:
    """The digest as docs/reference/ledger.md says that records say it."""
    return base64.urlsafe_b64encode(digest).decode().replace("=", "")


def records(store: Store) -> list[bytes]:
    """Every record that is left."""
    with store.read() as snapshot:
        return [one.record for one in snapshot.ledger_entries(0, 10_000) if one.record is not None]


def facts_of(store: Store, kind: str) -> list[dict[str, Any]]:
    """What the records of that kind say."""
    found = [read_record(raw) for raw in records(store)]
    return [dict(one.facts) for one in found if one.kind == kind]


def versions(count: int) -> list[dict[str, Any]]:
    """So many versions of one object, each a second later."""
    first = indicator()
    times = [f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z" for second in range(count)]
    return [first | {"created": times[0], "modified": time} for time in times]


def test_a_withdrawal_of_many_versions_reads_back_and_the_ledger_holds(node: Node) -> None:
    objects = versions(VERSIONS)
    node.receive(bundle(*objects))
    kept = rows(node, "SELECT digest FROM object ORDER BY key")
    with node.store.write() as tx:
        count = tx.withdraw(tx.collection("default").id, objects[0]["id"], None, NOW)
    assert count == VERSIONS == len(kept)
    (facts,) = facts_of(node.store, "withdrawal")
    lines = "".join(f"{said(bytes(digest))}\n" for (digest,) in kept)
    assert facts["digests"] == {"count": VERSIONS, "digest": said(hashlib.sha256(lines.encode()).digest())}
    assert max(map(len, records(node.store))) < RECORD_BYTES_MAX // 10
    lines_out: list[bytes] = []
    node.export_ledger(lines_out.append)
    report = node.verify_ledger()
    assert (report.ok, report.closed, report.opened) == (True, 0, report.size)
    assert audit(lines_out, node.head().keys).problems == ()


def test_every_digest_stands_in_a_list_that_is_short_enough(store: TableStore) -> None:
    id = identifier("indicator", 1)
    copies = [made(id, f"2026-01-01T00:00:{second:02}.000Z", name="x") for second in range(50)]
    put(store, copies)
    with store.write() as tx:
        assert tx.withdraw(ONE, id, None, NOW) == 50 <= LISTED_MOST
    assert facts_of(store, "withdrawal")[0]["digests"] == [said(one.digest) for one in copies]


def test_after_an_erasure_no_record_says_the_id_or_a_digest_of_what_is_gone(store: TableStore) -> None:
    """By the withdrawal of too many versions to be listed, by a list, and by the digest over one alone."""
    id, others = identifier("malware", 1), indicators(3)
    copies = [made(id, one["modified"], name="x") for one in versions(LISTED_MOST + 1)]
    put(store, others)
    put(store, copies)
    with store.write() as tx:
        (last,) = tx.keys_of_ids([id])[id][-1:]
        tx.publish([(last, *FORM)], NOW, None)
        tx.enter("test", digests=[said(copies[3].digest), said(others[0].digest)])
        tx.enter("test", digests=[said(others[0].digest)])
        tx.withdraw(ONE, id, None, NOW)
    words = [id, *(said(each) for one in copies for each in (one.digest, hashlib.sha256(one.digest).digest()))]
    saying = [raw for raw in records(store) if any(word.encode() in raw for word in words)]
    assert [read_record(raw).kind for raw in saying] == ["publication", "test", "withdrawal"]
    before = records(store)
    with store.write() as tx:
        tx.erase([id], renamed=lambda id: id, now=NOW)
    assert [raw for raw in before if raw not in saying] == [raw for raw in records(store) if raw in before]
    assert not [raw for raw in records(store) if any(word.encode() in raw for word in words)]
    assert store.check_ledger().ok
