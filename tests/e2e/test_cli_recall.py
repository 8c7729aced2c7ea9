"""`comity release record`, `revoke` and `recall-status` by the real command, beside a partner that reads over HTTP."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.commands import bundle, comity, indicator
from tests.served import served
from tests.serving import TAXII

from comity.cli.main import run
from comity.cli.recalling import KINDS, REASONS
from comity.node.home import open_home
from comity.node.policies import starter_texts
from comity.release.recall import Kind, Reason
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow
VERSION = "2026-01-01T00:00:00.000Z"
IDS = [str(indicator(number)["id"]) for number in range(8)]


class World:
    """A node that is served, with a partner that reads what is ours up to GREEN, and one that reads nothing."""

    def __init__(self, home: Path, url: str, token: str) -> None:
        self.home, self.url = home, url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"Authorization": f"Bearer {token}", "Accept": TAXII})

    def read(self, path: str = "objects/", **parameters: str) -> list[Any]:
        """What the partner reads, or an empty list where there is nothing."""
        reply = self.session.get(f"{self.url}taxii2/root/collections/default/{path}", params=parameters, timeout=30)
        assert reply.status_code in (200, 404)
        found: list[Any] = reply.json().get("objects", [])
        return found

    def release(self, *arguments: str | Path) -> Any:
        """The JSON object that the command answers with."""
        ended = comity("release", *arguments, "--json", home=self.home)
        assert ended.code == 0, ended.err
        return ended.json

    def lines(self, *arguments: str | Path) -> list[Any]:
        """The lines of JSON that it answers with."""
        ended = comity("release", *arguments, "--json", home=self.home)
        assert ended.code == 0, ended.err
        return [json.loads(line) for line in ended.out.splitlines()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("recall") / "node"
    assert comity("init", "--name", "CERT-A", home=home).code == 0
    green = {"object_marking_refs": [MARKING_IDS[TLP.GREEN]]}
    made = [indicator(number, name=f"Täuschung {number} \u202e\x1b[31m", **green) for number in range(8)]
    assert comity("import", "-", home=home, given=bundle(*made)).code == 0
    with open_home(home) as node:
        for name in ("CERT-B", "CERT-C"):
            node.add_partner(name, groups=("eu",), max_tlp="amber", history_from=0)
            node.step_partner(name, "activate", checked_by="a call")
        text, cases = (each.replace("GROUP", "eu") for each in starter_texts()["green-community"])
        node.apply_policy(text, cases)
        node.publish(hold_seconds=0)
        token = node.new_token("siem", read=["all"], partner="CERT-B").token
    with served(home, home.parent / "serve.log") as running:
        made_world = World(home, running.url, token)
        assert len(made_world.read()) == 8
        yield made_world


def test_the_words_of_the_command_are_those_of_the_rules() -> None:
    assert tuple(Kind) == KINDS
    assert set(Reason) - {Reason.ERASURE} == set(REASONS), "an erasure tells by itself"


def test_what_left_is_listed_by_partner_and_by_object(world: World) -> None:
    told = [line for line in world.lines("record", "--to", "CERT-B") if line["version"] == VERSION]
    assert [line["id"] for line in told][: len(IDS)] == IDS
    assert told[5]["state"] == "offered"
    assert {tuple(line) for line in told} == {("id", "version", "source", "digest", "state", "first", "last")}
    assert {tuple(line["first"]) for line in told} == {("at", "entry", "policy", "rules")}
    assert {line["first"]["rules"][0] for line in told} == {"community.release"}
    assert world.lines("record", "--to", "CERT-C") == []
    (one,) = world.lines("record", "--object", IDS[5])
    assert one == {"partner": "CERT-B"} | told[5]
    assert world.lines("record", "--object", IDS[5], "--version", "2026-01-01T00:00:00Z") == [one]
    assert world.lines("record", "--object", IDS[5], "--version", "2026-01-02T00:00:00Z") == []
    assert world.lines("record", "--to", "CERT-B", "--limit", "3") == told[:3]
    ended = comity("release", "record", "--to", "CERT-B", "--limit", "8", home=world.home)
    assert (ended.code, len(ended.out.splitlines()), ended.err) == (0, 8, "8 copies.\n")


def test_the_record_is_exported_as_lines(world: World) -> None:
    told = world.lines("record", "--to", "CERT-B")
    plain, packed = world.home.parent / "b.ndjson", world.home.parent / "b.ndjson.gz"
    done = world.release("record", "--to", "CERT-B", "-o", plain)
    assert done == {"copies": len(told), "file": str(plain), "bytes": plain.stat().st_size}
    assert plain.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line) for line in plain.read_text(encoding="utf-8").splitlines()] == told
    assert comity("release", "record", "--to", "CERT-B", "-o", packed, home=world.home).code == 0
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert comity("release", "record", "--to", "CERT-B", "-o", "-", home=world.home).out == plain.read_text(
        encoding="utf-8"
    )
    assert comity("release", "record", "--to", "CERT-B", "-o", plain, home=world.home).code == 6
    assert comity("release", "record", "--to", "CERT-B", "-o", plain, "--force", home=world.home).code == 0


def test_what_is_withdrawn_is_not_found_and_in_no_list(world: World) -> None:
    done = world.release("revoke", IDS[0], "--kind", "withdraw", "--reason", "mistake", "--note", "case 17")
    assert {name: done[name] for name in ("told", "cannot_confirm")} == {"told": [], "cannot_confirm": ["CERT-B"]}
    assert world.read(f"objects/{IDS[0]}/") == []
    assert world.read(f"objects/{IDS[0]}/versions/") == []
    for path in ("objects/", "manifest/"):
        assert IDS[0] not in {each["id"] for each in world.read(path, **{"match[version]": "all"})}
    (line,) = world.lines("record", "--object", IDS[0])
    assert (line["partner"], line["state"]) == ("CERT-B", "unpublished")
    told = comity("publish", "--all", "--yes", "--json", home=world.home).json
    assert told["published"] == 0
    assert told["recalled"] >= 1
    ended = comity("publish", IDS[0], "--yes", home=world.home)
    assert "1 object not published: taken back before" in ended.err
    again = comity("release", "revoke", IDS[0], "--kind", "retract", "--reason", "mistake", home=world.home)
    assert again.code == 6


def test_what_is_retracted_is_revoked_and_what_is_narrowed_is_marked(world: World) -> None:
    ended = comity("release", "revoke", IDS[1], "--kind", "retract", "--reason", "false-positive", home=world.home)
    assert ended.code == 0
    assert "1 object, 1 of them in a newer version" in ended.out
    assert "told\tCERT-B, which cannot confirm it" in ended.out
    (last,) = world.read(f"objects/{IDS[1]}/")
    assert last["revoked"] is True
    done = world.release("revoke", IDS[2], "--kind", "narrow", "--tlp", "amber", "--reason", "wrong-marking")
    assert (done["objects"], done["revised"]) == (1, 1)
    assert world.read(f"objects/{IDS[2]}/") == []
    shown = comity("show", IDS[2], "--json", home=world.home).json["copies"]
    assert [copy["tlp"] for copy in shown if copy["state"] == "published"] == ["TLP:AMBER"]


def test_what_is_superseded_makes_room_and_a_batch_goes_whole(world: World) -> None:
    done = world.release("revoke", IDS[3], "--kind", "supersede", "--by", IDS[4], "--reason", "outdated")
    (status,) = world.release("recall-status", done["recall"])["items"]
    assert (status["by"], status["recipients"][0]["may_have_new"]) == (IDS[4], True)
    assert IDS[3] not in {each["id"] for each in world.read()}


def test_a_batch_is_taken_back_by_its_entry(world: World) -> None:
    green = {"object_marking_refs": [MARKING_IDS[TLP.GREEN]]}
    more = [indicator(number, **green) for number in (20, 21)]
    assert comity("import", "-", home=world.home, given=bundle(*more)).code == 0
    ids = [str(each["id"]) for each in more]
    assert comity("publish", *ids, "--no-hold", "--yes", home=world.home).code == 0
    assert {each["id"] for each in world.read(**{"match[id]": ",".join(ids)})} == set(ids)
    (line,) = world.lines("record", "--object", ids[0])
    done = world.release("revoke", f"entry:{line['first']['entry']}", "--kind", "withdraw", "--reason", "legal")
    assert done["objects"] == 2
    assert world.read(**{"match[id]": ",".join(ids)}) == []
    assert IDS[5] in {each["id"] for each in world.read()}


def test_the_status_lists_who_had_it_and_has_read_since(world: World) -> None:
    done = world.release("revoke", IDS[6], "--kind", "withdraw", "--reason", "source-request", "--note", "case 18")
    id = done["recall"]
    (first,) = [each for each in world.release("recall-status")["items"] if each["recall"] == id]
    assert (first["kind"], first["reason"], first["note"]) == ("withdraw", "source-request", "case 18")
    (recipient,) = first["recipients"]
    assert (recipient["partner"], recipient["copies"], recipient["answer"]) == ("CERT-B", 1, "cannot-confirm")
    assert recipient["read_since"] is False
    (whole,) = world.release("recall-status", id)["items"]
    assert whole["ids"] == [IDS[6]]
    (had,) = whole["recipients"][0]["had"]
    assert (had["id"], had["version"], had["told"]) == (IDS[6], VERSION, "absent")
    assert had["since"] < whole["at"]
    world.read(**{"match[id]": IDS[5]})
    ended = comity("release", "recall-status", id, home=world.home)
    assert "answer: cannot-confirm" in ended.out
    assert f"absent\t{IDS[6]}" in ended.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["revoke", "indicator--1", "--kind", "withdraw", "--reason", "mistake"], 3),
        (["revoke", "entry:1", "--kind", "withdraw", "--reason", "mistake"], 3),
        (["revoke", "\u202e", "--kind", "withdraw", "--reason", "mistake"], 3),
        (["revoke", IDS[7], "--kind", "narrow", "--reason", "mistake"], 5),
        (["revoke", IDS[7], "--kind", "narrow", "--tlp", "pink", "--reason", "mistake"], 5),
        (["revoke", IDS[7], "--kind", "withdraw", "--tlp", "red", "--reason", "mistake"], 5),
        (["revoke", IDS[7], "--kind", "supersede", "--reason", "mistake"], 5),
        (["revoke", IDS[7], "--kind", "withdraw", "--reason", "mistake", "--note", "a\nb"], 5),
        (["revoke", IDS[7], "--kind", "withdraw", "--reason", "because"], 2),
        (["revoke", IDS[7], "--kind", "dance", "--reason", "mistake"], 2),
        (["revoke", "--kind", "withdraw", "--reason", "mistake"], 2),
        (["revoke", IDS[7], "--kind", "withdraw", "--reason", "mistake", "--as", "nobody"], 4),
        (["record"], 2),
        (["record", "--to", "CERT-B", "--object", IDS[0]], 2),
        (["record", "--to", "CERT-B", "--version", "x"], 2),
        (["record", "--to", "CERT-X"], 3),
        (["record", "--object", "indicator--1"], 3),
        (["record", "--to", "CERT-B", "--limit", "0"], 2),
        (["recall-status", "none"], 3),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_code(world: World, arguments: list[str], code: int) -> None:
    assert run(["release", *arguments, "--home", str(world.home)]) == code
