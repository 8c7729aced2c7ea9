"""A file as chunks of its unpacked bytes, with flat memory: plain, gzip or Zstandard, told by content."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from comity.cli.console import path_text
from comity.errors import Invalid, NotFound, Refused
from comity.node.unpacking import unpack


@dataclass(slots=True)
class Source:
    """An opened input: its chunks, whether they are JSON lines, its size in bytes (0: unknown), how far it is read."""

    name: str
    lines: bool
    chunks: Iterator[bytes]
    bytes_total: int
    bytes_read: Callable[[], int]
    close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_source(name: str) -> Source:
    """The file of that name, or standard input for `-`. NotFound, or Refused where it may not be read."""
    file, total = _open(name)
    close = file.close if name != "-" else lambda: None
    try:
        unpacked = unpack(file, name)
    except BaseException:
        close()
        raise
    return Source(name, unpacked.lines, unpacked.chunks, total, unpacked.bytes_read, close)


def check_readable(name: str) -> None:
    """The file can be opened, as far as that can be told without opening it: a pipe has only one first reader."""
    if name == "-":
        return
    path = Path(name)
    if not path.exists():
        raise NotFound(f"There is no file {path_text(name)}.")
    if path.is_dir():
        raise Invalid(f"{path_text(name)} is a folder, not a file.", hint="Name the files in it.")
    if not os.access(path, os.R_OK):
        raise Refused(f"{path_text(name)} cannot be read: Permission denied.")


def _open(name: str) -> tuple[BinaryIO, int]:
    if name == "-":
        return sys.stdin.buffer, 0
    check_readable(name)
    file = Path(name).open("rb")  # noqa: SIM115 - closed by its Source
    status = os.fstat(file.fileno())
    return file, status.st_size
