"""The matrix as a page: the cells are those of the node, each with the rule that decides."""

import json

import pytest
from tests.desk_world import Desk

from comity.release.classes import Action
from comity.web.ui import matrix

pytestmark = pytest.mark.slow
HERE = "/release/matrix"


def test_every_cell_stands_with_its_rule(desk: Desk) -> None:
    seen = desk.seen(HERE, "ana")
    with desk.staff.acting("ana"):
        cells = list(desk.node.matrix((), (Action.RELEASE,)))
    assert {cell.words for cell in cells}
    for cell in cells:
        assert cell.words in seen.text
        assert cell.partner.name in seen.text
        for rule in cell.decision.because:
            assert rule.id in seen.text
            assert rule.title in seen.text
    assert seen.text.count("✓ allowed") == sum(cell.decision.allowed for cell in cells)
    assert seen.text.count("○ withheld") == sum(not cell.decision.allowed for cell in cells)


def test_partners_and_actions_are_filters(desk: Desk) -> None:
    seen = desk.seen(f"{HERE}?to=CERT-B&action=name-author")
    heads = seen.source.partition("<thead>")[2].partition("</thead>")[0]
    assert "CERT-B" in heads
    assert "CERT-C" not in heads
    assert [facts["value"] for tag, facts in seen.tags if tag == "option" and "selected" in facts] == ["name-author"]


def test_the_json_is_what_the_command_tells(desk: Desk) -> None:
    found = json.loads(desk.get(f"{HERE}.json?to=CERT-B").body)
    assert found["more"] is False
    assert {one["partner"] for one in found["items"]} == {"CERT-B"}
    assert {one["decision"] for one in found["items"]} == {"allow"}
    assert "not_shown" not in found
    assert json.loads(desk.get(f"{HERE}.json", "arno").body)["not_shown"] == 1 + len(desk.objects)


def test_a_large_table_has_pages_both_ways(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "CLASSES_SHOWN", 1)
    monkeypatch.setattr(matrix, "PARTNERS_BESIDE", 2)
    seen = desk.seen(HERE)
    found: set[tuple[str, str]] = set()
    todo, done = [HERE], set()
    while todo:
        link = todo.pop()
        done.add(link)
        page = desk.seen(link)
        heads = page.source.partition("<thead>")[2].partition("</thead>")[0]
        rows = page.source.partition("<tbody>")[2].partition("</tbody>")[0]
        found |= {(name, str(rows.count("<tr>"))) for name in ("CERT-B", "CERT-C", "CERT-D") if name in heads}
        more = [each for each in page.links if each.startswith(f"{HERE}?") and ("row=" in each or "column=" in each)]
        todo += [each for each in more if each not in done and each not in todo]
    assert found == {("CERT-B", "1"), ("CERT-C", "1"), ("CERT-D", "1")}
    assert len(done) >= 6
    assert "More classes" in seen.text
