"""Vectors that others published, held by the ledger, by the module that stands alone, and by the reader of the tests.

The tree of eight leaves, its roots and proofs are those of the Certificate Transparency projects (RFC 6962 section
2.1.3 draws a smaller one), as in github.com/transparency-dev/merkle, testonly/constants.go and reference_test.go. The
note and keys of PeterNeumann and EnochRoot are those of golang.org/x/mod/sumdb/note, note_test.go. The checkpoint of
sum.golang.org over 20,852,163 entries is the example of C2SP tlog-checkpoint under its first name, and verifies with
the key that the go command carries. Paths, widths and examples of proof and cosignature are those of C2SP.
"""

import base64

import pytest
from tests import ledger_reader
from tests.unit.ledger.logs import TileStore, hashes_over

from comity.errors import ComityError
from comity.ledger import audit, merkle, tiles
from comity.ledger.checkpoint import Checkpoint, read_checkpoint
from comity.ledger.note import Signer, open_note, read_note, read_verifier, sign_note
from comity.ledger.proof import read_proof

LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
A4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
A6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
B1 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
B2 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
B3 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
C1 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSION = {
    (0, 1): [],
    (0, 2): [A1],
    (1, 2): [ROOTS[1]],
    (2, 3): [ROOTS[2]],
    (1, 5): [ROOTS[1], B1, A4],
    (0, 8): [A1, B1, C1],
    (5, 8): [A4, B3, ROOTS[4]],
}
"""The proof of an entry in the tree of a size."""
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [A1, B1, C1],
    (6, 8): [B2, B3, ROOTS[4]],
    (2, 5): [B1, A4],
    (6, 7): [B2, A6, ROOTS[4]],
}
"""The proof between two sizes."""
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
SUM_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUM = """go.sum database tree
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
COSIGNED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501
PROOF_HEAD = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

"""


def unhex(words: list[str]) -> list[bytes]:
    return [bytes.fromhex(word) for word in words]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_of_the_eight_leaves(size: int) -> None:
    wanted = bytes.fromhex(ROOTS[size])
    store = TileStore()
    store.append([merkle.leaf_hash(leaf) for leaf in LEAVES[:size]])
    alone = audit._Audit([])
    for leaf in LEAVES[:size]:
        alone.leaves.append(merkle.leaf_hash(leaf))
        alone.size += 1
    edge = merkle.Edge()
    for leaf in LEAVES[:size]:
        edge.extend([merkle.leaf_hash(leaf)])
    assert merkle.root(size, hashes_over(LEAVES[:size])) == wanted
    assert edge.root() == wanted
    assert merkle.root(size, store.hash_of()) == wanted
    assert alone.root() == wanted
    assert ledger_reader.mth(LEAVES[:size]) == wanted


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_in_the_eight_leaves(index: int, size: int) -> None:
    wanted, root = unhex(INCLUSION[index, size]), bytes.fromhex(ROOTS[size])
    leaf = merkle.leaf_hash(LEAVES[index])
    assert merkle.inclusion_proof(index, size, hashes_over(LEAVES[:size])) == wanted
    assert ledger_reader.path(index, LEAVES[:size]) == wanted
    merkle.verify_inclusion(leaf, index, size, root, wanted)
    assert ledger_reader.root_by_path(index, size, leaf, wanted) == root


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_consistency_of_the_eight_leaves(first: int, second: int) -> None:
    wanted, roots = unhex(CONSISTENCY[first, second]), [bytes.fromhex(ROOTS[size]) for size in (first, second)]
    assert merkle.consistency_proof(first, second, hashes_over(LEAVES[:second])) == wanted
    assert ledger_reader.proof(first, LEAVES[:second]) == wanted
    merkle.verify_consistency(first, second, roots[0], roots[1], wanted)
    assert list(ledger_reader.roots_by_proof(first, second, wanted, roots[0])) == roots


def test_the_note_of_go_is_made_byte_for_byte_and_opened() -> None:
    signer = Signer.read(PETER_SECRET)
    note = f"{TEXT}\n{BY_PETER}"
    assert sign_note(TEXT, [signer]) == note
    assert (signer.secret_text(), str(signer.verifier)) == (PETER_SECRET, PETER)
    peter, enoch = read_verifier(PETER), read_verifier(ENOCH)
    assert [one.name for one in open_note(note + BY_ENOCH, [peter, enoch]).verified] == ["PeterNeumann", "EnochRoot"]
    opened = open_note(note + BY_PETER + BY_ENOCH * 2, [peter])
    assert opened.text == TEXT
    assert [one.name for one in opened.verified] == ["PeterNeumann"]
    assert {one.name for one in opened.unknown} == {"EnochRoot"}
    assert ledger_reader.signers_of(note, [ledger_reader.key_of(PETER)]) == (TEXT, {"PeterNeumann"})


@pytest.mark.parametrize(
    "raw",
    [
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{BY_PETER[:-1]}",
        f"\x01{TEXT}\n{BY_PETER}",
        b"\xff" + f"{TEXT}\n{BY_PETER}".encode(),
        f"{TEXT}\n{BY_PETER.replace('PeterNeumann', 'Bad Name')}",
        f"{TEXT}\n{BY_PETER}Unexpected line.\n",
        f"{TEXT}\n{BY_PETER * 101}",
        f"{TEXT}\n{BY_PETER[:60]}ABCD{BY_PETER[60:]}",
        f"{TEXT}\n{BY_ENOCH}",
    ],
    ids=range(10),
)
def test_the_notes_that_go_refuses_are_refused(raw: str | bytes) -> None:
    with pytest.raises(ComityError):
        open_note(raw, [read_verifier(PETER)])


def mangled(key: str) -> list[str]:
    """Every part of the key, and the key with one character moved up."""
    parts = [key[begin:end] for begin in range(len(key)) for end in range(begin, len(key) + 1)]
    moved = [key[:at] + chr(ord(key[at]) + 1) + key[at + 1 :] for at in range(len(key))]
    return [one for one in parts + moved if one != key]


def test_the_keys_that_go_refuses_are_refused() -> None:
    of_another_length = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="
    of_another_kind = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    wrong = [*mangled(PETER), of_another_length, of_another_kind]
    assert len(wrong) > 2000
    for key in wrong:
        with pytest.raises(ComityError):
            read_verifier(key)
        with pytest.raises(ValueError, match="verifier key"):
            audit.audit([], [key])
    for key in mangled(PETER_SECRET):
        with pytest.raises(ComityError):
            Signer.read(key)


def test_a_checkpoint_of_the_checksum_database_of_go_is_verified() -> None:
    note = open_note(SUM, [read_verifier(SUM_KEY)])
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert read_checkpoint(note.text) == Checkpoint("go.sum database tree", 20852163, root)
    known = audit._key(SUM_KEY)
    assert audit._checkpoint(SUM, {(known.name, known.key_id): known}).keys == {known}
    with pytest.raises(ComityError):
        open_note(SUM.replace("20852163", "20852164"), [read_verifier(SUM_KEY)])


def test_the_example_of_a_cosignature_has_the_time_that_its_message_says() -> None:
    text, (of_log, of_witness) = read_note(COSIGNED)
    assert read_checkpoint(text).origin == of_log.name == "example.com/behind-the-sofa"
    assert of_witness.name == "witness.example.com/w1"
    assert int.from_bytes(of_witness.value[:8]) == 1679315147
    assert len(of_witness.value) == 8 + 64


def test_the_example_of_a_proof_is_read() -> None:
    proof = read_proof(PROOF_HEAD + COSIGNED)
    assert (proof.index, len(proof.path), proof.checkpoint) == (73894, 5, COSIGNED)
    assert proof.extra is not None
    assert proof.extra.startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert proof.text() == PROOF_HEAD + COSIGNED


def test_paths_and_widths_of_tiles_are_those_of_the_specification() -> None:
    assert tiles.tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tiles.bundle_path(1234067, 8) == "tile/entries/x001/x234/067.p/8"
    widths = [tiles.tile_width(70_000, *place) for place in ((0, 272), (0, 273), (0, 274), (1, 0), (1, 1), (2, 0))]
    assert widths == [256, 112, 0, 256, 17, 1]
    assert [tiles.tile_width(256, *place) for place in ((0, 0), (0, 1), (1, 0), (2, 0))] == [256, 0, 1, 0]
