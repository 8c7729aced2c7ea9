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
from tests.unit.ledger.logs import (
    BEGAN,
    LOG,
    NODE,
    ORIGIN,
    OTHER,
    WITNESS,
    checkpoint_over,
    entries_of,
    file_of,
    hashes_over,
    head_of,
    opening_of,
    parts_of,
)

from comity.canonical import canonical_bytes
from comity.ledger import audit as module
from comity.ledger import merkle
from comity.ledger.audit import audit
from comity.ledger.checkpoint import Checkpoint, cosign, sign_checkpoint
from comity.ledger.export import Entry, Part, write_export
from comity.ledger.note import Signer, sign_note
from comity.ledger.records import Opening

ENTRIES = entries_of(12, {2, 9})
LINES = file_of(ENTRIES)
KEY = str(LOG.verifier)


def place_of(seq: int, lines: list[bytes] = LINES) -> int:
    """Where the line of the entry stands."""
    return next(at for at, line in enumerate(lines) if line.endswith(b'"seq":%d}\n' % seq))


def first_bad(lines: list[bytes], **more: list[str]) -> int:
    """The first bad entry of a file in which something is bad."""
    report = audit(lines, [KEY], **more)
    assert not report.ok
    return report.problems[0].seq


def found(lines: list[bytes], keys: list[str] | None = None, against: list[str] | None = None) -> str:
    """All that is said of a file in which something is bad."""
    report = audit(lines, [KEY] if keys is None else keys, against or [])
    assert not report.ok
    return "\n".join(f"{each.seq}: {each.what}" for each in report.problems)


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


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("nothing", "no signed note"),
        (checkpoint_over(ENTRIES).replace("\n12\n", "\n11\n"), "does not hold"),
        (checkpoint_over(ENTRIES, OTHER), "no trusted key of this log has signed it"),
        (sign_note("x\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"{ORIGIN}\n12\nAAAA\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"{ORIGIN}\n012\n{'A' * 43}=\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"{ORIGIN}\n12\n{'A' * 43}=\n\nmore\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"other\n12\n{'A' * 43}=\n", [LOG]), "it is of another log"),
        ("x" * 200_000, "no signed note"),
        (checkpoint_over(ENTRIES) + "— a AAAAAA==\n" * 100, "no signed note"),
        (checkpoint_over(ENTRIES).replace("— ", "- "), "no signature"),
        (checkpoint_over(ENTRIES) + "— a b AAAAAA==\n", "Base 64"),
    ],
)
def test_a_checkpoint_held_elsewhere_that_proves_nothing_is_a_problem(held: str, said: str) -> None:
    assert said in found(LINES, against=[held])


@pytest.mark.parametrize(("strangers", "said"), [(99, ""), (100, "no signed note")])
def test_a_checkpoint_has_at_most_a_hundred_signatures(strangers: int, said: str) -> None:
    assert told_of_held(checkpoint_over(ENTRIES) + "— a AAAAAAA=\n" * strangers) == said


@pytest.mark.parametrize(("length", "said"), [(131_072, ""), (131_073, "no signed note")])
def test_a_checkpoint_has_at_most_128_kib(length: int, said: str) -> None:
    root = base64.b64encode(audit(LINES).root).decode()
    text = f"{ORIGIN}\n12\n{root}\n"
    more = length - len(sign_note(text + "\n", [LOG]))
    assert told_of_held(sign_note(f"{text}{'x' * more}\n", [LOG])) == said


def told_of_held(note: str) -> str:
    """The words that a report says of the checkpoint that is held elsewhere, or nothing where it agrees."""
    report = audit(LINES, [KEY], [note])
    assert report.ok == (report.held == 1)
    return "" if report.ok else report.problems[0].what.rpartition(" is ")[2]


def test_signatures_of_strangers_count_in_no_file_and_are_passed_over_in_what_is_held() -> None:
    stranger = Signer("somebody.example/x", bytes(32)).sign("x\n").line()
    note = checkpoint_over(ENTRIES) + stranger
    assert audit(LINES, [KEY], [note]).ok
    assert "whose key the file does not list" in found(
        [*LINES[:-1], b'{"checkpoint":%s}\n' % json.dumps(note, ensure_ascii=False).encode()]
    )


def test_the_cosignatures_in_a_file_are_verified() -> None:
    def lines_of(*signers: Signer) -> list[bytes]:
        over = lambda entries: checkpoint_over(entries, witnessed=True)  # noqa: E731
        return list(write_export(head_of(*signers), parts_of(ENTRIES, 4, over)))

    good = lines_of(LOG, WITNESS)
    assert audit(good, [KEY]).ok
    assert audit(good, [KEY, str(WITNESS.verifier)]).ok
    assert "whose key the file does not list" in found(lines_of(LOG))
    checkpoint = Checkpoint(ORIGIN, 12, audit(LINES).root)
    bad = cosign(sign_checkpoint(checkpoint, [LOG]), replace(checkpoint, size=11), WITNESS, 7)
    line = canonical_bytes({"checkpoint": bad}) + b"\n"
    assert "signature of 'cert-b.example/witness' under the checkpoint does not hold" in found([*good[:-1], line])


def test_a_witness_cannot_stand_for_the_log() -> None:
    alone = cosign(
        Checkpoint(ORIGIN, 12, audit(LINES).root).text() + "\n", Checkpoint(ORIGIN, 12, audit(LINES).root), WITNESS, 7
    )
    line = canonical_bytes({"checkpoint": alone}) + b"\n"
    assert "not signed by a key of this log" in found([*LINES[:-1], line])
    assert "no trusted key of this log has signed it" in found(LINES, against=[alone])
    assert "no key that is trusted is one of this log" in found(LINES, keys=[str(WITNESS.verifier)])


def test_who_changes_entries_and_signs_with_a_key_of_their_own_is_found_by_the_key_that_is_given() -> None:
    new = opening_of(1, say="else")
    entries = [ENTRIES[0], Entry(1, new.commitment, new), *ENTRIES[2:]]
    forged = list(write_export(head_of(OTHER), parts_of(entries, 4, lambda some: checkpoint_over(some, OTHER))))
    assert audit(forged).ok, "the keys of the file prove nothing"
    assert found(forged).startswith("0: ")
    both = list(write_export(head_of(LOG, OTHER), parts_of(entries, 4, lambda some: checkpoint_over(some, OTHER))))
    assert "0: no trusted key has signed a checkpoint at the end" in found([*both[:-1], both[-1]])
    # Its own checkpoint over the first four narrows nothing: the first bad entry is looked for from the start.
    mixed = [*both[:6], *[line for line in both[6:-1] if b"checkpoint" not in line], LINES[-1]]
    assert found(mixed).startswith("0: one or more of the entries 0 to 11 are not those")


def test_an_old_key_of_the_log_is_taken_where_a_trusted_one_signed_the_end() -> None:
    parts: list[Part] = [*ENTRIES[:4], checkpoint_over(ENTRIES[:4], OTHER), *ENTRIES[4:], checkpoint_over(ENTRIES)]
    lines = list(write_export(head_of(LOG, OTHER), parts))
    assert audit(lines, [KEY]).ok
    assert "4: no trusted key has signed" in found(lines, keys=[str(OTHER.verifier)])


def test_a_checkpoint_that_stands_elsewhere_than_behind_what_it_covers_is_a_problem() -> None:
    at = place_of(4) - 1
    moved = [*LINES[:at], *LINES[at + 1 : at + 2], LINES[at], *LINES[at + 2 :]]
    assert found(moved) == "4: a checkpoint over 4 entries stands after 5"


def header(**changes: object) -> bytes:
    """The first line with other members."""
    value = {"format": "comity-ledger/1", "keys": [KEY], "node": NODE, "origin": ORIGIN, **changes}
    return canonical_bytes({name: one for name, one in value.items() if one is not None}) + b"\n"


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


@pytest.mark.parametrize(
    "line",
    [
        b'{"commitment":"%s","nonce":null,"record":null,"seq":12} \n',
        b'{"commitment":"%s","nonce":null,"record":null,"seq":012}\n',
        b'{"commitment":"%s","nonce":null,"record":"x","seq":12}\n',
        b'{"commitment":"%s","nonce":"%s","record":null,"seq":12}\n',
        b'{"commitment":"%s","nonce":"%s","record":"\\x","seq":12}\n',
        b'{"commitment":"%s","nonce":"%s","record":"\\u0041","seq":12}\n',
        b'{"commitment":"%s","nonce":"%s","record":"\\ud800","seq":12}\n',
        b'{"commitment":"%s","nonce":"%s","record":"a","b":"c","seq":12}\n',
        b'{"commitment":"short","nonce":null,"record":null,"seq":12}\n',
        b"\xff\n",
        b"\n",
        b'{"other":1}\n',
    ],
)
def test_a_line_in_another_form_is_a_problem_at_its_place(line: bytes) -> None:
    line = line.replace(b"%s", base64.b64encode(bytes(32)))
    report = audit([*LINES[:-1], line], [KEY])
    assert 12 in [each.seq for each in report.problems]


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
