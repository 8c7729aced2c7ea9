"""Files as chunks: plain, gzip, Zstandard, told by content, damaged ones named, bombs refused, memory flat."""

import gzip
import io
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard

from comity.cli.reading import check_readable, open_source
from comity.errors import Invalid, NotFound, TooLarge
from comity.node.unpacking import CHUNK_BYTES, RATIO_BYTES_FREE

PLAIN = b'{"a": 1}\n' + b'{"b": 2}\n' * 50_000


def write(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def read(name: str) -> bytes:
    with open_source(name) as source:
        return b"".join(source.chunks)


@pytest.mark.parametrize("name", ["x.ndjson", "x.gz", "without-a-name", "x.zst"])
def test_the_content_tells_the_packing_whatever_the_name(tmp_path: Path, name: str) -> None:
    for packed in (PLAIN, gzip.compress(PLAIN), zstandard.compress(PLAIN)):
        assert read(write(tmp_path, name, packed)) == PLAIN


def test_several_packed_pieces_one_after_another_are_one_file(tmp_path: Path) -> None:
    half = len(PLAIN) // 2
    first, second = PLAIN[:half], PLAIN[half:]
    assert read(write(tmp_path, "a", gzip.compress(first) + gzip.compress(second) + bytes(512))) == PLAIN
    assert read(write(tmp_path, "b", zstandard.compress(first) + zstandard.compress(second))) == PLAIN


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_file_that_breaks_off_is_told_from_a_whole_one(tmp_path: Path, pack: object) -> None:
    whole = pack(PLAIN)  # type: ignore[operator]
    for cut in (len(whole) - 1, len(whole) // 2, 5):
        with pytest.raises(Invalid, match="breaks off") as caught:
            read(write(tmp_path, "cut", whole[:cut]))
        assert caught.value.where.startswith("unpacked byte ")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_damaged_packed_file_is_named(tmp_path: Path, pack: object) -> None:
    whole = bytearray(pack(PLAIN))  # type: ignore[operator]
    whole[len(whole) // 2] ^= 0xFF
    whole[-3] ^= 0xFF
    with pytest.raises(Invalid, match="cannot be unpacked"):
        read(write(tmp_path, "damaged", bytes(whole)))


def gzip_bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    return b"".join(packer.compress(zeros) for _ in range(size // 2**20)) + packer.flush()


@pytest.mark.slow
@pytest.mark.parametrize("bomb", [gzip_bomb, lambda size: zstandard.compress(bytes(size))], ids=["gzip", "zstd"])
def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path, bomb: object) -> None:
    name = write(tmp_path, "bomb", bomb(4 * RATIO_BYTES_FREE))  # type: ignore[operator]
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="unpacks to more than"), open_source(name) as source:
            for _ in source.chunks:
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * 2**20


def test_a_window_larger_than_is_taken_is_refused(tmp_path: Path) -> None:
    wide = zstandard.ZstdCompressionParameters.from_level(1, window_log=28)
    packed = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    data = packed.compress(PLAIN) + packed.flush()
    with pytest.raises(Invalid, match="cannot be unpacked"):
        read(write(tmp_path, "wide", data))


def test_no_chunk_is_large(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    for packed in (data, gzip.compress(data), zstandard.compress(data)):
        with open_source(write(tmp_path, "x", packed)) as source:
            assert max(map(len, source.chunks)) <= CHUNK_BYTES


@pytest.mark.parametrize(
    ("name", "data", "lines"),
    [
        ("x.ndjson", b'{"a":1}', True),
        ("x.JSONL", b"", True),
        ("x.ndjson.gz", b"{}", True),
        ("x.json", b'{"a":1}\n{"b":2}\n', True),
        ("x.json", b'\xef\xbb\xbf\r\n{"a":1}\r\n\r\n{"b":2}', True),
        ("x.json", b'{"a":1}\n', False),
        ("x.json", b'{\n"a": 1}\n', False),
        ("x.json", b'{"a": [\n{"b": 2}]}', False),
        ("x.json", b'[{"a":1},\n{"b":2}]', False),
        ("x", b"", False),
    ],
)
def test_json_lines_are_told_by_name_or_by_their_first_line(
    tmp_path: Path, name: str, data: bytes, lines: bool
) -> None:
    with open_source(write(tmp_path, name, data)) as source:
        assert source.lines is lines


def test_a_file_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        check_readable(str(tmp_path / "none.json"))
    with pytest.raises(Invalid, match="is a folder"):
        check_readable(str(tmp_path))
    check_readable("-")


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(PLAIN))))
    assert read("-") == PLAIN


def test_how_far_it_is_read_is_known(tmp_path: Path) -> None:
    with open_source(write(tmp_path, "x", zstandard.compress(PLAIN))) as source:
        for _ in source.chunks:
            pass
    assert source.bytes_read() == source.bytes_total > 0
