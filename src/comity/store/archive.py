"""A backup as one file: a tar packed with zstd, whose first member says what the others must be; sealed as a whole, or
plain."""

import hashlib
import io
import os
import tarfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import zstandard

from comity.errors import Invalid, Refused, Unverified
from comity.store.sealed import MAGIC, is_sealed, sealing, unsealed

FORMAT = 1
CONTENTS = "contents.json"
CONTENTS_BYTES_MAX = 64 * 1024
_CHUNK_BYTES = 1 << 20
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Member(msgspec.Struct, frozen=True):
    """One file of the archive."""

    name: str
    size: int
    sha256: str


class Held(msgspec.Struct, frozen=True):
    """What the store of the archive holds; the newest date is in microseconds since 1970."""

    objects: int
    copies: int
    last_added: int | None


class Contents(msgspec.Struct, frozen=True):
    """What the archive holds and when it was made (RFC 3339). The first archives did not say what their store held."""

    format: int
    made_at: str
    made_by: str
    node: str
    members: list[Member]
    held: Held | None = None


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


def pack(
    raw: BinaryIO,
    files: dict[str, Path],
    recipients: Sequence[str],
    *,
    made_at: str,
    made_by: str,
    node: str,
    held: Held,
) -> Contents:
    """The open file holds the files under those names, durably; for these recipients alone, or plain without any."""
    members = []
    for name, path in files.items():
        hashed = _hash_of(path)
        members.append(Member(name, hashed.size, hashed.sha256))
    contents = Contents(FORMAT, made_at, made_by, node, members, held)
    listing = msgspec.json.encode(contents)
    packer = zstandard.ZstdCompressor(level=3, write_checksum=True)
    with (
        sealing(raw, recipients) if recipients else nullcontext(raw) as out,
        packer.stream_writer(out, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        _add(tar, CONTENTS, len(listing), io.BytesIO(listing))
        for name, path in files.items():
            with path.open("rb") as file:
                _add(tar, name, path.stat().st_size, file)
    raw.flush()
    os.fsync(raw.fileno())
    # Whoever reads it next reads the disk, not what the system remembers of it.
    os.posix_fadvise(raw.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return contents


def _add(tar: tarfile.TarFile, name: str, size: int, file: BinaryIO) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    tar.addfile(info, file)


def unpack(
    raw: io.BufferedReader | io.BufferedRandom,
    source: str,
    folder: Path,
    allowed: frozenset[str],
    identities: Sequence[str] = (),
) -> Contents:
    """The files of a backup are in the folder, each with the digest that the backup says. Names outside `allowed` are
    refused, so an archive can write nowhere else. Unverified for what is damaged or opens with none of the identities,
    Refused for what is sealed where none is given, Invalid for what is no backup, or is plain where one is given."""
    begin = raw.peek(len(MAGIC))
    if is_sealed(begin) and not identities:
        raise Refused(f"{source} is encrypted.", hint="Give the private half of its recovery key: --key FILE")
    if begin.startswith(_ZSTD_MAGIC) and identities:
        hint = "Whoever could write the file could have made it. If you trust it none the less, leave out --key."
        raise Invalid(f"{source} is not encrypted.", hint=hint)
    try:
        with (
            unsealed(raw, identities, source) if identities else nullcontext(raw) as plain,
            tarfile.open(fileobj=_unpacked(plain), mode="r|") as tar,
        ):
            return _unpack(tar, source, folder, allowed)
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise Unverified(f"{source} is no backup of Comity, or it is damaged: {error}.") from error


def _unpacked(file: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", zstandard.ZstdDecompressor().stream_reader(file, closefd=False))


def _unpack(tar: tarfile.TarFile, source: str, folder: Path, allowed: frozenset[str]) -> Contents:
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


def _write(path: Path, file: BinaryIO, member: Member, source: str) -> None:
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
