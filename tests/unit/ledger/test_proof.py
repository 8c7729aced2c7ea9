"""The proof of one entry in one file."""

import base64

import pytest
from tests.unit.ledger.logs import LOG, ORIGIN, OTHER, entries_of, hashes_over

from comity.errors import Invalid, Unverified
from comity.ledger import merkle
from comity.ledger.checkpoint import Checkpoint, sign_checkpoint
from comity.ledger.proof import EXTRA_BYTES_MAX, PROOF_BYTES_MAX, Proof, read_proof

ENTRIES = [each.commitment for each in entries_of(9)]
HASH_OF = hashes_over(ENTRIES)
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 9, merkle.root(9, HASH_OF)), [LOG])
PROOF = Proof(5, tuple(merkle.inclusion_proof(5, 9, HASH_OF)), NOTE)
TEXT = PROOF.text()


@pytest.mark.parametrize("extra", [None, b"", b"\x00extra", bytes(EXTRA_BYTES_MAX)])
def test_a_proof_comes_back_and_holds(extra: bytes | None) -> None:
    proof = Proof(PROOF.index, PROOF.path, NOTE, extra)
    read = read_proof(proof.text().encode())
    assert read == proof == read_proof(proof.text())
    assert read.verify(ENTRIES[5], [LOG.verifier], origin=ORIGIN).checkpoint.size == 9


def test_the_proof_in_a_log_of_one_entry_has_no_hash() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, merkle.leaf_hash(ENTRIES[0])), [LOG])
    text = Proof(0, (), note).text()
    assert text == f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}"
    read_proof(text).verify(ENTRIES[0], [LOG.verifier])


def test_the_longest_proof_is_taken() -> None:
    proof = Proof(5, (bytes(32),) * 64, "x" * 131_072, bytes(262_144))
    assert read_proof(proof.text()) == proof


def test_a_proof_of_something_else_is_refused() -> None:
    with pytest.raises(Unverified):
        PROOF.verify(ENTRIES[4], [LOG.verifier])
    with pytest.raises(Unverified):
        PROOF.verify(ENTRIES[5], [OTHER.verifier])
    with pytest.raises(Unverified):
        PROOF.verify(ENTRIES[5], [LOG.verifier], origin="cert-b.example/release")
    with pytest.raises(Unverified):
        Proof(4, PROOF.path, NOTE).verify(ENTRIES[5], [LOG.verifier])


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v1\n\n",
        TEXT.replace("@v1", "@v2"),
        TEXT.replace("\n\n", "\n", 1),
        TEXT.replace("index 5\n", ""),
        TEXT.replace("index 5", "index 05"),
        TEXT.replace("index 5", "index -5"),
        TEXT.replace("index 5", "index ５"),
        TEXT.replace("index 5", f"index {2**63}"),
        TEXT.replace("index 5", f"index {'9' * 5000}"),
        TEXT.replace("index 5", "index 5 "),
        TEXT.replace("index", "extra AAAB=\nindex"),
        TEXT.replace("index", "extra é\nindex"),
        TEXT.replace("index", "extra AAAA\nextra AAAA\nindex"),
        TEXT.replace("index 5\n", "index 5\nAAAA\n"),
        TEXT.replace("index 5\n", "index 5\n" + f"{HASH}\n" * 62),
        TEXT.replace("index", f"extra {base64.b64encode(bytes(EXTRA_BYTES_MAX + 1)).decode()}\nindex"),
        TEXT + "a" * PROOF_BYTES_MAX,
        b"\xff" + TEXT.encode(),
    ],
)
def test_what_is_no_proof_is_refused(text: str | bytes) -> None:
    with pytest.raises(Invalid) as caught:
        read_proof(text)
    assert (caught.value.where, caught.value.rule) == ("proof", "C2SP tlog-proof")


def test_what_stands_for_the_checkpoint_is_judged_when_it_is_verified() -> None:
    proof = read_proof(TEXT.replace(NOTE, "nothing"))
    with pytest.raises(Invalid):
        proof.verify(ENTRIES[5], [LOG.verifier])
