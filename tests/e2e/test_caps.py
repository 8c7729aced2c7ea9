"""A cap on what leaves for a partner, by the real command and over HTTP."""

from pathlib import Path

import pytest
from tests.commands import comity
from tests.e2e.test_partners import Partner, answer, home, node
from tests.served import Served

pytestmark = pytest.mark.slow
__all__ = ["home", "node"]


def test_over_a_cap_a_partner_is_told_when_to_come_again_and_the_operator_hears_of_it(home: Path, node: Served) -> None:
    answer("publish", "--all", "--yes", "--no-hold", home=home)
    made = answer("partner", "edit", "CERT-B", "--cap-objects-day", "4", "--cap-bytes-hour", "100000", home=home)
    assert (made["cap_objects_day"], made["cap_bytes_hour"], made["cap_objects_hour"]) == (4, 100000, None)
    partner = Partner(node, home)
    first = partner.get("objects/")
    assert first.status_code == 200
    assert len(first.json()["objects"]) == 4
    assert first.json()["more"] is True
    refused = partner.get("objects/", next=first.json()["next"])
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 24 * 3600
    assert refused.headers["Content-Type"].startswith("application/taxii+json")
    assert refused.json()["error_code"] == "over-cap"
    assert partner.get("manifest/").status_code == 200
    shown = answer("partner", "show", "CERT-B", home=home)
    assert shown["objects_today"] == 4
    assert shown["paused_until"]
    told = comity("doctor", home=home)
    assert "Delivery to CERT-B is paused by a cap" in told.out
    assert "delivery to CERT-B is paused by a cap" in node.log.read_text(encoding="utf-8")
    answer("partner", "edit", "CERT-B", "--cap-objects-day", "none", home=home)
    rest = partner.get("objects/", next=first.json()["next"])
    assert len(rest.json()["objects"]) == 6
    assert comity("partner", "edit", "CERT-B", "--cap-objects-day", "0", home=home).code == 2
