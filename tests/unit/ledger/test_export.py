"""The exported file, written and read; what is wrong with its evidence is the audit's to say."""

import json
import tracemalloc
from collections.abc import Iterator

import pytest
from tests.unit.ledger.logs import LOG, NODE, ORIGIN, WITNESS, checkpoint_over, entries_of, file_of, head_of, parts_of

from comity.canonical import canonical_bytes
from comity.errors import Invalid
from comity.ledger.export import KEYS_MAX, LINE_BYTES_MAX, Entry, Head, Part, read_export, write_export
from comity.ledger.records import RECORD_BYTES_MAX, Opening

ENTRIES = entries_of(6, {1})
LINES = file_of(ENTRIES, 3)


def test_the_lines_are_what_the_format_says() -> None:
    values = [json.loads(line) for line in LINES]
    assert values[0] == {
        "format": "comity-ledger/1",
        "keys": [str(LOG.verifier), str(WITNESS.verifier)],
        "node": NODE,
        "origin": ORIGIN,
    }
    assert [value.get("seq", "checkpoint") for value in values[1:]] == [0, 1, 2, "checkpoint", 3, 4, 5, "checkpoint"]
    assert values[2]["nonce"] is values[2]["record"] is None
    assert json.loads(values[1]["record"])["kind"] == "release"
    assert [canonical_bytes(value) + b"\n" for value in values] == LINES


def test_what_was_written_is_read() -> None:
    head, parts = read_export(iter(LINES))
    assert head == head_of()
    assert list(parts) == list(parts_of(ENTRIES, 3))


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [ENTRIES[0]],
        [ENTRIES[1]],
        [ENTRIES[0], ENTRIES[2]],
        [ENTRIES[0], ENTRIES[0]],
        [ENTRIES[0], checkpoint_over(ENTRIES[:2])],
        [*ENTRIES[:2], checkpoint_over(ENTRIES[:1])],
        [ENTRIES[0], checkpoint_over(ENTRIES[:1]), ENTRIES[1]],
    ],
)
def test_a_file_out_of_order_or_without_its_end_is_not_written(parts: list[Part]) -> None:
    with pytest.raises(ValueError, match=r"place|behind|at the end"):
        list(write_export(head_of(), parts))


@pytest.mark.parametrize(("node", "origin"), [("", "/release"), ("cert-a", "cert-a.example/x"), ("a", "a")])
def test_an_origin_begins_with_its_node(node: str, origin: str) -> None:
    with pytest.raises(ValueError, match="an origin is the node"):
        list(write_export(Head(node, origin, ()), []))
    line = canonical_bytes({"format": "comity-ledger/1", "keys": [], "node": node, "origin": origin}) + b"\n"
    with pytest.raises(Invalid):
        read_export([line])


HEADER = json.loads(LINES[0])
ENTRY = json.loads(LINES[1])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]\n",
        b"\xff\n",
        LINES[0][:-1],
        LINES[0].replace(b":", b": "),
        LINES[1],
        b"[" * 10_000 + b"\n",
        b" " * LINE_BYTES_MAX + LINES[0],
        *(
            canonical_bytes(HEADER | wrong) + b"\n"
            for wrong in (
                {"format": "comity-ledger/2"},
                {"more": 1},
                {"keys": "x"},
                {"keys": [7]},
                {"keys": [""]},
                {"keys": ["x" * 5000]},
                {"keys": ["x"] * (KEYS_MAX + 1)},
                {"node": 7},
                {"origin": 7},
                {"node": "x" * 5000, "origin": "x" * 5000 + "/a"},
            )
        ),
    ],
)
def test_a_first_line_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        read_export([line, *LINES[1:]])
    assert caught.value.where == "line 1"


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"\xff\n",
        LINES[1][:-1],
        LINES[1].replace(b'"seq":0', b'"seq":00'),
        LINES[1].replace(b'"seq":0', b'"seq":0,"seq":0'),
        LINES[1] + LINES[1],
        b'{"checkpoint":7}\n',
        b'{"checkpoint":""}\n',
        b'{"a":1,"checkpoint":"x"}\n',
        *(
            canonical_bytes(ENTRY | wrong) + b"\n"
            for wrong in (
                {"seq": -1},
                {"seq": True},
                {"seq": 1.5},
                {"seq": "1"},
                {"more": 1},
                {"commitment": None},
                {"commitment": "AAAA"},
                {"commitment": ENTRY["commitment"][:-1]},
                {"nonce": None},
                {"nonce": "AAAA"},
                {"record": None},
                {"record": ""},
                {"record": 7},
                {"record": "a" * (RECORD_BYTES_MAX + 1)},
            )
        ),
    ],
)
def test_a_line_that_is_no_part_is_refused_at_its_place(line: bytes) -> None:
    _, parts = read_export([LINES[0], LINES[1], line])
    assert isinstance(next(parts), Entry)
    with pytest.raises(Invalid) as caught:
        list(parts)
    assert caught.value.where == "line 3"


def test_the_longest_record_fits_its_line_however_it_is_quoted() -> None:
    opening = Opening(b"\x01" * RECORD_BYTES_MAX, bytes(16))
    entry = Entry(0, opening.commitment, opening)
    lines = list(write_export(head_of(), [entry, checkpoint_over([entry])]))
    assert len(lines[1]) < LINE_BYTES_MAX
    assert next(read_export(lines)[1]) == entry


@pytest.mark.slow
def test_memory_is_flat_in_writing_and_reading() -> None:
    """A hundred times the entries take no more memory."""

    def endless(count: int) -> Iterator[Part]:
        yield from (Entry(seq, ENTRIES[0].commitment, ENTRIES[0].opening) for seq in range(count))

    def peak(count: int) -> int:
        def lines() -> Iterator[bytes]:
            try:
                yield from write_export(head_of(), endless(count))
            except ValueError:
                return

        tracemalloc.start()
        assert sum(1 for _ in read_export(lines())[1]) == count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(3000) < peak(30) + 20_000
