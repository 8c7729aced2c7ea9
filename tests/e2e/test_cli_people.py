"""Persons at the command line: accounts, what waits, and the second pair of eyes, by the real command."""

import json
import os
import pty
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.commands import COMITY, SECONDS_MAX, Ended, bundle, comity, environment, indicator

from comity.node.home import open_home

pytestmark = pytest.mark.slow

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
ASKED = """@id("green.asked")
@title("GREEN after approval")
@approval("second-person")
permit (principal, action == Action::"release", resource)
when { resource.tlp == Tlp::"green" && resource.ours };
"""
CASES = """[[case]]
name = "Ours is asked for"
object = { tlp = "green" }
recipient = { cybersecurity = true }
expect = "allow"
"""


class Team:
    """Persons with their secrets at one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.secrets: dict[str, str] = {}

    def run(self, *arguments: str, by: str = "", **variables: str) -> Ended:
        """The command as that person gives it."""
        given = ("--as", by) if by else ()
        secret = {"COMITY_SECRET": self.secrets[by]} if by in self.secrets else {}
        ended = subprocess.run(
            [*COMITY, *arguments, *given, "--home", str(self.home)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS_MAX,
            env=environment(**secret, **variables),
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def told(self, *arguments: str, by: str = "") -> Any:
        """What it answers with under --json."""
        ended = self.run(*arguments, "--json", by=by)
        assert ended.code == 0, ended.err
        return json.loads(ended.out)


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """A node of anna, an administrator and releaser, and of bert, an approver; objects are published."""
    home = tmp_path / "node"
    assert comity("init", "--name", "CERT-A", home=home).code == 0
    objects = [
        indicator(n, object_marking_refs=[GREEN if n % 2 else CLEAR], pattern=f"[domain-name:value = 'a{n}.example']")
        for n in range(6)
    ]
    made = Team(home)
    with open_home(home) as node:
        node.receive(bundle(*objects))
        made.secrets["anna"] = node.add_user("anna", ["admin", "releaser"]).secret
        with node.acting("anna", made.secrets["anna"]):
            made.secrets["bert"] = node.add_user("bert", ["approver"]).secret
            node.publish(hold_seconds=0)
            node.add_partner("CERT-B", groups=("eu",), history_from=0, cybersecurity=True)
    return made


def ask_for_each(team: Team) -> None:
    """A policy is in force that wants a second person for each object, and another for CERT-B to be active."""
    with open_home(team.home) as node:
        with node.acting("anna", team.secrets["anna"]):
            waits = node.apply_policy(ASKED, CASES).waits
        with node.acting("bert", team.secrets["bert"]):
            node.approve(waits)


def test_commands_that_act_want_an_account_and_tell_no_more_than_that(team: Team, tmp_path: Path) -> None:
    told = team.run("partner", "add", "CERT-C")
    assert (told.code, "--as" in told.err) == (4, True)
    wrong = [
        team.run("partner", "add", "CERT-C", by="nobody", COMITY_SECRET="x"),
        team.run("partner", "add", "CERT-C", "--as", "anna", COMITY_SECRET="x"),
    ]
    assert wrong[0] == wrong[1]
    assert wrong[0].code == 4
    assert team.run("partner", "add", "CERT-C", by="bert").code == 4
    silent = team.run("partner", "add", "CERT-C", "--as", "anna")
    assert (silent.code, "COMITY_SECRET" in silent.err) == (4, True)
    file = tmp_path / "secret"
    file.write_text(team.secrets["anna"] + "\n", encoding="utf-8")
    by_file = team.run("partner", "add", "CERT-C", COMITY_AS="anna", COMITY_SECRET_FILE=str(file))
    assert by_file.code == 0, by_file.err
    users = team.told("user", "list")
    assert [(one["name"], one["roles"]) for one in users["items"]] == [
        ("admin", ["analyst", "releaser", "admin"]),
        ("anna", ["releaser", "admin"]),
        ("bert", ["approver"]),
    ]
    assert users["note"] == ""
    assert not any(secret in team.run("user", "list").out for secret in team.secrets.values())
    assert team.run("user", "add", "Anna", "--role", "reader", by="anna").code == 6
    assert team.run("user", "disable", "bert", by="anna").code == 6
    old = team.secrets["bert"]
    team.secrets["bert"] = team.told("user", "reset", "bert", by="bert")["secret"]
    assert team.run("approve", "x", by="bert").code == 3
    team.secrets["bert"] = old
    assert team.run("approve", "x", by="bert").code == 4


def test_a_policy_that_widens_waits_and_is_in_force_when_another_approved_it(team: Team) -> None:
    activated = team.told("partner", "activate", "CERT-B", "--checked-by", "a call", by="anna")
    assert "waits" not in activated, "policy lets nothing go yet"
    apply = ("policy", "apply", "--starter", "green-community", "--community", "eu")
    trial = team.told(*apply, "--dry-run", by="anna")
    assert trial["difference"]["objects"]["appear"] == 6
    assert team.told("approvals", by="bert") == {"items": []}
    asked = team.told(*apply, by="anna")
    assert asked["difference"] == trial["difference"]
    assert (asked["version"], asked["note"]) == (0, "")
    assert team.told("policy", "log")["items"] == []
    (item,) = team.told("approvals", by="bert")["items"]
    assert (item["id"], item["state"], item["asked_by"]) == (asked["waits"], "waiting", "anna")
    assert team.run("approve", asked["waits"], by="anna").code == 4
    done = team.told("approve", asked["waits"], by="bert")
    assert (done["state"], done["decided_by"]) == ("approved", "bert")
    assert len(team.told("policy", "log")["items"]) == 1


def test_a_partner_is_paused_at_once_and_resumed_when_another_approved_it(team: Team) -> None:
    ask_for_each(team)
    ended = team.run("partner", "activate", "CERT-B", "--checked-by", "a call", by="anna")
    (item,) = team.told("approvals", by="bert")["items"]
    assert f"comity approve {item['id']} --as NAME" in ended.out
    assert "activate CERT-B, asked for by anna, waiting" in team.run("approvals", by="bert").out
    team.told("approve", item["id"], by="bert")
    paused = team.told("partner", "pause", "CERT-B", by="anna")
    assert (paused["state"], paused["note"]) == ("suspended", "")
    resumed = team.told("partner", "resume", "CERT-B", by="anna")
    assert resumed["state"] == "suspended"
    assert team.told("reject", resumed["waits"], by="anna")["state"] == "rejected"
    assert team.run("approve", resumed["waits"], by="bert").code == 6
    assert team.told("partner", "show", "CERT-B")["state"] == "suspended"


def test_objects_that_policy_wants_looked_at_go_one_by_one(team: Team) -> None:
    ask_for_each(team)
    active = team.told("partner", "activate", "CERT-B", "--checked-by", "a call", by="anna")
    team.told("approve", active["waits"], by="bert")
    one = str(indicator(1)["id"])
    (told,) = team.told("release", "explain", one, "--to", "CERT-B", by="bert")["items"]
    assert (told["decision"], told["rules"][0]["id"]) == ("withhold", "gate.approval")
    wanted = team.told("release", "request", one, "--to", "CERT-B", by="anna")
    assert wanted["objects"] == 1
    assert team.run("approve", wanted["waits"], by="anna").code == 4
    team.told("approve", wanted["waits"], by="bert")
    (told,) = team.told("release", "explain", one, "--to", "CERT-B", by="bert")["items"]
    assert (told["decision"], told["rules"][0]["id"]) == ("release", "green.asked")
    assert team.told("release", "request", "sign", "3", "--to", "CERT-B", by="anna")["objects"] == 1
    assert team.run("release", "request", "--to", "CERT-B", by="bert").code == 4
    assert team.run("release", "request", one, "--to", "CERT-B", by="anna").code == 3


def test_alone_everything_is_as_it_was_and_says_so(tmp_path: Path) -> None:
    home = tmp_path / "node"
    assert comity("init", "--name", "CERT-A", home=home).code == 0
    alone = "no second person"
    for arguments in (
        ("partner", "add", "CERT-B", "--history-from", "all"),
        ("partner", "activate", "CERT-B", "--checked-by", "me"),
        ("policy", "apply", "--starter", "bilateral-amber", "--partner", "CERT-B"),
        ("partner", "list"),
        ("policy", "log"),
    ):
        ended = comity(*arguments, "--json", home=home)
        assert ended.code == 0, ended.err
        assert "waits" not in ended.json
        assert alone in ended.json["note"] or arguments[1] == "activate"
    assert alone in comity("doctor", home=home).out
    assert alone in comity("partner", "show", "CERT-B", home=home).err


def test_a_secret_is_asked_for_without_echo_at_a_terminal(team: Team) -> None:
    person, terminal = pty.openpty()
    with subprocess.Popen(
        [*COMITY, "user", "reset", "bert", "--as", "bert", "--json", "--home", str(team.home)],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=environment(),
    ) as running:
        os.close(terminal)
        shown = b""
        while b"Secret" not in shown:
            shown += os.read(person, 1000)
        time.sleep(0.2)
        os.write(person, team.secrets["bert"].encode() + b"\n")
        out, _ = running.communicate(timeout=SECONDS_MAX)
        with suppress(OSError):
            shown += os.read(person, 1000)
    os.close(person)
    assert running.returncode == 0, shown
    assert json.loads(out)["secret"] != team.secrets["bert"]
    assert team.secrets["bert"].encode() not in shown
