"""The module that stands alone: whose signature under a checkpoint counts, in the file and held elsewhere."""

import base64
import hashlib
import json
from dataclasses import replace
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.ledger.audited import ENTRIES, KEY, LINES, first_bad, found, header, place_of
from tests.unit.ledger.logs import (
    LOG,
    ORIGIN,
    OTHER,
    WITNESS,
    checkpoint_over,
    head_of,
    opening_of,
    parts_of,
)

from comity.canonical import canonical_bytes
from comity.ledger.audit import audit
from comity.ledger.checkpoint import Checkpoint, Cosigner, cosign, sign_checkpoint
from comity.ledger.export import Entry, Part, write_export
from comity.ledger.note import Signer, sign_note


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("nothing", "no signed note"),
        ("nothing\n", "no signed note"),
        (checkpoint_over(ENTRIES).replace("\n12\n", "\n11\n"), "does not hold"),
        (checkpoint_over(ENTRIES, OTHER), "no trusted key of this log has signed it"),
        (sign_note("x\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"{ORIGIN}\n12\nAAAA\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"{ORIGIN}\n012\n{'A' * 43}=\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"{ORIGIN}\n12\n{'A' * 43}=\n\nmore\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"other\n12\n{'A' * 43}=\n", [LOG]), "it is of another log"),
        (sign_note(f"{ORIGIN}\n12\n{'A' * 43}=\nmore\n\n", [LOG]), "has not an origin, a size and a root"),
        (sign_note(f"\n12\n{'A' * 43}=\n", [LOG]), "has not an origin, a size and a root"),
        (checkpoint_over(ENTRIES) + "— a AAAA\n", "no signature"),
        (checkpoint_over(ENTRIES) + "— a AAAAAA==\n", "no signature"),
        ("x" * 200_000, "no signed note"),
        (checkpoint_over(ENTRIES) + "— a AAAAAA==\n" * 100, "no signed note"),
        (checkpoint_over(ENTRIES).replace("— ", "- "), "no signature"),
        (checkpoint_over(ENTRIES) + "— a b AAAAAA==\n", "Base 64"),
    ],
)
def test_a_checkpoint_held_elsewhere_that_proves_nothing_is_a_problem(held: str, said: str) -> None:
    told = found(LINES, against=[checkpoint_over(ENTRIES), held])
    assert said in told
    assert told.startswith("0: checkpoint 2 that is held elsewhere: ")


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


@pytest.mark.parametrize(
    ("letter", "said"),
    [*((one, "no signed note") for one in "\0\t\r\x1f\ud800\udfff"), *((one, "") for one in " \x7f\ud7ff\ue000")],
)
def test_a_checkpoint_has_nothing_unseen_in_it(letter: str, said: str) -> None:
    text = f"{ORIGIN}\n12\n{base64.b64encode(audit(LINES).root).decode()}\nx{letter}y\n"
    key, raw = LOG.verifier, text.encode(errors="surrogatepass")
    made = base64.b64encode(key.key_id + Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign(raw)).decode()
    assert told_of_held(f"{text}\n— {ORIGIN} {made}\n") == said


SPACED = ("a b", "a\u00a0b", "a\u2028b")


@pytest.mark.parametrize("name", ["", " ", *SPACED, "a\x01b", "a+b", "a\ud800", "a" + chr(0xDFFF)])
def test_a_name_has_no_spaces_no_plus_and_nothing_unseen(name: str) -> None:
    raw = b"\x01" + bytes(32)
    id = hashlib.sha256(name.encode(errors="surrogatepass") + b"\n" + raw).digest()[:4]
    with pytest.raises(ValueError, match=r"a verifier key is not `name\+id\+key` of Ed25519"):
        audit(LINES, [f"{name}+{id.hex()}+{base64.b64encode(raw).decode()}"])
    line = f"— {name} {base64.b64encode(bytes(68)).decode()}\n"
    assert "no sign" in found(LINES, against=[checkpoint_over(ENTRIES) + line]) or " " in name


def test_a_signature_has_one_spelling() -> None:
    """Two bits behind the last byte say nothing, and must be none."""
    good = checkpoint_over(ENTRIES)
    last = good[-3]
    assert good.endswith("=\n")
    assert last in "AEIMQUYcgkosw048"
    other = good[:-3] + chr(ord(last) + 1) + good[-2:]
    assert base64.b64decode(other.split()[-1]) == base64.b64decode(good.split()[-1])
    assert "Base 64 that is not in its one form" in found(LINES, against=[other])


@pytest.mark.parametrize("length", [1023, 1024])
def test_a_key_has_less_than_1024_characters(length: int) -> None:
    more = length - len(str(Signer("n", bytes(32)).verifier))
    key = str(Signer("n" + "x" * more, bytes(32)).verifier)
    report = audit([header(keys=[KEY, str(WITNESS.verifier), key]), *LINES[1:]], [KEY])
    assert len(key) == length
    assert report.ok == (length < 1024)


def test_signatures_of_strangers_count_in_no_file_and_are_passed_over_in_what_is_held() -> None:
    stranger = Signer("somebody.example/x", bytes(32)).sign("x\n").line()
    note = checkpoint_over(ENTRIES) + stranger
    assert audit(LINES, [KEY], [note]).ok
    assert "whose key the file does not list" in found(
        [*LINES[:-1], b'{"checkpoint":%s}\n' % json.dumps(note, ensure_ascii=False).encode()]
    )


def test_the_cosignatures_in_a_file_are_verified() -> None:
    def lines_of(*signers: Signer) -> list[bytes]:
        over = partial(checkpoint_over, witnessed=True)
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


NAMESAKE = Cosigner(ORIGIN, bytes(range(3, 35)))
"""A witness with the name of the log."""
NEIGHBOUR = Signer("cert-c.example/release", bytes(range(4, 36)))
"""The log of somebody else."""


@pytest.mark.parametrize("key", [NAMESAKE, NEIGHBOUR])
def test_only_a_key_of_a_log_with_the_name_of_this_one_stands_for_it(key: Signer | Cosigner) -> None:
    checkpoint = Checkpoint(ORIGIN, 12, audit(LINES).root)
    text = checkpoint.text()
    note = cosign(text + "\n", checkpoint, key, 7) if isinstance(key, Cosigner) else sign_note(text, [key])
    line = canonical_bytes({"checkpoint": note}) + b"\n"
    first = header(keys=[KEY, str(key.verifier)])
    assert "not signed by a key of this log" in found([first, *LINES[1:-1], line])
    assert "no trusted key of this log has signed it" in found([first, *LINES[1:]], keys=[], against=[note])
    assert "no key that is trusted is one of this log" in found(LINES, keys=[str(key.verifier)])


def test_a_checkpoint_that_says_nothing_is_blamed_on_what_came_since_the_last_that_did() -> None:
    at = place_of(8) - 1
    for wrong in (b'{"checkpoint":"x"}\n', b'{"checkpoint":}\n', LINES[at].replace(b"/release", b"/else")):
        report = audit([*LINES[:at], wrong, *LINES[at + 1 :]], [KEY])
        assert [each.seq for each in report.problems] == [4]
        assert report.problems[0].what.startswith(f"line {at + 1}: ")


def test_what_was_named_since_the_last_good_checkpoint_is_blamed_for_one_that_says_nothing() -> None:
    at, changed = place_of(8) - 1, place_of(6)
    lines = [*LINES[:at], b'{"checkpoint":"x"}\n', *LINES[at + 1 :]]
    lines[changed] = lines[changed].replace(b"cert-b", b"cert-c")
    assert [each.seq for each in audit(lines, [KEY]).problems] == [6, 6]
    first = place_of(4) - 1
    assert first_bad([*LINES[:first], b'{"checkpoint":"x"}\n', *LINES[first + 1 :]]) == 0


def test_a_checkpoint_of_another_log_by_the_same_key_is_none_of_this_one() -> None:
    root = base64.b64encode(audit(LINES).root).decode()
    line = canonical_bytes({"checkpoint": sign_note(f"other\n12\n{root}\n", [LOG])}) + b"\n"
    assert "not signed by a key of this log" in found([*LINES[:-1], line])


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
