"""A partner from its making to what it reads over HTTP, by the real command: exactly what the preview says, no more."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.commands import bundle, comity, indicator
from tests.served import Served, served
from tests.serving import TAXII

pytestmark = pytest.mark.slow

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


def answer(*arguments: str, home: Path) -> Any:
    """The JSON that the command answers with."""
    ended = comity(*arguments, "--json", home=home)
    assert ended.code == 0, ended.err
    lines = [json.loads(line) for line in ended.out.splitlines()]
    return lines[0] if len(lines) == 1 else lines


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A node with a community, a partner in it that is active, and objects of every level."""
    folder = tmp_path / "node"
    answer("init", "--name", "CERT-A", home=folder)
    levels = (CLEAR, GREEN, AMBER, RED)
    objects = [
        indicator(
            number, object_marking_refs=[levels[number % 4]], pattern=f"[domain-name:value = 'a{number}.example']"
        )
        for number in range(20)
    ]
    assert comity("import", "-", home=folder, given=bundle(*objects)).code == 0
    answer("partner", "add", "CERT-B", "--country", "EE", "--circle", "eu", "--max-tlp", "amber", home=folder)
    answer("partner", "activate", "CERT-B", "--checked-by", "a call to the number we know", home=folder)
    answer("policy", "apply", "--starter", "green-community", "--community", "eu", home=folder)
    return folder


@pytest.fixture
def node(home: Path, tmp_path: Path) -> Iterator[Served]:
    with served(home, tmp_path / "serve.log") as running:
        yield running


class Partner:
    """What a program of the partner sees."""

    def __init__(self, node: Served, home: Path, *rights: str) -> None:
        made = answer("token", "new", "siem", *(rights or ("--read", "all")), "--partner", "CERT-B", home=home)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"Authorization": f"Bearer {made['token']}", "Accept": TAXII})
        self.url = f"{node.url}taxii2/root/collections/default/"

    def get(self, path: str, **parameters: Any) -> requests.Response:
        return self.session.get(self.url + path, params=parameters, timeout=30)

    def ids(self, **parameters: Any) -> list[str]:
        found = self.get("objects/", **parameters)
        assert found.status_code == 200, found.text
        return [each["id"] for each in found.json().get("objects", [])]


def alike(reply: requests.Response, id: str) -> str:
    """The answer without the id that was asked for, and the number of the request."""
    return re.sub(r'"error_id":"[0-9a-f]+"', "", reply.text.replace(id, "X"))


def released(home: Path) -> set[str]:
    """What the preview says that the partner receives."""
    lines = answer("release", "preview", "--to", "CERT-B", home=home)
    lines = lines if isinstance(lines, list) else [lines]
    *told, last = lines
    counts = {"release": 0, "redact": 0, "withhold": 0}
    for line in told:
        counts[line["decision"]] += 1
        assert all(rule["id"] and rule["title"] for rule in line["rules"])
        assert line["rules"]
    assert last["summary"].items() >= counts.items()
    return {line["id"] for line in told if line["decision"] != "withhold"}


def test_a_partner_reads_exactly_what_the_preview_says(home: Path, node: Served) -> None:
    partner = Partner(node, home)
    assert partner.ids() == []
    answer("publish", "--all", "--yes", "--no-hold", home=home)
    expected = {str(indicator(number)["id"]) for number in range(20) if number % 4 < 2}
    assert released(home) == expected
    pages: list[str] = []
    parameters: dict[str, Any] = {"limit": 3}
    while True:
        page = partner.get("objects/", **parameters).json()
        pages += [each["id"] for each in page["objects"]]
        if not page.get("more"):
            break
        parameters["next"] = page["next"]
    assert sorted(pages) == sorted(expected)
    manifest = partner.get("manifest/").json()["objects"]
    assert {each["id"] for each in manifest} == expected
    assert [each["date_added"] for each in manifest] == sorted({each["date_added"] for each in manifest})


def test_withheld_and_absent_objects_answer_alike_on_every_route(home: Path, node: Served) -> None:
    answer("publish", "--all", "--yes", "--no-hold", home=home)
    partner = Partner(node, home, "--read", "all", "--write", "all")
    secret, absent = str(indicator(2)["id"]), str(indicator(99)["id"])
    for path in ("objects/{}/", "objects/{}/versions/"):
        told = [partner.get(path.format(id)) for id in (secret, absent)]
        assert told[0].status_code == told[1].status_code == 404
        assert alike(told[0], secret) == alike(told[1], absent)
    for path in ("objects/", "manifest/"):
        told = [partner.get(path, **{"match[id]": id}) for id in (secret, absent)]
        assert (told[0].status_code, told[0].text) == (told[1].status_code, told[1].text)
    deleted = [partner.session.delete(f"{partner.url}objects/{id}/", timeout=30) for id in (secret, absent)]
    assert [each.status_code for each in deleted] == [404, 404]
    seen = str(indicator(0)["id"])
    assert partner.session.delete(f"{partner.url}objects/{seen}/", timeout=30).status_code == 404
    assert seen in partner.ids()
    for path in ("metrics", "readyz", ""):
        told_whole = partner.session.get(f"{node.url}{path}", headers={"Accept": "*/*"}, timeout=30)
        assert re.search(r"\b20\b", told_whole.text) is None, path
    assert partner.session.get(f"{node.url}metrics", timeout=30).status_code == 403


def test_a_partner_reads_back_and_deletes_what_it_sent(home: Path, node: Served) -> None:
    partner = Partner(node, home, "--read", "all", "--write", "all")
    sent = indicator(50, object_marking_refs=[RED])
    posted = partner.session.post(
        partner.url + "objects/", data=json.dumps({"objects": [sent]}), headers={"Content-Type": TAXII}, timeout=30
    )
    assert posted.status_code == 202
    assert (
        partner.session.get(f"{node.url}taxii2/root/status/{posted.json()['id']}/", timeout=30).json()["success_count"]
        == 1
    )
    assert partner.get("objects/").json()["objects"] == [sent]
    assert partner.session.delete(f"{partner.url}objects/{sent['id']}/", timeout=30).status_code == 200
    assert partner.ids() == []


def test_who_is_paused_ended_or_expired_reads_nothing(home: Path, node: Served) -> None:
    answer("publish", "--all", "--yes", "--no-hold", home=home)
    partner = Partner(node, home)
    assert len(partner.ids()) == 10
    answer("partner", "pause", "CERT-B", home=home)
    assert partner.ids() == []
    answer("partner", "resume", "CERT-B", home=home)
    assert len(partner.ids()) == 10
    answer("partner", "edit", "CERT-B", "--agreement-until", "2020-01-01", home=home)
    assert answer("partner", "show", "CERT-B", home=home)["state"] == "expired"
    assert partner.ids() == []
    answer("partner", "edit", "CERT-B", "--agreement-until", "2999-01-01", home=home)
    answer("policy", "apply", "--starter", "nothing", home=home)
    assert partner.ids() == []
    answer("partner", "edit", "CERT-B", "--rename", "CERT-Bee", home=home)
    answer("partner", "end", "CERT-Bee", home=home)
    assert partner.get("objects/").status_code == 401
    assert comity("partner", "resume", "CERT-Bee", home=home).code == 6


def test_why_is_told_of_each_object(home: Path) -> None:
    answer("publish", "--all", "--yes", "--no-hold", home=home)
    (told,) = answer("release", "explain", str(indicator(2)["id"]), "--to", "CERT-B", home=home)["items"]
    assert told["decision"] == "withhold"
    assert told["rules"][0]["id"] == "gate.nothing-permits"
    assert {"of": "object", "facet": "tlp", "value": "green"} in told["would_pass_if"]
    ended = comity("release", "explain", str(indicator(0)["id"]), "--to", "CERT-B", home=home)
    assert "community.release" in ended.out
    assert comity("release", "explain", str(indicator(0)["id"]), "--to", "nobody", home=home).code == 3
    assert comity("release", "preview", "--to", "CERT-B", home=home).out.count("release\t") == 10
    assert len(answer("policy", "log", home=home)["items"]) == 1


def test_what_was_said_of_a_partner_can_be_taken_back(home: Path) -> None:
    given = ("--cybersecurity", "--sector", "energy", "--jurisdiction", "EE", "--agreement-until", "2030-01-31")
    told = answer("partner", "edit", "CERT-B", *given, home=home)
    assert (told["groups"], told["sectors"], told["jurisdictions"]) == (["eu"], ["energy"], ["EE"])
    assert (told["cybersecurity"], told["agreement_until"]) == (True, "2030-02-01T00:00:00.000000Z")
    taken = ("--no-cybersecurity", "--group", "", "--sector", "", "--jurisdiction", "", "--agreement-until", "")
    told = answer("partner", "edit", "CERT-B", *taken, home=home)
    assert (told["groups"], told["sectors"], told["jurisdictions"]) == ([], [], None)
    assert (told["cybersecurity"], told["agreement_until"]) == (False, None)


def test_steps_and_names_that_cannot_be_are_refused(home: Path) -> None:
    assert comity("partner", "activate", "CERT-B", "--checked-by", "me", home=home).code == 6
    for name in ("CERT-B", "cert b", "CERT-Β".replace("Β", "B") + " "):
        assert comity("partner", "add", name, home=home).code in (5, 6), name
    assert comity("partner", "add", "CERT-C", "--country", "Estonia", home=home).code == 5
    assert comity("partner", "add", "CERT-C", "--max-tlp", "purple", home=home).code == 5
    assert comity("partner", "add", "CERT-C", "--agreement-until", "soon", home=home).code == 5
    assert comity("partner", "show", "CERT-C", home=home).code == 3
    made = answer("partner", "add", "CERT-C", "--client", "--history-from", "all", home=home)
    assert (made["relation"], made["state"], made["history_from"]) == ("client", "pending", 0)
    assert [each["name"] for each in answer("partner", "list", home=home)["items"]] == ["CERT-B", "CERT-C"]
    assert "CERT-C" in comity("partner", "list", home=home).out
    assert comity("policy", "apply", home=home).code == 2
    assert comity("policy", "apply", "--starter", "everything", home=home).code == 3
    assert comity("policy", "apply", "--starter", "green-community", home=home).code == 2
    told = answer("policy", "apply", "--starter", "green-community", "--community", "more", home=home)
    assert "second person" in told["note"]
    assert "version 3" in comity("policy", "apply", "--starter", "nothing", home=home).out.lower()
