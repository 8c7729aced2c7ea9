"""A node's home: a folder with its settings and its store; making it, opening it, backing it up, migrating it."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from comity.errors import AlreadyDone, Invalid, Unverified
from comity.node import system
from comity.node.node import Node
from comity.node.system import SETTINGS_FILE, STORE_FILE, Settings, SystemClock, SystemEntropy
from comity.store import archive
from comity.store.address import masked
from comity.store.copying import move

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


@dataclass(frozen=True, slots=True)
class MoveReport:
    """Where a node rests now, how much it holds, and where the store that it left still is. No passwords."""

    store: str
    left: str
    objects: int


def init_home(home: Path, *, name: str, store: str | None = None) -> Node:
    """The folder (mode 0700) holds a new node with the source `local` and the collection `default`; the node is open.

    Its store is a file in the folder unless another address is given. AlreadyDone where there is a node, or anything
    else, in the folder, or a store in the database.
    """
    values = {"name": name} if store is None else {"name": name, "store": store}
    problems = system.settings_problems(values)
    if problems:
        raise Invalid(problems[0], where="name")
    if (home / SETTINGS_FILE).exists():
        raise AlreadyDone(f"There is a node in {home} already.", hint="comity doctor tells how it is.")
    settings = Settings(name=name, store=store or Settings().store)
    system.refuse_store(settings.store)
    system.make_home(home)
    node = _open(home, settings, create=True)
    node.furnish()
    system.write_settings(home, values)
    return node


def open_home(home: Path) -> Node:
    """The node of that home. NotFound where there is none, OldSchema where it was made by another version."""
    return _open(home, system.load_settings(home), create=False)


def _open(home: Path, settings: Settings, *, create: bool) -> Node:
    store = system.open_store(settings.store, home, create=create)
    return Node(store, settings, SystemClock(), SystemEntropy())


def backup(home: Path, target: Path) -> BackupReport:
    """The new file `target` (mode 0600) holds settings and store, as they were at one moment, while others go on.

    The backup is plain, not encrypted: it holds everything that the node holds, tokens only as digests.
    """
    with open_home(home) as node, system.scratch_folder(target.absolute().parent) as scratch:
        copy = scratch / STORE_FILE
        node.store.backup(copy)
        system.write_private(scratch / SETTINGS_FILE, (home / SETTINGS_FILE).read_bytes())
        if node.settings.store != Settings().store:
            # Whatever the node rests on, what is restored is a file in the home; and an address may hold a password.
            system.change_setting(scratch, "store", Settings().store)
        files = {SETTINGS_FILE: scratch / SETTINGS_FILE, STORE_FILE: copy}
        made_at = node.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        archive.pack(target, files, made_at=made_at, made_by=f"comity {system.version()}", node=node.name)
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


def move_home(home: Path, url: str) -> MoveReport:
    """The node rests at that address, with everything that it held; the settings say so. Not beside a running `serve`.

    AlreadyDone where the other store holds anything; Unverified, and nothing changed, where the copy does not hold.
    """
    settings = system.load_settings(home)
    if url == settings.store:
        raise AlreadyDone(f"The node rests at {masked(url)} already.")
    with closing(system.open_store(settings.store, home, create=False)) as left:
        with closing(system.open_store(url, home, create=True)) as store:
            move(left, store)
            with store.read() as snapshot:
                objects = snapshot.counts().copies
        system.change_setting(home, "store", url)
    return MoveReport(masked(url), masked(settings.store), objects)
