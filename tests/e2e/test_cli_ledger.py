"""`comity ledger` by the real command: signed, proved, exported, checked on a bare machine, and found out."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.commands import bundle, comity, environment, indicator

from comity.ledger import audit
from comity.node.home import open_home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose ledger has some entries, on SQLite."""
    folder = tmp_path_factory.mktemp("ledger") / "node"
    assert comity("init", "--name", "CERT-A", "--store", "sqlite:///comity.db", home=folder).code == 0
    assert comity("import", "-", home=folder, given=bundle(*(indicator(number) for number in range(3)))).code == 0
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "node"))


def say(home: Path, *args: str | Path) -> Any:
    """What the command answers under `--json`, where it holds."""
    ended = comity("ledger", *args, "--json", home=home)
    assert ended.code == 0, ended
    return ended.json


def damage(home: Path, sql: str) -> None:
    """The file was changed behind the back of the node."""
    with closing(sqlite3.connect(home / "comity.db")) as db, db:
        db.execute(sql)


def test_a_ledger_is_signed_proved_and_checked(home: Path) -> None:
    head = say(home, "head")
    found = say(home, "verify")
    assert (found["ok"], found["size"], found["problems"]) == (True, head["size"], [])
    assert found["root"] == head["checkpoint"].split("\n")[2]
    ended = comity("ledger", "verify", home=home)
    assert "The evidence holds." in ended.out
    assert "cannot show" in ended.err
    proof = say(home, "proof", "2")
    assert proof["proof"].startswith("c2sp.org/tlog-proof@v1\nindex 2\n")
    assert json.loads(proof["record"])["kind"]
    assert comity("ledger", "proof", "2", home=home).out == proof["proof"]
    assert comity("ledger", "proof", "999", home=home).code == 3
    assert comity("ledger", "head", home=home).out == head["checkpoint"]


def test_the_exported_file_is_checked_by_one_file_alone(home: Path, tmp_path: Path) -> None:
    head = say(home, "head")
    kept, file = tmp_path / "kept", tmp_path / "ledger.ndjson"
    kept.write_text(head["checkpoint"], encoding="utf-8")
    written = say(home, "export", "-o", file)
    assert (written["entries"], file.stat().st_mode & 0o777) == (head["size"], 0o600)
    assert comity("ledger", "export", "-o", str(file), home=home).code == 6
    options = ("--key", head["keys"][-1], "--against", kept, "--json")
    alone = tmp_path / "bare" / "audit.py"
    alone.parent.mkdir()
    shutil.copy(audit.__file__, alone)
    given = [sys.executable, "-I", alone.name, str(file), *map(str, options)]
    ended = subprocess.run(given, cwd=alone.parent, env=environment(), capture_output=True, check=False)
    assert (ended.returncode, json.loads(ended.stdout)["ok"]) == (0, True), ended
    assert comity("ledger", "verify", str(file), *map(str, options)).json == json.loads(ended.stdout)
    raw = file.read_bytes()
    file.write_bytes(raw.replace(b'"seq":1}', b'"seq":2}'))
    found = comity("ledger", "verify", str(file), *map(str, options))
    assert (found.code, found.json["problems"][0]["seq"]) == (20, 1)


@pytest.mark.parametrize(
    ("sql", "seq"),
    [
        ("UPDATE entry SET commitment = zeroblob(16) WHERE key = 2", 1),
        ("UPDATE entry SET nonce = zeroblob(16) WHERE key = 3", 2),
        ("UPDATE entry SET record = CAST(replace(record, 'kind', 'kine') AS BLOB) WHERE key = 1", 0),
        ("UPDATE tile SET hashes = zeroblob(length(hashes))", 0),
        ("UPDATE state SET last_entry_at = last_entry_at + 1", None),
        ("DELETE FROM entry WHERE key = 2", 1),
    ],
)
def test_a_changed_row_ends_with_20_and_its_entry(home: Path, sql: str, seq: int | None) -> None:
    size = say(home, "head")["size"]
    damage(home, sql)
    ended = comity("ledger", "verify", "--json", home=home)
    assert (ended.code, ended.json["ok"]) == (20, False)
    assert ended.json["problems"][0]["seq"] == (size - 1 if seq is None else seq)
    plain = comity("ledger", "verify", home=home)
    assert (plain.code, "The evidence does not hold." in plain.out) == (20, True)
    assert comity("doctor", home=home).code == 20


def test_a_worker_signs_on_its_beat(home: Path) -> None:
    assert comity("worker", "--drain", home=home).code == 0
    with closing(sqlite3.connect(home / "comity.db")) as db:
        ((size,),) = db.execute("SELECT size FROM checkpoint").fetchall()
    assert say(home, "head")["size"] == say(home, "verify")["size"] == size
    assert f"{size} of them were signed until" in comity("doctor", home=home).out


def test_tiles_are_made_anew_by_the_doctor(home: Path) -> None:
    say(home, "head")
    damage(home, "UPDATE tile SET hashes = zeroblob(length(hashes))")
    ended = comity("doctor", "--rebuild", home=home)
    assert ended.code != 20
    assert "made anew from" in ended.out
    assert say(home, "verify")["ok"]


def test_a_cut_off_end_is_found_against_a_checkpoint_that_was_kept(home: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(home, tmp_path / "old"))
    say(old, "head")
    assert comity("import", "-", home=home, given=bundle(indicator(9))).code == 0
    say(old, "head")
    say(home, "head")
    kept = tmp_path / "kept"
    shutil.copy(home / "comity.db", tmp_path / "later.db")
    with open_home(home) as node:
        kept.write_text(node.head().note, encoding="utf-8")
    assert say(home, "verify", "--against", kept)["ok"]
    assert comity("ledger", "verify", "--json", home=old).json["ok"]
    assert comity("ledger", "verify", "--against", str(kept), "--json", home=old).code == 20


def test_the_log_lists_the_entries(home: Path) -> None:
    entries = say(home, "log")["entries"]
    assert [one["seq"] for one in entries] == list(range(len(entries)))
    assert [one["record"]["kind"] for one in say(home, "log", "--kind", "receipt")["entries"]] == ["receipt"]
    assert say(home, "log", "--limit", "2")["entries"] == entries[-2:]
    assert say(home, "log", "--since", "2020-01-01")["entries"] == entries
    assert say(home, "log", "--since", "2999-01-01T00:00:00Z")["entries"] == []
    lines = comity("ledger", "log", home=home).out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [str(one["seq"]) for one in entries]
    assert [line.split("\t")[2] for line in lines] == [one["record"]["kind"] for one in entries]
    damage(home, "UPDATE entry SET nonce = NULL, record = NULL WHERE key = 1")
    assert comity("ledger", "log", home=home).out.splitlines()[0] == "0\terased"


def test_a_new_key_signs_from_now_on(home: Path, tmp_path: Path) -> None:
    old, kept = say(home, "head"), tmp_path / "kept"
    kept.write_text(old["checkpoint"], encoding="utf-8")
    key = say(home, "rotate")["key"]
    head = say(home, "head")
    assert head["keys"] == [*old["keys"], key]
    assert say(home, "verify", "--against", kept)["ok"]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("verify", "--key", "x"), 2),
        (("verify", "missing"), 1),
        (("verify", "--against", "missing"), 3),
        (("proof", "-1"), 2),
        (("proof", "x"), 2),
        (("export",), 2),
        (("export", "-o", "-", "--to", "nobody"), 3),
        (("log", "--since", "yesterday"), 5),
        (("log", "--limit", "0"), 2),
    ],
)
def test_what_cannot_be_done_is_refused(home: Path, tmp_path: Path, args: tuple[str, ...], code: int) -> None:
    ended = comity("ledger", *args, home=home, cwd=tmp_path)
    assert (ended.code, ended.err.splitlines()[-2:] != []) == (code, True), ended


def test_a_key_that_is_none_is_refused(home: Path, tmp_path: Path) -> None:
    say(home, "export", "-o", tmp_path / "l")
    assert comity("ledger", "verify", str(tmp_path / "l"), "--key", "x").code == 5
