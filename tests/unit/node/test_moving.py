"""A node on PostgreSQL: made there, moved there and back, backed up, examined, and never telling its password."""

import stat
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
import zstandard
from psycopg.conninfo import conninfo_to_dict
from tests.postgres import empty_database
from tests.world import bundle, indicator

from comity.errors import AlreadyDone, ComityError, Invalid, NotInstalled, OldSchema, StoreUnavailable, Unverified
from comity.node import recovery, system
from comity.node.access import Credential
from comity.node.doctor import Level, examine
from comity.node.home import backup, init_home, migrate_home, move_home, open_home, restore
from comity.node.settings import Settings
from comity.node.system import check_settings, load_settings, set_setting
from comity.store.steps import packaged

pytestmark = pytest.mark.slow


@pytest.fixture
def url() -> str:
    """The address of an empty database."""
    return empty_database(f"n_{uuid.uuid4().hex}")


def with_password(url: str) -> str:
    """The same database, by an address with a password, which this server does not ask for."""
    return url.replace("postgresql://comity@", "postgresql://comity:s3cret@")


@pytest.fixture
def home(tmp_path: Path, url: str) -> Path:
    """A node on PostgreSQL with some objects."""
    path = tmp_path / "home"
    with init_home(path, name="CERT-A", store=url) as node:
        node.receive(bundle(*(indicator(name=f"sign {n}") for n in range(5))))
    return path


def bodies(home: Path) -> list[bytes]:
    """Every body that the node gives out."""
    with open_home(home) as node:
        return [item.raw for item in node.find()]


def test_a_node_is_made_in_an_empty_database_and_there_once(home: Path, url: str, tmp_path: Path) -> None:
    assert load_settings(home) == Settings(name="CERT-A", store=url)
    assert sorted(path.name for path in home.iterdir()) == ["comity.toml", "side.log"]
    assert check_settings(home) == []
    with pytest.raises(AlreadyDone):
        init_home(tmp_path / "other", name="CERT-B", store=url)
    assert not (tmp_path / "other").exists()


def test_two_homes_with_the_same_settings_are_one_node(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "machine-2"
    other.mkdir()
    (other / "comity.toml").write_bytes((home / "comity.toml").read_bytes())
    with open_home(home) as node, open_home(other) as second:
        token = node.new_token("siem", read=["all"])
        assert second.admit(Credential(token.user, token.secret)).name == "siem"
        assert second.cursor_key() == node.cursor_key()
        second.revoke_token(token.user)
        with pytest.raises(ComityError):
            node.admit(Credential(token.user, token.secret))


def test_a_node_moves_to_postgres_and_back_with_everything(tmp_path: Path, url: str) -> None:
    home = tmp_path / "home"
    with init_home(home, name="CERT-A") as node:
        node.receive(bundle(*(indicator() for _ in range(50))))
        token = node.new_token("siem", read=["all"])
        key = node.cursor_key()
    with (home / "comity.toml").open("a") as file:
        file.write("port = 8471  # ours\n")
    before = bodies(home)
    moved = move_home(home, url)
    assert (moved.store, moved.left, moved.objects) == (url, "sqlite:///comity.db", 50)
    assert load_settings(home) == Settings(name="CERT-A", store=url, port=8471)
    assert "port = 8471  # ours\n" in (home / "comity.toml").read_text(encoding="utf-8")
    assert stat.S_IMODE((home / "comity.toml").stat().st_mode) == 0o600
    assert sorted(path.name for path in home.iterdir()) == ["comity.db", "comity.toml", "side.log"]
    assert bodies(home) == before
    with open_home(home) as node:
        assert node.admit(Credential(token.user, token.secret)).name == "siem"
        assert node.cursor_key() == key
        assert node.check() == []
    with pytest.raises(AlreadyDone):
        move_home(home, url)
    with pytest.raises(AlreadyDone, match="not empty"):
        move_home(home, "sqlite:///comity.db")
    assert move_home(home, "sqlite:///again.db").objects == 50
    assert bodies(home) == before


def test_a_move_that_fails_leaves_the_node_where_it_is(tmp_path: Path, url: str) -> None:
    home = tmp_path / "home"
    with init_home(home, name="CERT-A") as node:
        node.receive(bundle(indicator()))
        with node.store.writing() as db:  # type: ignore[attr-defined]
            db.execute("UPDATE object SET digest = ?", (b"\0" * 32,))
    settings = (home / "comity.toml").read_bytes()
    with pytest.raises(Unverified):
        move_home(home, url)
    with pytest.raises(StoreUnavailable):
        move_home(home, f"postgresql:///x?host={tmp_path}")
    assert (home / "comity.toml").read_bytes() == settings
    assert len(bodies(home)) == 1


def test_a_backup_of_it_is_a_node_in_a_file_and_holds_no_address(home: Path, url: str, tmp_path: Path) -> None:
    set_setting(home, "store", with_password(url))
    key = tmp_path / "away.txt"
    with open_home(home) as node:
        recovery.make_key(node, key)
    plain = backup(home, tmp_path / "plain.tar.zst", plain=True)
    made = backup(home, tmp_path / "b.age", verify=True)
    assert (plain.objects, made.objects, made.verified) == (5, 5, True)
    unpacked = zstandard.ZstdDecompressor().stream_reader((tmp_path / "plain.tar.zst").read_bytes()).read()
    assert b"s3cret" not in unpacked
    assert b"postgresql:" not in unpacked
    restored = restore(tmp_path / "b.age", tmp_path / "again", key=recovery.read_private_halves(key))
    assert restored.objects == 5
    assert load_settings(tmp_path / "again") == Settings(name="CERT-A")
    assert bodies(tmp_path / "again") == bodies(home)


def test_the_doctor_looks_at_it(home: Path, url: str) -> None:
    found = examine(home)
    assert {finding.level for finding in found} <= {Level.OK, Level.WARN}
    assert any("5 copies" in finding.what for finding in found)
    with psycopg.connect(url) as db:
        db.execute("UPDATE body SET body = 'x' WHERE key = 1")
    assert Level.BROKEN in {finding.level for finding in examine(home)}
    database = conninfo_to_dict(url)["dbname"]
    set_setting(home, "store", with_password(url).replace(str(database), "nowhere"))
    (bad,) = [finding for finding in examine(home) if finding.level is Level.BAD]
    assert "cannot be reached" in bad.what
    assert "s3cret" not in bad.what + bad.hint


def columns(db: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    """Every column of every table of the store."""
    rows = db.execute(
        "SELECT table_name::text, column_name::text FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name <> 'comity_schema'"
    )
    return set(rows.fetchall())


def go_back(url: str, version: int) -> None:
    """The database has the schema of that version, with the rows that it held then."""
    with psycopg.connect(empty_database(f"old_{uuid.uuid4().hex}")) as old:
        for step in packaged("postgres")[:version]:
            old.execute(step.sql)
        known = columns(old)
        old.rollback()
    with psycopg.connect(url) as db:
        db.execute("DELETE FROM comity_schema WHERE version > %s", (version,))
        for table, column in columns(db) - known:
            if table in {name for name, _ in known}:
                db.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
            else:
                db.execute(f'DROP TABLE IF EXISTS "{table}"')


def test_an_old_schema_is_refused_and_migrated_with_a_copy_in_the_home(home: Path, url: str) -> None:
    assert migrate_home(home) == []
    later = [step.name for step in packaged("postgres")[1:]]
    go_back(url, 1)
    with pytest.raises(OldSchema):
        open_home(home)
    assert migrate_home(home) == later
    (copy,) = home.glob("comity.db.before-*")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert len(bodies(home)) == 5


def test_settings_show_no_password(home: Path, url: str) -> None:
    settings = Settings(store="postgresql://a:s3cret@h/x")
    assert system.shown(settings)["store"] == "postgresql://a:***@h/x"
    set_setting(home, "store", with_password(url))
    for args in (["config", "show"], ["config", "show", "--json"], ["doctor"], ["migrate", "--to", with_password(url)]):
        done = subprocess.run(
            [sys.executable, "-m", "comity", *args, "--home", str(home)], capture_output=True, check=False
        )
        assert b"s3cret" not in done.stdout + done.stderr, args
        assert b"Traceback" not in done.stderr
    assert done.returncode == 5


@pytest.mark.parametrize("command", [["init", "--store"], ["migrate", "--to"]])
def test_a_password_is_no_argument(home: Path, tmp_path: Path, command: list[str]) -> None:
    where = tmp_path / "new" if command[0] == "init" else home
    done = subprocess.run(
        [sys.executable, "-m", "comity", *command, "postgresql://a:s3cret@h/x", "--home", str(where)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 5
    assert b"s3cret" not in done.stdout + done.stderr
    assert not (tmp_path / "new").exists()


def test_without_the_extra_the_command_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("comity.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("comity.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(NotInstalled) as refused:
        system.open_store("postgresql:///x", create=True)
    assert refused.value.hint == "pip install 'comity[postgres]'"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('name = "A"\n', 'store = "s"\nname = "A"\n'),
        ('# words\nstore = "x" # old\nport = 1', '# words\nstore = "s"\nport = 1\n'),
        ("  store='x'", 'store = "s"\n'),
        ("", 'store = "s"\n'),
    ],
)
def test_one_setting_is_changed_and_the_rest_stays(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "comity.toml").write_text(before, encoding="utf-8")
    set_setting(tmp_path, "store", "s")
    assert (tmp_path / "comity.toml").read_text(encoding="utf-8") == after
    assert [path.name for path in tmp_path.iterdir()] == ["comity.toml"]


def test_settings_that_cannot_be_changed_safely_are_left_alone(tmp_path: Path) -> None:
    text = 'store = """\nx"""\n'
    (tmp_path / "comity.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match="cannot be changed"):
        set_setting(tmp_path, "store", "s")
    assert (tmp_path / "comity.toml").read_text(encoding="utf-8") == text
