"""The audit log and the report for auditors, and what is to be done behind, as pages."""

import json

import pytest
from tests.desk_world import Desk
from tests.ledger_world import damage
from tests.visiting import Seen

from comity.store.database import Database
from comity.web.ui import audit

pytestmark = pytest.mark.slow


def test_the_log_tells_who_did_what_the_newest_first(desk: Desk) -> None:
    seen = desk.seen("/admin/audit", "audra")
    assert "R44" in seen.text
    for act, who in (("token", "operator"), ("record", "adam")):
        assert who in desk.seen(f"/admin/audit?act={act}", "audra").text
    numbers = [int(text) for text in _numbers(seen)]
    assert numbers == sorted(numbers, reverse=True)


def _numbers(seen: Seen) -> list[str]:
    import re

    return [each.replace(",", "") for each in re.findall(r'class="number" title="[^"]*">([\d,]+)<', seen.source)]


def test_it_is_filtered_by_account_and_act(desk: Desk) -> None:
    acts = desk.seen("/admin/audit?act=token", "audra")
    assert "/admin/audit?act=token" in acts.links
    assert "/admin/audit?act=record" not in acts.links
    assert "rita" not in desk.seen("/admin/audit?account=adam&act=token", "audra").text
    assert "Nothing of that was noted." in desk.seen("/admin/audit?act=nothing", "audra").text


def test_older_rows_are_a_page_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "ROWS", 5)
    seen = desk.seen("/admin/audit?since=2026-03-04", "audra")
    older = desk.seen(next(link for link in seen.links if "before=" in link), "audra")
    assert "since=2026-03-04" in next(link for link in seen.links if "before=" in link)
    assert max(map(int, _numbers(older))) < min(map(int, _numbers(seen)))


def test_the_chain_is_verified_by_a_form(acting_desk: Desk) -> None:
    seen = Seen(acting_desk.submit(acting_desk.seen("/admin/audit", "audra"), "/admin/audit/verify", "audra"))
    assert "The chain of the log holds." in seen.text


def test_a_row_that_was_changed_is_found(acting_desk: Desk) -> None:
    def change(db: Database) -> None:
        db.execute("UPDATE audit SET account = 'another' WHERE number = 3")

    damage(acting_desk.node, change)
    answer = acting_desk.post("/admin/audit/verify", "audra")
    assert answer.status == 422
    assert "does not hold from row 3 on" in Seen(answer).text


def test_the_report_of_a_period_has_every_part(desk: Desk) -> None:
    seen = desk.seen("/admin/audit/report", "audra")
    found = json.loads(desk.get("/admin/audit/report.json", "audra").body)
    for part, title in (("approvals", "Approvals"), ("accounts", "Accounts"), ("policies", "Policies")):
        assert found[part]
        assert f"{title} {len(found[part])}" in seen.text
    assert f"What left {len(found['releases'])}" in seen.text
    assert "CERT-B 2 8 0" in seen.text


def test_the_report_is_of_one_partner_where_it_is_asked_for(desk: Desk) -> None:
    id = desk.node.partner("CERT-B").id
    found = json.loads(desk.get(f"/admin/audit/report.json?partner={id}", "audra").body)
    assert {one["partner"] for one in found["releases"]} == {"CERT-B"}
    assert "Nothing in this period." in desk.seen("/admin/audit/report?from=2026-01-01&to=2026-01-02", "audra").text


def test_nothing_to_do_says_so(desk: Desk) -> None:
    assert "Nothing is to be done." in desk.seen("/admin/jobs", "adam").text
