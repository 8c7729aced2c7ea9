"""Files of persons that are put aside before anything of them is stored: private, counted against a bound, and gone
when they have served.

Each upload is a folder that gets its name in one step, whole with its facts; what is not whole yet is a locked scratch
folder, which the next who comes sweeps away once its maker is dead. Nothing here is part of a backup.
"""

import fcntl
import hashlib
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from comity.errors import Conflict, NotFound, Refused, StoreUnavailable, TooLarge
from comity.store.scratch import scratch_folder, sync_folder

FACTS = "facts"
FILES_MOST = 20
NAME_CHARACTERS = 200
LOOK_BYTES = 2**20
"""After so many more bytes it is looked whether there is still room for all that is put aside."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One file: what its sender calls it, its size in bytes and its SHA-256 in hexadecimal digits."""

    name: str
    size: int
    digest: str


class Incoming:
    """The files of one upload while they come; unless it is kept, nothing of them stays."""

    def __init__(self, staging: "Staging", folder: Path, bytes_max: int) -> None:
        self.files: list[StagedFile] = []
        self._staging, self._folder, self._bytes_max = staging, folder, bytes_max
        self._file: io.BufferedWriter | None = None
        self._name, self._hash = "", hashlib.sha256()
        self._size, self._total, self._looked = 0, 0, -LOOK_BYTES
        self._kept = False

    def begin(self, name: str) -> None:
        """Another file begins. TooLarge where there are too many."""
        if len(self.files) == FILES_MOST:
            raise TooLarge(
                f"At most {FILES_MOST} files come at once.", where="files", hint="Send the rest after these."
            )
        # What others call it is shown and never a path.
        self._name, self._hash, self._size = name[:NAME_CHARACTERS], hashlib.sha256(), 0
        with _disk():
            descriptor = os.open(
                self._folder / str(len(self.files)), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600
            )
        self._file = os.fdopen(descriptor, "wb")

    def write(self, data: bytes) -> None:
        """More of the file. TooLarge where all files together are, or where no room is left for what is put aside."""
        assert self._file is not None
        self._total += len(data)
        if self._total > self._bytes_max:
            raise TooLarge(
                f"At most {self._bytes_max:,} bytes are taken by a form.",
                where="files",
                rule="size",
                hint="Pack it (.gz, .zst), send it in parts, or use: comity import FILE",
            )
        if self._total - self._looked >= LOOK_BYTES:
            self._looked = self._total
            self._staging.check_room()
        self._size += len(data)
        self._hash.update(data)
        with _disk():
            self._file.write(data)

    def end(self) -> None:
        """The file is whole. One without a name and without content is none: browsers send that for an empty field."""
        assert self._file is not None
        with _disk():
            self._file.close()
        self._file = None
        if self._name or self._size:
            self.files.append(StagedFile(self._name, self._size, self._hash.hexdigest()))
        else:
            (self._folder / str(len(self.files))).unlink()

    def keep(self, id: str, facts: bytes) -> None:
        """The upload is there under that id, with these facts, on the disk."""
        with _disk():
            _write(self._folder / FACTS, facts)
            self._folder.rename(self._staging.place(id))
            sync_folder(self._staging.folder)
        self._kept = True

    def close(self) -> None:
        """No file is open."""
        if self._file is not None:
            self._file.close()


class Staging:
    """The uploads of a home, in a folder that is made when the first one comes. `bytes_max` is for all together,
    `form_bytes_max` for one. Safe to use from threads and processes."""

    def __init__(self, folder: Path, *, bytes_max: int, form_bytes_max: int) -> None:
        self.folder, self._bytes_max, self._form_bytes_max = folder, bytes_max, form_bytes_max

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """An upload that comes inside the block. Refused where there is no room."""
        with _disk():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.check_room()
        with scratch_folder(self.folder) as scratch:
            files = scratch / "files"
            files.mkdir(mode=0o700)
            found = Incoming(self, files, self._form_bytes_max)
            try:
                yield found
            finally:
                found.close()

    def check_room(self) -> None:
        """There is room for more. Refused otherwise."""
        if self.held_bytes() > self._bytes_max:
            raise Refused(
                f"More than {self._bytes_max:,} bytes of uploads wait already.",
                where="files",
                rule="size",
                hint="Confirm or drop what waits; each is gone after an hour.",
            )

    def held_bytes(self) -> int:
        """How much of all uploads lies here, of those that still come too."""
        total = 0
        for parent, _, names in os.walk(self.folder):
            for name in names:
                with suppress(FileNotFoundError):
                    total += (Path(parent) / name).lstat().st_size
        return total

    def place(self, id: str) -> Path:
        """The folder of that upload. NotFound for what is no id of one."""
        if _ID.fullmatch(id) is None:
            raise NotFound("There is no such upload.", where="upload")
        return self.folder / id

    def ids(self) -> list[str]:
        """Of all uploads that are whole."""
        with suppress(FileNotFoundError):
            return sorted(entry.name for entry in self.folder.iterdir() if _ID.fullmatch(entry.name))
        return []

    def facts(self, id: str) -> bytes:
        """What is known of the upload. NotFound where there is none."""
        try:
            return (self.place(id) / FACTS).read_bytes()
        except OSError:
            raise NotFound("There is no such upload.", where="upload") from None

    def put_facts(self, id: str, facts: bytes) -> None:
        """This is known of the upload, all of it at once. NotFound where there is none."""
        place = self.place(id)
        part = place / f"{FACTS}.part"
        try:
            part.unlink(missing_ok=True)
            _write(part, facts)
            part.replace(place / FACTS)
        except FileNotFoundError:
            raise NotFound("There is no such upload.", where="upload") from None

    @contextmanager
    def opened(self, id: str, number: int) -> Iterator[io.BufferedReader]:
        """The file of that number. NotFound where it is gone."""
        try:
            file = (self.place(id) / str(number)).open("rb")
        except OSError:
            raise NotFound("The files of the upload are gone.", where="upload", hint="Choose them again.") from None
        with file:
            yield file

    @contextmanager
    def held(self, id: str) -> Iterator[None]:
        """Nobody else works on the upload inside the block. Conflict where somebody does, NotFound without it."""
        try:
            descriptor = os.open(self.place(id), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            raise NotFound("There is no such upload.", where="upload") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("It is being worked on.", where="upload", hint="Load the page again.") from None
            # Whoever held it before may have dropped it.
            self.facts(id)
            yield
        finally:
            os.close(descriptor)

    def drop_files(self, id: str) -> None:
        """The files of the upload are gone; what is known of it stays."""
        for file in self.place(id).iterdir():
            if file.name.isdecimal():
                file.unlink(missing_ok=True)

    def drop(self, id: str) -> None:
        """The upload is gone."""
        place = self.place(id)
        (place / FACTS).unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)

    def sweep(self, is_over: Callable[[bytes], bool]) -> int:
        """What killed processes left is gone, and each upload whose facts say so, unless somebody works on it; how many
        of these there were."""
        if not self.folder.is_dir():
            return 0
        with scratch_folder(self.folder):
            pass
        count = 0
        for id in self.ids():
            if not (self.place(id) / FACTS).exists():
                # It was being dropped when its process was killed.
                self.drop(id)
                continue
            with suppress(Conflict, NotFound), self.held(id):
                if is_over(self.facts(id)):
                    self.drop(id)
                    count += 1
        return count


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _disk() -> Iterator[None]:
    """What the disk refuses inside the block is StoreUnavailable."""
    try:
        yield
    except OSError as error:
        words = f"Uploads cannot be put aside: {error.strerror or error}."
        raise StoreUnavailable(words, hint="Make room, or mend the rights of the home.") from error
