"""Where a command writes objects: a file that appears when it is whole, packed by its name, or standard output."""

import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from comity.cli.console import Console, path_text
from comity.errors import AlreadyDone, NotFound

LINES = (".ndjson", ".jsonl")
"""Names of files with a line an object."""


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> None: ...


def split_packing(output: str) -> tuple[str, str]:
    """The name in small letters without `.gz` or `.zst`, and that ending."""
    name = output.lower()
    for packing in (".gz", ".zst"):
        if name.endswith(packing):
            return name.removesuffix(packing), packing
    return name, ""


@contextmanager
def target(console: Console, output: str, *, force: bool) -> Iterator[Sink]:
    """What is written inside the block is in the file of that name once the block ends well, with mode 0600; `-` is
    standard output. AlreadyDone where there is such a file, unless `force` is given."""
    if output == "-":
        yield console.bytes_out()
        return
    path = Path(output)
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        # A device or a named pipe is written to, not replaced.
        with path.open("wb") as file:
            yield file
        return
    if path.exists() and not force:
        raise _taken(output)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileNotFoundError:
        raise NotFound(f"There is no folder {path_text(path.parent)}.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _rename(part, path, force=force)
    finally:
        part.unlink(missing_ok=True)


def _rename(part: Path, path: Path, *, force: bool) -> None:
    """The file has its name. Without `force` a file that came up meanwhile stays, where the file system can tell."""
    if force:
        part.replace(path)
        return
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:
        part.replace(path)


def _taken(path: Path | str) -> AlreadyDone:
    return AlreadyDone(f"{path_text(path)} exists already.", hint="Give --force to overwrite it.")


@contextmanager
def packed(file: Sink, packing: str) -> Iterator[Callable[[bytes], object]]:
    """A function that writes into the file, packed in that way."""
    if packing == ".gz":
        gzip = zlib.compressobj(6, wbits=31)
        yield lambda data: file.write(gzip.compress(data))
        file.write(gzip.flush())
    elif packing == ".zst":
        import zstandard

        zstd = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
        yield lambda data: file.write(zstd.compress(data))
        file.write(zstd.flush())
    else:
        yield file.write
    file.flush()
