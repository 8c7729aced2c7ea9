"""A backup as one file: a tar packed with zstd, whose first member says what the others must be."""

import hashlib
import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import zstandard

from comity.errors import AlreadyDone, Invalid, NotFound, Unverified

FORMAT = 1
CONTENTS = "contents.json"
CONTENTS_BYTES_MAX = 64 * 1024
_CHUNK_BYTES = 1 << 20


class Member(msgspec.Struct, frozen=True):
    """One file of the archive."""

    name: str
    size: int
    sha256: str


class Contents(msgspec.Struct, frozen=True):
    """What the archive holds and when it was made (RFC 3339)."""

    format: int
    made_at: str
    made_by: str
    node: str
    members: list[Member]


@dataclass(frozen=True, slots=True)
class _Hashed:
    size: int
    sha256: str


def _hash_of(path: Path) -> _Hashed:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return _Hashed(size, digest.hexdigest())


def pack(target: Path, files: dict[str, Path], *, made_at: str, made_by: str, node: str) -> Contents:
    """The new file `target` (mode 0600) holds the files under those names, durably. AlreadyDone where it exists."""
    members = []
    for name, path in files.items():
        hashed = _hash_of(path)
        members.append(Member(name, hashed.size, hashed.sha256))
    contents = Contents(FORMAT, made_at, made_by, node, members)
    listing = msgspec.json.encode(contents)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise AlreadyDone(f"{target} exists already; a backup never overwrites.") from None
    except OSError as error:
        raise NotFound(f"{target} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as raw:
        packer = zstandard.ZstdCompressor(level=3, write_checksum=True)
        with packer.stream_writer(raw, closefd=False) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
            _add(tar, CONTENTS, len(listing), io.BytesIO(listing))
            for name, path in files.items():
                with path.open("rb") as file:
                    _add(tar, name, path.stat().st_size, file)
        raw.flush()
        os.fsync(raw.fileno())
    return contents


def _add(tar: tarfile.TarFile, name: str, size: int, file: BinaryIO) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    tar.addfile(info, file)


def unpack(source: Path, folder: Path, allowed: frozenset[str]) -> Contents:
    """The files of a backup are in the folder, each with the digest that the backup says. Names outside `allowed` are
    refused, so an archive can write nowhere else. Invalid for what is no backup, Unverified for one that is damaged."""
    try:
        raw = source.open("rb")
    except OSError as error:
        raise NotFound(f"{source} cannot be read: {error.strerror}.") from error
    with raw:
        try:
            unpacked = zstandard.ZstdDecompressor().stream_reader(raw)
            with tarfile.open(fileobj=cast("BinaryIO", unpacked), mode="r|") as tar:
                return _unpack(tar, source, folder, allowed)
        except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
            raise Unverified(f"{source} is no backup of Comity, or it is damaged: {error}.") from error


def _unpack(tar: tarfile.TarFile, source: Path, folder: Path, allowed: frozenset[str]) -> Contents:
    first = tar.next()
    if first is None or first.name != CONTENTS or not first.isfile() or first.size > CONTENTS_BYTES_MAX:
        raise Invalid(f"{source} is no backup of Comity.", where=CONTENTS)
    listing = tar.extractfile(first)
    assert listing is not None
    try:
        contents = msgspec.json.decode(listing.read(), type=Contents)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid(f"{source} is no backup of Comity: {error}.", where=CONTENTS) from error
    if contents.format != FORMAT:
        raise Invalid(f"{source} has the format {contents.format}; this version reads {FORMAT}.", where=CONTENTS)
    wanted = {member.name: member for member in contents.members}
    if not wanted.keys() <= allowed:
        raise Invalid(f"{source} holds a file that no backup has.", where=CONTENTS)
    while (info := tar.next()) is not None:
        member = wanted.pop(info.name, None)
        if member is None or not info.isfile() or info.size != member.size:
            raise Unverified(f"{source}: {info.name!r} is not as the list of contents says.")
        file = tar.extractfile(info)
        assert file is not None
        _write(folder / info.name, cast("BinaryIO", file), member, source)
    if wanted:
        raise Unverified(f"{source}: {', '.join(wanted)} is missing.")
    return contents


def _write(path: Path, file: BinaryIO, member: Member, source: Path) -> None:
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != member.sha256:
        raise Unverified(f"{source}: {member.name!r} has another digest than the list of contents says.")
