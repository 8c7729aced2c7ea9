"""What a page costs a partner: with a view that holds, and the first one after one more object was published.

    python bench/views.py [--objects 100000] [--repeat 20] [--store FILE] [--smoke]

The store is made new unless the file is there. Prints medians with their spread. Everything runs in one process.
"""

import argparse
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import orjson

from comity.interfaces import Query
from comity.node.access import Access, Credential
from comity.node.node import Node
from comity.node.policies import starter_texts
from comity.node.publishing import Selection
from comity.stix.markings import MARKING_IDS, TLP

LEVELS = (TLP.CLEAR, TLP.GREEN, TLP.GREEN, TLP.AMBER)
CHUNK = 5000


def _common(kind: str, number: int, level: TLP) -> dict[str, object]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--00000000-0000-4000-8000-{number:012x}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "object_marking_refs": [MARKING_IDS[level]],
    }


def objects(count: int, start: int = 0) -> Iterator[dict[str, object]]:
    """Indicators, every fifth a relationship between two of them, the same each time."""
    for number in range(start, start + count):
        rng = random.Random(number)
        level = rng.choice(LEVELS)
        if number % 5 == 4:
            ends = [rng.randrange(max(1, number // 5)) * 5 for _ in range(2)]
            yield _common("relationship", number, level) | {
                "relationship_type": "related-to",
                "source_ref": f"indicator--00000000-0000-4000-8000-{ends[0]:012x}",
                "target_ref": f"indicator--00000000-0000-4000-8000-{ends[1]:012x}",
            }
        else:
            yield _common("indicator", number, level) | {
                "name": f"host {number} of the ring",
                "pattern": f"[domain-name:value = 'h{number}.example']",
                "pattern_type": "stix",
                "valid_from": "2026-01-01T00:00:00Z",
            }


def put(node: Node, count: int, start: int = 0) -> None:
    """So many more objects are stored and published without a hold."""
    for first in range(start, start + count, CHUNK):
        some = list(objects(min(CHUNK, start + count - first), first))
        node.receive(orjson.dumps({"type": "bundle", "id": f"bundle--{node.entropy.uuid4()}", "objects": some}))
    node.publish(Selection(), hold_seconds=0)


def partner_of(node: Node) -> Access:
    """What a token of an active partner may do."""
    if not node.partners():
        node.apply_policy(*starter_texts()["green-community"])
        node.add_partner("CERT-B", history_from=0, groups=("GROUP",))
        node.step_partner("CERT-B", "activate", checked_by="bench")
    made = node.new_token("b", read=["default"], partner="CERT-B")
    credential = Credential.of_token(made.token)
    assert credential is not None
    return node.admit(credential)


def timed(work: Callable[[], object], repeat: int) -> str:
    """The median and its spread, in words."""
    spent = []
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1e3)
    return f"{statistics.median(spent):9.2f} ms ({min(spent):.2f}-{max(spent):.2f})"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--store", type=Path, help="a store that is made where it is not there, and kept")
    parser.add_argument("--smoke", action="store_true", help="the smallest size, to see that it runs")
    given = parser.parse_args()
    count, repeat = (50, 1) if given.smoke else (given.objects, given.repeat)
    with tempfile.TemporaryDirectory() as folder:
        file = given.store or Path(folder) / "a.db"
        made = file.exists()
        with Node.open(f"sqlite:///{file}") as node:
            if not made:
                put(node, count)
            access = partner_of(node)
            _measure(node, access, repeat)


def _measure(node: Node, access: Access, repeat: int) -> None:
    query = Query(collection="default", limit=100)
    before = node.counts().copies
    print(f"Python {platform.python_version()}, {platform.machine()}, {before:,} copies, median of {repeat}")
    began = time.perf_counter()
    first = node.page(access, query)
    print(f"{'the very first page, of ' + str(first.count):<44} {(time.perf_counter() - began) * 1e3:9.2f} ms")
    for limit in (100, 1000):
        at = replace(query, limit=limit)
        spent = timed(partial(node.page, access, at), repeat)
        print(f"{'one of ' + str(limit) + ', the view holds':<44} {spent}")
    fresh: list[float] = []
    for number in range(max(1, repeat // 4)):
        put(node, 1, before + 5 * (number + 1))
        began = time.perf_counter()
        node.page(access, query)
        fresh.append((time.perf_counter() - began) * 1e3)
    words = f"{statistics.median(fresh):9.2f} ms ({min(fresh):.2f}-{max(fresh):.2f})"
    print(f"{'one of 100, the first after a publication':<44} {words}")


if __name__ == "__main__":
    main()
