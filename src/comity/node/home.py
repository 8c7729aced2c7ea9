"""A node's home: a folder with its settings and its store; making it, opening it, backing it up, migrating it."""

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path

from comity.errors import AlreadyDone, Invalid, Refused, StoreUnavailable, Unverified
from comity.interfaces import microseconds
from comity.node import recovery, system
from comity.node.hashes import hashes_in, hashes_of
from comity.node.node import Node
from comity.node.restoring import Anew, begin_anew
from comity.node.settings import STORE_FILE, Settings, settings_problems
from comity.node.side import SIDE_FILE, SideFile
from comity.node.side import read as read_side
from comity.node.side import write as write_side
from comity.node.system import SETTINGS_FILE, SystemClock, SystemEntropy
from comity.store import archive, sealed
from comity.store.address import masked
from comity.store.audit import OPERATOR, Noted
from comity.store.copying import move
from comity.store.scratch import new_file, scratch_folder
from comity.store.staging import Staging

WORKERS_UNASKED = 4
"""Each holds some 35 MB, so nobody gets more without having asked."""
UPLOADS = "uploads"
FORMS_WAITING = 8
"""Uploads of the greatest size that may wait at once."""
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
    verified: bool = False


@dataclass(frozen=True, slots=True)
class RestoreReport(BackupReport):
    """The same of a restore, with what was done before anything is served (R32)."""

    anew: Anew = field(default_factory=lambda: Anew(0, side=False))


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
    problems = settings_problems(values)
    if problems:
        raise Invalid(problems[0], where="name")
    if (home / SETTINGS_FILE).exists():
        raise AlreadyDone(f"There is a node in {home} already.", hint="comity doctor tells how it is.")
    settings = Settings(name=name, store=store or Settings().store)
    system.refuse_store(settings.store)
    system.make_home(home)
    node = _open(home, settings, create=True)
    node.furnish()
    keep_side(node, home)
    system.write_settings(home, values)
    return node


def open_home(home: Path) -> Node:
    """The node of that home. NotFound where there is none, OldSchema where it was made by another version."""
    node = _open(home, system.load_settings(home), create=False)
    try:
        # Where the store cannot be read or written now, whatever is asked of the node says so.
        with suppress(StoreUnavailable):
            node.furnish()
            keep_side(node, home)
            node.heed_rules()
    except BaseException:
        node.close()
        raise
    return node


def keep_side(node: Node, home: Path) -> None:
    """Whatever must stay done though the store is put back is written into the file beside it, before it is done."""
    side = SideFile(home / SIDE_FILE)
    node.store.aside = side.keep
    with node.store.read() as snapshot:
        known = hashes_of(snapshot)
    if known is None:
        # In a transaction of its own: no line may be of a key that was never committed.
        with node.store.write() as tx:
            hashes_in(tx, node.entropy)
    if not side.path.exists():
        with node.store.write() as tx:
            side.begin(tx)


def _open(home: Path, settings: Settings, *, create: bool) -> Node:
    store = system.open_store(settings.store, home, create=create)
    node = Node(store, settings, SystemClock(), SystemEntropy())
    form = settings.upload_bytes_max
    node.staging = Staging(home / UPLOADS, bytes_max=FORMS_WAITING * form, form_bytes_max=form)
    return node


def backup(home: Path, target: Path, *, plain: bool = False, verify: bool = False) -> BackupReport:
    """The new file `target` (mode 0600) holds settings and store, as they were at one moment, while others go on.

    It is encrypted to the recovery key of the node, unless `plain`; Refused where there is none. With `verify` it has
    been restored on trial, from the disk, before it gets its name, and the node knows when. A folder as `target` gets
    a file named by the time. While this runs there is a plain copy in the home, where the store is plain too.
    """
    with open_home(home) as node:
        recipients = [] if plain else [_recipient(node)]
        # Only in memory, and only until the end of the trial: what was written can be read again though the private
        # half of the recovery key is elsewhere.
        passing = [sealed.new_identity()] if recipients and verify else []
        recipients += map(sealed.recipient_of, passing)
        now = node.clock.now()
        if target.is_dir():
            target /= f"comity-{now:%Y%m%dT%H%M%SZ}.tar.zst{'' if plain else '.age'}"
        _refuse_a_full_disk(node, home)
        node.note("backup", file=target.name, encrypted=bool(recipients))
        with new_file(target) as file:
            with scratch_folder(home) as scratch:
                copy = scratch / STORE_FILE
                node.store.backup(copy)
                with _open(scratch, Settings(name=node.name), create=False) as copied:
                    held = _held(copied)
                settings = scratch / SETTINGS_FILE
                system.write_private(settings, (home / SETTINGS_FILE).read_bytes())
                if node.settings.store != Settings().store:
                    # What is restored is a file in the new home; and an address may hold a password.
                    system.set_setting(scratch, "store", Settings().store)
                files = {SETTINGS_FILE: settings, STORE_FILE: copy}
                contents = archive.pack(
                    file,
                    files,
                    recipients,
                    made_at=now.isoformat(timespec="seconds").replace("+00:00", "Z"),
                    made_by=f"comity {system.version()}",
                    node=node.name,
                    held=held,
                )
            if verify:
                file.seek(0)
                with scratch_folder(home) as scratch:
                    _restored(file, str(target), scratch, passing).close()
        if verify:
            recovery.note_verified(node, microseconds(now))
        return _report(target, contents, held.copies, target, encrypted=not plain, verified=verify)


def _recipient(node: Node) -> str:
    public = recovery.public_half(node)
    if public is None:
        hint = (
            "Make one: comity recovery-key new FILE. Or give --plain, and keep the backup where only you can read it."
        )
        raise Refused("The node has no recovery key to encrypt a backup to.", hint=hint)
    return public


def _refuse_a_full_disk(node: Node, home: Path) -> None:
    wanted, free = node.counts().bytes_on_disk, system.free_bytes(home)
    if free < wanted:
        words = f"A backup needs {wanted / 2**20:,.0f} MiB in {home} for a while; {free / 2**20:,.0f} MiB are free."
        raise StoreUnavailable(words, hint="Make room.")


def _held(node: Node) -> archive.Held:
    counts = node.counts()
    return archive.Held(counts.objects, counts.copies, counts.last_added)


@dataclass(frozen=True, slots=True)
class _Restored:
    """A node that came out of a backup and was checked against all that the backup says of it; it is open."""

    node: Node
    contents: archive.Contents
    held: archive.Held

    def close(self) -> None:
        self.node.close()


def _restored(
    file: io.BufferedReader | io.BufferedRandom, name: str, scratch: Path, identities: Sequence[str]
) -> _Restored:
    contents = archive.unpack(file, name, scratch, BACKUP_FILES, identities)
    node = _open(scratch, Settings(name=system.load_settings(scratch).name), create=False)
    try:
        problems = node.check()
        if problems:
            raise Unverified(f"The store of {name} does not hold: {problems[0]}")
        held = _held(node)
        if contents.held not in (None, held):
            raise Unverified(f"The store of {name} holds {held}, and should {contents.held}.")
        return _Restored(node, contents, held)
    except BaseException:
        node.close()
        raise


def restore(
    source: Path,
    home: Path,
    *,
    key: Sequence[str] = (),
    side: Sequence[Path] = (),
    keep_tokens: bool = False,
    dry_run: bool = False,
) -> RestoreReport:
    """A new home holds what the backup held, checked row by row, but for what was taken back since; page positions
    given out before are void.

    `key` holds private halves of recovery keys, for a backup that is encrypted. What was taken back since is in the
    files `side`, else in that which lies in the new home, else in that beside it; where there is none, tokens are void
    unless they are kept. With `dry_run` all is tried beside the home, and nothing is left of it. AlreadyDone where the
    home holds anything else: a restore never overwrites a node.
    """
    if not dry_run and home.exists() and any(path.name != SIDE_FILE for path in home.iterdir()):
        raise AlreadyDone(f"{home} is not empty; a restore never overwrites.", hint="Name a new folder by --home.")
    files = list(side) or [path for path in _sides_near(home) if path.exists()][:1]
    lines = [line for path in files for line in read_side(path)] if files else None
    with system.opened(source) as file, scratch_folder(home.absolute().parent) as scratch:
        found = _restored(file, str(source), scratch, key)
        with found.node as node:
            made_at = _instant(found.contents.made_at)
            if lines:
                write_side(scratch / SIDE_FILE, lines)
            keep_side(node, scratch)
            anew = begin_anew(node, made_at, lines, keep_tokens=keep_tokens)
            if not dry_run:
                with node.store.write() as tx:
                    tx.note(Noted(OPERATOR, "restore", {"made_at": found.contents.made_at}))
                recovery.note_verified(node, made_at)
        # The store of a node may have been elsewhere; that of the new home is in it.
        if system.load_settings(scratch).store != Settings().store:
            system.set_setting(scratch, "store", Settings().store)
        if dry_run:
            return _restore_report(source, found, source, anew, encrypted=bool(key))
        system.make_home(home)
        for name in (SIDE_FILE, *sorted(BACKUP_FILES)):
            (scratch / name).rename(home / name)
    return _restore_report(home, found, home / STORE_FILE, anew, encrypted=bool(key))


def _sides_near(home: Path) -> Iterator[Path]:
    yield home / SIDE_FILE
    yield home.absolute().parent / SIDE_FILE


def _restore_report(path: Path, found: _Restored, sized: Path, anew: Anew, *, encrypted: bool) -> RestoreReport:
    report = _report(path, found.contents, found.held.copies, sized, encrypted=encrypted, verified=True)
    values = {each.name: getattr(report, each.name) for each in fields(report)}
    return RestoreReport(**values, anew=anew)


def _report(
    path: Path, contents: archive.Contents, objects: int, sized: Path, *, encrypted: bool, verified: bool
) -> BackupReport:
    return BackupReport(str(path), contents.node, contents.made_at, objects, sized.stat().st_size, encrypted, verified)


def _instant(text: str) -> int:
    """The time that a backup gives, in microseconds; 0, long ago, where it gives none."""
    try:
        return microseconds(datetime.fromisoformat(text))
    except (ValueError, TypeError, OverflowError):
        return 0


def processes(workers: int) -> int:
    """How many processes serve a node with that setting: 0 stands for one a core, at most WORKERS_UNASKED."""
    return workers or min(system.cores(), WORKERS_UNASKED)


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
        system.set_setting(home, "store", url)
    return MoveReport(masked(url), masked(settings.store), objects)
