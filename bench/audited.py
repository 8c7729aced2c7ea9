"""What the audit log costs an own token that reads pages of restricted objects: without it, when a page is read for the
first time within an hour, and when it is read again.

    python -m bench.audited [--objects 60000] [--repeat 30] [--smoke]

All objects are TLP:AMBER+STRICT by their source. The kinds take turns from page to page; printed are medians of the CPU
time of one page in microseconds, with the quarter of the quickest, and what writing the rows behind costs.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson

from comity.interfaces import Query
from comity.node.access import Access, Credential
from comity.node.auditing import Auditing
from comity.node.node import Node

WITHOUT, FIRST, AGAIN = "without the log", "for the first time", "again"
KINDS = (WITHOUT, FIRST, AGAIN)
_NOTE_READ = Auditing._note_read


def lines(count: int) -> Iterator[bytes]:
    """Indicators without a marking, one a line."""
    moment = "2026-01-01T00:00:00.000Z"
    for number in range(count):
        value = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
            "created": moment,
            "modified": moment,
            "name": f"indicator {number}",
            "description": "x" * 200,
            "pattern": "[ipv4-addr:value = '198.51.100.7']",
            "pattern_type": "stix",
            "valid_from": moment,
            "indicator_types": ["malicious-activity"],
        }
        yield orjson.dumps(value) + b"\n"


def page(node: Node, access: Access, query: Query, kind: str) -> tuple[int, int, bool]:
    """The nanoseconds that the page took of this thread, its last key, and whether there are more."""
    setattr(Auditing, "_note_read", _nothing if kind == WITHOUT else _NOTE_READ)  # noqa: B010 - taken away, to compare
    # All find the page in memory, and only one has noted it.
    node.page(access if kind == AGAIN else replace(access, address="192.0.2.7"), query)
    with node.at_one_moment():
        began = time.thread_time_ns()
        found = node.page(access, query)
        return time.thread_time_ns() - began, found.last_key, found.more


def _nothing(*_: object) -> None:
    """Nothing is noted."""


def sweep(node: Node, tokens: Iterator[Access], turn: int, spent: dict[str, list[int]]) -> None:
    """All pages once, each by a token that has not read it."""
    query, number = Query(), turn
    while True:
        kind = KINDS[number % len(KINDS)]
        nanoseconds, last, more = page(node, next(tokens), query, kind)
        spent[kind].append(nanoseconds)
        if not more:
            return
        query, number = replace(query, after=last), number + 1


def _tokens(access: Access) -> Iterator[Access]:
    number = 0
    while True:
        yield replace(access, token=f"{access.token}-{number // 20}")
        number += 1


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=60_000)
    parser.add_argument("--repeat", type=int, default=30)
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args()
    if asked.smoke:
        asked.objects, asked.repeat = 3_000, 2
    spent: dict[str, list[int]] = {kind: [] for kind in KINDS}
    behind: list[int] = []
    with tempfile.TemporaryDirectory() as folder, Node.open(f"sqlite:///{Path(folder) / 'a.db'}") as node:
        node.receive_stream(lines(asked.objects), lines=True)
        made = node.new_token("siem", read=["all"])
        tokens = _tokens(node.admit(Credential(made.user, made.secret)))
        for turn in range(asked.repeat):
            sweep(node, tokens, turn, spent)
            began = time.thread_time_ns()
            node.looks.flush()
            behind.append(time.thread_time_ns() - began)
    for kind, each in spent.items():
        quarter = sorted(each)[len(each) // 4]
        print(f"a page of 1,000, {kind}: {statistics.median(each) / 1000:.0f} µs, {quarter / 1000:.0f} µs")
    print(f"writing the rows of a sweep behind: {statistics.median(behind) / 1000:.0f} µs")


if __name__ == "__main__":
    main()
