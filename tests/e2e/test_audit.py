"""The audit log by the real commands and a real server: who read, what an auditor is told, and what was changed."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.audit_world import LEVELS, OBJECTS, OPEN, fill
from tests.commands import COMITY, SECONDS_MAX, comity, environment
from tests.serving import TAXII
from tests.world import bundle

from comity.node.home import init_home
from comity.node.system import set_setting
from comity.stix.tlp import TLP

pytestmark = pytest.mark.slow

RED = OBJECTS[TLP.RED]["id"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a node with an object of each level in `default`, and open ones in another collection."""
    with init_home(tmp_path / "home", name="CERT-A", store="sqlite:///comity.db") as node:
        fill(node, *LEVELS)
        node.add_collection("Open", alias="open")
        node.receive(bundle(*(OBJECTS[level] for level in OPEN)), collection="open")
    return tmp_path / "home"


def log_of(home: Path, *more: str) -> list[dict[str, Any]]:
    """What `comity audit log` tells."""
    found: list[dict[str, Any]] = comity("audit", "log", "--json", *more, home=home).json["items"]
    return found


def test_an_own_token_that_reads_red_is_in_the_log_and_one_that_reads_green_is_not(home: Path) -> None:
    token = comity("token", "new", "siem", "--read", "all", "--json", home=home).json
    with (
        subprocess.Popen(
            [*COMITY, "serve", "--port", "0", "--json", "--log-json", "--home", str(home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            encoding="utf-8",
        ) as process,
        requests.Session() as session,
    ):
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"].rstrip("/")
        session.trust_env = False
        session.headers.update({"Authorization": f"Bearer {token['token']}", "Accept": TAXII})
        root = f"{url}/taxii2/root/collections"
        for path in (
            "open/objects/",
            "open/manifest/",
            "default/objects/?limit=3",
            f"default/objects/{OBJECTS[TLP.GREEN]['id']}/",
        ):
            assert session.get(f"{root}/{path}", timeout=30).status_code == 200
        for _ in range(3):
            assert session.get(f"{root}/default/objects/", timeout=30).status_code == 200
        assert session.get(f"{root}/default/objects/{RED}/", timeout=30).status_code == 200
        bad = {"Authorization": "Bearer comity_aaaaaaaaaaaaaaaa_" + "a" * 43}
        assert session.get(f"{root}/", headers=bad, timeout=30).status_code == 401
        process.terminate()
        _, errors = process.communicate(timeout=SECONDS_MAX)
    rows = [row for row in log_of(home) if row["act"] in ("read", "list")]
    assert {(row["account"], row["address"]) for row in rows} == {(token["user"], "127.0.0.1")}
    assert max(row["what"]["restricted"]["red"] for row in rows) == 1
    assert sum(row["what"]["pages"] for row in rows) == 2, "a page of all, and the object alone"
    assert sum(row["again"] for row in rows) == 2
    told = [json.loads(line) for line in errors.splitlines()]
    forwarded = [line for line in told if line["event"] == "audit" and line["act"] == "read"]
    assert [line["hash"] for line in forwarded] == [row["hash"] for row in rows]
    assert "secret words" not in errors
    (failed,) = [row for row in log_of(home) if row["act"] == "failed-sign-ins"]
    assert failed["what"]["networks"] == {"127.0.0.1": 1}
    report = comity("audit", "report", "--json", home=home).json
    assert [(one["name"], one["pages"]) for one in report["restricted_reads"]] == [("siem", 4)]
    assert comity("audit", "verify", home=home).code == 0


def test_commands_are_noted_and_a_changed_row_is_named(home: Path, tmp_path: Path) -> None:
    assert comity("show", RED, home=home).code == 0
    assert comity("show", OBJECTS[TLP.GREEN]["id"], home=home).code == 0
    assert comity("search", "secret", home=home).code == 0
    assert comity("export", "-o", tmp_path / "all.json", home=home).code == 0
    assert comity("backup", tmp_path / "b", "--plain", home=home).code == 0
    acts = [row["act"] for row in log_of(home, "--account", "operator")]
    assert [act for act in acts if act in ("show", "search", "export", "backup")] == [
        "show",
        "search",
        "export",
        "backup",
    ]
    other = tmp_path / "other"
    assert comity("restore", tmp_path / "b", home=other).code == 0
    assert log_of(other)[-1]["act"] == "restore"
    assert comity("audit", "verify", home=other).code == 0
    assert comity("audit", "report", home=home).out.count("\n") > 10
    assert comity("audit", "report", "-o", tmp_path / "r.json", home=home).code == 0
    assert len(json.loads((tmp_path / "r.json").read_bytes())["exports"]) == 2
    number = log_of(home)[3]["number"]
    with closing(sqlite3.connect(home / "comity.db")) as db, db:
        db.execute("UPDATE audit SET account = 'nobody' WHERE number = ?", (number,))
    ended = comity("audit", "verify", "--json", home=home)
    assert ended.code == 20
    assert f"row {number} " in ended.json["error"]["message"]


def test_a_purpose_is_wanted_where_the_settings_say_so(home: Path) -> None:
    set_setting(home, "audit_purpose", "asked")
    for arguments in (["show", RED], ["show", RED, "--raw"], ["search", "secret"], ["export"]):
        refused = comity(*arguments, home=home)
        assert refused.code == 4
        assert "--purpose" in refused.err
        assert RED not in refused.out
        assert comity(*arguments, "--purpose", "case 7", home=home).code == 0
    assert comity("show", OBJECTS[TLP.GREEN]["id"], home=home).code == 0
    assert {row["purpose"] for row in log_of(home) if row["act"] in ("show", "read", "search", "export")} == {"case 7"}
    (changed,) = [row for row in log_of(home) if row["act"] == "settings"] or [{"what": {"changed": {}}}]
    assert changed["what"]["changed"] in ({}, {"audit_purpose": ["off", "asked"]})


@pytest.mark.parametrize(("option", "word"), [("--since", "yesterday"), ("--limit", "0"), ("--account", "nobody")])
def test_what_cannot_be_understood_is_named(home: Path, option: str, word: str) -> None:
    ended = comity("audit", "log", option, word, home=home)
    assert ended.code in (2, 3, 5)
    assert word in ended.err


def test_doctor_tells_of_a_role_that_reads_given_to_oneself(home: Path) -> None:
    made = comity("user", "add", "anna", "--role", "admin", "--json", home=home).json
    ended = subprocess.run(
        [
            *COMITY,
            "user",
            "add",
            "anna-reads",
            "--role",
            "reader",
            "--person",
            "anna",
            "--as",
            "anna",
            "--home",
            str(home),
        ],
        capture_output=True,
        timeout=SECONDS_MAX,
        env=environment(COMITY_SECRET=made["secret"]),
        check=False,
    )
    assert ended.returncode == 0
    assert b"gave themselves a role" in ended.stderr
    assert "made anna-reads for themselves" in comity("doctor", home=home).out
