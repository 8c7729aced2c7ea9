"""Backups: encrypted to a key that is elsewhere, restored on trial, of one moment, and never half there."""

import io
import os
import sqlite3
import stat
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from tests.world import START, bundle, indicator

from comity.errors import AlreadyDone, ComityError, Invalid, NotFound, Refused, StoreUnavailable, Unverified
from comity.interfaces import microseconds
from comity.node import recovery, system
from comity.node.doctor import Finding, Level, examine
from comity.node.home import backup, init_home, open_home, restore
from comity.node.node import Node
from comity.store import archive
from comity.store.sealed import is_sealed, new_identity, recipient_of

DAY_US = 24 * 3600 * 1_000_000


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Where the private half of the recovery key is, away from the home."""
    (tmp_path / "away").mkdir()
    return tmp_path / "away" / "key.txt"


@pytest.fixture
def home(tmp_path: Path, key: Path) -> Path:
    """A node with a recovery key and some objects."""
    path = tmp_path / "machine" / "home"
    with init_home(path, name="CERT-A") as node:
        recovery.make_key(node, key)
        node.receive(bundle(*(indicator(name=f"marked words {n}") for n in range(30))))
    return path


def halves(key: Path) -> list[str]:
    """The private halves in that file."""
    return recovery.read_private_halves(key)


def bodies(home: Path) -> list[bytes]:
    """Every body that the node gives out."""
    with open_home(home) as node:
        return [item.raw for item in node.find()]


def leftovers(folder: Path) -> list[Path]:
    """What is temporary, anywhere below."""
    return [path for path in folder.rglob("*") if path.name.startswith(".")]


def unwell(home: Path) -> list[Finding]:
    """What the doctor does not find well."""
    return [finding for finding in examine(home) if finding.level is not Level.OK]


def test_a_backup_is_encrypted_to_the_recovery_key_and_comes_back_with_it(
    home: Path, key: Path, tmp_path: Path
) -> None:
    target = tmp_path / "b.age"
    made = backup(home, target)
    assert (made.objects, made.encrypted, made.verified) == (30, True, False)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert is_sealed(target.read_bytes())
    for words in (b"CERT-A", b"marked words", b"comity.db", b"SQLite format"):
        assert words not in target.read_bytes()
    restored = restore(target, tmp_path / "again", key=halves(key))
    assert (restored.objects, restored.node, restored.encrypted) == (30, "CERT-A", True)
    assert bodies(tmp_path / "again") == bodies(home)
    with open_home(tmp_path / "again") as again, open_home(home) as node:
        assert recovery.public_half(again) == recovery.public_half(node)
    assert leftovers(tmp_path) == []


def test_the_private_half_is_in_its_file_and_nowhere_in_the_home_or_the_backup(
    home: Path, key: Path, tmp_path: Path
) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    (half,) = halves(key)
    backup(home, tmp_path / "b", plain=True)
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO((tmp_path / "b").read_bytes())).read()
    assert b"marked words" in plain
    for content in [plain, *(path.read_bytes() for path in home.iterdir())]:
        assert half.encode() not in content
    with open_home(home) as node:
        assert recovery.public_half(node) == recipient_of(half)


def test_without_a_recovery_key_a_backup_is_refused_unless_it_is_to_be_plain(tmp_path: Path) -> None:
    init_home(tmp_path / "h", name="A").close()
    with pytest.raises(Refused) as caught:
        backup(tmp_path / "h", tmp_path / "b")
    assert "comity recovery-key new" in caught.value.hint
    assert "--plain" in caught.value.hint
    assert not (tmp_path / "b").exists()
    assert not backup(tmp_path / "h", tmp_path / "b", plain=True).encrypted


def test_a_new_key_leaves_older_backups_to_the_old_one(home: Path, key: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "old")
    new = tmp_path / "away" / "new.txt"
    with open_home(home) as node:
        before = recovery.public_half(node)
        made = recovery.make_key(node, new)
        assert (made.replaced, made.file) == (before, new)
        with pytest.raises(AlreadyDone):
            recovery.make_key(node, new)
        assert recovery.public_half(node) == made.public
    backup(home, tmp_path / "new")
    for file, good, bad in (("old", key, new), ("new", new, key)):
        with pytest.raises(Unverified):
            restore(tmp_path / file, tmp_path / f"{file}-bad", key=halves(bad))
        assert restore(tmp_path / file, tmp_path / f"{file}-good", key=halves(good)).objects == 30
    both = recovery.private_halves(key.read_bytes() + new.read_bytes(), "both")
    assert restore(tmp_path / "old", tmp_path / "both", key=both).objects == 30


def test_a_key_made_elsewhere_can_be_used(home: Path, tmp_path: Path) -> None:
    half = new_identity()
    with open_home(home) as node:
        used = recovery.use_key(node, recipient_of(half))
        assert used.replaced is not None
        assert recovery.use_key(node, recipient_of(half)).replaced is None
        with pytest.raises(Invalid):
            recovery.use_key(node, half)
    backup(home, tmp_path / "b")
    assert restore(tmp_path / "b", tmp_path / "again", key=[half]).objects == 30


def test_what_is_given_for_a_key_is_judged_in_words(home: Path, key: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "sealed")
    backup(home, tmp_path / "plain", plain=True)
    again = tmp_path / "again"
    with pytest.raises(Refused, match="is encrypted") as caught:
        restore(tmp_path / "sealed", again)
    assert "--key" in caught.value.hint
    with pytest.raises(Invalid, match="is not encrypted"):
        restore(tmp_path / "plain", again, key=halves(key))
    with pytest.raises(Unverified, match="does not open with this key") as wrong:
        restore(tmp_path / "sealed", again, key=[new_identity()])
    assert "recovery-key show" in wrong.value.hint
    with pytest.raises(NotFound):
        recovery.read_private_halves(tmp_path / "none")
    for content in (b"", b"# only words\n", b"age1xyz", b"AGE-SECRET-KEY-1BROKEN"):
        with pytest.raises(Invalid):
            recovery.private_halves(content, "it")
    assert not again.exists()


@pytest.mark.slow
def test_a_backup_cut_at_any_place_or_changed_in_any_is_not_restored(home: Path, key: Path, tmp_path: Path) -> None:
    with open_home(home) as node:
        for _ in range(4):
            node.receive(bundle(indicator(x_noise=os.urandom(60_000).hex())))
    backup(home, tmp_path / "b")
    good = (tmp_path / "b").read_bytes()
    overhead = (len(good) // 65552 + 1) * 16
    assert len(good) > 3 * 65552, "the cuts below are meant to fall on borders of chunks"
    head = good.index(b"\n--- ") + 5 + 43 + 1 + 16
    cuts = {0, 1, 22, head - 1, len(good) - 1, len(good) - overhead}
    cuts |= {at + more for at in range(head, len(good), 65552) for more in (0, 1) if at + more < len(good)}
    changed = [good[:cut] for cut in sorted(cuts)]
    places = range(0, len(good), max(1, len(good) // 40))
    changed += [good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :] for at in places]
    changed += [good + b"\0", good + good]
    bad = tmp_path / "bad"
    for data in changed:
        bad.write_bytes(data)
        with pytest.raises(Unverified):
            restore(bad, tmp_path / "again", key=halves(key))
        assert not (tmp_path / "again").exists()
    assert len(changed) > 50
    assert leftovers(tmp_path) == []


def test_a_verified_backup_was_restored_on_trial_without_the_private_half_and_the_node_knows_when(
    home: Path, key: Path, tmp_path: Path
) -> None:
    private = halves(key)
    key.unlink()
    assert [finding.what for finding in unwell(home)] == ["No backup of this node was ever verified."]
    made = backup(home, tmp_path / "b", verify=True)
    assert (made.verified, made.encrypted, made.objects) == (True, True, 30)
    assert unwell(home) == []
    assert restore(tmp_path / "b", tmp_path / "again", key=private).objects == 30
    with pytest.raises(Unverified):
        restore(tmp_path / "b", tmp_path / "no", key=[new_identity()])
    assert leftovers(tmp_path) == []


def test_a_backup_that_is_not_verified_does_not_count_and_a_plain_one_can_be(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "a")
    backup(home, tmp_path / "b", plain=True)
    with open_home(home) as node:
        assert recovery.last_verified(node) is None
    assert backup(home, tmp_path / "c", plain=True, verify=True).verified
    with open_home(home) as node:
        assert recovery.last_verified(node) is not None


def test_the_doctor_warns_when_the_last_verified_backup_is_older_than_seven_days(home: Path) -> None:
    with open_home(home) as node:
        now = microseconds(node.clock.now())
        for age_us, warned in ((8 * DAY_US, True), (7 * DAY_US + 60_000_000, True), (7 * DAY_US - 60_000_000, False)):
            recovery.note_verified(node, now - age_us)
            words = [finding.what for finding in unwell(home) if "verified" in finding.what]
            assert bool(words) is warned
            assert not words or words[0].endswith(f", {age_us // DAY_US} days ago.")
        recovery.note_verified(node, microseconds(START))
        assert recovery.last_verified(node) == now - 7 * DAY_US + 60_000_000, "an older one does not count again"
        recovery.note_verified(node, now + 30 * DAY_US)
        last = recovery.last_verified(node)
        assert last is not None
        assert now <= last <= now + DAY_US, "one that is to come keeps the doctor quiet no longer than another"


@pytest.mark.parametrize(("made_at", "told"), [("2020-01-02T03:04:05Z", "2020-01-02"), ("odd", "1970"), ("", "1970")])
def test_a_restored_node_counts_the_backup_that_it_came_from_as_verified(
    home: Path, tmp_path: Path, made_at: str, told: str
) -> None:
    with open_home(home) as node:
        node.store.backup(tmp_path / "db")
        held = archive.Held(30, 30, node.counts().last_added)
    files = {"comity.toml": home / "comity.toml", "comity.db": tmp_path / "db"}
    with (tmp_path / "b").open("wb") as raw:
        archive.pack(raw, files, [], made_at=made_at, made_by="", node="A", held=held)
    restore(tmp_path / "b", tmp_path / "again")
    (words,) = [finding.what for finding in unwell(tmp_path / "again")]
    assert words.startswith(f"The last verified backup was made on {told}")


def test_the_doctor_wants_no_backup_of_nothing(tmp_path: Path) -> None:
    init_home(tmp_path / "h", name="A").close()
    assert unwell(tmp_path / "h") == []
    with open_home(tmp_path / "h") as node:
        node.receive(bundle(indicator()))
    (finding,) = unwell(tmp_path / "h")
    assert "recovery-key new" in finding.hint


@pytest.mark.parametrize("place", ["home/recovery-key.txt", "home/other", "beside.txt"])
def test_the_doctor_warns_while_a_private_half_is_in_or_beside_the_home(home: Path, key: Path, place: str) -> None:
    near = home.parent / place
    near.write_bytes(key.read_bytes())
    near.chmod(0o600)
    found = [finding for finding in unwell(home) if "private half" in finding.what]
    assert [str(near) in finding.what for finding in found] == [True]
    near.unlink()
    assert [finding for finding in unwell(home) if "private half" in finding.what] == []


def flipped(file: Path | int, place: int) -> None:
    """A bit of the file is another one."""
    with open(file, "r+b", closefd=not isinstance(file, int)) as raw:
        raw.seek(place)
        byte = raw.read(1)
        raw.seek(place)
        raw.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("plain", [False, True])
def test_a_backup_whose_bytes_did_not_reach_the_disk_as_they_were_is_not_verified(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: bool
) -> None:
    real = archive.pack

    def pack(raw: io.BufferedRandom, *args: object, **more: object) -> object:
        contents = real(raw, *args, **more)  # type: ignore[arg-type]
        flipped(raw.fileno(), raw.tell() // 2)
        raw.seek(0)
        return contents

    monkeypatch.setattr(archive, "pack", pack)
    with pytest.raises(Unverified):
        backup(home, tmp_path / "b", verify=True, plain=plain)
    assert not (tmp_path / "b").exists()
    with open_home(home) as node:
        assert recovery.last_verified(node) is None
    assert leftovers(tmp_path) == []


def test_a_store_that_does_not_hold_gives_no_verified_backup(home: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home / "comity.db")) as db:
        db.execute("UPDATE body SET body = CAST(replace(CAST(body AS TEXT), 'control', 'contrel') AS BLOB)")
        db.execute("UPDATE body SET body = CAST(replace(CAST(body AS TEXT), 'marked', 'marred') AS BLOB)")
        db.commit()
    with pytest.raises(Unverified, match="differ from their digest"):
        backup(home, tmp_path / "b", verify=True)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(("objects", "copies", "later"), [(29, 30, 0), (30, 31, 0), (30, 30, 1)])
def test_a_backup_that_holds_another_number_or_date_than_it_says_is_not_restored(
    home: Path, tmp_path: Path, objects: int, copies: int, later: int
) -> None:
    def packed(name: str, held: archive.Held) -> Path:
        with open_home(home) as node:
            node.store.backup(tmp_path / f"{name}.db")
        files = {"comity.toml": home / "comity.toml", "comity.db": tmp_path / f"{name}.db"}
        with (tmp_path / name).open("wb") as raw:
            archive.pack(raw, files, [], made_at="", made_by="", node="A", held=held)
        return tmp_path / name

    with open_home(home) as node:
        last = node.counts().last_added
    assert last is not None
    assert restore(packed("good", archive.Held(30, 30, last)), tmp_path / "again").objects == 30
    with pytest.raises(Unverified, match="and should"):
        restore(packed("bad", archive.Held(objects, copies, last + later)), tmp_path / "no")


def test_a_trial_restore_leaves_nothing_and_needs_no_empty_home(home: Path, key: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "b")
    before = {path: path.read_bytes() for path in home.iterdir()}
    assert restore(tmp_path / "b", home, key=halves(key), dry_run=True).verified
    assert {path: path.read_bytes() for path in home.iterdir()} == before
    assert leftovers(tmp_path) == []
    flipped(tmp_path / "b", 2000)
    with pytest.raises(Unverified):
        restore(tmp_path / "b", home, key=halves(key), dry_run=True)


def test_a_folder_gets_a_file_named_by_the_time(home: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    sealed = Path(backup(home, tmp_path / "here").path)
    plain = Path(backup(home, tmp_path / "here", plain=True).path)
    assert sorted((tmp_path / "here").iterdir()) == sorted([sealed, plain])
    assert sealed.name.endswith("Z.tar.zst.age")
    assert plain.name.endswith("Z.tar.zst")


def test_a_store_that_was_elsewhere_comes_back_into_the_home(home: Path, key: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk.db"
    (home / "comity.db").rename(elsewhere)
    settings = '# ours\nname = "CERT-A"\nstore = "sqlite:////nowhere"\nport = 8471\n'.replace(
        "/nowhere", str(elsewhere)
    )
    (home / "comity.toml").write_text(settings, encoding="utf-8")
    backup(home, tmp_path / "b")
    restore(tmp_path / "b", tmp_path / "again", key=halves(key))
    elsewhere.unlink()
    assert len(bodies(tmp_path / "again")) == 30
    again = system.load_settings(tmp_path / "again")
    assert (again.store, again.port) == ("sqlite:///comity.db", 8471)
    assert "# ours\n" in (tmp_path / "again" / "comity.toml").read_text(encoding="utf-8")


def test_a_home_without_room_for_the_copy_is_told_before_it_is_filled(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "free_bytes", lambda _: 1000)
    with pytest.raises(StoreUnavailable, match="MiB are free"):
        backup(home, tmp_path / "b")
    assert not (tmp_path / "b").exists()


class Writer:
    """Goes on storing, so many objects a commit, and remembers how long each took."""

    BATCH = 7

    def __init__(self, node: Node) -> None:
        self.node = node
        self.commits: list[tuple[float, float]] = []
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.stop.is_set():
            objects = bundle(*(indicator(x_noise="n" * 500) for _ in range(self.BATCH)))
            begun = time.monotonic()
            self.node.receive(objects)
            self.commits.append((begun, time.monotonic()))

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()


@pytest.fixture
def large(tmp_path: Path, key: Path) -> Path:
    """A node of some 25 MB, whose backup takes long enough for others to write meanwhile."""
    path = tmp_path / "machine" / "home"
    with init_home(path, name="CERT-A") as node:
        recovery.make_key(node, key)
        for _ in range(7):
            node.receive(bundle(*(indicator(x_noise="n" * 1500) for _ in range(1400))))
    return path


@pytest.mark.slow
def test_a_backup_beside_a_constant_writer_ends_and_is_of_one_moment_and_the_writer_goes_on(
    large: Path, key: Path, tmp_path: Path
) -> None:
    overlapped = 0
    with open_home(large) as node, Writer(node) as writer:
        for round in range(3):
            begun = time.monotonic()
            made = backup(large, tmp_path / f"b{round}", verify=True)
            took = time.monotonic() - begun
            within = [one for one in writer.commits if one[0] > begun]
            overlapped += len(within)
            assert (made.objects - 9800) % Writer.BATCH == 0
            assert made.verified
            longest = max((end - start for start, end in within), default=0)
            assert longest < max(2.0, took / 2), "a writer waited for the backup"
    assert overlapped >= 20
    restored = restore(tmp_path / "b2", tmp_path / "again", key=halves(key))
    assert restored.objects == made.objects


def test_errors_of_a_backup_are_those_of_the_tree(home: Path, tmp_path: Path) -> None:
    for target in (Path("/proc/nowhere/b"), tmp_path / "none" / "b", home / "comity.toml"):
        with pytest.raises(ComityError):
            backup(home, target)
