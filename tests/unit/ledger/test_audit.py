"""The module that stands alone: what it finds in files that were tampered with, and what it says as a command."""

import ast
import base64
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.house.tree import SOURCE
from tests.unit.ledger.audited import ENTRIES, KEY, LINES, first_bad, found, header, place_of
from tests.unit.ledger.logs import (
    BEGAN,
    LOG,
    ORIGIN,
    checkpoint_over,
    entries_of,
    file_of,
    hashes_over,
    opening_of,
)

from comity.canonical import canonical_bytes
from comity.ledger import audit as module
from comity.ledger import merkle
from comity.ledger.audit import audit
from comity.ledger.checkpoint import Checkpoint, sign_checkpoint
from comity.ledger.export import Entry
from comity.ledger.records import Opening


def with_entries(change: Callable[[list[Entry]], list[Entry]], every: int = 4) -> list[bytes]:
    """The file whose entries were changed, numbered as they stand, under the checkpoints of the log as it was."""
    entries = change(list(ENTRIES))
    entries = [replace(entry, seq=seq) for seq, entry in enumerate(entries)]
    lines = [line for line in file_of(entries, every) if b"checkpoint" not in line]
    for at, line in enumerate(file_of(ENTRIES, every)):
        if line.startswith(b'{"checkpoint"'):
            lines.insert(at, line)
    return lines


def test_a_sound_file_holds() -> None:
    report = audit(LINES, [KEY])
    root = merkle.root(12, hashes_over([each.commitment for each in ENTRIES]))
    assert (report.ok, report.size, report.root, report.opened, report.closed) == (True, 12, root, 10, 2)
    assert (report.checkpoints, report.held, report.trusted, report.problems, report.more) == (3, 0, True, (), 0)
    assert audit(LINES).ok
    assert not audit(LINES).trusted


def test_a_log_without_entries_holds() -> None:
    lines = file_of([])
    assert len(lines) == 2
    report = audit(lines, [KEY])
    assert (report.ok, report.size, report.root) == (True, 0, merkle.EMPTY_ROOT)
    assert not audit(lines[:1], [KEY]).ok
    assert found(lines[:1], against=[checkpoint_over([])]) == (
        "0: no trusted key has signed a checkpoint at the end, over the entries from 0 on"
    )


def test_a_checkpoint_over_nothing_has_the_root_of_nothing() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), [LOG])
    line = canonical_bytes({"checkpoint": note}) + b"\n"
    said = "0: one or more of the entries are not those of the checkpoint in the file over 0 entries"
    assert said in found([LINES[0], line, *LINES[1:]])


@pytest.mark.slow
def test_every_changed_byte_is_found() -> None:
    """Each byte of a small file, with its lowest bit, its case and its highest bit turned; and each one left out."""
    raw = b"".join(file_of(entries_of(4, {1}), 2))
    looked = 0
    for at in range(len(raw)):
        for wrong in (*(bytes([raw[at] ^ by]) for by in (0x01, 0x20, 0x80)), b""):
            report = audit(io.BytesIO(raw[:at] + wrong + raw[at + 1 :]))
            assert not report.ok, (at, wrong)
            assert 0 <= report.problems[0].seq <= 4
            looked += 1
    assert looked == 4 * len(raw) > 5000


@pytest.mark.deep
@pytest.mark.timeout(1200)
def test_every_byte_changed_to_every_other_is_found() -> None:
    raw = b"".join(file_of(entries_of(4, {1}), 2))
    for at in range(len(raw)):
        for value in range(256):
            if value != raw[at]:
                assert not audit(io.BytesIO(raw[:at] + bytes([value]) + raw[at + 1 :])).ok, (at, value)


@pytest.mark.parametrize("seq", range(12))
def test_a_dropped_entry_is_named(seq: int) -> None:
    at = place_of(seq)
    assert first_bad(LINES[:at] + LINES[at + 1 :]) == seq


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ([0, 1, 2, 4, 5], "3: entry 3 is missing: 4 stands in its place"),
        ([0, 1, 2, 5], "3: entries 3 to 4 are missing: 5 stands in its place"),
        ([0, 1, 1, 2], "2: entry 1 stands in its place"),
        ([7, 8], "0: entries 0 to 6 are missing: 7 stands in its place"),
    ],
)
def test_what_is_missing_is_named(left: list[int], said: str) -> None:
    assert found([LINES[0], *[LINES[place_of(seq)] for seq in left]]) == said


@pytest.mark.parametrize("seq", range(12))
def test_a_repeated_entry_is_named(seq: int) -> None:
    at = place_of(seq)
    assert first_bad(LINES[: at + 1] + LINES[at:]) == seq + 1


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (2, 9), (0, 11), (10, 11)])
def test_swapped_entries_are_named(one: int, other: int) -> None:
    lines = list(LINES)
    a, b = place_of(one), place_of(other)
    lines[a], lines[b] = lines[b], lines[a]
    assert first_bad(lines) == one


@pytest.mark.parametrize("seq", [0, 1, 4, 5, 10])
def test_a_changed_record_nonce_or_commitment_of_an_open_entry_is_named(seq: int) -> None:
    entry = ENTRIES[seq]
    assert entry.opening is not None
    record, nonce = entry.opening.record, entry.opening.nonce
    for wrong in (
        replace(entry, opening=Opening(record.replace(b"at", b"as"), nonce)),
        replace(entry, opening=Opening(record, bytes(16))),
        replace(entry, commitment=bytes(32)),
        replace(entry, commitment=opening_of(seq, say="else").commitment),
    ):
        assert first_bad(with_entries(lambda all, wrong=wrong: [*all[:seq], wrong, *all[seq + 1 :]])) == seq  # type: ignore[misc]


@pytest.mark.parametrize("seq", [5, 9])
def test_what_was_changed_with_its_opening_is_found_since_the_checkpoint_before(seq: int) -> None:
    """A new record under a commitment that fits it, or a closed entry: only the tree can tell, between checkpoints."""
    new = opening_of(seq, say="else")
    other = replace(ENTRIES[seq], commitment=new.commitment, opening=None if seq == 9 else new)
    assert first_bad(with_entries(lambda all: [*all[:seq], other, *all[seq + 1 :]])) == seq // 4 * 4
    assert first_bad(with_entries(lambda all: [*all[:seq], other, *all[seq + 1 :]], every=1)) == seq


def test_entries_that_were_moved_and_numbered_anew_are_found() -> None:
    dropped = with_entries(lambda all: [*all[:5], *all[6:]])
    swapped = with_entries(lambda all: [*all[:5], all[6], all[5], *all[7:]])
    repeated = with_entries(lambda all: [*all[:6], *all[5:]])
    # The times of open entries fall where two were swapped; else the tree tells.
    assert first_bad(swapped) == 6
    assert first_bad(dropped) == first_bad(repeated) == 4


def test_an_entry_that_the_log_itself_dated_back_is_named() -> None:
    back = opening_of(6, at=BEGAN + 4)
    entries = [*ENTRIES[:6], Entry(6, back.commitment, back), *ENTRIES[7:]]
    report = audit(file_of(entries), [KEY])
    assert [(each.seq, each.what) for each in report.problems] == [(6, "its time is before that of an entry before it")]
    same = opening_of(6, at=BEGAN + 5)
    assert audit(file_of([*ENTRIES[:6], Entry(6, same.commitment, same), *ENTRIES[7:]]), [KEY]).ok


@pytest.mark.parametrize(
    "record",
    [
        b'{"at":AT}',
        b'{"kind":"x"}',
        b'{"at":-5,"kind":"x"}',
        b'{"at":true,"kind":"x"}',
        b'{"at":"AT","kind":"x"}',
        b'{"at":AT,"kind":""}',
        b'{"at":AT,"kind":7}',
    ],
)
def test_a_record_without_a_time_or_a_kind_is_named(record: bytes) -> None:
    assert said_of_record(record) == ["1: its record has no time or no kind"]


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b"1",
        b'{"at":AT.0,"kind":"x"}',
        b'{"at":AT,"at":AT,"kind":"x"}',
        b'{"at":AT,"kind":"x","n":1.5}',
        b'{"at":AT,"kind":"x","n":1e2}',
        b'{"at":AT,"kind":"x","n":NaN}',
        b'{"at":AT,"kind":"x","n":{"a":1,"a":1}}',
        b'{"at":AT,"kind":"x"} ',
        b'{"at":AT,"kind":"x"',
        b"[" * 20_000,
    ],
)
def test_a_record_that_can_be_read_in_two_ways_is_named(record: bytes) -> None:
    assert said_of_record(record) == ["1: it is no JSON object of one meaning"]


def said_of_record(record: bytes) -> list[str]:
    """What is said of a log whose second entry has the record, with a good time for AT."""
    opening = Opening(record.replace(b"AT", b"%d" % (BEGAN + 1)), bytes(16))
    report = audit(file_of([*entries_of(1), Entry(1, opening.commitment, opening)]), [KEY])
    return [f"{each.seq}: {each.what}" for each in report.problems]


def test_the_first_time_of_all_is_a_time() -> None:
    assert said_of_record(b'{"at":AT,"kind":"x"}') == []
    zero = Opening(b'{"at":0,"kind":"x"}', bytes(16))
    assert audit(file_of([Entry(0, zero.commitment, zero)]), [KEY]).ok


def test_a_cut_off_end_is_found_only_against_a_checkpoint_that_is_held_elsewhere() -> None:
    short, held = LINES[: place_of(8)], checkpoint_over(ENTRIES)
    assert short[-1].startswith(b'{"checkpoint"')
    assert audit(short, [KEY]).ok
    assert "8: the end is cut off" in found(short, against=[held])
    assert "covers 12 entries" in found(short, against=[held])
    assert audit(LINES, [KEY], [held, checkpoint_over(ENTRIES[:5]), checkpoint_over([])]).held == 3


def test_a_file_without_a_checkpoint_at_the_end_does_not_hold() -> None:
    assert "8: no trusted key has signed a checkpoint at the end" in found(LINES[:-1])
    assert "0: no trusted key has signed" in found([line for line in LINES if b"checkpoint" not in line])
    assert "8: no trusted key has signed" in found(LINES[:-1], against=[checkpoint_over(ENTRIES[:8])])


def test_another_history_is_found_against_a_checkpoint_that_is_held_elsewhere() -> None:
    new = opening_of(6, say="else")
    other = file_of([*ENTRIES[:6], Entry(6, new.commitment, new), *ENTRIES[7:]])
    assert audit(other, [KEY]).ok
    held = [checkpoint_over(ENTRIES[:size]) for size in (5, 7, 12)]
    assert found(other, against=held[:1] + held[2:]).startswith("5: one or more of the entries 5 to 11 are not those")
    assert found(other, against=held[1:]).startswith("0: one or more of the entries 0 to 6 are not those")
    assert audit(other, [KEY], held[:1]).ok
    narrowed = with_entries(lambda all: [*all[:6], Entry(6, new.commitment, new), *all[7:]])
    assert (first_bad(narrowed), first_bad(narrowed, against=held[:1])) == (4, 5)


def test_entries_that_are_missing_are_told_once_whatever_is_held_elsewhere() -> None:
    lines = [line for at, line in enumerate(LINES) if at != place_of(2)]
    assert found(lines, against=[checkpoint_over(ENTRIES[:5]), checkpoint_over(ENTRIES[:7])]) == found(lines)


def test_a_checkpoint_that_stands_elsewhere_than_behind_what_it_covers_is_a_problem() -> None:
    at = place_of(4) - 1
    moved = [*LINES[:at], *LINES[at + 1 : at + 2], LINES[at], *LINES[at + 2 :]]
    assert found(moved) == "4: a checkpoint over 4 entries stands after 5"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "no JSON object of one meaning"),
        (b"\xff\n", "not UTF-8"),
        (b"[]\n", "no JSON object of one meaning"),
        (header(node=None), "not the first line"),
        (header(more=1), "not the first line"),
        (header()[:-1], "not the first line"),
        (header().replace(b":", b": "), "not the first line"),
        (header().replace(b'"node"', b'"n\\u006fde"'), "not the first line"),
        (header(node="cert-é").replace("é".encode(), b"\\u00e9"), "not the first line"),
        (b'{"keys":["%s"],"format":"comity-ledger/1",' % KEY.encode() + header()[header().index(b'"node"') :], "first"),
        (header(format="comity-ledger/2"), "does not say comity-ledger/1"),
        (header(node=7), "does not say comity-ledger/1"),
        (header(origin=7), "does not say comity-ledger/1"),
        (header(keys=KEY), "no list of keys"),
        (header(node=""), "does not begin with the node"),
        (header(node="cert-a"), "does not begin with the node"),
        (header(node="", origin="/release"), "does not begin with the node"),
        (header(keys=[KEY, "x"]), "not `name+id+key`"),
        (header(keys=[KEY, 7]), "not `name+id+key`"),
        (header(keys=[KEY, KEY.replace("+", " +", 1)]), "not `name+id+key`"),
        (header(keys=[KEY, "a" + KEY]), "is not its own"),
        (header(keys=[]), "whose key the file does not list"),
    ],
)
def test_a_wrong_first_line_is_a_problem(line: bytes, said: str) -> None:
    told = found([line, *LINES[1:]], keys=[] if "list" in said else None)
    assert said in told
    assert told.startswith("0: line 1: ")


@pytest.mark.parametrize("half", [b'"nonce":"%n","record":null', b'"nonce":null,"record":"x"'])
def test_half_an_opening_is_a_problem(half: bytes) -> None:
    half = half.replace(b"%n", base64.b64encode(bytes(16)))
    whole = b'"nonce":null,"record":null'
    at = place_of(9)
    assert whole in LINES[at]
    lines = [*LINES[:at], LINES[at].replace(whole, half), *LINES[at + 1 :]]
    assert found(lines) == "9: it has a nonce without a record, or a record without a nonce"


FORM = f"line {len(LINES)}: it is neither an entry nor a checkpoint in the one form that they have"
QUOTED = "a text is not quoted in the one way that there is"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"commitment":"%s","nonce":null,"record":null,"seq":12} \n', FORM),
        (b'{"commitment":"%s","nonce":null,"record":null,"seq":012}\n', FORM),
        (b'{"commitment":"%s","nonce":null,"record":null,"seq":12}', FORM),
        (b'{"commitment":"%s","nonce":null,"record":null,"seq":12}\r\n', FORM),
        (b'{"commitment":"%s","nonce":"%n","record":"\\x","seq":12}\n', QUOTED),
        (b'{"commitment":"%s","nonce":"%n","record":"\\u0041","seq":12}\n', QUOTED),
        (b'{"commitment":"%s","nonce":"%n","record":"\\ud800","seq":12}\n', QUOTED),
        (b'{"commitment":"%s","nonce":"%n","record":"a","b":"c","seq":12}\n', QUOTED),
        (
            b'{"commitment":"%s","nonce":"%n","record":"a","seq":12}\n',
            "record and nonce are not those that were logged",
        ),
        (b'{"commitment":"short","nonce":null,"record":null,"seq":12}\n', FORM),
        (b"\xff\n", FORM),
        (b"\n", FORM),
        (b'{"other":1}\n', FORM),
    ],
)
def test_a_line_in_another_form_is_a_problem_at_its_place(line: bytes, said: str) -> None:
    line = line.replace(b"%s", base64.b64encode(bytes(32))).replace(b"%n", base64.b64encode(bytes(16)))
    report = audit([*LINES[:-1], line], [KEY])
    assert (12, said) in [(each.seq, each.what) for each in report.problems]


@pytest.mark.parametrize(("spelled", "other"), [(b"release", b"\\u0072elease"), (b"/", b"\\/")])
def test_a_record_or_checkpoint_that_is_spelled_in_another_way_is_a_problem(spelled: bytes, other: bytes) -> None:
    for at in (place_of(0), len(LINES) - 1):
        begin = max(LINES[at].find(b'"record":'), 0)
        wrong = LINES[at][:begin] + LINES[at][begin:].replace(spelled, other)
        assert wrong != LINES[at]
        assert json.loads(wrong) == json.loads(LINES[at])
        assert "is not quoted in the one way that there is" in found([*LINES[:at], wrong, *LINES[at + 1 :]])


def test_what_the_tree_shows_is_told_at_the_first_entry_that_was_named_since_it_held() -> None:
    changed = {seq: replace(ENTRIES[seq], commitment=bytes(32)) for seq in (5, 6)}
    report = audit(with_entries(lambda all: [changed.get(each.seq, each) for each in all]), [KEY])
    assert [each.seq for each in report.problems] == [5, 5, 6]
    assert sum("entries 4 to 7" in each.what for each in report.problems) == 1
    # What was named before a checkpoint that agrees is not the reason for what is wrong behind it.
    record = replace(ENTRIES[1], opening=opening_of(1, say="else"))
    report = audit(with_entries(lambda all: [all[0], record, *all[2:5], changed[5], *all[6:]]), [KEY])
    assert [each.seq for each in report.problems] == [1, 5, 5]


def test_a_hostile_file_makes_no_endless_report() -> None:
    report = audit([LINES[0], *([b"x\n"] * 5000)], [KEY])
    assert (len(report.problems), report.more) == (100, 4900)
    assert "and 4900 more" in module._told(report)


def test_it_stands_alone() -> None:
    source = (SOURCE / "ledger" / "audit.py").read_text(encoding="utf-8")
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module).split(".")[0])
    assert names - set(sys.stdlib_module_names) == {"cryptography"}
