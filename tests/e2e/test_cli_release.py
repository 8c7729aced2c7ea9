"""`comity release` and `show --who` by the real command, compared with what a partner reads over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.commands import Ended, bundle, comity, indicator
from tests.served import Served, served
from tests.serving import TAXII

from comity.cli.main import run
from comity.node.home import open_home
from comity.node.policies import starter_texts

pytestmark = pytest.mark.slow

LEVELS = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
MAKER = "identity--00000000-0000-4000-8000-000000000001"


def objects() -> list[dict[str, Any]]:
    """Twenty indicators of every level, some by an author who is not named, two of them in two versions."""
    found = []
    for number in range(20):
        made = indicator(
            number,
            object_marking_refs=[LEVELS[sorted(LEVELS)[number % 4]]],
            pattern=f"[domain-name:value = 'a{number}.example']",
            name=f"Täuschung {number} \u202e\x1b[31m",
        )
        found.append(made | {"created_by_ref": MAKER} if number % 3 == 0 else made)
    return [*found, *({**one, "modified": "2026-02-02T00:00:00.000Z"} for one in found[:3])]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node with a community partner, a client that is not active, and all published."""
    folder = tmp_path_factory.mktemp("release") / "node"
    assert comity("init", "--name", "CERT-A", home=folder).code == 0
    assert comity("import", "-", home=folder, given=bundle(*objects())).code == 0
    with open_home(folder) as node:
        node.add_partner("CERT-B", groups=("eu",), max_tlp="amber", history_from=0)
        node.add_partner("Client", relation="client", need_to_know="ours", service="S-1", history_from=0)
        node.step_partner("CERT-B", "activate", checked_by="a call")
        node.publish(hold_seconds=0)
    text, cases = (each.replace("GROUP", "eu") for each in starter_texts()["green-community"])
    (folder.parent / "wide.cedar").write_text(
        text.replace('Tlp::"green"]', 'Tlp::"green", Tlp::"amber"]'), encoding="utf-8"
    )
    (folder.parent / "cases.toml").write_text(cases.replace('tlp = "amber"', 'tlp = "amber+strict"'), encoding="utf-8")
    (folder.parent / "now.cedar").write_text(text, encoding="utf-8")
    (folder.parent / "now.toml").write_text(cases, encoding="utf-8")
    assert comity("policy", "apply", folder.parent / "now.cedar", home=folder).code == 0
    return folder


@pytest.fixture(scope="module")
def node(home: Path) -> Iterator[Served]:
    with served(home, home.parent / "serve.log") as running:
        yield running


def lines(*arguments: str | Path, home: Path) -> list[Any]:
    """The JSON lines that the command answers with."""
    ended = comity("release", *arguments, "--json", home=home)
    assert ended.code == 0, ended.err
    return [json.loads(line) for line in ended.out.splitlines()]


def says(*arguments: str | Path, home: Path) -> Ended:
    """What a person is told."""
    ended = comity("release", *arguments, home=home)
    assert ended.code == 0, ended.err
    assert not any(character in ended.out + ended.err for character in "\x1b\u202e")
    return ended


def number_of(id: str) -> int:
    return int(id.rsplit("-", 1)[1], 16)


def test_the_bundle_is_what_is_read_over_taxii_byte_for_byte(home: Path, node: Served) -> None:
    given = comity("release", "preview", "--to", "CERT-B", "--stix", home=home)
    file = home.parent / "theirs.json"
    told = comity("release", "preview", "--to", "CERT-B", "--stix", "--output", file, "--json", home=home)
    made = comity("token", "new", "siem", "--read", "all", "--partner", "CERT-B", "--json", home=home).json
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"Authorization": f"Bearer {made['token']}", "Accept": TAXII})
    read: list[Any] = []
    parameters: dict[str, Any] = {"limit": 3}
    place = 0
    while True:
        page = session.get(f"{node.url}taxii2/root/collections/default/objects/", params=parameters, timeout=30)
        body = page.json()
        for one in body["objects"]:
            raw = json.dumps(one).encode()
            read.append(raw)
        # The bytes of the page stand in the bundle as they are, but for the commas between objects.
        inner = page.content.partition(b'"objects":[')[2].rpartition(b"]")[0]
        whole = file.read_bytes().replace(b",\n{", b",{")
        found = whole.index(inner, place)
        assert found >= place
        place = found
        if not body.get("more"):
            break
        parameters["next"] = body["next"]
    written = json.loads(file.read_bytes())["objects"]
    assert [json.dumps(one).encode() for one in written] == read
    assert json.loads(given.out)["objects"] == written
    assert told.json["objects"] == len(read) == 10
    assert any("created_by_ref" not in one and number_of(one["id"]) % 3 == 0 for one in written)
    assert comity("release", "preview", "--to", "CERT-B", "--stix", "-o", file, home=home).code == 6
    assert comity("release", "preview", "--to", "CERT-B", "--stix", "-o", file, "--force", home=home).code == 0
    # Now they have read it.
    (*_, last) = lines("preview", "--to", "CERT-B", home=home)
    assert last["summary"]["since_last_reading"] == {"read": True, "new": 0, "gone": 0}
    one = str(indicator(1)["id"])
    shown = comity("show", one, "--who", "--json", home=home).json["copies"]
    assert [each["opened"] for each in shown[0]["who"] if each["partner"] == "CERT-B"] == [True]


def test_the_summary_counts_by_verdict_tlp_and_type(home: Path) -> None:
    *told, last = lines("preview", "--to", "CERT-B", home=home)
    summary = last["summary"]
    assert len(told) == 23
    for verdict in ("release", "redact", "withhold"):
        assert summary[verdict] == sum(line["decision"] == verdict for line in told)
        assert summary[verdict] == sum(counts[verdict] for counts in summary["by_tlp"].values())
        assert summary["by_type"]["indicator"][verdict] == summary[verdict]
    assert set(summary["by_tlp"]) == {"TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:RED"}
    cut = next(line for line in told if line["decision"] == "redact")
    assert cut["changes"] == [{"what": "author", "count": 1, "where": ["created_by_ref"]}]
    ended = says("preview", "--to", "CERT-B", home=home)
    assert "its author is not named" in ended.out
    assert "with changes" in ended.err


def test_ids_words_and_filters_choose(home: Path) -> None:
    first, second = (str(indicator(number)["id"]) for number in (1, 2))
    *told, _ = lines("preview", first, second, "--to", "CERT-B", home=home)
    assert {line["id"] for line in told} == {first, second}
    *told, _ = lines("preview", "uschung 7", "--to", "CERT-B", home=home)
    assert [number_of(line["id"]) for line in told] == [7]
    *told, _ = lines("preview", "nowhere", "to", "be", "found", "--to", "CERT-B", home=home)
    assert told == []
    *told, _ = lines("preview", "--type", "malware", "--to", "CERT-B", home=home)
    assert told == []
    *told, _ = lines("preview", "--source", "local", "--collection", "default", "--to", "CERT-B", home=home)
    assert len(told) == 23
    assert comity("release", "preview", "--source", "nobody", "--to", "CERT-B", home=home).code == 3


def test_what_is_new_to_them_is_listed(home: Path) -> None:
    (*_, last) = lines("preview", "--difference", "--to", "Client", home=home)
    assert last["summary"]["since_last_reading"] == {
        "read": False,
        "new": 0,
        "gone": 0,
        "new_objects": [],
        "gone_objects": [],
    }
    ended = says("preview", "--difference", "--to", "Client", home=home)
    assert (ended.out, "They have read nothing yet" in ended.err) == ("", True)


def test_what_if_says_that_it_is_a_supposition(home: Path) -> None:
    (*told, last) = lines("preview", "--to", "CERT-B", "--what-if", "tlp=green", home=home)
    difference = last["summary"]["difference"]
    assert last["summary"]["supposing"] == ["object.tlp=green"]
    assert all(line["decision"] != "withhold" for line in told)
    assert (difference["newly_released"], difference["newly_withheld"]) == (11, 0)
    assert len(difference["samples"]["newly_released"]) == 10
    assert "since_last_reading" not in last["summary"]
    ended = says("preview", "--to", "CERT-B", "--what-if", "to.group=other", home=home)
    assert ended.err.startswith("Supposed, and not so: recipient.groups=other.")
    assert ended.out.count("less\t") == 10
    assert "0 objects newly released, 12 newly withheld" in ended.err
    for wrong, code in (("tlp", 5), ("tlp=pink", 5), ("colour=red", 5), ("to.state=asleep", 5), ("verified=maybe", 5)):
        assert run(["release", "preview", "--to", "CERT-B", "--what-if", wrong, "--home", str(home)]) == code, wrong


def test_another_policy_is_looked_at_and_not_applied(home: Path) -> None:
    wide, cases = home.parent / "wide.cedar", home.parent / "cases.toml"
    now = comity("release", "preview", "--to", "CERT-B", "--stix", home=home).out
    supposing = ("--policy", wide, "--cases", cases)
    (*_, last) = lines("preview", "--to", "CERT-B", *supposing, home=home)
    assert last["summary"]["difference"]["newly_released"] == 6
    read = comity("release", "preview", "--to", "CERT-B", "--stix", *supposing, home=home)
    assert len(json.loads(read.out)["objects"]) == 15
    (*_, last) = lines("preview", "--to", "CERT-B", "--policy", home.parent / "now.cedar", home=home)
    assert last["summary"]["difference"] | {"samples": {}} == {
        "newly_released": 0,
        "newly_withheld": 0,
        "otherwise_changed": 0,
        "samples": {},
    }
    after = comity("release", "preview", "--to", "CERT-B", "--stix", home=home).out
    assert json.loads(after)["objects"] == json.loads(now)["objects"]
    assert len(comity("policy", "log", "--json", home=home).json["items"]) == 1
    assert comity("release", "preview", "--to", "CERT-B", "--policy", wide, home=home).code == 5


def test_options_that_do_not_go_together_are_refused(home: Path) -> None:
    for options in (
        ("--cases", "x.toml"),
        ("--difference", "--what-if", "tlp=green"),
        ("--stix", "--what-if", "tlp=green"),
        ("--stix", "--difference"),
        ("--stix", "--source", "local"),
        ("--stix", "some words"),
        ("--output", "x.json"),
    ):
        assert run(["release", "preview", "--to", "CERT-B", *options, "--home", str(home)]) == 2, options
    assert run(["show", "x", "--raw", "--who", "--home", str(home)]) == 2


def test_the_table_has_each_class_for_each_partner_and_action(home: Path) -> None:
    cells = lines("matrix", home=home)
    assert len(cells) == 8 * 2 * 5
    assert {tuple(cell) for cell in cells} == {("class", "objects", "partner", "action", "decision", "rules")}
    allowed = {cell["class"] for cell in cells if cell["decision"] == "allow" and cell["action"] == "release"}
    assert all("tlp=clear" in words or "tlp=green" in words for words in allowed)
    assert not any("indicator--" in cell["class"] for cell in cells)
    assert all(cell["rules"] for cell in cells)
    told = says("matrix", "--to", "CERT-B", "--action", "name-author", home=home).out.splitlines()
    assert len(told) == 8
    assert {line.split("\t")[2] for line in told} == {"CERT-B"}
    assert run(["release", "matrix", "--action", "dance", "--home", str(home)]) == 5
    assert run(["release", "matrix", "--to", "nobody", "--home", str(home)]) == 3


def test_who_receives_it_is_said_in_sentences(home: Path) -> None:
    amber, green = str(indicator(0)["id"]), str(indicator(2)["id"])
    ended = comity("show", amber, "--who", home=home)
    assert "no\tCERT-B (partner): Nothing permits it (gate.nothing-permits)" in ended.out
    assert "no\tClient (client): " in ended.out
    assert "Only an active recipient receives (floor.state)" in ended.out
    ended = comity("show", green, "--who", home=home)
    assert "yes\tCERT-B (partner): Members of the community receive" in ended.out
    with open_home(home) as node:
        node.receive(bundle(indicator(77)))
    ended = comity("show", str(indicator(77)["id"]), "--who", home=home)
    assert "not published" in ended.out
    assert "No partner or client is served it." in ended.err


def test_what_is_decided_is_listed_as_the_ledger_has_it(home: Path, node: Served) -> None:
    token = comity("token", "new", "decided", "--read", "default", "--partner", "CERT-B", "--json", home=home).json
    headers = {"accept": TAXII, "authorization": f"Bearer {token['token']}"}
    page = requests.get(f"{node.url}taxii2/root/collections/default/objects/?limit=7", headers=headers, timeout=30)
    assert page.status_code == 200
    (found,) = lines("decisions", "--to", "CERT-B", home=home)
    told = comity("ledger", "log", "--kind", "decisions", "--json", home=home).json["entries"]
    assert found["entry"] == told[-1]["seq"] + 1
    assert found["digest"] == told[-1]["record"]["digest"]
    counts = {name: found[name] for name in ("released", "redacted", "withheld")}
    assert counts == {name: told[-1]["record"][name] for name in counts}
    assert sum(counts.values()) == len(found["lines"]) > 2
    said = comity("release", "decisions", "--to", "CERT-B", home=home)
    assert said.out.splitlines() == found["lines"]
    assert f"entry {found['entry']} of the ledger" in said.err
    (fresh,) = lines("decisions", "--to", "Client", home=home)
    assert fresh["entry"] is None
    assert "not entered yet" in comity("release", "decisions", "--to", "Client", home=home).err
    assert comity("release", "decisions", "--to", "nobody", home=home).code == 3
