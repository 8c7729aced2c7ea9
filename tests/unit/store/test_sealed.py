"""Sealed files: a public format, written and read in passing; whatever is not exactly what was sealed is found."""

import io
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data import ROOT

from comity.errors import Invalid, Unverified
from comity.store.sealed import check_recipient, is_sealed, new_identity, recipient_of, sealing, unsealed

CHUNK, TAG = 65536, 16
IDENTITY, OTHER = new_identity(), new_identity()

needs_age = pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed")


def sealed(plain: bytes, *identities: str) -> bytes:
    """The bytes, sealed for these."""
    file = io.BytesIO()
    with sealing(file, [recipient_of(identity) for identity in identities or (IDENTITY,)]) as out:
        out.write(plain)
    return file.getvalue()


def read(data: bytes, identities: Sequence[str] = (IDENTITY,)) -> bytes:
    """What was sealed."""
    with unsealed(io.BytesIO(data), identities, "it") as plain:
        return plain.read()


def parts(data: bytes, plain_bytes: int) -> tuple[bytes, list[bytes]]:
    """The head with its nonce, and the chunks after it."""
    count = max(1, -(-plain_bytes // CHUNK))
    start = len(data) - plain_bytes - count * TAG
    return data[:start], [data[at : at + CHUNK + TAG] for at in range(start, len(data), CHUNK + TAG)]


@pytest.mark.slow
@given(
    st.one_of(st.integers(0, 2000), st.sampled_from([CHUNK * n + d for n in (1, 2, 3) for d in (-1, 0, 1)])),
    st.integers(0, 255),
    st.lists(st.integers(1, CHUNK * 2), max_size=4),
)
def test_what_is_sealed_comes_back_whatever_its_size_and_pieces(size: int, seed: int, pieces: list[int]) -> None:
    plain = bytes((seed + n * 31) % 256 for n in range(256)) * (size // 256 + 1)
    plain = plain[:size]
    file = io.BytesIO()
    with sealing(file, [recipient_of(IDENTITY), recipient_of(OTHER)]) as out:
        at = 0
        for piece in pieces:
            out.write(plain[at : at + piece])
            at += piece
        out.write(plain[at:])
    assert is_sealed(file.getvalue())
    assert read(file.getvalue()) == read(file.getvalue(), [OTHER]) == read(file.getvalue(), [OTHER, IDENTITY]) == plain
    assert len(plain) < 16 or plain not in file.getvalue()


PLAIN = os.urandom(CHUNK * 3 + 100)
SEALED = sealed(PLAIN)
HEAD, CHUNKS = parts(SEALED, len(PLAIN))
ANOTHER_HEAD, ANOTHER_CHUNKS = parts(sealed(PLAIN), len(PLAIN))


def test_the_parts_are_those_of_the_file() -> None:
    assert HEAD + b"".join(CHUNKS) == SEALED
    assert [len(chunk) for chunk in CHUNKS] == [CHUNK + TAG] * 3 + [100 + TAG]
    assert read(SEALED) == PLAIN


TAMPERED = {
    **{f"cut after {n} chunks": HEAD + b"".join(CHUNKS[:n]) for n in range(4)},
    **{f"cut a byte before the end of chunk {n}": HEAD + b"".join(CHUNKS[: n + 1])[:-1] for n in range(4)},
    **{f"cut a byte into chunk {n}": HEAD + b"".join([*CHUNKS[:n], CHUNKS[n][:1]]) for n in range(4)},
    **{f"cut in the head at {n}": HEAD[:n] for n in range(0, 150, 13)},
    "two chunks swapped": HEAD + b"".join([CHUNKS[1], CHUNKS[0], *CHUNKS[2:]]),
    "the last chunk first": HEAD + b"".join([CHUNKS[3], *CHUNKS[:3]]),
    "a chunk left out": HEAD + b"".join([CHUNKS[0], *CHUNKS[2:]]),
    "a chunk twice": HEAD + b"".join([CHUNKS[0], *CHUNKS]),
    "the last chunk twice": SEALED + CHUNKS[-1],
    "a byte appended": SEALED + b"\0",
    "another sealed file appended": SEALED + SEALED,
    "the head of another": ANOTHER_HEAD + b"".join(CHUNKS),
    "a chunk of another": HEAD + b"".join([CHUNKS[0], ANOTHER_CHUNKS[1], *CHUNKS[2:]]),
    "nothing": b"",
    "no age file": b"\x28\xb5\x2f\xfd" + PLAIN,
}


@pytest.mark.parametrize("data", TAMPERED.values(), ids=TAMPERED.keys())
def test_what_was_tampered_with_is_found(data: bytes) -> None:
    with pytest.raises(Unverified):
        read(data)


@pytest.mark.slow
@pytest.mark.parametrize("bit", [0, 7])
def test_each_flipped_bit_is_found(bit: int) -> None:
    places = [*range(len(HEAD)), *range(len(HEAD), len(SEALED), 8191), len(SEALED) - 1]
    for place in places:
        data = bytearray(SEALED)
        data[place] ^= 1 << bit
        with pytest.raises(Unverified):
            read(bytes(data))
    assert len(places) > 200


def test_only_the_holder_of_the_key_reads_it_and_the_error_says_so() -> None:
    with pytest.raises(Unverified, match="does not open with this key"):
        read(SEALED, [OTHER])


def test_what_was_read_before_the_fault_counts_for_nothing_even_if_the_reader_is_content_with_it() -> None:
    with pytest.raises(Unverified), unsealed(io.BytesIO(SEALED[:-1]), [IDENTITY], "it") as plain:
        assert plain.read(CHUNK) == PLAIN[:CHUNK]


def test_what_the_block_raises_comes_out_and_no_thread_stays() -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), sealing(io.BytesIO(), [recipient_of(IDENTITY)]) as out:  # noqa: PT012
        out.write(PLAIN)
        raise KeyError("mine")
    for error in (KeyboardInterrupt, OSError):
        with pytest.raises(error), unsealed(io.BytesIO(SEALED), [IDENTITY], "it") as plain:  # noqa: PT012
            plain.read(10)
            raise error("mine")
    with pytest.raises(Unverified), unsealed(io.BytesIO(SEALED[:-1]), [IDENTITY], "it") as plain:  # noqa: PT012
        plain.read()
        raise ValueError("what was read makes no sense")
    assert threading.active_count() == before


class Full(io.BytesIO):
    """A disk that has room for so many bytes."""

    room = 0

    def write(self, data: object) -> int:
        assert isinstance(data, bytes | bytearray | memoryview)
        if self.tell() + len(data) > self.room:
            raise OSError(28, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("room", [0, 150, CHUNK + 500, CHUNK * 3])
def test_a_full_disk_is_an_error_of_the_disk(room: int) -> None:
    file = Full()
    file.room = room
    with pytest.raises(OSError, match="No space left") as caught:  # noqa: PT012, SIM117
        with sealing(file, [recipient_of(IDENTITY)]) as out:
            for at in range(0, len(PLAIN), 1000):
                out.write(PLAIN[at : at + 1000])
    assert caught.value.errno == 28
    assert not isinstance(caught.value, BrokenPipeError)


@pytest.mark.parametrize("text", ["", "age1", "AGE-SECRET-KEY-1", "age1x", "secret"])
def test_what_is_no_key_is_invalid(text: str) -> None:
    for check in (check_recipient, recipient_of):
        with pytest.raises(Invalid):
            check(text)


def test_a_private_half_that_is_given_as_a_public_one_is_not_repeated() -> None:
    with pytest.raises(Invalid) as caught:
        check_recipient(IDENTITY)
    assert IDENTITY[20:40] not in f"{caught.value.message} {caught.value.hint}"
    assert check_recipient(recipient_of(IDENTITY)) == recipient_of(IDENTITY)


@needs_age
def test_the_public_tool_reads_what_we_write_and_we_read_what_it_writes(tmp_path: Path) -> None:
    key, file = tmp_path / "key", tmp_path / "file.age"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    identity = key.read_text(encoding="utf-8").splitlines()[-1]
    file.write_bytes(sealed(PLAIN, OTHER, identity))
    assert subprocess.run(["age", "-d", "-i", key, file], check=True, capture_output=True).stdout == PLAIN
    made = subprocess.run(["age", "-r", recipient_of(identity)], input=PLAIN, check=True, capture_output=True).stdout
    assert read(made, [identity]) == PLAIN


MEASURE = """
import resource, sys
from comity.store.sealed import new_identity, recipient_of, sealing, unsealed
key, piece = new_identity(), bytes(1 << 20)
with open(sys.argv[1], "w+b") as file:
    with sealing(file, [recipient_of(key)]) as out:
        for _ in range(int(sys.argv[2])):
            out.write(piece)
    file.seek(0)
    read = 0
    with unsealed(file, [key], "it") as plain:
        while data := plain.read(1 << 16):
            read += len(data)
assert read == int(sys.argv[2]) << 20
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def most(mebibytes: int) -> int:
        ended = subprocess.run(
            [sys.executable, "-c", MEASURE, str(tmp_path / "file"), str(mebibytes)],
            check=True, capture_output=True, cwd=ROOT,
        )  # fmt: skip
        return int(ended.stdout)

    assert most(256) - most(4) < 8 * 1024
