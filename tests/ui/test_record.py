"""The record of what left, as a page and as files: the same rows, and no cell that could become a formula (R61)."""

import csv
import io
import json

import pytest
from tests.desk_world import Desk, address

from comity.node.spelling import csv_cell
from comity.web.ui import record

HERE = "/release/record"


@pytest.mark.slow
def test_what_a_partner_has_is_the_same_in_every_form(desk: Desk) -> None:
    with desk.staff.acting("ana"):
        held = list(desk.node.held("CERT-B"))
    seen = desk.seen(f"{HERE}?to=CERT-B", "ana")
    rows = list(csv.DictReader(io.StringIO(desk.get(f"{HERE}.csv?to=CERT-B", "ana").body.decode())))
    items = json.loads(desk.get(f"{HERE}.json?to=CERT-B", "ana").body)["items"]
    assert held
    assert [one["id"] for one in rows] == [one["id"] for one in items] == [one.id for one in held]
    assert [one["first_entry"] for one in rows] == [str(one.first.entry) for one in held]
    assert [one["last"]["rules"] for one in items] == [one.last.rule.split() for one in held]
    for one in held:
        assert one.id in seen.source
        assert f"batch entry:{one.first.entry}" in seen.text
    assert "What CERT-B has of ours" in seen.text


@pytest.mark.slow
def test_who_has_an_object_is_told_by_name(desk: Desk) -> None:
    seen = desk.seen(address(HERE, object=desk.green["id"]), "ana")
    assert "CERT-B" in seen.text
    assert "CERT-C" in seen.text
    assert "CERT-C" not in desk.seen(address(HERE, object=desk.amber["id"]), "ana").source.partition("<tbody>")[2]
    assert "Nobody has it." in desk.seen(address(HERE, object=desk.fresh["id"]), "ana").text


@pytest.mark.slow
def test_empty_says_why(desk: Desk) -> None:
    assert "Choose a partner or an object." in desk.seen(HERE).text
    assert "Nothing that you may read has left for them yet." in desk.seen(f"{HERE}?to=CERT-D").text


@pytest.mark.slow
def test_what_a_partner_has_of_some_types_is_asked_in_every_form(desk: Desk) -> None:
    with desk.staff.acting("ana"):
        held = [one.id for one in desk.node.held("CERT-B")]
    kinds = {id.partition("--")[0] for id in held}
    assert "indicator" in kinds
    for types in ("indicator", "tool", "indicator, tool", ""):
        wanted = [id for id in held if not types or id.partition("--")[0] in types.split(", ")]
        seen = desk.seen(address(HERE, to="CERT-B", types=types), "ana")
        assert [link for link in seen.links if link.startswith("/objects/")] == [f"/objects/{id}" for id in wanted]
        items = json.loads(desk.get(address(f"{HERE}.json", to="CERT-B", types=types), "ana").body)["items"]
        assert [one["id"] for one in items] == wanted
        assert ("Nothing of that type." in seen.text) == (not wanted)
    first = desk.seen(address(HERE, to="CERT-B", types="indicator"), "ana")
    assert any("types=indicator" in link for link in first.links if link.startswith(f"{HERE}.csv"))


@pytest.mark.slow
def test_a_long_record_has_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "ROWS", 2)
    first = desk.seen(f"{HERE}?to=CERT-B")
    second = desk.seen(next(link for link in first.links if "at=2" in link))
    ids = [[link for link in page.links if link.startswith("/objects/")] for page in (first, second)]
    assert len(ids[0]) == 2
    assert ids[1]
    assert not set(ids[0]) & set(ids[1])


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r=", "＝", "＠"])
def test_no_cell_is_a_formula_or_breaks_its_row(sign: str) -> None:
    made = csv_cell(f"{sign}cmd|' /C calc'!A0\nnext\x1b[31m")
    assert not made.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert made.isprintable()
    assert csv_cell("plain") == "plain"
