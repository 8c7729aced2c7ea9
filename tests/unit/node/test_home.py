"""Homes: made once, opened by their settings, backed up and restored whole, examined."""

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
import zstandard
from tests.world import bundle, indicator

from comity.errors import AlreadyDone, ComityError, Invalid, NotFound, Unverified
from comity.interfaces import Query
from comity.node import system
from comity.node.access import Credential
from comity.node.doctor import Level, examine
from comity.node.home import backup, init_home, migrate_home, open_home, restore
from comity.node.settings import Settings
from comity.node.system import check_settings, load_settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    init_home(path, name="CERT-A").close()
    return path


def test_a_home_is_for_its_owner_alone(home: Path) -> None:
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    with open_home(home) as node:
        node.receive(bundle(indicator()))
        assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}
    assert system.open_to_others(home) == []


def test_a_home_is_made_once(home: Path) -> None:
    with pytest.raises(AlreadyDone):
        init_home(home, name="CERT-B")
    assert load_settings(home).name == "CERT-A"


def test_without_a_home_the_hint_is_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        open_home(tmp_path / "nowhere")
    assert "comity init" in caught.value.hint


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201])
def test_a_name_must_be_showable(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        init_home(tmp_path / "h", name=name)
    assert not (tmp_path / "h").exists()


@pytest.mark.parametrize(
    "line",
    [
        "port = 'x'",
        "port = 70000",
        "colour = 1",
        "page_items_max = 1001",
        'identities = "identity--1"',
        'identities = "indicator--00000000-0000-4000-8000-000000000001"',
        "max_content_length = 1",
        "tls_cert = 'a.pem'",
        "insecure_http = 1",
        "contact = 'me'",
        "name = ''",
        "= broken",
    ],
)
def test_a_wrong_setting_is_named_with_its_place(home: Path, line: str) -> None:
    path = home / "comity.toml"
    path.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(Invalid) as caught:
        load_settings(home)
    assert str(path) in caught.value.message


def test_settings_that_cannot_be_read_are_an_error_in_words(home: Path) -> None:
    (home / "comity.toml").write_bytes(b"name = '\xff'\n")
    with pytest.raises(Invalid):
        load_settings(home)
    (home / "comity.toml").unlink()
    (home / "comity.toml").mkdir()
    with pytest.raises(NotFound):
        load_settings(home)


def test_what_settings_name_must_be_there(home: Path) -> None:
    (home / "comity.toml").write_text("tls_cert = 'a.pem'\ntls_key = 'b.pem'\nstore = 'mysql://x'\n", encoding="utf-8")
    assert len(check_settings(home)) == 3
    with pytest.raises(Invalid):
        open_home(home)


def test_a_written_setting_reads_back(tmp_path: Path) -> None:
    name = 'Team "Ö" \\ 7'
    tmp_path.joinpath("h").mkdir()
    system.write_settings(tmp_path / "h", {"name": name, "port": 8471, "insecure_http": True})
    assert load_settings(tmp_path / "h") == Settings(name=name, port=8471, insecure_http=True)


def test_a_backup_restores_everything_but_open_page_positions(home: Path, tmp_path: Path) -> None:
    value = indicator()
    with open_home(home) as node:
        node.receive(bundle(value, indicator()))
        token = node.new_token("siem", read=["all"])
        key = node.cursor_key()
        before = [item.raw for item in node.find()]
        made = backup(home, tmp_path / "b.tar.zst", plain=True)
    assert (made.objects, made.encrypted) == (2, False)
    assert stat.S_IMODE((tmp_path / "b.tar.zst").stat().st_mode) == 0o600
    restored = restore(tmp_path / "b.tar.zst", tmp_path / "again", side=[home / "side.log"])
    assert (restored.objects, restored.node) == (2, "CERT-A")
    with open_home(tmp_path / "again") as node:
        assert [item.raw for item in node.find()] == before
        assert node.admit(Credential(token.user, token.secret)).name == "siem"
        assert node.cursor_key() != key
        assert node.check() == []
        entries = node.manifest(node.admit(Credential(token.user, token.secret)), Query(collection="default"))
        assert len(entries.items) == 2


def test_a_backup_and_a_restore_never_overwrite(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.tar.zst"
    backup(home, target, plain=True)
    with pytest.raises(AlreadyDone):
        backup(home, target, plain=True)
    with pytest.raises(AlreadyDone):
        restore(target, home)
    with pytest.raises(NotFound):
        backup(home, Path("/proc/nowhere/b.tar.zst"), plain=True)


@pytest.mark.slow
def test_a_damaged_backup_is_never_restored_and_leaves_nothing_behind(home: Path, tmp_path: Path) -> None:
    with open_home(home) as node:
        node.receive(bundle(*(indicator() for _ in range(20))))
    backup(home, tmp_path / "b.tar.zst", plain=True)
    good = (tmp_path / "b.tar.zst").read_bytes()
    refused = 0
    for at in range(0, len(good), max(1, len(good) // 60)):
        bad = bytearray(good)
        bad[at] ^= 0x10
        (tmp_path / "bad.tar.zst").write_bytes(bad)
        try:
            restore(tmp_path / "bad.tar.zst", tmp_path / f"r{at}")
        except ComityError:
            refused += 1
            assert not (tmp_path / f"r{at}").exists()
    assert refused >= 59
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


@pytest.mark.parametrize("cut", [0, 1, 100, 1000])
def test_a_cut_backup_is_never_restored(home: Path, tmp_path: Path, cut: int) -> None:
    backup(home, tmp_path / "b.tar.zst", plain=True)
    (tmp_path / "c.tar.zst").write_bytes((tmp_path / "b.tar.zst").read_bytes()[:cut])
    with pytest.raises((Unverified, Invalid)):
        restore(tmp_path / "c.tar.zst", tmp_path / "r")


def _archive(path: Path, members: list[tuple[str, bytes]]) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(zstandard.ZstdCompressor().compress(raw.getvalue()))


@pytest.mark.parametrize(
    "members",
    [
        [],
        [("other", b"x")],
        [("contents.json", b"[]")],
        [("contents.json", b'{"format":9,"made_at":"","made_by":"","node":"","members":[]}')],
        [
            (
                "contents.json",
                b'{"format":1,"made_at":"","made_by":"","node":"","members":[{"name":"../x","size":1,"sha256":""}]}',
            ),
            ("../x", b"x"),
        ],
        [
            (
                "contents.json",
                b'{"format":1,"made_at":"","made_by":"","node":"","members":[{"name":"comity.db","size":1,"sha256":""}]}',
            ),
            ("comity.db", b"x"),
        ],
        [("contents.json", b'{"format":1,"made_at":"","made_by":"","node":"","members":[]}'), ("../x", b"x")],
    ],
)
def test_what_is_no_backup_writes_nothing(tmp_path: Path, members: list[tuple[str, bytes]]) -> None:
    _archive(tmp_path / "a.tar.zst", members)
    (tmp_path / "in").mkdir()
    with pytest.raises((Invalid, Unverified, NotFound)):
        restore(tmp_path / "a.tar.zst", tmp_path / "in" / "home")
    assert list((tmp_path / "in").iterdir()) == []
    assert not (tmp_path / "x").exists()


def test_an_archive_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        restore(tmp_path / "none", tmp_path / "home")


def test_a_store_of_this_version_needs_no_migration(home: Path) -> None:
    assert migrate_home(home) == []


def test_the_doctor_finds_a_new_home_well(home: Path) -> None:
    found = examine(home)
    assert {finding.level for finding in found} == {Level.OK}
    assert len(found) >= 6


def test_the_doctor_says_what_is_wrong_and_what_to_do(home: Path, tmp_path: Path) -> None:
    with open_home(home) as node:
        node.new_token("short", read=["all"], days=2)
    os.chmod(home / "comity.db", 0o644)
    (home / "comity.toml").write_text("insecure_http = true\ntls_cert = 'a.pem'\ntls_key = 'b.pem'\n", encoding="utf-8")
    found = [finding for finding in examine(home) if finding.level is not Level.OK]
    words = " ".join(finding.what for finding in found)
    assert all(part in words for part in ("can be read by others", "ends in 1 days", "Plain HTTP", "a.pem"))
    assert all(finding.hint for finding in found if finding.level is Level.WARN)
    assert [finding.level for finding in examine(tmp_path / "nowhere")] == [Level.BAD]


def test_the_doctor_calls_a_damaged_store_broken(home: Path) -> None:
    import sqlite3

    with open_home(home) as node:
        node.receive(bundle(*(indicator() for _ in range(3))))
    base = sqlite3.connect(home / "comity.db")
    base.execute("UPDATE body SET body = CAST(replace(CAST(body AS TEXT), 'control', 'contrel') AS BLOB)")
    base.commit()
    base.close()
    assert Level.BROKEN in {finding.level for finding in examine(home)}
