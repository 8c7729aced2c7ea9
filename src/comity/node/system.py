"""The real world: settings, disk, clock, chance. The only module of the node that names them."""

import fcntl
import importlib.resources
import io
import os
import secrets
import stat
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import orjson

from comity import __version__
from comity.errors import AlreadyDone, Invalid, NotFound, NotInstalled, Refused, StoreUnavailable
from comity.node.settings import STORE_FILE, Settings, settings_problems
from comity.store.address import SQLITE, has_password, is_postgres, masked
from comity.store.scratch import PREFIX, sync_folder

if TYPE_CHECKING:
    from importlib.metadata import PackagePath
    from types import ModuleType

    from comity.store.base import TableStore

SETTINGS_FILE = "comity.toml"
SCHEMAS_EXPECTED = 57
SECRET_BYTES_MAX = 8192


class SystemClock:
    """The host's clock, in UTC."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)

    def steady(self) -> tuple[str, int]:
        """Since the machine began to run, the time that it slept included, so that all its processes read one clock."""
        return _boot(), time.clock_gettime_ns(_STEADY) // 1000


# On Linux the plain monotonic clock stands still while the machine sleeps.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@cache
def _boot() -> str:
    """A name for this run of the machine; of this process alone where the system gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid4())


class SystemEntropy:
    """The host's source of unpredictable bytes."""

    def token_bytes(self, count: int) -> bytes:
        """That many unpredictable bytes."""
        return secrets.token_bytes(count)

    def uuid4(self) -> UUID:
        """A random UUID, version 4."""
        return uuid4()


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = f"Make a node there: comity init --home {path.parent} --name NAME"
        raise NotFound(f"There is no node in {path.parent}.", hint=hint) from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not UTF-8 text.", where=str(path)) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{path} is not TOML: {error}.", where=str(path)) from error


def load_settings(home: Path) -> Settings:
    """The settings of the node in that home. NotFound where there is none, Invalid where they are wrong."""
    path = home / SETTINGS_FILE
    values = _read_settings(path)
    problems = settings_problems(values)
    if problems:
        raise Invalid(f"{path}: {problems[0]}", where=str(path), hint="See all with: comity config check")
    return Settings(**values)


def check_settings(home: Path) -> list[str]:
    """What is wrong with the settings of that home, a sentence each."""
    values = _read_settings(home / SETTINGS_FILE)
    problems = settings_problems(values)
    if problems:
        return problems
    settings = Settings(**values)
    for key in ("tls_cert", "tls_key"):
        named = getattr(settings, key)
        if named and not os.access(home / named, os.R_OK):
            problems.append(f"`{key}`: {home / named} cannot be read.")
    if not is_postgres(settings.store) and not settings.store.startswith(SQLITE):
        problems.append("`store` must be sqlite:///PATH or postgresql://HOST/DATABASE.")
    return problems


def write_settings(home: Path, values: dict[str, Any]) -> None:
    """`comity.toml` says these values, beside a line on where to read of the others."""
    lines = ["# The settings of this Comity node. `comity config show` lists every setting with its value."]
    lines += [f"{key} = {toml_value(value)}" for key, value in values.items()]
    write_private(home / SETTINGS_FILE, ("\n".join(lines) + "\n").encode())


def shown(settings: Settings) -> dict[str, Any]:
    """Every setting with its value, as it may be seen: passwords are masked."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return values | {"store": masked(settings.store)}


def set_setting(home: Path, key: str, value: Any) -> None:
    """`comity.toml` says this value of the key and is otherwise as it was; at no moment it is half written."""
    path = home / SETTINGS_FILE
    values = _read_settings(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    # Settings are top-level keys, so that the last line that sets one and the first line of all are good places.
    places = [place for place, line in enumerate(lines) if line.partition("=")[0].strip() == key]
    lines[places[-1] if places else 0 : places[-1] + 1 if places else 0] = [f"{key} = {toml_value(value)}"]
    text = "\n".join(lines) + "\n"
    if _parsed(text) != values | {key: value}:
        raise Invalid(f"{path} cannot be changed safely.", where=str(path), hint=f"Set by hand: {key} = …")
    part = home / f"{PREFIX}settings.part"
    part.unlink(missing_ok=True)
    write_private(part, text.encode())
    part.replace(path)
    sync_folder(home)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def toml_value(value: Any) -> str:
    """A string, whole number or boolean as TOML writes it. A JSON string is a TOML basic string."""
    return orjson.dumps(value).decode().replace("\x7f", "\\u007f")


def write_private(path: Path, content: bytes) -> None:
    """The new file holds the content and only its owner may read it. AlreadyDone where there is one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise AlreadyDone(f"{path} exists already.") from None
    except OSError as error:
        raise NotFound(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def append_durably(path: Path, line: bytes) -> None:
    """The line stands at the end of the file (mode 0600), on the disk; what an earlier writer left without its end is a
    line of its own. StoreUnavailable where that cannot be."""
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
            content = b"\n" * bool(torn) + line + b"\n"
            if file.write(content) != len(content):
                raise OSError("the disk is full")
            os.fsync(descriptor)
        if is_new:
            sync_folder(path.parent)
    except OSError as error:
        words = f"{path} cannot be written: {error.strerror or error}."
        raise StoreUnavailable(words, hint="Nothing was done. Make room, or mend the rights of the file.") from error


def read_secret(path: Path) -> str:
    """The secret in the file, without the line break at its end. Refused where everybody can read it; a group may,
    since that is how systemd hands credentials over."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.", where="secret_file") from error
    if mode & 0o007 and stat.S_ISREG(mode):
        raise Refused(f"{path} can be read by everybody.", hint=f"chmod 600 '{path}'", where="secret_file")
    try:
        secret = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        secret = ""
    if not secret or len(content) > SECRET_BYTES_MAX or not secret.isprintable():
        words = f"{path} holds no secret: one line of at most {SECRET_BYTES_MAX} bytes is wanted."
        raise Invalid(words, where="secret_file")
    return secret


def read_begin(path: Path, bytes_max: int) -> bytes:
    """At most so many of the first bytes of the file. NotFound where it cannot be read."""
    with opened(path) as file:
        return file.read(bytes_max)


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file, open for reading. NotFound where it cannot be read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        yield file


def small_files(folder: Path, bytes_max: int, count_max: int) -> list[Path]:
    """Regular files of at most so many bytes in the folder, at most so many of them; links are not followed."""
    found: list[Path] = []
    try:
        entries = os.scandir(folder)
    except OSError:
        return found
    with entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_size <= bytes_max:
                    found.append(Path(entry.path))
            if len(found) == count_max:
                break
    return sorted(found)


def store_path(url: str, home: Path | None = None) -> Path:
    """The file of a `sqlite:///PATH` address; a relative path is meant from the home, else from here."""
    if not url.startswith(SQLITE) or len(url) == len(SQLITE):
        hint = "Give sqlite:///PATH or postgresql://HOST/DATABASE."
        raise Invalid(f"{masked(url)!r} is no store address.", where="store", hint=hint)
    path = Path(url.removeprefix(SQLITE))
    return path if home is None or path.is_absolute() else home / path


def _postgres() -> "ModuleType":
    try:
        from comity.store import postgres
    except ModuleNotFoundError as error:
        words = f"A store in PostgreSQL needs the extra `postgres` ({error.name} is not installed)."
        raise NotInstalled(words, hint="pip install 'comity[postgres]'") from error
    return postgres


def open_store(url: str, home: Path | None = None, *, create: bool) -> "TableStore":
    """The store at that address. NotFound where there is none and none may be made, OldSchema where it must migrate."""
    from comity.store import sqlite

    opened: TableStore
    if is_postgres(url):
        opened = _postgres().open_store(url, create=create)
    else:
        opened = sqlite.open_store(store_path(url, home), create=create)
    return opened


def refuse_store(url: str) -> None:
    """AlreadyDone where there is a store in the database of that address; files are made by their own rules."""
    if is_postgres(url) and _postgres().schema_version(url):
        hint = "Copy the comity.toml of its home to serve it from here too."
        raise AlreadyDone(f"There is a store at {masked(url)} already.", hint=hint)


def refuse_password(url: str) -> None:
    """Invalid where an argument holds a password, since others on the host can read it."""
    if has_password(url):
        hint = "Put it into ~/.pgpass, or into `store` in comity.toml."
        raise Invalid("A password must not be an argument.", where="store", hint=hint)


def schema_documents() -> dict[str, Any]:
    """The OASIS schemas by `folder/name`: from this package, or for a checkout from stix2-validator beside it."""
    found: dict[str, Any] = {}
    packed = importlib.resources.files("comity") / "_schemas"
    if packed.is_dir():
        for folder in packed.iterdir():
            for file in folder.iterdir():
                found[f"{folder.name}/{file.name.removesuffix('.json')}"] = orjson.loads(file.read_bytes())
    else:
        for path in _validator_files():
            if path.parts[:3] == ("stix2validator", "schemas-2.1", "schemas") and path.suffix == ".json":
                name = "/".join(path.parts[3:]).removesuffix(".json")
                found[name] = orjson.loads(Path(str(path.locate())).read_bytes())
    if len(found) != SCHEMAS_EXPECTED:
        hint = "Install Comity from its wheel, or `pip install stix2-validator` beside a source checkout."
        raise NotFound(f"Of {SCHEMAS_EXPECTED} STIX schemas {len(found)} are installed.", hint=hint)
    return found


def _validator_files() -> "Sequence[PackagePath]":
    from importlib import metadata

    try:
        return metadata.files("stix2-validator") or []
    except metadata.PackageNotFoundError:
        return []


def make_home(home: Path) -> None:
    """The folder is there, empty or not, and only its owner may enter it."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
    except OSError as error:
        raise NotFound(f"{home} cannot be made: {error.strerror}.") from error


def migrate_store(url: str, home: Path) -> list[str]:
    """The store has the schema of this version; a copy as it was lies in a file. The names of what was run."""
    from comity.store import sqlite

    stamp = SystemClock().now().strftime("%Y%m%dT%H%M%SZ")
    if is_postgres(url):
        done: list[str] = _postgres().migrate(url, home / f"{STORE_FILE}.before-{stamp}")
        return done
    path = store_path(url, home)
    return sqlite.migrate(path, path.with_name(f"{path.name}.before-{stamp}"))


def version() -> str:
    """The version of this installation."""
    return __version__


def open_to_others(home: Path) -> list[Path]:
    """The home and the files in it that anybody but the owner may read or write."""
    found = []
    for path in (home, *sorted(home.iterdir())):
        # What a backup makes for a while may be gone already.
        with suppress(FileNotFoundError):
            if not path.is_symlink() and path.stat().st_mode & 0o077:
                found.append(path)
    return found


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0))


def free_bytes(folder: Path) -> int:
    """How much more the file system of that folder takes from an ordinary user."""
    there = os.statvfs(folder)
    return there.f_bavail * there.f_frsize


def certificate_until(path: Path) -> datetime:
    """The end of validity of the first certificate in a PEM file; NotFound or Invalid where there is none."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Invalid(f"{path} holds no certificate in PEM form.", where="tls_cert") from error


def countries_text() -> str:
    """The table of ISO 3166-1 alpha-2 codes that comes with the time zone data."""
    return (importlib.resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")


def policy_text(name: str) -> str:
    """A text on release policies that comes with Comity, by its place under `comity/release`."""
    return (importlib.resources.files("comity") / "release" / name).read_text(encoding="utf-8")
