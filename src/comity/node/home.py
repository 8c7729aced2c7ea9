"""A node's home: a folder with its settings and its store; making it, opening it, backing it up, migrating it."""

from dataclasses import dataclass
from pathlib import Path

from comity.errors import AlreadyDone, Invalid, Unverified
from comity.node import system
from comity.node.node import Node
from comity.node.system import SETTINGS_FILE, STORE_FILE, Settings, SystemClock, SystemEntropy
from comity.store import archive

PACKED_FILE = "packed"
BACKUP_FILES = frozenset({SETTINGS_FILE, STORE_FILE})


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds, or a restore brought back."""

    path: str
    node: str
    made_at: str
    objects: int
    bytes_on_disk: int
    encrypted: bool = False


def init_home(home: Path, *, name: str) -> Node:
    """The folder (mode 0700) holds a new node with the source `local` and the collection `default`; the node is open.

    AlreadyDone where there is a node, or anything else, in the folder.
    """
    problems = system.settings_problems({"name": name})
    if problems:
        raise Invalid(problems[0], where="name")
    if (home / SETTINGS_FILE).exists():
        raise AlreadyDone(f"There is a node in {home} already.", hint="comity doctor tells how it is.")
    system.make_home(home)
    node = _open(home, Settings(name=name), create=True)
    node.furnish()
    system.write_settings(home, {"name": name})
    return node


def open_home(home: Path) -> Node:
    """The node of that home. NotFound where there is none, OldSchema where it was made by another version."""
    return _open(home, system.load_settings(home), create=False)


def _open(home: Path, settings: Settings, *, create: bool) -> Node:
    store = system.open_store(settings.store, home, create=create)
    return Node(store, settings, SystemClock(), SystemEntropy())


def backup(home: Path, target: Path) -> BackupReport:
    """The new file `target` (mode 0600) holds settings and store, as they were at one moment, while others go on.

    The backup is plain, not encrypted: it holds everything that the node holds, tokens only as digests. AlreadyDone
    where `target` exists; it is there whole or not at all, whatever happens on the way.
    """
    if target.exists():
        raise AlreadyDone(f"{target} exists already; a backup never overwrites.")
    with open_home(home) as node, system.scratch_folder(target.absolute().parent) as scratch:
        copy = scratch / STORE_FILE
        node.store.backup(copy)
        files = {SETTINGS_FILE: home / SETTINGS_FILE, STORE_FILE: copy}
        made_at = node.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        packed = scratch / PACKED_FILE
        archive.pack(packed, files, made_at=made_at, made_by=f"comity {system.version()}", node=node.name)
        system.put_in_place(packed, target)
        return BackupReport(str(target), node.name, made_at, node.counts().copies, target.stat().st_size)


def restore(source: Path, home: Path) -> BackupReport:
    """A new home holds what the backup held, checked row by row; page positions given out before are void.

    AlreadyDone where the home is not empty: a restore never overwrites a node.
    """
    if home.exists() and any(home.iterdir()):
        raise AlreadyDone(f"{home} is not empty; a restore never overwrites.", hint="Name a new folder by --home.")
    with system.scratch_folder(home.absolute().parent) as scratch:
        contents = archive.unpack(source, scratch, BACKUP_FILES)
        settings = system.load_settings(scratch)
        with _open(scratch, Settings(name=settings.name), create=False) as node:
            problems = node.check()
            if problems:
                raise Unverified(f"The store of {source} does not hold: {problems[0]}")
            with node.store.write() as tx:
                tx.put_setting("cursor_key", node.entropy.token_bytes(64))
            objects = node.counts().copies
        system.make_home(home)
        for name in sorted(BACKUP_FILES):
            (scratch / name).rename(home / name)
    return BackupReport(str(home), contents.node, contents.made_at, objects, (home / STORE_FILE).stat().st_size)


def migrate_home(home: Path) -> list[str]:
    """The store has the schema of this version; the names of the migrations that were run, none where it had.

    A copy of the store as it was lies beside it first.
    """
    settings = system.load_settings(home)
    return system.migrate_store(settings.store, home)
