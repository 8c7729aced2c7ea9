"""`comity export`: everything that is stored, as it came, for our own staff."""

import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted, size
from comity.errors import AlreadyDone, NotFound

_LINES = (".ndjson", ".jsonl")


class _Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> None: ...


@click.command("export", cls=Command)
@click.option("-o", "--output", default="-", metavar="FILE|-", help="Where to write; - is standard output.")
@click.option("--collection", metavar="C", help="Only this one: an id, alias or title.")
@click.option(
    "--format", "form", type=click.Choice(["bundle", "ndjson"]), help="One bundle, or a line an object; else by FILE."
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@pass_console
def export(console: Console, output: str, collection: str | None, form: str | None, force: bool) -> None:
    """Write out everything that is stored.

    Each object and version comes once, exactly as it was sent. FILE is packed where its name ends in .gz or .zst, and
    holds a line an object where that is .ndjson or .jsonl. It appears under its name when it is whole, and only its
    owner can read it (mode 0600).
    """
    from comity.cli.progress import Progress
    from comity.node.home import open_home

    plain, packing = _split(output)
    lines = form == "ndjson" if form else plain.endswith(_LINES)
    progress = Progress(console, "Exporting")
    pieces = 0

    with open_home(console.home) as node:
        if collection is not None:
            node.collection(collection)
        with _target(console, output, force=force) as file, _packed(file, packing) as write:

            def step(data: bytes) -> None:
                nonlocal pieces
                pieces += 1
                write(data)
                progress(max(0, pieces - 1))

            count = node.export(step, collection=collection, lines=lines)
    progress.finish()
    if output == "-":
        console.note(f"Exported {counted(count, 'object')}.")
        return
    written = Path(output).stat().st_size
    if console.json:
        console.result({"objects": count, "file": path_text(output), "bytes": written})
        return
    console.say(f"Exported {counted(count, 'object')} to {path_text(output)}, {size(written)}.")


def _split(output: str) -> tuple[str, str]:
    name = output.lower()
    for packing in (".gz", ".zst"):
        if name.endswith(packing):
            return name.removesuffix(packing), packing
    return name, ""


@contextmanager
def _target(console: Console, output: str, *, force: bool) -> Iterator[_Sink]:
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
def _packed(file: _Sink, packing: str) -> Iterator[Callable[[bytes], object]]:
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
