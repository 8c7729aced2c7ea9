"""Many objects at once by the pages: chosen in a search, looked at before anything is done, and undone as a whole."""

import re
from dataclasses import replace

import pytest
from tests.desk_world import Desk, address, went_to
from tests.gate_world import marked
from tests.visiting import Seen
from tests.world import bundle

from comity.errors import InvalidRequest, NotAuthorized, NotFound, TooLarge
from comity.stix.tlp import TLP
from comity.web.ui.visit import Form

pytestmark = pytest.mark.slow


def shown(desk: Desk, by: str = "rolf", **fields: object) -> Seen:
    """What the form of the search leads to."""
    answer = desk.post("/bulk", by, **fields)
    assert answer.status == 200, Seen(answer).text
    return Seen(answer)


def names(desk: Desk, by: str = "rolf") -> set[str]:
    """What a search finds."""
    with desk.staff.acting(by):
        return {hit.name for hit in desk.node.browse(limit=100).hits}


def last(pattern: str, seen: Seen) -> str:
    """What stands last in a hidden field."""
    return str(re.findall(pattern, seen.source)[-1])


def test_a_search_offers_what_a_role_may_do(desk: Desk) -> None:
    seen = desk.seen("/search")
    assert {"Mark…", "Publish…", "Unpublish…", "Withdraw…"} <= set(re.findall(r"[A-Z]\w+…", seen.text))
    assert seen.source.count('name="id"') == seen.source.count('name="of_page"') == len(names(desk)) > 3
    assert "all 6 that match" in seen.text
    ana = desk.seen("/search", "ana").text
    assert "Withdraw…" in ana
    assert "Publish…" not in ana
    assert "Withdraw…" not in desk.seen("/search", "rita").text
    with pytest.raises(NotAuthorized):
        desk.post("/bulk", "rita", act="withdraw", scope="all")


def test_what_is_ticked_is_looked_at_then_withdrawn_and_comes_back(acting_desk: Desk) -> None:
    desk, before = acting_desk, names(acting_desk)
    ids = [desk.green["id"], desk.fresh["id"]]
    seen = shown(desk, act="withdraw", scope="ticked", id=ids, of_page=[*ids, desk.amber["id"]])
    assert "2 objects , 2 copies" in seen.text
    assert "would be done" in seen.text
    assert "They would be offered these no more." in seen.text
    assert "/partners/CERT-B" in seen.links
    assert names(desk) == before
    path, told = went_to(desk.submit(seen, "/bulk", "rolf", reason="a mistake"))
    assert told["done"] == "batch-withdraw"
    assert names(desk) == before - {"Beacon", "Fresh"}
    page = desk.seen(path)
    assert "a mistake" in page.text
    assert "Undo the whole batch" in page.text
    # The same form once more finds another state than the one that was shown.
    assert desk.submit(seen, "/bulk", "rolf").status in (404, 409)
    back, said = went_to(desk.submit(page, f"{path}/undo", "rolf"))
    assert (back, said["done"]) == (path, "batch-undone")
    assert names(desk) == before
    assert desk.world_ids("CERT-B") >= {desk.green["id"]}
    after = desk.seen(path).text
    assert "undone" in after
    assert "Undo the whole batch" not in after


def test_all_of_a_page_and_all_that_match_are_other_sets(desk: Desk) -> None:
    page = [desk.green["id"], desk.amber["id"], desk.fresh["id"]]
    assert "3 objects" in shown(desk, act="withdraw", scope="page", id=page[:1], of_page=page).text
    everything = shown(desk, act="withdraw", scope="all", id=page[:1], of_page=page, q="type:indicator").text
    assert "6 objects" in everything
    assert "1 object ," in shown(desk, act="withdraw", scope="all", q="Beacon").text
    with pytest.raises(InvalidRequest, match="ticked"):
        desk.post("/bulk", "rolf", act="withdraw", scope="ticked", of_page=page)


def test_a_marking_is_chosen_then_shown_and_then_put_beside(acting_desk: Desk) -> None:
    desk = acting_desk
    ids = [desk.green["id"], desk.amber["id"]]
    first = shown(desk, "ana", act="mark", scope="ticked", id=ids)
    assert "Which marking" in first.text
    assert "would be done" not in first.text
    trial = desk.submit(first, "/bulk", "ana", level="amber", reason="names a victim")
    seen = Seen(trial)
    assert "would be done" in seen.text
    assert "is so already" in seen.text
    seal = last(r'name="seal" value="([^"]+)"', seen)
    done = desk.post("/bulk", "ana", act="mark", ids=" ".join(ids), level="amber", reason="names a victim", seal=seal)
    path, _ = went_to(done)
    text = desk.seen(path, "ana").text
    assert "TLP:AMBER" in text
    assert "names a victim" in text
    with desk.staff.acting("ana"):
        assert [(copy.tlp, copy.tlp_from) for copy in desk.node.seen(desk.green["id"])] == [("TLP:AMBER", "mark")]


def test_what_is_passed_over_is_grouped_by_its_reason_and_tried_again(acting_desk: Desk) -> None:
    desk = acting_desk
    seen = shown(desk, "ana", act="withdraw", scope="ticked", id=[desk.green["id"], desk.fresh["id"]])
    assert "would be passed over" in seen.text
    assert "a releaser withdraws it (R12)" in seen.text
    path, _ = went_to(desk.submit(seen, "/bulk", "ana"))
    page = desk.seen(path, "ana")
    assert "Try this one again" in page.text
    with desk.staff.acting("rolf"):
        desk.node.unpublish()
    assert went_to(desk.submit(page, f"{path}/retry", "ana"))[1]["done"] == "batch-retried"
    assert "passed over" not in desk.seen(path, "ana").text


def test_publishing_is_led_to_with_the_same_objects(desk: Desk) -> None:
    path, told = went_to(desk.post("/bulk", "rolf", act="publish", scope="ticked", id=[desk.fresh["id"]]))
    assert (path, told) == ("/release/publish", {"ids": desk.fresh["id"]})
    answer = desk.post("/bulk", "rolf", act="unpublish", scope="all", type=["indicator"])
    assert went_to(answer) == ("/release/unpublish", {"types": "indicator", "all": "yes"})
    with pytest.raises(InvalidRequest, match="page by page"):
        desk.post("/bulk", "rolf", act="publish", scope="all", q="kancil")
    with pytest.raises(InvalidRequest, match="releaser"):
        desk.post("/bulk", "ana", act="publish", scope="ticked", id=[desk.fresh["id"]])
    many = [f"indicator--00000000-0000-4000-8000-{number:012d}" for number in range(200)]
    with pytest.raises(TooLarge):
        desk.post("/bulk", "rolf", act="publish", scope="ticked", id=many)


def test_what_is_secret_is_neither_shown_nor_counted(desk: Desk) -> None:
    """R64."""
    seen = shown(desk, act="withdraw", scope="ticked", id=[desk.red["id"], desk.green["id"]])
    assert "1 object ," in seen.text
    assert "1 id names nothing that you may read." in seen.text
    assert "Their secret" not in shown(desk, act="withdraw", scope="all").text


def test_batches_are_listed_to_who_made_them_and_who_approves(acting_desk: Desk) -> None:
    desk = acting_desk
    assert "Nothing was done to many objects at once." in desk.seen("/batches").text
    seen = shown(desk, act="withdraw", scope="ticked", id=[desk.fresh["id"]])
    path, _ = went_to(desk.submit(seen, "/bulk", "rolf"))
    for by in ("rolf", "petra", "adam"):
        assert path in desk.seen("/batches", by).links
        desk.seen(path, by)
    assert path not in desk.seen("/batches", "ana").links
    with pytest.raises(NotFound):
        desk.get(path, "ana")
    assert desk.seen(address("/bulk", q="Beacon", act="withdraw")).text.count("1 object ,") == 1


def test_a_purpose_goes_along_from_the_list_to_what_is_done(acting_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """R44: the page asks for it, and the forms on it carry it."""
    desk, strict = acting_desk, marked(TLP.AMBER_STRICT, name="Closest")
    desk.node.receive(bundle(strict))
    monkeypatch.setattr(desk.node, "settings", replace(desk.node.settings, audit_purpose="asked"))
    asked = {"ids": strict["id"], "act": "withdraw"}
    without = desk.get(address("/bulk", **asked))
    assert without.status == 403
    assert "What do you read this for?" in Seen(without).text
    sent, visit = desk.visit("/bulk", "rolf")
    assert sent.act is not None
    with desk.staff.acting("rolf"):
        posted = sent.act(
            replace(visit, call=replace(visit.call, method="POST")), Form({k: [v] for k, v in asked.items()})
        )
    assert went_to(posted) == ("/bulk", asked)
    page = desk.seen(address("/bulk", **asked, purpose="case 7"))
    assert all("purpose=case+7" in link for link in page.links if link.startswith("/bulk?"))
    path, _ = went_to(desk.submit(page, "/bulk", "rolf"))
    assert path.startswith("/batches/")
