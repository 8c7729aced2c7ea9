"""Real data for tests: found by COMITY_TEST_DATA or beside the project, skipped with a plain reason where absent."""

import os
from functools import lru_cache
from pathlib import Path

import msgspec
import pytest
import zstandard

ROOT = Path(__file__).resolve().parents[1]


class _Bundle(msgspec.Struct):
    objects: list[msgspec.Raw]


def data_path(name: str) -> Path:
    """The file of that name in the data folder; the test is skipped where there is none."""
    folder = Path(os.environ.get("COMITY_TEST_DATA") or ROOT.parent / "shared" / "data")
    path = folder / name
    if not path.exists():
        pytest.skip(f"test data is absent: {name} (set COMITY_TEST_DATA)")
    return path


def read_data(name: str) -> bytes:
    """The unpacked bytes of a data file."""
    raw = data_path(name).read_bytes()
    if name.endswith(".zst"):
        return zstandard.ZstdDecompressor().decompress(raw, max_output_size=1 << 30)
    return raw


@lru_cache(maxsize=2)
def objects_of(name: str) -> list[bytes]:
    """The raw objects of a bundle, byte for byte."""
    return [bytes(raw) for raw in msgspec.json.decode(read_data(name), type=_Bundle).objects]
